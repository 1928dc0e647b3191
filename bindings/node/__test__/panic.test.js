'use strict'

// The failpoints build panics inside an append when CAUSELOG_FAILPOINT=append. It is never released; make it with
//   cargo build -p causelog-node --features failpoints
// and name it, copied to a name that ends in .node, in CAUSELOG_FAILPOINTS_NODE.

const path = require('node:path')
const { node, temporaryDirectory } = require('./support')

const addon = process.env.CAUSELOG_FAILPOINTS_NODE
if (!addon) console.warn('panic tests skipped: CAUSELOG_FAILPOINTS_NODE does not name a failpoints build')
const testWithPanics = addon ? test : test.skip

const directory = temporaryDirectory()

/** Runs a script that fills `told`, with an open log `log` whose first append has succeeded. */
function told(name, script, opening = 'ChangeLog.openSync') {
  const where = path.join(directory, name)
  const done = node(
    `
    const { Change, ChangeLog, Replica } = require('.')
    const told = []
    async function main() {
      const log = ${opening}(${JSON.stringify(where)})
      if (log instanceof Replica) log.insertSync('t', 1, {})
      else log.appendSync(Change.insert('t', 1, {}))
      const cursor = (log.log ?? log).query()
      process.env.CAUSELOG_FAILPOINT = 'append'
      ${script}
      delete process.env.CAUSELOG_FAILPOINT
      const again = ChangeLog.openSync(${JSON.stringify(where)})
      again.appendSync(Change.insert('t', 3, {}))
      told.push(Array.from(again.query(), (entry) => entry.rowId))
      again.closeSync()
    }
    main().then(() => console.log(JSON.stringify(told)))
    `,
    { env: { NAPI_RS_NATIVE_LIBRARY_PATH: path.resolve(addon) } },
  )
  expect(done).toMatchObject({ status: 0, signal: null })
  expect(done.stderr).toMatch(/failpoint append reached/)
  return JSON.parse(done.stdout)
}

testWithPanics.each(['appendSync', 'append'])('a panic in %s is INTERNAL, then everything is CLOSED, and what was acknowledged is kept', (append) => {
  const log = told(
    append,
    `
      const attempt = async (call) => {
        try {
          await call()
          told.push('nothing was thrown')
        } catch (error) {
          told.push([error.constructor.name, error.code, error.retryable, /failpoint append reached/.test(error.message)])
        }
      }
      await attempt(() => log.${append}(Change.insert('t', 2, {})))
      await attempt(() => log.${append}(Change.insert('t', 2, {})))
      await attempt(() => log.stats())
      await attempt(() => cursor.next())
    `,
  )
  const closed = ['CauselogError', 'CLOSED', false, false]
  expect(log).toEqual([['CauselogError', 'INTERNAL', false, true], closed, closed, closed, [1, 3]])
})

testWithPanics.each(['insertSync', 'insert'])('a panic in %s of a replica is INTERNAL, then everything is CLOSED, and what was acknowledged is kept', (insert) => {
  const log = told(
    insert,
    `
      const attempt = async (call) => {
        try {
          await call()
          told.push('nothing was thrown')
        } catch (error) {
          told.push([error.constructor.name, error.code, /failpoint append reached/.test(error.message)])
        }
      }
      await attempt(() => log.${insert}('t', 2, {}))
      await attempt(() => log.${insert}('t', 2, {}))
      await attempt(() => log.get('t', 1))
    `,
    'Replica.openSync',
  )
  const closed = ['CauselogError', 'CLOSED', false]
  expect(log).toEqual([['CauselogError', 'INTERNAL', true], closed, closed, [1, 3]])
})
