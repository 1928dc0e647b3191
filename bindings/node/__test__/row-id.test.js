'use strict'

const { Change, ChangeLog, decodeRowId, encodeRowId } = require('..')
const { A, expectError } = require('./support')

const ROW_IDS = [
  ['text', 'order-42'],
  ['empty text', ''],
  ['text beyond the basic plane', 'a\0ß🦀'],
  ['zero', 0],
  ['a negative integer', -42],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER],
  ['the smallest safe integer', Number.MIN_SAFE_INTEGER],
  ['an integer beyond the safe ones', 2n ** 53n],
  ['the smallest integer', -(2n ** 63n)],
  ['the largest integer', 2n ** 63n - 1n],
  ['bytes', Buffer.from([0, 255, 0])],
  ['a UUID', { uuid: A }],
  ['a tuple', [7, 'sku', Buffer.from([1]), { uuid: A }, 2n ** 60n]],
  ['a tuple of one', [42]],
]

test.each(ROW_IDS)('%s comes back as it went in', (_what, rowId) => {
  expect(decodeRowId(encodeRowId(rowId))).toEqual(rowId)
  const log = ChangeLog.inMemory()
  log.appendSync(Change.insert('t', rowId, {}))
  const [entry] = log.query({ rowId })
  expect(entry.rowId).toEqual(rowId)
})

test('a safe bigint and the same number are one row id, and so are a Uint8Array and a Buffer', () => {
  expect(encodeRowId(42n)).toEqual(encodeRowId(42))
  expect(decodeRowId(encodeRowId(42n))).toBe(42)
  expect(encodeRowId(new Uint8Array([1, 2]))).toEqual(encodeRowId(Buffer.from([1, 2])))
  expect(decodeRowId(encodeRowId(new Uint8Array([1, 2])))).toBeInstanceOf(Buffer)
})

test('what looks alike is kept apart', () => {
  const forms = [42, '42', [42], ['42'], A, { uuid: A }, Buffer.from('42')].map((rowId) => encodeRowId(rowId).toString('hex'))
  expect(new Set(forms).size).toBe(forms.length)
})

test('encoded forms sort as the values do', () => {
  const sorted = [-(2n ** 63n), -256, -1, 0, 1, 255, 256, 2n ** 63n - 1n].map(encodeRowId)
  expect([...sorted].reverse().sort(Buffer.compare)).toEqual(sorted)
})

test.each([
  ['a fraction', 1.5, /rowId must be .*, got 1.5/],
  ['a number that is not safe', 2 ** 53, /got 9007199254740992/],
  ['NaN', NaN, /got NaN/],
  ['an integer beyond 64 bits', 2n ** 63n, /got 9223372036854775808n/],
  ['a boolean', true, /got true/],
  ['null', null, /got null/],
  ['undefined', undefined, /got undefined/],
  ['an object', {}, /got an object/],
  ['a malformed UUID', { uuid: 'x' }, /rowId.uuid must be a UUID as a string, got "x"/],
  ['an empty tuple', [], /empty tuple/],
  ['a tuple within a tuple', [[1]], /rowId\[0\] must be .*, got an array/],
  ['an array of wider numbers', new Uint16Array(2), /got an object/],
  ['half a surrogate pair', '\ud800', /well-formed text/],
  ['a function', () => 1, /got a function/],
])('%s is refused', (_what, rowId, message) => {
  expectError(() => encodeRowId(rowId), 'INVALID_ARGUMENT', message)
})

test('a replacement character is text like any other', () => {
  expect(decodeRowId(encodeRowId('\ufffd'))).toBe('\ufffd')
})

test('bytes that are no row id are refused', () => {
  expectError(() => decodeRowId(Buffer.from('ff', 'hex')), 'INVALID_ARGUMENT', /not an encoded row id: ff/)
  expectError(() => decodeRowId('ff'), 'INVALID_ARGUMENT', /bytes must be a Buffer or Uint8Array, got "ff"/)
})

test('a row id beyond 64 KiB is too large for a log', () => {
  expectError(() => ChangeLog.inMemory().appendSync(Change.insert('t', 'x'.repeat(65_536), {})), 'TOO_LARGE', /65538 bytes/)
})
