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

