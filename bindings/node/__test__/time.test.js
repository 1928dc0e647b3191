'use strict'

const { ChangeLog, Change, ManualTime, formatTimestamp, parseTimestamp } = require('..')
const { NOW, expectError } = require('./support')

test('RFC 3339 is read exactly, whatever the offset', () => {
  expect(parseTimestamp('2010-07-22T16:49:28Z')).toBe(1_279_817_368_000_000_000n)
  expect(parseTimestamp('2010-07-22T18:49:28.123456789+02:00')).toBe(1_279_817_368_123_456_789n)
  expect(parseTimestamp('1969-12-31T23:59:59.999999999Z')).toBe(-1n)
})

test('it is written with as many digits as it takes', () => {
  expect(formatTimestamp(1_279_817_368_000_000_000n)).toBe('2010-07-22T16:49:28Z')
  expect(formatTimestamp(1_279_817_368_120_000_000n)).toBe('2010-07-22T16:49:28.120Z')
  expect(formatTimestamp(-1n)).toBe('1969-12-31T23:59:59.999999999Z')
  expect(formatTimestamp(new Date(1_500))).toBe('1970-01-01T00:00:01.500Z')
})

test('what is no moment is refused', () => {
  expectError(() => parseTimestamp('yesterday'), 'INVALID_ARGUMENT', /yesterday/)
  expectError(() => parseTimestamp('3024-01-01T00:00:00Z'), 'INVALID_ARGUMENT', /3024/)
  expectError(() => parseTimestamp(5), 'INVALID_ARGUMENT', /text must be a string, got 5/)
  // Nobody could tell whether a bare number counts seconds, milliseconds or nanoseconds.
  expectError(() => formatTimestamp(1_700_000_000), 'INVALID_ARGUMENT', /moment must be a Date or a bigint .*, got 1700000000/)
  expectError(() => formatTimestamp(new Date(NaN)), 'INVALID_ARGUMENT', /got a Date/)
  expectError(() => formatTimestamp(new Date(8.64e15)), 'INVALID_ARGUMENT', /1677 to 2262/)
  expectError(() => formatTimestamp(2n ** 63n), 'INVALID_ARGUMENT')
})

test('a manual time stands still until it is moved, and a log goes by it', () => {
  const time = new ManualTime(NOW)
  const log = ChangeLog.inMemory({ time })
  expect(log.appendSync(Change.insert('t', 1, {})).timestampNs).toBe(NOW)
  time.advance(500)
  expect(time.now).toBe(NOW + 500n)
  time.advance(-200n)
  time.set(new Date(1_700_000_001_000))
  expect(log.appendSync(Change.insert('t', 2, {}))).toMatchObject({
    timestampNs: 1_700_000_001_000_000_000n,
    timestamp: new Date(1_700_000_001_000),
  })
})

test('a manual time stays within its range', () => {
  const time = new ManualTime(2n ** 63n - 1n)
  expectError(() => time.advance(1), 'TOO_LARGE')
  expect(time.now).toBe(2n ** 63n - 1n)
  expectError(() => time.advance(1.5), 'INVALID_ARGUMENT', /nanoseconds must be .*, got 1.5/)
})

test('a Date before 1970 is rounded down, as every other', () => {
  const log = ChangeLog.inMemory({ time: new ManualTime(-1n) })
  expect(log.appendSync(Change.insert('t', 1, {})).timestamp).toEqual(new Date(-1))
})
