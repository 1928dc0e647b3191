'use strict'

const { appendFileSync, existsSync, writeFileSync } = require('node:fs')
const path = require('node:path')
const { Change, ChangeLog } = require('..')
const { A, B, damage, expectError, node, started, temporaryDirectory } = require('./support')

const directory = temporaryDirectory()
let number = 0
const place = () => path.join(directory, `log-${(number += 1)}`)

test.each(['sync', 'interval', 'os'])('what was appended is there after reopening (durability %s)', (durability) => {
  const where = place()
  const log = ChangeLog.openSync(where, { durability })
  log.appendSync(Change.insert('orders', 42, { qty: 1 }))
  log.syncSync()
  const { node: self, id } = log
  log.closeSync()
  const again = ChangeLog.openSync(where)
  expect([again.node, again.id, again.pastNodes]).toEqual([self, id, []])
  expect(Array.from(again.query(), (entry) => entry.afterJson())).toEqual([{ qty: 1 }])
  again.closeSync()
})

test('a log keeps its node, and refuses one that it never was', () => {
  const where = place()
  ChangeLog.openSync(where, { node: A }).closeSync()
  const log = ChangeLog.openSync(where, { node: A })
  expect(log.node).toBe(A)
  log.closeSync()
  expectError(() => ChangeLog.openSync(where, { node: B }), 'INVALID_ARGUMENT', new RegExp(B))
})

test('the directory is made if it is not there', () => {
  const where = path.join(place(), 'deep', 'down')
  ChangeLog.openSync(where).closeSync()
  expect(existsSync(where)).toBe(true)
})

test('a second handle in this process is locked out until the first is closed', () => {
  const where = place()
  const log = ChangeLog.openSync(where)
  expectError(() => ChangeLog.openSync(where), 'LOCKED', /./)
  log.closeSync()
  ChangeLog.openSync(where).closeSync()
})

test('a directory that another process holds is locked, and free when that process has been killed', async () => {
  const where = place()
  const { child, ended } = await started(`
    const log = require('.').ChangeLog.openSync(${JSON.stringify(where)})
    process.stdout.write('open')
    process.stdin.resume().on('end', () => log.closeSync())
  `)
  try {
    expectError(() => ChangeLog.openSync(where), 'LOCKED', new RegExp(path.basename(where)))
  } finally {
    child.kill('SIGKILL')
    await ended
  }
  ChangeLog.openSync(where).closeSync()
})

test('a process that ends without closing has lost nothing', () => {
  const where = place()
  const done = node(`
    const { Change, ChangeLog } = require('.')
    const log = ChangeLog.openSync(${JSON.stringify(where)})
    for (let i = 0; i < 10; i += 1) log.appendSync(Change.insert('t', i, {}))
    process.kill(process.pid, 'SIGKILL')
  `)
  expect(done.signal).toBe('SIGKILL')
  const log = ChangeLog.openSync(where)
  expect(log.stats().entries).toBe(10)
  log.closeSync()
})

test('after closing, every call is CLOSED and closing again does nothing', () => {
  const log = ChangeLog.openSync(place())
  log.appendSync(Change.insert('t', 1, {}))
  const [entry] = log.query()
  const cursor = log.query()
  const transactions = log.transactions()
  log.closeSync()
  log.closeSync()
  const calls = {
    appendSync: () => log.appendSync(Change.insert('t', 2, {})),
    appendTransactionSync: () => log.appendTransactionSync([]),
    appendRemoteSync: () => log.appendRemoteSync({ node: B, sequence: 1, dependencies: [], timestampNs: 0n, changes: [] }),
    query: () => log.query(),
    transactions: () => log.transactions(),
    frontier: () => log.frontier(),
    vectorClock: () => log.vectorClock(entry.dot),
    stats: () => log.stats(),
    history: () => log.history('t', 1),
    stateAtSync: () => log.stateAtSync('t', 1),
    snapshotSync: () => log.snapshotSync('t'),
    materialiseSync: () => log.materialiseSync('t'),
    waitSync: () => log.waitSync(0, 0),
    maintainSync: () => log.maintainSync(0n),
    removals: () => log.removals(),
    retainSync: () => log.retainSync({}),
    compactSync: () => log.compactSync(),
    compressSync: () => log.compressSync(),
    verifySync: () => log.verifySync(),
    consumerSync: () => log.consumerSync('c'),
    consumersSync: () => log.consumersSync(),
    removeConsumerSync: () => log.removeConsumerSync('c'),
    syncSync: () => log.syncSync(),
    cursor: () => cursor.next(),
    transactionCursor: () => transactions.next(),
  }
  for (const call of Object.values(calls)) expectError(call, 'CLOSED', /closed/)
  expect(entry.afterJson()).toEqual({})
  expect(log.node).toMatch(/^[0-9a-f-]{36}$/)
  expect(log.epoch).toBe(0)
})

test('a path that is no directory is refused', () => {
  const file = path.join(directory, 'file')
  writeFileSync(file, '')
  expectError(() => ChangeLog.openSync(file), 'INVALID_ARGUMENT', /file/)
  expectError(() => ChangeLog.openSync(''), 'INVALID_ARGUMENT', /path must be the path of a directory, got ""/)
  expectError(() => ChangeLog.openSync('a\0b'), 'INVALID_ARGUMENT', /path must be the path of a directory/)
  expectError(() => ChangeLog.openSync(5), 'INVALID_ARGUMENT', /path must be a string, got 5/)
})

test('a log that has lost its end is another node, in another epoch', () => {
  const where = place()
  const log = ChangeLog.openSync(where, { node: A })
  log.appendSync(Change.insert('t', 1, {}))
  log.closeSync()
  appendFileSync(path.join(where, '00000000000000000001.segment'), 'a transaction that was never wholly written')
  const again = ChangeLog.openSync(where)
  expect([again.epoch, again.pastNodes, again.id]).toEqual([1, [A], log.id])
  expect(again.node).not.toBe(A)
  expect(again.stats().entries).toBe(1)
  again.closeSync()
})

test('damage is CORRUPT where it is read, and names the file', () => {
  const where = place()
  const log = ChangeLog.openSync(where)
  for (let i = 0; i < 20; i += 1) log.appendSync(Change.insert('t', i, { text: 'x'.repeat(100) }))
  log.closeSync()
  damage(where)
  const damaged = ChangeLog.openSync(where)
  expectError(() => [...damaged.query()], 'CORRUPT', /00000000000000000001\.segment/)
  damaged.closeSync()
})
