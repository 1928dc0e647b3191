'use strict'

const path = require('node:path')
const { inspect } = require('node:util')
const { Change, ChangeLog, Consumer } = require('..')
const { A, expectError, expectRejection, node, temporaryDirectory } = require('./support')

const directory = temporaryDirectory()
let number = 0
const place = () => path.join(directory, `log-${(number += 1)}`)

/** A log in memory with transactions of so many changes. */
function logOf(...sizes) {
  const log = ChangeLog.inMemory({ node: A })
  for (const size of sizes) {
    log.appendTransactionSync(Array.from({ length: size }, (_, row) => Change.insert('t', row, row)))
  }
  return log
}

const lsns = (entries) => entries.map(({ lsn }) => lsn)

test('a consumer hands out whole transactions, one after the other', () => {
  const consumer = logOf(1, 2, 3).consumerSync('mailer')
  expect(consumer).toBeInstanceOf(Consumer)
  expect(consumer.name).toBe('mailer')
  expect(inspect(consumer)).toBe("Consumer { name: 'mailer' }")
  expect(lsns(consumer.pollSync(2))).toEqual([1n])
  expect(lsns(consumer.pollSync(2n))).toEqual([2n, 3n])
  expect(lsns(consumer.pollSync(2))).toEqual([4n, 5n, 6n])
  expect(consumer.pollSync(2)).toEqual([])
})

test('another handle goes on from what was committed', async () => {
  const log = logOf(1, 1, 1, 1)
  const consumer = log.consumerSync('mailer')
  expect([consumer.positionSync(), consumer.lagSync()]).toEqual([0n, 4])
  consumer.pollSync(3)
  consumer.commitSync(2n)
  const again = await log.consumer('mailer')
  expect([await again.position(), await again.lag()]).toEqual([2n, 2])
  expect(lsns(await again.poll(100))).toEqual([3n, 4n])
  expect(await again.commit(4)).toBeUndefined()
  expect([consumer.positionSync(), consumer.lagSync()]).toEqual([4n, 0])
  expect(lsns(consumer.pollSync(100))).toEqual([4n])
})

test('a reset goes back and forth', async () => {
  const consumer = logOf(1, 1, 1).consumerSync('mailer')
  consumer.pollSync(3)
  consumer.commitSync(3)
  consumer.resetSync(1n)
  expect(lsns(consumer.pollSync(9))).toEqual([2n, 3n])
  expect(await consumer.reset(0)).toBeUndefined()
  expect([consumer.positionSync(), lsns(consumer.pollSync(1))]).toEqual([0n, [1n]])
})

test('a promise loop until there is nothing more', async () => {
  const log = logOf(...Array.from({ length: 50 }, () => 3))
  const consumer = await log.consumer('all')
  const read = []
  for (;;) {
    const entries = await consumer.poll(10)
    if (entries.length === 0) break
    read.push(...lsns(entries))
    await consumer.commit(entries.at(-1).lsn)
  }
  expect(read).toEqual(Array.from({ length: 150 }, (_, index) => BigInt(index + 1)))
})

test('polls at once share the entries, each handed out once', async () => {
  const consumer = logOf(...Array.from({ length: 100 }, () => 1)).consumerSync('all')
  const polled = await Promise.all(Array.from({ length: 20 }, () => consumer.poll(5)))
  const read = lsns(polled.flat()).map(Number)
  expect(read.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
})

test('a process that only reads commits as well', () => {
  const where = place()
  const log = ChangeLog.openSync(where)
  for (let row = 0; row < 3; row += 1) log.appendSync(Change.insert('t', row, row))
  const consumer = log.consumerSync('c')
  const done = node(`
    const log = require('.').ChangeLog.openSync(${JSON.stringify(where)}, { readOnly: true })
    const consumer = log.consumerSync('c')
    consumer.commitSync(consumer.pollSync(2).at(-1).lsn)
    log.closeSync()
  `)
  expect(done).toMatchObject({ stderr: '', status: 0 })
  expect(consumer.positionSync()).toBe(2n)
  log.closeSync()
})

test('consumers are listed by name, and removed', async () => {
  const log = logOf(1, 1)
  log.consumerSync('b').commitSync(1)
  const gone = log.consumerSync('a')
  const listed = [
    { name: 'a', position: 0n, lag: 2 },
    { name: 'b', position: 1n, lag: 1 },
  ]
  expect(log.consumersSync()).toEqual(listed)
  expect(await log.consumers()).toEqual(listed)
  expect(log.stats().consumers).toEqual(listed)
  log.removeConsumerSync('a')
  expect(await log.removeConsumer('b')).toBeUndefined()
  expect(log.consumersSync()).toEqual([])
  expectError(() => gone.commitSync(1), 'NOT_FOUND', /"a"/)
  expectError(() => gone.positionSync(), 'NOT_FOUND')
  expectError(() => log.removeConsumerSync('a'), 'NOT_FOUND', /a/)
  await expectRejection(log.removeConsumer('a'), 'NOT_FOUND', /a/)
})

test('a position is kept when the process is killed', () => {
  const where = place()
  const done = node(`
    const { Change, ChangeLog } = require('.')
    const log = ChangeLog.openSync(${JSON.stringify(where)})
    for (let i = 0; i < 5; i += 1) log.appendSync(Change.insert('t', i, {}))
    const consumer = log.consumerSync('mailer')
    consumer.pollSync(3)
    consumer.commitSync(3)
    process.kill(process.pid, 'SIGKILL')
  `)
  expect(done.signal).toBe('SIGKILL')
  const log = ChangeLog.openSync(where)
  expect(lsns(log.consumerSync('mailer').pollSync(9))).toEqual([4n, 5n])
  log.closeSync()
})

test.each([
  ['', /""/],
  ['a b', /"a b"/],
  ['ü', /"ü"/],
  ['x'.repeat(101), /x{100}/],
  [5, /name must be a string, got 5/],
  [undefined, /name must be a string, got undefined/],
])('a name is checked: %p', async (name, message) => {
  const log = logOf()
  expectError(() => log.consumerSync(name), 'INVALID_ARGUMENT', message)
  expectError(() => log.removeConsumerSync(name), 'INVALID_ARGUMENT', message)
  await expectRejection(log.consumer(name), 'INVALID_ARGUMENT', message)
  await expectRejection(log.removeConsumer(name), 'INVALID_ARGUMENT', message)
})

test('limits and positions are checked', async () => {
  const consumer = logOf(1, 1).consumerSync('mailer')
  expectError(() => consumer.pollSync(0), 'INVALID_ARGUMENT', /limit is 0/)
  expectError(() => consumer.pollSync(), 'INVALID_ARGUMENT', /limit must be .*, got undefined/)
  expectError(() => consumer.pollSync(-1), 'INVALID_ARGUMENT', /limit must be .*, got -1/)
  await expectRejection(consumer.poll(0.5), 'INVALID_ARGUMENT', /limit must be .*, got 0.5/)
  expectError(() => consumer.commitSync(3n), 'INVALID_ARGUMENT', /LSN 3 is after the last one, 2/)
  expectError(() => consumer.commitSync('1'), 'INVALID_ARGUMENT', /lsn must be .*, got "1"/)
  consumer.commitSync(2)
  await expectRejection(consumer.commit(1), 'INVALID_ARGUMENT', /LSN 1 is before its position, 2/)
  await expectRejection(consumer.reset(3), 'INVALID_ARGUMENT', /LSN 3/)
  expectError(() => consumer.resetSync(), 'INVALID_ARGUMENT', /lsn must be/)
  expect(consumer.positionSync()).toBe(2n)
  expectError(() => new Consumer(), 'INVALID_ARGUMENT', /cannot be made with new/)
})

test('after closing the log, a consumer is CLOSED', async () => {
  const log = logOf(1)
  const consumer = log.consumerSync('mailer')
  log.closeSync()
  expectError(() => consumer.pollSync(1), 'CLOSED')
  expectError(() => consumer.commitSync(1), 'CLOSED')
  expectError(() => consumer.positionSync(), 'CLOSED')
  expectError(() => consumer.lagSync(), 'CLOSED')
  expectError(() => consumer.resetSync(0), 'CLOSED')
  expectError(() => log.consumersSync(), 'CLOSED')
  await expectRejection(consumer.poll(1), 'CLOSED')
  await expectRejection(consumer.position(), 'CLOSED')
  await expectRejection(consumer.lag(), 'CLOSED')
  await expectRejection(log.consumers(), 'CLOSED')
  await expectRejection(log.consumer('mailer'), 'CLOSED')
  expect(consumer.name).toBe('mailer')
})
