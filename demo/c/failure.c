#include "failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must(void *memory) {
    if (memory == NULL) {
        fputs("replay: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

/* Formats into memory of its own. */
static char *format_text(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    size_t size = length < 0 ? 1 : (size_t)length + 1;
    char *text = must(malloc(size));
    text[0] = '\0';
    vsnprintf(text, size, format, arguments);
    return text;
}

static char *text_of(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    return text;
}

static bool fail(failure *why, const char *place, const char *message, const char *code) {
    free(why->text);
    why->text = text_of("%s: %s (%s)", place, message, code);
    return false;
}

bool fail_invalid(failure *why, const char *place, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *message = format_text(format, arguments);
    va_end(arguments);
    fail(why, place, message, causelog_status_name(CAUSELOG_INVALID_ARGUMENT));
    free(message);
    return false;
}

bool fail_errno(failure *why, const char *place, int number) {
    bool full = number == ENOSPC || number == EFBIG || number == EDQUOT;
    return fail(why, place, strerror(number), causelog_status_name(full ? CAUSELOG_NO_SPACE : CAUSELOG_IO));
}

bool fail_io(failure *why, const char *place, const char *message) {
    return fail(why, place, message, causelog_status_name(CAUSELOG_IO));
}

bool fail_library(failure *why, const char *place, causelog_error *error) {
    fail(why, place, causelog_error_message(error), causelog_status_name(causelog_error_status(error)));
    causelog_error_free(error);
    return false;
}

char *line_place(const char *path, size_t line) {
    return text_of("%s:%zu", path, line);
}
