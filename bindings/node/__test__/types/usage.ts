// Compiled, never run: what a TypeScript program may write, and what it may not.

import causelog, {
  Change,
  ChangeEntry,
  ChangeLog,
  ConflictDetector,
  CauselogError,
  HybridLogicalClock,
  ManualTime,
  Replica,
  ResolverRegistry,
  Row,
  Snapshot,
  VectorClock,
  Write,
  conflictClassOf,
  conflictTypeOf,
  decodeRowId,
  encodeRowId,
  errorCodes,
  parseConflictResolution,
  parseTimestamp,
  sync,
  syncSync,
  type Appended,
  type Claim,
  type CompressionReport,
  type ConflictResolution,
  type ConflictResolver,
  type ConflictType,
  type Dot,
  type EffectiveChanges,
  type ErrorCode,
  type Explanation,
  type InboxItem,
  type JsonValue,
  type Moment,
  type Removal,
  type ReplicaRow,
  type RowId,
  type RowState,
  type SyncReport,
  type Transaction,
} from 'causelog'

/** Whether two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <T extends true>(): T | void => undefined

export async function program(): Promise<void> {
  using log = ChangeLog.openSync('directory', { durability: 'os', maximumClockSkew: 1_000, time: new ManualTime(0n) })
  await using other = await ChangeLog.open('other')
  const memory = causelog.ChangeLog.inMemory()

  const appended = log.appendSync(Change.insert('orders', 42, { qty: 1 }, { metadata: { actor: 'alice' } }))
  is<Same<typeof appended, Appended>>()
  is<Same<typeof appended.firstLsn, bigint | null>>()
  const promised: Promise<Appended> = log.append({ table: 't', rowId: [1, 'a', 2n, { uuid: log.node }], operation: 'delete' })
  await promised
  await log.appendTransaction([Change.update('t', 'x', null, Buffer.from('x')), Change.delete('t', 1n)])

  for (const entry of log.query({ table: 'orders', since: 5n, until: 9, sinceTime: new Date(), reverse: true, limit: 1 })) {
    is<Same<typeof entry, ChangeEntry>>()
    is<Same<typeof entry.lsn, bigint>>()
    is<Same<typeof entry.after, Buffer | null>>()
    is<Same<typeof entry.rowId, RowId>>()
    is<Same<typeof entry.operation, 'insert' | 'update' | 'delete'>>()
    const value: JsonValue = entry.afterJson()
    void value
  }
  for await (const transaction of log.transactions(other.frontier())) {
    is<Same<typeof transaction, Transaction>>()
    await other.appendRemote(transaction)
  }
  other.appendRemoteSync({ node: log.node, sequence: 1, dependencies: [appended.transaction], timestamp: new Date(), changes: [] })

  using reader = await ChangeLog.open('directory', { readOnly: true, memoryMap: true, segmentBytes: 1 << 20, syncInterval: 50 })
  const moments: Moment[] = [1, 1n, new Date(), { timestampNs: 0n }]
  const rows: (Row | null)[] = moments.map((at) => log.stateAtSync('t', 1, at))
  is<Same<Awaited<ReturnType<typeof log.stateAt>>, Row | null>>()
  const snapshot: Snapshot = await log.snapshot('t', 5n)
  for (const [rowId, row] of snapshot) is<Same<[typeof rowId, typeof row], [RowId, Row]>>()
  const view = log.materialiseSync('t')
  const taken: number = view.refreshSync() + (await view.refresh())
  const ids: RowId[] = [...view.keys(), ...view.snapshot().keys()]
  const last: bigint = await reader.wait(view.lsn, 1_000)
  const consumer = await log.consumer('mailer')
  const polled: ChangeEntry[] = await consumer.poll(100)
  await consumer.commit(polled.at(-1)?.lsn ?? last)
  const removed: Removal[] = await log.retain({ maxAge: 1_000, maxBytes: 5n, unreadBytes: null })
  is<Same<ReturnType<typeof log.compactSync>, Removal | null>>()
  log.compactSync({ tables: ['t'], known: [other.frontier()] })
  const { bytesBefore, bytesAfter }: CompressionReport = await log.compress()
  is<Same<ReturnType<typeof log.compressSync>, CompressionReport>>()
  ;(await log.verify()).check()
  const skipped: number = ChangeLog.salvageSync('from', 'to').skippedTransactions
  void [rows, taken, ids, removed, skipped, bytesBefore - bytesAfter, log.query({ transaction: appended.transaction, unseenBy: other.frontier() })]

  using cursor = log.query()
  const next = cursor.next()
  if (!next.done) is<Same<typeof next.value, ChangeEntry>>()
  const all: ChangeEntry[] = [...cursor]

  const clock = new VectorClock([['node', 1n]])
  const again = new VectorClock(clock)
  again.merge(new VectorClock({ node: 1 }))
  for (const [node, sequence] of clock) is<Same<[typeof node, typeof sequence], [string, bigint]>>()
  is<Same<ReturnType<typeof clock.compare>, 'equal' | 'before' | 'after' | 'concurrent'>>()
  const dot: Dot = { node: 'node', sequence: 1n }
  clock.covers(dot)
  clock.covers({ node: 'node', sequence: 1 })
  const tick: bigint = new HybridLogicalClock().tick(parseTimestamp('2024-01-01T00:00:00Z'))
  void tick

  const detector = new ConflictDetector('vector_clock_causal', { time: new ManualTime(new Date()) })
  const conflict = detector.detect(all[0]!, all[1]!)
  if (conflict) {
    const report = detector.report(conflict)
    is<Same<typeof report.winner, Dot | null>>()
    is<Same<typeof report.winningSide, 'local' | 'remote' | null>>()
    is<Same<typeof report.conflictClass, ReturnType<typeof conflictClassOf> & string>>()
  }
  detector.resolve(new Set(all), dot)
  detector.resolveRow(all).settled.forEach((report) => report.ancestorJson())

  const registry = new ResolverRegistry({ kind: 'field_merge', liveness: 'delete_wins', fields: { count: 'counter' } })
  registry.setTable('t', { kind: 'delete_wins', fallback: { kind: 'node_priority', order: ['node'] } })
  registry.setClass('u', 'update_delete', { kind: 'custom', name: 'mine', version: 1 })
  const matched: ConflictResolution = registry.rule('t', 'update_update').resolution
  const strategy: ConflictResolution = parseConflictResolution(registry.toJson())
  const mine: ConflictResolver = ({ heads, ancestorIsLive }) => (ancestorIsLive ? { head: heads[0]! } : 'defer')
  using a = Replica.openSync('a', { log: { durability: 'os' }, registry, resolvers: [['mine', 1, mine]], checkResolvers: false })
  await using b = await Replica.open('b')
  a.registerResolver('other', 2, (conflict) => ({ value: conflict.ancestorJson() }))
  a.insertSync('t', 1, { count: 1 })
  const read: ReplicaRow | null = await a.get('t', 1)
  const state: RowState | undefined = read?.state
  a.writeSync([Write.update('t', 1, { count: 2 }, { expected: read?.heads }), Write.delete('t', 1, { metadata: { actor: 'alice' } })])
  await a.increment('t', 1, 'count', 1n)
  await b.patch('t', 1, { status: 'paid' }, ['note'])
  const exchanged: SyncReport = syncSync(a, b)
  is<Same<Awaited<ReturnType<typeof sync>>, SyncReport>>()
  const items: InboxItem[] = a.inboxSync()
  for (const { report, claim } of items) {
    is<Same<typeof claim, Claim | null>>()
    a.resolveSync(report.table, report.rowId, { head: report.heads[0]! }, report.heads, { actor: 'alice' })
    await a.resolve(report.table, report.rowId, 'delete', report.heads)
  }
  const { changes, next: position }: EffectiveChanges = a.effectiveSync(null, 100)
  const why: Explanation = await a.why('t', 1)
  is<Same<(typeof changes)[number]['transaction'], Dot | null>>()
  is<Same<(typeof why.steps)[number]['follows'], Dot[]>>()
  const tried: boolean[] = a.whatIfSync(new ResolverRegistry('manual'), { settled: false }).map(({ differs }) => differs)
  a.log.query({ table: 't' })
  void [matched, strategy, state, exchanged, position, tried]

  const type: ConflictType = conflictTypeOf('insert', 'delete')
  is<Same<'insert_delete' extends ConflictType ? true : false, true>>()
  void type
  const id: RowId = decodeRowId(encodeRowId(id_()))
  void id

  try {
    memory.stats()
  } catch (error) {
    if (error instanceof CauselogError) {
      const code: ErrorCode = error.code
      const retryable: boolean = error.retryable
      void [code, retryable]
    }
  }
  const names: ErrorCode[] = errorCodes().map((code) => code.name)
  void names

  new ChangeEntry({
    ...{ node: 'n', sequence: 1n, vectorClock: clock, timestampNs: 0n },
    ...{ table: 't', rowId: 1, operation: 'insert', after: { qty: 1 } },
  })

  // @ts-expect-error: an option that does not exist
  log.query({ tabel: 'x' })
  // @ts-expect-error: a moment that is text
  log.stateAtSync('t', 1, 'now')
  // @ts-expect-error: nothing changes a snapshot
  snapshot.set(1, null)
  // @ts-expect-error: an operation that does not exist
  log.appendSync({ table: 't', rowId: 1, operation: 'upsert' })
  // @ts-expect-error: a row id cannot be a boolean
  encodeRowId(true)
  // @ts-expect-error: nobody could tell the unit of a number
  new ManualTime(5)
  // @ts-expect-error: a clock is no plain object
  clock.merge({})
  // @ts-expect-error: an entry cannot be changed
  all[0]!.table = 'x'
  // @ts-expect-error: a resolution that does not exist
  new ConflictDetector('coin')
  // @ts-expect-error: a strategy without its parameters
  registry.setDefault('delete_wins')
  // @ts-expect-error: a resolver decides at once
  a.registerResolver('mine', 1, async () => 'defer')
  // @ts-expect-error: a decision that does not exist
  a.resolveSync('t', 1, 'keep', [])
  // @ts-expect-error: a position is text
  a.effectiveSync(5, 1)
}

declare function id_(): RowId
