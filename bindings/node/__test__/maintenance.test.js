'use strict'

const { existsSync } = require('node:fs')
const path = require('node:path')
const { Change, ChangeLog, ManualTime, VectorClock, VerifyReport } = require('..')
const { A, NOW, damage, expectError, expectRejection, node, started, temporaryDirectory } = require('./support')

const directory = temporaryDirectory()
let number = 0
const place = () => path.join(directory, `log-${(number += 1)}`)

const DAY = 86_400_000

/** Ninety updates of three rows, a minute apart, in segments of about thirty. */
function fill(log, time) {
  for (let count = 0; count < 90; count += 1) {
    log.appendSync(Change.update('orders', count % 3, null, Buffer.alloc(100, count)))
    time.advance(60_000_000_000n)
  }
  return log
}

function filled(options) {
  const time = new ManualTime(NOW)
  return { time, log: fill(ChangeLog.inMemory({ node: A, segmentBytes: 4096, time, ...options }), time) }
}

describe('waiting', () => {
  test('is over at once when there is something', async () => {
    const log = ChangeLog.inMemory()
    log.appendTransactionSync([Change.insert('t', 1, 1), Change.insert('t', 2, 2)])
    expect(log.waitSync(0, 0)).toBe(2n)
    expect(log.waitSync(1n, 1_000)).toBe(2n)
    expect(await log.wait(1, 1_000)).toBe(2n)
  })

  test('is over when something comes, for more who wait than the pool has threads', async () => {
    const log = ChangeLog.inMemory()
    const waits = Array.from({ length: 20 }, () => log.wait(0n, 60_000))
    expect(await log.append(Change.insert('t', 1, 1))).toMatchObject({ firstLsn: 1n })
    expect(new Set(await Promise.all(waits))).toEqual(new Set([1n]))
  })

  test('is TIMEOUT when nothing comes, which is worth another try', async () => {
    const log = ChangeLog.inMemory()
    expectError(() => log.waitSync(0, 5), 'TIMEOUT', /no entry after 0 came within 5ms/)
    await expectRejection(log.wait(7n, 5), 'TIMEOUT', /no entry after 7 came within 5ms/)
    await expect(log.wait(0, 0)).rejects.toMatchObject({ code: 'TIMEOUT', name: 'CauselogError' })
  })

  test('is CLOSED when the log is closed meanwhile', async () => {
    const log = ChangeLog.inMemory()
    const wait = expectRejection(log.wait(0, 60_000), 'CLOSED')
    await log.close()
    await wait
    expectError(() => log.waitSync(0, 0), 'CLOSED')
  })

  test('keeps the process running, which can end all the same', () => {
    const waiting = (timeout) => `require('.').ChangeLog.inMemory().wait(0n, ${timeout}).catch((error) => console.log(error.code))`
    expect(node(waiting(50))).toMatchObject({ stderr: '', stdout: 'TIMEOUT\n', status: 0 })
    const ended = node(`${waiting(60_000)}; setTimeout(() => process.exit(7), 50)`)
    expect(ended).toMatchObject({ stderr: '', stdout: '', status: 7 })
  })

  test('does not outlive the worker that waits', () => {
    const done = node(`
      const { Worker } = require('node:worker_threads')
      const worker = new Worker(
        "const log = require('.').ChangeLog.inMemory(); log.wait(0, 300); require('node:worker_threads').parentPort.postMessage(1)",
        { eval: true },
      )
      worker.on('message', async () => {
        await worker.terminate()
        setTimeout(() => console.log('well'), 600)
      })
    `)
    expect(done).toMatchObject({ stdout: 'well\n', stderr: '', status: 0 })
  })

  test.each([
    ['a negative LSN', [-1, 5], /lsn must be .*, got -1/],
    ['no timeout', [0], /timeout must be a number, got undefined/],
    ['a negative timeout', [0, -1], /timeout must be milliseconds, 0 or more, got -1/],
    ['a timeout beyond all time', [0, Infinity], /timeout must be milliseconds, 0 or more, got Infinity/],
    ['a timeout that is none', [0, NaN], /timeout must be a number, got NaN/],
    ['a bigint', [0, 5n], /timeout must be a number, got 5n/],
  ])('is refused with %s', async (_what, args, message) => {
    const log = ChangeLog.inMemory()
    expectError(() => log.waitSync(...args), 'INVALID_ARGUMENT', message)
    await expectRejection(log.wait(...args), 'INVALID_ARGUMENT', message)
  })
})

describe('a log that is open for reading only', () => {
  test('sees what a writer in another process appends, and writes nothing', async () => {
    const where = place()
    const { child, ended } = await started(`
      const { Change, ChangeLog } = require('.')
      const log = ChangeLog.openSync(${JSON.stringify(where)})
      log.appendSync(Change.insert('t', 1, { qty: 1 }))
      process.stdout.write('open')
      process.stdin.once('data', () => log.appendSync(Change.insert('t', 2, { qty: 2 })))
      process.stdin.on('end', () => log.closeSync())
    `)
    const log = ChangeLog.openSync(where, { readOnly: true })
    const view = log.materialiseSync('t')
    expect(log.stats().entries).toBe(1)
    child.stdin.write('more')
    expect(await log.wait(1n, 60_000)).toBe(2n)
    expect(Array.from(log.query({ since: 1 }), (entry) => entry.afterJson())).toEqual([{ qty: 2 }])
    expect([view.refreshSync(), view.size]).toEqual([1, 2])
    expectError(() => log.appendSync(Change.insert('t', 3, {})), 'READ_ONLY', /reading only/)
    await expectRejection(log.append(Change.insert('t', 3, {})), 'READ_ONLY')
    expectError(() => log.syncSync(), 'READ_ONLY')
    expectError(() => log.maintainSync(new Date()), 'READ_ONLY')
    expectError(() => log.retainSync({}), 'READ_ONLY')
    child.stdin.end()
    await ended
    expect(log.verifySync().isIntact).toBe(true)
    log.closeSync()
  })

  test('must be there', async () => {
    const where = place()
    expectError(() => ChangeLog.openSync(where, { readOnly: true }), 'NOT_FOUND')
    await expectRejection(ChangeLog.open(where, { readOnly: true }), 'NOT_FOUND')
    expect(existsSync(where)).toBe(false)
  })
})

test('maintaining syncs what the interval says', async () => {
  const time = new ManualTime(NOW)
  const log = ChangeLog.openSync(place(), { durability: 'interval', syncInterval: 1_000, time })
  log.appendSync(Change.insert('t', 1, 1))
  log.syncSync()
  log.maintainSync(time.now)
  log.appendSync(Change.insert('t', 2, 2))
  expect(log.stats()).toMatchObject({ lastLsn: 2n, durableLsn: 1n })
  log.maintainSync(time.now + 500_000_000n)
  expect(log.stats().durableLsn).toBe(1n)
  expect(await log.maintain(time.now + 5_000_000_000n)).toBeUndefined()
  expect(log.stats().durableLsn).toBe(2n)
  expectError(() => log.maintainSync(5), 'INVALID_ARGUMENT', /now must be a Date or a bigint/)
  expectError(() => log.maintainSync(), 'INVALID_ARGUMENT', /now must be/)
  await expectRejection(log.maintain('now'), 'INVALID_ARGUMENT', /now must be/)
  log.closeSync()
})

describe('retention', () => {
  test('by age removes whole segments, and keeps the record', async () => {
    const { time, log } = filled()
    expect(log.removals()).toEqual([])
    expect(log.retainSync({ maxAge: DAY })).toEqual([])
    time.advance(BigInt(DAY) * 1_000_000n)
    const [removal, ...others] = await log.retain({ maxAge: DAY })
    expect(others).toEqual([])
    expect(removal).toMatchObject({ reason: 'age', atNs: time.now, firstLsn: 1n, lastLsn: 90n, entries: 90 })
    expect(removal.at.getTime()).toBe(Number(time.now / 1_000_000n))
    expect(removal.bytes).toBeGreaterThan(9_000)
    expect(removal.detail).toMatch(/older than/)
    expect(log.removals()).toEqual([removal])
    expect(log.stats().entries).toBe(0)
  })

  test('by size, and what was removed is TRUNCATED', () => {
    const { log } = filled()
    const [removal] = log.retainSync({ maxBytes: 6_000 })
    expect(removal).toMatchObject({ reason: 'bytes', firstLsn: 1n })
    const { firstLsn, bytes } = log.stats()
    expect(firstLsn).toBe(removal.lastLsn + 1n)
    expect(bytes).toBeLessThanOrEqual(6_000)
    expectError(() => [...log.query()], 'TRUNCATED', new RegExp(`\\b${firstLsn}\\b`))
    expectError(() => log.transactions(), 'TRUNCATED', new RegExp(A))
    expect(Array.from(log.query({ since: removal.lastLsn })).length).toBe(90 - Number(removal.lastLsn))
  })

  test('is TRUNCATED for a view that has not taken in what was removed, which stays as it was', () => {
    const time = new ManualTime(NOW)
    const log = ChangeLog.inMemory({ segmentBytes: 4096, time })
    const view = log.materialiseSync('orders')
    fill(log, time)
    expect(log.retainSync({ maxBytes: 6_000 })).toHaveLength(1)
    expectError(() => view.refreshSync(), 'TRUNCATED')
    expect([view.lsn, view.size]).toEqual([0n, 0])
    expectError(() => log.materialiseSync('orders'), 'TRUNCATED')
    expectError(() => log.history('orders', 0), 'TRUNCATED')
  })

  test('waits for consumers, but not for ever', () => {
    const { log } = filled()
    const consumer = log.consumerSync('slow')
    expect(log.retainSync({ maxBytes: 0n })).toEqual([])
    expect(log.retainSync({ maxBytes: 0, unreadBytes: 6_000 })).toHaveLength(1)
    const { firstLsn } = log.stats()
    expectError(() => consumer.pollSync(1), 'TRUNCATED', new RegExp(`\\b${firstLsn}\\b`))
    consumer.resetSync(firstLsn - 1n)
    expect(consumer.pollSync(1)[0].lsn).toBe(firstLsn)
  })

  test.each([
    ['nothing', undefined, /policy must be an object, got undefined/],
    ['an unknown rule', { maximumAge: 1 }, /policy has no property "maximumAge": known are maxAge, maxBytes, unreadBytes/],
    ['a negative age', { maxAge: -1 }, /policy.maxAge must be milliseconds/],
    ['a Date', { maxAge: new Date() }, /policy.maxAge must be a number, got a Date/],
    ['half a byte', { maxBytes: 0.5 }, /policy.maxBytes must be .*, got 0.5/],
    ['text', { unreadBytes: '1' }, /policy.unreadBytes must be .*, got "1"/],
  ])('is checked: %s', async (_what, policy, message) => {
    const log = ChangeLog.inMemory()
    expectError(() => log.retainSync(policy), 'INVALID_ARGUMENT', message)
    await expectRejection(log.retain(policy), 'INVALID_ARGUMENT', message)
  })
})

describe('compaction', () => {
  test('removes what later entries have replaced, and keeps the state', async () => {
    const { log } = filled()
    const rows = () => Array.from(log.snapshotSync('orders'), ([rowId, { value }]) => [rowId, value])
    const before = rows()
    expect(log.compactSync({ tables: ['none'] })).toBeNull()
    expect(log.compactSync({ tables: ['orders'], known: [new VectorClock()] })).toBeNull()
    const removal = await log.compact({ known: [log.frontier()] })
    expect(removal).toMatchObject({ reason: 'compaction', firstLsn: 1n })
    expect(removal.entries).toBeGreaterThan(30)
    expect(log.removals()).toEqual([removal])
    expect(rows()).toEqual(before)
    expectError(() => log.stateAtSync('orders', 0, 1n), 'TRUNCATED')
    expect(log.compactSync()).toBeNull()
    expect(await log.compact(null)).toBeNull()
  })

  test.each([
    ['options that are none', 'orders', /options must be an object, got "orders"/],
    ['an unknown option', { table: 'orders' }, /options has no property "table": known are tables, known/],
    ['a table of a wrong type', { tables: [1] }, /options.tables\[0\] must be a string, got 1/],
    ['a clock that is none', { known: [{}] }, /options.known\[0\] must be a VectorClock, got an object/],
    ['clocks that are no list', { known: new VectorClock() }, /options.known must be an array of VectorClocks/],
  ])('is checked: %s', async (_what, options, message) => {
    const log = ChangeLog.inMemory()
    expectError(() => log.compactSync(options), 'INVALID_ARGUMENT', message)
    await expectRejection(log.compact(options), 'INVALID_ARGUMENT', message)
  })
})

describe('compression', () => {
  test('makes sealed segments shorter, and nothing else', async () => {
    const { log } = filled()
    const entries = () => Array.from(log.query(), ({ lsn, dot, rowId }) => [lsn, dot, rowId])
    const [before, { bytes, segments }] = [entries(), log.stats()]
    const report = await log.compress()
    expect(report.segments).toBe(segments - 1)
    expect(report.bytesAfter).toBeLessThan(report.bytesBefore)
    expect(log.stats().bytes).toBe(bytes - report.bytesBefore + report.bytesAfter)
    expect(entries()).toEqual(before)
    expect(log.compressSync()).toEqual({ segments: 0, bytesBefore: 0, bytesAfter: 0 })
    expect((await log.verify()).isIntact).toBe(true)
  })
})

describe('a damaged log', () => {
  function damagedLog() {
    const where = place()
    const time = new ManualTime(NOW)
    fill(ChangeLog.openSync(where, { node: A, segmentBytes: 4096, time }), time).closeSync()
    return { where, file: damage(where), time }
  }

  test('is found so, and the finding says where', async () => {
    const { where, file, time } = damagedLog()
    const log = ChangeLog.openSync(where, { time })
    const report = log.verifySync()
    expect(report).toBeInstanceOf(VerifyReport)
    expect(report.isIntact).toBe(false)
    expect(report.findings[0]).toMatchObject({ file, message: expect.stringContaining(file) })
    expect(report.findings[0].offset).toBeGreaterThan(0)
    expect(report.entries).toBeLessThan(90)
    expectError(() => report.check(), 'CORRUPT', new RegExp(file))
    expect((await log.verify()).toJSON()).toEqual(report.toJSON())
    log.closeSync()
    await expectRejection(log.verify(), 'CLOSED')
  })

  test('is salvaged into another one', async () => {
    const { where, file, time } = damagedLog()
    const [one, other] = [place(), place()]
    const report = ChangeLog.salvageSync(where, one)
    expect(await ChangeLog.salvage(where, other)).toEqual(report)
    expect(report.findings[0].file).toBe(file)
    expect(report.transactions).toBe(report.entries)
    expect(report.entries).toBeGreaterThan(0)
    const log = ChangeLog.openSync(one, { time })
    expect(log.stats().entries).toBe(report.entries)
    expect(log.verifySync().isIntact).toBe(true)
    expect(log.node).not.toBe(A)
    log.closeSync()
    expectError(() => ChangeLog.salvageSync(where, one), 'ALREADY_EXISTS')
  })

  test('an intact one has nothing to find', () => {
    const { log } = filled()
    const report = log.verifySync()
    expect(report.check()).toBeUndefined()
    const { segments, transactions, entries, bytes, findings } = report
    expect({ segments, transactions, entries, findings }).toEqual({
      segments: log.stats().segments,
      ...{ transactions: 90, entries: 90, findings: [] },
    })
    expect(bytes).toBeGreaterThan(9_000)
    expect(JSON.parse(JSON.stringify(report))).toEqual({ segments, transactions, entries, bytes, findings, isIntact: true })
    expectError(() => new VerifyReport(), 'INVALID_ARGUMENT', /cannot be made with new/)
  })

  test('salvaging is checked', async () => {
    expectError(() => ChangeLog.salvageSync(5, 'x'), 'INVALID_ARGUMENT', /from must be a string, got 5/)
    expectError(() => ChangeLog.salvageSync(place(), ''), 'INVALID_ARGUMENT', /to must be the path of a directory/)
    await expectRejection(ChangeLog.salvage(place()), 'INVALID_ARGUMENT', /to must be a string/)
    await expectRejection(ChangeLog.salvage(place(), place()), 'NOT_FOUND')
  })
})

test('options of a log are checked', () => {
  for (const [options, message] of [
    [{ segmentBytes: 4_095 }, /segment_bytes is 4095: 4096 to 1073741824 are possible/],
    [{ segmentBytes: '1' }, /options.segmentBytes must be .*, got "1"/],
    [{ syncInterval: 0 }, /sync_interval is 0/],
    [{ syncInterval: -1 }, /options.syncInterval must be milliseconds/],
    [{ readOnly: 1 }, /options.readOnly must be a boolean, got 1/],
    [{ memoryMap: 'yes' }, /options.memoryMap must be a boolean, got "yes"/],
    [{ readonly: true }, /options has no property "readonly"/],
  ]) {
    expectError(() => ChangeLog.inMemory(options), 'INVALID_ARGUMENT', message)
  }
})

test('a log reads the same through a memory map', () => {
  const where = place()
  const options = { durability: 'os', segmentBytes: 4096, memoryMap: true }
  const log = ChangeLog.openSync(where, options)
  for (let id = 0; id < 100; id++) log.appendSync(Change.insert('t', id, Buffer.alloc(200, 120)))
  const rows = [...log.query()].map((entry) => [entry.lsn, entry.rowId, entry.after.toString()])
  expect(rows).toEqual(Array.from({ length: 100 }, (_, id) => [BigInt(id + 1), id, 'x'.repeat(200)]))
  expect(log.stats().segments).toBeGreaterThan(2)
  log.verifySync().check()
  log.closeSync()
})

test('segments have the size that was asked for', () => {
  expect(filled().log.stats().segments).toBeGreaterThan(2)
  expect(filled({ segmentBytes: 65_536 }).log.stats().segments).toBe(1)
})
