'use strict'

const { HybridLogicalClock, VectorClock } = require('..')
const { A, B, C, NOW, expectError } = require('./support')

test('a new clock has seen nothing', () => {
  const clock = new VectorClock()
  expect(clock.size).toBe(0)
  expect(clock.get(A)).toBe(0n)
  expect([...clock]).toEqual([])
  expect(new VectorClock(null).equals(new VectorClock(undefined))).toBe(true)
})

test('it is made of pairs, a map, an object or another clock', () => {
  const pairs = new VectorClock([
    [B, 2],
    [A, 1n],
  ])
  expect([...pairs]).toEqual([
    [A, 1n],
    [B, 2n],
  ])
  expect(new VectorClock(new Map(pairs)).equals(pairs)).toBe(true)
  expect(new VectorClock({ [A]: 1, [B]: 2n }).equals(pairs)).toBe(true)
  expect(new VectorClock(pairs).equals(pairs)).toBe(true)
})

test('zeros are dropped, and of a node named twice the higher sequence counts', () => {
  const clock = new VectorClock([
    [A, 3],
    [B, 0n],
    [A, 5n],
    [A, 4],
  ])
  expect(clock.entries()).toEqual([[A, 5n]])
})

test('incrementing, advancing and looking up', () => {
  const clock = new VectorClock()
  expect(clock.increment(A)).toBe(1n)
  expect(clock.increment(A)).toBe(2n)
  clock.advance(B, 7n)
  clock.advance(B, 3)
  expect(clock.get(B)).toBe(7n)
  expect(clock.covers({ node: B, sequence: 7n })).toBe(true)
  expect(clock.covers({ node: B, sequence: 8 })).toBe(false)
  expect(clock.covers({ node: C, sequence: 1n })).toBe(false)
})

test('a counter at its end refuses to overflow and stays', () => {
  const end = 2n ** 64n - 1n
  const clock = new VectorClock([[A, end]])
  expectError(() => clock.increment(A), 'TOO_LARGE', /18446744073709551615/)
  expect(clock.get(A)).toBe(end)
})

test('the four answers of comparing', () => {
  const first = new VectorClock([[A, 1]])
  const second = first.clone()
  expect(first.compare(second)).toBe('equal')
  expect(first.conflictsWith(second)).toBe(false)
  second.increment(B)
  expect(first.compare(second)).toBe('before')
  expect(second.compare(first)).toBe('after')
  expect(first.happensBefore(second)).toBe(true)
  expect(second.happensBefore(first)).toBe(false)
  first.increment(A)
  expect(first.compare(second)).toBe('concurrent')
  expect(first.conflictsWith(second)).toBe(true)
})

test('merging gives the least clock above both, also of a clock and itself', () => {
  const clock = new VectorClock({ [A]: 1, [B]: 5 })
  clock.merge(new VectorClock({ [A]: 3, [C]: 2 }))
  expect(clock.toJSON()).toEqual({ [A]: 3, [B]: 5, [C]: 2 })
  clock.merge(clock)
  expect(clock.toJSON()).toEqual({ [A]: 3, [B]: 5, [C]: 2 })
})

test('a clone is changed on its own', () => {
  const clock = new VectorClock([[A, 1]])
  clock.clone().increment(A)
  expect(clock.get(A)).toBe(1n)
})

test('bytes, JSON and text, and back', () => {
  const clock = new VectorClock({ [A]: 1, [B]: 2n ** 60n })
  expect(VectorClock.fromBytes(clock.toBytes()).equals(clock)).toBe(true)
  expect(VectorClock.fromBytes(new Uint8Array(clock.toBytes())).equals(clock)).toBe(true)
  expect(clock.toJson()).toBe(`{"${A}":1,"${B}":1152921504606846976}`)
  expect(VectorClock.fromJson(clock.toJson()).equals(clock)).toBe(true)
  expect(String(clock)).toBe(`{${A}: 1, ${B}: 1152921504606846976}`)
})

test('JSON.stringify has numbers, and decimal strings where a number would not be exact', () => {
  const clock = new VectorClock({ [A]: 2n ** 53n - 1n, [B]: 2n ** 53n })
  expect(JSON.stringify({ clock })).toBe(`{"clock":{"${A}":9007199254740991,"${B}":"9007199254740992"}}`)
})

test('what is no clock is refused', () => {
  expectError(() => VectorClock.fromBytes(Buffer.from('ff', 'hex')), 'INVALID_ARGUMENT', /version 255/)
  expectError(() => VectorClock.fromJson('[]'), 'INVALID_ARGUMENT', /not a vector clock/)
  expectError(() => new VectorClock('abc'), 'INVALID_ARGUMENT', /entries must be an iterable of pairs or an object/)
  expectError(() => new VectorClock(new Date()), 'INVALID_ARGUMENT', /entries must be/)
  expectError(() => new VectorClock([[A]]), 'INVALID_ARGUMENT', /entries\[0\] must be a pair/)
  expectError(() => new VectorClock([['x', 1]]), 'INVALID_ARGUMENT', /entries\[0\]\[0\] must be a UUID as a string, got "x"/)
  expectError(() => new VectorClock([[A, -1]]), 'INVALID_ARGUMENT', /entries\[0\]\[1\] must be a bigint .*, got -1/)
  expectError(() => new VectorClock([[A, 2n ** 64n]]), 'INVALID_ARGUMENT', /got 18446744073709551616n/)
  expectError(() => new VectorClock([[A, 2 ** 53]]), 'INVALID_ARGUMENT', /safe integer, got 9007199254740992/)
  expectError(() => new VectorClock().merge({}), 'INVALID_ARGUMENT', /other must be a VectorClock, got an object/)
})

test('a hybrid logical clock never goes back', () => {
  const clock = new HybridLogicalClock()
  expect(clock.last).toBeNull()
  expect(clock.tick(NOW)).toBe(NOW)
  expect(clock.tick(NOW)).toBe(NOW + 1n)
  expect(clock.tick(new Date(0))).toBe(NOW + 2n)
  clock.observe(NOW + 500n)
  clock.observe(0n)
  expect(clock.last).toBe(NOW + 500n)
  expect(clock.tick(NOW)).toBe(NOW + 501n)
})

test('at the end of its range a hybrid logical clock refuses and stays', () => {
  const clock = new HybridLogicalClock()
  clock.observe(2n ** 63n - 1n)
  expectError(() => clock.tick(NOW), 'TOO_LARGE')
  expect(clock.last).toBe(2n ** 63n - 1n)
})
