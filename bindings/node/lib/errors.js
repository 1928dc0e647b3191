'use strict'

const { errorCodes } = require('./native.js')

const RETRYABLE = new Set(errorCodes().filter((code) => code.retryable).map((code) => code.name))
const KNOWN = new Set(errorCodes().map((code) => code.name))

class CauselogError extends Error {
  constructor(code, message) {
    super(message)
    this.code = code
    this.retryable = RETRYABLE.has(code)
  }
}
// On the prototype, as the built-in errors have it, so that it is no property of every error.
Object.defineProperty(CauselogError.prototype, 'name', { value: 'CauselogError', configurable: true, writable: true })

/**
 * The error that JavaScript sees for one that the native module has thrown. It is made
 * here, and not there, so that its stack also tells who was awaiting.
 */
function translated(error) {
  if (error instanceof CauselogError || !(error?.code || error?.message === MISPLACED)) return error
  if (KNOWN.has(error.code)) return new CauselogError(error.code, error.message)
  if (error.message === MISPLACED) return new CauselogError('INVALID_ARGUMENT', 'this is not an object of the class')
  // What Node-API says when a member is called on an object of another class.
  if (error.code === 'InvalidArg') return new CauselogError('INVALID_ARGUMENT', error.message)
  // What Node-API makes of a panic that it has caught.
  if (error.code === 'GenericFailure') return new CauselogError('INTERNAL', error.message)
  return error
}

/** What V8 says when a member is called on something that no such class has made. */
const MISPLACED = 'Illegal invocation'

/** The native function with its errors translated; what `prepare` makes of the arguments is handed on. */
function guarded(native, prepare) {
  const wrapper = {
    [native.name](...args) {
      try {
        return native.apply(this, prepare ? prepare(args) : args)
      } catch (error) {
        throw translated(error)
      }
    },
  }
  return wrapper[native.name]
}

/** The same for a native function that returns a promise. */
function guardedAsync(native, prepare) {
  const wrapper = {
    async [native.name](...args) {
      try {
        return await native.apply(this, prepare ? prepare(args) : args)
      } catch (error) {
        throw translated(error)
      }
    },
  }
  return wrapper[native.name]
}

module.exports = { CauselogError, guarded, guardedAsync, translated }
