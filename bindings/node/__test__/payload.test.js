'use strict'

const { Change, ChangeLog } = require('..')
const { expectError } = require('./support')

function stored(after) {
  const log = ChangeLog.inMemory()
  log.appendSync(Change.insert('t', 1, after))
  return log.query().next().value
}

test.each([
  ['an object, keys as given', { b: 1, a: [true, null, 'x'] }, '{"b":1,"a":[true,null,"x"]}'],
  ['a string', 'say "hi"\n', '"say \\"hi\\"\\n"'],
  ['a number', -0.5, '-0.5'],
  ['false', false, 'false'],
  ['a bigint, exactly', 2n ** 70n, '1180591620717411303424'],
  ['a bigint within', { n: [-(2n ** 64n)] }, '{"n":[-18446744073709551616]}'],
  ['what has toJSON', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ['an object of a class', new (class Point { x = 1 })(), '{"x":1}'],
  ['an empty array', [], '[]'],
  ['the key __proto__', JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
])('%s is written as compact JSON', (_what, after, json) => {
  expect(stored(after).after.toString()).toBe(json)
})

test('bytes are taken as they are, and given out as copies', () => {
  const bytes = Buffer.from([0, 255, 1])
  const entry = stored(bytes)
  bytes[0] = 9
  entry.after[1] = 9
  expect(entry.after).toEqual(Buffer.from([0, 255, 1]))
  expect(stored(new Uint8Array([1, 2])).after).toEqual(Buffer.from([1, 2]))
  expect(stored(Buffer.alloc(0)).after).toEqual(Buffer.alloc(0))
})

test('null and undefined mean that there is none', () => {
  const log = ChangeLog.inMemory()
  log.appendSync({ table: 't', rowId: 1, operation: 'update', before: null, after: undefined })
  const [entry] = log.query()
  expect([entry.before, entry.after, entry.beforeJson(), entry.afterJson()]).toEqual([null, null, null, null])
})

const cycle = {}
cycle.self = { cycle }

test.each([
  ['NaN', NaN, /change.after must be .*, got NaN/],
  ['Infinity within', { a: [1, Infinity] }, /change.after.a\[1\] must be .*, got Infinity/],
  ['undefined within', { a: undefined }, /change.after.a must be .*, got undefined/],
  ['a hole in an array', [, 1], /change.after\[0\] must be .*, got undefined/], // eslint-disable-line no-sparse-arrays
  ['a function', () => 1, /got a function/],
  ['a symbol', { a: Symbol('x') }, /got a symbol/],
  ['a map', new Map(), /got a Map/],
  ['a set', { a: new Set() }, /change.after.a must be .*, got a Set/],
  ['bytes within', { a: Buffer.from('x') }, /change.after.a must be .*, got a binary array/],
  ['wider numbers', new Float64Array(1), /got a binary array/],
  ['an object within itself', cycle, /change.after.self.cycle must be .*, got an object within itself/],
])('%s is refused', (_what, after, message) => {
  expectError(() => ChangeLog.inMemory().appendSync(Change.insert('t', 1, after)), 'INVALID_ARGUMENT', message)
})

test('nesting without end is refused, and does not exhaust the stack', () => {
  let deep = 1
  for (let level = 0; level < 1_000_000; level += 1) deep = [deep]
  expectError(() => ChangeLog.inMemory().appendSync(Change.insert('t', 1, deep)), 'INVALID_ARGUMENT', /nested deeper/)
})

test('the same object twice is no cycle', () => {
  const shared = { x: 1 }
  expect(stored([shared, shared]).after.toString()).toBe('[{"x":1},{"x":1}]')
})

test.each([
  ['plain JSON', '{"a":[1,2.5,"x",null]}', { a: [1, 2.5, 'x', null] }],
  ['an integer that a number would round', '{"n":9007199254740993,"m":-1}', { n: 9007199254740993n, m: -1 }],
  ['long digits in strings and keys', '{"9007199254740993":"9007199254740993 \\"8007199254740993"}', { '9007199254740993': '9007199254740993 "8007199254740993' }],
  ['strings that begin with a mark', '["#1","$1",12345678901234567890]', ['#1', '$1', 12345678901234567890n]],
  ['a fraction with many digits', '[0.12345678901234567890, 1e20]', [0.12345678901234568, 1e20]],
  ['white space', ' [ 12345678901234567890 , "a" ] ', [12345678901234567890n, 'a']],
  ['escapes', '{"\\u0061":"\\u00e9\\\\",  "n":12345678901234567890}', { a: 'é\\', n: 12345678901234567890n }],
])('%s is read back', (_what, json, value) => {
  expect(stored(Buffer.from(json)).afterJson()).toEqual(value)
})

test.each([
  ['other bytes', Buffer.from([255, 254])],
  ['half a text', Buffer.from('{"a":')],
  ['no bytes', Buffer.alloc(0)],
  ['NaN', Buffer.from('NaN')],
])('%s are no JSON, which is said when they are read as such', (_what, bytes) => {
  const entry = stored(bytes)
  expect(entry.after).toEqual(bytes)
  expectError(() => entry.afterJson(), 'INVALID_ARGUMENT', /after is not JSON/)
})

test('an entry can be printed whatever its payload is', () => {
  expect(JSON.parse(JSON.stringify(stored(Buffer.from([255]))))).toMatchObject({ after: { bytes: 'ff' } })
  expect(JSON.parse(JSON.stringify(stored({ n: 2n ** 60n, s: 'x' })))).toMatchObject({
    after: { n: '1152921504606846976', s: 'x' },
  })
})
