/*
 * `replay TRACE --log DIR --reports FILE --summary FILE`: the demo's job by the C surface.
 *
 * To build it by hand, from the top of the repository and after `cargo build --release -p causelog-ffi`
 * and `sh ffi/install/install.sh PREFIX target/release`:
 *
 *     cc -std=c11 -O2 -Wall -Wextra -I PREFIX/include -o replay demo/c/{replay,job,summary,trace,lines,map,json,failure}.c \
 *         -L PREFIX/lib -lcauselog -Wl,-rpath,PREFIX/lib
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "causelog.h"
#include "failure.h"
#include "job.h"
#include "summary.h"
#include "trace.h"

static const char USAGE[] = "usage: replay TRACE --log DIR --reports FILE --summary FILE\n";

static const char HELP[] =
    "\n"
    "Records a trace of transactions in a log, compares every two changes of every row,\n"
    "and reports the conflicts.\n"
    "\n"
    "  TRACE           the trace: JSON Lines, compressed with gzip if the name ends in .gz\n"
    "  --log DIR       directory of the log, made if it is not there\n"
    "  --reports FILE  where to write the conflict reports, as JSON Lines\n"
    "  --summary FILE  where to write the numbers, as JSON\n"
    "  --help          this text\n";

typedef struct arguments {
    const char *trace;
    const char *log;
    const char *reports;
    const char *summary;
    bool help;
} arguments;

/* If `argument` is the option `name`, takes its value: what follows `=`, or the next argument. */
static bool take_option(const char *name, const char *argument, char ***next, const char **value) {
    size_t length = strlen(name);
    if (strncmp(argument, name, length) != 0 || *value != NULL) {
        return false;
    }
    if (argument[length] == '=') {
        *value = argument + length + 1;
        return true;
    }
    if (argument[length] != '\0' || **next == NULL) {
        return false;
    }
    *value = *(*next)++;
    return true;
}

static bool read_arguments(char **next, arguments *to) {
    bool only_names = false;
    while (*next != NULL) {
        const char *argument = *next++;
        if (!only_names && strcmp(argument, "--") == 0) {
            only_names = true;
        } else if (!only_names && (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)) {
            to->help = true;
            return true;
        } else if (only_names || argument[0] != '-' || argument[1] == '\0') {
            if (to->trace != NULL) {
                return false;
            }
            to->trace = argument;
        } else if (!take_option("--log", argument, &next, &to->log) &&
                   !take_option("--reports", argument, &next, &to->reports) &&
                   !take_option("--summary", argument, &next, &to->summary)) {
            return false;
        }
    }
    return to->trace != NULL && to->log != NULL && to->reports != NULL && to->summary != NULL;
}

static double seconds_since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Appends the trace to the log in `directory`, and works it out. */
static bool replay(trace *from, const char *directory, outcome *found, failure *why) {
    causelog_time *now = must(causelog_time_new(JOB_NOW));
    causelog_log_options options = CAUSELOG_LOG_OPTIONS_INIT;
    options.time = now;
    /* One sync in the end makes the whole trace durable: a job that is cut short is done again. */
    options.durability = CAUSELOG_DURABILITY_OS;
    causelog_log *log;
    causelog_error *error = NULL;
    bool good;
    if (causelog_log_open(causelog_text_from(directory), &options, &log, &error) != CAUSELOG_OK) {
        good = fail_library(why, directory, error);
    } else {
        good = job_run(from, log, now, directory, found, why);
        if (good && causelog_log_close(log, &error) != CAUSELOG_OK) {
            good = fail_library(why, directory, error);
        }
        causelog_log_free(log);
    }
    causelog_time_free(now);
    return good;
}

static bool run(const arguments *with, failure *why) {
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    outcome found = {0};
    trace *from = trace_open(with->trace, why);
    bool good = from != NULL && replay(from, with->log, &found, why) && write_reports(&found, with->reports, why) &&
                write_summary(&found, with->summary, why) &&
                print_outcome(&found, with->trace, with->reports, seconds_since(&start), why);
    trace_close(from);
    outcome_free(&found);
    return good;
}

int main(int count, char **values) {
    arguments with = {0};
    if (!read_arguments(count > 0 ? values + 1 : values, &with)) {
        fputs(USAGE, stderr);
        return 2;
    }
    if (with.help) {
        fputs(USAGE, stdout);
        fputs(HELP, stdout);
        return 0;
    }
    failure why = {NULL};
    if (run(&with, &why)) {
        return 0;
    }
    fprintf(stderr, "replay: %s\n", why.text);
    free(why.text);
    return 1;
}
