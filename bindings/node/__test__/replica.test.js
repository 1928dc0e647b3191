'use strict'

const { inspect } = require('node:util')
const path = require('node:path')
const { Change, ChangeLog, ConflictDetector, ManualTime, Replica, ResolverRegistry, Write, sync, syncSync } = require('..')
const { A, B, C, NOW, error, expectError, expectRejection, temporaryDirectory } = require('./support')

const directory = temporaryDirectory()

/** A replica in memory of this node that resolves by this strategy, and its time. */
function open(node, strategy = 'last_write_wins', options = {}) {
  const time = new ManualTime(NOW)
  const registry = strategy instanceof ResolverRegistry ? strategy : new ResolverRegistry(strategy)
  const replica = Replica.inMemory({ log: { node, time }, registry, ...options })
  return { replica, time }
}

/** Two replicas that have the row 1 of `t` with the same value, and whose times can be put apart. */
function pair(strategy, first = { n: 0 }) {
  const [a, b] = [open(A, strategy), open(B, strategy)]
  a.replica.insertSync('t', 1, first)
  syncSync(a.replica, b.replica)
  a.time.set(NOW + 1_000n)
  b.time.set(NOW + 2_000n)
  return [a.replica, b.replica]
}

const valueOf = (replica, rowId = 1) => replica.getSync('t', rowId)?.valueJson() ?? null

/** Checks that both show the same row and the same conflicts, and returns the row's value. */
function agreed(a, b) {
  expect(syncSync(a, b)).toMatchObject({ skipped: [], refused: [] })
  expect(a.rowsSync('t').map((row) => row.toJSON())).toEqual(b.rowsSync('t').map((row) => row.toJSON()))
  expect(a.conflictsSync().map((report) => report.toJson())).toEqual(b.conflictsSync().map((report) => report.toJson()))
  expect(String(a.whySync('t', 1))).toBe(String(b.whySync('t', 1)))
  return valueOf(a)
}

describe('writing', () => {
  test('rows come, change and go', () => {
    const { replica } = open(A)
    expect(replica.node).toBe(A)
    expect(replica.getSync('t', 1)).toBeNull()
    expect(replica.heads('t', 1)).toEqual([])
    expect(replica.insertSync('t', 1, { qty: 1 })).toMatchObject({ transaction: { node: A, sequence: 1n }, firstLsn: 1n, duplicate: false })
    const row = replica.getSync('t', 1)
    expect(row).toMatchObject({ rowId: 1, value: Buffer.from('{"qty":1}'), heads: [{ node: A, sequence: 1n }], state: 'resolved' })
    expect(JSON.parse(JSON.stringify(row))).toEqual({ rowId: 1, value: { qty: 1 }, heads: [`${A}:1`], state: 'resolved' })
    expect(inspect(row)).toMatch(/^ReplicaRow \{/)
    replica.updateSync('t', 1, Buffer.from('bytes'))
    expect(replica.getSync('t', 1).value).toEqual(Buffer.from('bytes'))
    replica.deleteSync('t', 1)
    expect(replica.getSync('t', 1)).toBeNull()
    expect(replica.heads('t', 1)).toEqual([{ node: A, sequence: 3n }])
    expect(replica.rowsSync('t')).toEqual([])
    expect(Array.from(replica.log.query(), ({ operation, before }) => [operation, before && String(before)])).toEqual([
      ['insert', null],
      ['update', '{"qty":1}'],
      ['delete', 'bytes'],
    ])
    expect(Array.from(replica.log.query(), ({ verdict }) => verdict)).toEqual(['applied', 'applied', 'applied'])
  })

  test('a write is held against the row as it is', () => {
    const { replica } = open(A)
    expectError(() => replica.updateSync('t', 1, {}), 'NOT_FOUND')
    expectError(() => replica.deleteSync('t', 1), 'NOT_FOUND')
    replica.insertSync('t', 1, {})
    expectError(() => replica.insertSync('t', 1, {}), 'ALREADY_EXISTS')
    expect(replica.log.stats().entries).toBe(1)
  })

  test('several writes are there together, or not at all', () => {
    const { replica } = open(A)
    replica.writeSync([Write.insert('t', 1, { n: 1 }), Write.insert('t', 2, { n: 2 }), Write.update('t', 1, { n: 3 }), Write.delete('t', 2)])
    expect(replica.rowsSync('t').map((row) => [row.rowId, row.valueJson()])).toEqual([[1, { n: 3 }]])
    expectError(() => replica.writeSync([Write.insert('t', 3, {}), Write.insert('t', 1, {})]), 'ALREADY_EXISTS')
    expect(replica.getSync('t', 3)).toBeNull()
    replica.writeSync([Write.insert('t', 4, {}, { metadata: { actor: 'alice' } })])
    const [entry] = replica.log.query({ rowId: 4 })
    expect(entry.metadata).toEqual({ actor: 'alice' })
  })

  test('a write with expected heads is refused when the row has others', () => {
    const { replica } = open(A)
    replica.writeSync([Write.insert('t', 1, { n: 1 }, { expected: [] })])
    expectError(() => replica.writeSync([Write.insert('t', 1, { n: 1 }, { expected: [] })]), 'VERSION_MISMATCH', /not the expected \[\]/)
    const { heads } = replica.getSync('t', 1)
    replica.writeSync([Write.update('t', 1, { n: 2 }, { expected: heads })])
    expectError(() => replica.writeSync([Write.update('t', 1, { n: 3 }, { expected: heads })]), 'VERSION_MISMATCH', new RegExp(`${A}:2.*${A}:1`))
    expect(valueOf(replica)).toEqual({ n: 2 })
    replica.writeSync([Write.delete('t', 1, { expected: replica.heads('t', 1) })])
    expect(valueOf(replica)).toBeNull()
  })

  test('fields are set, removed and added to', () => {
    const { replica } = open(A)
    replica.insertSync('t', 1, { qty: 1, note: 'x' })
    replica.patchSync('t', 1, { status: 'paid', gone: null }, ['note', 'never'])
    expect(valueOf(replica)).toEqual({ qty: 1, status: 'paid', gone: null })
    replica.incrementSync('t', 1, 'qty', -3)
    replica.incrementSync('t', 1, 'total', 2n ** 62n)
    expect(valueOf(replica)).toEqual({ qty: -2, status: 'paid', gone: null, total: 2n ** 62n })
    expectError(() => replica.incrementSync('t', 1, 'total', 2n ** 62n), 'TOO_LARGE')
    expectError(() => replica.incrementSync('t', 1, 'status', 1), 'INVALID_ARGUMENT', /"status" is no 64-bit integer/)
    expectError(() => replica.incrementSync('t', 1, 'qty', 2n ** 63n), 'INVALID_ARGUMENT', /by must be a signed 64-bit/)
    expectError(() => replica.incrementSync('t', 1, 'qty', 0.5), 'INVALID_ARGUMENT', /by must be/)
    expectError(() => replica.patchSync('t', 1, [1]), 'INVALID_ARGUMENT', /no JSON object/)
    expectError(() => replica.patchSync('t', 1, null), 'INVALID_ARGUMENT', /fields must be/)
    expectError(() => replica.patchSync('t', 1, {}, 'note'), 'INVALID_ARGUMENT', /remove must be an array of strings/)
    expectError(() => replica.patchSync('t', 2, {}), 'NOT_FOUND')
    expectError(() => replica.incrementSync('t', 2, 'qty', 1), 'NOT_FOUND')
  })

  test('changes can be recorded as they are', () => {
    const { replica } = open(A)
    replica.appendSync([Change.update('t', 1, { n: 1 }, { n: 2 }), Change.delete('t', 2)])
    expect(valueOf(replica)).toEqual({ n: 2 })
    expect(replica.stats()).toMatchObject({ rows: 2, contestedRows: 0, settlings: 0, beforeMismatches: 1 })
    expect(replica.stats().memory).toBeGreaterThan(0)
    expect(replica.appendSync([])).toMatchObject({ firstLsn: null })
  })

  test('the replica\'s log is read and not written', async () => {
    const { replica } = open(A)
    replica.insertSync('t', 1, {})
    const { log } = replica
    expect(log).toBeInstanceOf(ChangeLog)
    expect(log.node).toBe(A)
    expectError(() => log.appendSync(Change.insert('t', 2, {})), 'READ_ONLY')
    await expectRejection(log.append(Change.insert('t', 2, {})), 'READ_ONLY')
    expectError(() => log.compactSync(), 'READ_ONLY')
    expectError(() => log.retainSync({ maxBytes: 0 }), 'READ_ONLY')
    expect(log.snapshotSync('t').size).toBe(1)
    expect(log.stats().entries).toBe(1)
    replica.closeSync()
    expectError(() => log.stats(), 'CLOSED')
  })
})

describe('strategies', () => {
  test.each([
    ['last_write_wins', { n: 'b' }, 'later_timestamp'],
    ['first_write_wins', { n: 'a' }, 'earlier_write'],
    [{ kind: 'node_priority', order: [A] }, { n: 'a' }, 'higher_priority'],
    [{ kind: 'vector_clock_causal', fallback: 'first_write_wins' }, { n: 'a' }, 'earlier_write'],
    [{ kind: 'field_merge' }, { n: 'b' }, 'fields_merged'],
    ['vector_clock_causal', { n: 'b' }, 'concurrent'],
    ['manual', { n: 'b' }, 'concurrent'],
    [{ kind: 'custom', name: 'missing', version: 1 }, { n: 'b' }, 'resolver_missing'],
  ])('%p decides between two updates', (strategy, value, reason) => {
    const [a, b] = pair(strategy)
    a.updateSync('t', 1, { n: 'a' })
    b.updateSync('t', 1, { n: 'b' })
    expect(agreed(a, b)).toEqual(value)
    const [report] = a.conflictsSync()
    expect(report).toMatchObject({ conflictClass: 'update_update', reasonCode: reason, rule: 'default', settledBy: null, leavesLive: true })
    expect(report.strategy).toEqual(new ResolverRegistry(strategy).defaultResolution)
    expect(report.registry).toBe(a.registry().fingerprint)
    expect(report.ancestorJson()).toEqual({ n: 0 })
    expect(report.valueJson()).toEqual(value)
  })

  test.each([
    [{ kind: 'delete_wins', fallback: 'last_write_wins' }, null, 'delete_wins'],
    [{ kind: 'update_wins', fallback: 'last_write_wins' }, { n: 'b' }, 'update_wins'],
    [{ kind: 'field_merge', liveness: 'delete_wins' }, null, 'delete_wins'],
    ['last_write_wins', { n: 'b' }, 'later_timestamp'],
  ])('%p decides between a delete and an update', (strategy, value, reason) => {
    const [a, b] = pair(strategy)
    a.deleteSync('t', 1)
    b.updateSync('t', 1, { n: 'b' })
    expect(agreed(a, b)).toEqual(value)
    const [report] = a.conflictsSync()
    expect(report).toMatchObject({ conflictClass: 'update_delete', reasonCode: reason, leavesLive: value !== null })
  })

  test('fields are merged, each by its policy', () => {
    const fields = { count: 'counter', tags: 'set', high: 'max', low: 'min' }
    const [a, b] = pair({ kind: 'field_merge', liveness: 'update_wins', fields }, { count: 10, tags: ['x', 'y'], high: 5, low: 5, note: '-', other: '-' })
    a.incrementSync('t', 1, 'count', 3)
    a.patchSync('t', 1, { tags: ['x', 'z'], high: 9, low: 4, note: 'a' })
    b.incrementSync('t', 1, 'count', -1)
    b.patchSync('t', 1, { tags: ['x', 'y', 'w'], high: 7, low: 3, other: 'b' })
    expect(agreed(a, b)).toEqual({ count: 12, tags: ['w', 'x', 'z'], high: 9, low: 3, note: 'a', other: 'b' })
    const [report] = b.conflictsSync()
    expect(report).toMatchObject({ winner: null, isMerged: true, isPending: false, winningEntry: null, reasonCode: 'fields_merged' })
    expect(Array.from(a.log.query(), ({ verdict }) => verdict)).toContain('merged')
  })

  test('counters are not overwritten by what was read before', () => {
    const { replica } = open(A, { kind: 'field_merge', fields: { count: 'counter' } })
    replica.insertSync('t', 1, { count: 1 })
    expectError(() => replica.updateSync('t', 1, { count: 2 }), 'INVALID_ARGUMENT', /use patch or increment/)
    expectError(() => replica.insertSync('t', 2, 'text'), 'INVALID_ARGUMENT', /no JSON object/)
    replica.writeSync([Write.update('t', 1, { count: 2 }, { expected: replica.heads('t', 1) })])
    expect(valueOf(replica)).toEqual({ count: 2 })
  })

  test('a write that has seen all heads settles a conflict', () => {
    const [a, b] = pair('last_write_wins')
    a.updateSync('t', 1, { n: 'a' })
    b.updateSync('t', 1, { n: 'b' })
    agreed(a, b)
    const settling = a.updateSync('t', 1, { n: 'both' })
    expect(a.conflictsSync()).toEqual([])
    const [report] = a.settledConflictsSync()
    expect(report.settledBy).toEqual(settling.transaction)
    expect(a.stats()).toMatchObject({ contestedRows: 0, settlings: 1, beforeMismatches: 0 })
    expect(agreed(a, b)).toEqual({ n: 'both' })
    expect(b.settledConflictsSync()[0].toJson()).toBe(report.toJson())
  })
})

describe('exchange', () => {
  test('each gets what it lacks, once', async () => {
    const [{ replica: a }, { replica: b }] = [open(A), open(B)]
    a.insertSync('t', 1, 'a')
    a.insertSync('t', 2, 'a')
    b.insertSync('t', 3, 'b')
    expect(syncSync(a, b)).toEqual({ received: 1, sent: 2, skipped: [], refused: [] })
    expect(await sync(a, b)).toEqual({ received: 0, sent: 0, skipped: [], refused: [] })
    expect(a.log.frontier().equals(b.log.frontier())).toBe(true)
  })

  test('a transaction whose time has not come is reported with those that follow on it', () => {
    const [{ replica: a, time }, { replica: b }] = [open(A), open(B)]
    a.insertSync('t', 1, 'fine')
    time.set(NOW + 3_600_000_000_000n)
    a.insertSync('t', 2, 'early')
    time.set(NOW)
    const report = syncSync(a, b)
    expect(report).toMatchObject({ sent: 1, skipped: [], refused: [{ transaction: { node: A, sequence: 2n }, code: 'CLOCK_SKEW' }] })
    expect(report.refused[0].message).toMatch(/./)
    expect(syncSync(b, a)).toMatchObject({ received: 0, refused: [], skipped: [{ code: 'CLOCK_SKEW' }] })
  })

  test('a transaction is taken in by itself, too', async () => {
    const [{ replica: a }, { replica: b }] = [open(A), open(B)]
    a.insertSync('t', 1, { n: 1 })
    const [transaction] = a.log.transactions()
    expect(b.applySync(transaction)).toMatchObject({ duplicate: false, transaction: { node: A, sequence: 1n } })
    expect(await b.apply(transaction)).toMatchObject({ duplicate: true })
    expect(valueOf(b)).toEqual({ n: 1 })
    expectError(() => b.applySync({ ...transaction, sequence: 3n, dependencies: [{ node: C, sequence: 1n }] }), 'MISSING_DEPENDENCY')
    expectError(() => b.applySync({ ...transaction, changes: [Change.insert('t', 1, 'other')] }), 'DOT_REUSE')
  })
})

describe('the inbox', () => {
  /** Two replicas with a conflict that waits. */
  function waiting() {
    const [a, b] = pair('manual')
    a.updateSync('t', 1, { n: 'a' })
    b.updateSync('t', 1, { n: 'b' })
    agreed(a, b)
    return [a, b]
  }

  test('a conflict that nobody decided waits, and is decided once', () => {
    const [a, b] = waiting()
    const [item] = a.inboxSync()
    expect(item).toMatchObject({ state: 'pending', claim: null, failure: null })
    expect(item.report).toMatchObject({ isPending: true, winner: null })
    expect(a.getSync('t', 1).state).toBe('pending')
    expectError(() => a.updateSync('t', 1, { n: 'x' }), 'VERSION_MISMATCH', /waits in the inbox/)
    expectError(() => a.appendSync([Change.update('t', 1, null, { n: 'x' })]), 'VERSION_MISMATCH')
    const { heads } = item.report
    a.resolveSync('t', 1, { head: heads[0] }, heads, { actor: 'alice' })
    expect(a.inboxSync()).toEqual([])
    expect(agreed(a, b)).toEqual({ n: 'a' })
    expect(b.inboxSync()).toEqual([])
    const [entry] = Array.from(b.log.query({ reverse: true, limit: 1 }))
    expect(entry.metadata).toEqual({ actor: 'alice' })
  })

  test.each([
    ['a value', { value: { n: 'c' } }, { n: 'c' }],
    ['bytes', { value: Buffer.from('"c"') }, 'c'],
    ['a delete', 'delete', null],
    ['a dot', { head: { node: B, sequence: 1 } }, { n: 'b' }],
  ])('it is decided by %s', async (_, decision, value) => {
    const [a, b] = waiting()
    await a.resolve('t', 1, decision, a.heads('t', 1))
    expect(agreed(a, b)).toEqual(value)
    expect(a.inboxSync()).toEqual([])
  })

  test('what decides nothing is refused', () => {
    const [a] = waiting()
    const heads = a.heads('t', 1)
    expectError(() => a.resolveSync('t', 1, 'delete', heads.slice(1)), 'VERSION_MISMATCH')
    expectError(() => a.resolveSync('t', 1, 'defer', heads), 'INVALID_ARGUMENT', /no decision/)
    expectError(() => a.resolveSync('t', 1, { head: { node: C, sequence: 1 } }, heads), 'INVALID_ARGUMENT', /none of the row's heads/)
    expectError(() => a.resolveSync('t', 2, 'delete', heads), 'NOT_FOUND')
    for (const decision of [undefined, null, 5, 'keep', {}, [], { value: null }, { head: heads[0], value: 1 }]) {
      expectError(() => a.resolveSync('t', 1, decision, heads), 'INVALID_ARGUMENT', /decision must be \{ head \}, \{ value \}, 'delete' or 'defer'/)
    }
    expectError(() => a.resolveSync('t', 1, { head: 5 }, heads), 'INVALID_ARGUMENT', /decision.head must be a dot/)
    expectError(() => a.resolveSync('t', 1, { value: NaN }, heads), 'INVALID_ARGUMENT', /decision.value must be/)
    expectError(() => a.resolveSync('t', 1, 'delete'), 'INVALID_ARGUMENT', /heads must be an array of dots/)
    expect(a.inboxSync().length).toBe(1)
  })

  test('an item is taken up by one', async () => {
    const [a, b] = waiting()
    expect(a.claimSync('t', 1, 'alice')).toMatchObject({ by: 'alice', atNs: NOW + 1_000n, at: new Date(Number(NOW / 1_000_000n)) })
    expect(a.claimSync('t', 1, 'alice')).toMatchObject({ by: 'alice' })
    expectError(() => a.claimSync('t', 1, 'bob'), 'ALREADY_EXISTS', /"alice"/)
    await expectRejection(a.claim('t', 1, 'bob'), 'ALREADY_EXISTS')
    expect(a.inboxSync()[0].claim).toMatchObject({ by: 'alice' })
    expect(b.inboxSync()[0].claim).toBeNull()
    a.releaseSync('t', 1)
    expect((await a.claim('t', 1, 'bob')).by).toBe('bob')
    await a.release('t', 1)
    expect((await a.inbox())[0].claim).toBeNull()
    expectError(() => a.claimSync('t', 1, ''), 'INVALID_ARGUMENT', /needs a name/)
    expectError(() => a.claimSync('t', 2, 'bob'), 'NOT_FOUND')
    expectError(() => a.releaseSync('t', 2), 'NOT_FOUND')
  })

  test('a write that expects the heads closes an item, also from elsewhere', () => {
    const [a, b] = waiting()
    a.claimSync('t', 1, 'alice')
    b.writeSync([Write.update('t', 1, { n: 'c' }, { expected: b.heads('t', 1) })])
    expect(agreed(a, b)).toEqual({ n: 'c' })
    expect(a.inboxSync()).toEqual([])
  })
})

describe('rules', () => {
  test('are set, and decide what stands; what is settled stays', async () => {
    const [a, b] = pair('last_write_wins')
    a.updateSync('t', 1, { n: 'a' })
    b.updateSync('t', 1, { n: 'b' })
    expect(agreed(a, b)).toEqual({ n: 'b' })
    const registry = new ResolverRegistry('first_write_wins')
    a.setRegistrySync(registry)
    await b.setRegistry(registry)
    expect(agreed(a, b)).toEqual({ n: 'a' })
    expect(a.registry().toJson()).toBe(registry.toJson())
    registry.setDefault('manual')
    expect(a.registry().defaultResolution).toBe('first_write_wins')
  })

  test('that make replicas part are refused, and leave those in force', async () => {
    const { replica } = open(A)
    const registry = new ResolverRegistry({ kind: 'node_priority', order: [A, A] })
    expectError(() => replica.setRegistrySync(registry), 'INVALID_ARGUMENT', /default: .*listed twice/)
    await expectRejection(replica.setRegistry(registry), 'INVALID_ARGUMENT', /listed twice/)
    expectError(() => replica.whatIfSync(registry), 'INVALID_ARGUMENT', /listed twice/)
    expectError(() => Replica.inMemory({ registry }), 'INVALID_ARGUMENT', /listed twice/)
    expectError(() => replica.setRegistrySync('manual'), 'INVALID_ARGUMENT', /registry must be a ResolverRegistry, got "manual"/)
    expect(replica.registry().defaultResolution).toBe('last_write_wins')
  })

  test('that are not in force can be tried', async () => {
    const [a, b] = pair('last_write_wins')
    a.updateSync('t', 1, { n: 'a' })
    b.updateSync('t', 1, { n: 'b' })
    agreed(a, b)
    const [found, ...others] = a.whatIfSync(new ResolverRegistry('first_write_wins'))
    expect(others).toEqual([])
    expect(found.differs).toBe(true)
    expect([found.decided.valueJson(), found.wouldBe.valueJson()]).toEqual([{ n: 'b' }, { n: 'a' }])
    const [same] = await a.whatIf(new ResolverRegistry({ kind: 'node_priority', order: [B] }), { table: 't' })
    expect([same.differs, same.wouldBe.reasonCode]).toEqual([false, 'higher_priority'])
    expect(a.whatIfSync(new ResolverRegistry('manual'), { table: 'other' })).toEqual([])
    expect(valueOf(a)).toEqual({ n: 'b' })
  })
})

describe('conflicts', () => {
  /** Two replicas of which rows 1 and 2 are in conflict, and row 3 was. */
  function several() {
    const [a, b] = pair('last_write_wins')
    a.insertSync('u', 2, 'a')
    b.insertSync('u', 2, 'b')
    a.insertSync('t', 3, 'a')
    b.insertSync('t', 3, 'b')
    a.updateSync('t', 1, { n: 'a' })
    b.updateSync('t', 1, { n: 'b' })
    syncSync(a, b)
    a.updateSync('t', 3, 'settled')
    return [a, b]
  }

  test('are asked for', async () => {
    const [a] = several()
    const found = (query) => a.queryConflictsSync(query).map(({ table, rowId }) => `${table}/${rowId}`)
    expect(found()).toEqual(['t/1', 'u/2', 't/3'])
    expect(found({})).toEqual(['t/1', 'u/2', 't/3'])
    expect(found({ table: 't' })).toEqual(['t/1', 't/3'])
    expect(found({ rowId: 2 })).toEqual(['u/2'])
    expect(found({ conflictClass: 'insert_insert' })).toEqual(['u/2', 't/3'])
    expect(found({ settled: true })).toEqual(['t/3'])
    expect(found({ settled: false, limit: 1 })).toEqual(['t/1'])
    expect(found({ settled: true, since: a.log.stats().lastLsn })).toEqual([])
    expect((await a.conflicts()).map(({ table }) => table)).toEqual(['t', 'u'])
    expect((await a.settledConflicts()).map(({ rowId }) => rowId)).toEqual([3])
    expect((await a.queryConflicts({ table: 'u' })).length).toBe(1)
    expectError(() => found({ tabel: 't' }), 'INVALID_ARGUMENT', /query has no property "tabel"/)
    expectError(() => found({ settled: 1 }), 'INVALID_ARGUMENT', /query.settled must be a boolean/)
    expectError(() => found({ limit: -1 }), 'INVALID_ARGUMENT', /query.limit/)
    expectError(() => found({ conflictClass: 'x' }), 'INVALID_ARGUMENT', /query.conflictClass/)
  })

  test('are resolved again, and come out the same', async () => {
    const [a, b] = several()
    syncSync(a, b)
    for (const report of a.queryConflictsSync()) {
      expect(a.replaySync(report).toJson()).toBe(report.toJson())
      expect((await b.replay(report)).toJson()).toBe(report.toJson())
    }
    const [report] = a.conflictsSync()
    a.setRegistrySync(new ResolverRegistry('first_write_wins'))
    expect(a.replaySync(report).toJson()).toBe(report.toJson())
    expectError(() => open(C).replica.replaySync(report), 'NOT_FOUND')
    const plain = new ConflictDetector().resolve(report.heads)
    expect([plain.rule, plain.registry, plain.ancestor]).toEqual([null, null, null])
    expectError(() => a.replaySync(plain), 'INVALID_ARGUMENT', /plain detector/)
    expectError(() => a.replaySync({}), 'INVALID_ARGUMENT', /report must be a ConflictReport/)
  })

  test('a detector tells of a row what a replica does', () => {
    const [a] = several()
    const row = new ConflictDetector().resolveRow(a.log.history('t', 1))
    expect(row).toMatchObject({ isLive: true, heads: a.heads('t', 1), settled: [] })
    expect(row.valueJson()).toEqual({ n: 'b' })
    expect(row.standing.toJson()).toBe(a.conflictsSync()[0].toJson())
    expect(JSON.parse(JSON.stringify(row))).toMatchObject({ isLive: true, value: { n: 'b' }, standing: { table: 't' } })
  })
})

describe('explanations', () => {
  test('tell how a row became what it is', async () => {
    const [a, b] = pair('last_write_wins')
    a.updateSync('t', 1, { n: 'a' })
    b.updateSync('t', 1, { n: 'b' })
    agreed(a, b)
    const standing = a.whySync('t', 1)
    expect(standing).toMatchObject({ table: 't', rowId: 1, isLive: true, state: 'resolved' })
    expect(standing.standing.toJson()).toBe(a.conflictsSync()[0].toJson())
    a.deleteSync('t', 1)
    const why = await a.why('t', 1)
    expect(why).toMatchObject({ isLive: false, value: null, standing: null })
    expect(why.valueJson()).toBeNull()
    expect(why.steps.map(({ entry, follows, concurrentWith, settles }) => [entry.operation, follows.length, concurrentWith.length, settles?.reasonCode ?? null])).toEqual([
      ['insert', 0, 0, null],
      ['update', 1, 0, null],
      ['update', 1, 1, null],
      ['delete', 2, 0, 'later_timestamp'],
    ])
    expect(why.steps[3].follows).toEqual([{ node: A, sequence: 2n }, { node: B, sequence: 1n }])
    expect(String(why)).toMatch(/^row 1 of table "t" is .*\n[^]*settles conflict/)
    expect(JSON.parse(JSON.stringify(why))).toMatchObject({ table: 't', steps: [{}, {}, { concurrentWith: [`${A}:2`] }, { settles: { table: 't' } }] })
    expect(inspect(why)).toMatch(/^Explanation \{/)
  })

  test('of a row that never was are empty', () => {
    const why = open(A).replica.whySync('t', 'nothing')
    expect(why).toMatchObject({ isLive: false, value: null, steps: [], standing: null, state: 'resolved' })
    expect(String(why)).toMatch(/never was/)
  })
})

describe('the effective view', () => {
  test('shows what the rows became, each change once', async () => {
    const [a, b] = pair('last_write_wins')
    a.updateSync('t', 1, { n: 'a' })
    b.updateSync('t', 1, { n: 'b' })
    syncSync(a, b)
    const changes = (found) => found.changes.map((change) => [change.operation, change.beforeJson(), change.afterJson()])
    const first = b.effectiveSync(null, 2)
    expect(changes(first)).toEqual([['insert', null, { n: 0 }], ['update', { n: 0 }, { n: 'b' }]])
    expect(first.next).toBe(first.changes[1].position)
    expect(changes(await b.effective(first.next, 100))).toEqual([])
    expect(changes(a.effectiveSync('0.0', 100))).toEqual([
      ['insert', null, { n: 0 }],
      ['update', { n: 0 }, { n: 'a' }],
      ['update', { n: 'a' }, { n: 'b' }],
    ])
    const [change] = b.effectiveSync(undefined, 1).changes
    expect(change).toMatchObject({ transaction: { node: A, sequence: 1n }, table: 't', rowId: 1, timestampNs: NOW })
    expect(change.timestamp).toEqual(new Date(Number(NOW / 1_000_000n)))
    expect(JSON.parse(JSON.stringify(change))).toMatchObject({ transaction: `${A}:1`, operation: 'insert', before: null, after: { n: 0 } })
  })

  test('shows what a change of rules did', () => {
    const [a, b] = pair('last_write_wins')
    a.updateSync('t', 1, { n: 'a' })
    b.updateSync('t', 1, { n: 'b' })
    syncSync(a, b)
    const { next } = a.effectiveSync('0.0', 100)
    a.setRegistrySync(new ResolverRegistry('first_write_wins'))
    const { changes } = a.effectiveSync(next, 100)
    expect(changes.map((change) => [change.transaction, change.afterJson()])).toEqual([[null, { n: 'a' }]])
  })

  test('refuses a position that was never given', async () => {
    const { replica } = open(A)
    expectError(() => replica.effectiveSync('7.0', 1), 'INVALID_ARGUMENT', /never given/)
    expectError(() => replica.effectiveSync('x', 1), 'INVALID_ARGUMENT', /not a position/)
    expectError(() => replica.effectiveSync(5, 1), 'INVALID_ARGUMENT', /since must be a string, got 5/)
    expectError(() => replica.effectiveSync('0.0'), 'INVALID_ARGUMENT', /limit must be/)
    await expectRejection(replica.effective('7.0', 1), 'INVALID_ARGUMENT', /never given/)
  })
})

describe('a directory', () => {
  test('is opened again, with its rows, rules and claims', async () => {
    const where = path.join(directory, 'reopened')
    const registry = new ResolverRegistry('manual')
    const log = { node: A, durability: 'os', time: new ManualTime(NOW) }
    const replica = Replica.openSync(where, { log, registry })
    const other = open(B, 'manual').replica
    replica.insertSync('t', 1, { n: 'a' })
    other.insertSync('t', 1, { n: 'b' })
    syncSync(replica, other)
    replica.claimSync('t', 1, 'alice')
    expectError(() => Replica.openSync(where), 'LOCKED')
    await replica.close()
    const again = await Replica.open(where, { log: { durability: 'os' } })
    expect(again.node).toBe(A)
    expect(again.registry().toJson()).toBe(registry.toJson())
    expect(again.inboxSync()).toMatchObject([{ state: 'pending', claim: { by: 'alice' } }])
    expect(again.conflictsSync()[0].toJson()).toBe(other.conflictsSync()[0].toJson())
    again.closeSync()
    const reader = ChangeLog.openSync(where, { readOnly: true })
    expect(reader.stats().entries).toBe(2)
    reader.closeSync()
  })

  test('that was no replica\'s becomes one', () => {
    const where = path.join(directory, 'adopted')
    const log = ChangeLog.openSync(where)
    log.appendSync(Change.insert('t', 1, { n: 1 }))
    log.closeSync()
    const replica = Replica.openSync(where)
    expect(valueOf(replica)).toEqual({ n: 1 })
    replica.closeSync()
  })

  test('is compacted and what the rows are stays', async () => {
    const replica = Replica.openSync(path.join(directory, 'compacted'), { log: { segmentBytes: 4096, durability: 'os' } })
    replica.insertSync('t', 1, { n: 0 })
    for (let n = 1; n <= 200; n += 1) replica.updateSync('t', 1, { n })
    const removal = replica.compactSync()
    expect(removal).toMatchObject({ reason: 'compaction' })
    expect(valueOf(replica)).toEqual({ n: 200 })
    expect(await replica.compact({ tables: ['other'] })).toBeNull()
    replica.syncSync()
    await replica.sync()
    replica.closeSync()
  })

  test('refuses what it cannot be opened with', async () => {
    const where = path.join(directory, 'refused')
    const refuse = async (options, message) => {
      expectError(() => Replica.openSync(where, options), 'INVALID_ARGUMENT', message)
      await expectRejection(Replica.open(where, options), 'INVALID_ARGUMENT', message)
      expectError(() => Replica.inMemory(options), 'INVALID_ARGUMENT', message)
    }
    await refuse({ log: { readOnly: true } }, /open its log so/)
    await refuse({ durability: 'os' }, /options has no property "durability"/)
    await refuse({ log: { nod: A } }, /options.log has no property "nod"/)
    await refuse({ registry: 'manual' }, /options.registry must be a ResolverRegistry/)
    await refuse({ resolvers: {} }, /options.resolvers must be an array of resolvers/)
    await refuse({ resolvers: ['x'] }, /options.resolvers\[0\] must be an array of a name, a version and a function/)
    await refuse({ resolvers: [['x', 1]] }, /options.resolvers\[0\]\[2\] must be a function, got undefined/)
    await refuse({ resolvers: [['x', 'y', () => 'defer']] }, /options.resolvers\[0\].version must be a whole number/)
    await refuse({ resolvers: [['', 1, () => 'defer']] }, /needs a name/)
    await refuse({ checkResolvers: 1 }, /options.checkResolvers must be a boolean/)
    await refuse({ historyMemory: -1 }, /options.historyMemory must be/)
    await refuse(5, /options must be an object/)
    expectError(() => Replica.openSync(5), 'INVALID_ARGUMENT', /path must be a string/)
    expectError(() => new Replica(), 'INVALID_ARGUMENT', /cannot be made with new/)
  })
})

test('promises are kept in the order of their calls', async () => {
  const { replica } = open(A)
  const done = []
  const note = (name) => (value) => (done.push(name), value)
  const all = [
    replica.insert('t', 1, { n: 1 }).then(note('insert')),
    replica.update('t', 1, { n: 2 }).then(note('update')),
    replica.patch('t', 1, { m: 1 }, null).then(note('patch')),
    replica.increment('t', 1, 'n', 5n).then(note('increment')),
    replica.get('t', 1).then(note('get')),
    replica.rows('t').then(note('rows')),
    replica.write([Write.delete('t', 1)]).then(note('write')),
    replica.get('t', 1).then(note('gone')),
    replica.append([Change.insert('t', 1, {})]).then(note('append')),
    replica.delete('t', 1).then(note('delete')),
    replica.close().then(note('close')),
    replica.get('t', 1).then(note('never'), note('closed')),
  ]
  const values = await Promise.all(all)
  expect(done).toEqual(['insert', 'update', 'patch', 'increment', 'get', 'rows', 'write', 'gone', 'append', 'delete', 'close', 'closed'])
  expect(values[4].valueJson()).toEqual({ n: 7, m: 1 })
  expect(values[5].map((row) => row.rowId)).toEqual([1])
  expect(values[7]).toBeNull()
  expect(values[11]).toEqual(error('CLOSED'))
})

test('after closing, everything is CLOSED', async () => {
  const { replica } = open(A)
  replica.insertSync('t', 1, { n: 1 })
  const transactions = [...replica.log.transactions()]
  const registry = replica.registry()
  const other = open(B).replica
  other.insertSync('t', 1, 'b')
  const mine = open(A).replica
  mine.insertSync('t', 1, { n: 1 })
  syncSync(mine, other)
  const [report] = mine.conflictsSync()
  const heads = replica.heads('t', 1)
  replica.closeSync()
  replica.closeSync()
  await replica.close()
  const calls = {
    insert: ['t', 2, {}],
    update: ['t', 1, {}],
    delete: ['t', 1],
    write: [[Write.insert('t', 2, {})]],
    append: [[]],
    patch: ['t', 1, {}],
    increment: ['t', 1, 'n', 1],
    apply: transactions,
    get: ['t', 1],
    rows: ['t'],
    effective: ['0.0', 1],
    conflicts: [],
    settledConflicts: [],
    queryConflicts: [],
    replay: [report],
    whatIf: [registry],
    inbox: [],
    claim: ['t', 1, 'x'],
    release: ['t', 1],
    resolve: ['t', 1, 'delete', heads],
    why: ['t', 1],
    setRegistry: [new ResolverRegistry('manual')],
    compact: [],
    sync: [],
  }
  for (const [name, args] of Object.entries(calls)) {
    expectError(() => replica[`${name}Sync`](...args), 'CLOSED')
    await expectRejection(replica[name](...args), 'CLOSED')
  }
  for (const call of ['stats', 'registry']) expectError(() => replica[call](), 'CLOSED')
  expectError(() => replica.heads('t', 1), 'CLOSED')
  expectError(() => replica.registerResolver('x', 1, () => 'defer'), 'CLOSED')
  expectError(() => syncSync(replica, other), 'CLOSED')
  expectError(() => syncSync(other, replica), 'CLOSED')
  await expectRejection(sync(replica, other), 'CLOSED')
  expect(replica.node).toBe(A)
})

test('a replica is disposed of', async () => {
  const { replica: one } = open(A)
  one[Symbol.dispose]?.()
  const { replica: two } = open(A)
  await two[Symbol.asyncDispose]?.()
  if (Symbol.dispose) expectError(() => one.stats(), 'CLOSED')
  if (Symbol.asyncDispose) expectError(() => two.stats(), 'CLOSED')
})

test('misuse is refused', async () => {
  const { replica } = open(A)
  expectError(() => replica.insertSync('', 1, {}), 'INVALID_ARGUMENT', /table name is empty/)
  expectError(() => replica.insertSync(5, 1, {}), 'INVALID_ARGUMENT', /table must be a string, got 5/)
  expectError(() => replica.insertSync('t', true, {}), 'INVALID_ARGUMENT', /rowId must be/)
  expectError(() => replica.insertSync('t', 1), 'INVALID_ARGUMENT', /after must be a Buffer or Uint8Array, got undefined/)
  expectError(() => replica.insertSync('t', 1, NaN), 'INVALID_ARGUMENT', /after must be bytes or what JSON can say/)
  await expectRejection(replica.insert('t', 1, NaN), 'INVALID_ARGUMENT', /after must be/)
  await expectRejection(replica.insert('t'), 'INVALID_ARGUMENT', /rowId must be/)
  expectError(() => replica.writeSync({}), 'INVALID_ARGUMENT', /writes must be an array of writes/)
  expectError(() => replica.writeSync([5]), 'INVALID_ARGUMENT', /writes\[0\] must be an object/)
  expectError(() => replica.writeSync([[]]), 'INVALID_ARGUMENT', /writes\[0\] must be an object, got an array/)
  expectError(() => replica.writeSync([{ table: 't', rowId: 1, operation: 'upsert' }]), 'INVALID_ARGUMENT', /writes\[0\].operation must be one of/)
  expectError(() => replica.writeSync([Write.insert('t', 1, {}, { expected: [5] })]), 'INVALID_ARGUMENT', /writes\[0\].expected\[0\] must be a dot/)
  expectError(() => replica.writeSync([Write.insert('t', 1, () => 1)]), 'INVALID_ARGUMENT', /writes\[0\].after must be bytes/)
  expectError(() => replica.writeSync([Write.insert('t', 1, null)]), 'INVALID_ARGUMENT', /carries the whole row/)
  expectError(() => replica.writeSync([Write.insert('t', 1, {}, { metadata: { a: 1 } })]), 'INVALID_ARGUMENT', /writes\[0\].metadata.a must be a string/)
  expectError(() => replica.getSync('t'), 'INVALID_ARGUMENT', /rowId must be/)
  expectError(() => replica.rowsSync(), 'INVALID_ARGUMENT', /table must be a string/)
  expectError(() => replica.applySync(5), 'INVALID_ARGUMENT', /transaction must be an object/)
  expectError(() => replica.whatIfSync(), 'INVALID_ARGUMENT', /registry must be a ResolverRegistry/)
  expectError(() => syncSync(replica), 'INVALID_ARGUMENT', /b must be a Replica, got undefined/)
  expectError(() => syncSync({}, replica), 'INVALID_ARGUMENT', /a must be a Replica, got an object/)
  await expectRejection(sync(replica, replica.log), 'INVALID_ARGUMENT', /b must be a Replica/)
  expectError(() => replica.getSync.call({}, 't', 1), 'INVALID_ARGUMENT')
  expectError(() => Object.create(Replica.prototype).stats(), 'INVALID_ARGUMENT')
})
