/*
 * A strict reader of JSON (RFC 8259), and a writer of its compact form.
 *
 * Strings are decoded to UTF-8; numbers are kept as they are written, so that no digit
 * is lost. Malformed UTF-8, a surrogate without its other half and nesting deeper than
 * JSON_MAX_DEPTH are errors. Members keep their order, also those named twice.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>

/* How many arrays and objects may stand inside each other. */
#define JSON_MAX_DEPTH 128

typedef enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} json_type;

typedef struct json_value json_value;
typedef struct json_member json_member;

struct json_value {
    json_type type;
    /* Of a string what it says, of a number how it is written; a NUL follows. A string may hold NULs. */
    char *text;
    size_t length;
    /* Of an array its elements. */
    json_value *elements;
    /* Of an object its members, in the order in which they are written. */
    json_member *members;
    /* How many elements or members there are. */
    size_t count;
};

struct json_member {
    char *name;
    size_t name_length;
    json_value value;
};

/* Where a text is no JSON, and why. */
typedef struct json_error {
    /* The byte at which it went wrong, from 1. */
    size_t column;
    /* A constant. */
    const char *message;
} json_error;

/*
 * Reads a whole text, white space around it allowed. On success *value is to be freed
 * with json_free; on failure nothing is.
 */
bool json_parse(const char *text, size_t length, json_value *value, json_error *error);

/* Frees what the value holds, and makes it null. */
void json_free(json_value *value);

/* The member with this name, the last one if there are several; NULL if there is none, or it is no object. */
const json_value *json_get(const json_value *object, const char *name);

/* Text that grows; begin with one that is all zeros, and free its data. */
typedef struct json_output {
    char *data;
    size_t length;
    size_t capacity;
    /* Memory has run out: the data is not complete. */
    bool failed;
} json_output;

/* Appends bytes as they are. */
void json_append(json_output *output, const char *data, size_t length);

/* Appends a string in quotes, with nothing escaped but what must be. */
void json_write_string(const char *text, size_t length, json_output *output);

/* Appends a value without white space: members in their order, numbers as they were written. */
void json_write(const json_value *value, json_output *output);

#endif
