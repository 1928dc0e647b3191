/*
 * The conformance vectors of tests/conformance, whose README says what they mean.
 */
#ifndef VECTORS_H
#define VECTORS_H

#include "../../demo/c/json.h"
#include "check.h"

/* What is done with each case of a list. */
typedef struct vector_list {
    const char *name;
    void (*run)(const json_value *vector);
} vector_list;

/*
 * Runs every case of a file: it must hold these lists, none empty, and no others. A check
 * that fails in one of them says in which.
 */
void run_vectors(const char *directory, const char *file, const vector_list *lists, size_t count);

/* A member, which must be there. */
const json_value *member(const json_value *of, const char *name);

/* A member that is a string, NUL-terminated. */
const char *string_member(const json_value *of, const char *name);

/* The same as pointer and length. */
causelog_text text_member(const json_value *of, const char *name);

/* A member that is true or false. */
bool bool_member(const json_value *of, const char *name);

/* A member that is a string of decimal digits, or a number. */
uint64_t unsigned_member(const json_value *of, const char *name);
int64_t signed_member(const json_value *of, const char *name);

/* A member that is a UUID. */
causelog_uuid uuid_member(const json_value *of, const char *name);

/* A member that is a dot. */
causelog_dot dot_member(const json_value *of, const char *name);

/* A member that is a clock, owned by the caller. */
causelog_clock *clock_member(const json_value *of, const char *name);

/* The clock's JSON form is that of the member. */
void check_clock(const json_value *of, const char *name, const causelog_clock *clock);

/* Bytes with memory of their own; `free` them. */
typedef struct owned_bytes {
    uint8_t *data;
    size_t length;
} owned_bytes;

/* The bytes that hexadecimal digits stand for. */
owned_bytes bytes_of_hex(const char *hex);

/* These bytes are those of the digits. */
void check_hex(const char *hex, causelog_bytes bytes);

/* A row id, with memory for what it points to. */
typedef struct owned_row {
    causelog_row_id row_id;
    causelog_row_id elements[8];
    owned_bytes bytes[9];
    size_t bytes_count;
} owned_row;

/* Reads a row id into *row, which must stay where it is; free it with free_row. */
void read_row(const json_value *value, owned_row *row);
void free_row(owned_row *row);

/* The operation with this name. */
causelog_operation operation_of(causelog_text name);

/* A change, with memory for what it points to. */
typedef struct owned_change {
    causelog_change change;
    owned_row row;
    owned_bytes before;
    owned_bytes after;
    causelog_metadata metadata[8];
} owned_change;

/* Reads a change into *change, which must stay where it is; free it with free_change. */
void read_change(const json_value *value, owned_change *change);
void free_change(owned_change *change);

/* Reads an entry, owned by the caller. */
causelog_entry *read_entry(const json_value *value);

/*
 * These bytes are those of a payload: a string stands for its bytes, an object for those of its
 * `hex`, and null for none.
 */
void check_payload(const json_value *expected, causelog_bytes actual);

/* The dot is that of the value, which is a string. */
void check_dot(const json_value *expected, causelog_dot dot);

/* The call, whose status this is, failed as the case's `error` says. Frees the error that it made. */
void check_error(const json_value *vector, causelog_status status, causelog_error **made);

#endif
