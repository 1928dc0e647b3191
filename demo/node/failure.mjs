// Why the replay stops: where, what, and under which code of the error table.

import { CauselogError } from '../../bindings/node/index.js'

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** An error with its place, which is shown as `PLACE: what was wrong (CODE)`. */
export class Failure extends Error {
  constructor(place, what, code) {
    super(`${place}: ${what} (${code})`)
  }
}

/** What is wrong with the input. */
export function malformed(message) {
  return new CauselogError('INVALID_ARGUMENT', message)
}

/** The failure at `place` that an error of the library, of a file or of decompression comes to. */
export function failureAt(place, error) {
  if (error instanceof Failure) return error
  if (error instanceof CauselogError) return new Failure(place, error.message, error.code)
  if (error.syscall || String(error.code).startsWith('Z_')) {
    return new Failure(place, error.message, FULL.has(error.code) ? 'NO_SPACE' : 'IO')
  }
  // Anything else is a bug of this program.
  return error
}

/** Does `work`, and says where an error happened. */
export function at(place, work) {
  try {
    return work()
  } catch (error) {
    throw failureAt(place, error)
  }
}
