/*
 * Reading a trace, and checking that it is one.
 *
 * A trace is a text of JSON objects, one transaction a line, in a causal order: `txn` (a
 * name), `node` (a UUID), `parents` (names of the transactions whose whole past the author
 * had seen), `timestamp` (RFC 3339), and `changes`, each with `table`, `row_id` (text or an
 * integer), `operation` and, but for deletes, `after` (an object).
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>

#include "causelog.h"
#include "failure.h"

typedef struct trace trace;

/* Opens the trace in a file; to be freed with trace_close. NULL on failure. */
trace *trace_open(const char *path, failure *why);

/* The next transaction, to be freed; *transaction becomes NULL after the last one. */
bool trace_next(trace *from, causelog_transaction **transaction, failure *why);

/* `FILE:LINE` of the transaction read last, valid until the next one is read. */
const char *trace_place(const trace *from);

/* NULL is fine. */
void trace_close(trace *from);

#endif
