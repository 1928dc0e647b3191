'use strict'

// Functions of the application that decide conflicts. The native module knows each by a number, and calls one function
// for all. What keeps a function is its replica, and nothing else: it may refer to that replica, and both must be
// collected once nobody uses them.

const { inspect, types } = require('node:util')

const native = require('./native.js')
const { CauselogError } = require('./errors.js')
const { encode } = require('./payload.js')

/** The functions by their numbers, for as long as something keeps them. */
const byNumber = new Map()
const forgotten = new FinalizationRegistry((number) => byNumber.delete(number))
/** The functions of each replica by name and version. */
const ofReplica = new WeakMap()
let lastNumber = 0

/** The number of a function, which `where` names in a message if it is none. */
function numbered(resolver, where) {
  if (typeof resolver !== 'function') {
    throw new CauselogError('INVALID_ARGUMENT', `${where} must be a function, got ${inspect(resolver, { depth: 0 })}`)
  }
  lastNumber += 1
  byNumber.set(lastNumber, new WeakRef(resolver))
  forgotten.register(resolver, lastNumber)
  return lastNumber
}

/** Lets the replica keep its functions; returns it. */
function keepResolvers(replica, resolvers) {
  if (resolvers.length && !ofReplica.has(replica)) ofReplica.set(replica, new Map())
  for (const { name, version, decide } of resolvers) ofReplica.get(replica).set(`${version} ${name}`, decide)
  return replica
}

/** A decision with its payload as bytes; what is none, for the native module to refuse. */
function encodedDecision(decision) {
  if (decision === null || typeof decision !== 'object' || Array.isArray(decision)) return decision
  return { head: decision.head, value: encode(decision.value, 'decision.value') }
}

/** What went wrong, in words. */
function described(error) {
  try {
    return types.isNativeError(error) ? String(error) : `it threw ${inspect(error)}`
  } catch {
    return 'it threw what cannot be shown'
  }
}

/** Asks the function with this number. It never throws: an exception here would have nobody to catch it. */
function decide(number, conflict) {
  try {
    const resolver = byNumber.get(number)?.deref()
    if (!resolver) return { failure: 'its replica is no longer in use' }
    const decision = resolver(conflict)
    if (!types.isPromise(decision)) return encodedDecision(decision)
    // Nobody else will look at it.
    decision.then(undefined, () => undefined)
    return { failure: 'it gave a promise: a resolver decides at once' }
  } catch (error) {
    return { failure: described(error) }
  }
}

let host

/** What the native module calls functions through. */
function resolverHost() {
  host ??= native.resolverHost(decide, () => undefined)
  return host
}

module.exports = { encodedDecision, keepResolvers, numbered, resolverHost }
