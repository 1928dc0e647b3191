'use strict'

// The native module does the work. This layer gives its errors a class and a stack, writes
// payloads as JSON and reads them back, and makes what can be iterated or disposed of so.

const { inspect, types } = require('node:util')

const native = require('./lib/native.js')
const { CauselogError, guarded, guardedAsync, translated } = require('./lib/errors.js')
const { encode, decode, parse, plain } = require('./lib/payload.js')
const { encodedDecision, keepResolvers, numbered, resolverHost } = require('./lib/resolvers.js')

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

/**
 * The fields of a write in the order in which the native module reads them; what is no write, for it to refuse.
 */
function writeFields(write, where) {
  if (!isObject(write)) return write
  if (Array.isArray(write)) throw new CauselogError('INVALID_ARGUMENT', `${where} must be an object, got an array`)
  const { table, rowId, operation, after, expected, metadata } = write
  return [table, rowId, operation, encode(after, `${where}.after`), expected, metadata]
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

/** A strategy as text; what is none, for the native module to refuse. */
function strategyText(resolution) {
  if (!isObject(resolution)) return resolution
  try {
    return JSON.stringify(resolution)
  } catch (error) {
    throw new CauselogError('INVALID_ARGUMENT', `resolution is no JSON: ${error.message}`)
  }
}

/** The arguments with the one at `index` as a strategy. */
const strategyAt = (index) => (args) => args.map((argument, at) => (at === index ? strategyText(argument) : argument))

const entrySet = ([entries, ...others]) => [isIterable(entries) ? [...entries] : entries, ...others]
const wholeRow = ([table, rowId, after]) => [table, rowId, encode(after, 'after')]
const someFields = ([table, rowId, fields, remove]) => [table, rowId, encode(fields, 'fields'), remove]
const someWrites = ([writes]) => [
  Array.isArray(writes) ? writes.map((write, index) => writeFields(write, `writes[${index}]`)) : writes,
]
const decisionFor = ([table, rowId, decision, ...others]) => [table, rowId, encodedDecision(decision), ...others]

/** What is done to the arguments of these before the native module sees them: by class, then by member. */
const PREPARE = {
  __proto__: null,
  ChangeEntry: { constructor: entryFields },
  ChangeLog: {
    appendSync: oneChange,
    append: oneChange,
    appendTransactionSync: someChanges,
    appendTransaction: someChanges,
    appendRemoteSync: wholeTransaction,
    appendRemote: wholeTransaction,
  },
  ConflictDetector: { constructor: strategyAt(0), resolve: entrySet, resolveRow: entrySet },
  Replica: {
    insertSync: wholeRow,
    insert: wholeRow,
    updateSync: wholeRow,
    update: wholeRow,
    writeSync: someWrites,
    write: someWrites,
    appendSync: someChanges,
    append: someChanges,
    patchSync: someFields,
    patch: someFields,
    applySync: wholeTransaction,
    apply: wholeTransaction,
    resolveSync: decisionFor,
    resolve: decisionFor,
  },
  ResolverRegistry: {
    constructor: strategyAt(0),
    setDefault: strategyAt(0),
    setTable: strategyAt(1),
    setClass: strategyAt(2),
  },
  VectorClock: { constructor: clockEntries },
}

/** The options with the number of each resolver in its place, and those resolvers. */
function numberedResolvers(options) {
  if (!isObject(options) || !Array.isArray(options.resolvers)) return [options, []]
  const given = options.resolvers.map((resolver, index) => {
    if (!Array.isArray(resolver)) {
      const message = `options.resolvers[${index}] must be an array of a name, a version and a function`
      throw new CauselogError('INVALID_ARGUMENT', message)
    }
    const [name, version, decide] = resolver
    return { name, version, number: numbered(decide, `options.resolvers[${index}][2]`), decide }
  })
  const resolvers = given.map(({ name, version, number }) => [name, version, number])
  return [{ ...options, resolvers }, given]
}

/** The function that opens a replica, called with numbers instead of functions; the replica keeps those. */
const keeping = (open) => (path, options) => {
  const [prepared, resolvers] = numberedResolvers(options)
  return keepResolvers(open(path, prepared, resolverHost()), resolvers)
}

/** What is done to these members once their errors are translated: by class, then by member. */
const WRAP = {
  __proto__: null,
  Replica: {
    openSync: keeping,
    open: (open) => async (path, options) => {
      const [prepared, resolvers] = numberedResolvers(options)
      return keepResolvers(await open(path, prepared, resolverHost()), resolvers)
    },
    inMemory: (open) => (options) => keeping((_, prepared, host) => open(prepared, host))(undefined, options),
  },
}

/** The classes that a program makes objects of itself. */
const CONSTRUCTIBLE = new Set([
  'ChangeEntry',
  'ConflictDetector',
  'HybridLogicalClock',
  'ManualTime',
  'ResolverRegistry',
  'VectorClock',
])

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
  const prepare = { __proto__: null, ...PREPARE[name] }
  const wrap = { __proto__: null, ...WRAP[name] }
  const guard = (fn, key) => {
    const guardedFn = (keys.has(`${key}Sync`) ? guardedAsync : guarded)(fn, prepare[key])
    return wrap[key] ? { [key]: wrap[key](guardedFn) }[key] : guardedFn
  }
  const Public = {
    [name]: function (...args) {
      if (!new.target) throw new TypeError(`class ${name} is made with new`)
      if (!CONSTRUCTIBLE.has(name)) throw new CauselogError('INVALID_ARGUMENT', `${name} cannot be made with new`)
      try {
        return Reflect.construct(Native, Object.hasOwn(prepare, 'constructor') ? prepare.constructor(args) : args, new.target)
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
const EffectiveChange = published(native.EffectiveChange)
const Explanation = published(native.Explanation)
const HybridLogicalClock = published(native.HybridLogicalClock)
const ManualTime = published(native.ManualTime)
const Replica = published(native.Replica)
const ReplicaRow = published(native.ReplicaRow)
const ResolverRegistry = published(native.ResolverRegistry)
const Row = published(native.Row)
const RowConflict = published(native.RowConflict)
const RowResolution = published(native.RowResolution)
const Snapshot = published(native.Snapshot)
const TransactionCursor = published(native.TransactionCursor)
const VectorClock = published(native.VectorClock)
const VerifyReport = published(native.VerifyReport)
const View = published(native.View)

const conflictClassOf = guarded(native.conflictClassOf)
const conflictResolutionKind = guarded(native.conflictResolutionKind, strategyAt(0))
const conflictTypeClass = guarded(native.conflictTypeClass)
const conflictTypeMirror = guarded(native.conflictTypeMirror)
const conflictTypeOperations = guarded(native.conflictTypeOperations)
const conflictTypeOf = guarded(native.conflictTypeOf)
const decodeRowId = guarded(native.decodeRowId)
const encodeRowId = guarded(native.encodeRowId)
const errorCodes = guarded(native.errorCodes)
const formatConflictResolution = guarded(native.formatConflictResolution, strategyAt(0))
const formatTimestamp = guarded(native.formatTimestamp)
const parseConflictResolution = guarded(native.parseConflictResolution)
const parseTimestamp = guarded(native.parseTimestamp)
const syncSync = guarded(native.syncSync)
const validateConflictResolution = guarded(native.validateConflictResolution, strategyAt(0))

const exchange = guardedAsync(native.sync)

async function sync(...replicas) {
  const inUse = [...replicas]
  try {
    return await exchange(...replicas)
  } finally {
    // Until here the replicas are in use, and with them their resolvers.
    inUse.length = 0
  }
}

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

for (const Class of [ChangeLog, Replica]) {
  extendDisposal(
    Class,
    function () {
      this.closeSync()
    },
    function () {
      return this.close()
    },
  )
}

const { registerResolver } = Replica.prototype
extend(Replica, {
  registerResolver(name, version, resolver) {
    const number = numbered(resolver, 'resolver')
    registerResolver.call(this, name, version, number, resolverHost())
    keepResolvers(this, [{ name, version, decide: resolver }])
  },
})

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
  ancestorJson() {
    return decode(this.ancestor, 'ancestor')
  },
  valueJson() {
    return decode(this.value, 'value')
  },
  toJSON() {
    return parse(this.toJson(), String)
  },
})

extend(ResolverRegistry, {
  toJSON() {
    return JSON.parse(this.toJson())
  },
})

extend(RowConflict, {
  ancestorJson() {
    return decode(this.ancestor, 'ancestor')
  },
  toJSON() {
    return {
      table: this.table,
      rowId: jsonRowId(this.rowId),
      conflictClass: this.conflictClass,
      heads: this.heads.map((head) => head.toJSON()),
      ancestorIsLive: this.ancestorIsLive,
      ancestor: plain(this.ancestor),
    }
  },
})

extend(RowResolution, {
  valueJson() {
    return decode(this.value, 'value')
  },
  toJSON() {
    return {
      isLive: this.isLive,
      value: plain(this.value),
      heads: this.heads.map(jsonDot),
      standing: this.standing?.toJSON() ?? null,
      settled: this.settled.map((report) => report.toJSON()),
    }
  },
})

extend(ReplicaRow, {
  valueJson() {
    return decode(this.value, 'value')
  },
  toJSON() {
    const { rowId, value, heads, state } = this
    return { rowId: jsonRowId(rowId), value: plain(value), heads: heads.map(jsonDot), state }
  },
})

extend(EffectiveChange, {
  beforeJson() {
    return decode(this.before, 'before')
  },
  afterJson() {
    return decode(this.after, 'after')
  },
  toJSON() {
    return {
      position: this.position,
      transaction: this.transaction && jsonDot(this.transaction),
      timestamp: formatTimestamp(this.timestampNs),
      table: this.table,
      rowId: jsonRowId(this.rowId),
      operation: this.operation,
      before: plain(this.before),
      after: plain(this.after),
    }
  },
})

extend(Explanation, {
  valueJson() {
    return decode(this.value, 'value')
  },
  toJSON() {
    const step = ({ entry, follows, concurrentWith, settles }) => ({
      entry: entry.toJSON(),
      follows: follows.map(jsonDot),
      concurrentWith: concurrentWith.map(jsonDot),
      settles: settles?.toJSON() ?? null,
    })
    return {
      table: this.table,
      rowId: jsonRowId(this.rowId),
      isLive: this.isLive,
      value: plain(this.value),
      state: this.state,
      steps: this.steps.map(step),
      standing: this.standing?.toJSON() ?? null,
    }
  },
})

const SHOWN_AS_JSON = [VectorClock, ChangeEntry, Row, VerifyReport, ConflictReport, EffectiveChange, Explanation, ReplicaRow]
for (const Class of [...SHOWN_AS_JSON, ResolverRegistry, RowConflict, RowResolution]) {
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

const Write = Object.freeze({
  insert: (table, rowId, after, extras) => ({ table, rowId, operation: 'insert', after, ...extras }),
  update: (table, rowId, after, extras) => ({ table, rowId, operation: 'update', after, ...extras }),
  delete: (table, rowId, extras) => ({ table, rowId, operation: 'delete', ...extras }),
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
  EffectiveChange,
  Explanation,
  HybridLogicalClock,
  ManualTime,
  Replica,
  ReplicaRow,
  ResolverRegistry,
  Row,
  RowConflict,
  RowResolution,
  Snapshot,
  TransactionCursor,
  VectorClock,
  VerifyReport,
  View,
  Write,
  conflictClassOf,
  conflictResolutionKind,
  conflictTypeClass,
  conflictTypeMirror,
  conflictTypeOf,
  conflictTypeOperations,
  decodeRowId,
  encodeRowId,
  errorCodes,
  formatConflictResolution,
  formatTimestamp,
  parseConflictResolution,
  parseTimestamp,
  sync,
  syncSync,
  validateConflictResolution,
}
