'use strict'

const { inspect } = require('node:util')
const { Change, ChangeLog, ManualTime, Row, Snapshot, View } = require('..')
const { A, B, NOW, expectError, expectRejection } = require('./support')

const SECOND = 1_000_000_000n
let log

// LSN 1 to 5, one second apart: 2, 1 and 3 come, 2 changes, 3 goes.
beforeEach(() => {
  const time = new ManualTime(NOW)
  log = ChangeLog.inMemory({ node: A, time })
  const changes = [
    Change.insert('orders', 2, { qty: 2 }),
    Change.insert('orders', 1, { qty: 1 }),
    Change.insert('orders', 3, { qty: 3 }),
    Change.update('orders', 2, { qty: 2 }, { qty: 20 }),
    Change.delete('orders', 3, { qty: 3 }),
  ]
  for (const change of changes) {
    log.appendSync(change)
    time.advance(SECOND)
  }
})

const MOMENTS = [
  ['nothing', undefined, 20],
  ['null', null, 20],
  ['the empty log', 0n, undefined],
  ['an LSN', 3n, 2],
  ['an LSN as a number', 4, 20],
  ['a Date', new Date(1_700_000_002_999), 2],
  ['a Date before the first', new Date(1_700_000_000_123), undefined],
  ['nanoseconds', { timestampNs: NOW + 3n * SECOND }, 20],
  ['nanoseconds, one before', { timestampNs: NOW + 3n * SECOND - 1n }, 2],
]

test.each(MOMENTS)('how a row and a table stood at %s', async (_what, at, qty) => {
  for (const row of [log.stateAtSync('orders', 2, at), await log.stateAt('orders', 2, at)]) {
    expect(row?.valueJson().qty).toBe(qty)
  }
  for (const snapshot of [log.snapshotSync('orders', at), await log.snapshot('orders', at)]) {
    expect(snapshot.get(2)?.valueJson().qty).toBe(qty)
    expect(snapshot.has(2)).toBe(qty !== undefined)
  }
})

test('a row has what made it so', () => {
  const row = log.stateAtSync('orders', 2)
  expect(row).toBeInstanceOf(Row)
  const { rowId, value, lsn, timestamp, timestampNs, dot } = row
  expect({ rowId, value, lsn, timestamp, timestampNs, dot }).toEqual({
    rowId: 2,
    value: Buffer.from('{"qty":20}'),
    lsn: 4n,
    timestamp: new Date(1_700_000_003_123),
    timestampNs: NOW + 3n * SECOND,
    dot: { node: A, sequence: 4n },
  })
  expect(JSON.parse(JSON.stringify(row))).toEqual({
    rowId: 2,
    value: { qty: 20 },
    lsn: 4,
    timestamp: '2023-11-14T22:13:23.123456789Z',
    dot: `${A}:4`,
  })
  expect(inspect(row)).toMatch(/^Row \{/)
  const [one, two] = [log.stateAtSync('orders', 1), row].map((each) => each.toJSON())
  expect(JSON.parse(JSON.stringify(log.snapshotSync('orders')))).toEqual({ table: 'orders', lsn: 5, rows: [one, two] })
})

test('a row without a payload, and one whose payload is no JSON', () => {
  log.appendSync({ table: 't', rowId: 'none', operation: 'insert' })
  log.appendSync(Change.insert('t', 'raw', Buffer.from([255])))
  const [none, raw] = log.snapshotSync('t').values()
  expect([none.value, none.valueJson()]).toEqual([null, null])
  expectError(() => raw.valueJson(), 'INVALID_ARGUMENT', /value is not JSON/)
  expect(raw.toJSON().value).toEqual({ bytes: 'ff' })
})

test('the history of a row has all its entries', async () => {
  expect(Array.from(log.history('orders', 3), ({ operation }) => operation)).toEqual(['insert', 'delete'])
  const lsns = []
  for await (const { lsn } of log.history('orders', 2)) lsns.push(lsn)
  expect(lsns).toEqual([1n, 4n])
  expect([...log.history('orders', 'never')]).toEqual([])
})

test('a snapshot is a map in the order of row ids, which nothing changes', () => {
  const then = log.snapshotSync('orders', 3)
  log.appendSync(Change.delete('orders', 1))
  expect(then).toBeInstanceOf(Snapshot)
  expect([then.table, then.lsn, then.size]).toEqual(['orders', 3n, 3])
  expect([...then.keys()]).toEqual([1, 2, 3])
  expect(Array.from(then.values(), ({ lsn }) => lsn)).toEqual([2n, 1n, 3n])
  expect(Array.from(then, ([rowId, row]) => [rowId, row.valueJson()])).toEqual([
    [1, { qty: 1 }],
    [2, { qty: 2 }],
    [3, { qty: 3 }],
  ])
  expect(Array.from(then.entries(), ([rowId]) => rowId)).toEqual([1, 2, 3])
  expect([then.get(4), then.has(4), then.has('1')]).toEqual([null, false, false])
  expect(inspect(then)).toBe("Snapshot { table: 'orders', lsn: 3n, size: 3 }")
  expectError(() => then.get(1.5), 'INVALID_ARGUMENT', /rowId must be/)
  expectError(() => then.has(), 'INVALID_ARGUMENT', /rowId must be/)
})

test('iterating goes beyond one batch, and two iterations do not disturb each other', () => {
  const numbers = Array.from({ length: 1_000 }, (_, number) => number)
  log.appendTransactionSync(numbers.toReversed().map((number) => Change.insert('many', number, number)))
  const many = log.snapshotSync('many')
  const [one, other] = [many.keys(), many.keys()]
  const pairs = numbers.map(() => [one.next().value, other.next().value])
  expect(pairs).toEqual(numbers.map((number) => [number, number]))
  expect([one.next().done, other.next().done]).toEqual([true, true])
})

test('a view takes in what is new when it is refreshed', async () => {
  const view = log.materialiseSync('orders')
  expect(view).toBeInstanceOf(View)
  expect([view.table, view.lsn, view.size]).toEqual(['orders', 5n, 2])
  log.appendTransactionSync([Change.delete('orders', 1), Change.insert('orders', 0, 0), Change.insert('audit', 1, 1)])
  const [before, iterator] = [view.snapshot(), view.keys()]
  expect([...view.keys()]).toEqual([1, 2])
  expect(await view.refresh()).toBe(2)
  expect(view.refreshSync()).toBe(0)
  expect([view.lsn, view.size, view.has(0), view.has(1), view.get(1)]).toEqual([8n, 2, true, false, null])
  expect(Array.from(view, ([rowId, row]) => [rowId, row.valueJson()])).toEqual([
    [0, 0],
    [2, { qty: 20 }],
  ])
  expect(Array.from(view.values(), ({ lsn }) => lsn)).toEqual([7n, 4n])
  expect(Array.from(view.entries(), ([rowId]) => rowId)).toEqual([0, 2])
  // What was asked for before shows what was there before.
  expect([[...before.keys()], [...iterator]]).toEqual([[1, 2], [1, 2]])
  expect(inspect(view)).toBe("View { table: 'orders', lsn: 8n, size: 2 }")
  expectError(() => view.get({}), 'INVALID_ARGUMENT', /rowId must be/)
})

test('a view of an unknown table may fill later, and outlives its log', async () => {
  const view = await log.materialise('later')
  expect([...view]).toEqual([])
  log.appendSync(Change.insert('later', B, 1))
  expect(view.refreshSync()).toBe(1)
  log.closeSync()
  expect([...view.keys()]).toEqual([B])
  expectError(() => view.refreshSync(), 'CLOSED')
  await expectRejection(view.refresh(), 'CLOSED')
})

test.each([
  ['a negative LSN', -1, /at must be an LSN as a bigint or a safe integer, a Date, \{ timestampNs \}, .*, got -1/],
  ['a fraction', 1.5, /at must be .*, got 1.5/],
  ['text', 'now', /at must be .*, got "now"/],
  ['a boolean', true, /at must be .*, got true/],
  ['an array', [1n], /at must be .*, got an array/],
  ['an object of another kind', { lsn: 1n }, /at has no property "lsn": known are timestampNs/],
  ['an object without a time', {}, /at.timestampNs must be .*, got undefined/],
  ['nanoseconds as a number', { timestampNs: 5 }, /at.timestampNs must be .*, got 5/],
  ['an invalid Date', new Date(NaN), /at must be a Date or a bigint of nanoseconds/],
  ['an LSN that is yet to come', 6n, /no entry has LSN 6 yet: the last one of the log is 5/],
])('a moment is checked: %s', async (_what, at, message) => {
  expectError(() => log.stateAtSync('orders', 1, at), 'INVALID_ARGUMENT', message)
  expectError(() => log.snapshotSync('orders', at), 'INVALID_ARGUMENT', message)
  await expectRejection(log.stateAt('orders', 1, at), 'INVALID_ARGUMENT', message)
  await expectRejection(log.snapshot('orders', at), 'INVALID_ARGUMENT', message)
})

test('tables and rows are checked', async () => {
  for (const [table, message] of [
    ['', /table name is empty/],
    [5, /table must be a string, got 5/],
  ]) {
    expectError(() => log.history(table, 1), 'INVALID_ARGUMENT', message)
    expectError(() => log.stateAtSync(table, 1), 'INVALID_ARGUMENT', message)
    expectError(() => log.snapshotSync(table), 'INVALID_ARGUMENT', message)
    expectError(() => log.materialiseSync(table), 'INVALID_ARGUMENT', message)
    await expectRejection(log.materialise(table), 'INVALID_ARGUMENT', message)
  }
  expectError(() => log.history('orders'), 'INVALID_ARGUMENT', /rowId must be .*, got undefined/)
  expectError(() => log.stateAtSync('orders', NaN), 'INVALID_ARGUMENT', /rowId must be .*, got NaN/)
})

test('what only a log makes cannot be made with new, and members are called on their own', () => {
  for (const Class of [Row, Snapshot, View]) expectError(() => new Class(), 'INVALID_ARGUMENT', /cannot be made with new/)
  expectError(() => Snapshot.prototype.get.call(log, 1), 'INVALID_ARGUMENT')
  expectError(() => [...Snapshot.prototype.keys.call({})], 'INVALID_ARGUMENT')
  expectError(() => View.prototype.keys.call({ snapshot: () => log }).next(), 'INVALID_ARGUMENT')
})
