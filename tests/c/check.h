/*
 * Checks that cannot be compiled out, and a way to run tests.
 *
 * A test program is a list of functions that main runs with RUN; after each of them no
 * handle may be left. The first check that fails ends the program with a line that says
 * where and why.
 */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "causelog.h"

/* What every call passes as its last argument; a failure that was expected has freed it. */
static causelog_error *error = NULL;

#define FAIL_CHECK(...)                                        \
    do {                                                       \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);        \
        fprintf(stderr, __VA_ARGS__);                          \
        fputc('\n', stderr);                                   \
        exit(1);                                               \
    } while (0)

#define CHECK(condition)                                       \
    do {                                                       \
        if (!(condition)) {                                    \
            FAIL_CHECK("not so: %s", #condition);              \
        }                                                      \
    } while (0)

/* Two unsigned numbers are equal. */
#define CHECK_NUMBER(expected, actual)                                                               \
    do {                                                                                             \
        uint64_t check_a = (uint64_t)(expected), check_b = (uint64_t)(actual);                       \
        if (check_a != check_b) {                                                                    \
            FAIL_CHECK("%s is %" PRIu64 ", not %" PRIu64, #actual, check_b, check_a);                \
        }                                                                                            \
    } while (0)

/* Two NUL-terminated texts are equal. */
#define CHECK_STRING(expected, actual)                                                               \
    do {                                                                                             \
        const char *check_a = (expected), *check_b = (actual);                                       \
        if (strcmp(check_a, check_b) != 0) {                                                         \
            FAIL_CHECK("%s is\n  %s\nnot\n  %s", #actual, check_b, check_a);                         \
        }                                                                                            \
    } while (0)

/* A causelog_text, or a causelog_bytes, is this NUL-terminated text. */
#define CHECK_VIEW(expected, actual)                                                                 \
    do {                                                                                             \
        const char *check_a = (expected);                                                            \
        size_t check_n = (actual).length;                                                            \
        const char *check_b = (const char *)(actual).data;                                           \
        if (check_b == NULL || check_n != strlen(check_a) || memcmp(check_a, check_b, check_n) != 0) { \
            FAIL_CHECK("%s is %.*s, not %s", #actual, (int)check_n, check_b == NULL ? "" : check_b, check_a); \
        }                                                                                            \
    } while (0)

/* The call, which ends in `&error`, succeeds. */
#define CHECK_OK(call)                                                                               \
    do {                                                                                             \
        causelog_status check_status = (call);                                                       \
        if (check_status != CAUSELOG_OK) {                                                           \
            FAIL_CHECK("%s failed with %s: %s", #call, causelog_status_name(check_status),           \
                       causelog_error_message(error));                                               \
        }                                                                                            \
    } while (0)

/* The call, which ends in `&error`, fails with this status and a message that contains `part`. */
#define CHECK_FAILS(expected, part, call)                                                            \
    do {                                                                                             \
        causelog_status check_status = (call);                                                       \
        if (check_status != (expected)) {                                                            \
            FAIL_CHECK("%s gives %s, not %s", #call, causelog_status_name(check_status),             \
                       causelog_status_name(expected));                                              \
        }                                                                                            \
        if (error == NULL || causelog_error_status(error) != check_status) {                         \
            FAIL_CHECK("%s gives no error or one with another status", #call);                       \
        }                                                                                            \
        if (strstr(causelog_error_message(error), (part)) == NULL) {                                 \
            FAIL_CHECK("%s says \"%s\", not \"%s\"", #call, causelog_error_message(error), (part));  \
        }                                                                                            \
        causelog_error_free(error);                                                                  \
        error = NULL;                                                                                \
    } while (0)

/* A buffer holds this text; frees it. */
#define CHECK_BUFFER(expected, buffer)                                                               \
    do {                                                                                             \
        CHECK_STRING((expected), causelog_buffer_text(buffer));                                      \
        CHECK_NUMBER(strlen(expected), causelog_buffer_bytes(buffer).length);                        \
        causelog_buffer_free(buffer);                                                                \
    } while (0)

#define RUN(test)                                                                                    \
    do {                                                                                             \
        test();                                                                                      \
        if (causelog_live_handles() != 0) {                                                          \
            FAIL_CHECK("%s leaves %zu handles", #test, causelog_live_handles());                     \
        }                                                                                            \
        printf("ok %s\n", #test);                                                                    \
    } while (0)

#endif
