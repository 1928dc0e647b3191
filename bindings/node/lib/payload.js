'use strict'

const types = require('node:util').types
const { CauselogError } = require('./errors.js')

/** Deeper than any document, shallower than any stack. */
const DEEPEST = 512

/** The bytes of a payload; nothing if there is none. `where` is what to call it in a message. */
function encode(value, where) {
  if (value === null || value === undefined || types.isUint8Array(value)) return value
  return Buffer.from(write(value, where, []))
}

function write(value, where, parents) {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'number':
      if (Number.isFinite(value)) return JSON.stringify(value)
      break
    case 'object':
      if (value === null) return 'null'
      return writeObject(value, where, parents)
  }
  throw refused(where, typeof value === 'number' || value === undefined ? String(value) : `a ${typeof value}`)
}

function writeObject(value, where, parents) {
  const strange = ['Map', 'Set', 'ArrayBuffer', 'SharedArrayBuffer', 'Promise', 'RegExp', 'BoxedPrimitive']
  const kind = ArrayBuffer.isView(value) ? 'binary array' : strange.find((name) => types[`is${name}`](value))
  if (kind) throw refused(where, `a ${kind}`)
  if (parents.includes(value)) throw refused(where, 'an object within itself')
  if (parents.length === DEEPEST) throw refused(where, `nested deeper than ${DEEPEST} levels`)
  if (typeof value.toJSON === 'function') return write(value.toJSON(), where, [...parents, value])
  parents.push(value)
  const text = Array.isArray(value)
    ? `[${Array.from(value, (element, index) => write(element, `${where}[${index}]`, parents)).join(',')}]`
    : `{${Object.keys(value)
        .map((key) => `${JSON.stringify(key)}:${write(value[key], `${where}.${key}`, parents)}`)
        .join(',')}}`
  parents.pop()
  return text
}

function refused(where, what) {
  return new CauselogError('INVALID_ARGUMENT', `${where} must be bytes or what JSON can say, got ${what}`)
}

const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g
const LONG_INTEGER = /\d{16}/
const INTEGER = /^-?\d+$/

/**
 * The value of a JSON text. An integer that a number cannot hold exactly becomes what
 * `exact` makes of its digits.
 */
function parse(text, exact) {
  const plain = JSON.parse(text)
  if (!LONG_INTEGER.test(text)) return plain
  // JSON.parse does not show a number's digits, but it keeps a string's: long integers
  // go through it as strings marked `#`, and every other string that is a value marked `$`.
  const marked = text.replace(TOKEN, (token, colon) => {
    if (colon) return token
    if (token.startsWith('"')) return `"$${token.slice(1)}`
    return INTEGER.test(token) && !Number.isSafeInteger(Number(token)) ? `"#${token}"` : token
  })
  return JSON.parse(marked, (_key, value) => {
    if (typeof value !== 'string') return value
    return value.startsWith('#') ? exact(value.slice(1)) : value.slice(1)
  })
}

/** The value of a payload that is JSON, a bigint where only that is exact; `null` if there is none. */
function decode(bytes, where) {
  if (bytes === null) return null
  try {
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), BigInt)
  } catch (error) {
    throw new CauselogError('INVALID_ARGUMENT', `${where} is not JSON: ${error.message}`)
  }
}

/** The value of a payload as `JSON.stringify` can write it; other bytes in hexadecimal. */
function plain(bytes) {
  if (bytes === null) return null
  try {
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), String)
  } catch {
    return { bytes: bytes.toString('hex') }
  }
}

module.exports = { encode, decode, parse, plain }
