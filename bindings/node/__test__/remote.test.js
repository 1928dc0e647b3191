'use strict'

const { Change, ChangeLog, ManualTime, VectorClock } = require('..')
const { A, B, C, NOW, expectError } = require('./support')

const HOUR = 3_600_000_000_000n
const open = (node) => ChangeLog.inMemory({ node, time: new ManualTime(NOW) })
const transaction = (fields) => ({
  node: B,
  sequence: 1n,
  dependencies: [],
  timestampNs: NOW - HOUR,
  changes: [Change.insert('t', 1, { qty: 1 })],
  ...fields,
})

test('another node\'s transaction is kept as it is', () => {
  const log = open(A)
  const metadata = { actor: 'bob' }
  const changes = [Change.insert('t', 1, { qty: 9 }, { metadata }), Change.delete('t', 2)]
  expect(log.appendRemoteSync(transaction({ sequence: 2n, changes }))).toMatchObject({
    transaction: { node: B, sequence: 2n },
    timestampNs: NOW - HOUR,
    firstLsn: 1n,
    lastLsn: 2n,
    duplicate: false,
  })
  const [entry] = log.query()
  expect(entry.verdict).toBeNull()
  expect(entry.metadata).toEqual(metadata)
  expect(Array.from(log.transactions())).toEqual([
    {
      node: B,
      sequence: 2n,
      dependencies: [],
      timestamp: new Date(Number((NOW - HOUR) / 1_000_000n)),
      timestampNs: NOW - HOUR,
      changes: [
        { table: 't', rowId: 1, operation: 'insert', before: null, after: Buffer.from('{"qty":9}'), metadata },
        { table: 't', rowId: 2, operation: 'delete', before: null, after: null, metadata: {} },
      ],
    },
  ])
})

test('logs exchange what the other lacks until both hold the same', () => {
  const [shop, office] = [open(A), open(B)]
  const exchange = () => {
    for (const [from, to] of [[shop, office], [office, shop]]) {
      for (const missing of from.transactions(to.frontier())) to.appendRemoteSync(missing)
    }
  }
  shop.appendSync(Change.insert('t', 1, { qty: 1 }))
  office.appendSync(Change.insert('t', 2, { qty: 2 }))
  exchange()
  shop.appendTransactionSync([])
  exchange()
  expect(shop.frontier().equals(office.frontier())).toBe(true)
  expect(shop.stats()).toMatchObject({ entries: 2, transactions: 3, merges: 1 })
  expect([...shop.transactions(office.frontier())]).toEqual([])
  const clocks = (log) => new Map(Array.from(log.query(), (entry) => [entry.rowId, entry.vectorClock.toJson()]))
  expect(clocks(office)).toEqual(clocks(shop))
})

test('without a clock all transactions come', () => {
  const log = open(A)
  log.appendSync(Change.insert('t', 1, {}))
  for (const seen of [undefined, null, new VectorClock()]) expect([...log.transactions(seen)]).toHaveLength(1)
  expectError(() => log.transactions({}), 'INVALID_ARGUMENT', /seen must be a VectorClock, got an object/)
})

test('a duplicate is recognised and written no second time', () => {
  const log = open(A)
  log.appendRemoteSync(transaction())
  expect(log.appendRemoteSync(transaction())).toMatchObject({ duplicate: true, firstLsn: 1n, lastLsn: 1n })
  expect(log.stats().entries).toBe(1)
})

test('something else under a dot that the log holds is DOT_REUSE', () => {
  const log = open(A)
  log.appendRemoteSync(transaction())
  const other = transaction({ changes: [Change.insert('t', 1, { qty: 2 })] })
  expectError(() => log.appendRemoteSync(other), 'DOT_REUSE', new RegExp(`${B}:1`))
})

test('what its author had seen must be there: MISSING_DEPENDENCY names it', () => {
  const log = open(A)
  const dependencies = [{ node: C, sequence: 4 }]
  expectError(() => log.appendRemoteSync(transaction({ dependencies })), 'MISSING_DEPENDENCY', new RegExp(`${C}:4`))
  expectError(() => log.appendRemoteSync(transaction({ sequence: 2n })), 'MISSING_DEPENDENCY', new RegExp(`${B}:1`))
  expect(log.stats().transactions).toBe(0)
})

test('a timestamp too far ahead is CLOCK_SKEW, which time or another limit mends', () => {
  const ahead = transaction({ timestampNs: NOW + HOUR })
  const time = new ManualTime(NOW)
  const log = ChangeLog.inMemory({ node: A, time })
  expectError(() => log.appendRemoteSync(ahead), 'CLOCK_SKEW', /ahead of local time/)
  expect(log.appendSync(Change.insert('t', 2, {})).timestampNs).toBe(NOW)
  time.advance(HOUR)
  expect(log.appendRemoteSync(ahead).duplicate).toBe(false)
  const patient = ChangeLog.inMemory({ node: A, time: new ManualTime(NOW), maximumClockSkew: 3_600_000 })
  expect(patient.appendRemoteSync(ahead).duplicate).toBe(false)
})

test('a Date will do for a timestamp, and both must agree where both are given', () => {
  const milliseconds = Number((NOW - HOUR) / 1_000_000n)
  const log = open(A)
  const dated = { ...transaction(), timestampNs: undefined, timestamp: new Date(milliseconds) }
  expect(log.appendRemoteSync(dated).timestampNs).toBe(BigInt(milliseconds) * 1_000_000n)
  const twice = transaction({ node: C, timestamp: new Date(milliseconds + 1) })
  expectError(() => log.appendRemoteSync(twice), 'INVALID_ARGUMENT', /transaction.timestamp must be left out or the same moment as transaction.timestampNs/)
  const agreed = transaction({ node: C, timestamp: new Date(milliseconds) })
  expect(log.appendRemoteSync(agreed).timestampNs).toBe(NOW - HOUR)
})

test.each([
  ['nothing', undefined, /transaction must be an object, got undefined/],
  ['no node', transaction({ node: undefined }), /transaction.node must be a UUID as a string, got undefined/],
  ['a sequence of 0', transaction({ sequence: 0 }), /sequences start at 1/],
  ['a sequence too low for its changes', transaction({ changes: [Change.delete('t', 1), Change.delete('t', 2)] }), /cannot have 2 changes/],
  ['a sequence that is a fraction', transaction({ sequence: 1.5 }), /transaction.sequence must be .*, got 1.5/],
  ['dependencies of a wrong type', transaction({ dependencies: {} }), /transaction.dependencies must be an array of dots, got an object/],
  ['a dependency of a wrong type', transaction({ dependencies: ['x'] }), /transaction.dependencies\[0\] must be a dot/],
  ['no timestamp', transaction({ timestampNs: undefined }), /transaction.timestamp must be a Date or a bigint .*, got undefined/],
  ['a timestamp that is a number', transaction({ timestampNs: 5 }), /transaction.timestampNs must be .*, got 5/],
  ['no changes', transaction({ changes: undefined }), /transaction.changes must be an array of changes, got undefined/],
  ['a malformed change', transaction({ changes: [{ table: 't' }] }), /transaction.changes\[0\].rowId/],
  ['a dependency on itself', transaction({ dependencies: [{ node: B, sequence: 1 }] }), /cannot depend on/],
])('a malformed transaction is refused: %s', (_what, malformed, message) => {
  const log = open(A)
  expectError(() => log.appendRemoteSync(malformed), 'INVALID_ARGUMENT', message)
  expect(log.stats().transactions).toBe(0)
})
