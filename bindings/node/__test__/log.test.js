'use strict'

const { Change, ChangeLog, ManualTime } = require('..')
const { A, B, NOW, expectError } = require('./support')

test('an append says what it did', () => {
  const log = ChangeLog.inMemory({ node: A, time: new ManualTime(NOW) })
  expect(log.node).toBe(A)
  expect(log.appendSync(Change.insert('orders', 42, { qty: 1 }))).toEqual({
    transaction: { node: A, sequence: 1n },
    timestamp: new Date(1_700_000_000_123),
    timestampNs: NOW,
    firstLsn: 1n,
    lastLsn: 1n,
    duplicate: false,
  })
})

test('an entry has all that was given and all that the log adds', () => {
  const log = ChangeLog.inMemory({ node: A, time: new ManualTime(NOW) })
  const metadata = { actor: 'alice', why: 'über 🦀' }
  log.appendTransactionSync([
    Change.insert('orders', 42, { qty: 1 }, { metadata }),
    Change.update('orders', 42, { qty: 1 }, { qty: 2 }),
    Change.delete('orders', 42, { qty: 2 }),
  ])
  const [insert, update, remove] = log.query()
  expect(insert.lsn).toBe(1n)
  expect(insert.node).toBe(A)
  expect(insert.sequence).toBe(1n)
  expect(insert.dot).toEqual({ node: A, sequence: 1n })
  expect(insert.transaction).toEqual({ node: A, sequence: 3n })
  expect(insert.vectorClock.entries()).toEqual([[A, 1n]])
  expect(insert.timestamp).toEqual(new Date(1_700_000_000_123))
  expect(insert.timestampNs).toBe(NOW)
  expect(insert.table).toBe('orders')
  expect(insert.rowId).toBe(42)
  expect(insert.operation).toBe('insert')
  expect(insert.before).toBeNull()
  expect(insert.afterJson()).toEqual({ qty: 1 })
  expect(insert.verdict).toBe('applied')
  expect(insert.metadata).toEqual(metadata)
  expect(update.beforeJson()).toEqual({ qty: 1 })
  expect(update.metadata).toEqual({})
  expect(remove.operation).toBe('delete')
  expect(remove.after).toBeNull()
  expect(insert.happensBefore(update)).toBe(true)
  expect(update.happensBefore(insert)).toBe(false)
  expect(insert.payloadHash()).toHaveLength(16)
  expect(insert.payloadHash()).not.toEqual(update.payloadHash())
})

test('JSON.stringify of an entry', () => {
  const log = ChangeLog.inMemory({ node: A, time: new ManualTime(NOW) })
  log.appendSync(Change.insert('t', [2n ** 60n, Buffer.from([255]), { uuid: B }], { qty: 1 }, { metadata: { a: 'b' } }))
  const [entry] = log.query()
  expect(JSON.parse(JSON.stringify(entry))).toEqual({
    lsn: 1,
    node: A,
    sequence: 1,
    vectorClock: { [A]: 1 },
    timestamp: '2023-11-14T22:13:20.123456789Z',
    transaction: `${A}:1`,
    table: 't',
    rowId: [{ integer: '1152921504606846976' }, { bytes: 'ff' }, { uuid: B }],
    operation: 'insert',
    before: null,
    after: { qty: 1 },
    verdict: 'applied',
    metadata: { a: 'b' },
  })
})

test('changing the clock of an entry changes nothing in the log', () => {
  const log = ChangeLog.inMemory({ node: A })
  log.appendSync(Change.insert('t', 1, {}))
  const [entry] = log.query()
  entry.vectorClock.increment(B)
  expect(entry.vectorClock.get(B)).toBe(0n)
})

test('an empty transaction is a merge: it has a dot and a clock, and no entry', () => {
  const log = ChangeLog.inMemory({ node: A })
  const appended = log.appendTransactionSync([])
  expect(appended).toMatchObject({ transaction: { node: A, sequence: 1n }, firstLsn: null, lastLsn: null })
  expect([...log.query()]).toEqual([])
  expect(log.vectorClock(appended.transaction).entries()).toEqual([[A, 1n]])
  expect(log.stats()).toMatchObject({ entries: 0, transactions: 1, merges: 1 })
})

test('frontier, clocks of dots, and what is not there', () => {
  const log = ChangeLog.inMemory({ node: A })
  log.appendSync(Change.insert('t', 1, {}))
  log.appendSync(Change.insert('t', 2, {}))
  expect(log.frontier().entries()).toEqual([[A, 2n]])
  expect(log.vectorClock({ node: A, sequence: 1 }).entries()).toEqual([[A, 1n]])
  expectError(() => log.vectorClock({ node: A, sequence: 3n }), 'NOT_FOUND', new RegExp(`${A}:3`))
  expectError(() => log.vectorClock(A), 'INVALID_ARGUMENT', /dot must be a dot, \{ node, sequence \}/)
})

test('stats are the log in numbers', () => {
  const log = ChangeLog.inMemory({ time: new ManualTime(NOW) })
  expect(log.stats()).toEqual({
    entries: 0,
    transactions: 0,
    merges: 0,
    nodes: 0,
    firstLsn: 0n,
    lastLsn: 0n,
    oldest: null,
    oldestNs: null,
    newest: null,
    newestNs: null,
    durableLsn: 0n,
    segments: 1,
    bytes: expect.any(Number),
    consumers: [],
    tables: {},
  })
  log.appendTransactionSync([Change.insert('a', 1, {}), Change.update('a', 1, {}, {}), Change.delete('__proto__', 1)])
  const stats = log.stats()
  expect(stats).toMatchObject({ entries: 3, transactions: 1, nodes: 1, firstLsn: 1n, lastLsn: 3n, durableLsn: 3n })
  expect(stats.oldest).toEqual(new Date(1_700_000_000_123))
  expect([stats.oldestNs, stats.newestNs]).toEqual([NOW, NOW])
  expect(Object.entries(stats.tables)).toEqual([
    ['__proto__', { entries: 1, inserts: 0, updates: 0, deletes: 1 }],
    ['a', { entries: 2, inserts: 1, updates: 1, deletes: 0 }],
  ])
})

test('a transaction is taken whole or not at all', () => {
  const log = ChangeLog.inMemory()
  const changes = [Change.insert('t', 1, {}), Change.insert('', 2, {})]
  expectError(() => log.appendTransactionSync(changes), 'INVALID_ARGUMENT', /table name is empty/)
  expect(log.stats()).toMatchObject({ entries: 0, transactions: 0 })
})

test.each([
  ['no change', undefined, /change must be an object, got undefined/],
  ['an array', [], /change must be an object, got an array/],
  ['no table', { rowId: 1, operation: 'insert' }, /change.table must be a string, got undefined/],
  ['a table of a wrong type', { table: 7, rowId: 1, operation: 'insert' }, /change.table must be a string, got 7/],
  ['an empty table', { table: '', rowId: 1, operation: 'insert' }, /table name is empty/],
  ['no row id', { table: 't', operation: 'insert' }, /change.rowId must be .*, got undefined/],
  ['an unknown operation', { table: 't', rowId: 1, operation: 'upsert' }, /change.operation must be one of "insert", "update", "delete", got "upsert"/],
  ['an insert with a before', { table: 't', rowId: 1, operation: 'insert', before: {} }, /no image before it/],
  ['a delete with an after', { table: 't', rowId: 1, operation: 'delete', after: {} }, /no image after it/],
  ['metadata that is no text', { table: 't', rowId: 1, operation: 'delete', metadata: { a: 1 } }, /change.metadata.a must be a string, got 1/],
  ['metadata that is no object', { table: 't', rowId: 1, operation: 'delete', metadata: 'a' }, /change.metadata must be an object, got "a"/],
])('a malformed change is refused: %s', (_what, change, message) => {
  const log = ChangeLog.inMemory()
  expectError(() => log.appendSync(change), 'INVALID_ARGUMENT', message)
  expectError(() => log.appendTransactionSync([change]), 'INVALID_ARGUMENT')
  expect(log.stats().transactions).toBe(0)
})

test('in a list of changes the message says which', () => {
  const log = ChangeLog.inMemory()
  expectError(() => log.appendTransactionSync([Change.delete('t', 1), {}]), 'INVALID_ARGUMENT', /changes\[1\].table/)
  expectError(() => log.appendTransactionSync('no'), 'INVALID_ARGUMENT', /changes must be an array of changes, got "no"/)
})

test('what is too large is refused', () => {
  const log = ChangeLog.inMemory()
  expectError(() => log.appendSync(Change.insert('x'.repeat(1025), 1, {})), 'TOO_LARGE', /table name of 1025 bytes/)
  const metadata = { long: 'x'.repeat(65_536) }
  expectError(() => log.appendSync(Change.insert('t', 1, {}, { metadata })), 'TOO_LARGE', /metadata of 65540 bytes/)
})

test('a payload of many megabytes comes back', () => {
  const log = ChangeLog.inMemory()
  const large = Buffer.alloc(20_000_000, 'causelog')
  log.appendSync(Change.insert('t', 1, large))
  expect(log.query().next().value.after.equals(large)).toBe(true)
})

test('thousands of changes in one transaction come back in order', () => {
  const log = ChangeLog.inMemory()
  const numbers = Array.from({ length: 5_000 }, (_, number) => number)
  log.appendTransactionSync(numbers.map((number) => Change.insert('t', number, number)))
  expect(Array.from(log.query(), (entry) => entry.rowId)).toEqual(numbers)
})

test.each([
  ['an unknown option', { durabilty: 'os' }, /options has no property "durabilty": known are node, durability/],
  ['an unknown durability', { durability: 'never' }, /options.durability must be one of "sync", "interval", "os", got "never"/],
  ['a malformed node', { node: 'me' }, /options.node must be a UUID as a string, got "me"/],
  ['a negative skew', { maximumClockSkew: -1 }, /options.maximumClockSkew must be milliseconds, 0 or more, got -1/],
  ['a skew that is no number', { maximumClockSkew: '1' }, /options.maximumClockSkew must be a number, got "1"/],
  ['a time that is none', { time: new Date() }, /options.time must be a ManualTime, got a Date/],
  ['options that are none', 5, /options must be an object, got 5/],
])('options are checked: %s', (_what, options, message) => {
  expectError(() => ChangeLog.inMemory(options), 'INVALID_ARGUMENT', message)
})

test('options that are left out are left to their defaults', () => {
  for (const options of [undefined, null, {}, { node: null, durability: undefined, time: null, maximumClockSkew: null }]) {
    expect(ChangeLog.inMemory(options).node).toMatch(/^[0-9a-f-]{36}$/)
  }
})
