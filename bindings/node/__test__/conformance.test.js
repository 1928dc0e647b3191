'use strict'

// The answers that every language must give: tests/conformance.

const { readFileSync } = require('node:fs')
const path = require('node:path')
const causelog = require('..')
const { ROOT, error, expectError, thrownBy } = require('./support')

const { ChangeEntry, ChangeLog, ConflictDetector, HybridLogicalClock, ManualTime, VectorClock } = causelog

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
  queries: {
    queries({ log, closed, options, lsns }) {
      expect(lsnsOf(logOf('queries', log, closed).query(queryOf(options)))).toEqual(lsns)
    },
    refused({ log, closed, options, error: code }) {
      const asked = logOf('queries', log, closed)
      expectError(() => asked.query(queryOf(options)), code)
    },
  },
  time_travel: {
    states({ log, table, row_id: rowId, at, row }) {
      const state = logOf('time_travel', log).stateAtSync(table, rowIdOf(rowId), momentOf(at))
      expect(state && plainRow(state)).toEqual(row && rowOf(row))
    },
    snapshots({ log, table, at, lsn, rows }) {
      expectRows(logOf('time_travel', log).snapshotSync(table, momentOf(at)), { lsn, rows })
    },
    histories({ log, table, row_id: rowId, lsns }) {
      expect(lsnsOf(logOf('time_travel', log).history(table, rowIdOf(rowId)))).toEqual(lsns)
    },
    views({ log: name, table, transactions: count, lsn, rows, refreshes }) {
      const pending = transactionsOf('time_travel', name)
      const log = emptyLog()
      const append = (some) => some.forEach((transaction) => log.appendRemoteSync(transaction))
      append(pending.splice(0, count))
      const view = log.materialiseSync(table)
      expectRows(view, { lsn, rows })
      for (const refresh of refreshes) {
        append(pending.splice(0, refresh.append))
        expect(view.refreshSync()).toBe(refresh.taken)
        expectRows(view, refresh)
        expectRows(log.snapshotSync(table, BigInt(refresh.lsn)), refresh)
      }
    },
    refused({ log: name, closed, call, table, row_id: rowId, at, error: code }) {
      const log = logOf('time_travel', name)
      const view = call === 'refresh' ? log.materialiseSync(table) : null
      if (closed) log.closeSync()
      const calls = {
        history: () => log.history(table, rowIdOf(rowId)),
        state_at: () => log.stateAtSync(table, rowIdOf(rowId), momentOf(at)),
        snapshot: () => log.snapshotSync(table, momentOf(at)),
        materialise: () => log.materialiseSync(table),
        refresh: () => view.refreshSync(),
      }
      expectError(calls[call], code)
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
  resolution: {
    rows({ strategy, entries, row, reports, error: code }) {
      const resolve = (turned) => new ConflictDetector(strategy).resolveRow(turned(entries.map(entryOf)))
      if (code) return expectError(() => resolve((list) => list), code)
      for (const turned of [(list) => list, (list) => list.reverse()]) {
        const found = resolve(turned)
        expect([found.isLive, found.value, found.heads.map(textOf)]).toEqual([row.is_live, payloadOf(row.value), row.heads])
        expect(found.standing === null).toBe(row.standing === null)
        if (row.standing) expectConflict(found.standing, row.standing)
        expect(found.settled.length).toBe(row.settled.length)
        row.settled.forEach((expected, index) => expectConflict(found.settled[index], expected))
        const all = [found.standing, ...found.settled].filter(Boolean)
        expect(all.map((report) => report.toJson())).toEqual(reports)
      }
      return undefined
    },
  },
}

/** Checks how a conflict that a row met was decided. */
function expectConflict(report, expected) {
  expect(report.conflictClass).toBe(expected.conflict_class)
  expect(winnerOf(report)).toBe(expected.winner)
  expect(report.reasonCode).toBe(expected.reason_code)
  expect([report.ancestor, report.value]).toEqual([payloadOf(expected.ancestor), payloadOf(expected.value)])
  expect(report.settledBy && textOf(report.settledBy)).toBe(expected.settled_by ?? null)
}

/** Who won, as the vectors write it. */
function winnerOf(report) {
  if (report.winner) return textOf(report.winner)
  return report.isMerged ? 'merged' : report.isPending && 'pending'
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

/** A log as the vectors of queries and of time travel are asked of. */
function emptyLog() {
  const time = new ManualTime(2n ** 63n - 1n)
  return ChangeLog.inMemory({ node: 'dddddddd-0000-4000-8000-000000000004', time })
}

function transactionsOf(file, name) {
  const { transactions } = vectors(file).logs.find((log) => log.name === name)
  const change = ({ row_id: rowId, before, after, ...rest }) => {
    return { ...rest, rowId: rowIdOf(rowId), before: payloadOf(before), after: payloadOf(after) }
  }
  return transactions.map(({ node, sequence, dependencies, timestamp, changes }) => ({
    ...{ node, sequence: BigInt(sequence), dependencies: dependencies.map(dotOf) },
    ...{ timestampNs: BigInt(timestamp), changes: changes.map(change) },
  }))
}

function logOf(file, name, closed = false) {
  const log = emptyLog()
  for (const transaction of transactionsOf(file, name)) log.appendRemoteSync(transaction)
  if (closed) log.closeSync()
  return log
}

/** What the vectors call an option, what it is called here, and how it is read. */
const OPTIONS = {
  tables: ['tables', (tables) => tables],
  row_id: ['rowId', rowIdOf],
  operation: ['operation', String],
  node: ['node', String],
  transaction: ['transaction', dotOf],
  unseen_by: ['unseenBy', clockOf],
  since: ['since', BigInt],
  until: ['until', BigInt],
  since_time: ['sinceTime', BigInt],
  until_time: ['untilTime', BigInt],
  limit: ['limit', Number],
  reverse: ['reverse', Boolean],
}

function queryOf(options) {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => {
      const [name, read] = OPTIONS[key]
      return [name, read(value)]
    }),
  )
}

const lsnsOf = (cursor) => Array.from(cursor, ({ lsn }) => Number(lsn))

function momentOf(at) {
  if (at === 'now') return null
  return at.lsn === undefined ? { timestampNs: BigInt(at.time) } : BigInt(at.lsn)
}

const plainRow = ({ rowId, value, lsn, timestampNs, dot }) => ({ rowId, value, lsn, timestampNs, dot })

function rowOf({ row_id: rowId, value, lsn, timestamp, dot }) {
  const fields = { rowId: rowIdOf(rowId), value: payloadOf(value) }
  return { ...fields, lsn: BigInt(lsn), timestampNs: BigInt(timestamp), dot: dotOf(dot) }
}

/** Checks what a snapshot or a view shows, in every way of asking it. */
function expectRows(shown, { lsn, rows }) {
  const expected = rows.map(rowOf)
  expect(shown.lsn).toBe(BigInt(lsn))
  expect(shown.size).toBe(expected.length)
  expect(Array.from(shown.values(), plainRow)).toEqual(expected)
  expect([...shown.keys()]).toEqual(expected.map(({ rowId }) => rowId))
  for (const row of expected) expect(plainRow(shown.get(row.rowId))).toEqual(row)
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
  expect([winnerOf(report), report.isPending]).toEqual([expected.winner, expected.winner === 'pending'])
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
    const known = new Set([...Object.keys(lists), ...(name === 'row_id' ? ['ascending'] : []), 'logs'])
    expect(Object.keys(file).filter((list) => !known.has(list))).toEqual([])
  })
})

test('row ids that ascend are encoded in ascending order', () => {
  const encoded = vectors('row_id').ascending.map((rowId) => causelog.encodeRowId(rowIdOf(rowId)))
  expect(encoded.length).toBeGreaterThan(1)
  encoded.slice(1).forEach((later, index) => expect(Buffer.compare(encoded[index], later)).toBe(-1))
})
