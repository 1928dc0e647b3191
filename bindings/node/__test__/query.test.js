'use strict'

const { Change, ChangeLog, ManualTime, VectorClock } = require('..')
const { A, B, NOW, expectError } = require('./support')

const SECOND = 1_000_000_000n
let log

// LSN 1 to 6, one second apart: orders 1, orders 2, audit 'a', orders 1, orders 1, and one of another node.
beforeEach(() => {
  const time = new ManualTime(NOW)
  log = ChangeLog.inMemory({ node: A, time })
  const changes = [
    Change.insert('orders', 1, 1),
    Change.insert('orders', 2, 2),
    Change.insert('audit', 'a', 3),
    Change.update('orders', 1, 1, 4),
    Change.delete('orders', 1, 4),
  ]
  for (const change of changes) {
    log.appendSync(change)
    time.advance(SECOND)
  }
  const timestampNs = NOW + 5n * SECOND
  const other = { node: B, sequence: 1n, dependencies: [], timestampNs, changes: [Change.insert('orders', 3, 6)] }
  log.appendRemoteSync(other)
})

const lsns = (options) => Array.from(log.query(options), (entry) => Number(entry.lsn))

test.each([
  ['nothing: everything', undefined, [1, 2, 3, 4, 5, 6]],
  ['null: everything', null, [1, 2, 3, 4, 5, 6]],
  ['a table', { table: 'orders' }, [1, 2, 4, 5, 6]],
  ['tables', { tables: ['audit', 'none'] }, [3]],
  ['no tables: all', { tables: [] }, [1, 2, 3, 4, 5, 6]],
  ['a table that is not there', { table: 'none' }, []],
  ['a row', { table: 'orders', rowId: 1 }, [1, 4, 5]],
  ['a row id in all tables', { rowId: 'a' }, [3]],
  ['a row id of another type', { rowId: '1' }, []],
  ['an operation', { operation: 'delete' }, [5]],
  ['a node', { node: B }, [6]],
  ['a transaction', { transaction: { node: A, sequence: 4n } }, [4]],
  ['a transaction that is not there', { transaction: { node: B, sequence: 2 } }, []],
  ['what a clock does not cover', { unseenBy: new VectorClock([[A, 3n]]) }, [4, 5, 6]],
  ['what an empty clock does not cover', { unseenBy: new VectorClock() }, [1, 2, 3, 4, 5, 6]],
  ['since', { since: 4n }, [5, 6]],
  ['since as a number', { since: 4 }, [5, 6]],
  ['until', { until: 2n }, [1, 2]],
  ['since and until', { since: 2, until: 4 }, [3, 4]],
  ['since the end', { since: 6 }, []],
  ['since a time', { sinceTime: NOW + 3n * SECOND }, [5, 6]],
  ['until a time', { untilTime: NOW + SECOND }, [1, 2]],
  ['between Dates', { sinceTime: new Date(1_700_000_000_123), untilTime: new Date(1_700_000_001_124) }, [1, 2]],
  ['a limit', { limit: 2 }, [1, 2]],
  ['a limit of none', { limit: 0 }, []],
  ['reverse', { reverse: true }, [6, 5, 4, 3, 2, 1]],
  ['reverse with a limit', { reverse: true, limit: 2 }, [6, 5]],
  ['all together', { table: 'orders', rowId: 1, node: A, since: 1, until: 5, limit: 1, reverse: true }, [5]],
])('a query by %s', async (_what, options, expected) => {
  expect(lsns(options)).toEqual(expected)
  const read = []
  for await (const entry of log.query(options)) read.push(Number(entry.lsn))
  expect(read).toEqual(expected)
})

test.each([
  ['an unknown option', { tabel: 'x' }, /options has no property "tabel": known are table, tables/],
  ['options that are none', 'orders', /options must be an object, got "orders"/],
  ['a table of a wrong type', { table: 1 }, /options.table must be a string, got 1/],
  ['table and tables', { table: 'a', tables: ['b'] }, /options.tables must be left out when there is a table/],
  ['tables of a wrong type', { tables: 'a' }, /options.tables must be an array of strings, got "a"/],
  ['a table in tables of a wrong type', { tables: ['a', 1] }, /options.tables\[1\] must be a string, got 1/],
  ['an unknown operation', { operation: 'upsert' }, /options.operation must be one of/],
  ['a malformed node', { node: 'x' }, /options.node must be a UUID/],
  ['a transaction that is no dot', { transaction: 'x' }, /options.transaction must be a dot, \{ node, sequence \}, got "x"/],
  ['a clock that is none', { unseenBy: {} }, /options.unseenBy must be a VectorClock, got an object/],
  ['a negative LSN', { since: -1 }, /options.since must be .*, got -1/],
  ['a fraction', { until: 1.5 }, /options.until must be .*, got 1.5/],
  ['a time that is a number', { sinceTime: 5 }, /options.sinceTime must be a Date or a bigint/],
  ['a limit that is text', { limit: '1' }, /options.limit must be .*, got "1"/],
  ['reverse that is no boolean', { reverse: 1 }, /options.reverse must be a boolean, got 1/],
])('options are checked: %s', (_what, options, message) => {
  expectError(() => log.query(options), 'INVALID_ARGUMENT', message)
})

test('a cursor sees the log as it was when the query was made', () => {
  const cursor = log.query()
  log.appendSync(Change.insert('orders', 9, {}))
  expect([...cursor]).toHaveLength(6)
})

test('a cursor is for one reader, and at its end once it has ended', () => {
  const cursor = log.query()
  expect(cursor[Symbol.iterator]()).toBe(cursor)
  expect(cursor.next().value.lsn).toBe(1n)
  expect(Array.from(cursor, (entry) => entry.lsn)).toEqual([2n, 3n, 4n, 5n, 6n])
  expect(cursor.next()).toEqual({ done: true, value: undefined })
  expect([...cursor]).toEqual([])
})

test('a cursor that is read in both ways gives every entry once', async () => {
  const cursor = log.query()
  const read = [cursor.next().value.lsn]
  for await (const entry of cursor) read.push(entry.lsn)
  expect(read).toEqual([1n, 2n, 3n, 4n, 5n, 6n])
})

test('leaving a loop early closes the cursor', async () => {
  const cursors = [log.query(), log.query(), log.query()]
  for (const _entry of cursors[0]) break
  for await (const _entry of cursors[1]) break
  await expect(async () => {
    for await (const _entry of cursors[2]) throw new Error('enough')
  }).rejects.toThrow('enough')
  for (const cursor of cursors) expect(cursor.next().done).toBe(true)
})

test('a cursor can be closed, again and again', () => {
  const cursor = log.query()
  cursor.next()
  cursor.close()
  cursor.close()
  expect(cursor.next().done).toBe(true)
  expect(cursor.return()).toEqual({ done: true, value: undefined })
})

test('asking an async iterator several times at once gives every entry once and in order', async () => {
  const iterator = log.query()[Symbol.asyncIterator]()
  const results = await Promise.all(Array.from({ length: 8 }, () => iterator.next()))
  expect(results.map(({ value }) => value?.lsn)).toEqual([1n, 2n, 3n, 4n, 5n, 6n, undefined, undefined])
})

test('reading goes beyond one batch, both ways', async () => {
  const numbers = Array.from({ length: 2_000 }, (_, number) => number)
  log.appendTransactionSync(numbers.map((number) => Change.insert('many', number, Buffer.alloc(2_000))))
  const options = { table: 'many' }
  expect(Array.from(log.query(options), (entry) => entry.rowId)).toEqual(numbers)
  const read = []
  for await (const entry of log.query({ ...options, reverse: true })) read.push(entry.rowId)
  expect(read).toEqual(numbers.toReversed())
})

test('transactions are read in both ways, too', async () => {
  expect(Array.from(log.transactions(), (each) => each.sequence)).toEqual([1n, 2n, 3n, 4n, 5n, 1n])
  const read = []
  for await (const each of log.transactions()) read.push(each.node)
  expect(read).toEqual([A, A, A, A, A, B])
  const cursor = log.transactions()
  for (const _each of cursor) break
  expect(cursor.next().done).toBe(true)
})
