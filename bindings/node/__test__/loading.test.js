'use strict'

const { mkdirSync, readFileSync, symlinkSync, writeFileSync } = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { ROOT, node, temporaryDirectory } = require('./support')

const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))

/** A project that has the package installed. */
const project = temporaryDirectory()
mkdirSync(path.join(project, 'node_modules'))
symlinkSync(ROOT, path.join(project, 'node_modules', 'causelog'))

function run(name, script) {
  const file = path.join(project, name)
  writeFileSync(file, script)
  return spawnSync(process.execPath, [file], { cwd: project, encoding: 'utf8' })
}

test('require and import give the same, by name and as default', () => {
  const done = run(
    'main.mjs',
    `import { createRequire } from 'node:module'
     import assert from 'node:assert/strict'
     import causelog, { Change, ChangeLog, VectorClock } from 'causelog'
     import * as all from 'causelog'
     const required = createRequire(import.meta.url)('causelog')
     assert.equal(causelog, required)
     assert.equal(ChangeLog, required.ChangeLog)
     for (const name of Object.keys(required)) assert.equal(all[name], required[name], name)
     const log = ChangeLog.inMemory()
     log.appendSync(Change.insert('t', 1, {}))
     assert(log.frontier() instanceof VectorClock)
     console.log('fine')`,
  )
  expect(done).toMatchObject({ stderr: '', stdout: 'fine\n', status: 0 })
})

test('require works in CommonJS, and package.json can be read', () => {
  const done = run('main.cjs', `console.log(Object.keys(require('causelog')).length > 10, require('causelog/package.json').version)`)
  expect(done.stdout).toBe(`true ${manifest.version}\n`)
})

test('nothing else of the package can be reached', () => {
  expect(run('deep.cjs', `require('causelog/lib/errors.js')`).stderr).toMatch(/ERR_PACKAGE_PATH_NOT_EXPORTED/)
})

test('the version is that of the workspace', () => {
  const workspace = readFileSync(path.join(ROOT, '../../Cargo.toml'), 'utf8')
  expect(manifest.version).toBe(workspace.match(/\[workspace\.package\]\nversion = "(.*)"/)[1])
})

test('everything that is exported is packed, and nothing needless', () => {
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json'], { cwd: ROOT, encoding: 'utf8' })
  const files = JSON.parse(stdout)[0].files.map(({ path: file }) => file)
  const native = files.filter((file) => file.endsWith('.node'))
  expect(native.length).toBeGreaterThan(0)
  expect(files.filter((file) => !native.includes(file)).sort()).toEqual(
    ['README.md', 'index.d.ts', 'index.js', 'lib/errors.js', 'lib/native.js', 'lib/payload.js', 'lib/resolvers.js', 'package.json'].sort(),
  )
})

test('a missing native module is named, with what to do', () => {
  const done = node(`require('.')`, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/causelog.node' } })
  expect(done.status).toBe(1)
  expect(done.stderr).toMatch(/causelog has no native module for this platform; npm run build makes one/)
  expect(done.stderr).toMatch(/nowhere/)
})

test('worker threads have the module for themselves, and can end at any time', () => {
  const done = node(`
    const { Worker, isMainThread } = require('node:worker_threads')
    const script = \`
      const { Change, ChangeLog } = require(\${JSON.stringify(process.cwd())})
      const log = ChangeLog.inMemory()
      for (let i = 0; i < 1000; i += 1) log.appendSync(Change.insert('t', i, {}))
      log.append(Change.insert('t', 'late', {}))
      require('node:worker_threads').parentPort.postMessage([...log.query()].length)
      process.exit()
    \`
    require('.')
    let left = 4
    for (let i = 0; i < 4; i += 1) {
      new Worker(script, { eval: true }).on('message', (n) => console.log(n)).on('exit', () => --left || console.log('done'))
    }
  `)
  expect(done.stderr).toBe('')
  expect(done.stdout.trim().split('\n')).toHaveLength(5)
  expect(done.status).toBe(0)
})

test('using declarations find what to call', () => {
  const done = node(`
    const { Change, ChangeLog } = require('.')
    const log = ChangeLog.inMemory()
    log.appendSync(Change.insert('t', 1, {}))
    const cursor = log.query()
    cursor[Symbol.dispose]()
    log.transactions()[Symbol.dispose]()
    console.log(cursor.next().done)
    log[Symbol.dispose]()
    try { log.stats() } catch (error) { console.log(error.code) }
    ChangeLog.inMemory()[Symbol.asyncDispose]().then((value) => console.log(value))
  `)
  expect(done).toMatchObject({ stderr: '', stdout: 'true\nCLOSED\nundefined\n' })
})

test('printing an object shows its content', () => {
  const done = node(`
    const { Change, ChangeLog } = require('.')
    const log = ChangeLog.inMemory({ node: '00000000-0000-4000-8000-00000000000a' })
    log.appendSync(Change.insert('t', 1, { qty: 1 }))
    console.log(log.frontier(), ...log.query())
  `)
  expect(done.stdout).toMatch(/^VectorClock \{ '00000000-0000-4000-8000-00000000000a': 1 \} ChangeEntry \{\n {2}lsn: 1,/)
})
