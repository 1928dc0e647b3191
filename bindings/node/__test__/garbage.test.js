'use strict'

// Measured in processes of their own, which can ask for garbage collection.

const path = require('node:path')
const { node, temporaryDirectory } = require('./support')

const directory = temporaryDirectory()

function collected(script) {
  const done = node(
    `
    const { Change, ChangeLog, Replica } = require('.')
    const settle = async () => {
      for (let turn = 0; turn < 5; turn += 1) {
        global.gc()
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const megabytes = () => Math.round(process.memoryUsage().rss / 1e6)
    async function main() { ${script} }
    main().then((value) => console.log(JSON.stringify(value)))
    `,
    { args: ['--expose-gc'] },
  )
  expect(done).toMatchObject({ stderr: '', status: 0 })
  return JSON.parse(done.stdout)
}

test('cursors that are opened and dropped leave nothing behind', () => {
  const [before, after] = collected(`
    const log = ChangeLog.inMemory()
    for (let i = 0; i < 100; i += 1) log.appendSync(Change.insert('t', i, Buffer.alloc(10_000)))
    const some = async (count) => {
      for (let i = 0; i < count; i += 1) {
        log.query().next()
        log.transactions().next()
        if (i % 10 === 0) await log.query()[Symbol.asyncIterator]().next()
      }
      await settle()
    }
    await some(100)
    const before = megabytes()
    await some(1000)
    return [before, megabytes()]
  `)
  // Every one of them has read 1 MB.
  expect(after - before).toBeLessThan(300)
})

test('reading through large entries does not pile them up', () => {
  const [before, peak] = collected(`
    const log = ChangeLog.inMemory()
    const large = Buffer.alloc(1_000_000)
    for (let i = 0; i < 100; i += 1) log.appendSync(Change.insert('t', i, large))
    await settle()
    const before = megabytes()
    let peak = 0
    for (let round = 0; round < 10; round += 1) {
      for await (const entry of log.query()) peak = Math.max(peak, megabytes())
    }
    return [before, peak]
  `)
  // 1 GB passes by.
  expect(peak - before).toBeLessThan(500)
})

test('a log that is dropped without closing lets go of its directory when it is collected', () => {
  const where = JSON.stringify(path.join(directory, 'dropped'))
  const codes = collected(`
    const codes = []
    const attempt = () => {
      try {
        ChangeLog.openSync(${where}).closeSync()
        codes.push('opened')
      } catch (error) {
        codes.push(error.code)
      }
    }
    let log = ChangeLog.openSync(${where})
    log.appendSync(Change.insert('t', 1, {}))
    attempt()
    log = undefined
    await settle()
    attempt()
    return codes
  `)
  expect(codes).toEqual(['LOCKED', 'opened'])
})

test('closing lets go of the directory while cursors and entries are still in use', () => {
  const where = JSON.stringify(path.join(directory, 'closed'))
  const entry = collected(`
    const log = ChangeLog.openSync(${where})
    log.appendSync(Change.insert('t', 1, { qty: 1 }))
    const cursor = log.query()
    const [entry] = log.query()
    log.closeSync()
    ChangeLog.openSync(${where}).closeSync()
    await settle()
    cursor.close()
    return entry
  `)
  expect(entry.after).toEqual({ qty: 1 })
})

test('a clock outlives the entry and the log that it came from', () => {
  const size = collected(`
    let log = ChangeLog.inMemory()
    log.appendSync(Change.insert('t', 1, {}))
    let [entry] = log.query()
    const clock = entry.vectorClock
    log = entry = undefined
    await settle()
    return clock.size
  `)
  expect(size).toBe(1)
})

test.each(['snapshot', 'materialise'])('making one %s after the other does not pile them up', (make) => {
  const [before, peak] = collected(`
    const log = ChangeLog.inMemory()
    for (let i = 0; i < 100; i += 1) log.appendSync(Change.insert('t', i, Buffer.alloc(100_000)))
    await settle()
    const before = megabytes()
    let peak = 0
    for (let round = 0; round < 100; round += 1) {
      await log.${make}('t')
      peak = Math.max(peak, megabytes())
    }
    return [before, peak]
  `)
  // 1 GB passes by.
  expect(peak - before).toBeLessThan(500)
})

test.each(["rows('t')", "effective('0.0', 100)"])('asking a replica for %s again and again does not pile it up', (call) => {
  const [before, peak] = collected(`
    const replica = Replica.inMemory()
    for (let i = 0; i < 100; i += 1) replica.insertSync('t', i, Buffer.alloc(100_000))
    await settle()
    const before = megabytes()
    let peak = 0
    for (let round = 0; round < 100; round += 1) {
      await replica.${call}
      peak = Math.max(peak, megabytes())
    }
    return [before, peak]
  `)
  // 1 GB passes by.
  expect(peak - before).toBeLessThan(500)
})

test('the log of a replica keeps it open until both are collected', () => {
  const where = JSON.stringify(path.join(directory, 'replica'))
  const codes = collected(`
    const codes = []
    const attempt = () => {
      try {
        ChangeLog.openSync(${where}).closeSync()
        codes.push('opened')
      } catch (error) {
        codes.push(error.code)
      }
    }
    let replica = Replica.openSync(${where})
    await replica.insert('t', 1, {})
    let { log } = replica
    replica = undefined
    await settle()
    attempt()
    codes.push(log.stats().entries)
    log = undefined
    await settle()
    attempt()
    return codes
  `)
  expect(codes).toEqual(['LOCKED', 1, 'opened'])
})

test('a row outlives its snapshot and its log', () => {
  const value = collected(`
    let log = ChangeLog.inMemory()
    log.appendSync(Change.insert('t', 1, { qty: 1 }))
    let snapshot = log.snapshotSync('t')
    const row = snapshot.get(1)
    log.closeSync()
    log = snapshot = undefined
    await settle()
    return row.valueJson()
  `)
  expect(value).toEqual({ qty: 1 })
})

test('views and consumers keep their log open until they are collected, too', () => {
  const where = JSON.stringify(path.join(directory, 'held'))
  const codes = collected(`
    const codes = []
    const attempt = () => {
      try {
        ChangeLog.openSync(${where}).closeSync()
        codes.push('opened')
      } catch (error) {
        codes.push(error.code)
      }
    }
    let log = ChangeLog.openSync(${where})
    log.appendSync(Change.insert('t', 1, {}))
    let view = log.materialiseSync('t')
    let consumer = log.consumerSync('c')
    log = undefined
    await settle()
    attempt()
    codes.push(view.refreshSync(), consumer.pollSync(1).length)
    view = consumer = undefined
    await settle()
    attempt()
    return codes
  `)
  expect(codes).toEqual(['LOCKED', 0, 1, 'opened'])
})
