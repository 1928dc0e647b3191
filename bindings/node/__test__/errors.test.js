'use strict'

const { readFileSync } = require('node:fs')
const path = require('node:path')
const { CauselogError, Change, ChangeLog, Conflict, ManualTime, VectorClock, errorCodes } = require('..')
const { A, ROOT, expectError, thrownBy } = require('./support')

test('a failure is an Error with name, code, message and whether trying again can help', () => {
  const error = thrownBy(() => ChangeLog.inMemory().vectorClock({ node: A, sequence: 1 }))
  expect(error).toBeInstanceOf(Error)
  expect(error).toBeInstanceOf(CauselogError)
  expect(error.name).toBe('CauselogError')
  expect(error.code).toBe('NOT_FOUND')
  expect(error.retryable).toBe(false)
  expect(error.message).toBe(`the log holds no change ${A}:1`)
  expect(String(error)).toBe(`CauselogError: the log holds no change ${A}:1`)
  expect(error.stack).toMatch(/errors\.test\.js/)
})

test('the table of codes is that of all languages', () => {
  const { codes } = JSON.parse(readFileSync(path.join(ROOT, '../../tests/conformance/error_codes.json'), 'utf8'))
  expect(errorCodes().map(({ number, name, retryable }) => ({ number, name, retryable }))).toEqual(codes)
  for (const { description } of errorCodes()) expect(description).toMatch(/\.$/)
})

test('every code can be made, knows whether it is retryable, and is in the types', () => {
  const types = readFileSync(path.join(ROOT, 'index.d.ts'), 'utf8').match(/export type ErrorCode =([^]*?)\n\n/)[1]
  expect(types.match(/'\w+'/g)).toEqual(errorCodes().map(({ name }) => `'${name}'`))
  for (const { name, retryable } of errorCodes()) {
    expect(new CauselogError(name, 'why')).toMatchObject({ code: name, retryable, message: 'why' })
  }
})

test('a member called on something else is refused', () => {
  const log = ChangeLog.inMemory()
  const { stats } = log
  expectError(() => stats(), 'INVALID_ARGUMENT')
  expectError(() => VectorClock.prototype.get.call({}, A), 'INVALID_ARGUMENT')
  expectError(() => VectorClock.prototype.get.call(new ManualTime(0n), A), 'INVALID_ARGUMENT')
  expectError(() => VectorClock.prototype.size, 'INVALID_ARGUMENT')
  const impostor = Object.setPrototypeOf(new ManualTime(0n), VectorClock.prototype)
  expectError(() => impostor.size, 'INVALID_ARGUMENT')
  expectError(() => new VectorClock().merge(impostor), 'INVALID_ARGUMENT', /other must be a VectorClock/)
})

test('what only a log makes cannot be made with new, and a class is not called without it', () => {
  expectError(() => new Conflict(), 'INVALID_ARGUMENT', /Conflict cannot be made with new/)
  expectError(() => new ChangeLog(), 'INVALID_ARGUMENT', /ChangeLog cannot be made with new/)
  expect(() => VectorClock()).toThrow(TypeError)
})

test('what a getter of the caller throws comes out as it is', () => {
  const boom = new RangeError('boom')
  const change = {
    get table() {
      throw boom
    },
  }
  expect(thrownBy(() => ChangeLog.inMemory().appendSync(change))).toBe(boom)
  const options = {
    get limit() {
      throw boom
    },
  }
  expect(thrownBy(() => ChangeLog.inMemory().query(options))).toBe(boom)
})

test('long values are cut in messages', () => {
  const error = thrownBy(() => ChangeLog.inMemory({ node: 'x'.repeat(1_000) }))
  expect(error.message).toMatch(/"x{64}"… \(1000 bytes\)/)
})

test('a symbol, a bigint and a function can be named in a message', () => {
  const log = ChangeLog.inMemory()
  const change = (table) => ({ ...Change.delete('t', 1), table })
  expectError(() => log.appendSync(change(Symbol('x'))), 'INVALID_ARGUMENT', /got a symbol/)
  expectError(() => log.appendSync(change(5n)), 'INVALID_ARGUMENT', /got 5n/)
  expectError(() => log.appendSync(change(() => 1)), 'INVALID_ARGUMENT', /got a function/)
})
