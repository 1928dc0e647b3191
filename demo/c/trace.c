#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "lines.h"
#include "map.h"

struct trace {
    char *path;
    lines *lines;
    size_t line_number;
    char *place;
    /* The dots of the transactions so far, and the numbers of these by name. */
    causelog_dot *dots;
    size_t dot_count, dot_capacity;
    map names;
    /* The last sequence of each node. */
    map sequences;
};

/* What a line comes to, on its way to a transaction. */
typedef struct draft {
    causelog_uuid node;
    int64_t timestamp;
    causelog_dot *dependencies;
    size_t dependency_count;
    causelog_changes *changes;
} draft;

static const char *const TYPE_NAMES[] = {"null", "a boolean", "a boolean", "a number", "a string", "an array", "an object"};

trace *trace_open(const char *path, failure *why) {
    lines *source = lines_open(path, why);
    if (source == NULL) {
        return NULL;
    }
    trace *from = must(calloc(1, sizeof *from));
    from->lines = source;
    from->path = must(malloc(strlen(path) + 1));
    strcpy(from->path, path);
    return from;
}

const char *trace_place(const trace *from) {
    return from->place != NULL ? from->place : from->path;
}

static causelog_text text_of(const json_value *string) {
    return (causelog_text){string->text, string->length};
}

/* The member of this name and type; NULL after a failure. */
static const json_value *field(const trace *from, const json_value *object, const char *name, json_type type,
                               failure *why) {
    size_t count = 0;
    for (size_t index = 0; index < object->count; index++) {
        const json_member *member = &object->members[index];
        count += member->name_length == strlen(name) && memcmp(member->name, name, member->name_length) == 0;
    }
    const json_value *value = json_get(object, name);
    if (count != 1) {
        fail_invalid(why, from->place, "not a transaction: %s field `%s`", count == 0 ? "missing" : "duplicate", name);
        return NULL;
    }
    if (value->type != type) {
        fail_invalid(why, from->place, "not a transaction: %s is %s, not %s", name, TYPE_NAMES[value->type],
                     TYPE_NAMES[type]);
        return NULL;
    }
    return value;
}

/* Text or a 64-bit integer; the row id points into the value. */
static bool read_row_id(const trace *from, const json_value *value, causelog_row_id *row_id, failure *why) {
    if (value != NULL && value->type == JSON_STRING) {
        *row_id = causelog_row_id_from_text(text_of(value));
        return true;
    }
    if (value != NULL && value->type == JSON_NUMBER && strpbrk(value->text, ".eE") == NULL) {
        errno = 0;
        long long integer = strtoll(value->text, NULL, 10);
        *row_id = causelog_row_id_from_integer(integer);
        if (errno == 0) {
            return true;
        }
    }
    if (value == NULL) {
        return fail_invalid(why, from->place, "not a transaction: missing field `row_id`");
    }
    const char *shown = value->type == JSON_NUMBER ? value->text : TYPE_NAMES[value->type];
    return fail_invalid(why, from->place, "row_id is neither text nor a 64-bit integer: %s", shown);
}

/* The image after a change as compact JSON, with keys and numbers as given. Its data is to be freed. */
static bool read_after(const trace *from, const json_value *value, int32_t operation, json_output *after, failure *why) {
    if (value == NULL || value->type == JSON_NULL) {
        return operation == CAUSELOG_OPERATION_DELETE ||
               fail_invalid(why, from->place, "an %s needs an image after it", causelog_operation_name(operation));
    }
    if (value->type != JSON_OBJECT) {
        return fail_invalid(why, from->place, "after is not an object: %s", TYPE_NAMES[value->type]);
    }
    json_write(value, after);
    must(after->failed ? NULL : after->data);
    return true;
}

static bool read_change(const trace *from, const json_value *value, causelog_changes *changes, failure *why) {
    if (value->type != JSON_OBJECT) {
        return fail_invalid(why, from->place, "not a transaction: a change is %s", TYPE_NAMES[value->type]);
    }
    const json_value *table = field(from, value, "table", JSON_STRING, why);
    const json_value *name = table != NULL ? field(from, value, "operation", JSON_STRING, why) : NULL;
    causelog_change change = CAUSELOG_CHANGE_INIT;
    if (name == NULL || !read_row_id(from, json_get(value, "row_id"), &change.row_id, why)) {
        return false;
    }
    causelog_error *error = NULL;
    causelog_operation operation;
    if (causelog_operation_parse(text_of(name), &operation, &error) != CAUSELOG_OK) {
        return fail_library(why, from->place, error);
    }
    json_output after = {0};
    if (!read_after(from, json_get(value, "after"), operation, &after, why)) {
        return false;
    }
    change.table = text_of(table);
    change.operation = operation;
    change.after = (causelog_bytes){(const uint8_t *)after.data, after.length};
    causelog_status status = causelog_changes_add(changes, &change, &error);
    free(after.data);
    return status == CAUSELOG_OK || fail_library(why, from->place, error);
}

static bool read_parents(const trace *from, const json_value *parents, draft *to, failure *why) {
    to->dependencies = must(calloc(parents->count + 1, sizeof *to->dependencies));
    for (size_t index = 0; index < parents->count; index++) {
        const json_value *parent = &parents->elements[index];
        if (parent->type != JSON_STRING) {
            return fail_invalid(why, from->place, "not a transaction: a parent is %s", TYPE_NAMES[parent->type]);
        }
        const size_t *number = map_find(&from->names, parent->text, parent->length);
        if (number == NULL) {
            return fail_invalid(why, from->place, "parent \"%s\" does not stand before its child", parent->text);
        }
        to->dependencies[to->dependency_count++] = from->dots[*number];
    }
    return true;
}

static bool read_draft(trace *from, const json_value *line, draft *to, failure *why) {
    const json_value *node = field(from, line, "node", JSON_STRING, why);
    const json_value *parents = node != NULL ? field(from, line, "parents", JSON_ARRAY, why) : NULL;
    const json_value *timestamp = parents != NULL ? field(from, line, "timestamp", JSON_STRING, why) : NULL;
    const json_value *changes = timestamp != NULL ? field(from, line, "changes", JSON_ARRAY, why) : NULL;
    if (changes == NULL) {
        return false;
    }
    causelog_error *error = NULL;
    if (causelog_uuid_parse(text_of(node), &to->node, &error) != CAUSELOG_OK ||
        causelog_timestamp_parse(text_of(timestamp), &to->timestamp, &error) != CAUSELOG_OK) {
        return fail_library(why, from->place, error);
    }
    if (!read_parents(from, parents, to, why)) {
        return false;
    }
    for (size_t index = 0; index < changes->count; index++) {
        if (!read_change(from, &changes->elements[index], to->changes, why)) {
            return false;
        }
    }
    return true;
}

/* Names the transaction: its node's sequence goes on by as many as it has changes, and one if it has none. */
static bool name_transaction(trace *from, const json_value *name, const draft *of, causelog_dot *dot, failure *why) {
    bool added;
    map_add(&from->names, name->text, name->length, from->dot_count, &added);
    if (!added) {
        return fail_invalid(why, from->place, "transaction \"%s\" stands here a second time", name->text);
    }
    if (from->dot_count == from->dot_capacity) {
        from->dot_capacity = from->dot_capacity == 0 ? 64 : from->dot_capacity * 2;
        from->dots = must(realloc(from->dots, from->dot_capacity * sizeof *from->dots));
    }
    size_t *sequence = map_add(&from->sequences, of->node.bytes, sizeof of->node.bytes, 0, NULL);
    size_t count = causelog_changes_count(of->changes);
    *sequence += count > 0 ? count : 1;
    *dot = (causelog_dot){of->node, *sequence};
    from->dots[from->dot_count++] = *dot;
    return true;
}

static bool read_line(trace *from, const json_value *line, draft *scratch, causelog_transaction **transaction,
                      failure *why) {
    if (line->type != JSON_OBJECT) {
        return fail_invalid(why, from->place, "not a transaction: the line is %s", TYPE_NAMES[line->type]);
    }
    const json_value *name = field(from, line, "txn", JSON_STRING, why);
    causelog_dot dot;
    if (name == NULL || !read_draft(from, line, scratch, why) || !name_transaction(from, name, scratch, &dot, why)) {
        return false;
    }
    causelog_error *error = NULL;
    causelog_status status = causelog_transaction_new(dot, scratch->dependencies, scratch->dependency_count,
                                                      scratch->timestamp, scratch->changes, transaction, &error);
    return status == CAUSELOG_OK || fail_library(why, from->place, error);
}

bool trace_next(trace *from, causelog_transaction **transaction, failure *why) {
    const char *text = NULL;
    size_t length = 0;
    if (!lines_next(from->lines, &text, &length, why)) {
        return false;
    }
    if (text == NULL) {
        *transaction = NULL;
        return from->line_number > 0 || fail_invalid(why, from->path, "the trace is empty");
    }
    from->line_number++;
    free(from->place);
    from->place = line_place(from->path, from->line_number);

    json_value line;
    json_error error;
    if (!json_parse(text, length, &line, &error)) {
        return fail_invalid(why, from->place, "not JSON: %s at column %zu", error.message, error.column);
    }
    draft scratch = {.changes = must(causelog_changes_new())};
    bool good = read_line(from, &line, &scratch, transaction, why);
    causelog_changes_free(scratch.changes);
    free(scratch.dependencies);
    json_free(&line);
    return good;
}

void trace_close(trace *from) {
    if (from == NULL) {
        return;
    }
    lines_close(from->lines);
    map_free(&from->names);
    map_free(&from->sequences);
    free(from->dots);
    free(from->place);
    free(from->path);
    free(from);
}
