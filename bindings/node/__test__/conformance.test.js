'use strict'

// The answers that every language must give: tests/conformance.

const { readFileSync } = require('node:fs')
const path = require('node:path')
const causelog = require('..')
const { ROOT, error, expectError, thrownBy } = require('./support')

const { ChangeEntry, ConflictDetector, HybridLogicalClock, VectorClock } = causelog

const vectors = (name) => JSON.parse(readFileSync(path.join(ROOT, '../../tests/conformance', `${name}.json`), 'utf8'))
const clockOf = (json) => VectorClock.fromJson(json)

/** A dot written as `node:sequence`. */
function dotOf(text) {
  const [node, sequence] = text.split(':')
  return { node, sequence: BigInt(sequence) }
}
const textOf = (dot) => `${dot.node}:${dot.sequence}`

/** Runs `run` on every case of a list, and names the list's case where it fails. */
function each(cases, run) {
  expect(cases.length).toBeGreaterThan(0)
  cases.forEach((one, index) => {
    try {
      run(one)
    } catch (failure) {
      failure.message = `case ${index}, ${JSON.stringify(one).slice(0, 500)}:\n${failure.message}`
      throw failure
    }
  })
}

const LISTS = {
  vector_clock: {
    compare({ a, b, relation, happens_before: before, conflicts_with: conflicts }) {
      const [one, other] = [clockOf(a), clockOf(b)]
      expect(one.compare(other)).toBe(relation)
      expect(one.happensBefore(other)).toBe(before)
      expect(one.conflictsWith(other)).toBe(conflicts)
      expect(one.equals(other)).toBe(relation === 'equal')
    },
    covers({ clock, node, sequence, covers }) {
      expect(clockOf(clock).covers({ node, sequence: BigInt(sequence) })).toBe(covers)
    },
    get({ clock, node, sequence }) {
      expect(clockOf(clock).get(node)).toBe(BigInt(sequence))
    },
    merge({ a, b, result }) {
      const [one, other] = [clockOf(a), clockOf(b)]
      one.merge(other)
      expect(one.toJson()).toBe(result)
      expect(other.toJson()).toBe(clockOf(b).toJson())
    },
    increment({ clock, node, sequence, result, error: code }) {
      const counted = clockOf(clock)
      if (code) expectError(() => counted.increment(node), code)
      else expect(counted.increment(node)).toBe(BigInt(sequence))
      expect(counted.toJson()).toBe(result)
    },
    advance({ clock, node, sequence, result }) {
      const advanced = clockOf(clock)
      advanced.advance(node, BigInt(sequence))
      expect(advanced.toJson()).toBe(result)
    },
    bytes({ clock, hex }) {
      expect(clockOf(clock).toBytes().toString('hex')).toBe(hex)
      expect(VectorClock.fromBytes(Buffer.from(hex, 'hex')).equals(clockOf(clock))).toBe(true)
    },
    malformed_bytes({ hex, error: code }) {
      expectError(() => VectorClock.fromBytes(Buffer.from(hex, 'hex')), code)
    },
    json({ json, canonical }) {
      expect(clockOf(json).toJson()).toBe(canonical)
    },
    malformed_json({ json, error: code }) {
      expectError(() => clockOf(json), code)
    },
    display({ clock, text }) {
      expect(String(clockOf(clock))).toBe(text)
    },
    iteration({ clock, entries }) {
      expect([...clockOf(clock)]).toEqual(entries.map(({ node, sequence }) => [node, BigInt(sequence)]))
      expect(clockOf(clock).size).toBe(entries.length)
    },
  },
  row_id: {
    encodings({ row_id: rowId, hex }) {
      expect(causelog.encodeRowId(rowIdOf(rowId)).toString('hex')).toBe(hex)
      expect(causelog.decodeRowId(Buffer.from(hex, 'hex'))).toEqual(rowIdOf(rowId))
    },
    malformed({ hex, error: code }) {
      expectError(() => causelog.decodeRowId(Buffer.from(hex, 'hex')), code)
    },
  },
  hybrid_clock: {
    sequences({ steps }) {
      const clock = new HybridLogicalClock()
      for (const { op, argument, result, error: code, last } of steps) {
        if (op === 'observe') clock.observe(BigInt(argument))
        else if (code) expectError(() => clock.tick(BigInt(argument)), code)
        else expect(clock.tick(BigInt(argument))).toBe(BigInt(result))
        expect(clock.last).toBe(last === null ? null : BigInt(last))
      }
    },
  },
  timestamp: {
    parse({ text, nanoseconds, canonical }) {
      expect(causelog.parseTimestamp(text)).toBe(BigInt(nanoseconds))
      expect(causelog.formatTimestamp(BigInt(nanoseconds))).toBe(canonical)
    },
    format({ nanoseconds, text }) {
      expect(causelog.formatTimestamp(BigInt(nanoseconds))).toBe(text)
      expect(causelog.parseTimestamp(text)).toBe(BigInt(nanoseconds))
    },
    malformed({ text, error: code }) {
      expectError(() => causelog.parseTimestamp(text), code)
    },
  },
  conflict: {
    shapes({ local, remote, conflict_type: type, mirror, conflict_class: kind }) {
      expect(causelog.conflictTypeOf(local, remote)).toBe(type)
      expect(causelog.conflictTypeMirror(type)).toBe(mirror)
      expect(causelog.conflictTypeClass(type)).toBe(kind)
    },
    classes({ operations, conflict_class: kind }) {
      expect(causelog.conflictClassOf(operations)).toBe(kind)
    },
    detect({ strategy, local, remote, conflict: expected, error: code }) {
      const detector = new ConflictDetector(strategy)
      const detect = () => detector.detect(entryOf(local), entryOf(remote))
      if (code) return expectError(detect, code)
      const conflict = detect()
      if (expected === null) return expect(conflict).toBeNull()
      const report = detector.report(conflict)
      expect(conflict.conflictType).toBe(expected.conflict_type)
      expect(conflict.id).toBe(expected.id)
      expect(report.conflictType).toBe(expected.conflict_type)
      expect(report.winningSide).toBe(expected.winning_side)
      return expectReport(report, expected)
    },
    resolve({ strategy, entries, settled_by: settledBy, report: expected, error: code }) {
      const detector = new ConflictDetector(strategy)
      const resolve = () => detector.resolve(entries.map(entryOf), settledBy ? dotOf(settledBy) : null)
      if (code) return expect(thrownBy(resolve)).toEqual(error(code))
      const report = resolve()
      expect(report.heads.map(({ dot }) => textOf(dot))).toEqual(expected.order)
      expect([report.conflictType, report.winningSide]).toEqual([null, null])
      return expectReport(report, expected)
    },
  },
}

function rowIdOf(value) {
  if (Array.isArray(value)) return value.map(rowIdOf)
  if (value?.integer !== undefined) return BigInt(value.integer)
  return value?.bytes === undefined ? value : Buffer.from(value.bytes, 'hex')
}

/** Bytes of a payload: text stands for its UTF-8. */
function payloadOf(value) {
  if (value === undefined || value === null) return null
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.hex, 'hex')
}

function entryOf({ clock, row_id: rowId, timestamp, transaction, sequence, before, after, ...rest }) {
  return new ChangeEntry({
    ...rest,
    rowId: rowIdOf(rowId),
    sequence: BigInt(sequence),
    vectorClock: clockOf(clock),
    timestampNs: BigInt(timestamp),
    transaction: transaction === undefined ? undefined : dotOf(transaction),
    before: payloadOf(before),
    after: payloadOf(after),
  })
}

function expectReport(report, expected) {
  expect(report.conflictClass).toBe(expected.conflict_class)
  expect(report.isPending).toBe(expected.winner === 'pending')
  expect(report.winner && textOf(report.winner)).toBe(report.isPending ? null : expected.winner)
  expect(report.reasonCode).toBe(expected.reason_code)
  expect(report.value).toEqual(payloadOf(expected.value))
  expect(report.id).toBe(expected.id)
  expect(report.toJson()).toBe(expected.json)
  expect(String(report)).toBe(expected.text)
}

describe.each(Object.entries(LISTS))('%s.json', (name, lists) => {
  const file = vectors(name)

  test.each(Object.entries(lists))('%s', (list, run) => each(file[list], run))

  test('no list is left out', () => {
    const known = new Set([...Object.keys(lists), ...(name === 'row_id' ? ['ascending'] : [])])
    expect(Object.keys(file).filter((list) => !known.has(list))).toEqual([])
  })
})

test('row ids that ascend are encoded in ascending order', () => {
  const encoded = vectors('row_id').ascending.map((rowId) => causelog.encodeRowId(rowIdOf(rowId)))
  expect(encoded.length).toBeGreaterThan(1)
  encoded.slice(1).forEach((later, index) => expect(Buffer.compare(encoded[index], later)).toBe(-1))
})
