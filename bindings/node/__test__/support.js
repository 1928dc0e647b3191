'use strict'

const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { spawn, spawnSync } = require('node:child_process')

const ROOT = path.join(__dirname, '..')

const A = '00000000-0000-4000-8000-00000000000a'
const B = '00000000-0000-4000-8000-00000000000b'
const C = '00000000-0000-4000-8000-00000000000c'

/** A moment in nanoseconds that is no whole number of milliseconds. */
const NOW = 1_700_000_000_123_456_789n

/** A directory that is gone after the test file. */
function temporaryDirectory() {
  const directory = mkdtempSync(path.join(tmpdir(), 'causelog-jest-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** What a failing call throws. */
function thrownBy(call) {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

/** Checks that a call throws, or a promise is rejected with, the library's error of this code. */
const error = (code, message = /./) => expect.objectContaining({ code, message: expect.stringMatching(message) })
const expectError = (call, code, message) => expect(thrownBy(call)).toEqual(error(code, message))
const expectRejection = (promise, code, message) => expect(promise).rejects.toEqual(error(code, message))

/** Turns over a byte in the middle of a closed log's first segment, and returns the file's name. */
function damage(directory) {
  const name = '00000000000000000001.segment'
  const file = path.join(directory, name)
  const bytes = readFileSync(file)
  bytes[Math.floor(bytes.length / 2)] ^= 0xff
  writeFileSync(file, bytes)
  return name
}

/** Runs a script in a process of its own, which finds the module as `require('causelog')`'s directory in `ROOT`. */
function node(script, { env = {}, args = [] } = {}) {
  const options = { cwd: ROOT, encoding: 'utf8', env: { ...process.env, ...env } }
  return spawnSync(process.execPath, [...args, '-e', script], options)
}

/** Starts a script in a process of its own, and waits for its first output. */
async function started(script) {
  const child = spawn(process.execPath, ['-e', script], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.on('exit', resolve))
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve)
    child.on('exit', (status) => reject(new Error(`the process ended with status ${status}`)))
  })
  return { child, ended }
}

module.exports = { ROOT, A, B, C, NOW, damage, temporaryDirectory, thrownBy, error, expectError, expectRejection, node, started }
