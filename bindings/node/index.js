'use strict'

// The native module does the work. This layer gives its errors a class and a stack, writes
// payloads as JSON and reads them back, and makes what can be iterated or disposed of so.

const { inspect, types } = require('node:util')

const native = require('./lib/native.js')
const { CauselogError, guarded, guardedAsync, translated } = require('./lib/errors.js')
const { encode, decode, parse, plain } = require('./lib/payload.js')

const { isUint8Array } = types
const isObject = (value) => value !== null && typeof value === 'object'
const isIterable = (value) => isObject(value) && typeof value[Symbol.iterator] === 'function'

/** Whether the value is no instance of a class, whichever context made it. */
function isPlain(value) {
  const prototype = isObject(value) ? Object.getPrototypeOf(value) : undefined
  return prototype === null || (prototype !== undefined && Object.getPrototypeOf(prototype) === null)
}

/** The change with its payloads as bytes. */
function encodedChange(change, where) {
  if (!isObject(change) || Array.isArray(change)) return change
  return {
    table: change.table,
    rowId: change.rowId,
    operation: change.operation,
    before: encode(change.before, `${where}.before`),
    after: encode(change.after, `${where}.after`),
    metadata: change.metadata,
  }
}

/**
 * The fields of a change in the order in which the native module reads them, for which an array costs it half of what an
 * object does; what is no change, for it to refuse. `where` says what to call the change in a message.
 */
function changeFields(change, where) {
  if (!isObject(change)) return change
  if (Array.isArray(change)) throw new CauselogError('INVALID_ARGUMENT', `${where()} must be an object, got an array`)
  const { table, rowId, operation, before, after, metadata } = change
  const bytes = (value, key) => (value == null || isUint8Array(value) ? value : encode(value, `${where()}.${key}`))
  return [table, rowId, operation, bytes(before, 'before'), bytes(after, 'after'), metadata]
}

function fieldsOfChanges(changes, where) {
  return Array.isArray(changes) ? changes.map((change, index) => changeFields(change, () => `${where}[${index}]`)) : changes
}

const oneChange = ([change]) => [changeFields(change, () => 'change')]
const someChanges = ([changes]) => [fieldsOfChanges(changes, 'changes')]

function wholeTransaction([transaction]) {
  if (!isObject(transaction)) return [transaction]
  const { node, sequence, dependencies, timestamp, timestampNs, changes } = transaction
  return [
    { node, sequence, dependencies, timestamp, timestampNs, changes: fieldsOfChanges(changes, 'transaction.changes') },
  ]
}

function entryFields([fields]) {
  if (!isObject(fields)) return [fields]
  const { node, sequence, vectorClock, timestamp, timestampNs, lsn, transaction, verdict } = fields
  return [
    {
      ...encodedChange(fields, 'fields'),
      ...{ node, sequence, vectorClock, timestamp, timestampNs, lsn, transaction, verdict },
    },
  ]
}

function clockEntries([entries]) {
  if (isIterable(entries)) return [[...entries]]
  return [isPlain(entries) ? Object.entries(entries) : entries]
}

const entrySet = ([entries, settledBy]) => [isIterable(entries) ? [...entries] : entries, settledBy]

/** What is done to the arguments of these before the native module sees them. */
const PREPARE = {
  __proto__: null,
  appendSync: oneChange,
  append: oneChange,
  appendTransactionSync: someChanges,
  appendTransaction: someChanges,
  appendRemoteSync: wholeTransaction,
  appendRemote: wholeTransaction,
  resolve: entrySet,
  VectorClock: clockEntries,
  ChangeEntry: entryFields,
}

/** The classes that a program makes objects of itself. */
const CONSTRUCTIBLE = new Set(['ChangeEntry', 'ConflictDetector', 'HybridLogicalClock', 'ManualTime', 'VectorClock'])

/** Where a native class keeps its members as they were: a test runner can load this file several times. */
const ORIGINAL = Symbol.for('causelog.original')

/** The class with the errors of its constructor and all its members translated. */
function published(Native) {
  const { name } = Native
  if (!Object.hasOwn(Native, ORIGINAL)) {
    const members = (object) => Object.entries(Object.getOwnPropertyDescriptors(object))
    const value = { prototype: members(Native.prototype), statics: members(Native) }
    Object.defineProperty(Native, ORIGINAL, { value })
  }
  const { prototype, statics } = Native[ORIGINAL]
  // What has a form that works before it returns is the form that returns a promise.
  const keys = new Set([...prototype, ...statics].map(([key]) => key))
  const guard = (fn, key) => (keys.has(`${key}Sync`) ? guardedAsync : guarded)(fn, PREPARE[key])
  const Public = {
    [name]: function (...args) {
      if (!new.target) throw new TypeError(`class ${name} is made with new`)
      if (!CONSTRUCTIBLE.has(name)) throw new CauselogError('INVALID_ARGUMENT', `${name} cannot be made with new`)
      try {
        return Reflect.construct(Native, PREPARE[name]?.(args) ?? args, new.target)
      } catch (error) {
        throw translated(error)
      }
    },
  }[name]
  Public.prototype = Native.prototype
  for (const [key, member] of prototype) {
    const replaced = { ...member }
    if (key === 'constructor') replaced.value = Public
    else if (member.get) replaced.get = guarded(member.get)
    else replaced.value = guard(member.value, key)
    Object.defineProperty(Native.prototype, key, replaced)
  }
  for (const [key, member] of statics) {
    if (typeof member.value !== 'function') continue
    Object.defineProperty(Public, key, { ...member, value: guard(member.value, key) })
  }
  return Public
}

const ChangeEntry = published(native.ChangeEntry)
const ChangeLog = published(native.ChangeLog)
const Conflict = published(native.Conflict)
const ConflictDetector = published(native.ConflictDetector)
const ConflictReport = published(native.ConflictReport)
const Consumer = published(native.Consumer)
const Cursor = published(native.Cursor)
const HybridLogicalClock = published(native.HybridLogicalClock)
const ManualTime = published(native.ManualTime)
const Row = published(native.Row)
const Snapshot = published(native.Snapshot)
const TransactionCursor = published(native.TransactionCursor)
const VectorClock = published(native.VectorClock)
const VerifyReport = published(native.VerifyReport)
const View = published(native.View)

const conflictClassOf = guarded(native.conflictClassOf)
const conflictTypeClass = guarded(native.conflictTypeClass)
const conflictTypeMirror = guarded(native.conflictTypeMirror)
const conflictTypeOperations = guarded(native.conflictTypeOperations)
const conflictTypeOf = guarded(native.conflictTypeOf)
const decodeRowId = guarded(native.decodeRowId)
const encodeRowId = guarded(native.encodeRowId)
const errorCodes = guarded(native.errorCodes)
const formatTimestamp = guarded(native.formatTimestamp)
const parseTimestamp = guarded(native.parseTimestamp)

/** Adds members that enumeration does not show, as a class would. */
function extend(Class, members) {
  for (const key of Reflect.ownKeys(members)) {
    Object.defineProperty(Class.prototype, key, { value: members[key], configurable: true, writable: true })
  }
}

/** Older contexts lack these symbols, and with them the declarations that would look for them. */
function extendDisposal(Class, dispose, asyncDispose) {
  if (Symbol.dispose) extend(Class, { [Symbol.dispose]: dispose })
  if (Symbol.asyncDispose && asyncDispose) extend(Class, { [Symbol.asyncDispose]: asyncDispose })
}

/** Shows the content where an object is printed: the native part has no properties to show. */
function extendInspection(Class, content) {
  extend(Class, {
    [inspect.custom](_depth, options) {
      return `${Class.name} ${inspect(content(this), options)}`
    },
  })
}

extendDisposal(
  ChangeLog,
  function () {
    this.closeSync()
  },
  function () {
    return this.close()
  },
)

for (const Class of [Cursor, TransactionCursor]) {
  /** What was read and not yet handed out, the next one last. */
  const ahead = new WeakMap()
  const { close } = Class.prototype
  extend(Class, {
    next() {
      let batch = ahead.get(this)
      if (!batch?.length) {
        batch = this.readSync().reverse()
        ahead.set(this, batch)
      }
      return batch.length ? { done: false, value: batch.pop() } : { done: true, value: undefined }
    },
    return() {
      this.close()
      return { done: true, value: undefined }
    },
    close() {
      close.call(this)
      ahead.delete(this)
    },
    [Symbol.iterator]() {
      return this
    },
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          let batch = ahead.get(this)
          if (!batch?.length) {
            batch = (await this.read()).reverse()
            ahead.set(this, batch)
          }
          if (!batch.length) return
          while (batch.length) yield batch.pop()
        }
      } finally {
        this.close()
      }
    },
  })
  extendDisposal(Class, Class.prototype.close)
}

const { rows, nextRows } = Snapshot.prototype
// The reader that these pass on is of no use to anybody else.
delete Snapshot.prototype.rows
delete Snapshot.prototype.nextRows

/** The rows of a snapshot, fetched batch by batch, each as `form` gives it. */
function* each(snapshot, form) {
  const reader = rows.call(snapshot)
  for (;;) {
    const batch = nextRows.call(snapshot, reader)
    if (!batch.length) return
    for (const row of batch) yield form(row)
  }
}

for (const Class of [Snapshot, View]) {
  // A view is read as it is when the iteration is asked for, not when it begins.
  const shown = (rows) => (Class === View ? rows.snapshot() : rows)
  extend(Class, {
    keys() {
      return each(shown(this), (row) => row.rowId)
    },
    values() {
      return each(shown(this), (row) => row)
    },
    entries() {
      return each(shown(this), (row) => [row.rowId, row])
    },
    [Symbol.iterator]() {
      return this.entries()
    },
  })
}

/** An integer as JSON can have it: a number where that is exact. */
const jsonInteger = (integer) => (Number.isSafeInteger(Number(integer)) ? Number(integer) : String(integer))
const jsonDot = ({ node, sequence }) => `${node}:${sequence}`

function jsonRowId(rowId) {
  if (Array.isArray(rowId)) return rowId.map(jsonRowId)
  if (typeof rowId === 'bigint') return { integer: String(rowId) }
  return Buffer.isBuffer(rowId) ? { bytes: rowId.toString('hex') } : rowId
}

extend(VectorClock, {
  [Symbol.iterator]() {
    return this.entries()[Symbol.iterator]()
  },
  toJSON() {
    return Object.fromEntries(this.entries().map(([node, sequence]) => [node, jsonInteger(sequence)]))
  },
})

extend(ChangeEntry, {
  beforeJson() {
    return decode(this.before, 'before')
  },
  afterJson() {
    return decode(this.after, 'after')
  },
  toJSON() {
    return {
      lsn: jsonInteger(this.lsn),
      node: this.node,
      sequence: jsonInteger(this.sequence),
      vectorClock: this.vectorClock.toJSON(),
      timestamp: formatTimestamp(this.timestampNs),
      transaction: jsonDot(this.transaction),
      table: this.table,
      rowId: jsonRowId(this.rowId),
      operation: this.operation,
      before: plain(this.before),
      after: plain(this.after),
      verdict: this.verdict,
      metadata: this.metadata,
    }
  },
})

extend(Row, {
  valueJson() {
    return decode(this.value, 'value')
  },
  toJSON() {
    return {
      rowId: jsonRowId(this.rowId),
      value: plain(this.value),
      lsn: jsonInteger(this.lsn),
      timestamp: formatTimestamp(this.timestampNs),
      dot: jsonDot(this.dot),
    }
  },
})

extend(Snapshot, {
  toJSON() {
    const rows = Array.from(this.values(), (row) => row.toJSON())
    return { table: this.table, lsn: jsonInteger(this.lsn), rows }
  },
})

extend(VerifyReport, {
  toJSON() {
    const { segments, transactions, entries, bytes, isIntact, findings } = this
    return { segments, transactions, entries, bytes, isIntact, findings }
  },
})

extend(ConflictReport, {
  valueJson() {
    return decode(this.value, 'value')
  },
  toJSON() {
    return parse(this.toJson(), String)
  },
})

for (const Class of [VectorClock, ChangeEntry, Row, VerifyReport, ConflictReport]) {
  extendInspection(Class, (object) => object.toJSON())
}
// Their rows may be many.
for (const Class of [Snapshot, View]) extendInspection(Class, ({ table, lsn, size }) => ({ table, lsn, size }))
extendInspection(Consumer, ({ name }) => ({ name }))

const Change = Object.freeze({
  insert: (table, rowId, after, extras) => ({ table, rowId, operation: 'insert', after, ...extras }),
  update: (table, rowId, before, after, extras) => ({ table, rowId, operation: 'update', before, after, ...extras }),
  delete: (table, rowId, before, extras) => ({ table, rowId, operation: 'delete', before, ...extras }),
})

module.exports = {
  CauselogError,
  Change,
  ChangeEntry,
  ChangeLog,
  Conflict,
  ConflictDetector,
  ConflictReport,
  Consumer,
  Cursor,
  HybridLogicalClock,
  ManualTime,
  Row,
  Snapshot,
  TransactionCursor,
  VectorClock,
  VerifyReport,
  View,
  conflictClassOf,
  conflictTypeClass,
  conflictTypeMirror,
  conflictTypeOf,
  conflictTypeOperations,
  decodeRowId,
  encodeRowId,
  errorCodes,
  formatTimestamp,
  parseTimestamp,
}
