// Reading a trace: JSON Lines, one transaction a line, each after those that its author had seen.

import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { parseTimestamp } from '../../bindings/node/index.js'
import { at, failureAt, malformed } from './failure.mjs'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const NEWLINE = 0x0a
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const OPERATIONS = ['insert', 'update', 'delete']

/** Hands every transaction of the trace to `take`, and returns how many there are. */
export async function readTrace(path, take) {
  const names = { dots: new Map(), sequences: new Map() }
  let number = 0
  try {
    for await (const line of lines(open(path))) {
      number += 1
      at(`${path}:${number}`, () => take(transactionOf(line, names)))
    }
    if (number === 0) throw malformed('the trace is empty')
  } catch (error) {
    throw failureAt(path, error)
  }
  return number
}

function open(path) {
  const file = createReadStream(path)
  if (!path.endsWith('.gz')) return file
  const unpacked = createGunzip()
  file.on('error', (error) => unpacked.destroy(error))
  return file.pipe(unpacked)
}

async function* lines(chunks) {
  let parts = []
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, end)])
      parts = []
      from = end + 1
    }
    if (from < chunk.length) parts.push(chunk.subarray(from))
  }
  if (parts.length > 0) yield Buffer.concat(parts)
}

/** The transaction on a line; `names` tells which dot each name stands for, and how far each node has counted. */
function transactionOf(line, { dots, sequences }) {
  const read = parse(line)
  const name = text(read, 'txn')
  const node = text(read, 'node').toLowerCase()
  if (!UUID.test(node)) throw malformed(`node is not a UUID: ${show(node)}`)
  const dependencies = array(read, 'parents').map((parent) => {
    const dot = isText(parent) ? dots.get(parent.slice(1)) : undefined
    if (dot) return dot
    throw malformed(`parent ${show(parent)} does not stand before its child`)
  })
  const timestampNs = parseTimestamp(text(read, 'timestamp'))
  const changes = array(read, 'changes').map(changeOf)
  if (dots.has(name)) throw malformed(`transaction ${show(name)} stands here a second time`)
  const sequence = (sequences.get(node) ?? 0n) + BigInt(Math.max(1, changes.length))
  sequences.set(node, sequence)
  dots.set(name, { node, sequence })
  return { node, sequence, dependencies, timestampNs, changes }
}

function changeOf(change) {
  const [table, operation] = [text(change, 'table'), text(change, 'operation')]
  if (!OPERATIONS.includes(operation)) {
    throw malformed(`unknown operation ${show(operation)}: it is one of ${OPERATIONS.join(', ')}`)
  }
  return { table, rowId: rowIdOf(change), operation, after: afterOf(change, operation) }
}

function rowIdOf(change) {
  const rowId = member(change, 'row_id')
  if (isText(rowId)) return text(change, 'row_id')
  if (isNumber(rowId) && /^-?\d+$/.test(rowId.slice(1))) return BigInt(rowId.slice(1))
  throw malformed(`row_id is neither text nor an integer: ${show(rowId)}`)
}

function afterOf(change, operation) {
  const after = change.get('after') ?? null
  if (after === null && operation === 'delete') return null
  if (!(after instanceof Map)) throw malformed(`after is not an object: ${show(after)}`)
  return Buffer.from(compact(after))
}

// JSON with numbers to the digit and keys in their order, which JSON.parse alone would not keep:
// before it sees a line, numbers become strings that begin with `#`, and strings get a `$` in front,
// keys among them. An object is a map.

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g

function parse(line) {
  let json
  try {
    json = UTF8.decode(line)
  } catch {
    throw malformed('not UTF-8')
  }
  try {
    JSON.parse(json)
    const marked = json.replace(TOKEN, (token) => (token[0] === '"' ? `"$${token.slice(1)}` : `"#${token}"`))
    return JSON.parse(marked, (_key, value) => (isObject(value) ? new Map(keyed(value)) : value))
  } catch (error) {
    throw malformed(`not JSON: ${error.message}`)
  }
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value)
const keyed = (object) => Object.entries(object).map(([key, value]) => [key.slice(1), value])
const isNumber = (value) => typeof value === 'string' && value[0] === '#'
const isText = (value) => typeof value === 'string' && value[0] === '$'

/** The value as compact JSON, with no more escapes than JSON asks for. */
function compact(value) {
  if (value instanceof Map) return `{${Array.from(value, ([key, each]) => `${quoted(key)}:${compact(each)}`).join(',')}}`
  if (Array.isArray(value)) return `[${value.map(compact).join(',')}]`
  if (isNumber(value)) return value.slice(1)
  return isText(value) ? quoted(value.slice(1)) : String(value)
}

function quoted(string) {
  if (!string.isWellFormed()) throw malformed(`not text: ${JSON.stringify(string)}`)
  return JSON.stringify(string)
}

/** The value as a message can show it. */
function show(value) {
  if (typeof value === 'string') return isNumber(value) ? value.slice(1) : JSON.stringify(value.replace(/^\$/, ''))
  return value instanceof Map ? 'an object' : Array.isArray(value) ? 'an array' : String(value)
}

function member(object, name) {
  if (!(object instanceof Map)) throw malformed(`not an object: ${show(object)}`)
  if (!object.has(name)) throw malformed(`${name} is missing`)
  return object.get(name)
}

function text(object, name) {
  const value = member(object, name)
  if (!isText(value)) throw malformed(`${name} is not text: ${show(value)}`)
  return value.slice(1)
}

function array(object, name) {
  const value = member(object, name)
  if (!Array.isArray(value)) throw malformed(`${name} is not an array: ${show(value)}`)
  return value
}
