/*
 * What the job found, in the files that it writes and as all four programs print it.
 */
#ifndef SUMMARY_H
#define SUMMARY_H

#include <stdbool.h>

#include "failure.h"
#include "job.h"

/* Writes all reports as JSON Lines. */
bool write_reports(const outcome *found, const char *path, failure *why);

/* Writes the numbers as one line of JSON. */
bool write_summary(const outcome *found, const char *path, failure *why);

/* Prints the numbers of the trace `source`, three reports, and the time that it took. */
bool print_outcome(const outcome *found, const char *source, const char *reports, double seconds, failure *why);

#endif
