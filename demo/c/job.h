/*
 * The job: append a trace to a log, compare every two changes of every row, report the conflicts.
 */
#ifndef JOB_H
#define JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "causelog.h"
#include "failure.h"
#include "trace.h"

/*
 * The time that it is during the job, 2100-01-01T00:00:00Z: later than any trace, and the
 * same in every run, so that the reports are the same as well.
 */
#define JOB_NOW INT64_C(4102444800000000000)

/* The largest number of an operation, a class and a reason code, and 1. */
#define JOB_OPERATIONS (CAUSELOG_OPERATION_DELETE + 1)
#define JOB_CLASSES (CAUSELOG_CONFLICT_CLASS_DELETE_DELETE + 1)
#define JOB_REASONS (CAUSELOG_REASON_CODE_CONCURRENT + 1)

/* What the job found. */
typedef struct outcome {
    /* Lines of the trace. */
    size_t transactions;
    /* Changes of all transactions. */
    size_t changes;
    /* Rows that were ever changed. */
    size_t rows;
    /* Pairs of changes of one row of which one's author had seen the other. */
    size_t pairs_ordered;
    /* Pairs of changes of one row of which neither's author had seen the other. */
    size_t pairs_concurrent;
    /* The same by the numbers of their operations, the lower one first. */
    size_t concurrent_by_operations[JOB_OPERATIONS][JOB_OPERATIONS];
    /* Changes that ended a disagreement of what their authors had seen. */
    size_t settled;
    /* Rows by the number of their heads, as far as the largest number. */
    size_t *rows_by_heads;
    size_t most_heads;
    /* The settled conflicts in the order of the log, then the standing ones in the order of their rows. */
    causelog_report **reports;
    size_t report_count, report_capacity;
    /* The reports by class and reason code. */
    size_t by_class_and_reason[JOB_CLASSES][JOB_REASONS];
} outcome;

/* Does the whole job on `log`, which `place` names in messages. Begin with an outcome of zeros; free it always. */
bool job_run(trace *from, const causelog_log *log, const causelog_time *time, const char *place, outcome *found,
             failure *why);

void outcome_free(outcome *found);

#endif
