/**
 * @file causelog.h
 *
 * causelog: an embeddable change-data-capture log that knows what caused what.
 *
 * A program records every row change in a log. Logs exchange transactions. Each entry says
 * what its author had seen, so of any two entries one came before the other, or they are
 * concurrent; a detector finds the concurrent ones that disagree, decides, and says why. A
 * replica keeps what its rows are by all of that, under declared rules.
 *
 * This file is made from the sources of the library; do not edit it. C11 or C++17.
 *
 * Linking: `-lcauselog`. With pkg-config: `pkg-config --cflags --libs causelog`. With CMake:
 * `find_package(causelog CONFIG)` and `causelog::causelog`. Prefer the shared library: two
 * static libraries that are written in Rust may not go together in one program.
 *
 * ## Errors
 *
 * A function that can fail returns a `causelog_status`, and takes a `causelog_error **` last.
 * Its arguments go: what it works on, inputs, outputs, the error.
 *
 * - `CAUSELOG_OK` is 0. Any other status is a failure; branch on it.
 * - Outputs are written on success only. On failure `*error` becomes an error with a message
 *   for people, to be freed with `causelog_error_free`. `error` may be NULL.
 * - On success `*error` stays as it is. It is never read: free an error before the variable
 *   is used again.
 * - A pointer must not be NULL unless its function says that it may: it is
 *   `CAUSELOG_INVALID_ARGUMENT` then, and the message names the parameter. Nor can a malformed
 *   value do harm: enumerations come in as `int32_t` and are checked, text must be UTF-8.
 *   A pointer that is neither NULL nor valid cannot be told apart and is undefined behaviour.
 * - A failed call has changed nothing, unless its description says otherwise.
 * - A bug in the library is `CAUSELOG_INTERNAL`, never a crash. (Memory that runs out ends the
 *   process.) The log in which it struck is closed then; open it again.
 *
 * A function that reads something off a handle and cannot fail returns the value itself. Of a
 * NULL handle, or an index beyond the count, it returns zero: 0, false, NULL, or a struct of
 * zeros. In every enumeration 0 stands for nothing or for the default.
 *
 * ## Ownership
 *
 * - Handles are pointers to structs whose fields are not shown. What `causelog_x_new`, `_open`,
 *   `_clone` and every output of type `causelog_x **` give belongs to the caller, who frees it
 *   with `causelog_x_free`, once. Freeing NULL does nothing.
 * - What is `const` and returned, or written to an output of type `const causelog_x **`, is
 *   borrowed: it lives as long as the handle it was asked of, or as the function says, and is
 *   not freed. `causelog_x_clone` makes a copy that is owned.
 * - Inputs are only read during the call: the library keeps no pointer to them. A handle that
 *   another one depends on is kept alive by it: a log may be freed before its cursors, views
 *   and consumers, a time before its log. The log of a replica is borrowed, but what is made of
 *   it is not.
 * - `causelog_live_handles` counts the handles not yet freed, to find leaks.
 *
 * ## Text, bytes and structs
 *
 * - Text is UTF-8 with a length, as `causelog_text`; bytes are `causelog_bytes`.
 *   `causelog_text_from` and `causelog_bytes_from` make one of a NUL-terminated string.
 * - Text or bytes that a function makes come in a `causelog_buffer`, with a NUL after them.
 *   Names and messages, of type `const char *`, end in NUL.
 * - Short text of known length is written into the caller's array, whose size is part of the
 *   type: `char text[CAUSELOG_UUID_TEXT_SIZE]; causelog_uuid_format(uuid, &text, &error);`
 * - Structs that begin with `size` may grow: initialise them with their `_INIT` macro, or set
 *   `size` to their `sizeof` and the rest to zero. Optional fields are pointers; NULL is the default.
 * - Timestamps are signed nanoseconds since the Unix epoch.
 *
 * ## Threads
 *
 * - A handle that a function takes as pointer to `const` may be used by several threads at
 *   once with such functions. One that it takes as pointer to what is not `const` must not be
 *   used by another thread during the call. Freeing counts as the latter.
 * - So logs, replicas, views, consumers, detectors, times, entries, transactions, rows,
 *   snapshots, conflicts and reports may be shared; cursors, batches, and clocks and registries
 *   that are being changed belong to one thread at a time.
 * - The library starts no thread, and calls nothing of the program's but the resolvers that it
 *   has registered with a replica: see `causelog_resolver_function`.
 */


#ifndef CAUSELOG_H
#define CAUSELOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header: major, minor, patch. `causelog_version` is that of the library. */
#define CAUSELOG_VERSION_MAJOR 0
#define CAUSELOG_VERSION_MINOR 1
#define CAUSELOG_VERSION_PATCH 0
/** The same as text. */
#define CAUSELOG_VERSION "0.1.0"

/** Size of the array that `causelog_uuid_format` writes to: 36 characters and a NUL. */
#define CAUSELOG_UUID_TEXT_SIZE 37
/** Size of the array that `causelog_dot_format` writes to: a UUID, a colon, 20 digits and a NUL. */
#define CAUSELOG_DOT_TEXT_SIZE 58
/** Size of the array that `causelog_timestamp_format` writes to. */
#define CAUSELOG_TIMESTAMP_TEXT_SIZE 31

/** Initialises a `causelog_log_options`: every default. */
#define CAUSELOG_LOG_OPTIONS_INIT { sizeof(causelog_log_options), NULL, 0, 0, NULL, NULL, 0, NULL, 0 }
/** Initialises a `causelog_query_options`: every entry, in order. */
#define CAUSELOG_QUERY_OPTIONS_INIT \
    { sizeof(causelog_query_options), NULL, 0, NULL, 0, 0, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL }
/** Initialises a `causelog_retention_policy`: everything is kept. */
#define CAUSELOG_RETENTION_POLICY_INIT { sizeof(causelog_retention_policy), NULL, NULL, NULL }
/** Initialises a `causelog_compaction_options`: of all tables, without other replicas. */
#define CAUSELOG_COMPACTION_OPTIONS_INIT { sizeof(causelog_compaction_options), NULL, 0, NULL, 0 }
/** Initialises a `causelog_change` without table, row and operation, which must be set. */
#define CAUSELOG_CHANGE_INIT \
    { sizeof(causelog_change), { NULL, 0 }, { 0, 0, NULL, 0, NULL, 0 }, 0, { NULL, 0 }, { NULL, 0 }, NULL, 0 }
/** Initialises a `causelog_write` without table, row and operation, which must be set. */
#define CAUSELOG_WRITE_INIT \
    { sizeof(causelog_write), { NULL, 0 }, { 0, 0, NULL, 0, NULL, 0 }, 0, { NULL, 0 }, { NULL, 0 }, NULL, 0 }
/** Initialises a `causelog_replica_options`: every default. */
#define CAUSELOG_REPLICA_OPTIONS_INIT \
    { sizeof(causelog_replica_options), NULL, NULL, NULL, 0, NULL, NULL }
/** Initialises a `causelog_conflict_query`: every conflict. */
#define CAUSELOG_CONFLICT_QUERY_INIT { sizeof(causelog_conflict_query), NULL, NULL, 0, NULL, 0, NULL }
/** Initialises a `causelog_entry_fields` without dot, clock and change, which must be set. */
#define CAUSELOG_ENTRY_FIELDS_INIT \
    { sizeof(causelog_entry_fields), 0, { { { 0 } }, 0 }, NULL, 0, { { { 0 } }, 0 }, NULL, 0 }

/**
 * What a fallible function returns: success, or why it failed. Numbers and names are
 * the same in every language, are never reused, and more may be added.
 */
enum causelog_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The call did what it says.
     */
    CAUSELOG_OK = 0,
    /**
     * An argument is not of the form that the function takes. Mend the call.
     */
    CAUSELOG_INVALID_ARGUMENT = 1,
    /**
     * What was named does not exist.
     */
    CAUSELOG_NOT_FOUND = 2,
    /**
     * What was to be made exists already.
     */
    CAUSELOG_ALREADY_EXISTS = 3,
    /**
     * Another handle or process is writing this directory. Close that one, or wait.
     */
    CAUSELOG_LOCKED = 4,
    /**
     * The handle, the file or the file system does not allow writing.
     */
    CAUSELOG_READ_ONLY = 5,
    /**
     * The operating system refused to read or write; the message says what it said.
     */
    CAUSELOG_IO = 6,
    /**
     * There is no space left to write to. Nothing was written: make room and call again.
     */
    CAUSELOG_NO_SPACE = 7,
    /**
     * Stored bytes are damaged; the message names the file and the offset.
     */
    CAUSELOG_CORRUPT = 8,
    /**
     * The handle was closed, or an internal failure closed it. Open it again.
     */
    CAUSELOG_CLOSED = 9,
    /**
     * The position asked for lies below what retention has kept.
     */
    CAUSELOG_TRUNCATED = 10,
    /**
     * The time allowed ran out.
     */
    CAUSELOG_TIMEOUT = 11,
    /**
     * The caller cancelled the call.
     */
    CAUSELOG_CANCELLED = 12,
    /**
     * The tenant's plan does not include change capture.
     */
    CAUSELOG_CDC_DISABLED = 13,
    /**
     * A limit of the tenant's plan is reached; the message names limit, use and plan.
     */
    CAUSELOG_QUOTA_EXCEEDED = 14,
    /**
     * A remote timestamp lies further ahead of local time than allowed. Nothing was
     * written: try again when time has caught up.
     */
    CAUSELOG_CLOCK_SKEW = 15,
    /**
     * The same dot came with another content: two nodes share one identity.
     */
    CAUSELOG_DOT_REUSE = 16,
    /**
     * A transaction depends on one that this log does not hold. Bring that one first.
     */
    CAUSELOG_MISSING_DEPENDENCY = 17,
    /**
     * The row has changed since it was read. Read it again.
     */
    CAUSELOG_VERSION_MISMATCH = 18,
    /**
     * The row waits for a resolver or a person to decide.
     */
    CAUSELOG_UNRESOLVED = 19,
    /**
     * A custom resolver failed, or answered differently for the same heads.
     */
    CAUSELOG_RESOLVER_FAILED = 20,
    /**
     * The credentials do not allow this.
     */
    CAUSELOG_UNAUTHORIZED = 21,
    /**
     * A message of the peer is not of the form that the protocol prescribes.
     */
    CAUSELOG_PROTOCOL = 22,
    /**
     * The peer or service cannot be reached now.
     */
    CAUSELOG_UNAVAILABLE = 23,
    /**
     * A value, a counter or a message is larger than allowed.
     */
    CAUSELOG_TOO_LARGE = 24,
    /**
     * The format or feature belongs to another version.
     */
    CAUSELOG_UNSUPPORTED = 25,
    /**
     * A bug in causelog: the handle is closed, what was acknowledged is kept. Please report it.
     */
    CAUSELOG_INTERNAL = 26,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_status causelog_status;
#else
typedef int32_t causelog_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How two clocks, and so the events that carry them, stand to each other.
 */
enum causelog_causality
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The same clock: one and the same event, never a conflict.
     */
    CAUSELOG_CAUSALITY_EQUAL = 1,
    /**
     * The first happened before the second, whose author had seen it.
     */
    CAUSELOG_CAUSALITY_BEFORE = 2,
    /**
     * The first happened after the second.
     */
    CAUSELOG_CAUSALITY_AFTER = 3,
    /**
     * Neither author had seen the other's event. Only this can be a conflict.
     */
    CAUSELOG_CAUSALITY_CONCURRENT = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_causality causelog_causality;
#else
typedef int32_t causelog_causality;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a change does to its row.
 */
enum causelog_operation
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No operation: in a query, any.
     */
    CAUSELOG_OPERATION_NONE = 0,
    /**
     * The row comes into being; there is no image before it.
     */
    CAUSELOG_OPERATION_INSERT = 1,
    /**
     * The row takes another value.
     */
    CAUSELOG_OPERATION_UPDATE = 2,
    /**
     * The row ends; there is no image after it.
     */
    CAUSELOG_OPERATION_DELETE = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_operation causelog_operation;
#else
typedef int32_t causelog_operation;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The shape of a conflict as one side sees it: the local operation, then the remote one.
 */
enum causelog_conflict_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No shape: the report is not of a conflict with two sides.
     */
    CAUSELOG_CONFLICT_TYPE_NONE = 0,
    /**
     * Both inserted the row.
     */
    CAUSELOG_CONFLICT_TYPE_INSERT_INSERT = 1,
    /**
     * Inserted here, updated there.
     */
    CAUSELOG_CONFLICT_TYPE_INSERT_UPDATE = 2,
    /**
     * Inserted here, deleted there.
     */
    CAUSELOG_CONFLICT_TYPE_INSERT_DELETE = 3,
    /**
     * Updated here, inserted there.
     */
    CAUSELOG_CONFLICT_TYPE_UPDATE_INSERT = 4,
    /**
     * Both updated the row.
     */
    CAUSELOG_CONFLICT_TYPE_UPDATE_UPDATE = 5,
    /**
     * Updated here, deleted there.
     */
    CAUSELOG_CONFLICT_TYPE_UPDATE_DELETE = 6,
    /**
     * Deleted here, inserted there.
     */
    CAUSELOG_CONFLICT_TYPE_DELETE_INSERT = 7,
    /**
     * Deleted here, updated there.
     */
    CAUSELOG_CONFLICT_TYPE_DELETE_UPDATE = 8,
    /**
     * Both deleted the row: concurrent, but there is nothing to disagree about.
     */
    CAUSELOG_CONFLICT_TYPE_DELETE_DELETE = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_conflict_type causelog_conflict_type;
#else
typedef int32_t causelog_conflict_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The kind of a conflict whichever side looks at it, of two heads or more.
 */
enum causelog_conflict_class
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No class: there are no operations.
     */
    CAUSELOG_CONFLICT_CLASS_NONE = 0,
    /**
     * Inserts only.
     */
    CAUSELOG_CONFLICT_CLASS_INSERT_INSERT = 1,
    /**
     * Inserts and updates.
     */
    CAUSELOG_CONFLICT_CLASS_INSERT_UPDATE = 2,
    /**
     * Inserts and deletes.
     */
    CAUSELOG_CONFLICT_CLASS_INSERT_DELETE = 3,
    /**
     * Updates only.
     */
    CAUSELOG_CONFLICT_CLASS_UPDATE_UPDATE = 4,
    /**
     * Updates, with or without inserts, and deletes.
     */
    CAUSELOG_CONFLICT_CLASS_UPDATE_DELETE = 5,
    /**
     * Deletes only.
     */
    CAUSELOG_CONFLICT_CLASS_DELETE_DELETE = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_conflict_class causelog_conflict_class;
#else
typedef int32_t causelog_conflict_class;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an entry did to its row when it arrived in this log; never changed later.
 */
enum causelog_verdict
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nobody has judged it: it was only recorded.
     */
    CAUSELOG_VERDICT_NONE = 0,
    /**
     * It became the row's value.
     */
    CAUSELOG_VERDICT_APPLIED = 1,
    /**
     * The row's value stayed as it was.
     */
    CAUSELOG_VERDICT_SUPERSEDED = 2,
    /**
     * The row took another value than the entry carries: a merged one, or that of an entry which
     * this one let win.
     */
    CAUSELOG_VERDICT_MERGED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_verdict causelog_verdict;
#else
typedef int32_t causelog_verdict;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why entries were removed from a log.
 */
enum causelog_removal_reason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No reason: there is no removal.
     */
    CAUSELOG_REMOVAL_REASON_NONE = 0,
    /**
     * They were older than the log is to keep.
     */
    CAUSELOG_REMOVAL_REASON_AGE = 1,
    /**
     * The log was larger than it is to be.
     */
    CAUSELOG_REMOVAL_REASON_BYTES = 2,
    /**
     * Later entries of the same row had replaced them.
     */
    CAUSELOG_REMOVAL_REASON_COMPACTION = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_removal_reason causelog_removal_reason;
#else
typedef int32_t causelog_removal_reason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The kinds of strategies by which conflicts are decided.
 *
 * A strategy is passed as text: its name, such as `last_write_wins`, or a JSON object where it
 * has parameters, such as `{"kind":"delete_wins","fallback":"first_write_wins"}`. Every strategy
 * is a function of the row's entries alone: whoever holds the same entries decides alike.
 */
enum causelog_resolution_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No kind.
     */
    CAUSELOG_RESOLUTION_KIND_NONE = 0,
    /**
     * `"last_write_wins"`: the latest entry wins. A replica counts an entry as later than all that
     * its author had seen of the row, whatever the wall clocks said; the plain detector, which
     * knows no history, goes by the timestamp. Of equal ones that of the higher node id wins, and
     * last that with the higher payload hash.
     */
    CAUSELOG_RESOLUTION_KIND_LAST_WRITE_WINS = 1,
    /**
     * `"first_write_wins"`: of two entries the one wins whose past, with itself, holds the earliest
     * entry that the other's does not. So who was first may go on editing the row.
     */
    CAUSELOG_RESOLUTION_KIND_FIRST_WRITE_WINS = 2,
    /**
     * `{"kind":"node_priority","order":[...]}`: the entry of the node that comes first in this list
     * wins. Nodes that are not listed come last; among those, and between entries of one node, the
     * latest wins.
     */
    CAUSELOG_RESOLUTION_KIND_NODE_PRIORITY = 3,
    /**
     * `"vector_clock_causal"`, or `{"kind":"vector_clock_causal","fallback":...}`: an entry that has
     * seen all others wins. Between concurrent ones the fallback decides; without one nobody does,
     * and the conflict waits for somebody to decide.
     */
    CAUSELOG_RESOLUTION_KIND_VECTOR_CLOCK_CAUSAL = 4,
    /**
     * `{"kind":"delete_wins","fallback":...}`: a delete wins over entries that leave the row alive.
     * What is left is resolved by the fallback.
     */
    CAUSELOG_RESOLUTION_KIND_DELETE_WINS = 5,
    /**
     * `{"kind":"update_wins","fallback":...}`: entries that leave the row alive win over deletes.
     * What is left is resolved by the fallback.
     */
    CAUSELOG_RESOLUTION_KIND_UPDATE_WINS = 6,
    /**
     * `{"kind":"field_merge","liveness":...,"fields":{...}}`: the row, a JSON object, is merged field
     * by field. `liveness` says whether it is there when one side deleted it and another did not:
     * `last_write_wins`, `delete_wins` or `update_wins`. `fields` names what decides between
     * concurrent changes of a field: `last_write_wins`, which those have that are not named, `max`,
     * `min`, `set`, whose array holds what somebody put in and nobody took out who had seen it, or
     * `counter`, to whose 64-bit integer everybody's additions are added up. Rows that are no JSON
     * objects are resolved as by `last_write_wins`.
     */
    CAUSELOG_RESOLUTION_KIND_FIELD_MERGE = 7,
    /**
     * `"manual"`: nobody wins until somebody decides. Until then the row has the value of the latest
     * entry.
     */
    CAUSELOG_RESOLUTION_KIND_MANUAL = 8,
    /**
     * `{"kind":"custom","name":...,"version":...}`: a `causelog_resolver` of the program decides.
     */
    CAUSELOG_RESOLUTION_KIND_CUSTOM = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_resolution_kind causelog_resolution_kind;
#else
typedef int32_t causelog_resolution_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Who won, by kind.
 */
enum causelog_winner_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nobody: there is no report.
     */
    CAUSELOG_WINNER_TYPE_NONE = 0,
    /**
     * One of the heads.
     */
    CAUSELOG_WINNER_TYPE_HEAD = 1,
    /**
     * None of them alone: the value was put together, or is the resolver's own.
     */
    CAUSELOG_WINNER_TYPE_MERGED = 2,
    /**
     * Nobody yet: somebody has to decide. The value is provisional.
     */
    CAUSELOG_WINNER_TYPE_PENDING = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_winner_type causelog_winner_type;
#else
typedef int32_t causelog_winner_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * One of the two sides of a conflict between two entries.
 */
enum causelog_side
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No side: nobody won, or the report is not of a conflict with two sides.
     */
    CAUSELOG_SIDE_NONE = 0,
    /**
     * The entry that was here.
     */
    CAUSELOG_SIDE_LOCAL = 1,
    /**
     * The entry that came.
     */
    CAUSELOG_SIDE_REMOTE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_side causelog_side;
#else
typedef int32_t causelog_side;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why a conflict came out as it did.
 */
enum causelog_reason_code
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No reason: there is no report.
     */
    CAUSELOG_REASON_CODE_NONE = 0,
    /**
     * The winner's author had seen all the other entries.
     */
    CAUSELOG_REASON_CODE_CAUSALLY_LATER = 1,
    /**
     * The winner has the latest timestamp.
     */
    CAUSELOG_REASON_CODE_LATER_TIMESTAMP = 2,
    /**
     * Timestamps are equal; the winner has the higher node id.
     */
    CAUSELOG_REASON_CODE_HIGHER_NODE = 3,
    /**
     * Timestamps and nodes are equal; the winner has the higher payload hash.
     */
    CAUSELOG_REASON_CODE_HIGHER_PAYLOAD_HASH = 4,
    /**
     * The entries are concurrent and the strategy does not choose between such.
     */
    CAUSELOG_REASON_CODE_CONCURRENT = 5,
    /**
     * The winner succeeds a later entry than the others do, though its own timestamp, by a
     * wall clock that ran behind, is not the latest.
     */
    CAUSELOG_REASON_CODE_LATER_SUCCESSION = 6,
    /**
     * The winner's past goes back to the earliest entry that not all have seen.
     */
    CAUSELOG_REASON_CODE_EARLIER_WRITE = 7,
    /**
     * The winner's node comes first in the list.
     */
    CAUSELOG_REASON_CODE_HIGHER_PRIORITY = 8,
    /**
     * Deletes win over live entries; what was left was resolved by the fallback.
     */
    CAUSELOG_REASON_CODE_DELETE_WINS = 9,
    /**
     * Live entries win over deletes; what was left was resolved by the fallback.
     */
    CAUSELOG_REASON_CODE_UPDATE_WINS = 10,
    /**
     * The value was put together field by field.
     */
    CAUSELOG_REASON_CODE_FIELDS_MERGED = 11,
    /**
     * The fields cannot be merged because a payload is no JSON object: the latest entry wins.
     */
    CAUSELOG_REASON_CODE_NOT_AN_OBJECT = 12,
    /**
     * The application's resolver decided.
     */
    CAUSELOG_REASON_CODE_CUSTOM = 13,
    /**
     * The application's resolver left it to somebody to decide.
     */
    CAUSELOG_REASON_CODE_DEFERRED = 14,
    /**
     * The application's resolver is not registered here: the value is that of the latest entry
     * until it is.
     */
    CAUSELOG_REASON_CODE_RESOLVER_MISSING = 15,
    /**
     * The application's resolver failed: the value is that of the latest entry until somebody
     * decides.
     */
    CAUSELOG_REASON_CODE_RESOLVER_FAILED = 16,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_reason_code causelog_reason_code;
#else
typedef int32_t causelog_reason_code;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How a row's value came about.
 */
enum causelog_row_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No state: there is no row.
     */
    CAUSELOG_ROW_STATE_NONE = 0,
    /**
     * One entry has seen all others, or the rules have decided between those that have not.
     */
    CAUSELOG_ROW_STATE_RESOLVED = 1,
    /**
     * Somebody has to decide. The value is provisional, and the same everywhere.
     */
    CAUSELOG_ROW_STATE_PENDING = 2,
    /**
     * A function of the application has to decide, and is not registered here or has failed.
     * The value is provisional, and may be another one on replicas where it has decided.
     */
    CAUSELOG_ROW_STATE_UNRESOLVED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_row_state causelog_row_state;
#else
typedef int32_t causelog_row_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The types of a row id.
 */
enum causelog_row_id_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No row id.
     */
    CAUSELOG_ROW_ID_NONE = 0,
    /**
     * A signed 64-bit integer, in `integer`.
     */
    CAUSELOG_ROW_ID_INTEGER = 1,
    /**
     * Text in UTF-8: `length` bytes at `data`.
     */
    CAUSELOG_ROW_ID_TEXT = 2,
    /**
     * Bytes: `length` of them at `data`.
     */
    CAUSELOG_ROW_ID_BYTES = 3,
    /**
     * A UUID: its 16 bytes at `data`.
     */
    CAUSELOG_ROW_ID_UUID = 4,
    /**
     * A tuple of the others: `element_count` of them, at least one, at `elements`.
     */
    CAUSELOG_ROW_ID_TUPLE = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_row_id_type causelog_row_id_type;
#else
typedef int32_t causelog_row_id_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * When an append returns.
 */
enum causelog_durability
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * As `CAUSELOG_DURABILITY_SYNC`.
     */
    CAUSELOG_DURABILITY_DEFAULT = 0,
    /**
     * After the bytes have reached the disk: a loss of power keeps them.
     */
    CAUSELOG_DURABILITY_SYNC = 1,
    /**
     * After the bytes were handed to the operating system: a crash of the process keeps
     * them, a loss of power may cost the last transactions, each as a whole.
     */
    CAUSELOG_DURABILITY_OS = 2,
    /**
     * As `CAUSELOG_DURABILITY_OS`, but the operating system is asked to put the bytes on the disk
     * whenever `sync_interval` has passed: by the first append after that, or by
     * `causelog_log_maintain`, whichever comes first.
     */
    CAUSELOG_DURABILITY_INTERVAL = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_durability causelog_durability;
#else
typedef int32_t causelog_durability;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The kinds of a moment.
 */
enum causelog_moment_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * All entries that the log holds when it is asked.
     */
    CAUSELOG_MOMENT_NOW = 0,
    /**
     * The entries up to and including `lsn`; 0 is the empty log.
     */
    CAUSELOG_MOMENT_LSN = 1,
    /**
     * The entries stamped up to and including `timestamp`, in log order.
     */
    CAUSELOG_MOMENT_TIME = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_moment_kind causelog_moment_kind;
#else
typedef int32_t causelog_moment_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The kinds of a decision.
 */
enum causelog_decision_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No decision.
     */
    CAUSELOG_DECISION_NONE = 0,
    /**
     * The head with the dot `head` wins.
     */
    CAUSELOG_DECISION_HEAD = 1,
    /**
     * The row takes the payload `value`, which no entry need carry.
     */
    CAUSELOG_DECISION_VALUE = 2,
    /**
     * The row is deleted.
     */
    CAUSELOG_DECISION_DELETE = 3,
    /**
     * Somebody is to decide: the conflict goes to the inbox.
     */
    CAUSELOG_DECISION_DEFER = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum causelog_decision_type causelog_decision_type;
#else
typedef int32_t causelog_decision_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Where a resolver of the program puts its answer. It lives until the resolver returns. Who answers
 * twice has said the latter.
 */
typedef struct causelog_answer causelog_answer;

/**
 * Bytes or text that a function made for its caller, who frees it. Never changes.
 */
typedef struct causelog_buffer causelog_buffer;

/**
 * Changes in order, to be appended together. Use it by one thread at a time.
 */
typedef struct causelog_changes causelog_changes;

/**
 * A vector clock: what has been seen, as the highest sequence of every node. A node
 * that is not there has sequence 0.
 */
typedef struct causelog_clock causelog_clock;

/**
 * What compressing a log has done. Never changes.
 */
typedef struct causelog_compression_report causelog_compression_report;

/**
 * Two concurrent entries of one row that disagree, as the side that has the first of them
 * sees it. Never changes, and may be read from several threads at once.
 */
typedef struct causelog_conflict causelog_conflict;

/**
 * A named reader of a log that remembers durably how far it has come.
 *
 * It hands out what was appended in log order, whole transactions at a time, and only what a
 * loss of power keeps. What it has committed it does not hand out again; what it was handed
 * and has not committed comes again after a restart. All functions of a consumer but
 * `causelog_consumer_free` may be called from several threads at once. It keeps the log open
 * also when the log's own handle is freed.
 */
typedef struct causelog_consumer causelog_consumer;

/**
 * All consumers of a log as they were when it was asked. Never changes.
 */
typedef struct causelog_consumers causelog_consumers;

/**
 * Entries of a log, read as they are asked for. It sees the log as it was when the query
 * was made, and keeps it open also when the log's own handle is freed. Use it by one
 * thread at a time.
 */
typedef struct causelog_cursor causelog_cursor;

/**
 * The custom resolvers that a registry names. Never changes.
 */
typedef struct causelog_custom_resolvers causelog_custom_resolvers;

/**
 * Finds conflicts between entries, and resolves sets of them by one strategy. It needs
 * no log, has no state but its settings, and may be used from several threads at once.
 */
typedef struct causelog_detector causelog_detector;

/**
 * Part of the effective view. Never changes.
 */
typedef struct causelog_effective_changes causelog_effective_changes;

/**
 * Entries that a consumer was handed. Never changes, and may outlive the consumer.
 */
typedef struct causelog_entries causelog_entries;

/**
 * One change as a log holds it. Never changes, and may be read from several threads at once.
 */
typedef struct causelog_entry causelog_entry;

/**
 * A failure in detail: the status, and a message for people. Never changes.
 */
typedef struct causelog_error causelog_error;

/**
 * How a row became what it is: its entries, what each of them had seen, and every conflict on the way.
 * Never changes, and may be read from several threads at once.
 *
 * It follows from the entries alone, so that replicas with the same entries and rules tell the same,
 * word for word.
 */
typedef struct causelog_explanation causelog_explanation;

/**
 * The dots of a row's heads. Never changes.
 */
typedef struct causelog_heads causelog_heads;

/**
 * A hybrid logical clock: it follows the wall clock, never goes back, and never falls
 * behind a timestamp that it has seen. Logs have one inside; this is for other uses.
 */
typedef struct causelog_hybrid_clock causelog_hybrid_clock;

/**
 * The rows about which somebody had to decide when a replica was asked. Never changes, and may be read
 * from several threads at once.
 */
typedef struct causelog_inbox causelog_inbox;

/**
 * A row about which somebody has to decide.
 */
typedef struct causelog_inbox_item causelog_inbox_item;

/**
 * An append-only log of row changes that knows what each of them had seen, in a
 * directory or in memory.
 *
 * All functions of a log but `causelog_log_free` may be called from several threads at
 * once. A transaction is visible and durable as a whole or not at all; an append that
 * fails has written nothing. If an internal failure or a failed sync strikes within an
 * append, the log closes itself: every call is then `CAUSELOG_CLOSED`, and opening it
 * again finds all that was acknowledged.
 */
typedef struct causelog_log causelog_log;

/**
 * A row id together with what it points to. Never changes.
 */
typedef struct causelog_owned_row_id causelog_owned_row_id;

/**
 * Which strategy decides which conflict: by table and class, else by table, else the default.
 *
 * Every replica that is to end in the same state needs the same registry;
 * `causelog_registry_fingerprint` tells. Strategies are passed as text, as
 * `causelog_resolution_kind` describes them. Use a registry that is being changed by one thread
 * at a time.
 */
typedef struct causelog_registry causelog_registry;

/**
 * What was removed from a log. Never changes.
 */
typedef struct causelog_removals causelog_removals;

/**
 * A log whose entries have a meaning: the rows that they make, and what became of every conflict.
 *
 * A replica owns its log. It records changes of its own node, takes in those of others, and says
 * what each row is now. Replicas that hold the same entries under the same rules show the same rows
 * and the same conflicts, byte for byte, in whatever order the entries came.
 *
 * All functions of a replica but `causelog_replica_free` may be called from several threads at once.
 * The program's resolvers are called without any lock.
 */
typedef struct causelog_replica causelog_replica;

/**
 * A row as a replica had it when it was asked. Never changes, and may be read from several threads at
 * once.
 */
typedef struct causelog_replica_row causelog_replica_row;

/**
 * All rows of a table as a replica had them when it was asked. Never changes.
 */
typedef struct causelog_replica_row_list causelog_replica_row_list;

/**
 * Which entries disagreed, who won, by which strategy, and why. Never changes, and may be
 * read from several threads at once.
 */
typedef struct causelog_report causelog_report;

/**
 * Reports of conflicts. Never changes, and may be read from several threads at once.
 */
typedef struct causelog_reports causelog_reports;

/**
 * A row as it stood at some moment. Never changes, and may outlive what it was asked of.
 */
typedef struct causelog_row causelog_row;

/**
 * What a resolver of the program is asked to decide. It lives until the resolver returns.
 */
typedef struct causelog_row_conflict causelog_row_conflict;

/**
 * The rows of a snapshot, or of a view as they were when it was asked, one after the other.
 * It may outlive either. Use it by one thread at a time.
 */
typedef struct causelog_row_cursor causelog_row_cursor;

/**
 * What a row is by its entries, and which conflicts made it so. Never changes, and may be read from
 * several threads at once.
 */
typedef struct causelog_row_resolution causelog_row_resolution;

/**
 * What a replica held of rows and conflicts when it was asked, in numbers. Never changes.
 */
typedef struct causelog_row_stats causelog_row_stats;

/**
 * What was copied out of a damaged log, and what could not be. Never changes.
 */
typedef struct causelog_salvage_report causelog_salvage_report;

/**
 * All rows of a table as they stood at one moment, in memory; nothing that is appended
 * later changes them, and it does not keep the log open.
 */
typedef struct causelog_snapshot causelog_snapshot;

/**
 * What a log held when it was asked, in numbers. Never changes.
 */
typedef struct causelog_stats causelog_stats;

/**
 * What an exchange did. Never changes.
 */
typedef struct causelog_sync_report causelog_sync_report;

/**
 * A time that stands still until it is moved: for tests, replays and simulations. Logs
 * and detectors that are given one keep it. May be used from several threads at once.
 */
typedef struct causelog_time causelog_time;

/**
 * A node's transaction in full: what replicas exchange. Never changes, and may be read
 * from several threads at once.
 *
 * It is named by its last dot and takes as many sequences of its node as it has changes,
 * and one if it has none.
 */
typedef struct causelog_transaction causelog_transaction;

/**
 * Whole transactions of a log in its order, read as they are asked for. It sees the log
 * as it was when it was made, and keeps it open also when the log's own handle is freed.
 * Use it by one thread at a time.
 */
typedef struct causelog_transaction_cursor causelog_transaction_cursor;

/**
 * What a check of a log has found. Never changes.
 */
typedef struct causelog_verify_report causelog_verify_report;

/**
 * A table as the log makes it, in memory: a read model that takes in what is new when told to.
 *
 * It shows the rows as they stood when it was last refreshed, each as `causelog_log_state_at`
 * says. All functions of a view but `causelog_view_free` may be called from several threads at
 * once; a refresh shows as a whole or not at all. Several calls in a row may see different
 * refreshes: use `causelog_view_snapshot` where they must agree. A view keeps the log open also
 * when the log's own handle is freed. Once the log is closed it still shows what it had.
 */
typedef struct causelog_view causelog_view;

/**
 * Conflicts, and how other rules would have decided them. Never changes, and may be read from several
 * threads at once.
 */
typedef struct causelog_what_ifs causelog_what_ifs;

/**
 * Writes in order, to be written together. Use it by one thread at a time.
 */
typedef struct causelog_writes causelog_writes;

/**
 * Text in UTF-8: a pointer and a length in bytes. It need not end in NUL, and may hold one.
 *
 * Passed to a function it is only read during the call. Returned by one it is borrowed:
 * it lives as long as the handle it was asked of, and is not freed.
 */
typedef struct causelog_text {
    /**
     * Where it begins. May be NULL if the length is 0.
     */
    const char *data;
    /**
     * Its length in bytes.
     */
    size_t length;
} causelog_text;

/**
 * Bytes: a pointer and a length. NULL means that there are none, which differs from
 * some of length 0 where they are optional, as the images of a change are.
 *
 * Borrowed in the same way as `causelog_text`.
 */
typedef struct causelog_bytes {
    /**
     * Where they begin.
     */
    const uint8_t *data;
    /**
     * How many there are.
     */
    size_t length;
} causelog_bytes;

/**
 * A UUID: 16 bytes in the order in which they are written. Nodes, logs and conflicts are named by one.
 */
typedef struct causelog_uuid {
    /**
     * The bytes, the first one written first.
     */
    uint8_t bytes[16];
} causelog_uuid;

/**
 * The identity of one change, everywhere: which node made it, and the how-manieth of
 * that node it is, from 1 without gaps. A transaction is named by its last dot.
 */
typedef struct causelog_dot {
    /**
     * The node that made the change.
     */
    struct causelog_uuid node;
    /**
     * The node's own counter.
     */
    uint64_t sequence;
} causelog_dot;

/**
 * The identity of a row within its table: a typed scalar, or a tuple of them. It comes
 * back as it went in: 42 is never "42", and a tuple of one is not its element.
 *
 * Passed to a function, what it points to is only read during the call. Returned by one,
 * it lives as long as the handle it was asked of. What its type does not use is zero.
 */
typedef struct causelog_row_id {
    /**
     * A `causelog_row_id_type`.
     */
    int32_t type;
    /**
     * The value of an integer.
     */
    int64_t integer;
    /**
     * The bytes of a text, of bytes, and of a UUID.
     */
    const void *data;
    /**
     * How many bytes there are at `data`; 16 of a UUID.
     */
    size_t length;
    /**
     * The elements of a tuple, none of them a tuple itself.
     */
    const struct causelog_row_id *elements;
    /**
     * How many elements a tuple has.
     */
    size_t element_count;
} causelog_row_id;

/**
 * One string of metadata: who made a change, or why.
 */
typedef struct causelog_metadata {
    /**
     * What it is about.
     */
    struct causelog_text key;
    /**
     * What it says.
     */
    struct causelog_text value;
} causelog_metadata;

/**
 * One row change. Begin with `CAUSELOG_CHANGE_INIT`, or one of `causelog_change_insert`,
 * `causelog_change_update`, `causelog_change_delete`.
 *
 * Passed to a function, what it points to is only read during the call. Returned by one,
 * it lives as long as the handle it was asked of.
 */
typedef struct causelog_change {
    /**
     * The size of this struct: `sizeof(causelog_change)`.
     */
    size_t size;
    /**
     * The table's name: 1 to 1024 bytes.
     */
    struct causelog_text table;
    /**
     * The row within the table; at most 65536 bytes encoded.
     */
    struct causelog_row_id row_id;
    /**
     * What happens to the row: a `causelog_operation`.
     */
    int32_t operation;
    /**
     * The row's payload before the change, as its author saw it; never on an insert.
     */
    struct causelog_bytes before;
    /**
     * The row's payload after the change; never on a delete.
     */
    struct causelog_bytes after;
    /**
     * Small strings for an audit, at most 65536 bytes in all. Of a key that stands here
     * twice the last value counts. NULL if there are none.
     */
    const struct causelog_metadata *metadata;
    /**
     * How many there are.
     */
    size_t metadata_count;
} causelog_change;

/**
 * What an entry is made of, to use the detector without a log. Begin with `CAUSELOG_ENTRY_FIELDS_INIT`.
 */
typedef struct causelog_entry_fields {
    /**
     * The size of this struct: `sizeof(causelog_entry_fields)`.
     */
    size_t size;
    /**
     * Its position in a log; 0 if it was in none.
     */
    uint64_t lsn;
    /**
     * The identity of the change; its sequence is 1 or higher.
     */
    struct causelog_dot dot;
    /**
     * What the author had seen when making the change, and the change itself. It is copied.
     */
    const struct causelog_clock *vector_clock;
    /**
     * When the change was made, in nanoseconds since the Unix epoch.
     */
    int64_t timestamp;
    /**
     * The name of its transaction; with sequence 0, the change is a transaction of its own.
     */
    struct causelog_dot transaction;
    /**
     * What changed. It is copied.
     */
    const struct causelog_change *change;
    /**
     * A `causelog_verdict`.
     */
    int32_t verdict;
} causelog_entry_fields;

/**
 * How a log is opened. Begin with `CAUSELOG_LOG_OPTIONS_INIT`; what is zero or NULL means the default.
 */
typedef struct causelog_log_options {
    /**
     * The size of this struct: `sizeof(causelog_log_options)`.
     */
    size_t size;
    /**
     * The identity that a new log takes; by default a random one. A log that exists keeps
     * its own: naming one that it never had is `CAUSELOG_INVALID_ARGUMENT`.
     */
    const struct causelog_uuid *node;
    /**
     * When an append returns: a `causelog_durability`.
     */
    int32_t durability;
    /**
     * Not zero: only to read, beside a writer in any process or without one. Appends are then
     * `CAUSELOG_READ_ONLY`, and what the writer appends is seen as it comes.
     */
    int32_t read_only;
    /**
     * How long entries may lie in the operating system's hands under
     * `CAUSELOG_DURABILITY_INTERVAL`, in nanoseconds, at least 1; by default 100 milliseconds.
     */
    const uint64_t *sync_interval;
    /**
     * How far a remote timestamp may lie ahead of local time, in nanoseconds; by default 2 minutes.
     */
    const uint64_t *maximum_clock_skew;
    /**
     * From how many bytes on a segment, a file of the log, is sealed and the next one begun:
     * 4096 to 1073741824; 0 for the default, 67108864.
     */
    uint64_t segment_bytes;
    /**
     * Where the time comes from; by default the system's clock. The log keeps it alive.
     */
    const struct causelog_time *time;
    /**
     * Not zero: sealed segments are read through a memory map instead of `pread`, and small transactions written
     * through one where appends do not sync. Scans then copy nothing and such appends make no system call, but
     * should the disk fail, or somebody cut a file from outside, the process gets a
     * SIGBUS instead of an error. `causelog_log_verify` never reads so.
     */
    int32_t memory_map;
} causelog_log_options;

/**
 * What an append did.
 */
typedef struct causelog_appended {
    /**
     * The name of the transaction: the dot of its last change.
     */
    struct causelog_dot transaction;
    /**
     * What it was stamped with, in nanoseconds since the Unix epoch.
     */
    int64_t timestamp;
    /**
     * LSN of its first entry; 0 if it has no changes.
     */
    uint64_t first_lsn;
    /**
     * LSN of its last entry; 0 if it has no changes.
     */
    uint64_t last_lsn;
    /**
     * Whether the log held the transaction already, so that nothing was written.
     */
    bool duplicate;
} causelog_appended;

/**
 * Entries of one table by operation.
 */
typedef struct causelog_table_stats {
    /**
     * The table's name, as long as the stats live.
     */
    struct causelog_text table;
    /**
     * Entries that insert a row.
     */
    uint64_t inserts;
    /**
     * Entries that update a row.
     */
    uint64_t updates;
    /**
     * Entries that delete a row.
     */
    uint64_t deletes;
} causelog_table_stats;

/**
 * How far a consumer has come.
 */
typedef struct causelog_consumer_status {
    /**
     * Its name, as long as the list or the stats live that it is from.
     */
    struct causelog_text name;
    /**
     * LSN of the last entry that it has committed; 0 before the first.
     */
    uint64_t position;
    /**
     * How many LSNs the log has after that: entries it has yet to commit, and ones that were
     * removed before it could.
     */
    uint64_t lag;
} causelog_consumer_status;

/**
 * Which entries to read, and how. Begin with `CAUSELOG_QUERY_OPTIONS_INIT`, which asks
 * for the whole log; every field that is not zero or NULL narrows the answer. *Since* is
 * what you have already, *until* what you still want.
 */
typedef struct causelog_query_options {
    /**
     * The size of this struct: `sizeof(causelog_query_options)`.
     */
    size_t size;
    /**
     * Only entries of these tables.
     */
    const struct causelog_text *tables;
    /**
     * How many tables there are; 0 for all.
     */
    size_t table_count;
    /**
     * Only entries of rows with this id.
     */
    const struct causelog_row_id *row_id;
    /**
     * Only entries with this operation: a `causelog_operation`.
     */
    int32_t operation;
    /**
     * Not zero: from the last entry to the first.
     */
    int32_t reverse;
    /**
     * Only entries that this node made.
     */
    const struct causelog_uuid *node;
    /**
     * Only entries of the transaction with this name: the dot of its last change. No other
     * dot names it, so any other finds nothing.
     */
    const struct causelog_dot *transaction;
    /**
     * Only entries that this clock does not cover: what someone who has seen that much lacks.
     * It may cover the first changes of a transaction and not the others.
     */
    const struct causelog_clock *unseen_by;
    /**
     * Only entries after this LSN: the last one that was handled, or 0.
     */
    uint64_t since;
    /**
     * Only entries up to and including this LSN.
     */
    const uint64_t *until;
    /**
     * Only entries stamped after this moment, in nanoseconds since the Unix epoch. Do not
     * checkpoint by time: several entries can have one timestamp, and a remote one can
     * arrive late. Use `since`.
     */
    const int64_t *since_time;
    /**
     * Only entries stamped up to and including this moment.
     */
    const int64_t *until_time;
    /**
     * At most so many entries.
     */
    const uint64_t *limit;
} causelog_query_options;

/**
 * How much of a log counts when it is asked how things stood. All zeros mean now.
 *
 * An LSN is exact: it names a prefix of this log, the same one whenever it is asked for. A
 * time is not: several entries can have one timestamp, and then all of them count or none;
 * a remote entry can arrive late with an early timestamp, and the answer for that time is
 * another from then on.
 */
typedef struct causelog_moment {
    /**
     * A `causelog_moment_kind`.
     */
    int32_t kind;
    /**
     * The LSN of `CAUSELOG_MOMENT_LSN`; else unused.
     */
    uint64_t lsn;
    /**
     * The time of `CAUSELOG_MOMENT_TIME`, in nanoseconds since the Unix epoch; else unused.
     */
    int64_t timestamp;
} causelog_moment;

/**
 * How much of a log is kept. Begin with `CAUSELOG_RETENTION_POLICY_INIT`, which keeps all.
 *
 * Entries are removed by whole segments, oldest first; so somewhat more is kept than the
 * rules ask for, and the segment that is being written unless all of it is too old. What several rules remove is
 * removed by the first of them.
 */
typedef struct causelog_retention_policy {
    /**
     * The size of this struct: `sizeof(causelog_retention_policy)`.
     */
    size_t size;
    /**
     * Entries older than this, in nanoseconds, are removed once all of their segment are; by
     * default age does not matter.
     */
    const uint64_t *max_age;
    /**
     * While the segments take more bytes than this, the oldest is removed; by default size
     * does not matter.
     */
    const uint64_t *max_bytes;
    /**
     * Entries that some consumer has not committed are kept while they and all after them take
     * no more than so many bytes; by default there is no such limit.
     */
    const uint64_t *unread_bytes;
} causelog_retention_policy;

/**
 * What compaction may remove. Begin with `CAUSELOG_COMPACTION_OPTIONS_INIT`: of all tables,
 * and there are no other replicas.
 */
typedef struct causelog_compaction_options {
    /**
     * The size of this struct: `sizeof(causelog_compaction_options)`.
     */
    size_t size;
    /**
     * Only rows of these tables.
     */
    const struct causelog_text *tables;
    /**
     * How many tables there are; 0 for all.
     */
    size_t table_count;
    /**
     * The frontiers of all other replicas, as last heard of. What one of them has not seen is
     * kept, with all that is needed to resolve conflicts with it.
     */
    const struct causelog_clock *const *known;
    /**
     * How many frontiers there are.
     */
    size_t known_count;
} causelog_compaction_options;

/**
 * The record of something that a log no longer holds, kept for as long as the log.
 */
typedef struct causelog_removal {
    /**
     * Why it was removed.
     */
    causelog_removal_reason reason;
    /**
     * When, by the log's time source, in nanoseconds since the Unix epoch.
     */
    int64_t at;
    /**
     * LSN of the first entry removed.
     */
    uint64_t first_lsn;
    /**
     * LSN of the last entry removed. Age and bytes remove all between; compaction some.
     */
    uint64_t last_lsn;
    /**
     * How many entries were removed.
     */
    uint64_t entries;
    /**
     * By how many bytes that made the log's files shorter.
     */
    uint64_t bytes;
    /**
     * The rule that was applied, in words, as long as the list lives.
     */
    struct causelog_text detail;
} causelog_removal;

/**
 * Something in a log's files that is damaged. Borrowed: what it points to lives as long as the
 * report it was asked of.
 */
typedef struct causelog_finding {
    /**
     * Name of the file.
     */
    struct causelog_text file;
    /**
     * Where in it, in bytes; NULL when that cannot be told.
     */
    const uint64_t *offset;
    /**
     * What is wrong, in words.
     */
    struct causelog_text message;
} causelog_finding;

/**
 * Dots: a pointer and a count. NULL means that there are none, which differs from some of
 * length 0 where they are optional: a write that expects the heads of a row that never was
 * points somewhere and has length 0.
 *
 * Borrowed in the same way as `causelog_text`.
 */
typedef struct causelog_dots {
    /**
     * Where they begin.
     */
    const struct causelog_dot *data;
    /**
     * How many there are.
     */
    size_t length;
} causelog_dots;

/**
 * The name of a custom resolver, and its version.
 */
typedef struct causelog_custom_resolver {
    /**
     * The name, as long as the list lives.
     */
    struct causelog_text name;
    /**
     * The version.
     */
    uint32_t version;
} causelog_custom_resolver;

/**
 * What is decided about a row in conflict. What its type does not use is ignored.
 *
 * Passed to a function, what it points to is only read during the call.
 */
typedef struct causelog_decision {
    /**
     * A `causelog_decision_type`.
     */
    int32_t type;
    /**
     * The head that wins.
     */
    struct causelog_dot head;
    /**
     * The payload that the row takes.
     */
    struct causelog_bytes value;
} causelog_decision;

/**
 * A function of the program that decides conflicts: it looks at `conflict` and answers by
 * `causelog_answer_decide` or `causelog_answer_fail`; without an answer it has failed. `context` is
 * what was registered with it.
 *
 * It must be a pure function of the conflict: every replica calls its own, and all must come to one
 * answer. It may read the replica that calls it; writing to it there is `CAUSELOG_RESOLVER_FAILED`. It
 * must return: no `longjmp` and no C++ exception may leave it, and it must not free the replica.
 *
 * It is called by whichever thread uses the replica, within the call, and by several at once.
 */
typedef void (*causelog_resolver_function)(void *context,
                                           const struct causelog_row_conflict *conflict,
                                           struct causelog_answer *answer);

/**
 * A function of the program that ends the `context` of a resolver.
 */
typedef void (*causelog_destroy_function)(void *context);

/**
 * A resolver of the program, for `{"kind":"custom","name":...,"version":...}`.
 */
typedef struct causelog_resolver {
    /**
     * Under which name it decides.
     */
    struct causelog_text name;
    /**
     * Its version: another one may decide differently, and is another rule.
     */
    uint32_t version;
    /**
     * The function.
     */
    causelog_resolver_function resolve;
    /**
     * What the function is handed; may be NULL.
     */
    void *context;
    /**
     * What is called with `context`, once for each registration that succeeded, when the function
     * will not be called by it any more: at the latest when the replica is freed, at the earliest
     * by the call that registers another function in its place. Never from within the function. May
     * be NULL.
     */
    causelog_destroy_function destroy;
} causelog_resolver;

/**
 * How a replica is opened. Begin with `CAUSELOG_REPLICA_OPTIONS_INIT`; what is zero or NULL means
 * the default.
 */
typedef struct causelog_replica_options {
    /**
     * The size of this struct: `sizeof(causelog_replica_options)`.
     */
    size_t size;
    /**
     * How its log is opened. A replica cannot be opened for reading only: open its log so.
     */
    const struct causelog_log_options *log;
    /**
     * The rules by which conflicts are resolved, which are copied. By default they stay as they were
     * last set; a new replica resolves everything by `last_write_wins`.
     */
    const struct causelog_registry *registry;
    /**
     * Functions that decide conflicts; see `causelog_replica_register_resolver`.
     */
    const struct causelog_resolver *resolvers;
    /**
     * How many there are.
     */
    size_t resolver_count;
    /**
     * Not zero, as by default: a function that decides conflicts is called once more with the heads
     * in another order, and has failed if it answers differently.
     */
    const int32_t *check_resolvers;
    /**
     * How much memory histories of rows in conflict may take, in bytes; by default 16777216.
     */
    const uint64_t *history_memory;
} causelog_replica_options;

/**
 * One change of a row to be written, and what its writer takes the row to be. Begin with
 * `CAUSELOG_WRITE_INIT`, or one of `causelog_write_insert`, `causelog_write_update`,
 * `causelog_write_delete`. What it points to is only read during the call.
 */
typedef struct causelog_write {
    /**
     * The size of this struct: `sizeof(causelog_write)`.
     */
    size_t size;
    /**
     * The table's name.
     */
    struct causelog_text table;
    /**
     * The row within the table.
     */
    struct causelog_row_id row_id;
    /**
     * What happens to the row: a `causelog_operation`.
     */
    int32_t operation;
    /**
     * The row's payload after it; never on a delete.
     */
    struct causelog_bytes after;
    /**
     * The dots of the heads that the writer has read, in any order: the write is refused when the row
     * has others by now. No dots, but not NULL, expect a row that never was. NULL expects nothing.
     */
    struct causelog_dots expected;
    /**
     * Small strings for an audit: who, why. Of a key that stands here twice the last value counts.
     * NULL if there are none.
     */
    const struct causelog_metadata *metadata;
    /**
     * How many there are.
     */
    size_t metadata_count;
} causelog_write;

/**
 * A transaction that could not be taken in, and why. Nothing of it was written; it can come again.
 */
typedef struct causelog_skipped_transaction {
    /**
     * The name of the transaction.
     */
    struct causelog_dot transaction;
    /**
     * Why: `CAUSELOG_CLOCK_SKEW` when its time has not come yet, `CAUSELOG_DOT_REUSE` when the replica
     * holds something else under its dots, `CAUSELOG_MISSING_DEPENDENCY` when it follows on one that
     * was skipped, `CAUSELOG_INVALID_ARGUMENT` or `CAUSELOG_TOO_LARGE` when it cannot be right.
     */
    causelog_status status;
    /**
     * The same for people, as long as the report lives.
     */
    struct causelog_text message;
} causelog_skipped_transaction;

/**
 * Which conflicts to report. Begin with `CAUSELOG_CONFLICT_QUERY_INIT`, which asks for all; every
 * field that is not zero or NULL narrows the answer.
 */
typedef struct causelog_conflict_query {
    /**
     * The size of this struct: `sizeof(causelog_conflict_query)`.
     */
    size_t size;
    /**
     * Only those of this table.
     */
    const struct causelog_text *table;
    /**
     * Only those of rows with this id, in whichever table.
     */
    const struct causelog_row_id *row_id;
    /**
     * Only those of this class: a `causelog_conflict_class`.
     */
    int32_t conflict_class;
    /**
     * Only those that are settled if it points to a number that is not zero, only those that stand if
     * it points to zero.
     */
    const int32_t *settled;
    /**
     * Of the settled ones only those that an entry after this LSN settled: the last one that was
     * handled, or 0.
     */
    uint64_t since;
    /**
     * At most so many.
     */
    const uint64_t *limit;
} causelog_conflict_query;

/**
 * Who has taken up an item of the inbox.
 */
typedef struct causelog_claim {
    /**
     * A name, of a person or a job, as long as the inbox lives.
     */
    struct causelog_text by;
    /**
     * When, in nanoseconds since the Unix epoch.
     */
    int64_t at;
} causelog_claim;

/**
 * What became of a row. What it points to lives as long as the changes that it is one of.
 */
typedef struct causelog_effective_change {
    /**
     * Where somebody goes on who has handled this change and all others of its transaction.
     */
    struct causelog_text position;
    /**
     * The transaction that did it; zeros if it was a change of rules.
     */
    struct causelog_dot transaction;
    /**
     * When that transaction was made, by its author's clock, in nanoseconds since the Unix epoch; of a
     * change of rules, that of the last entry before it.
     */
    int64_t timestamp;
    /**
     * The table.
     */
    struct causelog_text table;
    /**
     * The row within the table.
     */
    struct causelog_row_id row_id;
    /**
     * What happened to the row, whatever the entry that caused it was.
     */
    causelog_operation operation;
    /**
     * The row's payload before; `data` is NULL if it was not there, or has none.
     */
    struct causelog_bytes before;
    /**
     * The row's payload after; `data` is NULL if it is not there, or has none.
     */
    struct causelog_bytes after;
} causelog_effective_change;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that is loaded, such as `"0.1.0"`: NUL-terminated, never freed.
 * `CAUSELOG_VERSION` is that of the header.
 */
const char *causelog_version(void);

/**
 * How many handles exist in this process: made and not yet freed, errors and buffers
 * among them, what is borrowed from another handle not. A program that has freed
 * everything sees 0; tests use it to find leaks.
 */
size_t causelog_live_handles(void);

/**
 * The name of a status, such as `"NOT_FOUND"`; `"OK"` of success, `"UNKNOWN"` of a number
 * that is no status. NUL-terminated, never freed.
 */
const char *causelog_status_name(int32_t status);

/**
 * Whether the same call can succeed later with nothing changed by the caller.
 */
bool causelog_status_is_retryable(int32_t status);

/**
 * The status that the failed call returned; `CAUSELOG_OK` of NULL.
 */
causelog_status causelog_error_status(const struct causelog_error *error);

/**
 * What was wrong and with which value, in UTF-8, NUL-terminated, as long as the error
 * lives. Its wording may change: branch on the status. Empty of NULL.
 */
const char *causelog_error_message(const struct causelog_error *error);

/**
 * Whether the same call can succeed later with nothing changed by the caller.
 */
bool causelog_error_is_retryable(const struct causelog_error *error);

/**
 * Frees an error; NULL is fine.
 */
void causelog_error_free(struct causelog_error *error);

/**
 * A NUL-terminated text as pointer and length; of NULL, an empty one. Nothing is copied.
 */
struct causelog_text causelog_text_from(const char *text);

/**
 * The bytes of a NUL-terminated text, without the NUL; of NULL, none. Nothing is copied.
 */
struct causelog_bytes causelog_bytes_from(const char *text);

/**
 * What the buffer holds, as long as it lives. None of NULL.
 */
struct causelog_bytes causelog_buffer_bytes(const struct causelog_buffer *buffer);

/**
 * What the buffer holds, as text that ends in NUL, as long as it lives. Empty of NULL.
 * Only buffers that the function describes as text hold some.
 */
const char *causelog_buffer_text(const struct causelog_buffer *buffer);

/**
 * Frees a buffer; NULL is fine.
 */
void causelog_buffer_free(struct causelog_buffer *buffer);

/**
 * Reads a UUID in its usual forms, such as `6ba7b810-9dad-11d1-80b4-00c04fd430c8`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the text is none.
 */
causelog_status causelog_uuid_parse(struct causelog_text text,
                                    struct causelog_uuid *uuid,
                                    struct causelog_error **error);

/**
 * Writes a UUID in hyphenated lower case, NUL-terminated, into `*text`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `text` is NULL.
 */
causelog_status causelog_uuid_format(struct causelog_uuid uuid,
                                     char (*text)[37],
                                     struct causelog_error **error);

/**
 * Reads a dot: a UUID, a colon, and the sequence.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the text is none.
 */
causelog_status causelog_dot_parse(struct causelog_text text,
                                   struct causelog_dot *dot,
                                   struct causelog_error **error);

/**
 * Writes a dot as `node:sequence`, NUL-terminated, into `*text`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `text` is NULL.
 */
causelog_status causelog_dot_format(struct causelog_dot dot,
                                    char (*text)[58],
                                    struct causelog_error **error);

/**
 * Reads an RFC 3339 time, with any offset and up to nine digits of a second, as
 * nanoseconds since the Unix epoch.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the text is none, or lies outside the
 * years 1677 to 2262.
 */
causelog_status causelog_timestamp_parse(struct causelog_text text,
                                         int64_t *timestamp,
                                         struct causelog_error **error);

/**
 * Writes nanoseconds since the Unix epoch as RFC 3339 in UTC, with as many digits of a
 * second as it takes (none, 3, 6 or 9), NUL-terminated, into `*text`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `text` is NULL.
 */
causelog_status causelog_timestamp_format(int64_t timestamp,
                                          char (*text)[31],
                                          struct causelog_error **error);

/**
 * A time that stands at `now`, in nanoseconds since the Unix epoch. Free it with `causelog_time_free`.
 */
struct causelog_time *causelog_time_new(int64_t now);

/**
 * Where the time stands, in nanoseconds since the Unix epoch; 0 of NULL.
 */
int64_t causelog_time_now(const struct causelog_time *time);

/**
 * Moves the time to `now`, forwards or backwards.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `time` is NULL.
 */
causelog_status causelog_time_set(const struct causelog_time *time,
                                  int64_t now,
                                  struct causelog_error **error);

/**
 * Moves the time by this many nanoseconds; a negative number moves it back.
 *
 * Fails with `CAUSELOG_TOO_LARGE` when that leaves the range of a timestamp; the time stays.
 */
causelog_status causelog_time_advance(const struct causelog_time *time,
                                      int64_t nanoseconds,
                                      struct causelog_error **error);

/**
 * Frees a time; logs and detectors that use it go on using it. NULL is fine.
 */
void causelog_time_free(struct causelog_time *time);

/**
 * A clock that has seen nothing. Free it with `causelog_hybrid_clock_free`.
 */
struct causelog_hybrid_clock *causelog_hybrid_clock_new(void);

/**
 * The timestamp of a local event that happens when the wall clock shows `now`:
 * the larger of `now` and the latest timestamp + 1.
 *
 * Fails with `CAUSELOG_TOO_LARGE` when the clock stands at the end of its range.
 */
causelog_status causelog_hybrid_clock_tick(struct causelog_hybrid_clock *clock,
                                           int64_t now,
                                           int64_t *timestamp,
                                           struct causelog_error **error);

/**
 * Takes note of a remote event's timestamp.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `clock` is NULL.
 */
causelog_status causelog_hybrid_clock_observe(struct causelog_hybrid_clock *clock,
                                              int64_t remote,
                                              struct causelog_error **error);

/**
 * Whether the clock has given out or seen a timestamp; `*timestamp` becomes the latest
 * one then. `timestamp` may be NULL.
 */
bool causelog_hybrid_clock_last(const struct causelog_hybrid_clock *clock, int64_t *timestamp);

/**
 * Frees a clock; NULL is fine.
 */
void causelog_hybrid_clock_free(struct causelog_hybrid_clock *clock);

/**
 * The clock of someone who has seen nothing. Free it with `causelog_clock_free`.
 */
struct causelog_clock *causelog_clock_new(void);

/**
 * A clock of `count` nodes and sequences, in any order. Zeros are dropped; of a node
 * named twice the higher sequence counts. Free it with `causelog_clock_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `entries` is NULL and `count` is not 0.
 */
causelog_status causelog_clock_from_entries(const struct causelog_dot *entries,
                                            size_t count,
                                            struct causelog_clock **clock,
                                            struct causelog_error **error);

/**
 * A copy of a clock, to keep one that is borrowed or to change it. NULL of NULL. Free it
 * with `causelog_clock_free`.
 */
struct causelog_clock *causelog_clock_clone(const struct causelog_clock *clock);

/**
 * Counts one more event of `node`; `*sequence` becomes its sequence. `sequence` may be NULL.
 *
 * Fails with `CAUSELOG_TOO_LARGE` when the counter is at its end; the clock stays as it is.
 */
causelog_status causelog_clock_increment(struct causelog_clock *clock,
                                         struct causelog_uuid node,
                                         uint64_t *sequence,
                                         struct causelog_error **error);

/**
 * Takes note that `node`'s changes up to `sequence` have been seen. A lower sequence changes nothing.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `clock` is NULL.
 */
causelog_status causelog_clock_advance(struct causelog_clock *clock,
                                       struct causelog_uuid node,
                                       uint64_t sequence,
                                       struct causelog_error **error);

/**
 * Takes in all that `other` has seen. Both may be the same clock.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `clock` or `other` is NULL.
 */
causelog_status causelog_clock_merge(struct causelog_clock *clock,
                                     const struct causelog_clock *other,
                                     struct causelog_error **error);

/**
 * The highest sequence of `node` that has been seen; 0 if none, and of NULL.
 */
uint64_t causelog_clock_get(const struct causelog_clock *clock, struct causelog_uuid node);

/**
 * Whether the change with this dot has been seen: one look-up. False of NULL.
 *
 * Of any two entries, the first happened before the second exactly when they are not
 * the same and the second one's clock covers the first one's dot.
 */
bool causelog_clock_covers(const struct causelog_clock *clock, struct causelog_dot dot);

/**
 * How `clock` stands to `other`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_clock_compare(const struct causelog_clock *clock,
                                       const struct causelog_clock *other,
                                       causelog_causality *causality,
                                       struct causelog_error **error);

/**
 * Whether all that `clock` has seen, and less than all, is in `other`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_clock_happens_before(const struct causelog_clock *clock,
                                              const struct causelog_clock *other,
                                              bool *answer,
                                              struct causelog_error **error);

/**
 * Whether each of the two has seen something that the other has not. Equal clocks do not conflict.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_clock_conflicts_with(const struct causelog_clock *clock,
                                              const struct causelog_clock *other,
                                              bool *answer,
                                              struct causelog_error **error);

/**
 * How many nodes have been seen; 0 of NULL.
 */
size_t causelog_clock_length(const struct causelog_clock *clock);

/**
 * The node and sequence at this place, ascending by node, from 0; zeros beyond the length.
 */
struct causelog_dot causelog_clock_entry(const struct causelog_clock *clock, size_t index);

/**
 * The canonical binary form: equal clocks give equal bytes. Free the buffer with `causelog_buffer_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_clock_to_bytes(const struct causelog_clock *clock,
                                        struct causelog_buffer **bytes,
                                        struct causelog_error **error);

/**
 * The clock that these bytes stand for. Free it with `causelog_clock_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` for anything but what `causelog_clock_to_bytes` gives.
 */
causelog_status causelog_clock_from_bytes(struct causelog_bytes bytes,
                                          struct causelog_clock **clock,
                                          struct causelog_error **error);

/**
 * The JSON form as text: an object of sequences by node, ascending, without spaces. Free
 * the buffer with `causelog_buffer_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_clock_to_json(const struct causelog_clock *clock,
                                       struct causelog_buffer **json,
                                       struct causelog_error **error);

/**
 * The clock of this JSON object, its keys in any order; zeros are dropped. Free it with
 * `causelog_clock_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` for anything but an object of whole numbers from
 * 0 to 2^64 - 1 by UUID.
 */
causelog_status causelog_clock_from_json(struct causelog_text json,
                                         struct causelog_clock **clock,
                                         struct causelog_error **error);

/**
 * The clock as text for people: `{node: sequence, ...}`, ascending by node. Free the
 * buffer with `causelog_buffer_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_clock_to_text(const struct causelog_clock *clock,
                                       struct causelog_buffer **text,
                                       struct causelog_error **error);

/**
 * Frees a clock that is not borrowed; NULL is fine.
 */
void causelog_clock_free(struct causelog_clock *clock);

/**
 * The row id of an integer.
 */
struct causelog_row_id causelog_row_id_from_integer(int64_t integer);

/**
 * The row id of a text, which it points to.
 */
struct causelog_row_id causelog_row_id_from_text(struct causelog_text text);

/**
 * The row id of bytes, which it points to.
 */
struct causelog_row_id causelog_row_id_from_bytes(struct causelog_bytes bytes);

/**
 * The row id of a UUID, which it points to.
 */
struct causelog_row_id causelog_row_id_from_uuid(const struct causelog_uuid *uuid);

/**
 * The row id of a tuple of `count` elements, which it points to.
 */
struct causelog_row_id causelog_row_id_from_elements(const struct causelog_row_id *elements,
                                                     size_t count);

/**
 * The bytes that stand for a row id in the log; their order is the order of the values.
 * Two row ids are the same when their bytes are. Free the buffer with `causelog_buffer_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the row id is malformed.
 */
causelog_status causelog_row_id_encode(const struct causelog_row_id *row_id,
                                       struct causelog_buffer **bytes,
                                       struct causelog_error **error);

/**
 * A row id as reports show it: `42`, `"text"`, `x'00ff'`, a bare UUID, `(42, "a")`. Free
 * the buffer, which holds text, with `causelog_buffer_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the row id is malformed.
 */
causelog_status causelog_row_id_to_text(const struct causelog_row_id *row_id,
                                        struct causelog_buffer **text,
                                        struct causelog_error **error);

/**
 * The row id that these bytes stand for. Free it with `causelog_owned_row_id_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when they are not what `causelog_row_id_encode` gives.
 */
causelog_status causelog_row_id_decode(struct causelog_bytes bytes,
                                       struct causelog_owned_row_id **row_id,
                                       struct causelog_error **error);

/**
 * The row id, as long as what owns it lives; NULL of NULL.
 */
const struct causelog_row_id *causelog_owned_row_id_get(const struct causelog_owned_row_id *row_id);

/**
 * Frees a row id; NULL is fine.
 */
void causelog_owned_row_id_free(struct causelog_owned_row_id *row_id);

/**
 * The name of an operation, as in every language: `"insert"`, `"update"`, `"delete"`;
 * `"unknown"` of anything else. NUL-terminated, never freed.
 */
const char *causelog_operation_name(int32_t operation);

/**
 * The operation with this name.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when there is none.
 */
causelog_status causelog_operation_parse(struct causelog_text name,
                                         causelog_operation *operation,
                                         struct causelog_error **error);

/**
 * The name of a causality: `"equal"`, `"before"`, `"after"`, `"concurrent"`; `"unknown"`
 * of anything else. NUL-terminated, never freed.
 */
const char *causelog_causality_name(int32_t causality);

/**
 * The name of a verdict: `"applied"`, `"superseded"`, `"merged"`; `"unknown"` of anything
 * else. NUL-terminated, never freed.
 */
const char *causelog_verdict_name(int32_t verdict);

/**
 * The name of a durability: `"sync"`, `"interval"`, `"os"`; `"unknown"` of anything else.
 * NUL-terminated, never freed.
 */
const char *causelog_durability_name(int32_t durability);

/**
 * The name of a removal's reason: `"age"`, `"bytes"`, `"compaction"`; `"unknown"` of anything
 * else. NUL-terminated, never freed.
 */
const char *causelog_removal_reason_name(int32_t reason);

/**
 * The name of a conflict type, such as `"update_delete"`; `"unknown"` of anything else.
 * NUL-terminated, never freed.
 */
const char *causelog_conflict_type_name(int32_t conflict_type);

/**
 * The name of a conflict class, such as `"update_delete"`; `"unknown"` of anything else.
 * NUL-terminated, never freed.
 */
const char *causelog_conflict_class_name(int32_t conflict_class);

/**
 * The name of a reason code, such as `"later_timestamp"`; `"unknown"` of anything else.
 * NUL-terminated, never freed.
 */
const char *causelog_reason_code_name(int32_t reason_code);

/**
 * The name of a side: `"local"`, `"remote"`; `"unknown"` of anything else.
 * NUL-terminated, never freed.
 */
const char *causelog_side_name(int32_t side);

/**
 * The name of a winner's kind: `"head"`, `"merged"`, `"pending"`; `"unknown"` of anything
 * else. NUL-terminated, never freed.
 */
const char *causelog_winner_type_name(int32_t winner_type);

/**
 * The name of a row's state: `"resolved"`, `"pending"`, `"unresolved"`; `"unknown"` of
 * anything else. NUL-terminated, never freed.
 */
const char *causelog_row_state_name(int32_t row_state);

/**
 * The shape of two operations.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when one of them is no operation.
 */
causelog_status causelog_conflict_type_of(int32_t local,
                                          int32_t remote,
                                          causelog_conflict_type *conflict_type,
                                          struct causelog_error **error);

/**
 * The shape that the other side sees.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `conflict_type` is none.
 */
causelog_status causelog_conflict_type_mirror(int32_t conflict_type,
                                              causelog_conflict_type *mirror,
                                              struct causelog_error **error);

/**
 * The local and the remote operation of a shape.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `conflict_type` is none.
 */
causelog_status causelog_conflict_type_operations(int32_t conflict_type,
                                                  causelog_operation *local,
                                                  causelog_operation *remote,
                                                  struct causelog_error **error);

/**
 * The class of a shape, which is the same from both sides.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `conflict_type` is none.
 */
causelog_status causelog_conflict_type_class(int32_t conflict_type,
                                             causelog_conflict_class *conflict_class,
                                             struct causelog_error **error);

/**
 * The class of `count` operations together; `CAUSELOG_CONFLICT_CLASS_NONE` of no operation.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when one of them is no operation.
 */
causelog_status causelog_conflict_class_of(const int32_t *operations,
                                           size_t count,
                                           causelog_conflict_class *conflict_class,
                                           struct causelog_error **error);

/**
 * The row comes into being with the payload `after`. Nothing is copied: the change points to its parts.
 */
struct causelog_change causelog_change_insert(struct causelog_text table,
                                              struct causelog_row_id row_id,
                                              struct causelog_bytes after);

/**
 * The row's payload goes from `before` to `after`. Nothing is copied: the change points to its parts.
 */
struct causelog_change causelog_change_update(struct causelog_text table,
                                              struct causelog_row_id row_id,
                                              struct causelog_bytes before,
                                              struct causelog_bytes after);

/**
 * The row, whose payload was `before`, ends. Nothing is copied: the change points to its parts.
 */
struct causelog_change causelog_change_delete(struct causelog_text table,
                                              struct causelog_row_id row_id,
                                              struct causelog_bytes before);

/**
 * A batch without changes. Free it with `causelog_changes_free`.
 */
struct causelog_changes *causelog_changes_new(void);

/**
 * Copies one more change into the batch.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` for a change that is malformed, or that no log
 * takes: an empty table name, an insert with a `before`, a delete with an `after`, an
 * empty tuple as row id; with `CAUSELOG_TOO_LARGE` for a table name, row id or metadata
 * beyond its limit. The batch stays as it is then.
 */
causelog_status causelog_changes_add(struct causelog_changes *changes,
                                     const struct causelog_change *change,
                                     struct causelog_error **error);

/**
 * How many changes the batch has; 0 of NULL.
 */
size_t causelog_changes_count(const struct causelog_changes *changes);

/**
 * Takes all changes out of the batch, so that it can be filled again.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `changes` is NULL.
 */
causelog_status causelog_changes_clear(struct causelog_changes *changes,
                                       struct causelog_error **error);

/**
 * Frees a batch; NULL is fine.
 */
void causelog_changes_free(struct causelog_changes *changes);

/**
 * An entry from its parts. Free it with `causelog_entry_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when a part is missing or malformed.
 */
causelog_status causelog_entry_new(const struct causelog_entry_fields *fields,
                                   struct causelog_entry **entry,
                                   struct causelog_error **error);

/**
 * A copy of an entry, to keep one that is borrowed. Free it with `causelog_entry_free`.
 *
 * Fails as `causelog_entry_vector_clock` does.
 */
causelog_status causelog_entry_clone(const struct causelog_entry *entry,
                                     struct causelog_entry **copy,
                                     struct causelog_error **error);

/**
 * Its position in this log, from 1 without gaps: local, never to be compared with another log's.
 */
uint64_t causelog_entry_lsn(const struct causelog_entry *entry);

/**
 * The identity of the change: its node and sequence.
 */
struct causelog_dot causelog_entry_dot(const struct causelog_entry *entry);

/**
 * What the author had seen when making the change, and the change itself. Borrowed: it
 * lives as long as the entry.
 *
 * Of an entry that a cursor lends it is worked out when it is asked for: from memory for the
 * last 16384 transactions, else by reading at most the entry's own segment.
 *
 * Fails with `CAUSELOG_CORRUPT` naming file and offset when what it reads is damaged,
 * `CAUSELOG_IO`, and `CAUSELOG_CLOSED`; of an entry that is not lent only when an argument is NULL.
 */
causelog_status causelog_entry_vector_clock(const struct causelog_entry *entry,
                                            const struct causelog_clock **clock,
                                            struct causelog_error **error);

/**
 * When the change was made, by its author's hybrid logical clock, in nanoseconds since the Unix epoch.
 */
int64_t causelog_entry_timestamp(const struct causelog_entry *entry);

/**
 * The name of the transaction it belongs to: the dot of that transaction's last change.
 */
struct causelog_dot causelog_entry_transaction(const struct causelog_entry *entry);

/**
 * What changed, as it could be appended again. Borrowed; NULL of NULL.
 */
const struct causelog_change *causelog_entry_change(const struct causelog_entry *entry);

/**
 * The table's name. Borrowed.
 */
struct causelog_text causelog_entry_table(const struct causelog_entry *entry);

/**
 * The row within the table. Borrowed; NULL of NULL.
 */
const struct causelog_row_id *causelog_entry_row_id(const struct causelog_entry *entry);

/**
 * What happened to the row.
 */
causelog_operation causelog_entry_operation(const struct causelog_entry *entry);

/**
 * The row's payload before the change, as its author saw it. Borrowed; `data` is NULL if there is none.
 */
struct causelog_bytes causelog_entry_before(const struct causelog_entry *entry);

/**
 * The row's payload after the change. Borrowed; `data` is NULL if there is none.
 */
struct causelog_bytes causelog_entry_after(const struct causelog_entry *entry);

/**
 * What the entry did to the row on arrival; `CAUSELOG_VERDICT_NONE` if nobody has judged it.
 */
causelog_verdict causelog_entry_verdict(const struct causelog_entry *entry);

/**
 * How many strings of metadata it has.
 */
size_t causelog_entry_metadata_count(const struct causelog_entry *entry);

/**
 * The string of metadata at this place, ascending by key, from 0; empty beyond the
 * count. Borrowed.
 */
struct causelog_metadata causelog_entry_metadata(const struct causelog_entry *entry, size_t index);

/**
 * Whether the author of `other`, another entry, had seen `entry`.
 *
 * Fails as `causelog_entry_vector_clock` of one of them does.
 */
causelog_status causelog_entry_happens_before(const struct causelog_entry *entry,
                                              const struct causelog_entry *other,
                                              bool *answer,
                                              struct causelog_error **error);

/**
 * Frees an entry that is not borrowed; NULL is fine.
 */
void causelog_entry_free(struct causelog_entry *entry);

/**
 * A transaction from its parts, which are copied. Free it with `causelog_transaction_free`.
 *
 * `dot` is its name: the dot of its last change. `dependencies` are the dots of the
 * transactions that its author had seen and that no other of them covers; the author's
 * own previous one is among what they cover. `timestamp` is in nanoseconds since the
 * Unix epoch. `changes` may be NULL, which is none.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is malformed, or the sequence is
 * lower than the number of changes.
 */
causelog_status causelog_transaction_new(struct causelog_dot dot,
                                         const struct causelog_dot *dependencies,
                                         size_t dependency_count,
                                         int64_t timestamp,
                                         const struct causelog_changes *changes,
                                         struct causelog_transaction **transaction,
                                         struct causelog_error **error);

/**
 * A copy of a transaction, to keep one that is borrowed. NULL of NULL. Free it with
 * `causelog_transaction_free`.
 */
struct causelog_transaction *causelog_transaction_clone(const struct causelog_transaction *transaction);

/**
 * The name of the transaction: the dot of its last change.
 */
struct causelog_dot causelog_transaction_dot(const struct causelog_transaction *transaction);

/**
 * When it was written, by its author's hybrid logical clock, in nanoseconds since the Unix epoch.
 */
int64_t causelog_transaction_timestamp(const struct causelog_transaction *transaction);

/**
 * How many dependencies it has.
 */
size_t causelog_transaction_dependency_count(const struct causelog_transaction *transaction);

/**
 * The dependency at this place, from 0; zeros beyond the count.
 */
struct causelog_dot causelog_transaction_dependency(const struct causelog_transaction *transaction,
                                                    size_t index);

/**
 * How many changes it has; none if it is a merge.
 */
size_t causelog_transaction_change_count(const struct causelog_transaction *transaction);

/**
 * The change at this place, in order, from 0; NULL beyond the count. Borrowed: it lives
 * as long as the transaction.
 */
const struct causelog_change *causelog_transaction_change(const struct causelog_transaction *transaction,
                                                          size_t index);

/**
 * Frees a transaction that is not borrowed; NULL is fine.
 */
void causelog_transaction_free(struct causelog_transaction *transaction);

/**
 * Opens the log in the directory `path`, made if it is not there. `options` may be NULL.
 * Free it with `causelog_log_free`.
 *
 * A path is given as the operating system takes it: on Unix it need not be UTF-8.
 *
 * Fails with `CAUSELOG_LOCKED` while another handle or process has it open,
 * `CAUSELOG_CORRUPT` with file and offset when it is damaged, `CAUSELOG_UNSUPPORTED` when
 * a newer version wrote it, `CAUSELOG_INVALID_ARGUMENT` when `path` is no directory or
 * the options name a node that this log never was, `CAUSELOG_NOT_FOUND` when it is to be read
 * only and is not there, and `CAUSELOG_IO`,
 * `CAUSELOG_NO_SPACE` or `CAUSELOG_READ_ONLY` when the operating system says so.
 */
causelog_status causelog_log_open(struct causelog_text path,
                                  const struct causelog_log_options *options,
                                  struct causelog_log **log,
                                  struct causelog_error **error);

/**
 * A new log in memory, gone when its last handle is. `options` may be NULL. Free it with
 * `causelog_log_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is malformed.
 */
causelog_status causelog_log_in_memory(const struct causelog_log_options *options,
                                       struct causelog_log **log,
                                       struct causelog_error **error);

/**
 * The node whose changes this log records.
 */
struct causelog_uuid causelog_log_node(const struct causelog_log *log);

/**
 * The log's own identity, made with it: positions are positions of this log.
 */
struct causelog_uuid causelog_log_id(const struct causelog_log *log);

/**
 * How often the log has lost its end, and with it LSNs that were handed out: a position is
 * one of this log and this epoch. What a consumer was handed stays right in all of them.
 */
uint64_t causelog_log_epoch(const struct causelog_log *log);

/**
 * How many nodes this log was before: it takes a new identity whenever it is found to
 * have lost the end of its file, because the dots that were there may be known elsewhere.
 */
size_t causelog_log_past_node_count(const struct causelog_log *log);

/**
 * The node at this place that the log was before, from 0; zeros beyond the count.
 */
struct causelog_uuid causelog_log_past_node(const struct causelog_log *log, size_t index);

/**
 * Records one change of this node as a transaction of its own. `appended` may be NULL.
 *
 * Fails as `causelog_log_append_transaction` and `causelog_changes_add` do.
 */
causelog_status causelog_log_append(const struct causelog_log *log,
                                    const struct causelog_change *change,
                                    struct causelog_appended *appended,
                                    struct causelog_error **error);

/**
 * Records changes of this node together: all of them, or none. `appended` may be NULL.
 * The batch stays as it is.
 *
 * Their author is taken to have seen the whole log. Without changes this writes a merge:
 * a transaction that only says what has been seen.
 *
 * Fails with `CAUSELOG_TOO_LARGE` beyond 1 GiB, `CAUSELOG_NO_SPACE` or `CAUSELOG_IO` when
 * it could not be written, `CAUSELOG_READ_ONLY`, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_append_transaction(const struct causelog_log *log,
                                                const struct causelog_changes *changes,
                                                struct causelog_appended *appended,
                                                struct causelog_error **error);

/**
 * Takes in a transaction as it is, whoever wrote it. One that the log holds already is
 * recognised by its dot and written no second time. `appended` may be NULL.
 *
 * Fails with `CAUSELOG_MISSING_DEPENDENCY` naming the dot when the log lacks something
 * that its author had seen; `CAUSELOG_TRUNCATED` when the log held it once and no longer knows
 * its clock; `CAUSELOG_DOT_REUSE` when the log holds something else under
 * one of its dots; `CAUSELOG_CLOCK_SKEW` when its timestamp lies further ahead of local
 * time than allowed; `CAUSELOG_INVALID_ARGUMENT` when a dependency names no transaction,
 * or they do not cover its author's previous transaction; otherwise as
 * `causelog_log_append_transaction`.
 */
causelog_status causelog_log_append_remote(const struct causelog_log *log,
                                           const struct causelog_transaction *transaction,
                                           struct causelog_appended *appended,
                                           struct causelog_error **error);

/**
 * The clock of everything in the log. Free it with `causelog_clock_free`.
 *
 * Fails with `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_frontier(const struct causelog_log *log,
                                      struct causelog_clock **clock,
                                      struct causelog_error **error);

/**
 * What the author of this change had seen when making it, the change included. The dot
 * of an empty transaction has a clock as well. Free it with `causelog_clock_free`.
 *
 * Fails with `CAUSELOG_NOT_FOUND` when the log does not hold the dot,
 * `CAUSELOG_TRUNCATED` when it was removed, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_vector_clock(const struct causelog_log *log,
                                          struct causelog_dot dot,
                                          struct causelog_clock **clock,
                                          struct causelog_error **error);

/**
 * What the log holds, in numbers, and how far its consumers have come. Free them with `causelog_stats_free`.
 *
 * Fails as `causelog_log_consumers` does.
 */
causelog_status causelog_log_stats(const struct causelog_log *log,
                                   struct causelog_stats **stats,
                                   struct causelog_error **error);

/**
 * Returns once all that was appended will survive a loss of power, whatever the durability.
 *
 * Fails with `CAUSELOG_IO` when the operating system cannot promise it, which closes the
 * log, `CAUSELOG_READ_ONLY`, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_sync(const struct causelog_log *log, struct causelog_error **error);

/**
 * Does what is due at `now`, in nanoseconds since the Unix epoch: the sync of
 * `CAUSELOG_DURABILITY_INTERVAL`. Call it every so often when no appends come; appends do it by
 * themselves.
 *
 * Fails as `causelog_log_sync` does.
 */
causelog_status causelog_log_maintain(const struct causelog_log *log,
                                      int64_t now,
                                      struct causelog_error **error);

/**
 * Waits until the log holds an entry after `lsn`, for at most so many milliseconds; `*last_lsn`
 * becomes the LSN of its last one. `last_lsn` may be NULL.
 *
 * Other threads may use the log meanwhile. A log opened for reading only waits for the writer,
 * whichever process that is in.
 *
 * Fails with `CAUSELOG_TIMEOUT` when none came in time, and `CAUSELOG_CLOSED`, also when the log
 * is closed meanwhile.
 */
causelog_status causelog_log_wait(const struct causelog_log *log,
                                  uint64_t lsn,
                                  uint64_t milliseconds,
                                  uint64_t *last_lsn,
                                  struct causelog_error **error);

/**
 * Syncs and closes the log, so that another handle can open it: every other call is
 * `CAUSELOG_CLOSED` from now on, also those of its cursors. Closing again does nothing.
 * The handle must still be freed.
 *
 * Fails with `CAUSELOG_IO` when the last sync failed; the log is closed all the same.
 */
causelog_status causelog_log_close(const struct causelog_log *log, struct causelog_error **error);

/**
 * Frees a log. Once its last cursor is freed too it is closed, but nobody hears of it if
 * the last sync failed: `causelog_log_close` tells. NULL is fine.
 */
void causelog_log_free(struct causelog_log *log);

/**
 * Entries that are still there: changes of all transactions, the removed ones left out.
 */
uint64_t causelog_stats_entries(const struct causelog_stats *stats);

/**
 * Transactions, the empty ones among them.
 */
uint64_t causelog_stats_transactions(const struct causelog_stats *stats);

/**
 * Transactions without a change: merges of what their authors had seen.
 */
uint64_t causelog_stats_merges(const struct causelog_stats *stats);

/**
 * Nodes that wrote at least one transaction.
 */
uint64_t causelog_stats_nodes(const struct causelog_stats *stats);

/**
 * LSN of the first entry; 0 if there is none.
 */
uint64_t causelog_stats_first_lsn(const struct causelog_stats *stats);

/**
 * LSN of the last entry; 0 if there is none.
 */
uint64_t causelog_stats_last_lsn(const struct causelog_stats *stats);

/**
 * LSN of the last entry that would survive a loss of power; 0 if there is none.
 */
uint64_t causelog_stats_durable_lsn(const struct causelog_stats *stats);

/**
 * Whether there is any transaction; `*timestamp` becomes the earliest timestamp of all
 * then, in nanoseconds since the Unix epoch. `timestamp` may be NULL.
 */
bool causelog_stats_oldest(const struct causelog_stats *stats, int64_t *timestamp);

/**
 * Whether there is any transaction; `*timestamp` becomes the latest timestamp of all
 * then, in nanoseconds since the Unix epoch. `timestamp` may be NULL.
 */
bool causelog_stats_newest(const struct causelog_stats *stats, int64_t *timestamp);

/**
 * Segments that the log consists of.
 */
uint64_t causelog_stats_segments(const struct causelog_stats *stats);

/**
 * Bytes of all segments, their headers included; not those of their indexes.
 */
uint64_t causelog_stats_bytes(const struct causelog_stats *stats);

/**
 * How many tables have entries.
 */
size_t causelog_stats_table_count(const struct causelog_stats *stats);

/**
 * The numbers of the table at this place, ascending by name, from 0; zeros beyond the count.
 */
struct causelog_table_stats causelog_stats_table(const struct causelog_stats *stats, size_t index);

/**
 * How many consumers there are.
 */
size_t causelog_stats_consumer_count(const struct causelog_stats *stats);

/**
 * The consumer at this place, ascending by name, from 0; zeros beyond the count. Its name lives as long as the stats.
 */
struct causelog_consumer_status causelog_stats_consumer(const struct causelog_stats *stats,
                                                        size_t index);

/**
 * Frees stats; NULL is fine.
 */
void causelog_stats_free(struct causelog_stats *stats);

/**
 * The entries that `options` ask for, in the order of their LSNs or in reverse. `options`
 * may be NULL. Free the cursor with `causelog_cursor_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the options are malformed, `CAUSELOG_TRUNCATED`
 * naming the first LSN that remains when some of what comes after `since` was removed, and
 * `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_query(const struct causelog_log *log,
                                   const struct causelog_query_options *options,
                                   struct causelog_cursor **cursor,
                                   struct causelog_error **error);

/**
 * The next entry, borrowed: it lives until the next call on the cursor. `*entry` becomes
 * NULL after the last one. After a failure the cursor has ended.
 *
 * Fails with `CAUSELOG_CORRUPT` naming file and offset when what it reads is damaged,
 * `CAUSELOG_TRUNCATED` when what comes next was removed, `CAUSELOG_IO`, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_cursor_next(struct causelog_cursor *cursor,
                                     const struct causelog_entry **entry,
                                     struct causelog_error **error);

/**
 * Frees a cursor; NULL is fine.
 */
void causelog_cursor_free(struct causelog_cursor *cursor);

/**
 * The transactions that someone whose clock is `seen` has not seen, in log order; `seen`
 * may be NULL for all. Handed to another log's `causelog_log_append_remote` one after
 * the other, they make it hold all that this one holds. Free the cursor with
 * `causelog_transaction_cursor_free`.
 *
 * What it gives is durable: where appends return earlier than that, this syncs first.
 *
 * Fails with `CAUSELOG_TRUNCATED` when some of it was removed, `CAUSELOG_IO` when it cannot be
 * made durable, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_transactions(const struct causelog_log *log,
                                          const struct causelog_clock *seen,
                                          struct causelog_transaction_cursor **cursor,
                                          struct causelog_error **error);

/**
 * The next transaction, borrowed: it lives until the next call on the cursor.
 * `*transaction` becomes NULL after the last one. After a failure the cursor has ended.
 *
 * Fails with `CAUSELOG_CORRUPT` naming file and offset when what it reads is damaged,
 * `CAUSELOG_IO`, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_transaction_cursor_next(struct causelog_transaction_cursor *cursor,
                                                 const struct causelog_transaction **transaction,
                                                 struct causelog_error **error);

/**
 * Frees a cursor; NULL is fine.
 */
void causelog_transaction_cursor_free(struct causelog_transaction_cursor *cursor);

/**
 * The moment at which all entries count that the log holds when it is asked.
 */
struct causelog_moment causelog_moment_now(void);

/**
 * The moment at which the entries up to and including this LSN count; with 0, none.
 */
struct causelog_moment causelog_moment_at_lsn(uint64_t lsn);

/**
 * The moment at which the entries stamped up to and including this time count, in
 * nanoseconds since the Unix epoch.
 */
struct causelog_moment causelog_moment_at_time(int64_t timestamp);

/**
 * The row within its table. Borrowed; NULL of NULL.
 */
const struct causelog_row_id *causelog_row_row_id(const struct causelog_row *row);

/**
 * Its payload: the `after` of the entry that made it so. Borrowed; `data` is NULL when that
 * entry carries none.
 */
struct causelog_bytes causelog_row_value(const struct causelog_row *row);

/**
 * LSN of the entry that made it so.
 */
uint64_t causelog_row_lsn(const struct causelog_row *row);

/**
 * When that entry was made, by its author's clock, in nanoseconds since the Unix epoch.
 */
int64_t causelog_row_timestamp(const struct causelog_row *row);

/**
 * The identity of that entry.
 */
struct causelog_dot causelog_row_dot(const struct causelog_row *row);

/**
 * A handle of one's own on a row, to keep one that is borrowed. NULL of NULL. Free it with `causelog_row_free`.
 */
struct causelog_row *causelog_row_clone(const struct causelog_row *row);

/**
 * Frees a row; NULL is fine.
 */
void causelog_row_free(struct causelog_row *row);

/**
 * Every entry of one row, oldest first, whatever its verdict. Free the cursor with
 * `causelog_cursor_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the table name is empty or the row id
 * malformed, otherwise as `causelog_log_query`.
 */
causelog_status causelog_log_history(const struct causelog_log *log,
                                     struct causelog_text table,
                                     struct causelog_row_id row_id,
                                     struct causelog_cursor **cursor,
                                     struct causelog_error **error);

/**
 * How one row stood at a moment; `*row` becomes NULL if it was not there: not yet, or not
 * any more. Free the row with `causelog_row_free`.
 *
 * A row is what its entries made of it in log order. An entry with the verdict applied, or
 * with none, sets it, or removes it if it is a delete; a superseded one leaves it as it was;
 * a merged one sets it to the entry's own `after`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the table name is empty, the row id or the
 * moment malformed, or its LSN beyond the last entry; `CAUSELOG_TRUNCATED` when what decides
 * it was removed; `CAUSELOG_CORRUPT` or `CAUSELOG_IO` when the log cannot be read; and
 * `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_state_at(const struct causelog_log *log,
                                      struct causelog_text table,
                                      struct causelog_row_id row_id,
                                      struct causelog_moment at,
                                      struct causelog_row **row,
                                      struct causelog_error **error);

/**
 * How all rows of a table stood at a moment: each as `causelog_log_state_at` says, the
 * absent ones left out. Free the snapshot with `causelog_snapshot_free`.
 *
 * It reads every entry of the table up to that moment, and holds every row that is there in
 * memory. A table that the log has never heard of is empty.
 *
 * Fails as `causelog_log_state_at` does.
 */
causelog_status causelog_log_snapshot(const struct causelog_log *log,
                                      struct causelog_text table,
                                      struct causelog_moment at,
                                      struct causelog_snapshot **snapshot,
                                      struct causelog_error **error);

/**
 * The table's name. Borrowed.
 */
struct causelog_text causelog_snapshot_table(const struct causelog_snapshot *snapshot);

/**
 * Up to and including which LSN the log was read: the one that was asked for; for any other
 * moment the last one that there was.
 */
uint64_t causelog_snapshot_lsn(const struct causelog_snapshot *snapshot);

/**
 * How many rows there were.
 */
size_t causelog_snapshot_count(const struct causelog_snapshot *snapshot);

/**
 * The row with this id; `*row` becomes NULL if it was not there. Nothing of it is copied.
 * Free the row, which may outlive the snapshot, with `causelog_row_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the row id is malformed.
 */
causelog_status causelog_snapshot_get(const struct causelog_snapshot *snapshot,
                                      struct causelog_row_id row_id,
                                      struct causelog_row **row,
                                      struct causelog_error **error);

/**
 * The rows, ascending by row id. NULL of NULL. Free the cursor with `causelog_row_cursor_free`.
 */
struct causelog_row_cursor *causelog_snapshot_rows(const struct causelog_snapshot *snapshot);

/**
 * Frees a snapshot; NULL is fine. Its rows and cursors stay.
 */
void causelog_snapshot_free(struct causelog_snapshot *snapshot);

/**
 * The next row, borrowed: it lives until the next call on the cursor. NULL after the last one.
 */
const struct causelog_row *causelog_row_cursor_next(struct causelog_row_cursor *cursor);

/**
 * Frees a cursor; NULL is fine.
 */
void causelog_row_cursor_free(struct causelog_row_cursor *cursor);

/**
 * A table of this log in memory, as it is now, to be refreshed when there is more. Free the
 * view with `causelog_view_free`.
 *
 * It reads every entry of the table once. A table that the log has never heard of is empty
 * and may fill later.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the table name is empty, `CAUSELOG_TRUNCATED` when
 * what decides it was removed, `CAUSELOG_CORRUPT` or `CAUSELOG_IO` when the log cannot be read,
 * and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_materialise(const struct causelog_log *log,
                                         struct causelog_text table,
                                         struct causelog_view **view,
                                         struct causelog_error **error);

/**
 * Takes in what the log has got since: whole transactions, up to the last one that there is
 * now. `*taken` becomes how many entries of the table these had, also those that changed no
 * row. `taken` may be NULL.
 *
 * Fails with `CAUSELOG_TRUNCATED`, `CAUSELOG_CORRUPT` or `CAUSELOG_IO` when the log cannot be
 * read, and `CAUSELOG_CLOSED`; the view stays as it was.
 */
causelog_status causelog_view_refresh(const struct causelog_view *view,
                                      uint64_t *taken,
                                      struct causelog_error **error);

/**
 * The table's name. Borrowed.
 */
struct causelog_text causelog_view_table(const struct causelog_view *view);

/**
 * Up to and including which LSN the log has been taken in.
 */
uint64_t causelog_view_lsn(const struct causelog_view *view);

/**
 * How many rows there are.
 */
size_t causelog_view_count(const struct causelog_view *view);

/**
 * The row with this id; `*row` becomes NULL if it is not there. No later refresh changes it.
 * Free it with `causelog_row_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the row id is malformed.
 */
causelog_status causelog_view_get(const struct causelog_view *view,
                                  struct causelog_row_id row_id,
                                  struct causelog_row **row,
                                  struct causelog_error **error);

/**
 * The rows as they are shown now, ascending by row id. NULL of NULL. Free the cursor with
 * `causelog_row_cursor_free`.
 */
struct causelog_row_cursor *causelog_view_rows(const struct causelog_view *view);

/**
 * The rows as they are shown now, which no refresh changes. It costs next to nothing; while
 * it is held, the next refresh that finds something copies a pointer for every row. NULL of
 * NULL. Free the snapshot with `causelog_snapshot_free`.
 */
struct causelog_snapshot *causelog_view_snapshot(const struct causelog_view *view);

/**
 * Frees a view; NULL is fine. Its rows, cursors and snapshots stay.
 */
void causelog_view_free(struct causelog_view *view);

/**
 * The consumer with this name, made if there is none: it then stands before the first entry
 * that ever was. Free the handle, which ends nothing else, with `causelog_consumer_free`.
 *
 * Names have 1 to 100 letters, digits, `.`, `_` and `-`, all of ASCII.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` for another name, `CAUSELOG_CORRUPT` when its file is
 * damaged beyond use, `CAUSELOG_UNSUPPORTED` when a newer version wrote it,
 * `CAUSELOG_READ_ONLY` when it would have to be made and may not, `CAUSELOG_NO_SPACE`,
 * `CAUSELOG_IO`, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_consumer(const struct causelog_log *log,
                                      struct causelog_text name,
                                      struct causelog_consumer **consumer,
                                      struct causelog_error **error);

/**
 * Its name. Borrowed.
 */
struct causelog_text causelog_consumer_name(const struct causelog_consumer *consumer);

/**
 * `*lsn` becomes the LSN of the last entry that was committed, by whichever handle; 0 before
 * the first.
 *
 * Fails with `CAUSELOG_NOT_FOUND` when the consumer was removed, `CAUSELOG_CORRUPT` when its
 * file is damaged beyond use, `CAUSELOG_IO`, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_consumer_position(const struct causelog_consumer *consumer,
                                           uint64_t *lsn,
                                           struct causelog_error **error);

/**
 * What comes after what this handle has handed out last, or after the position when it was
 * made: whole transactions with at most `limit` entries in all, or one that has more. Empty
 * when there is nothing new; `causelog_log_wait` waits for it. Free the entries with
 * `causelog_entries_free`.
 *
 * A position within a transaction hands out all of it again. Where appends return before they
 * are durable, this syncs first when it has to.
 *
 * Fails with `CAUSELOG_TRUNCATED` with the first LSN that remains when what comes next was
 * removed: `causelog_consumer_reset` to the one before goes on from there.
 * `CAUSELOG_INVALID_ARGUMENT` for a `limit` of 0, and for a position beyond the end of a log
 * that has lost its end. `CAUSELOG_CORRUPT`, `CAUSELOG_IO`, `CAUSELOG_CLOSED`. The same entries
 * come with the next call then.
 */
causelog_status causelog_consumer_poll(const struct causelog_consumer *consumer,
                                       uint64_t limit,
                                       struct causelog_entries **entries,
                                       struct causelog_error **error);

/**
 * Says that all entries up to and including `lsn` were dealt with: durable on return. This
 * handle does not hand them out again.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` naming both LSNs for one before the position, to which
 * only `causelog_consumer_reset` goes back, and for one that is not in the log.
 * `CAUSELOG_NOT_FOUND` when the consumer was removed. `CAUSELOG_READ_ONLY`, `CAUSELOG_CORRUPT`,
 * `CAUSELOG_CLOSED`. After `CAUSELOG_IO` or `CAUSELOG_NO_SPACE` the position is what it was, or `lsn`.
 */
causelog_status causelog_consumer_commit(const struct causelog_consumer *consumer,
                                         uint64_t lsn,
                                         struct causelog_error **error);

/**
 * `*lag` becomes how many LSNs the log has after the position: entries that are yet to
 * commit, and ones that were removed before.
 *
 * Fails as `causelog_consumer_position` does.
 */
causelog_status causelog_consumer_lag(const struct causelog_consumer *consumer,
                                      uint64_t *lag,
                                      struct causelog_error **error);

/**
 * Makes `lsn` the position, back or forth: this handle goes on after it, and so do those that
 * are made later. 0 is before the first entry.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` for an LSN after the last durable one, otherwise as
 * `causelog_consumer_commit`.
 */
causelog_status causelog_consumer_reset(const struct causelog_consumer *consumer,
                                        uint64_t lsn,
                                        struct causelog_error **error);

/**
 * Frees a handle on a consumer, which keeps its position; NULL is fine. See `causelog_log_remove_consumer`.
 */
void causelog_consumer_free(struct causelog_consumer *consumer);

/**
 * How many entries there are.
 */
size_t causelog_entries_count(const struct causelog_entries *entries);

/**
 * The entry at this place, from 0, in log order. Borrowed; NULL beyond the count.
 */
const struct causelog_entry *causelog_entries_get(const struct causelog_entries *entries,
                                                  size_t index);

/**
 * Frees entries; NULL is fine.
 */
void causelog_entries_free(struct causelog_entries *entries);

/**
 * All consumers of the log, by name, and how far they have come. Free the list with
 * `causelog_consumers_free`.
 *
 * Fails with `CAUSELOG_CORRUPT` naming the file when one is damaged beyond use,
 * `CAUSELOG_UNSUPPORTED`, `CAUSELOG_IO`, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_consumers(const struct causelog_log *log,
                                       struct causelog_consumers **consumers,
                                       struct causelog_error **error);

/**
 * How many consumers there were.
 */
size_t causelog_consumers_count(const struct causelog_consumers *consumers);

/**
 * The consumer at this place, ascending by name, from 0; zeros beyond the count.
 */
struct causelog_consumer_status causelog_consumers_get(const struct causelog_consumers *consumers,
                                                       size_t index);

/**
 * Frees a list of consumers; NULL is fine.
 */
void causelog_consumers_free(struct causelog_consumers *consumers);

/**
 * Removes a consumer and forgets its position. Handles on it find that out when they commit.
 *
 * Fails with `CAUSELOG_NOT_FOUND` when there is none of this name, `CAUSELOG_INVALID_ARGUMENT`
 * when none can be, `CAUSELOG_READ_ONLY`, `CAUSELOG_IO`, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_remove_consumer(const struct causelog_log *log,
                                             struct causelog_text name,
                                             struct causelog_error **error);

/**
 * What was removed from the log, and why, oldest first. Free the list with
 * `causelog_removals_free`.
 *
 * Fails with `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_removals(const struct causelog_log *log,
                                      struct causelog_removals **removals,
                                      struct causelog_error **error);

/**
 * Removes what `policy` no longer keeps. `*removals` becomes what that was: nothing, or one
 * removal for each rule. `removals` may be NULL. Free the list with `causelog_removals_free`.
 *
 * Whoever asks for what was removed gets `CAUSELOG_TRUNCATED` with the first LSN that remains.
 * `causelog_log_removals` keeps the record. Cursors that are reading a removed segment go on
 * to its end.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the policy is malformed, `CAUSELOG_IO` or
 * `CAUSELOG_NO_SPACE` when the record could not be written, `CAUSELOG_READ_ONLY`, and
 * `CAUSELOG_CLOSED`; nothing is removed then.
 */
causelog_status causelog_log_retain(const struct causelog_log *log,
                                    const struct causelog_retention_policy *policy,
                                    struct causelog_removals **removals,
                                    struct causelog_error **error);

/**
 * Removes entries that later ones of the same row have replaced, from all segments but the
 * one that is being written. `*removals` becomes what that was: nothing, or one removal.
 * `options` and `removals` may be NULL. Free the list with `causelog_removals_free`.
 *
 * A row keeps its newest choke point and everything after: an entry that every other entry of
 * the row comes before or after, and that all of `options.known` have seen. A row without one
 * keeps all. So its state, and how conflicts about it end, stay what they were; its history
 * gets shorter. Takes memory for each row of these tables.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the options are malformed, `CAUSELOG_CORRUPT`
 * where the log is damaged, `CAUSELOG_IO` or `CAUSELOG_NO_SPACE` when a file could not be
 * written: what was compacted until then stays so. `CAUSELOG_READ_ONLY`, `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_compact(const struct causelog_log *log,
                                     const struct causelog_compaction_options *options,
                                     struct causelog_removals **removals,
                                     struct causelog_error **error);

/**
 * How many removals there are.
 */
size_t causelog_removals_count(const struct causelog_removals *removals);

/**
 * The removal at this place, from 0, oldest first; zeros beyond the count.
 */
struct causelog_removal causelog_removals_get(const struct causelog_removals *removals,
                                              size_t index);

/**
 * Frees a list of removals; NULL is fine.
 */
void causelog_removals_free(struct causelog_removals *removals);

/**
 * Compresses all segments that are not compressed yet, but the one that is being written and
 * those that would hardly get shorter. `report` may be NULL. Free it with
 * `causelog_compression_report_free`.
 *
 * They hold what they held: entries, LSNs, clocks and indexes stay, and cursors and views go on.
 * Reading takes somewhat longer. What compaction rewrites of a compressed segment is compressed
 * again. Nothing else compresses anything: call this every so often. Others read and append
 * meanwhile; appends wait only while a finished file takes the place of the old one.
 *
 * Fails with `CAUSELOG_CORRUPT` when the header of a segment is damaged, `CAUSELOG_IO` or
 * `CAUSELOG_NO_SPACE` when a file could not be written: what was compressed until then stays so.
 * `CAUSELOG_READ_ONLY`, `CAUSELOG_CLOSED`.
 */
causelog_status causelog_log_compress(const struct causelog_log *log,
                                      struct causelog_compression_report **report,
                                      struct causelog_error **error);

/**
 * Segments that are compressed now and were not before.
 */
uint64_t causelog_compression_report_segments(const struct causelog_compression_report *report);

/**
 * Bytes that the files of those segments took before.
 */
uint64_t causelog_compression_report_bytes_before(const struct causelog_compression_report *report);

/**
 * Bytes that they take now.
 */
uint64_t causelog_compression_report_bytes_after(const struct causelog_compression_report *report);

/**
 * Frees a report; NULL is fine.
 */
void causelog_compression_report_free(struct causelog_compression_report *report);

/**
 * Reads all files of the log and checks all that can be: checksums, and that what they hold
 * fits together. Free the report with `causelog_verify_report_free`.
 *
 * Others may append and read meanwhile. Damage to what is derived, indexes and the checkpoint,
 * loses nothing: remove the file, and the next opening makes it again.
 *
 * Fails with `CAUSELOG_IO` when something cannot be read, and `CAUSELOG_CLOSED`. Damage is not a
 * failure but a finding: see `causelog_verify_report_check`.
 */
causelog_status causelog_log_verify(const struct causelog_log *log,
                                    struct causelog_verify_report **report,
                                    struct causelog_error **error);

/**
 * Segments that were read.
 */
uint64_t causelog_verify_report_segments(const struct causelog_verify_report *report);

/**
 * Transactions that are intact.
 */
uint64_t causelog_verify_report_transactions(const struct causelog_verify_report *report);

/**
 * Their entries, those that were removed left out.
 */
uint64_t causelog_verify_report_entries(const struct causelog_verify_report *report);

/**
 * Bytes that were read and checked.
 */
uint64_t causelog_verify_report_bytes(const struct causelog_verify_report *report);

/**
 * Whether nothing is damaged. Not of NULL.
 */
bool causelog_verify_report_is_intact(const struct causelog_verify_report *report);

/**
 * How many things are damaged.
 */
size_t causelog_verify_report_finding_count(const struct causelog_verify_report *report);

/**
 * What is damaged, in the order in which it was found, from 0; zeros beyond the count.
 */
struct causelog_finding causelog_verify_report_finding(const struct causelog_verify_report *report,
                                                       size_t index);

/**
 * Succeeds when nothing is damaged; else the first finding is the error.
 *
 * Fails with `CAUSELOG_CORRUPT` when something is damaged.
 */
causelog_status causelog_verify_report_check(const struct causelog_verify_report *report,
                                             struct causelog_error **error);

/**
 * Frees a report; NULL is fine.
 */
void causelog_verify_report_free(struct causelog_verify_report *report);

/**
 * Copies all that is intact of the log in the directory `from` into a new log in the directory
 * `to`. `report` may be NULL. Free it with `causelog_salvage_report_free`.
 *
 * The damaged log is only read. The copy holds each transaction whose past is whole, under its
 * own dot and clock, in the same order; it has an identity of its own, for other replicas may
 * know more of the old one. LSNs are given out anew. Where nothing intact follows damage that
 * can be found, the rest of that segment is lost. Transactions that compaction has removed
 * something of are left out with what depends on them.
 *
 * Fails with `CAUSELOG_NOT_FOUND` when `from` holds no log, `CAUSELOG_ALREADY_EXISTS` when `to`
 * holds one, `CAUSELOG_LOCKED` while somebody writes `from`, `CAUSELOG_UNSUPPORTED` when a newer
 * version wrote it, `CAUSELOG_INVALID_ARGUMENT` for a path that cannot be one, `CAUSELOG_IO`, and
 * `CAUSELOG_NO_SPACE`.
 */
causelog_status causelog_log_salvage(struct causelog_text from,
                                     struct causelog_text to,
                                     struct causelog_salvage_report **report,
                                     struct causelog_error **error);

/**
 * Transactions that were copied.
 */
uint64_t causelog_salvage_report_transactions(const struct causelog_salvage_report *report);

/**
 * Their entries.
 */
uint64_t causelog_salvage_report_entries(const struct causelog_salvage_report *report);

/**
 * Transactions that are intact and were left out all the same, because something that they
 * depend on is lost.
 */
uint64_t causelog_salvage_report_skipped_transactions(const struct causelog_salvage_report *report);

/**
 * How many things are damaged.
 */
size_t causelog_salvage_report_finding_count(const struct causelog_salvage_report *report);

/**
 * What is damaged, in the order in which it was found, from 0; zeros beyond the count.
 */
struct causelog_finding causelog_salvage_report_finding(const struct causelog_salvage_report *report,
                                                        size_t index);

/**
 * Frees a report; NULL is fine.
 */
void causelog_salvage_report_free(struct causelog_salvage_report *report);

/**
 * The name of a kind, such as `"delete_wins"`; `"unknown"` of anything else. NUL-terminated,
 * never freed.
 */
const char *causelog_resolution_kind_name(int32_t kind);

/**
 * The kind of the strategy that the text `resolution` says.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when it is no strategy.
 */
causelog_status causelog_resolution_kind_of(struct causelog_text resolution,
                                            causelog_resolution_kind *kind,
                                            struct causelog_error **error);

/**
 * Whether the strategy that the text `resolution` says makes sense by itself.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT`, saying why, when it is no strategy, lists a node twice,
 * has a fallback that could never be asked or that contradicts what it is the fallback of, or is
 * custom without a name.
 */
causelog_status causelog_resolution_validate(struct causelog_text resolution,
                                             struct causelog_error **error);

/**
 * A detector that resolves by the strategy `resolution`, text as `causelog_resolution_kind`
 * describes it. It notes down the time from `time`, or if that is NULL from the system's clock.
 * Free it with `causelog_detector_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `resolution` is no strategy.
 */
causelog_status causelog_detector_new(struct causelog_text resolution,
                                      const struct causelog_time *time,
                                      struct causelog_detector **detector,
                                      struct causelog_error **error);

/**
 * The strategy it resolves by, as text. Borrowed.
 */
struct causelog_text causelog_detector_resolution(const struct causelog_detector *detector);

/**
 * The conflict between these two entries; `*conflict` becomes NULL if there is none. Free
 * it with `causelog_conflict_free`.
 *
 * There is none when one author had seen the other's entry, when both are the same entry,
 * and when both left the row in the same state (identical `after`, two deletes among
 * them), for then there is nothing to disagree about.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the entries are not of one row,
 * `CAUSELOG_DOT_REUSE` when they have one dot but differ, and as `causelog_entry_vector_clock` does.
 */
causelog_status causelog_detector_detect(const struct causelog_detector *detector,
                                         const struct causelog_entry *local,
                                         const struct causelog_entry *remote,
                                         struct causelog_conflict **conflict,
                                         struct causelog_error **error);

/**
 * Resolves a conflict between two entries and reports it as its local side sees it. Free
 * the report with `causelog_report_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_detector_report(const struct causelog_detector *detector,
                                         const struct causelog_conflict *conflict,
                                         struct causelog_report **report,
                                         struct causelog_error **error);

/**
 * Resolves `count` entries of one row, normally its concurrent heads, and reports how.
 * Their order makes no difference, nor does one given twice. With `settled_by`, the dot of
 * the entry that has seen them all, the report is of a settled conflict; with NULL, of a
 * standing one. Free the report with `causelog_report_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when there are fewer than two different entries
 * or they are not of one row, `CAUSELOG_DOT_REUSE` when two have one dot but differ, and as
 * `causelog_entry_vector_clock` does.
 */
causelog_status causelog_detector_resolve(const struct causelog_detector *detector,
                                          const struct causelog_entry *const *entries,
                                          size_t count,
                                          const struct causelog_dot *settled_by,
                                          struct causelog_report **report,
                                          struct causelog_error **error);

/**
 * Frees a detector; NULL is fine.
 */
void causelog_detector_free(struct causelog_detector *detector);

/**
 * Its identity, the same on every replica and from both sides.
 */
struct causelog_uuid causelog_conflict_id(const struct causelog_conflict *conflict);

/**
 * The local operation, then the remote one.
 */
causelog_conflict_type causelog_conflict_shape(const struct causelog_conflict *conflict);

/**
 * The table of both entries. Borrowed.
 */
struct causelog_text causelog_conflict_table(const struct causelog_conflict *conflict);

/**
 * The row of both entries. Borrowed; NULL of NULL.
 */
const struct causelog_row_id *causelog_conflict_row_id(const struct causelog_conflict *conflict);

/**
 * The entry that was here, with its clock. Borrowed; NULL of NULL.
 */
const struct causelog_entry *causelog_conflict_local_entry(const struct causelog_conflict *conflict);

/**
 * The entry that came, with its clock. Borrowed; NULL of NULL.
 */
const struct causelog_entry *causelog_conflict_remote_entry(const struct causelog_conflict *conflict);

/**
 * When this was noticed, here, in nanoseconds since the Unix epoch.
 */
int64_t causelog_conflict_detected_at(const struct causelog_conflict *conflict);

/**
 * Frees a conflict; reports made of it go on. NULL is fine.
 */
void causelog_conflict_free(struct causelog_conflict *conflict);

/**
 * Its identity, the same on every replica.
 */
struct causelog_uuid causelog_report_id(const struct causelog_report *report);

/**
 * The table of all entries. Borrowed.
 */
struct causelog_text causelog_report_table(const struct causelog_report *report);

/**
 * The row of all entries. Borrowed; NULL of NULL.
 */
const struct causelog_row_id *causelog_report_row_id(const struct causelog_report *report);

/**
 * The kind of conflict, whichever side looks at it.
 */
causelog_conflict_class causelog_report_conflict_class(const struct causelog_report *report);

/**
 * How many entries were resolved.
 */
size_t causelog_report_head_count(const struct causelog_report *report);

/**
 * The entry at this place in canonical order, the last being the latest, from 0; NULL
 * beyond the count. Borrowed.
 */
const struct causelog_entry *causelog_report_head(const struct causelog_report *report,
                                                  size_t index);

/**
 * The dots of the heads, in the same order: what a decision about the row expects. Borrowed.
 */
struct causelog_dots causelog_report_head_dots(const struct causelog_report *report);

/**
 * The row's payload before the heads parted. Borrowed; `data` is NULL if it was not there, has
 * none, or nothing is known of it, as to the plain detector.
 */
struct causelog_bytes causelog_report_ancestor(const struct causelog_report *report);

/**
 * How it was decided: a strategy, as text. Borrowed.
 */
struct causelog_text causelog_report_strategy(const struct causelog_report *report);

/**
 * Which rule of the registry named the strategy: `orders/update_delete`, `orders` or `default`.
 * Borrowed; `data` is NULL if there was no registry.
 */
struct causelog_text causelog_report_rule(const struct causelog_report *report);

/**
 * The fingerprint of the registry that was in force. Borrowed; `data` is NULL if there was none.
 */
struct causelog_text causelog_report_registry(const struct causelog_report *report);

/**
 * Who won, by kind; `causelog_report_winner` has the dot of a head.
 */
causelog_winner_type causelog_report_winner_type(const struct causelog_report *report);

/**
 * Whether an entry won; `*winner` becomes its dot then. False while somebody has to decide,
 * when the value is provisional, and when the value was merged: `causelog_report_winner_type`
 * tells. `winner` may be NULL.
 */
bool causelog_report_winner(const struct causelog_report *report, struct causelog_dot *winner);

/**
 * The entry that won; NULL if nobody did. Borrowed.
 */
const struct causelog_entry *causelog_report_winning_entry(const struct causelog_report *report);

/**
 * The side that won; `CAUSELOG_SIDE_NONE` if nobody did, or the report has no sides.
 */
causelog_side causelog_report_winning_side(const struct causelog_report *report);

/**
 * The shape as the local side sees it; `CAUSELOG_CONFLICT_TYPE_NONE` unless the report was
 * made by `causelog_detector_report`.
 */
causelog_conflict_type causelog_report_conflict_type(const struct causelog_report *report);

/**
 * Why, for machines.
 */
causelog_reason_code causelog_report_reason_code(const struct causelog_report *report);

/**
 * Why, for people: text. Free the buffer with `causelog_buffer_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_report_reason(const struct causelog_report *report,
                                       struct causelog_buffer **reason,
                                       struct causelog_error **error);

/**
 * Whether the conflict is settled; `*dot` becomes the dot of the entry that has seen all
 * heads then. False while it stands. `dot` may be NULL.
 */
bool causelog_report_settled_by(const struct causelog_report *report, struct causelog_dot *dot);

/**
 * When this was noticed, here, in nanoseconds since the Unix epoch.
 */
int64_t causelog_report_detected_at(const struct causelog_report *report);

/**
 * Whether the row is there as resolved.
 */
bool causelog_report_leaves_live(const struct causelog_report *report);

/**
 * The row's payload as resolved, provisionally so while nobody has won. Borrowed; `data`
 * is NULL if the row is deleted.
 */
struct causelog_bytes causelog_report_value(const struct causelog_report *report);

/**
 * The report as one line of compact JSON, the same on every replica, byte for byte. Free
 * the buffer with `causelog_buffer_free`.
 *
 * Payloads that are JSON stand in it as such; others in hexadecimal, under `after_hex`,
 * `before_hex` and `value_hex`. Positions and verdicts are left out, being local to a log.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_report_to_json(const struct causelog_report *report,
                                        struct causelog_buffer **json,
                                        struct causelog_error **error);

/**
 * The report as several lines of text for people, the same on every replica, without a
 * line feed at its end. Free the buffer with `causelog_buffer_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_report_to_text(const struct causelog_report *report,
                                        struct causelog_buffer **text,
                                        struct causelog_error **error);

/**
 * Frees a report; NULL is fine.
 */
void causelog_report_free(struct causelog_report *report);

/**
 * What a row is by all of its entries, `count` of them in any order, and every conflict that made it
 * so. Free the row with `causelog_row_resolution_free`.
 *
 * Each entry must come with all that its author had seen of the row: what is missing is taken never
 * to have been.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when there is no entry, they are not of one row, or the
 * strategy is one that `causelog_resolution_validate` refuses; `CAUSELOG_DOT_REUSE` when two have one
 * dot but differ, and as `causelog_entry_vector_clock` does.
 */
causelog_status causelog_detector_resolve_row(const struct causelog_detector *detector,
                                              const struct causelog_entry *const *entries,
                                              size_t count,
                                              struct causelog_row_resolution **row,
                                              struct causelog_error **error);

/**
 * Whether the row is there.
 */
bool causelog_row_resolution_is_live(const struct causelog_row_resolution *row);

/**
 * Its payload. Borrowed; `data` is NULL if it is not there, or has none.
 */
struct causelog_bytes causelog_row_resolution_value(const struct causelog_row_resolution *row);

/**
 * The entries that no other has seen, in canonical order. Borrowed.
 */
struct causelog_dots causelog_row_resolution_heads(const struct causelog_row_resolution *row);

/**
 * The conflict between the heads; NULL if they do not disagree. Borrowed.
 */
const struct causelog_report *causelog_row_resolution_standing(const struct causelog_row_resolution *row);

/**
 * How many conflicts a later entry ended.
 */
size_t causelog_row_resolution_settled_count(const struct causelog_row_resolution *row);

/**
 * The one at this place, in the canonical order of those entries, from 0; NULL beyond the count. Borrowed.
 */
const struct causelog_report *causelog_row_resolution_settled(const struct causelog_row_resolution *row,
                                                              size_t index);

/**
 * Frees a row; NULL is fine.
 */
void causelog_row_resolution_free(struct causelog_row_resolution *row);

/**
 * A registry that resolves everything by the strategy `resolution`, whose sense is not checked
 * before it is used. Free it with `causelog_registry_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `resolution` is no strategy.
 */
causelog_status causelog_registry_new(struct causelog_text resolution,
                                      struct causelog_registry **registry,
                                      struct causelog_error **error);

/**
 * The registry that this JSON says. Free it with `causelog_registry_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when it is not what `causelog_registry_to_json` gives,
 * or as `causelog_registry_validate` does.
 */
causelog_status causelog_registry_from_json(struct causelog_text json,
                                            struct causelog_registry **registry,
                                            struct causelog_error **error);

/**
 * The registry as one line of JSON, the same for equal registries. Free the buffer with
 * `causelog_buffer_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_registry_to_json(const struct causelog_registry *registry,
                                          struct causelog_buffer **json,
                                          struct causelog_error **error);

/**
 * The strategy where no other rule matches, as text. Free the buffer with `causelog_buffer_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_registry_default_resolution(const struct causelog_registry *registry,
                                                     struct causelog_buffer **resolution,
                                                     struct causelog_error **error);

/**
 * Sets the strategy where no other rule matches.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `resolution` is no strategy, and as
 * `causelog_registry_validate` does; the registry stays as it was.
 */
causelog_status causelog_registry_set_default(struct causelog_registry *registry,
                                              struct causelog_text resolution,
                                              struct causelog_error **error);

/**
 * Sets the strategy for a table.
 *
 * Fails as `causelog_registry_set_default` does.
 */
causelog_status causelog_registry_set_table(struct causelog_registry *registry,
                                            struct causelog_text table,
                                            struct causelog_text resolution,
                                            struct causelog_error **error);

/**
 * Sets the strategy for one class of conflicts of a table, a `causelog_conflict_class`.
 *
 * Fails as `causelog_registry_set_default` does, and with `CAUSELOG_INVALID_ARGUMENT` when
 * `conflict_class` is none.
 */
causelog_status causelog_registry_set_class(struct causelog_registry *registry,
                                            struct causelog_text table,
                                            int32_t conflict_class,
                                            struct causelog_text resolution,
                                            struct causelog_error **error);

/**
 * Which rule matches a conflict of this table and class, a `causelog_conflict_class`: `*rule`
 * becomes its name, `orders/update_delete`, `orders` or `default`, and `*resolution` its
 * strategy, as text. Either may be NULL. Free the buffers with `causelog_buffer_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `conflict_class` is none.
 */
causelog_status causelog_registry_rule(const struct causelog_registry *registry,
                                       struct causelog_text table,
                                       int32_t conflict_class,
                                       struct causelog_buffer **rule,
                                       struct causelog_buffer **resolution,
                                       struct causelog_error **error);

/**
 * Whether the registry makes sense.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT`, naming the rule and the reason: as
 * `causelog_resolution_validate` does, and for an empty table name, a class that cannot arise, and
 * a table that merges fields in some conflicts and not in all.
 */
causelog_status causelog_registry_validate(const struct causelog_registry *registry,
                                           struct causelog_error **error);

/**
 * Text of 32 hexadecimal digits that is the same for equal registries only. Free the buffer with
 * `causelog_buffer_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_registry_fingerprint(const struct causelog_registry *registry,
                                              struct causelog_buffer **fingerprint,
                                              struct causelog_error **error);

/**
 * Every custom resolver that the registry names, each once, ascending. Free the list with
 * `causelog_custom_resolvers_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_registry_custom_resolvers(const struct causelog_registry *registry,
                                                   struct causelog_custom_resolvers **resolvers,
                                                   struct causelog_error **error);

/**
 * How many there are.
 */
size_t causelog_custom_resolvers_count(const struct causelog_custom_resolvers *resolvers);

/**
 * The one at this place, from 0; zeros beyond the count.
 */
struct causelog_custom_resolver causelog_custom_resolvers_get(const struct causelog_custom_resolvers *resolvers,
                                                              size_t index);

/**
 * Frees a list of custom resolvers; NULL is fine.
 */
void causelog_custom_resolvers_free(struct causelog_custom_resolvers *resolvers);

/**
 * Frees a registry; NULL is fine.
 */
void causelog_registry_free(struct causelog_registry *registry);

/**
 * The head with this dot wins.
 */
struct causelog_decision causelog_decision_head(struct causelog_dot head);

/**
 * The row takes this payload, to which the decision points.
 */
struct causelog_decision causelog_decision_value(struct causelog_bytes value);

/**
 * The row is deleted.
 */
struct causelog_decision causelog_decision_delete(void);

/**
 * Somebody is to decide: the conflict goes to the inbox.
 */
struct causelog_decision causelog_decision_defer(void);

/**
 * The table. Borrowed.
 */
struct causelog_text causelog_row_conflict_table(const struct causelog_row_conflict *conflict);

/**
 * The row. Borrowed; NULL of NULL.
 */
const struct causelog_row_id *causelog_row_conflict_row_id(const struct causelog_row_conflict *conflict);

/**
 * What the heads did to the row, taken together.
 */
causelog_conflict_class causelog_row_conflict_class(const struct causelog_row_conflict *conflict);

/**
 * How many heads there are: entries that no other has seen.
 */
size_t causelog_row_conflict_head_count(const struct causelog_row_conflict *conflict);

/**
 * The head at this place, from 0; NULL beyond the count. Borrowed. Their order says nothing: a
 * resolver must answer alike for any.
 */
const struct causelog_entry *causelog_row_conflict_head(const struct causelog_row_conflict *conflict,
                                                        size_t index);

/**
 * Whether the row was there before the heads parted.
 */
bool causelog_row_conflict_ancestor_is_live(const struct causelog_row_conflict *conflict);

/**
 * The row's payload before the heads parted. Borrowed; `data` is NULL if it was not there, or has none.
 */
struct causelog_bytes causelog_row_conflict_ancestor(const struct causelog_row_conflict *conflict);

/**
 * Answers with a decision, which is copied.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the decision is malformed; the resolver has then
 * failed with that, unless it answers again.
 */
causelog_status causelog_answer_decide(struct causelog_answer *answer,
                                       struct causelog_decision decision,
                                       struct causelog_error **error);

/**
 * Answers that the resolver has failed, and why: the conflict goes to the inbox with `message`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the message is malformed.
 */
causelog_status causelog_answer_fail(struct causelog_answer *answer,
                                     struct causelog_text message,
                                     struct causelog_error **error);

/**
 * Opens the replica in the directory `path`, made if it is not there. A log that was no replica's
 * becomes one. `options` may be NULL. Free it with `causelog_replica_free`.
 *
 * The heads of all rows are kept in a file when a replica is closed. What came after that is read
 * from the log, and all of it where there is no such file.
 *
 * Fails as `causelog_log_open` does; with `CAUSELOG_INVALID_ARGUMENT` for a registry that
 * `causelog_registry_validate` refuses, for a resolver without a name or a function, and for options
 * that ask for reading only.
 */
causelog_status causelog_replica_open(struct causelog_text path,
                                      const struct causelog_replica_options *options,
                                      struct causelog_replica **replica,
                                      struct causelog_error **error);

/**
 * A new replica in memory, gone when its last handle is. `options` may be NULL. Free it with
 * `causelog_replica_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` as `causelog_replica_open` does.
 */
causelog_status causelog_replica_in_memory(const struct causelog_replica_options *options,
                                           struct causelog_replica **replica,
                                           struct causelog_error **error);

/**
 * The replica's log, to read: entries, snapshots, consumers. Writing to it or removing from it is
 * `CAUSELOG_READ_ONLY`. Borrowed; NULL of NULL.
 */
const struct causelog_log *causelog_replica_log(const struct causelog_replica *replica);

/**
 * The node whose changes this replica records.
 */
struct causelog_uuid causelog_replica_node(const struct causelog_replica *replica);

/**
 * A copy of the rules by which conflicts are resolved. Free it with `causelog_registry_free`.
 *
 * Fails with `CAUSELOG_CLOSED`.
 */
causelog_status causelog_replica_registry(const struct causelog_replica *replica,
                                          struct causelog_registry **registry,
                                          struct causelog_error **error);

/**
 * Sets the rules by which conflicts are resolved, durably. Rows in conflict may take another value by
 * it, which `causelog_replica_effective` shows; conflicts that are settled stay as they were decided.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` as `causelog_registry_validate` does; `CAUSELOG_NO_SPACE` or
 * `CAUSELOG_IO` when it cannot be stored, `CAUSELOG_RESOLVER_FAILED` within a resolver, and
 * `CAUSELOG_CLOSED`. The rules stay as they were.
 */
causelog_status causelog_replica_set_registry(const struct causelog_replica *replica,
                                              const struct causelog_registry *registry,
                                              struct causelog_error **error);

/**
 * Registers a function that decides conflicts, for strategies `{"kind":"custom",...}` of its name and
 * version. What it has answered before is kept; what it, or one before it, failed at is asked again.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the name is empty or the function NULL, and
 * `CAUSELOG_CLOSED`; the context then stays the caller's.
 */
causelog_status causelog_replica_register_resolver(const struct causelog_replica *replica,
                                                   const struct causelog_resolver *resolver,
                                                   struct causelog_error **error);

/**
 * Removes entries that later ones of the same row have replaced, as `causelog_log_compact` does: what
 * the rows are, and how conflicts about them end, stay what they were. `*removals` becomes what that
 * was: nothing, or one removal. `options` and `removals` may be NULL. Free the list with
 * `causelog_removals_free`.
 *
 * Reports of conflicts that were settled below what is kept are gone; `causelog_log_removals` says
 * that something was removed.
 *
 * Fails as `causelog_log_compact` does.
 */
causelog_status causelog_replica_compact(const struct causelog_replica *replica,
                                         const struct causelog_compaction_options *options,
                                         struct causelog_removals **removals,
                                         struct causelog_error **error);

/**
 * Returns once all that was acknowledged will survive a loss of power, whatever the durability.
 *
 * Fails as `causelog_log_sync` does.
 */
causelog_status causelog_replica_sync(const struct causelog_replica *replica,
                                      struct causelog_error **error);

/**
 * Syncs and closes the replica and its log, so that another handle can open it: every other call is
 * `CAUSELOG_CLOSED` from now on. Closing again does nothing. The handle must still be freed.
 *
 * Fails with `CAUSELOG_IO` when the last sync failed; the replica is closed all the same.
 */
causelog_status causelog_replica_close(const struct causelog_replica *replica,
                                       struct causelog_error **error);

/**
 * Frees a replica, and ends the contexts of its resolvers. Once the last cursor of its log is freed
 * too it is closed, but nobody hears of it if the last sync failed: `causelog_replica_close` tells.
 * NULL is fine.
 */
void causelog_replica_free(struct causelog_replica *replica);

/**
 * A row as it is now; `*row` becomes NULL if it is not there: not yet, or not any more. Free it with
 * `causelog_replica_row_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` for an empty table name or a malformed row id,
 * `CAUSELOG_TRUNCATED` when the entry that carries the value was removed, `CAUSELOG_CORRUPT` or
 * `CAUSELOG_IO` when the log cannot be read, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_replica_get(const struct causelog_replica *replica,
                                     struct causelog_text table,
                                     struct causelog_row_id row_id,
                                     struct causelog_replica_row **row,
                                     struct causelog_error **error);

/**
 * The row within its table. Borrowed; NULL of NULL.
 */
const struct causelog_row_id *causelog_replica_row_row_id(const struct causelog_replica_row *row);

/**
 * Its payload. Borrowed; `data` is NULL when the entry that decides carries none.
 */
struct causelog_bytes causelog_replica_row_value(const struct causelog_replica_row *row);

/**
 * The entries that no other has seen, in canonical order: what a conditional write expects. Borrowed.
 */
struct causelog_dots causelog_replica_row_heads(const struct causelog_replica_row *row);

/**
 * Whether the value is final.
 */
causelog_row_state causelog_replica_row_state(const struct causelog_replica_row *row);

/**
 * Frees a row that is not borrowed; NULL is fine.
 */
void causelog_replica_row_free(struct causelog_replica_row *row);

/**
 * All rows of a table that are there now, ascending by row id. Free the list with
 * `causelog_replica_row_list_free`.
 *
 * It reads the entries of the table once, and holds the rows in memory.
 *
 * Fails as `causelog_replica_get` does.
 */
causelog_status causelog_replica_rows(const struct causelog_replica *replica,
                                      struct causelog_text table,
                                      struct causelog_replica_row_list **rows,
                                      struct causelog_error **error);

/**
 * How many rows there are.
 */
size_t causelog_replica_row_list_count(const struct causelog_replica_row_list *rows);

/**
 * The row at this place, ascending by row id, from 0; NULL beyond the count. Borrowed: it lives as
 * long as the list.
 */
const struct causelog_replica_row *causelog_replica_row_list_get(const struct causelog_replica_row_list *rows,
                                                                 size_t index);

/**
 * Frees a list of rows; NULL is fine.
 */
void causelog_replica_row_list_free(struct causelog_replica_row_list *rows);

/**
 * The dots of a row's heads, in canonical order, whether it is there or deleted; none if it never was.
 * They are what a conditional write expects. Free them with `causelog_heads_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` for an empty table name or a malformed row id, and
 * `CAUSELOG_CLOSED`.
 */
causelog_status causelog_replica_heads(const struct causelog_replica *replica,
                                       struct causelog_text table,
                                       struct causelog_row_id row_id,
                                       struct causelog_heads **heads,
                                       struct causelog_error **error);

/**
 * The dots, as long as the handle lives; never NULL, so that also none of them can be expected. None
 * of NULL.
 */
struct causelog_dots causelog_heads_get(const struct causelog_heads *heads);

/**
 * Frees the dots of heads; NULL is fine.
 */
void causelog_heads_free(struct causelog_heads *heads);

/**
 * The row comes into being with the payload `after`. Nothing is copied: the write points to its parts.
 */
struct causelog_write causelog_write_insert(struct causelog_text table,
                                            struct causelog_row_id row_id,
                                            struct causelog_bytes after);

/**
 * The row takes the payload `after`. Nothing is copied: the write points to its parts.
 */
struct causelog_write causelog_write_update(struct causelog_text table,
                                            struct causelog_row_id row_id,
                                            struct causelog_bytes after);

/**
 * The row ends. Nothing is copied: the write points to its parts.
 */
struct causelog_write causelog_write_delete(struct causelog_text table,
                                            struct causelog_row_id row_id);

/**
 * A batch without writes. Free it with `causelog_writes_free`.
 */
struct causelog_writes *causelog_writes_new(void);

/**
 * Copies one more write into the batch.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` for a write that is malformed. The batch stays as it is then.
 */
causelog_status causelog_writes_add(struct causelog_writes *writes,
                                    const struct causelog_write *write,
                                    struct causelog_error **error);

/**
 * How many writes the batch has; 0 of NULL.
 */
size_t causelog_writes_count(const struct causelog_writes *writes);

/**
 * Takes all writes out of the batch, so that it can be filled again.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `writes` is NULL.
 */
causelog_status causelog_writes_clear(struct causelog_writes *writes,
                                      struct causelog_error **error);

/**
 * Frees a batch; NULL is fine.
 */
void causelog_writes_free(struct causelog_writes *writes);

/**
 * The row comes into being with the payload `after`. `appended` may be NULL.
 *
 * Fails with `CAUSELOG_ALREADY_EXISTS` when it is there; otherwise as `causelog_replica_write` does.
 */
causelog_status causelog_replica_insert(const struct causelog_replica *replica,
                                        struct causelog_text table,
                                        struct causelog_row_id row_id,
                                        struct causelog_bytes after,
                                        struct causelog_appended *appended,
                                        struct causelog_error **error);

/**
 * The row takes the payload `after`. `appended` may be NULL.
 *
 * Fails with `CAUSELOG_NOT_FOUND` when it is not there; otherwise as `causelog_replica_write` does.
 */
causelog_status causelog_replica_update(const struct causelog_replica *replica,
                                        struct causelog_text table,
                                        struct causelog_row_id row_id,
                                        struct causelog_bytes after,
                                        struct causelog_appended *appended,
                                        struct causelog_error **error);

/**
 * The row ends. `appended` may be NULL.
 *
 * Fails with `CAUSELOG_NOT_FOUND` when it is not there; otherwise as `causelog_replica_write` does.
 */
causelog_status causelog_replica_delete(const struct causelog_replica *replica,
                                        struct causelog_text table,
                                        struct causelog_row_id row_id,
                                        struct causelog_appended *appended,
                                        struct causelog_error **error);

/**
 * Writes changes of this node together: all of them, or none. Each is held against the row as it is,
 * whose payload becomes the change's `before`. A later one sees what those before it have done.
 * `appended` may be NULL. The batch stays as it is.
 *
 * A write covers all heads of its row, and so ends a conflict about it.
 *
 * Fails with `CAUSELOG_ALREADY_EXISTS` for an insert of a row that is there, `CAUSELOG_NOT_FOUND` for
 * any other change of one that is not; `CAUSELOG_VERSION_MISMATCH` when a row has not the expected
 * heads, or waits in the inbox and none are expected; `CAUSELOG_UNRESOLVED` when it waits for a
 * resolver and none are expected; `CAUSELOG_INVALID_ARGUMENT` for an insert or
 * update without a payload, for a payload that is no JSON object where fields are merged, and for an
 * update without expected heads where some field is a counter, because a value that was read before
 * would undo what has been added since: use `causelog_replica_patch` or `causelog_replica_increment`.
 * `CAUSELOG_RESOLVER_FAILED` within a resolver. Otherwise as `causelog_log_append_transaction` does.
 */
causelog_status causelog_replica_write(const struct causelog_replica *replica,
                                       const struct causelog_writes *writes,
                                       struct causelog_appended *appended,
                                       struct causelog_error **error);

/**
 * Records changes of this node as they are, together: for a program whose rows live elsewhere and that
 * only tells what happened to them. They are not held against what the replica takes the rows to be.
 * `appended` may be NULL. The batch stays as it is.
 *
 * Without changes this writes a merge: a transaction that only says what has been seen.
 *
 * Fails with `CAUSELOG_VERSION_MISMATCH` for a row that waits in the inbox, `CAUSELOG_UNRESOLVED` for
 * one that waits for a resolver, `CAUSELOG_RESOLVER_FAILED` within a resolver; otherwise as
 * `causelog_log_append_transaction` does.
 */
causelog_status causelog_replica_append(const struct causelog_replica *replica,
                                        const struct causelog_changes *changes,
                                        struct causelog_appended *appended,
                                        struct causelog_error **error);

/**
 * Sets fields of a row that is a JSON object, and removes others, `remove_count` names at `remove`,
 * from the value that it has at that moment. `fields` is a JSON object; `null` is a value. `remove`
 * may be NULL if `remove_count` is 0, and `appended` too.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when `fields` or the row is no JSON object,
 * `CAUSELOG_NOT_FOUND` when the row is not there, `CAUSELOG_UNRESOLVED` when its value waits for a
 * resolver; otherwise as `causelog_replica_write` does.
 */
causelog_status causelog_replica_patch(const struct causelog_replica *replica,
                                       struct causelog_text table,
                                       struct causelog_row_id row_id,
                                       struct causelog_bytes fields,
                                       const struct causelog_text *remove,
                                       size_t remove_count,
                                       struct causelog_appended *appended,
                                       struct causelog_error **error);

/**
 * Adds `by` to an integer field of a row that is a JSON object, from the value that it has at that
 * moment. A field that is not there counts as 0. `appended` may be NULL.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the row is no JSON object or the field no 64-bit integer,
 * `CAUSELOG_TOO_LARGE` when the sum leaves the range of one, `CAUSELOG_NOT_FOUND` when the row is not
 * there, `CAUSELOG_UNRESOLVED` when its value waits for a resolver; otherwise as
 * `causelog_replica_write` does.
 */
causelog_status causelog_replica_increment(const struct causelog_replica *replica,
                                           struct causelog_text table,
                                           struct causelog_row_id row_id,
                                           struct causelog_text field,
                                           int64_t by,
                                           struct causelog_appended *appended,
                                           struct causelog_error **error);

/**
 * Takes in a transaction of another node, or of this one as another replica has it: writes it to the
 * log, whoever wins, and judges what it does to its rows. One that is here already is recognised by its
 * dot and changes nothing. `appended` may be NULL.
 *
 * Fails as `causelog_log_append_remote` does. A resolver of the program that fails is no error here:
 * the entries are kept, and their conflict goes to the inbox. `CAUSELOG_RESOLVER_FAILED` only within a
 * resolver.
 */
causelog_status causelog_replica_apply(const struct causelog_replica *replica,
                                       const struct causelog_transaction *transaction,
                                       struct causelog_appended *appended,
                                       struct causelog_error **error);

/**
 * Exchanges what two replicas lack: each gets what its frontier does not cover of the other's log, in
 * that log's order. `report` may be NULL. Free it with `causelog_sync_report_free`.
 *
 * A transaction that cannot be taken in is reported and left out with all that follow on it; the rest
 * goes on. It stays where it is and comes again with the next exchange. Each transaction that was taken
 * in is there as a whole, also when an error ends the exchange.
 *
 * Fails with whatever keeps a log from being read or written: `CAUSELOG_IO`, `CAUSELOG_NO_SPACE`,
 * `CAUSELOG_CORRUPT`, `CAUSELOG_CLOSED`; `CAUSELOG_TRUNCATED` when one lacks what the other has removed,
 * and `CAUSELOG_RESOLVER_FAILED` within a resolver of one of them.
 */
causelog_status causelog_sync(const struct causelog_replica *a,
                              const struct causelog_replica *b,
                              struct causelog_sync_report **report,
                              struct causelog_error **error);

/**
 * Transactions that the first replica got from the second.
 */
uint64_t causelog_sync_report_received(const struct causelog_sync_report *report);

/**
 * Transactions that the second replica got from the first.
 */
uint64_t causelog_sync_report_sent(const struct causelog_sync_report *report);

/**
 * How many transactions the first replica could not take in.
 */
size_t causelog_sync_report_skipped_count(const struct causelog_sync_report *report);

/**
 * The one at this place, from 0; zeros beyond the count.
 */
struct causelog_skipped_transaction causelog_sync_report_skipped(const struct causelog_sync_report *report,
                                                                 size_t index);

/**
 * How many transactions the second replica could not take in.
 */
size_t causelog_sync_report_refused_count(const struct causelog_sync_report *report);

/**
 * The one at this place, from 0; zeros beyond the count.
 */
struct causelog_skipped_transaction causelog_sync_report_refused(const struct causelog_sync_report *report,
                                                                 size_t index);

/**
 * Frees a report; NULL is fine.
 */
void causelog_sync_report_free(struct causelog_sync_report *report);

/**
 * The conflicts that stand: rows whose heads disagree, by table and row id. They are resolved, or wait
 * in the `causelog_replica_inbox`. Free the list with `causelog_reports_free`.
 *
 * Two replicas with the same entries and rules report the same, byte for byte.
 *
 * Fails with `CAUSELOG_CORRUPT` or `CAUSELOG_IO` when the log cannot be read, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_replica_conflicts(const struct causelog_replica *replica,
                                           struct causelog_reports **reports,
                                           struct causelog_error **error);

/**
 * The conflicts that an entry ended whose author had seen all of their heads, in the order of those
 * entries in this log. Free the list with `causelog_reports_free`.
 *
 * Fails as `causelog_replica_conflicts` does.
 */
causelog_status causelog_replica_settled_conflicts(const struct causelog_replica *replica,
                                                   struct causelog_reports **reports,
                                                   struct causelog_error **error);

/**
 * The conflicts that `query` asks for, which may be NULL: first those that stand, by table and row id,
 * then those that are settled, in the order of the entries that settled them. Free the list with
 * `causelog_reports_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when the query is malformed; otherwise as
 * `causelog_replica_conflicts` does.
 */
causelog_status causelog_replica_query_conflicts(const struct causelog_replica *replica,
                                                 const struct causelog_conflict_query *query,
                                                 struct causelog_reports **reports,
                                                 struct causelog_error **error);

/**
 * Resolves a conflict again, from the log and by the rules that were in force then: a report that this
 * replica, or one with the same entries, has made comes out the same. The conflict need not stand any
 * longer. Free the report with `causelog_report_free`.
 *
 * Fails with `CAUSELOG_NOT_FOUND` when the log lacks one of the heads, or the registry of the report
 * was never in force here; `CAUSELOG_INVALID_ARGUMENT` for a report of a plain detector, which knows no
 * rules; `CAUSELOG_TRUNCATED` when compaction has removed what it takes; otherwise as
 * `causelog_replica_conflicts` does.
 */
causelog_status causelog_replica_replay(const struct causelog_replica *replica,
                                        const struct causelog_report *report,
                                        struct causelog_report **replayed,
                                        struct causelog_error **error);

/**
 * How many reports there are.
 */
size_t causelog_reports_count(const struct causelog_reports *reports);

/**
 * The report at this place, from 0; NULL beyond the count. Borrowed: it lives as long as the list.
 */
const struct causelog_report *causelog_reports_get(const struct causelog_reports *reports,
                                                   size_t index);

/**
 * Frees a list of reports; NULL is fine.
 */
void causelog_reports_free(struct causelog_reports *reports);

/**
 * The rows about which somebody has to decide, by table and row id: one item a row. They follow from
 * the log, and so does what is in the inbox after a crash; claims are kept durably beside it. Free the
 * inbox with `causelog_inbox_free`.
 *
 * An item is closed by `causelog_replica_resolve`, by any write that expects its heads, or by such a
 * write of another replica.
 *
 * Fails as `causelog_replica_conflicts` does.
 */
causelog_status causelog_replica_inbox(const struct causelog_replica *replica,
                                       struct causelog_inbox **inbox,
                                       struct causelog_error **error);

/**
 * How many items there are.
 */
size_t causelog_inbox_count(const struct causelog_inbox *inbox);

/**
 * The item at this place, from 0; NULL beyond the count. Borrowed: it lives as long as the inbox.
 */
const struct causelog_inbox_item *causelog_inbox_get(const struct causelog_inbox *inbox,
                                                     size_t index);

/**
 * Frees an inbox; NULL is fine.
 */
void causelog_inbox_free(struct causelog_inbox *inbox);

/**
 * The conflict between the row's heads, with the provisional value. It grows when another head
 * arrives. Borrowed; NULL of NULL.
 */
const struct causelog_report *causelog_inbox_item_report(const struct causelog_inbox_item *item);

/**
 * Whether a person decides, or a resolver of the program that is missing or has failed.
 */
causelog_row_state causelog_inbox_item_state(const struct causelog_inbox_item *item);

/**
 * Whether somebody has taken it up, here; `*claim` says who then. `claim` may be NULL.
 */
bool causelog_inbox_item_claim(const struct causelog_inbox_item *item,
                               struct causelog_claim *claim);

/**
 * What the program's resolver failed with, if it did since the replica was opened. Borrowed; `data` is
 * NULL if it did not.
 */
struct causelog_text causelog_inbox_item_failure(const struct causelog_inbox_item *item);

/**
 * Takes up an item of the inbox for `by`, the name of a person or a job, so that others who look see
 * it; `*at` becomes the time since when it is taken up, in nanoseconds since the Unix epoch. It stays
 * when the item grows, and is known here alone. `at` may be NULL.
 *
 * Fails with `CAUSELOG_NOT_FOUND` when the row is not in the inbox, `CAUSELOG_ALREADY_EXISTS` when
 * somebody else has taken it up, `CAUSELOG_INVALID_ARGUMENT` for an empty name; `CAUSELOG_NO_SPACE` or
 * `CAUSELOG_IO` when it cannot be stored, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_replica_claim(const struct causelog_replica *replica,
                                       struct causelog_text table,
                                       struct causelog_row_id row_id,
                                       struct causelog_text by,
                                       int64_t *at,
                                       struct causelog_error **error);

/**
 * Gives up the claim on an item, whoever has it. Without one this does nothing.
 *
 * Fails with `CAUSELOG_NOT_FOUND` when the row is not in the inbox; `CAUSELOG_NO_SPACE` or
 * `CAUSELOG_IO` when it cannot be stored, and `CAUSELOG_CLOSED`.
 */
causelog_status causelog_replica_release(const struct causelog_replica *replica,
                                         struct causelog_text table,
                                         struct causelog_row_id row_id,
                                         struct causelog_error **error);

/**
 * Decides about a row with several heads, whether it waits in the inbox or not: an ordinary change that
 * covers `heads`, those that whoever decides has seen. `metadata` are small strings for an audit, who
 * and why, and may be NULL if `metadata_count` is 0. `appended` may be NULL.
 *
 * Two people who decide on two replicas make a new conflict, which is resolved like any other.
 *
 * Fails with `CAUSELOG_NOT_FOUND` when the row has not several heads, `CAUSELOG_VERSION_MISMATCH` when
 * it has others than `heads`, `CAUSELOG_INVALID_ARGUMENT` for a head that is none, a decision to defer
 * and one that is malformed; otherwise as `causelog_replica_write` does.
 */
causelog_status causelog_replica_resolve(const struct causelog_replica *replica,
                                         struct causelog_text table,
                                         struct causelog_row_id row_id,
                                         struct causelog_decision decision,
                                         struct causelog_dots heads,
                                         const struct causelog_metadata *metadata,
                                         size_t metadata_count,
                                         struct causelog_appended *appended,
                                         struct causelog_error **error);

/**
 * What the rows became, in the order of the log, after the position `since`, which is text of the form
 * `LSN.RULES`: of each transaction at most one change for a row, from what the row was to what it is,
 * and none where that is the same. A conflict shows as what the row became, also where no single entry
 * carries that; an entry that lost does not show at all. Free the changes with
 * `causelog_effective_changes_free`.
 *
 * An empty `since` is the beginning, as `0.0` is. Ends after a whole transaction, once there are
 * `limit` changes, or as many as are handed out at once. Whoever keeps the position together with what
 * he made of the changes gets each exactly once. What is shown is durable.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` for a position that is none, or that this replica never gave;
 * `CAUSELOG_IO` when it cannot be made durable; otherwise as `causelog_replica_get` does.
 */
causelog_status causelog_replica_effective(const struct causelog_replica *replica,
                                           struct causelog_text since,
                                           size_t limit,
                                           struct causelog_effective_changes **changes,
                                           struct causelog_error **error);

/**
 * How many changes there are; none if there is nothing new.
 */
size_t causelog_effective_changes_count(const struct causelog_effective_changes *changes);

/**
 * The change at this place, in the order of the log, from 0; zeros beyond the count.
 */
struct causelog_effective_change causelog_effective_changes_get(const struct causelog_effective_changes *changes,
                                                                size_t index);

/**
 * Where to go on: text to be kept, and passed as `since`. Borrowed.
 */
struct causelog_text causelog_effective_changes_next(const struct causelog_effective_changes *changes);

/**
 * Frees the changes; NULL is fine.
 */
void causelog_effective_changes_free(struct causelog_effective_changes *changes);

/**
 * Resolves the conflicts that `query` asks for, which may be NULL, by other rules, beside how they were
 * decided. Nothing is changed and nothing is kept, also of what the program's resolvers answer. Free
 * the answers with `causelog_what_ifs_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` as `causelog_registry_validate` does and when the query is
 * malformed; otherwise as `causelog_replica_conflicts` does.
 */
causelog_status causelog_replica_what_if(const struct causelog_replica *replica,
                                         const struct causelog_registry *registry,
                                         const struct causelog_conflict_query *query,
                                         struct causelog_what_ifs **answers,
                                         struct causelog_error **error);

/**
 * How many conflicts there are.
 */
size_t causelog_what_ifs_count(const struct causelog_what_ifs *answers);

/**
 * How the conflict at this place was decided, from 0; NULL beyond the count. Borrowed.
 */
const struct causelog_report *causelog_what_ifs_decided(const struct causelog_what_ifs *answers,
                                                        size_t index);

/**
 * How it would have been decided; NULL beyond the count. Borrowed.
 */
const struct causelog_report *causelog_what_ifs_would_be(const struct causelog_what_ifs *answers,
                                                         size_t index);

/**
 * Whether the row would have had another value.
 */
bool causelog_what_ifs_differs(const struct causelog_what_ifs *answers, size_t index);

/**
 * Frees the answers; NULL is fine.
 */
void causelog_what_ifs_free(struct causelog_what_ifs *answers);

/**
 * How a row became what it is. Free the explanation with `causelog_explanation_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` for an empty table name or a malformed row id; otherwise as
 * `causelog_replica_conflicts` does.
 */
causelog_status causelog_replica_why(const struct causelog_replica *replica,
                                     struct causelog_text table,
                                     struct causelog_row_id row_id,
                                     struct causelog_explanation **explanation,
                                     struct causelog_error **error);

/**
 * The table. Borrowed.
 */
struct causelog_text causelog_explanation_table(const struct causelog_explanation *explanation);

/**
 * The row within the table. Borrowed; NULL of NULL.
 */
const struct causelog_row_id *causelog_explanation_row_id(const struct causelog_explanation *explanation);

/**
 * Whether the row is there.
 */
bool causelog_explanation_is_live(const struct causelog_explanation *explanation);

/**
 * Its payload. Borrowed; `data` is NULL if it is not there, or has none.
 */
struct causelog_bytes causelog_explanation_value(const struct causelog_explanation *explanation);

/**
 * Whether the value is final.
 */
causelog_row_state causelog_explanation_state(const struct causelog_explanation *explanation);

/**
 * How many entries the row has; none if it never was.
 */
size_t causelog_explanation_step_count(const struct causelog_explanation *explanation);

/**
 * The entry at this place, each after all that its author had seen of the row, from 0; NULL beyond the
 * count. Borrowed.
 */
const struct causelog_entry *causelog_explanation_step_entry(const struct causelog_explanation *explanation,
                                                             size_t index);

/**
 * The entries that it follows on: the latest that its author had seen of the row. Borrowed.
 */
struct causelog_dots causelog_explanation_step_follows(const struct causelog_explanation *explanation,
                                                       size_t index);

/**
 * The entries before it in this list that its author had not seen, and that had not seen it. Borrowed.
 */
struct causelog_dots causelog_explanation_step_concurrent_with(const struct causelog_explanation *explanation,
                                                               size_t index);

/**
 * The conflict that it ended, if those that it follows on disagreed; else NULL. Borrowed.
 */
const struct causelog_report *causelog_explanation_step_settles(const struct causelog_explanation *explanation,
                                                                size_t index);

/**
 * The conflict that stands; NULL if there is none. Borrowed.
 */
const struct causelog_report *causelog_explanation_standing(const struct causelog_explanation *explanation);

/**
 * The explanation as several lines of text for people, each of which ends in a line feed. Free the
 * buffer with `causelog_buffer_free`.
 *
 * Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
 */
causelog_status causelog_explanation_to_text(const struct causelog_explanation *explanation,
                                             struct causelog_buffer **text,
                                             struct causelog_error **error);

/**
 * Frees an explanation; NULL is fine.
 */
void causelog_explanation_free(struct causelog_explanation *explanation);

/**
 * What the replica holds, in numbers. Free them with `causelog_row_stats_free`.
 *
 * Fails with `CAUSELOG_CLOSED`.
 */
causelog_status causelog_replica_stats(const struct causelog_replica *replica,
                                       struct causelog_row_stats **stats,
                                       struct causelog_error **error);

/**
 * Rows that the log has entries of, deleted ones among them.
 */
uint64_t causelog_row_stats_rows(const struct causelog_row_stats *stats);

/**
 * Rows with several heads, whether or not these disagree.
 */
uint64_t causelog_row_stats_contested_rows(const struct causelog_row_stats *stats);

/**
 * Entries that ended a conflict, or what would have been one if the heads had disagreed.
 */
uint64_t causelog_row_stats_settlings(const struct causelog_row_stats *stats);

/**
 * Entries whose `before` was not what their author's past comes to here: written past a replica, by
 * other rules, or by a resolver that is no pure function.
 */
uint64_t causelog_row_stats_before_mismatches(const struct causelog_row_stats *stats);

/**
 * Memory for the heads of all rows and for what is remembered of conflicts, roughly, in bytes.
 */
uint64_t causelog_row_stats_memory(const struct causelog_row_stats *stats);

/**
 * Frees the numbers; NULL is fine.
 */
void causelog_row_stats_free(struct causelog_row_stats *stats);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CAUSELOG_H */
