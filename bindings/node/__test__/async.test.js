'use strict'

const path = require('node:path')
const { Change, ChangeLog } = require('..')
const { A, B, NOW, expectRejection, temporaryDirectory, thrownBy } = require('./support')

const directory = temporaryDirectory()

test('every promise form does what its sync form does', async () => {
  const where = path.join(directory, 'all')
  const log = await ChangeLog.open(where, { node: A })
  expect(log).toBeInstanceOf(ChangeLog)
  expect(await log.append(Change.insert('t', 1, { qty: 1 }))).toMatchObject({ firstLsn: 1n, duplicate: false })
  expect(await log.appendTransaction([Change.delete('t', 1), Change.delete('t', 2)])).toMatchObject({ lastLsn: 3n })
  const transaction = { node: B, sequence: 1n, dependencies: [], timestampNs: NOW, changes: [] }
  expect(await log.appendRemote(transaction)).toMatchObject({ transaction: { node: B, sequence: 1n } })
  expect(await log.appendRemote(transaction)).toMatchObject({ duplicate: true })
  expect(await log.sync()).toBeUndefined()
  expect(await log.close()).toBeUndefined()
  expect(await log.close()).toBeUndefined()
  const again = await ChangeLog.open(where)
  expect(again.stats()).toMatchObject({ entries: 3, transactions: 3, merges: 1 })
  await again.close()
})

test('appends at once are all recorded, each once', async () => {
  const log = ChangeLog.inMemory()
  const appended = await Promise.all(Array.from({ length: 100 }, (_, row) => log.append(Change.insert('t', row, row))))
  expect(new Set(appended.map(({ firstLsn }) => firstLsn)).size).toBe(100)
  expect(Array.from(log.query(), (entry) => entry.rowId).sort((a, b) => a - b)).toEqual(appended.map((_, row) => row))
})

test('arguments are taken when the call is made', async () => {
  const log = ChangeLog.inMemory()
  const after = Buffer.from('first')
  const metadata = { actor: 'alice' }
  const promise = log.append(Change.insert('t', 1, after, { metadata }))
  after.write('later')
  metadata.actor = 'bob'
  await promise
  const [entry] = log.query()
  expect([entry.after.toString(), entry.metadata]).toEqual(['first', { actor: 'alice' }])
})

test('bad arguments and failures reject the promise, and nothing is thrown', async () => {
  const log = ChangeLog.inMemory()
  await expectRejection(ChangeLog.open(5), 'INVALID_ARGUMENT', /path must be a string, got 5/)
  await expectRejection(ChangeLog.open(path.join(directory, 'x'), { node: 1 }), 'INVALID_ARGUMENT', /options.node/)
  await expectRejection(log.append(), 'INVALID_ARGUMENT', /change must be an object/)
  await expectRejection(log.append(Change.insert('t', 1, NaN)), 'INVALID_ARGUMENT', /got NaN/)
  await expectRejection(log.append(Change.insert('', 1, {})), 'INVALID_ARGUMENT', /table name is empty/)
  await expectRejection(log.appendTransaction(1), 'INVALID_ARGUMENT', /changes must be an array/)
  await expectRejection(log.appendRemote({}), 'INVALID_ARGUMENT', /transaction.node/)
  const missing = { node: B, sequence: 3n, dependencies: [], timestampNs: NOW, changes: [] }
  await expectRejection(log.appendRemote(missing), 'MISSING_DEPENDENCY', /./)
  await expectRejection(ChangeLog.prototype.append.call({}, Change.delete('t', 1)), 'INVALID_ARGUMENT', /./)
})

test('after closing, every promise is rejected with CLOSED', async () => {
  const log = ChangeLog.inMemory()
  log.appendSync(Change.insert('t', 1, {}))
  const cursor = log.query()
  await log.close()
  await expectRejection(log.append(Change.delete('t', 1)), 'CLOSED')
  await expectRejection(log.appendTransaction([]), 'CLOSED')
  await expectRejection(log.sync(), 'CLOSED')
  await expectRejection(cursor[Symbol.asyncIterator]().next(), 'CLOSED')
})

test('a rejection has the code, and a stack that leads to who was awaiting', async () => {
  async function theCaller() {
    await ChangeLog.inMemory().append(Change.insert('', 1, {}))
  }
  const error = await theCaller().catch((rejected) => rejected)
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', retryable: false })
  expect(error.stack).toMatch(/theCaller/)
  expect(thrownBy(() => ChangeLog.inMemory().appendSync(Change.insert('', 1, {}))).stack).toMatch(/async\.test\.js/)
})

test('the main thread goes on while a log is written', async () => {
  const log = await ChangeLog.open(path.join(directory, 'busy'))
  let turns = 0
  const timer = setInterval(() => (turns += 1), 0)
  for (let row = 0; row < 200; row += 1) await log.append(Change.insert('t', row, Buffer.alloc(10_000)))
  clearInterval(timer)
  expect(turns).toBeGreaterThan(0)
  await log.close()
})
