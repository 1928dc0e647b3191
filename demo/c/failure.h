/*
 * Why the program gave up, and where: `PLACE: what was wrong (CODE)`.
 */
#ifndef FAILURE_H
#define FAILURE_H

#include <stdbool.h>
#include <stddef.h>

#include "causelog.h"

typedef struct failure {
    /* The whole message, NUL-terminated; NULL while nothing has failed. To be freed. */
    char *text;
} failure;

/* Each of these notes down why, and returns false, so that a function can end with it. */

/* Something that is wrong with the input. `format` is that of printf. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
bool fail_invalid(failure *why, const char *place, const char *format, ...);

/* What the operating system said: the value of errno. */
bool fail_errno(failure *why, const char *place, int number);

/* The same in words that something else has found. */
bool fail_io(failure *why, const char *place, const char *message);

/* What the library said. Frees the error. */
bool fail_library(failure *why, const char *place, causelog_error *error);

/* Ends the program if memory has run out, which nothing can be done about. */
void *must(void *memory);

/* `FILE:LINE`, to be freed. */
char *line_place(const char *path, size_t line);

#endif
