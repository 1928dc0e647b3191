/* Generated: `npm run build` writes this file from src/ and lib/header.d.ts. Change those. */
/* eslint-disable */
/// <reference types="node" />

/** What went wrong: the one thing to branch on. `errorCodes()` tells what each means. */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'LOCKED'
  | 'READ_ONLY'
  | 'IO'
  | 'NO_SPACE'
  | 'CORRUPT'
  | 'CLOSED'
  | 'TRUNCATED'
  | 'TIMEOUT'
  | 'CANCELLED'
  | 'CDC_DISABLED'
  | 'QUOTA_EXCEEDED'
  | 'CLOCK_SKEW'
  | 'DOT_REUSE'
  | 'MISSING_DEPENDENCY'
  | 'VERSION_MISMATCH'
  | 'UNRESOLVED'
  | 'RESOLVER_FAILED'
  | 'UNAUTHORIZED'
  | 'PROTOCOL'
  | 'UNAVAILABLE'
  | 'TOO_LARGE'
  | 'UNSUPPORTED'
  | 'INTERNAL'

/**
 * What every failing call throws, or rejects its promise with.
 *
 * A call that fails has changed nothing, unless its documentation says otherwise.
 */
export declare class CauselogError extends Error {
  /** An error with this code, for programs that report their own failures in the same form. */
  constructor(code: ErrorCode, message: string)
  /** What went wrong. The message is for people and may change; the code does not. */
  readonly code: ErrorCode
  /** Whether the same call can succeed later with nothing changed by the caller. */
  readonly retryable: boolean
}

/** What a change does to its row. */
export type ChangeOperation = 'insert' | 'update' | 'delete'

/**
 * What an entry did to its row when it arrived: it became the row's value, it left the
 * value as it was, or the row took a value that no single entry carries.
 */
export type Verdict = 'applied' | 'superseded' | 'merged'

/** How two clocks stand to each other. Only `'concurrent'` can be a conflict. */
export type Causality = 'equal' | 'before' | 'after' | 'concurrent'

/** The shape of a conflict as one side sees it: the local operation, then the remote one. */
export type ConflictType = `${ChangeOperation}_${ChangeOperation}`

/** The kind of a conflict whichever side looks at it, of two heads or more. */
export type ConflictClass =
  | 'insert_insert'
  | 'insert_update'
  | 'insert_delete'
  | 'update_update'
  | 'update_delete'
  | 'delete_delete'

/** The name of a strategy without its parameters. */
export type ConflictResolutionKind =
  | 'last_write_wins'
  | 'first_write_wins'
  | 'node_priority'
  | 'vector_clock_causal'
  | 'delete_wins'
  | 'update_wins'
  | 'field_merge'
  | 'manual'
  | 'custom'

/**
 * How a conflict is decided: by name where there are no parameters, and as an object otherwise. Every strategy is a
 * function of the row's entries alone: whoever holds the same entries decides alike.
 *
 * `'last_write_wins'`: the latest entry. A replica counts an entry as later than all that its author had seen of the
 * row, whatever the wall clocks said; a detector's `resolve`, which knows no history, goes by the timestamp. Of equal ones that of
 * the higher node id wins, and last that with the higher payload hash.
 *
 * `'first_write_wins'`: of two entries the one whose past, with itself, holds the earliest entry that the other's does
 * not. So who was first may go on editing the row.
 *
 * `'vector_clock_causal'`: an entry that has seen all others. Between concurrent ones nobody wins, and the conflict waits
 * for somebody to decide, unless there is a fallback.
 *
 * `'manual'`: nobody wins until somebody decides. Until then the row has the value of the latest entry.
 */
export type ConflictResolution =
  | 'last_write_wins'
  | 'first_write_wins'
  | 'vector_clock_causal'
  | 'manual'
  | NodePriority
  | VectorClockCausal
  | DeleteWins
  | UpdateWins
  | FieldMerge
  | Custom

/**
 * The entry of the node that comes first in a list wins. Nodes that are not listed come last; among those, and between
 * entries of one node, the latest wins.
 */
export interface NodePriority {
  /** Its name. */
  readonly kind: 'node_priority'
  /** UUIDs of nodes. */
  readonly order: ReadonlyArray<string>
}

/** An entry that has seen all others wins. */
export interface VectorClockCausal {
  /** Its name. */
  readonly kind: 'vector_clock_causal'
  /** What decides between concurrent entries; without it nobody does, as with `'manual'`. */
  readonly fallback?: ConflictResolution
}

/** A delete wins over entries that leave the row alive. */
export interface DeleteWins {
  /** Its name. */
  readonly kind: 'delete_wins'
  /** What decides between the entries that are left. */
  readonly fallback: ConflictResolution
}

/** Entries that leave the row alive win over deletes. */
export interface UpdateWins {
  /** Its name. */
  readonly kind: 'update_wins'
  /** What decides between the entries that are left. */
  readonly fallback: ConflictResolution
}

/**
 * The row is merged field by field. A field that only one side changed keeps that change; where both changed it, its
 * policy decides. Rows that are no JSON objects are resolved as by `'last_write_wins'`.
 */
export interface FieldMerge {
  /** Its name. */
  readonly kind: 'field_merge'
  /** Whether the row is there when one side deleted it and another did not; `'last_write_wins'` unless told otherwise. */
  readonly liveness?: Liveness
  /** What decides between concurrent changes of a field, by its name. Of a field that is not named the latest change wins. */
  readonly fields?: Readonly<Record<string, FieldPolicy>>
}

/** A function of the application decides, found by its name and version. */
export interface Custom {
  /** Its name. */
  readonly kind: 'custom'
  /** The name under which the function is registered. */
  readonly name: string
  /** Its version: another one may decide differently, and is another rule. */
  readonly version: number
}

/** Whether a row is there when some deleted it while others changed it: whatever the latest of them did, gone, or there. */
export type Liveness = 'last_write_wins' | 'delete_wins' | 'update_wins'

/**
 * What decides between concurrent changes of one field. `'last_write_wins'`: the latest change. `'max'` and `'min'`: the largest or
 * the smallest value: `null`, then `false`, `true`, numbers, strings, arrays, objects, each by value; who removed the field loses
 * against who set it. `'set'`: the field is an array that is taken as a set, and holds what somebody put in whom nobody who had
 * seen it has contradicted; merged, it is sorted. `'counter'`: the field is a 64-bit integer, and what everybody added to it
 * is added up. What is no array or no integer, or a sum that leaves the range, is resolved as by `'last_write_wins'`.
 */
export type FieldPolicy = 'last_write_wins' | 'max' | 'min' | 'set' | 'counter'

/** Why a conflict came out as it did. */
export type ReasonCode =
  | 'causally_later'
  | 'later_timestamp'
  | 'higher_node'
  | 'higher_payload_hash'
  | 'concurrent'
  | 'later_succession'
  | 'earlier_write'
  | 'higher_priority'
  | 'delete_wins'
  | 'update_wins'
  | 'fields_merged'
  | 'not_an_object'
  | 'custom'
  | 'deferred'
  | 'resolver_missing'
  | 'resolver_failed'

/**
 * How a row's value came about. `'resolved'`: one entry has seen all others, or the rules have decided between those that have
 * not. `'pending'`: somebody has to decide; the value is provisional, and the same everywhere. `'unresolved'`: a function of the
 * application has to decide, and is not registered here or has failed; the value is provisional, and may be another one on replicas
 * where it has decided.
 */
export type RowState = 'resolved' | 'pending' | 'unresolved'

/**
 * What somebody decides about a conflict: the head with this dot wins (an entry will do), the row takes this payload, which no entry
 * need carry, the row is deleted, or somebody else is to decide and the conflict goes to the inbox.
 */
export type ResolverDecision = { readonly head: DotLike } | { readonly value: Payload } | 'delete' | 'defer'

/**
 * A function of the application that decides conflicts. It must be a pure function of what it is given: every replica calls
 * its own, and all must come to one answer. It may read its replica with functions named `…Sync`, but a write there is
 * `RESOLVER_FAILED`. What it throws goes to the inbox with the conflict.
 *
 * ```js
 * const longest = ({ heads }) => ({ head: heads.reduce((a, b) => (a.after.length > b.after.length ? a : b)) })
 * ```
 */
export type ConflictResolver = (conflict: RowConflict) => ResolverDecision

/** One of the two sides of a conflict: the entry that was here, or the one that came. */
export type Side = 'local' | 'remote'

/**
 * When an append returns. `'sync'`: after the bytes have reached the disk; a loss of power
 * keeps them. `'os'`: after they were handed to the operating system; a crash of the process
 * keeps them, a loss of power may cost the last transactions, each as a whole. `'interval'`: as `'os'`,
 * and the first append after `syncInterval` has passed syncs, or `ChangeLog.maintain`, whichever comes first.
 */
export type Durability = 'sync' | 'interval' | 'os'

/**
 * Why entries were removed from a log. `'age'`: they were older than the log is to keep. `'bytes'`: the log was
 * larger than it is to be. `'compaction'`: later entries of the same row had replaced them.
 */
export type RemovalReason = 'age' | 'bytes' | 'compaction'

/**
 * How much of a log counts when it is asked how things stood: a bigint or a safe integer is an LSN, the entries up to
 * and including it, `0n` the empty log; a `Date`, or `{ timestampNs }` exactly, is a time, the entries stamped up to
 * and including it, in log order. Left out, or `null`, it is all that the log holds when it is asked.
 *
 * An LSN is exact: it names a prefix of this log, the same one whenever it is asked for. A time is not: several entries can
 * have one timestamp, and a remote entry can arrive late with an early one.
 */
export type Moment = bigint | number | Date | MomentNs

/** A time in nanoseconds since 1970, told apart from an LSN. */
export interface MomentNs {
  /** Nanoseconds since 1970. */
  readonly timestampNs: bigint
}

/** A UUID in a row id, told apart from text. */
export interface UuidRowId {
  uuid: string
}

/**
 * One scalar of a row id: text, an integer of 64 bits (as a safe integer or a bigint), bytes,
 * or a UUID. An integer comes back as a number if that is exact and as a bigint if not, bytes
 * come back as a `Buffer`.
 */
export type RowIdPart = string | number | bigint | Uint8Array | UuidRowId

/** The identity of a row within its table: a scalar, or an array of at least one. */
export type RowId = RowIdPart | RowIdPart[]

/** What `beforeJson`, `afterJson` and `valueJson` return: an integer that is not safe is a bigint. */
export type JsonValue = string | number | bigint | boolean | null | JsonValue[] | { [key: string]: JsonValue }

/**
 * A payload. A `Buffer` or `Uint8Array` is taken as it is; anything else is written as compact JSON,
 * keys as given, a bigint as an exact integer, `toJSON` honoured. `null` and `undefined` mean that there
 * is none. What JSON cannot say (`NaN`, `Infinity`, `undefined`, functions, symbols, maps, sets, cycles)
 * is refused, wherever it stands.
 */
export type Payload = Uint8Array | string | number | bigint | boolean | object | null | undefined

/** The identity of one change, as arguments take it. */
export interface DotLike {
  /** UUID of the node. */
  readonly node: string
  /** The node's own gap-free counter, from 1. */
  readonly sequence: bigint | number
}

/** One row change, as it is handed to a log. */
export interface Change {
  /** The table's name: 1 to 1024 bytes. */
  readonly table: string
  /** The row within the table. */
  readonly rowId: RowId
  /** What happens to the row. */
  readonly operation: ChangeOperation
  /** The row's payload before the change, as its author saw it; never on an insert. */
  readonly before?: Payload
  /** The row's payload after the change; never on a delete. */
  readonly after?: Payload
  /** Small strings for an audit: who, why. */
  readonly metadata?: Readonly<Record<string, string>> | null
}

/** What the makers of changes take besides what they name. */
export interface ChangeExtras {
  /** Small strings for an audit: who, why. */
  readonly metadata?: Readonly<Record<string, string>> | null
}

/** Makers of changes: plain objects, which a log checks when it takes them. */
export declare const Change: {
  /** The row comes into being with the payload `after`. */
  insert(table: string, rowId: RowId, after: Payload, extras?: ChangeExtras): Change
  /** The row's payload goes from `before` to `after`. */
  update(table: string, rowId: RowId, before: Payload, after: Payload, extras?: ChangeExtras): Change
  /** The row, whose payload was `before` if that is known, ends. */
  delete(table: string, rowId: RowId, before?: Payload, extras?: ChangeExtras): Change
}

/** A transaction, as `appendRemote` takes it. Of the two timestamps one is enough. */
export interface TransactionInput {
  /** UUID of the node that wrote it. */
  readonly node: string
  /** The sequence of its last change; it takes `max(1, changes.length)` of them. */
  readonly sequence: bigint | number
  /** The dots of the transactions that its author had seen and that no other of them covers. */
  readonly dependencies: ReadonlyArray<DotLike>
  /** When it was written; a bigint is nanoseconds since 1970. */
  readonly timestamp?: Date | bigint
  /** When it was written, in nanoseconds since 1970. */
  readonly timestampNs?: bigint
  /** Its changes, in order. There may be none. */
  readonly changes: ReadonlyArray<Change>
}

/** How a log is opened. */
export interface LogOptions {
  /**
   * The identity that a new log takes, a UUID; a random one unless told otherwise. A log that exists
   * keeps its own; naming one that it never had is `INVALID_ARGUMENT`.
   */
  readonly node?: string | null
  /** When an append returns: `'sync'` unless told otherwise. */
  readonly durability?: Durability | null
  /**
   * How long entries may lie in the operating system's hands with the durability `'interval'`, in milliseconds:
   * 100 unless told otherwise.
   */
  readonly syncInterval?: number | null
  /** How far a remote timestamp may lie ahead of local time, in milliseconds: 120,000 unless told otherwise. */
  readonly maximumClockSkew?: number | null
  /**
   * From how many bytes on a segment is sealed and the next one begun, 4,096 to 1,073,741,824: 67,108,864 unless
   * told otherwise.
   */
  readonly segmentBytes?: number | null
  /**
   * Whether only to read: beside a writer in any process, and without one. Appends are then `READ_ONLY`, and
   * what the writer appends is seen as it comes.
   */
  readonly readOnly?: boolean | null
  /**
   * Whether to read sealed segments through a memory map instead of `pread`, and to write small transactions through
   * one where appends do not sync. Scans then copy nothing and such appends make no system call, but should the
   * disk fail, or somebody cut a file from outside, the process ends by a SIGBUS instead of
   * getting an error. `verify` never reads so.
   */
  readonly memoryMap?: boolean | null
  /** Where the time comes from: the system's clock unless told otherwise. */
  readonly time?: ManualTime | null
}

/**
 * Which entries to read, and how. Every field narrows the answer. *Since* is what you have
 * already and is left out, *until* is the last that you still want.
 */
export interface QueryOptions {
  /** Only entries of this table. */
  readonly table?: string | null
  /** Only entries of these tables; of all tables if empty. */
  readonly tables?: ReadonlyArray<string> | null
  /** Only entries of rows with this id. */
  readonly rowId?: RowId | null
  /** Only entries with this operation. */
  readonly operation?: ChangeOperation | null
  /** Only entries that this node made. */
  readonly node?: string | null
  /**
   * Only entries of the transaction with this name: the dot of its last change. No other dot names it, so
   * any other finds nothing.
   */
  readonly transaction?: DotLike | null
  /**
   * Only entries that this clock does not cover: what someone who has seen that much lacks. It may cover the
   * first changes of a transaction and not the others.
   */
  readonly unseenBy?: VectorClock | null
  /** Only entries after this LSN: the last one that was handled, or 0. */
  readonly since?: bigint | number | null
  /** Only entries up to and including this LSN. */
  readonly until?: bigint | number | null
  /**
   * Only entries stamped after this moment; a bigint is nanoseconds since 1970. Do not checkpoint by
   * time: several entries can have one timestamp, and a remote one can arrive late. Use `since`.
   */
  readonly sinceTime?: Date | bigint | null
  /** Only entries stamped up to and including this moment. */
  readonly untilTime?: Date | bigint | null
  /** At most so many entries. */
  readonly limit?: number | null
  /** From the last entry to the first. */
  readonly reverse?: boolean | null
}

/**
 * How much of a log is kept. What several rules remove is removed by the first of them.
 *
 * Entries are removed by whole segments, oldest first; so somewhat more is kept than the rules ask for, and the
 * segment that is being written unless all of it is too old. What a consumer has not committed stays, whatever the rules say, as long
 * as it is within `unreadBytes`.
 */
export interface RetentionPolicy {
  /**
   * Entries older than this, in milliseconds, are removed, once all of their segment are. Without it age does not
   * matter.
   */
  readonly maxAge?: number | null
  /** While the segments take more bytes than this, the oldest is removed. Without it size does not matter. */
  readonly maxBytes?: bigint | number | null
  /**
   * Entries that some consumer has not committed are kept while they and all after them take no more than so
   * many bytes. Without it there is no such limit, and nothing is removed that somebody waits to read.
   */
  readonly unreadBytes?: bigint | number | null
}

/** What compaction may remove. */
export interface CompactionOptions {
  /** Only rows of these tables; of all tables if empty. */
  readonly tables?: ReadonlyArray<string> | null
  /**
   * The frontiers of all other replicas, as last heard of. What one of them has not seen is kept, with
   * all that is needed to resolve conflicts with it.
   */
  readonly known?: ReadonlyArray<VectorClock> | null
}

/** How a replica is opened. */
export interface ReplicaOptions {
  /** How its log is opened. A replica cannot be opened for reading only: open its log so. */
  readonly log?: LogOptions | null
  /**
   * The rules by which conflicts are resolved. Without them they stay as they were last set; a new replica resolves
   * everything by `'last_write_wins'`.
   */
  readonly registry?: ResolverRegistry | null
  /** Functions that decide conflicts, by name and version; see `Replica.registerResolver`. */
  readonly resolvers?: ReadonlyArray<readonly [name: string, version: number, resolver: ConflictResolver]> | null
  /**
   * Whether a function that decides conflicts is called once more with the heads in another order, and refused if it answers
   * differently; true unless told otherwise.
   */
  readonly checkResolvers?: boolean | null
  /** How much memory histories of rows in conflict may take, in bytes; 16 MiB unless told otherwise. */
  readonly historyMemory?: bigint | number | null
}

/** One change of a row to be written to a replica, and what its writer takes the row to be. */
export interface Write extends WriteExtras {
  /** The table's name. */
  readonly table: string
  /** The row within the table. */
  readonly rowId: RowId
  /** What happens to the row. */
  readonly operation: ChangeOperation
  /** The row's payload after it; never on a delete. */
  readonly after?: Payload
}

/** What a write can carry beside its row. */
export interface WriteExtras {
  /**
   * The dots of the heads that the writer has read, in any order: the write is refused when the row has others by now.
   * No dots expect a row that never was; `null` expects nothing.
   */
  readonly expected?: ReadonlyArray<DotLike> | null
  /** Small strings for an audit: who, why. */
  readonly metadata?: Readonly<Record<string, string>> | null
}

/** Makes writes. */
export declare const Write: {
  /** The row comes into being. */
  insert(table: string, rowId: RowId, after: Payload, extras?: WriteExtras): Write
  /** The row takes another value. */
  update(table: string, rowId: RowId, after: Payload, extras?: WriteExtras): Write
  /** The row ends. */
  delete(table: string, rowId: RowId, extras?: WriteExtras): Write
}

/** Which conflicts to report. Every field narrows the answer. */
export interface ConflictQuery {
  /** Only those of this table. */
  readonly table?: string | null
  /** Only those of rows with this id, in whichever table. */
  readonly rowId?: RowId | null
  /** Only those of this class. */
  readonly conflictClass?: ConflictClass | null
  /** Only those that are settled, or only those that stand. */
  readonly settled?: boolean | null
  /** Of the settled ones only those that an entry after this LSN settled: the last one that was handled, or 0. */
  readonly since?: bigint | number | null
  /** At most so many. */
  readonly limit?: bigint | number | null
}

/** How a detector works. */
export interface ConflictDetectorOptions {
  /** Where the time comes from that is noted down as `detectedAt`: the system's clock unless told otherwise. */
  readonly time?: ManualTime | null
}

/** What `new ChangeEntry` takes. Of the two timestamps one is enough. */
export interface ChangeEntryFields extends Change {
  /** UUID of the node that made the change. */
  readonly node: string
  /** Which of that node's changes it is, from 1. */
  readonly sequence: bigint | number
  /** What the author had seen when making the change, and the change itself. */
  readonly vectorClock: VectorClock
  /** When the change was made; a bigint is nanoseconds since 1970. */
  readonly timestamp?: Date | bigint
  /** When the change was made, in nanoseconds since 1970. */
  readonly timestampNs?: bigint
  /** Its position in a log; 0 unless told otherwise. */
  readonly lsn?: bigint | number | null
  /** The transaction it belongs to; its own dot unless told otherwise. */
  readonly transaction?: DotLike | null
  /** What it did to the row on arrival; `null` unless told otherwise. */
  readonly verdict?: Verdict | null
}

export interface VectorClock extends Iterable<[node: string, sequence: bigint]> {
  /**
   * The clock as a plain object, for `JSON.stringify`: sequences by node, as numbers, or as decimal
   * strings where a number would not be exact. `toJson` has them all as exact numbers.
   */
  toJSON(): Record<string, number | string>
}

export interface ChangeEntry {
  /** `before`, parsed as JSON; `null` if there is none. Throws `INVALID_ARGUMENT` when it is no JSON. */
  beforeJson(): JsonValue
  /** `after`, parsed as JSON; `null` if there is none. Throws `INVALID_ARGUMENT` when it is no JSON. */
  afterJson(): JsonValue
  /**
   * The entry as a plain object, for `JSON.stringify`. Integers are numbers, or decimal strings where a
   * number would not be exact; dots are `"node:sequence"`; the timestamp is RFC 3339, exact. In a row id such an
   * integer is `{ integer }` and bytes are `{ bytes }`, in hexadecimal; so is a payload that is no JSON.
   */
  toJSON(): Record<string, unknown>
}

export interface ConflictReport {
  /** `ancestor`, parsed as JSON; `null` if there is none. Throws `INVALID_ARGUMENT` when it is no JSON. */
  ancestorJson(): JsonValue
  /** `value`, parsed as JSON; `null` if there is none. Throws `INVALID_ARGUMENT` when it is no JSON. */
  valueJson(): JsonValue
  /**
   * The content of `toJson` as a plain object, for `JSON.stringify`: an integer that a number would not
   * hold exactly is a decimal string.
   */
  toJSON(): Record<string, unknown>
}

export interface ResolverRegistry {
  /** The content of `toJson` as a plain object, for `JSON.stringify`. */
  toJSON(): Record<string, unknown>
}

export interface RowConflict {
  /** `ancestor`, parsed as JSON; `null` if there is none. Throws `INVALID_ARGUMENT` when it is no JSON. */
  ancestorJson(): JsonValue
  /** The conflict as a plain object, for `JSON.stringify`, written as `ChangeEntry.toJSON` writes an entry. */
  toJSON(): Record<string, unknown>
}

export interface RowResolution {
  /** `value`, parsed as JSON; `null` if there is none. Throws `INVALID_ARGUMENT` when it is no JSON. */
  valueJson(): JsonValue
  /** The resolution as a plain object, for `JSON.stringify`, written as `ChangeEntry.toJSON` writes an entry. */
  toJSON(): Record<string, unknown>
}

export interface ReplicaRow {
  /** `value`, parsed as JSON; `null` if there is none. Throws `INVALID_ARGUMENT` when it is no JSON. */
  valueJson(): JsonValue
  /** The row as a plain object, for `JSON.stringify`, written as `ChangeEntry.toJSON` writes an entry. */
  toJSON(): Record<string, unknown>
}

export interface EffectiveChange {
  /** `before`, parsed as JSON; `null` if there is none. Throws `INVALID_ARGUMENT` when it is no JSON. */
  beforeJson(): JsonValue
  /** `after`, parsed as JSON; `null` if there is none. Throws `INVALID_ARGUMENT` when it is no JSON. */
  afterJson(): JsonValue
  /** The change as a plain object, for `JSON.stringify`, written as `ChangeEntry.toJSON` writes an entry. */
  toJSON(): Record<string, unknown>
}

export interface Explanation {
  /** `value`, parsed as JSON; `null` if there is none. Throws `INVALID_ARGUMENT` when it is no JSON. */
  valueJson(): JsonValue
  /** The explanation as a plain object, for `JSON.stringify`, written as `ChangeEntry.toJSON` writes an entry. */
  toJSON(): Record<string, unknown>
}

export interface Replica {
  /** `closeSync()`: leaving the block of a `using` declaration does this. */
  [Symbol.dispose](): void
  /** `close()`: leaving the block of an `await using` declaration does this. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface Row {
  /** `value`, parsed as JSON; `null` if there is none. Throws `INVALID_ARGUMENT` when it is no JSON. */
  valueJson(): JsonValue
  /** The row as a plain object, for `JSON.stringify`, written as `ChangeEntry.toJSON` writes an entry. */
  toJSON(): Record<string, unknown>
}

export interface Snapshot extends Iterable<[rowId: RowId, row: Row]> {
  /** The row ids, ascending. */
  keys(): IterableIterator<RowId>
  /** The rows, ascending by row id. */
  values(): IterableIterator<Row>
  /** Row ids and rows, ascending by row id. */
  entries(): IterableIterator<[rowId: RowId, row: Row]>
  /** The snapshot as a plain object, for `JSON.stringify`: its table, its LSN and its rows. */
  toJSON(): Record<string, unknown>
}

export interface View extends Iterable<[rowId: RowId, row: Row]> {
  /** The row ids as they are shown now, ascending. */
  keys(): IterableIterator<RowId>
  /** The rows as they are shown now, ascending by row id. */
  values(): IterableIterator<Row>
  /** Row ids and rows as they are shown now, ascending by row id. */
  entries(): IterableIterator<[rowId: RowId, row: Row]>
}

export interface VerifyReport {
  /** The report as a plain object, for `JSON.stringify`. */
  toJSON(): Record<string, unknown>
}

export interface Cursor extends IterableIterator<ChangeEntry>, AsyncIterable<ChangeEntry> {
  /** Closes the cursor: leaving a `for` loop does this. */
  return(): IteratorResult<ChangeEntry>
  /** Closes the cursor: leaving the block of a `using` declaration does this. */
  [Symbol.dispose](): void
}

export interface TransactionCursor extends IterableIterator<Transaction>, AsyncIterable<Transaction> {
  /** Closes the cursor: leaving a `for` loop does this. */
  return(): IteratorResult<Transaction>
  /** Closes the cursor: leaving the block of a `using` declaration does this. */
  [Symbol.dispose](): void
}

export interface ChangeLog {
  /** `closeSync()`: leaving the block of a `using` declaration does this. */
  [Symbol.dispose](): void
  /** `close()`: leaving the block of an `await using` declaration does this. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * One change as a log holds it. Its fields are decoded when they are asked for, and
 * it stays readable after its log is closed.
 */
export declare class ChangeEntry {
  /** An entry of these fields, for use with a `ConflictDetector` without a log. */
  constructor(fields: ChangeEntryFields)
  /** Its position in this log, from `1n` without gaps. Local: never compare it with another log's. */
  get lsn(): bigint
  /** UUID of the node that made the change. */
  get node(): string
  /** Which of that node's changes it is, from `1n`. */
  get sequence(): bigint
  /** The identity of the change: its node and sequence. */
  get dot(): Dot
  /**
   * What the author had seen when making the change, and the change itself. A new
   * object every time: changing it changes nothing here.
   */
  get vectorClock(): VectorClock
  /** When the change was made, by its author's hybrid logical clock, rounded down to milliseconds. */
  get timestamp(): Date
  /** When the change was made, in nanoseconds since 1970: exact. */
  get timestampNs(): bigint
  /** The name of the transaction it belongs to: the dot of that transaction's last change. */
  get transaction(): Dot
  /** The table's name. */
  get table(): string
  /** The row within the table, as it was given: an integer beyond the safe ones comes as a bigint. */
  get rowId(): RowId
  /** What happened to the row. */
  get operation(): ChangeOperation
  /** The row's payload before the change, as its author saw it, in a `Buffer` of its own; `null` if there is none. */
  get before(): Buffer | null
  /** The row's payload after the change, in a `Buffer` of its own; `null` if there is none. */
  get after(): Buffer | null
  /** What the entry did to the row on arrival; `null` if nobody has judged it. */
  get verdict(): Verdict | null
  /** Small strings for an audit: who, why. */
  get metadata(): Record<string, string>
  /** Whether the author of `other`, another entry, had seen this one. */
  happensBefore(other: ChangeEntry): boolean
  /**
   * The first 16 bytes of the BLAKE3 hash of `after`: the last resort when a winner
   * must be picked. Two entries without `after` hash alike.
   */
  payloadHash(): Buffer
}

/**
 * An append-only log of row changes that knows what each of them had seen.
 *
 * A log lives in a directory or in memory, and is the same in both. It has one writer
 * handle at a time, and beside it any number that are open for reading only, in any process. It records the changes of its own node, stamped with a vector clock
 * and a hybrid logical time, and takes other nodes' transactions as they are.
 *
 * A transaction is visible and durable as a whole or not at all. An append that fails
 * has written nothing. If an internal failure or a failed sync strikes within an append,
 * the log closes itself: every call is then `CLOSED`, and opening it again finds all that
 * was acknowledged.
 *
 * Functions named `…Sync` do their work before they return. The others return a promise
 * and work off the main thread; two that are not awaited one after the other may be done
 * in either order.
 *
 * ```js
 * const log = ChangeLog.openSync('shop-log');
 * log.appendSync(Change.insert('orders', 42, { qty: 1 }));
 * for (const entry of log.query({ table: 'orders', rowId: 42 })) {
 *   console.log(entry.lsn, entry.operation, entry.afterJson());
 * }
 * log.closeSync();
 * ```
 */
export declare class ChangeLog {
  /**
   * The consumer with this name, made if there is none: it then stands before the first entry that ever was.
   *
   * Names have 1 to 100 letters, digits, `.`, `_` and `-`, all of ASCII.
   *
   * Throws `INVALID_ARGUMENT` for another name, `CORRUPT` when its file is damaged beyond use,
   * `UNSUPPORTED` when a newer version wrote it, `READ_ONLY` when it would have to be made
   * and may not, `NO_SPACE`, `IO`, `CLOSED`.
   */
  consumerSync(name: string): Consumer
  /** The consumer with this name, found or made off the main thread; otherwise as `consumerSync`. */
  consumer(name: string): Promise<Consumer>
  /**
   * All consumers, by name.
   *
   * Throws `CORRUPT` naming the file when one is damaged beyond use, `UNSUPPORTED`, `IO`, `CLOSED`.
   */
  consumersSync(): Array<ConsumerStatus>
  /** All consumers, by name, read off the main thread; otherwise as `consumersSync`. */
  consumers(): Promise<Array<ConsumerStatus>>
  /**
   * Removes a consumer and forgets its position. Handles on it find that out when they commit.
   *
   * Throws `NOT_FOUND` when there is none of this name, `INVALID_ARGUMENT` when none can be, `READ_ONLY`, `IO`, `CLOSED`.
   */
  removeConsumerSync(name: string): void
  /** Removes a consumer off the main thread; otherwise as `removeConsumerSync`. */
  removeConsumer(name: string): Promise<void>
  /**
   * Opens the log in the directory `path`, made if it is not there.
   *
   * With `readOnly` nothing is made or written: appends are `READ_ONLY`, and what a writer in any process
   * appends is seen as it comes. `NOT_FOUND` then when there is no log.
   *
   * Throws `LOCKED` while another handle or process has it open, `CORRUPT` with file and
   * offset when it is damaged, `UNSUPPORTED` when a newer version wrote it,
   * `INVALID_ARGUMENT` when `path` is no directory or the options name a node that this log
   * never was, `IO`, `NO_SPACE` or `READ_ONLY` when the operating system says so.
   */
  static openSync(path: string, options?: LogOptions | null): ChangeLog
  /** Opens the log in the directory `path` off the main thread; otherwise as `openSync`. */
  static open(path: string, options?: LogOptions | null): Promise<ChangeLog>
  /** A new log in memory, gone when it is no longer used. */
  static inMemory(options?: LogOptions | null): ChangeLog
  /** UUID of the node whose changes this log records. */
  get node(): string
  /**
   * UUIDs of nodes that this log was before: it takes a new identity whenever it is
   * found to have lost the end of its file, because the dots that were there may be known elsewhere.
   */
  get pastNodes(): Array<string>
  /** The log's own UUID, made with it: positions are positions of this log. */
  get id(): string
  /**
   * How often the log has lost its end, and with it LSNs that were handed out: a position is
   * one of this log and this epoch. What a `Consumer` was handed stays right in all of them.
   */
  get epoch(): number
  /**
   * Records one change of this node as a transaction of its own.
   *
   * Throws as `appendTransactionSync`.
   */
  appendSync(change: Change): Appended
  /** Records one change off the main thread; otherwise as `appendSync`. */
  append(change: Change): Promise<Appended>
  /**
   * Records changes of this node together: all of them, or none.
   *
   * Their author is taken to have seen the whole log. Without changes this writes a
   * merge: a transaction that only says what has been seen.
   *
   * Throws `INVALID_ARGUMENT` for a change that is malformed (an empty table name, an insert
   * with a `before`, a delete with an `after`), `TOO_LARGE` for a table name, row id, metadata or
   * transaction beyond its limit, `NO_SPACE` or `IO` when it could not be written, `READ_ONLY`, `CLOSED`.
   */
  appendTransactionSync(changes: ReadonlyArray<Change>): Appended
  /** Records changes together off the main thread; otherwise as `appendTransactionSync`. */
  appendTransaction(changes: ReadonlyArray<Change>): Promise<Appended>
  /**
   * Takes in a transaction as it is, whoever wrote it. One that the log holds already
   * is recognised by its dot and written no second time.
   *
   * Throws `MISSING_DEPENDENCY` naming the dot when the log lacks something that its author
   * had seen; `TRUNCATED` when the log held it once and no longer knows its clock; `DOT_REUSE` when the log holds something else under one of its dots; `CLOCK_SKEW`
   * when its timestamp lies further ahead of local time than allowed; `INVALID_ARGUMENT` when a
   * dependency names no transaction, or they do not cover its author's previous transaction;
   * otherwise as `appendTransactionSync`.
   */
  appendRemoteSync(transaction: TransactionInput): Appended
  /** Takes in a transaction off the main thread; otherwise as `appendRemoteSync`. */
  appendRemote(transaction: TransactionInput): Promise<Appended>
  /**
   * The entries that the options ask for, in the order of their LSNs or in reverse;
   * all of them without options.
   *
   * Throws `TRUNCATED` with the first LSN that remains when `since` is before what was removed; `CLOSED`. What
   * reading finds damaged is thrown by the cursor.
   */
  query(options?: QueryOptions | null): Cursor
  /**
   * The whole transactions that someone whose clock is `seen` has not seen, in log order;
   * all of them without a clock.
   *
   * Handed to another log's `appendRemote` one after the other, they make it hold all that this one holds.
   *
   * What is handed out is durable: where appends return earlier than that, this syncs first.
   *
   * Throws `TRUNCATED` when some of it was removed; `IO` when it cannot be made durable, `CLOSED`. What reading
   * finds damaged is thrown by the cursor.
   */
  transactions(seen?: VectorClock | null): TransactionCursor
  /**
   * The clock of everything in the log.
   *
   * Throws `CLOSED`.
   */
  frontier(): VectorClock
  /**
   * What the author of this change had seen when making it, the change included. The
   * dot of an empty transaction has a clock as well.
   *
   * Throws `NOT_FOUND` when the log does not hold the dot, `TRUNCATED` when it was removed, `CLOSED`.
   */
  vectorClock(dot: DotLike): VectorClock
  /**
   * What the log holds, in numbers, and how far its consumers have come.
   *
   * Throws `CORRUPT` naming the file when that of a consumer is damaged beyond use, `UNSUPPORTED`, `IO`, `CLOSED`.
   */
  stats(): ChangeLogStats
  /**
   * Returns once all that was appended will survive a loss of power, whatever the durability.
   *
   * Throws `IO` when the operating system cannot promise it, which closes the log; `READ_ONLY`, `CLOSED`.
   */
  syncSync(): void
  /** Fulfilled once all that was appended will survive a loss of power; otherwise as `syncSync`. */
  sync(): Promise<void>
  /**
   * Syncs and closes the log, and so lets others open it; every other call is `CLOSED`
   * from now on, also those of its cursors. Closing again does nothing.
   *
   * Throws `IO` when the last sync failed; the log is closed all the same.
   */
  closeSync(): void
  /** Syncs and closes the log off the main thread; otherwise as `closeSync`. */
  close(): Promise<void>
  /**
   * Waits until the log holds an entry after `lsn`, for at most `timeout` milliseconds, and returns the LSN of its
   * last one. Nothing else happens on this thread meanwhile, so the entry must come from another one: use `wait`
   * unless that is meant.
   *
   * A log opened for reading only waits for the writer, whichever process that is in.
   *
   * Throws `TIMEOUT` when none came in time, `CLOSED`, also when the log is closed meanwhile.
   */
  waitSync(lsn: bigint | number, timeout: number): bigint
  /**
   * Fulfilled with the LSN of the log's last entry once it holds one after `lsn`; otherwise as `waitSync`. Each
   * call that waits has a thread of its own, and keeps the process running.
   */
  wait(lsn: bigint | number, timeout: number): Promise<bigint>
  /**
   * Does what is due at `now`: the sync of the durability `'interval'`. Call it every so often when no appends come;
   * appends do it by themselves.
   *
   * Throws as `syncSync`.
   */
  maintainSync(now: Date | bigint): void
  /** Does what is due at `now` off the main thread; otherwise as `maintainSync`. */
  maintain(now: Date | bigint): Promise<void>
  /**
   * What was removed from the log, and why, oldest first.
   *
   * Throws `CLOSED`.
   */
  removals(): Array<Removal>
  /**
   * Removes what `policy` no longer keeps, and says what that was: nothing, or one removal for each rule.
   *
   * Whoever asks for what was removed gets `TRUNCATED` with the first LSN that remains. `removals`
   * keeps the record. Cursors that are reading a removed segment go on to its end.
   *
   * Throws `IO` or `NO_SPACE` when the record could not be written; nothing is removed then. `READ_ONLY`, `CLOSED`.
   */
  retainSync(policy: RetentionPolicy): Array<Removal>
  /** Removes what `policy` no longer keeps, off the main thread; otherwise as `retainSync`. */
  retain(policy: RetentionPolicy): Promise<Array<Removal>>
  /**
   * Removes entries that later ones of the same row have replaced, from all segments but the one that is being
   * written, and says how many; `null` if there were none.
   *
   * A row keeps its newest *choke point* and everything after: an entry that every other entry of the row
   * comes before or after, and that all of `known` have seen. A row without one keeps all. So its state, and how
   * conflicts about it end, stay what they were; its history gets shorter. Takes memory for each row of these tables.
   *
   * Throws `CORRUPT` where the log is damaged; `IO` or `NO_SPACE` when a file could not be written: what was
   * compacted until then stays so. `READ_ONLY`, `CLOSED`.
   */
  compactSync(options?: CompactionOptions | null): Removal | null
  /** Removes entries that later ones have replaced, off the main thread; otherwise as `compactSync`. */
  compact(options?: CompactionOptions | null): Promise<Removal | null>
  /**
   * Compresses all segments that are not compressed yet, but the one that is being written and those that would hardly
   * get shorter.
   *
   * They hold what they held: entries, LSNs, clocks and indexes stay, and cursors and views go on. Reading takes somewhat
   * longer. What compaction rewrites of a compressed segment is compressed again. Nothing else compresses anything:
   * call this every so often. Others read and append meanwhile; appends wait only while a finished file takes the place
   * of the old one.
   *
   * Throws `CORRUPT` when the header of a segment is damaged; `IO` or `NO_SPACE` when a file could not be written: what
   * was compressed until then stays so. `READ_ONLY`, `CLOSED`.
   */
  compressSync(): CompressionReport
  /** Compresses sealed segments off the main thread; otherwise as `compressSync`. */
  compress(): Promise<CompressionReport>
  /**
   * Reads all files of the log and checks all that can be: checksums, and that what they hold fits together.
   *
   * Others may append and read meanwhile. What opening finds damaged is an error of opening; a log that is open is
   * damaged where nobody has looked. Damage to what is derived, indexes and the checkpoint, loses nothing: remove
   * the file, and the next opening makes it again.
   *
   * Throws `IO` when something cannot be read; `CLOSED`. Damage is not an error but a finding: see `VerifyReport.check`.
   */
  verifySync(): VerifyReport
  /** Reads and checks all files of the log off the main thread; otherwise as `verifySync`. */
  verify(): Promise<VerifyReport>
  /**
   * Copies all that is intact of the log in the directory `from` into a new log in the directory `to`.
   *
   * The damaged log is only read. The copy holds each transaction whose past is whole, under its own dot and
   * clock, in the same order; it has an identity of its own, for other replicas may know more of
   * the old one. LSNs are given out anew. Where nothing intact follows damage that can be found, the rest of that
   * segment is lost. Transactions that compaction has removed something of are left out with what depends on them.
   *
   * Throws `NOT_FOUND` when `from` holds no segment, `ALREADY_EXISTS` when `to` holds a log, `LOCKED` while somebody
   * writes `from`, `UNSUPPORTED` when a newer version wrote it, `IO`, `NO_SPACE`.
   */
  static salvageSync(from: string, to: string): SalvageReport
  /** Copies all that is intact off the main thread; otherwise as `salvageSync`. */
  static salvage(from: string, to: string): Promise<SalvageReport>
  /**
   * Every entry of one row, oldest first, whatever its verdict.
   *
   * Throws `INVALID_ARGUMENT` for an empty table name, `TRUNCATED` when the log's first entries were removed
   * (`query` with `since` reads the rest), `CLOSED`. What reading finds damaged is thrown by the cursor.
   */
  history(table: string, rowId: RowId): Cursor
  /**
   * How one row stood at a moment, now unless told otherwise; `null` if it was not there: not yet, or not any more.
   *
   * A row is what its entries made of it in log order. An entry with the verdict `'applied'`,
   * or with none, sets it, or removes it if it is a delete; a `'superseded'` one leaves it as
   * it was; a `'merged'` one sets it to the entry's own `after`. The merged value itself is
   * carried by no single entry: a log does not know it, a replica does.
   *
   * Throws `INVALID_ARGUMENT` for an empty table name or an LSN beyond the last entry, `TRUNCATED` when
   * what decides it was removed, `CLOSED`, `CORRUPT` or `IO` when the log cannot be read.
   */
  stateAtSync(table: string, rowId: RowId, at?: Moment | null): Row | null
  /** How one row stood at a moment, read off the main thread; otherwise as `stateAtSync`. */
  stateAt(table: string, rowId: RowId, at?: Moment | null): Promise<Row | null>
  /**
   * How all rows of a table stood at a moment, now unless told otherwise: each as `stateAtSync` says,
   * the absent ones left out.
   *
   * It reads every entry of the table up to that moment, and holds every row that is there
   * in memory. A table that the log has never heard of is empty.
   *
   * Throws as `stateAtSync`.
   */
  snapshotSync(table: string, at?: Moment | null): Snapshot
  /** How all rows of a table stood at a moment, read off the main thread; otherwise as `snapshotSync`. */
  snapshot(table: string, at?: Moment | null): Promise<Snapshot>
  /**
   * A table of this log in memory, as it is now, to be refreshed when there is more.
   *
   * It reads every entry of the table once. A table that the log has never heard of is
   * empty and may fill later.
   *
   * Throws `INVALID_ARGUMENT` for an empty table name, `TRUNCATED` when entries were removed that the table may
   * consist of, `CLOSED`, `CORRUPT` or `IO` when the log cannot be read.
   */
  materialiseSync(table: string): View
  /** A table of this log in memory, read off the main thread; otherwise as `materialiseSync`. */
  materialise(table: string): Promise<View>
}

/** Two concurrent entries of one row that disagree, as the side that has the first of them sees it. */
export declare class Conflict {
  /** UUID, the same on every replica and from both sides: a hash of table, row and the entries' dots. */
  get id(): string
  /** The local operation, then the remote one. */
  get conflictType(): ConflictType
  /** The table of both entries. */
  get table(): string
  /** The row of both entries. */
  get rowId(): RowId
  /** The entry that was here, with its clock. */
  get localEntry(): ChangeEntry
  /** The entry that came, with its clock. */
  get remoteEntry(): ChangeEntry
  /** When this was noticed, here, rounded down to milliseconds. */
  get detectedAt(): Date
  /** When this was noticed, here, in nanoseconds since 1970: exact. */
  get detectedAtNs(): bigint
}

/**
 * Finds conflicts between entries, and resolves sets of them by one strategy. It needs
 * no log: the entries carry all that it looks at.
 *
 * ```js
 * const detector = new ConflictDetector('last_write_wins');
 * const conflict = detector.detect(local, remote);
 * if (conflict) console.log(String(detector.report(conflict)));
 * ```
 */
export declare class ConflictDetector {
  /** A detector that resolves by `resolution`, `'last_write_wins'` unless told otherwise. */
  constructor(resolution?: ConflictResolution | null, options?: ConflictDetectorOptions | null)
  /** The strategy it resolves by. */
  get resolution(): ConflictResolution
  /**
   * The conflict between these two entries; `null` if there is none.
   *
   * There is none when one author had seen the other's entry, when both are the same
   * entry, and when both left the row in the same state (identical `after`, two deletes
   * among them), for then there is nothing to disagree about.
   *
   * Throws `INVALID_ARGUMENT` when the entries are not of one row; `DOT_REUSE` when they have one dot but differ.
   */
  detect(local: ChangeEntry, remote: ChangeEntry): Conflict | null
  /** Resolves a conflict between two entries and reports it as its local side sees it. */
  report(conflict: Conflict): ConflictReport
  /**
   * Resolves a set of entries of one row, normally its concurrent heads, and reports how.
   *
   * The order of the entries makes no difference, nor does one given twice. With
   * `settledBy`, the dot of the entry that has seen them all, the report is of a settled
   * conflict; without, of a standing one.
   *
   * Throws `INVALID_ARGUMENT` when there are fewer than two different entries or they are
   * not of one row; `DOT_REUSE` when two have one dot but differ.
   */
  resolve(entries: Iterable<ChangeEntry>, settledBy?: DotLike | null): ConflictReport
  /**
   * What a row is by all of its entries, given in any order, and every conflict that made it so.
   *
   * Each entry must come with all that its author had seen of the row: what is missing is taken never to have been.
   *
   * Throws `INVALID_ARGUMENT` when there is no entry, they are not of one row, or the strategy is one that
   * `validateConflictResolution` refuses; `DOT_REUSE` when two have one dot but differ.
   */
  resolveRow(entries: Iterable<ChangeEntry>): RowResolution
}

/**
 * Which entries disagreed, who won, by which strategy, and why.
 *
 * Its JSON and text forms hold only what every replica agrees on: they come out the
 * same everywhere, byte for byte. Which side was local and when it was noticed are kept beside them.
 */
export declare class ConflictReport {
  /** UUID, the same on every replica: a hash of table, row and the entries' dots. */
  get id(): string
  /** The table of all entries. */
  get table(): string
  /** The row of all entries. */
  get rowId(): RowId
  /** The kind of conflict, whichever side looks at it. */
  get conflictClass(): ConflictClass
  /** The entries that were resolved, in canonical order: the last is the latest. */
  get heads(): Array<ChangeEntry>
  /** How it was decided. */
  get strategy(): ConflictResolution
  /** Which rule of the registry named the strategy; `null` if there was no registry. */
  get rule(): string | null
  /** The fingerprint of the registry that was in force; `null` if there was none. */
  get registry(): string | null
  /** The dot of the entry that won; `null` if none of them did: see `isMerged` and `isPending`. */
  get winner(): Dot | null
  /** Whether none of the entries won alone: the value was put together, or is the resolver's own. */
  get isMerged(): boolean
  /** Whether somebody has yet to decide. The value is provisional then. */
  get isPending(): boolean
  /** Why it came out so, for machines. */
  get reasonCode(): ReasonCode
  /** Why it came out so, for people. */
  get reason(): string
  /** The dot of the entry that has seen all heads and so settled the conflict; `null` while it stands. */
  get settledBy(): Dot | null
  /** When this was noticed, here, rounded down to milliseconds. */
  get detectedAt(): Date
  /** When this was noticed, here, in nanoseconds since 1970: exact. */
  get detectedAtNs(): bigint
  /**
   * The row's payload as resolved, provisionally so while the winner is pending, in a
   * `Buffer` of its own; `null` if the row is deleted.
   */
  get value(): Buffer | null
  /** Whether the row is there as resolved. */
  get leavesLive(): boolean
  /**
   * The row's payload before the entries parted, in a `Buffer` of its own; `null` if it was not there, has none, or
   * nothing is known of it, as to `ConflictDetector.resolve`.
   */
  get ancestor(): Buffer | null
  /** The shape as the local side sees it; `null` unless the report is of a `Conflict`, which has sides. */
  get conflictType(): ConflictType | null
  /** The side that won; `null` if nobody did, or the report has no sides. */
  get winningSide(): Side | null
  /** The entry that won; `null` if nobody did. */
  get winningEntry(): ChangeEntry | null
  /**
   * The report as one line of compact JSON, the same on every replica, byte for byte.
   *
   * Payloads that are JSON stand in it as such; others in hexadecimal, under
   * `after_hex`, `before_hex`, `ancestor_hex` and `value_hex`. What is absent is left out. Positions and verdicts are left out, being local to a log.
   */
  toJson(): string
  /** Several lines of text for people, the same on every replica. */
  toString(): string
}

/**
 * A named reader of a log: it goes on where it stopped, also after a crash.
 *
 * Its position is the LSN of the last entry that was committed, kept in a file of its
 * own beside the log. `poll` hands out what comes next, `commit` says that it was dealt
 * with. So every entry is handed out at least once; whoever stores the position together with what
 * it makes of the entries, and calls `reset` with it at the start, deals with each exactly once.
 *
 * Only whole transactions are handed out, and only durable ones: no loss of power takes back what a
 * consumer has seen.
 *
 * Several handles on one name, in one process or several, also in logs that are open for reading
 * only, each get all entries after the position that they found; of their commits none takes
 * the position back. A consumer keeps its log open like a cursor does.
 *
 * ```js
 * const mailer = await log.consumer('mailer');
 * for (;;) {
 *   const entries = await mailer.poll(100);
 *   if (entries.length === 0) break;
 *   for (const entry of entries) send(entry);
 *   await mailer.commit(entries.at(-1).lsn);
 * }
 * ```
 */
export declare class Consumer {
  /** Its name. */
  get name(): string
  /**
   * LSN of the last entry that was committed, by whichever handle; `0n` before the first.
   *
   * Throws `NOT_FOUND` when the consumer was removed, `CORRUPT` when its file is damaged beyond use, `IO`, `CLOSED`.
   */
  positionSync(): bigint
  /** LSN of the last entry that was committed, read off the main thread; otherwise as `positionSync`. */
  position(): Promise<bigint>
  /**
   * What comes after what this handle has handed out last, or after the position when it
   * was made: whole transactions with at most `limit` entries in all, or one that has more. Empty
   * when there is nothing new; `ChangeLog.wait` waits for it.
   *
   * A position within a transaction hands out all of it again. Where appends return
   * before they are durable, this syncs first when it has to.
   *
   * Throws `TRUNCATED` with the first LSN that remains when what comes next was removed:
   * `reset` to the one before goes on from there. `INVALID_ARGUMENT` for `limit` 0, and for a
   * position beyond the end of a log that has lost its end. `CORRUPT`, `IO`, `CLOSED`. The same
   * entries come with the next call then.
   */
  pollSync(limit: number): Array<ChangeEntry>
  /**
   * What comes next, read off the main thread; otherwise as `pollSync`. Two calls of which none is awaited
   * share the entries between them.
   */
  poll(limit: number): Promise<Array<ChangeEntry>>
  /**
   * Says that all entries up to and including `lsn` were dealt with: durable on return. This handle does not
   * hand them out again.
   *
   * Throws `INVALID_ARGUMENT` naming both LSNs for one before the position, to which only
   * `reset` goes back, and for one that is not in the log. `NOT_FOUND` when the consumer was
   * removed. `READ_ONLY`, `CORRUPT`, `CLOSED`. After `IO` or `NO_SPACE` the position is what it was, or `lsn`.
   */
  commitSync(lsn: bigint | number): void
  /** Says that all entries up to and including `lsn` were dealt with, off the main thread; otherwise as `commitSync`. */
  commit(lsn: bigint | number): Promise<void>
  /**
   * How many LSNs the log has after the position: entries that are yet to commit, and ones that were removed before.
   *
   * Throws as `positionSync`.
   */
  lagSync(): number
  /** How many LSNs the log has after the position, read off the main thread; otherwise as `lagSync`. */
  lag(): Promise<number>
  /**
   * Makes `lsn` the position, back or forth: this handle goes on after it, and so do those that are
   * made later. `0n` is before the first entry.
   *
   * Throws `INVALID_ARGUMENT` for an LSN after the last durable one, otherwise as `commitSync`.
   */
  resetSync(lsn: bigint | number): void
  /** Makes `lsn` the position off the main thread; otherwise as `resetSync`. */
  reset(lsn: bigint | number): Promise<void>
}

/**
 * Entries of a log, read as they are asked for: an iterator and an async iterator,
 * for one reader.
 *
 * A cursor sees the log as it was when the query was made, whatever is appended
 * since. It reads ahead by up to 256 entries, which it still hands out when the log has
 * been closed meanwhile. Leaving a loop over it early closes it. `for await` reads off the
 * main thread.
 *
 * ```js
 * for (const entry of log.query({ table: 'orders' })) console.log(entry.lsn, entry.operation);
 * for await (const entry of log.query({ since: 10n })) console.log(entry.afterJson());
 * ```
 */
export declare class Cursor {
  /** Ends the reading and lets go of what it holds. Closing again does nothing. */
  close(): void
}

/** What became of a row. Its fields are decoded when they are asked for. */
export declare class EffectiveChange {
  /** Where somebody goes on who has handled this change and all others of its transaction. */
  get position(): string
  /** The name of the transaction that did it; `null` if it was a change of rules. */
  get transaction(): Dot | null
  /**
   * When that transaction was made, by its author's clock, rounded down to milliseconds; of a change of rules, that of
   * the last entry before it.
   */
  get timestamp(): Date
  /** The same in nanoseconds since 1970: exact. */
  get timestampNs(): bigint
  /** The table's name. */
  get table(): string
  /** The row within the table, as it was given: an integer beyond the safe ones comes as a bigint. */
  get rowId(): RowId
  /** What happened to the row, whatever the entry that caused it was. */
  get operation(): ChangeOperation
  /** The row's payload before, in a `Buffer` of its own; `null` if it was not there, or has none. */
  get before(): Buffer | null
  /** The row's payload after, in a `Buffer` of its own; `null` if it is not there, or has none. */
  get after(): Buffer | null
}

/**
 * How a row became what it is: its entries, what each of them had seen, and every conflict on the way.
 *
 * It follows from the entries alone, so that replicas with the same entries and rules tell the same, word for word.
 */
export declare class Explanation {
  /** The table. */
  get table(): string
  /** The row within the table. */
  get rowId(): RowId
  /** Whether the row is there. */
  get isLive(): boolean
  /** Its payload, in a `Buffer` of its own; `null` if it is not there, or has none. */
  get value(): Buffer | null
  /** Whether the value is final. */
  get state(): RowState
  /** Its entries, each after all that its author had seen of the row; none if the row never was. */
  get steps(): Array<ExplanationStep>
  /** The conflict that stands; `null` if none does. */
  get standing(): ConflictReport | null
  /** Several lines of text for people. */
  toString(): string
}

/**
 * A hybrid logical clock: it follows the wall clock, never goes back, and never
 * falls behind a timestamp that it has seen. Its timestamps are nanoseconds since 1970.
 */
export declare class HybridLogicalClock {
  /** A clock that has seen nothing. */
  constructor()
  /** The latest timestamp given out or seen; `null` before the first. */
  get last(): bigint | null
  /**
   * The timestamp of a local event that happens when the wall clock shows `now`: the later of `now` and `last + 1n`.
   *
   * Throws `TOO_LARGE` when the clock stands at the end of its range.
   */
  tick(now: Date | bigint): bigint
  /** Takes note of a remote event's timestamp. */
  observe(remote: Date | bigint): void
}

/**
 * A time that stands still until it is moved: for tests, replays and simulations.
 * Given as `time` to a log or a detector, it takes the place of the system's clock.
 */
export declare class ManualTime {
  /** A time that stands at `now`. */
  constructor(now: Date | bigint)
  /** Where the time stands, in nanoseconds since 1970. */
  get now(): bigint
  /** Moves the time to `now`, forwards or backwards. */
  set(now: Date | bigint): void
  /**
   * Moves the time by this many nanoseconds; a negative number moves it back.
   *
   * Throws `TOO_LARGE` when that leaves the years 1677 to 2262; the time stays.
   */
  advance(nanoseconds: bigint | number): void
}

/**
 * A log whose entries have a meaning: the rows that they make, and what became of every conflict.
 *
 * A replica owns its log. It records changes of its own node, takes in those of others, and says what each row is now.
 * Replicas that hold the same entries under the same rules show the same rows and the same conflicts, byte for byte, in
 * whatever order the entries came.
 *
 * Functions named `…Sync` do their work before they return. The others return a promise and work on a thread that
 * the replica has for them, one after the other in the order of the calls.
 *
 * The application's resolvers run on the thread of their JavaScript, also for promises: those wait until it
 * is free. A resolver must decide at once, and may only read its replica.
 *
 * ```js
 * const [a, b] = [Replica.inMemory(), Replica.inMemory()];
 * a.insertSync('orders', 42, { qty: 1, status: 'new' });
 * syncSync(a, b);
 * a.updateSync('orders', 42, { qty: 2, status: 'new' });
 * b.updateSync('orders', 42, { qty: 1, status: 'paid' });
 * syncSync(a, b);
 * for (const report of b.conflictsSync()) console.log(String(report));
 * a.getSync('orders', 42).valueJson(); // as b has it
 * ```
 */
export declare class Replica {
  /**
   * The conflicts that stand: rows whose heads disagree, by table and row id. They are resolved, or wait in the inbox.
   *
   * Two replicas with the same entries and rules report the same, byte for byte.
   *
   * Throws `CLOSED`, `CORRUPT` or `IO` when the log cannot be read.
   */
  conflictsSync(): Array<ConflictReport>
  /** The conflicts that stand, read off the main thread; otherwise as `conflictsSync`. */
  conflicts(): Promise<Array<ConflictReport>>
  /**
   * The conflicts that an entry ended whose author had seen all of their heads, in the order of those entries in this log.
   *
   * Throws as `conflictsSync`.
   */
  settledConflictsSync(): Array<ConflictReport>
  /** The conflicts that an entry ended, read off the main thread; otherwise as `settledConflictsSync`. */
  settledConflicts(): Promise<Array<ConflictReport>>
  /**
   * The conflicts that are asked for, all of them unless told otherwise: first those that stand, by table and row id,
   * then those that are settled, in the order of the entries that settled them.
   *
   * Throws as `conflictsSync`.
   */
  queryConflictsSync(query?: ConflictQuery | null): Array<ConflictReport>
  /** The conflicts that are asked for, read off the main thread; otherwise as `queryConflictsSync`. */
  queryConflicts(query?: ConflictQuery | null): Promise<Array<ConflictReport>>
  /**
   * Resolves a conflict again, from the log and by the rules that were in force then: a report that this replica, or one
   * with the same entries, has made comes out the same. The conflict need not stand any longer.
   *
   * Throws `NOT_FOUND` when the log lacks one of the heads, or the registry of the report was never in force here; `INVALID_ARGUMENT` for a
   * report of `ConflictDetector.report` or `resolve`, which knows no rules; `TRUNCATED` when compaction has removed what it takes; otherwise
   * as `conflictsSync`.
   */
  replaySync(report: ConflictReport): ConflictReport
  /** Resolves a conflict again off the main thread; otherwise as `replaySync`. */
  replay(report: ConflictReport): Promise<ConflictReport>
  /**
   * Resolves conflicts by other rules, beside how they were decided. Nothing is changed and nothing is kept, also of
   * what the application's resolvers answer.
   *
   * Throws `INVALID_ARGUMENT` as `ResolverRegistry.validate` says; otherwise as `conflictsSync`.
   */
  whatIfSync(registry: ResolverRegistry, query?: ConflictQuery | null): Array<WhatIf>
  /** Resolves conflicts by other rules off the main thread; otherwise as `whatIfSync`. */
  whatIf(registry: ResolverRegistry, query?: ConflictQuery | null): Promise<Array<WhatIf>>
  /**
   * The rows about which somebody has to decide, by table and row id: one item a row. They follow from the log, and so
   * does what is in the inbox after a crash; claims are kept durably beside it.
   *
   * An item is closed by `resolve`, by any write that expects its heads, or by such a write of another replica.
   *
   * ```js
   * const [item] = replica.inboxSync();
   * replica.claimSync('orders', 42, 'alice');
   * const { heads } = item.report;
   * replica.resolveSync('orders', 42, { head: heads[0] }, heads, { actor: 'alice' });
   * ```
   *
   * Throws as `conflictsSync`.
   */
  inboxSync(): Array<InboxItem>
  /** The rows about which somebody has to decide, read off the main thread; otherwise as `inboxSync`. */
  inbox(): Promise<Array<InboxItem>>
  /**
   * Takes up an item of the inbox for somebody, so that others who look see it. It stays when the item grows, and is
   * known here alone.
   *
   * Throws `NOT_FOUND` when the row is not in the inbox, `ALREADY_EXISTS` when somebody else has taken it up, `INVALID_ARGUMENT` for an empty
   * name; `NO_SPACE` or `IO` when it cannot be stored, `RESOLVER_FAILED` within a resolver, `CLOSED`.
   */
  claimSync(table: string, rowId: RowId, by: string): Claim
  /** Takes up an item of the inbox off the main thread; otherwise as `claimSync`. */
  claim(table: string, rowId: RowId, by: string): Promise<Claim>
  /**
   * Gives up the claim on an item, whoever has it. Without one this does nothing.
   *
   * Throws `NOT_FOUND` when the row is not in the inbox; `NO_SPACE` or `IO` when it cannot be stored, `RESOLVER_FAILED` within a resolver,
   * `CLOSED`.
   */
  releaseSync(table: string, rowId: RowId): void
  /** Gives up the claim on an item off the main thread; otherwise as `releaseSync`. */
  release(table: string, rowId: RowId): Promise<void>
  /**
   * Decides about a row with several heads, whether it waits in the inbox or not: an ordinary change that covers `heads`,
   * those that whoever decides has seen. `metadata` are small strings for an audit: who, why.
   *
   * Two people who decide on two replicas make a new conflict, which is resolved like any other.
   *
   * Throws `NOT_FOUND` when the row has not several heads, `VERSION_MISMATCH` when it has others than `heads`, `INVALID_ARGUMENT` for a head that
   * is none and for `'defer'`; otherwise as `writeSync`.
   */
  resolveSync(table: string, rowId: RowId, decision: ResolverDecision, heads: ReadonlyArray<DotLike>, metadata?: Readonly<Record<string, string>> | null): Appended
  /** Decides about a row with several heads off the main thread; otherwise as `resolveSync`. */
  resolve(table: string, rowId: RowId, decision: ResolverDecision, heads: ReadonlyArray<DotLike>, metadata?: Readonly<Record<string, string>> | null): Promise<Appended>
  /**
   * How a row became what it is.
   *
   * Throws `INVALID_ARGUMENT` for an empty table name; otherwise as `conflictsSync`.
   */
  whySync(table: string, rowId: RowId): Explanation
  /** How a row became what it is, read off the main thread; otherwise as `whySync`. */
  why(table: string, rowId: RowId): Promise<Explanation>
  /**
   * A row as it is now; `null` if it is not there: not yet, or not any more.
   *
   * Throws `INVALID_ARGUMENT` for an empty table name, `TRUNCATED` when the entry that carries the value was removed, `CLOSED`,
   * `CORRUPT` or `IO` when the log cannot be read.
   */
  getSync(table: string, rowId: RowId): ReplicaRow | null
  /** A row as it is now, read off the main thread; otherwise as `getSync`. */
  get(table: string, rowId: RowId): Promise<ReplicaRow | null>
  /**
   * The dots of a row's heads, in canonical order, whether it is there or deleted; none if it never was. They are what
   * a conditional write expects.
   *
   * Throws `INVALID_ARGUMENT` for an empty table name, `CLOSED`.
   */
  heads(table: string, rowId: RowId): Array<Dot>
  /**
   * All rows of a table that are there now, ascending by row id.
   *
   * It reads the entries of the table once, and holds the rows in memory.
   *
   * Throws as `getSync`.
   */
  rowsSync(table: string): Array<ReplicaRow>
  /** All rows of a table that are there now, read off the main thread; otherwise as `rowsSync`. */
  rows(table: string): Promise<Array<ReplicaRow>>
  /**
   * What the rows became, in the order of the log, after the position `since`, or from the beginning, `'0.0'`: of each
   * transaction at most one change for a row, from what the row was to what it is, and none where that is the same. A
   * conflict shows as what the row became, also where no single entry carries that; an entry that lost does not show at all.
   *
   * Ends after a whole transaction, once there are `limit` changes. Whoever keeps the position together with what was
   * made of the changes gets each exactly once. What is shown is durable.
   *
   * ```js
   * let { changes, next } = replica.effectiveSync('0.0', 100);
   * for (const change of changes) console.log(change.operation, change.rowId, change.afterJson());
   * ({ changes, next } = replica.effectiveSync(next, 100));
   * ```
   *
   * Throws `INVALID_ARGUMENT` for a position that this replica never gave; `IO` when it cannot be made durable; otherwise as `getSync`.
   */
  effectiveSync(since: string | null | undefined, limit: number): EffectiveChanges
  /** What the rows became, read off the main thread; otherwise as `effectiveSync`. */
  effective(since: string | null | undefined, limit: number): Promise<EffectiveChanges>
  /**
   * Opens the replica in the directory `path`, made if it is not there. A log that was no replica's becomes one.
   *
   * The heads of all rows are kept in a file when a replica is closed. What came after that is read
   * from the log, and all of it where there is no such file.
   *
   * Throws as `ChangeLog.openSync`; `INVALID_ARGUMENT` for a registry that `ResolverRegistry.validate` refuses, and for options
   * that ask for reading only.
   */
  static openSync(path: string, options?: ReplicaOptions | null): Replica
  /** Opens the replica in the directory `path` off the main thread; otherwise as `openSync`. */
  static open(path: string, options?: ReplicaOptions | null): Promise<Replica>
  /**
   * A new replica in memory, gone when it is no longer used.
   *
   * Throws as `openSync`.
   */
  static inMemory(options?: ReplicaOptions | null): Replica
  /**
   * The replica's log, to read: entries, snapshots, consumers. Writing to it or removing from it is `READ_ONLY`; closing it
   * closes the replica.
   */
  get log(): ChangeLog
  /** UUID of the node whose changes this replica records. */
  get node(): string
  /**
   * The rules by which conflicts are resolved: a copy.
   *
   * Throws `CLOSED`.
   */
  registry(): ResolverRegistry
  /**
   * Sets the rules by which conflicts are resolved, durably. Rows in conflict may take another value by it, which
   * `effective` shows; conflicts that are settled stay as they were decided.
   *
   * Throws `INVALID_ARGUMENT` as `ResolverRegistry.validate` says; `NO_SPACE` or `IO` when it cannot be stored, `RESOLVER_FAILED` within
   * a resolver, `CLOSED`. The rules stay as they were.
   */
  setRegistrySync(registry: ResolverRegistry): void
  /** Sets the rules by which conflicts are resolved off the main thread; otherwise as `setRegistrySync`. */
  setRegistry(registry: ResolverRegistry): Promise<void>
  /**
   * Registers a function that decides conflicts, for the strategy `{ kind: 'custom', name, version }`. What it has
   * answered before is kept; what it, or one before it, failed at is asked again.
   *
   * It must be a pure function of what it is given, for every replica calls its own, and all must come to one answer.
   * What it throws goes to the inbox with the conflict, and so does a promise, which is no answer.
   *
   * Throws `INVALID_ARGUMENT` for an empty name or what is no function, `CLOSED`.
   */
  registerResolver(name: string, version: number, resolver: ConflictResolver): void
  /**
   * What the replica holds, in numbers.
   *
   * Throws `CLOSED`.
   */
  stats(): ReplicaStats
  /**
   * Removes entries that later ones of the same row have replaced, as `ChangeLog.compactSync` does: what the rows are, and
   * how conflicts about them end, stay what they were. Returns what was removed; `null` if nothing was.
   *
   * Reports of conflicts that were settled below what is kept are gone; `log.removals()` says that something was removed.
   *
   * Throws as `ChangeLog.compactSync`; `RESOLVER_FAILED` within a resolver.
   */
  compactSync(options?: CompactionOptions | null): Removal | null
  /** Removes entries that later ones of the same row have replaced off the main thread; otherwise as `compactSync`. */
  compact(options?: CompactionOptions | null): Promise<Removal | null>
  /**
   * Returns once all that was acknowledged will survive a loss of power, whatever the durability.
   *
   * Throws as `ChangeLog.syncSync`.
   */
  syncSync(): void
  /** Fulfilled once all that was acknowledged will survive a loss of power; otherwise as `syncSync`. */
  sync(): Promise<void>
  /**
   * Syncs and closes the replica and its log; every other call is `CLOSED` from now on. Closing again does nothing.
   *
   * Throws `IO` when the last sync failed; the replica is closed all the same.
   */
  closeSync(): void
  /** Syncs and closes the replica off the main thread, once all that was asked for before is done; otherwise as `closeSync`. */
  close(): Promise<void>
  /**
   * The row comes into being.
   *
   * Throws `ALREADY_EXISTS` when it is there; otherwise as `writeSync`.
   */
  insertSync(table: string, rowId: RowId, after: Payload): Appended
  /** The row comes into being, off the main thread; otherwise as `insertSync`. */
  insert(table: string, rowId: RowId, after: Payload): Promise<Appended>
  /**
   * The row takes another value.
   *
   * Throws `NOT_FOUND` when it is not there; otherwise as `writeSync`.
   */
  updateSync(table: string, rowId: RowId, after: Payload): Appended
  /** The row takes another value, off the main thread; otherwise as `updateSync`. */
  update(table: string, rowId: RowId, after: Payload): Promise<Appended>
  /**
   * The row ends.
   *
   * Throws `NOT_FOUND` when it is not there; otherwise as `writeSync`.
   */
  deleteSync(table: string, rowId: RowId): Appended
  /** The row ends, off the main thread; otherwise as `deleteSync`. */
  delete(table: string, rowId: RowId): Promise<Appended>
  /**
   * Writes changes of this node together: all of them, or none. Each is held against the row as it is, whose payload
   * becomes the change's `before`. A later one sees what those before it have done.
   *
   * A write covers all heads of its row, and so ends a conflict about it.
   *
   * Throws `ALREADY_EXISTS` for an insert of a row that is there, `NOT_FOUND` for any other change of one that is not;
   * `VERSION_MISMATCH` when a row has not the expected heads, or waits in the inbox and none are expected; `UNRESOLVED` when it waits
   * for a resolver and none are expected; `INVALID_ARGUMENT` for a payload that is no JSON object where fields are
   * merged, and for an update without expected heads where some field is a counter, because a value that was read before
   * would undo what has been added since: use `patch` or `increment`. `RESOLVER_FAILED` within a resolver. Otherwise as
   * `ChangeLog.appendTransactionSync`.
   */
  writeSync(writes: ReadonlyArray<Write>): Appended
  /** Writes changes of this node together off the main thread; otherwise as `writeSync`. */
  write(writes: ReadonlyArray<Write>): Promise<Appended>
  /**
   * Records changes of this node as they are, together: for an application whose rows live elsewhere and that only tells
   * what happened to them. They are not held against what the replica takes the rows to be.
   *
   * Without changes this writes a merge: a transaction that only says what has been seen.
   *
   * Throws `VERSION_MISMATCH` for a row that waits in the inbox, `UNRESOLVED` for one that waits for a resolver, `RESOLVER_FAILED` within a
   * resolver; otherwise as `ChangeLog.appendTransactionSync`.
   */
  appendSync(changes: ReadonlyArray<Change>): Appended
  /** Records changes of this node as they are off the main thread; otherwise as `appendSync`. */
  append(changes: ReadonlyArray<Change>): Promise<Appended>
  /**
   * Sets fields of a row that is a JSON object, and removes others, from the value that it has at that moment. In `fields`
   * `null` is a value.
   *
   * ```js
   * replica.insertSync('orders', 42, { qty: 1, note: 'x' });
   * replica.patchSync('orders', 42, { status: 'paid' }, ['note']);
   * replica.getSync('orders', 42).valueJson(); // { qty: 1, status: 'paid' }
   * ```
   *
   * Throws `INVALID_ARGUMENT` when `fields` or the row is no JSON object, `NOT_FOUND` when the row is not there, `UNRESOLVED` when its
   * value waits for a resolver; otherwise as `writeSync`.
   */
  patchSync(table: string, rowId: RowId, fields: object, remove?: ReadonlyArray<string> | null): Appended
  /** Sets and removes fields of a row off the main thread; otherwise as `patchSync`. */
  patch(table: string, rowId: RowId, fields: object, remove?: ReadonlyArray<string> | null): Promise<Appended>
  /**
   * Adds to an integer field of a row that is a JSON object, from the value that it has at that moment. A field that is
   * not there counts as 0.
   *
   * Throws `INVALID_ARGUMENT` when the row is no JSON object or the field no 64-bit integer, `TOO_LARGE` when the sum leaves the
   * range of one, `NOT_FOUND` when the row is not there, `UNRESOLVED` when its value waits for a resolver; otherwise as `writeSync`.
   */
  incrementSync(table: string, rowId: RowId, field: string, by: bigint | number): Appended
  /** Adds to an integer field of a row off the main thread; otherwise as `incrementSync`. */
  increment(table: string, rowId: RowId, field: string, by: bigint | number): Promise<Appended>
  /**
   * Takes in a transaction of another node, or of this one as another replica has it: writes it to the log, whoever wins,
   * and judges what it does to its rows. One that is here already is recognised by its dot and changes nothing.
   *
   * Throws as `ChangeLog.appendRemoteSync`. A resolver of the application that fails is no error here: the entries are kept,
   * and their conflict goes to the inbox.
   */
  applySync(transaction: TransactionInput): Appended
  /** Takes in a transaction off the main thread; otherwise as `applySync`. */
  apply(transaction: TransactionInput): Promise<Appended>
}

/** A row as a replica has it now. Its fields are decoded when they are asked for. */
export declare class ReplicaRow {
  /** The row within its table, as it was given: an integer beyond the safe ones comes as a bigint. */
  get rowId(): RowId
  /** Its payload, in a `Buffer` of its own; `null` when the entry that decides carries none. */
  get value(): Buffer | null
  /** The dots of the entries that no other has seen, in canonical order: what a conditional write expects. */
  get heads(): Array<Dot>
  /** Whether the value is final. */
  get state(): RowState
}

/**
 * Which strategy decides which conflict: by table and class, else by table, else the default.
 *
 * Every replica that is to end in the same state needs the same registry; `fingerprint` tells. A replica
 * that was given a registry has a copy: changing this one changes nothing there.
 *
 * ```js
 * const registry = new ResolverRegistry('last_write_wins');
 * registry.setTable('stock', { kind: 'field_merge', fields: { count: 'counter' } });
 * registry.setClass('orders', 'update_delete', 'manual');
 * registry.rule('orders', 'update_delete'); // { name: 'orders/update_delete', resolution: 'manual' }
 * ```
 */
export declare class ResolverRegistry {
  /**
   * A registry that resolves everything by `resolution`, `'last_write_wins'` unless told otherwise. It is not
   * checked before it is used.
   */
  constructor(resolution?: ConflictResolution | null)
  /**
   * The registry that this JSON says.
   *
   * Throws `INVALID_ARGUMENT` when it is not what `toJson` gives, or as `validate`.
   */
  static fromJson(text: string): ResolverRegistry
  /** The strategy where no other rule matches. */
  get defaultResolution(): ConflictResolution
  /**
   * Sets the strategy where no other rule matches.
   *
   * Throws as `validate`; the registry stays as it was.
   */
  setDefault(resolution: ConflictResolution): void
  /**
   * Sets the strategy for a table.
   *
   * Throws as `validate`; the registry stays as it was.
   */
  setTable(table: string, resolution: ConflictResolution): void
  /**
   * Sets the strategy for one class of conflicts of a table.
   *
   * Throws as `validate`; the registry stays as it was.
   */
  setClass(table: string, conflictClass: ConflictClass, resolution: ConflictResolution): void
  /** The rule that matches a conflict, and its strategy. */
  rule(table: string, conflictClass: ConflictClass): Rule
  /**
   * Checks that replicas that use this registry end in the same state.
   *
   * Throws `INVALID_ARGUMENT`, with the rule and the reason: for a strategy that `validateConflictResolution` refuses, an
   * empty table name, a class that cannot arise, and a table that merges fields in some conflicts and not in all,
   * because the history of its rows would then depend on which conflicts it met.
   */
  validate(): void
  /** Every custom resolver that it names, with its version. */
  customResolvers(): Array<CustomResolver>
  /** 16 bytes of a hash of `toJson()`, in hexadecimal: the same for equal registries only. */
  get fingerprint(): string
  /** The registry as one line of JSON, the same for equal registries. */
  toJson(): string
}

/** A row as it stood at some moment. Its fields are decoded when they are asked for. */
export declare class Row {
  /** The row within its table, as it was given: an integer beyond the safe ones comes as a bigint. */
  get rowId(): RowId
  /** Its payload, the `after` of the entry that made it so, in a `Buffer` of its own; `null` when that entry carries none. */
  get value(): Buffer | null
  /** LSN of the entry that made it so. */
  get lsn(): bigint
  /** When that entry was made, by its author's clock, rounded down to milliseconds. */
  get timestamp(): Date
  /** When that entry was made, in nanoseconds since 1970: exact. */
  get timestampNs(): bigint
  /** The identity of that entry: its node and sequence. */
  get dot(): Dot
}

/** What a custom resolver is asked to decide. */
export declare class RowConflict {
  /** The table. */
  get table(): string
  /** The row. */
  get rowId(): RowId
  /** What the heads did to the row, taken together. */
  get conflictClass(): ConflictClass
  /** The entries that no other has seen. Their order says nothing: a resolver must answer alike for any. */
  get heads(): Array<ChangeEntry>
  /** Whether the row was there before the heads parted. */
  get ancestorIsLive(): boolean
  /** The row's payload before the heads parted, in a `Buffer` of its own; `null` if it was not there, or has none. */
  get ancestor(): Buffer | null
}

/** What a row is by its entries, and which conflicts made it so. */
export declare class RowResolution {
  /** Whether the row is there. */
  get isLive(): boolean
  /** Its payload, in a `Buffer` of its own; `null` if it is not there, or has none. */
  get value(): Buffer | null
  /** The dots of the entries that no other has seen, in canonical order. */
  get heads(): Array<Dot>
  /** The conflict between them; `null` if they do not disagree. */
  get standing(): ConflictReport | null
  /** Conflicts that a later entry ended, in the order of those entries. */
  get settled(): Array<ConflictReport>
}

/**
 * All rows of a table as they stood at one moment, in memory: as a `Map` that cannot be changed, from
 * row ids to rows, ascending by row id. Nothing that is appended later changes it.
 *
 * ```js
 * const then = log.snapshotSync('orders', 3n);
 * for (const [rowId, row] of then) console.log(rowId, row.valueJson());
 * ```
 */
export declare class Snapshot {
  /** The table's name. */
  get table(): string
  /**
   * Up to and including which LSN the log was read: the one that was asked for; for any
   * other moment the last one that there was.
   */
  get lsn(): bigint
  /** How many rows there were. */
  get size(): number
  /**
   * The row with this id; `null` if it was not there.
   *
   * Throws `INVALID_ARGUMENT` for a value that is no row id.
   */
  get(rowId: RowId): Row | null
  /**
   * Whether a row with this id was there.
   *
   * Throws `INVALID_ARGUMENT` for a value that is no row id.
   */
  has(rowId: RowId): boolean
}

/**
 * Whole transactions of a log in its order: what another log lacks. It is iterated
 * as a `Cursor` is.
 */
export declare class TransactionCursor {
  /** Ends the reading and lets go of what it holds. Closing again does nothing. */
  close(): void
}

/**
 * What has been seen: for every node the highest sequence of it.
 *
 * A node that is not there has sequence 0, and a 0 is never stored, so two clocks
 * that mean the same are equal. Nodes come in ascending order everywhere.
 *
 * ```js
 * const clock = new VectorClock([[a, 1n]]);
 * const later = clock.clone();
 * later.increment(b);
 * clock.compare(later); // 'before'
 * ```
 */
export declare class VectorClock {
  /**
   * A clock of these nodes and sequences: pairs in any order, as an iterable (a
   * `Map`, another clock) or an object. Zeros are dropped; of a node named twice
   * the higher sequence counts. Without an argument, the clock of someone who has seen nothing.
   */
  constructor(entries?: Iterable<readonly [node: string, sequence: bigint | number]> | Readonly<Record<string, bigint | number>> | null)
  /**
   * The clock of this canonical binary form.
   *
   * Throws `INVALID_ARGUMENT` for anything but what `toBytes` gives.
   */
  static fromBytes(bytes: Uint8Array): VectorClock
  /**
   * The clock of this JSON object, its keys in any order; zeros are dropped.
   *
   * Throws `INVALID_ARGUMENT` for anything but an object of whole numbers from 0 to 2⁶⁴−1 by UUID.
   */
  static fromJson(text: string): VectorClock
  /**
   * Counts one more event of `node` and returns its sequence.
   *
   * Throws `TOO_LARGE` when the counter is at its end; the clock stays as it is.
   */
  increment(node: string): bigint
  /** Takes note that `node`'s changes up to `sequence` have been seen. A lower sequence changes nothing. */
  advance(node: string, sequence: bigint | number): void
  /** Takes in all that `other` has seen: the least clock that is not below either. */
  merge(other: VectorClock): void
  /** The highest sequence of `node` that has been seen; `0n` if none. */
  get(node: string): bigint
  /**
   * Whether the change with this dot has been seen: one look-up.
   *
   * Of two entries `a` and `b`, `a` happened before `b` exactly when they are not
   * the same and `b.vectorClock.covers(a.dot)`.
   */
  covers(dot: DotLike): boolean
  /** How this clock stands to `other`. */
  compare(other: VectorClock): Causality
  /** Whether all that this clock has seen, and less than all, is in `other`. */
  happensBefore(other: VectorClock): boolean
  /** Whether each of the two has seen something that the other has not. Equal clocks do not conflict. */
  conflictsWith(other: VectorClock): boolean
  /** Whether both have seen the same. */
  equals(other: VectorClock): boolean
  /** A clock of the same content that can be changed on its own. */
  clone(): VectorClock
  /** How many nodes have been seen. */
  get size(): number
  /** Every node and its sequence, ascending by node. */
  entries(): Array<[node: string, sequence: bigint]>
  /** The canonical binary form: equal clocks give equal bytes. */
  toBytes(): Buffer
  /** The JSON form as text: an object of exact sequences by node, ascending, without spaces. */
  toJson(): string
  /** The clock for people: `{node: sequence, …}`, ascending by node. */
  toString(): string
}

/** What `ChangeLog.verify` found. */
export declare class VerifyReport {
  /** Segments that were read. */
  get segments(): number
  /** Transactions that are intact. */
  get transactions(): number
  /** Their entries, those that were removed left out. */
  get entries(): number
  /** Bytes that were read and checked. */
  get bytes(): number
  /** What is damaged, in the order in which it was found. */
  get findings(): Array<Finding>
  /** Whether nothing is damaged. */
  get isIntact(): boolean
  /** Does nothing when nothing is damaged; otherwise throws `CORRUPT` with the first finding. */
  check(): void
}

/**
 * A table as the log makes it, in memory: as a `Map` that takes in what is new when it is refreshed,
 * and that cannot be changed otherwise.
 *
 * It shows the rows as they stood when it was last refreshed, each as `ChangeLog.stateAt` says,
 * ascending by row id; a refresh reads on from where the one before stopped. After any number
 * of them a view is equal to a new snapshot at its LSN.
 *
 * Transactions show as a whole, and an iteration goes over the rows as they were when it was asked for.
 * While a `refresh` is under way, two calls in a row may see different rows: use `snapshot()` where they
 * must agree. A view keeps its log open like a cursor does. Once the log is closed it still shows what
 * it had, and refreshing is `CLOSED`.
 *
 * ```js
 * const orders = log.materialiseSync('orders');
 * log.appendSync(Change.insert('orders', 42, { qty: 1 }));
 * orders.refreshSync(); // 1
 * orders.get(42).valueJson(); // { qty: 1 }
 * ```
 */
export declare class View {
  /**
   * Takes in what the log has got since: whole transactions, up to the last one that
   * there is now. Returns how many entries of the table these had, also those that
   * changed no row.
   *
   * Throws `CLOSED`, `CORRUPT` or `IO` when the log cannot be read, `TRUNCATED` when what comes next
   * was removed; the view stays as it was.
   */
  refreshSync(): number
  /** Takes in what the log has got since off the main thread; otherwise as `refreshSync`. */
  refresh(): Promise<number>
  /**
   * The rows as they are shown now, which no refresh changes. It costs next to nothing;
   * while it is in use, the next refresh that finds something copies a pointer for every row.
   */
  snapshot(): Snapshot
  /** The table's name. */
  get table(): string
  /** Up to and including which LSN the log has been taken in. */
  get lsn(): bigint
  /** How many rows there are. */
  get size(): number
  /**
   * The row with this id; `null` if it is not there.
   *
   * Throws `INVALID_ARGUMENT` for a value that is no row id.
   */
  get(rowId: RowId): Row | null
  /**
   * Whether a row with this id is there.
   *
   * Throws `INVALID_ARGUMENT` for a value that is no row id.
   */
  has(rowId: RowId): boolean
}

/** What an append did. */
export interface Appended {
  /** The name of the transaction: the dot of its last change. */
  transaction: Dot
  /** What it was stamped with, rounded down to milliseconds. */
  timestamp: Date
  /** What it was stamped with, in nanoseconds since 1970: exact. */
  timestampNs: bigint
  /** LSN of its first entry; `null` if it has no changes. */
  firstLsn: bigint | null
  /** LSN of its last entry; `null` if it has no changes. */
  lastLsn: bigint | null
  /** Whether the log held the transaction already, so that nothing was written. */
  duplicate: boolean
}

/** What a log holds, in numbers. */
export interface ChangeLogStats {
  /** Entries that are still there: changes of all transactions, the removed ones left out. */
  entries: number
  /** Transactions, the empty ones among them. */
  transactions: number
  /** Transactions without a change: merges of what their authors had seen. */
  merges: number
  /** Nodes that wrote at least one transaction. */
  nodes: number
  /** LSN of the first entry; `0n` if there is none. */
  firstLsn: bigint
  /** LSN of the last entry; `0n` if there is none. */
  lastLsn: bigint
  /** The earliest timestamp of any transaction, rounded down to milliseconds; `null` if there is none. */
  oldest: Date | null
  /** The same in nanoseconds since 1970: exact. */
  oldestNs: bigint | null
  /** The latest timestamp of any transaction, rounded down to milliseconds; `null` if there is none. */
  newest: Date | null
  /** The same in nanoseconds since 1970: exact. */
  newestNs: bigint | null
  /** LSN of the last entry that would survive a loss of power; `0n` if there is none. */
  durableLsn: bigint
  /** Segments that the log consists of. */
  segments: number
  /** Bytes of all segments, their headers included; not those of their indexes. */
  bytes: number
  /** How far each consumer has come, by name. */
  consumers: Array<ConsumerStatus>
  /** Entries by table. */
  tables: Record<string, TableStats>
}

/** Who has taken up an item of the inbox. */
export interface Claim {
  /** A name, of a person or a job. */
  by: string
  /** When, rounded down to milliseconds. */
  at: Date
  /** When, in nanoseconds since 1970: exact. */
  atNs: bigint
}

/** What `ChangeLog.compress` has done. */
export interface CompressionReport {
  /** Segments that are compressed now and were not before. */
  segments: number
  /** Bytes that the files of those segments took before. */
  bytesBefore: number
  /** Bytes that they take now. */
  bytesAfter: number
}

/** The kind of conflict between these operations together; `null` of no operation. */
export declare function conflictClassOf(operations: ReadonlyArray<ChangeOperation>): ConflictClass | null

/**
 * The name of a strategy without its parameters.
 *
 * Throws `INVALID_ARGUMENT` for what is no strategy.
 */
export declare function conflictResolutionKind(resolution: ConflictResolution): ConflictResolutionKind

/** The kind of conflict that a shape is of, whichever side looks at it. */
export declare function conflictTypeClass(conflictType: ConflictType): ConflictClass

/** The shape that the other side sees. */
export declare function conflictTypeMirror(conflictType: ConflictType): ConflictType

/** The shape of a conflict between these operations, as the local side sees it. */
export declare function conflictTypeOf(local: ChangeOperation, remote: ChangeOperation): ConflictType

/** The local and the remote operation of a shape. */
export declare function conflictTypeOperations(conflictType: ConflictType): [local: ChangeOperation, remote: ChangeOperation]

/** How far a consumer has come. */
export interface ConsumerStatus {
  /** Its name. */
  name: string
  /** LSN of the last entry that it has committed; `0n` before the first. */
  position: bigint
  /** How many LSNs the log has after that: entries it has yet to commit, and ones that were removed before it could. */
  lag: number
}

/** A resolver of the application that a registry names. */
export interface CustomResolver {
  /** The name under which it has to be registered. */
  name: string
  /** Its version. */
  version: number
}

/**
 * The row id that these bytes stand for.
 *
 * Throws `INVALID_ARGUMENT` for bytes that `encodeRowId` does not give.
 */
export declare function decodeRowId(bytes: Uint8Array): RowId

/**
 * The identity of one change: the node that made it, and the how-manieth of that
 * node's changes it is. A transaction is named by the dot of its last change.
 */
export interface Dot {
  /** UUID of the node. */
  node: string
  /** The node's own gap-free counter, from 1. */
  sequence: bigint
}

/** Part of the effective view. */
export interface EffectiveChanges {
  /** The changes, in the order of the log; none if there is nothing new. */
  changes: Array<EffectiveChange>
  /** Where to go on. */
  next: string
}

/**
 * The bytes that stand for a row id in a log. Comparing them (`Buffer.compare`)
 * orders row ids as their values are ordered.
 *
 * Throws `INVALID_ARGUMENT` for a value that is no row id.
 */
export declare function encodeRowId(rowId: RowId): Buffer

/** One row of the error table that all languages share. */
export interface ErrorCodeInfo {
  /** The number that the C surface uses; it never changes. */
  number: number
  /** The name, as in `error.code`; it never changes. */
  name: ErrorCode
  /** Whether the same call can succeed later with nothing changed by the caller. */
  retryable: boolean
  /** What it means and what to do about it. */
  description: string
}

/** The table of error codes that all languages share, in the order of their numbers. */
export declare function errorCodes(): Array<ErrorCodeInfo>

/** One entry in the story of a row. */
export interface ExplanationStep {
  /** The entry. */
  entry: ChangeEntry
  /** The dots of the entries that it follows on: the latest that its author had seen of the row. */
  follows: Array<Dot>
  /** The dots of the entries before it in this list that its author had not seen, and that had not seen it. */
  concurrentWith: Array<Dot>
  /** The conflict that it ended; `null` if those that it follows on did not disagree. */
  settles: ConflictReport | null
}

/** Something that is damaged. */
export interface Finding {
  /** Name of the file. */
  file: string
  /** Where in it, in bytes; `null` where that cannot be told. */
  offset: number | null
  /** What is wrong, in words. */
  message: string
}

/**
 * The canonical text of a strategy: its name, or a JSON object where it has parameters.
 *
 * Throws `INVALID_ARGUMENT` for what is no strategy.
 */
export declare function formatConflictResolution(resolution: ConflictResolution): string

/** The moment as RFC 3339 in UTC, with as many digits of a second as it takes (none, 3, 6 or 9). */
export declare function formatTimestamp(moment: Date | bigint): string

/** A row about which somebody has to decide. */
export interface InboxItem {
  /** The conflict between its heads, with the provisional value. It grows when another head arrives. */
  report: ConflictReport
  /** Whether a person decides, `'pending'`, or a resolver of the application that is missing or has failed, `'unresolved'`. */
  state: RowState
  /** Who has taken it up, here; `null` if nobody has. */
  claim: Claim | null
  /** What the application's resolver failed with, if it did since the replica was opened; `null` if it did not. */
  failure: string | null
}

/**
 * The strategy that a text says: a name, or a JSON object.
 *
 * Throws `INVALID_ARGUMENT`, with the reason, for text that says none.
 */
export declare function parseConflictResolution(text: string): ConflictResolution

/**
 * Nanoseconds since 1970 of an RFC 3339 time, with any offset and up to nine digits of a second.
 *
 * Throws `INVALID_ARGUMENT` for any other text and for times outside the years 1677 to 2262.
 */
export declare function parseTimestamp(text: string): bigint

/** The record of something that a log no longer holds, kept for as long as the log. */
export interface Removal {
  /** Why it was removed. */
  reason: RemovalReason
  /** When, by the log's time, rounded down to milliseconds. */
  at: Date
  /** When, by the log's time, in nanoseconds since 1970: exact. */
  atNs: bigint
  /** LSN of the first entry removed. */
  firstLsn: bigint
  /** LSN of the last entry removed. Age and bytes remove all between; compaction some. */
  lastLsn: bigint
  /** How many entries were removed. */
  entries: number
  /** By how many bytes that made the log's files shorter. */
  bytes: number
  /** The rule that was applied, in words. */
  detail: string
}

/** What a replica holds, in numbers. */
export interface ReplicaStats {
  /** Rows that the log has entries of, deleted ones among them. */
  rows: number
  /** Rows with several heads, whether or not these disagree. */
  contestedRows: number
  /** Entries that ended a conflict, or what would have been one if the heads had disagreed. */
  settlings: number
  /**
   * Entries whose `before` was not what their author's past comes to here: written past a replica, by other rules, or
   * by a resolver that is no pure function.
   */
  beforeMismatches: number
  /** Memory for the heads of all rows and for what is remembered of conflicts, roughly, in bytes. */
  memory: number
}

/** Which entry of a registry matched, and its strategy. */
export interface Rule {
  /** What reports call it: `orders/update_delete` for a class of conflicts of a table, `orders` for a table, `default`. */
  name: string
  /** Its strategy. */
  resolution: ConflictResolution
}

/** What `ChangeLog.salvage` has copied, and what it could not. */
export interface SalvageReport {
  /** Transactions that were copied. */
  transactions: number
  /** Their entries. */
  entries: number
  /** Transactions that are intact and were left out all the same, because something that they depend on is lost. */
  skippedTransactions: number
  /** What is damaged. */
  findings: Array<Finding>
}

/** A transaction that could not be taken in, and why. Nothing of it was written; it can come again. */
export interface SkippedTransaction {
  /** The name of the transaction. */
  transaction: Dot
  /**
   * Why: `CLOCK_SKEW` when its time has not come yet, `DOT_REUSE` when the replica holds something else under its dots,
   * `MISSING_DEPENDENCY` when it follows on one that was skipped, `INVALID_ARGUMENT` or `TOO_LARGE` when it cannot be right.
   */
  code: ErrorCode
  /** The same for people. */
  message: string
}

/** A change of a transaction that was read from a log. */
export interface StoredChange {
  /** The table's name. */
  table: string
  /** The row within the table. */
  rowId: RowId
  /** What happens to the row. */
  operation: ChangeOperation
  /** The row's payload before the change, as its author saw it. */
  before: Buffer | null
  /** The row's payload after the change. */
  after: Buffer | null
  /** Small strings for an audit. */
  metadata: Record<string, string>
}

/** Exchanges what two replicas lack off the main thread; otherwise as `syncSync`. */
export declare function sync(a: Replica, b: Replica): Promise<SyncReport>

/** What an exchange did. */
export interface SyncReport {
  /** Transactions that the first replica got from the second. */
  received: number
  /** Transactions that the second replica got from the first. */
  sent: number
  /** Transactions that the first could not take in. */
  skipped: Array<SkippedTransaction>
  /** Transactions that the second could not take in. */
  refused: Array<SkippedTransaction>
}

/**
 * Exchanges what two replicas lack: each gets what its frontier does not cover of the other's log, in that log's order.
 *
 * A transaction that cannot be taken in is reported and left out with all that follow on it; the rest goes on. It stays
 * where it is and comes again with the next exchange. Each transaction that was taken in is there as a whole, also when
 * an error ends the exchange.
 *
 * Throws whatever keeps a log from being read or written: `IO`, `NO_SPACE`, `CORRUPT`, `CLOSED`; `TRUNCATED` when one lacks what the
 * other has removed; `RESOLVER_FAILED` within a resolver of one of them.
 */
export declare function syncSync(a: Replica, b: Replica): SyncReport

/** Entries of one table by operation. */
export interface TableStats {
  /** Entries of all operations. */
  entries: number
  /** Entries that insert a row. */
  inserts: number
  /** Entries that update a row. */
  updates: number
  /** Entries that delete a row. */
  deletes: number
}

/** A node's transaction in full: what replicas exchange. */
export interface Transaction {
  /** UUID of the node that wrote it. */
  node: string
  /** The sequence of its last change: with `node`, the name of the transaction. */
  sequence: bigint
  /** The dots of the transactions that its author had seen and that no other of them covers. */
  dependencies: Array<Dot>
  /** When it was written, rounded down to milliseconds. */
  timestamp: Date
  /** When it was written, in nanoseconds since 1970: exact. */
  timestampNs: bigint
  /** Its changes, in order. There may be none. */
  changes: Array<StoredChange>
}

/**
 * Checks that a strategy makes sense by itself.
 *
 * Throws `INVALID_ARGUMENT`, with the reason, for a node listed twice, a fallback that could never be asked or that
 * contradicts what it is the fallback of, and a custom resolver without a name.
 */
export declare function validateConflictResolution(resolution: ConflictResolution): void

/** A conflict, and how other rules would have decided it. */
export interface WhatIf {
  /** How it was decided. */
  decided: ConflictReport
  /** How it would have been. */
  wouldBe: ConflictReport
  /** Whether the row would have had another value. */
  differs: boolean
}
