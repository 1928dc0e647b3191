/*
 * The lines of a file, which `gzip -dc` unpacks if its name ends in .gz.
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "failure.h"

typedef struct lines lines;

/* Opens the file; the result is to be freed with lines_close. NULL on failure. */
lines *lines_open(const char *path, failure *why);

/*
 * The next line without its line feed, valid until the next call; *line becomes NULL after
 * the last one. A file that turns out to be cut off fails before its last, partial line
 * is handed out.
 */
bool lines_next(lines *from, const char **line, size_t *length, failure *why);

/* Closes the file, and ends gzip where it still runs. NULL is fine. */
void lines_close(lines *from);

#endif
