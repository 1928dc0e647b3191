'use strict'

const {
  Change,
  ChangeEntry,
  ChangeLog,
  Conflict,
  ConflictDetector,
  ConflictReport,
  ManualTime,
  VectorClock,
  conflictClassOf,
  conflictTypeClass,
  conflictTypeMirror,
  conflictTypeOf,
  conflictTypeOperations,
} = require('..')
const { A, B, C, NOW, expectError } = require('./support')

const entry = (node, fields) =>
  new ChangeEntry({
    ...{ node, sequence: 1n, vectorClock: new VectorClock([[node, 1]]), timestampNs: NOW },
    ...{ table: 't', rowId: 1, operation: 'update', after: { by: node }, ...fields },
  })
const time = new ManualTime(NOW + 5n)
const detector = new ConflictDetector('last_write_wins', { time })

test('an entry can be made without a log', () => {
  const bare = entry(A)
  expect(bare).toMatchObject({ lsn: 0n, transaction: { node: A, sequence: 1n }, verdict: null, metadata: {}, before: null })
  const full = entry(A, {
    ...{ lsn: 7, transaction: { node: A, sequence: 3 }, verdict: 'superseded', metadata: { a: 'b' } },
    ...{ before: Buffer.from([1]), timestampNs: undefined, timestamp: new Date(5) },
  })
  expect(full).toMatchObject({ lsn: 7n, transaction: { node: A, sequence: 3n }, verdict: 'superseded', metadata: { a: 'b' } })
  expect(full.before).toEqual(Buffer.from([1]))
  expect(full.timestampNs).toBe(5_000_000n)
})

test('an entry of a log can be made anew from its own fields', () => {
  const log = ChangeLog.inMemory()
  log.appendSync(Change.insert('t', [1, 'x'], { qty: 1 }, { metadata: { a: 'b' } }))
  const [original] = log.query()
  expect(new ChangeEntry(original).toJSON()).toEqual(original.toJSON())
})

test.each([
  ['nothing', undefined, /fields must be an object, got undefined/],
  ['no clock', { vectorClock: undefined }, /fields.vectorClock must be a VectorClock, got undefined/],
  ['a clock of a wrong type', { vectorClock: {} }, /fields.vectorClock must be a VectorClock, got an object/],
  ['no node', { node: undefined }, /fields.node must be a UUID/],
  ['an unknown verdict', { verdict: 'lost' }, /fields.verdict must be one of "applied", "superseded", "merged", got "lost"/],
  ['an unknown operation', { operation: 'upsert' }, /fields.operation must be one of/],
  ['a payload that JSON cannot say', { after: NaN }, /fields.after must be .*, got NaN/],
])('a malformed entry is refused: %s', (_what, fields, message) => {
  expectError(() => (fields ? entry(A, fields) : new ChangeEntry()), 'INVALID_ARGUMENT', message)
})

test('two concurrent entries that disagree are a conflict', () => {
  const [local, remote] = [entry(A), entry(B, { timestampNs: NOW + 1n, operation: 'delete', after: null })]
  const conflict = detector.detect(local, remote)
  expect(conflict).toBeInstanceOf(Conflict)
  expect(conflict).toMatchObject({ conflictType: 'update_delete', table: 't', rowId: 1, detectedAtNs: NOW + 5n })
  expect(conflict.localEntry.dot).toEqual(local.dot)
  expect(conflict.remoteEntry.dot).toEqual(remote.dot)
  expect(conflict.detectedAt).toEqual(new Date(1_700_000_000_123))
  expect(detector.detect(remote, local)).toMatchObject({ id: conflict.id, conflictType: 'delete_update' })
})

test('there is none where one author had seen the other, where both are one, and where both agree', () => {
  const local = entry(A)
  const later = entry(B, { vectorClock: new VectorClock({ [A]: 1, [B]: 1 }) })
  expect(detector.detect(local, later)).toBeNull()
  expect(detector.detect(later, local)).toBeNull()
  expect(detector.detect(local, entry(A))).toBeNull()
  expect(detector.detect(local, entry(B, { after: { by: A } }))).toBeNull()
})

test('a report of a conflict says who won, and why', () => {
  const conflict = detector.detect(entry(A), entry(B, { timestampNs: NOW + 1n }))
  const report = detector.report(conflict)
  expect(report).toBeInstanceOf(ConflictReport)
  expect(report).toMatchObject({
    ...{ id: conflict.id, table: 't', rowId: 1, conflictClass: 'update_update', conflictType: 'update_update' },
    ...{ strategy: 'last_write_wins', winner: { node: B, sequence: 1n }, isPending: false, winningSide: 'remote' },
    ...{ reasonCode: 'later_timestamp', settledBy: null, detectedAtNs: NOW + 5n },
  })
  expect(report.reason).toMatch(/it is later than/)
  expect(report.valueJson()).toEqual({ by: B })
  expect(report.value).toEqual(Buffer.from(`{"by":"${B}"}`))
  expect(report.winningEntry.dot).toEqual({ node: B, sequence: 1n })
  expect(report.heads.map((head) => head.node)).toEqual([A, B])
})

test('its JSON is one line and its text several, the same whoever asks', () => {
  const [local, remote] = [entry(A), entry(B, { timestampNs: NOW + 1n })]
  const [here, there] = [
    [local, remote],
    [remote, local],
  ].map(([one, other]) => detector.report(detector.detect(one, other)))
  expect(here.winningSide).toBe('remote')
  expect(there.winningSide).toBe('local')
  expect(here.toJson()).toBe(there.toJson())
  expect(String(here)).toBe(String(there))
  expect(here.toJson()).not.toMatch(/\n/)
  expect(String(here).split('\n')[0]).toBe(`conflict ${here.id} (standing)`)
  expect(JSON.parse(JSON.stringify(here))).toEqual(JSON.parse(here.toJson()))
})

test('JSON.stringify of a report keeps long integers exact', () => {
  const report = detector.resolve([entry(A, { after: { n: 2n ** 60n } }), entry(B, { after: 1 })])
  expect(report.toJson()).toMatch(/"n":1152921504606846976/)
  expect(report.toJSON().heads[0].after).toEqual({ n: '1152921504606846976' })
})

test('a deleted row has no value, and a value that is no JSON is not read as such', () => {
  const deleted = detector.resolve([entry(A), entry(B, { operation: 'delete', after: null })])
  expect([deleted.value, deleted.valueJson()]).toEqual([null, null])
  const bytes = detector.resolve([entry(A), entry(B, { after: Buffer.from([255]) })])
  expect(bytes.value).toEqual(Buffer.from([255]))
  expectError(() => bytes.valueJson(), 'INVALID_ARGUMENT', /value is not JSON/)
})

test('a set of heads is resolved whatever its order, and settled by a dot', () => {
  const heads = [entry(A), entry(B, { timestampNs: NOW + 9n }), entry(C, { timestampNs: NOW + 1n })]
  const standing = detector.resolve(heads)
  expect(standing).toMatchObject({ winner: { node: B, sequence: 1n }, settledBy: null, conflictType: null, winningSide: null })
  expect(detector.resolve(new Set(heads.toReversed())).toJson()).toBe(standing.toJson())
  const settled = detector.resolve(heads, { node: A, sequence: 2 })
  expect(settled.settledBy).toEqual({ node: A, sequence: 2n })
  expect(settled.toJSON()).toMatchObject({ state: 'settled', settled_by: `${A}:2` })
})

test('the causal strategy leaves concurrent entries to somebody', () => {
  const causal = new ConflictDetector('vector_clock_causal')
  expect(causal.resolution).toBe('vector_clock_causal')
  const report = causal.resolve([entry(A), entry(B)])
  expect(report).toMatchObject({ winner: null, isPending: true, winningEntry: null, reasonCode: 'concurrent' })
  expect(report.valueJson()).toEqual({ by: B })
  const later = entry(B, { vectorClock: new VectorClock({ [A]: 1, [B]: 1 }) })
  expect(causal.resolve([entry(A), later])).toMatchObject({ winner: { node: B, sequence: 1n }, reasonCode: 'causally_later' })
})

test('last-write-wins is the default, and goes by the system\'s clock', () => {
  const before = Date.now()
  for (const plain of [new ConflictDetector(), new ConflictDetector(null, null), new ConflictDetector(undefined, {})]) {
    expect(plain.resolution).toBe('last_write_wins')
    expect(plain.resolve([entry(A), entry(B)]).detectedAt.getTime()).toBeGreaterThanOrEqual(before)
  }
})

test('misuse is refused', () => {
  expectError(() => new ConflictDetector('coin'), 'INVALID_ARGUMENT', /resolution: unknown conflict resolution "coin": it is one of last_write_wins, first_write_wins/)
  expectError(() => new ConflictDetector(5), 'INVALID_ARGUMENT', /resolution must be a strategy, as its name or an object, got 5/)
  expectError(() => new ConflictDetector('delete_wins'), 'INVALID_ARGUMENT', /"delete_wins" has parameters/)
  expectError(() => detector.resolveRow(5), 'INVALID_ARGUMENT', /entries must be an array of entries, got 5/)
  expectError(() => new ConflictDetector(null, { clock: time }), 'INVALID_ARGUMENT', /options has no property "clock"/)
  expectError(() => new ConflictDetector(null, { time: 5 }), 'INVALID_ARGUMENT', /options.time must be a ManualTime, got 5/)
  expectError(() => detector.detect(entry(A), {}), 'INVALID_ARGUMENT', /remote must be a ChangeEntry, got an object/)
  expectError(() => detector.detect(entry(A), entry(B, { rowId: 2 })), 'INVALID_ARGUMENT', /two rows/)
  expectError(() => detector.detect(entry(A), entry(A, { after: 1 })), 'DOT_REUSE', new RegExp(`${A}:1`))
  expectError(() => detector.report({}), 'INVALID_ARGUMENT', /conflict must be a Conflict, got an object/)
  expectError(() => detector.resolve([]), 'INVALID_ARGUMENT', /two entries at least, not 0/)
  expectError(() => detector.resolve([entry(A), entry(A)]), 'INVALID_ARGUMENT', /not 1/)
  expectError(() => detector.resolve(5), 'INVALID_ARGUMENT', /entries must be an array of entries, got 5/)
  expectError(() => detector.resolve([entry(A), 5]), 'INVALID_ARGUMENT', /entries\[1\] must be a ChangeEntry, got 5/)
  expectError(() => detector.resolve([entry(A), entry(B)], 'x'), 'INVALID_ARGUMENT', /settledBy must be a dot/)
})

test('shapes and classes', () => {
  const operations = ['insert', 'update', 'delete']
  for (const local of operations) {
    for (const remote of operations) {
      const shape = conflictTypeOf(local, remote)
      expect(shape).toBe(`${local}_${remote}`)
      expect(conflictTypeOperations(shape)).toEqual([local, remote])
      expect(conflictTypeMirror(shape)).toBe(`${remote}_${local}`)
      expect(conflictTypeClass(shape)).toBe(conflictClassOf([remote, local]))
    }
  }
  expect(conflictClassOf([])).toBeNull()
  expect(conflictClassOf(['insert', 'update', 'delete'])).toBe('update_delete')
  expectError(() => conflictTypeOf('insert', 'upsert'), 'INVALID_ARGUMENT', /remote must be one of .*, got "upsert"/)
  expectError(() => conflictTypeMirror('insert'), 'INVALID_ARGUMENT', /conflictType must be one of/)
  expectError(() => conflictTypeOperations(5), 'INVALID_ARGUMENT', /got 5/)
  expectError(() => conflictTypeClass(), 'INVALID_ARGUMENT', /got undefined/)
  expectError(() => conflictClassOf('insert'), 'INVALID_ARGUMENT', /operations must be an array of operations/)
})
