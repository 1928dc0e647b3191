#include "vectors.h"

#include <errno.h>

static char where[256];

/* Says in which case a check has failed. */
static void tell_where(void) {
    if (where[0] != '\0') {
        fprintf(stderr, "in %s\n", where);
    }
}

static json_value load(const char *directory, const char *file) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", directory, file);
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        FAIL_CHECK("%s: %s", path, strerror(errno));
    }
    CHECK(fseek(in, 0, SEEK_END) == 0);
    long size = ftell(in);
    CHECK(size > 0 && fseek(in, 0, SEEK_SET) == 0);
    char *text = malloc((size_t)size);
    CHECK(text != NULL && fread(text, 1, (size_t)size, in) == (size_t)size);
    fclose(in);
    json_value document;
    json_error why;
    if (!json_parse(text, (size_t)size, &document, &why)) {
        FAIL_CHECK("%s: byte %zu: %s", path, why.column, why.message);
    }
    free(text);
    return document;
}

void run_vectors(const char *directory, const char *file, const vector_list *lists, size_t count) {
    static bool registered = false;
    if (!registered) {
        CHECK(atexit(tell_where) == 0);
        registered = true;
    }
    json_value document = load(directory, file);
    size_t cases = 0;
    CHECK_NUMBER(count, document.count);
    for (size_t number = 0; number < count; number++) {
        const json_value *list = member(&document, lists[number].name);
        CHECK(list->type == JSON_ARRAY && list->count > 0);
        for (size_t index = 0; index < list->count; index++) {
            const json_value *name = json_get(&list->elements[index], "name");
            snprintf(where, sizeof where, "%s: case %zu of %s%s%s", file, index + 1, lists[number].name,
                     name != NULL ? ": " : "", name != NULL ? name->text : "");
            lists[number].run(&list->elements[index]);
            CHECK_NUMBER(0, causelog_live_handles());
            cases++;
        }
    }
    where[0] = '\0';
    json_free(&document);
    printf("ok %s: %zu cases\n", file, cases);
}

const json_value *member(const json_value *of, const char *name) {
    const json_value *value = json_get(of, name);
    if (value == NULL) {
        FAIL_CHECK("no member %s", name);
    }
    return value;
}

causelog_text text_member(const json_value *of, const char *name) {
    const json_value *value = member(of, name);
    CHECK(value->type == JSON_STRING);
    return (causelog_text){value->text, value->length};
}

const char *string_member(const json_value *of, const char *name) {
    causelog_text text = text_member(of, name);
    CHECK_NUMBER(strlen(text.data), text.length);
    return text.data;
}

bool bool_member(const json_value *of, const char *name) {
    const json_value *value = member(of, name);
    CHECK(value->type == JSON_TRUE || value->type == JSON_FALSE);
    return value->type == JSON_TRUE;
}

/* The digits of a number, however it is given. */
static const char *digits(const json_value *of, const char *name) {
    const json_value *value = member(of, name);
    CHECK(value->type == JSON_STRING || value->type == JSON_NUMBER);
    CHECK(value->length > 0 && strspn(value->text, "-0123456789") == value->length);
    errno = 0;
    return value->text;
}

uint64_t unsigned_member(const json_value *of, const char *name) {
    uint64_t value = strtoull(digits(of, name), NULL, 10);
    CHECK(errno == 0);
    return value;
}

int64_t signed_member(const json_value *of, const char *name) {
    int64_t value = strtoll(digits(of, name), NULL, 10);
    CHECK(errno == 0);
    return value;
}

causelog_uuid uuid_member(const json_value *of, const char *name) {
    causelog_uuid uuid;
    CHECK_OK(causelog_uuid_parse(text_member(of, name), &uuid, &error));
    return uuid;
}

causelog_dot dot_member(const json_value *of, const char *name) {
    causelog_dot dot;
    CHECK_OK(causelog_dot_parse(text_member(of, name), &dot, &error));
    return dot;
}

causelog_clock *clock_member(const json_value *of, const char *name) {
    causelog_clock *clock;
    CHECK_OK(causelog_clock_from_json(text_member(of, name), &clock, &error));
    return clock;
}

void check_clock(const json_value *of, const char *name, const causelog_clock *clock) {
    causelog_buffer *json;
    CHECK_OK(causelog_clock_to_json(clock, &json, &error));
    CHECK_BUFFER(string_member(of, name), json);
}

static unsigned nibble(char digit) {
    static const char all[] = "0123456789abcdef";
    const char *found = digit != '\0' ? strchr(all, digit) : NULL;
    CHECK(found != NULL);
    return (unsigned)(found - all);
}

owned_bytes bytes_of_hex(const char *hex) {
    owned_bytes bytes = {NULL, strlen(hex) / 2};
    CHECK(strlen(hex) % 2 == 0);
    bytes.data = malloc(bytes.length + 1);
    CHECK(bytes.data != NULL);
    for (size_t index = 0; index < bytes.length; index++) {
        bytes.data[index] = (uint8_t)(nibble(hex[2 * index]) << 4 | nibble(hex[2 * index + 1]));
    }
    return bytes;
}

void check_hex(const char *hex, causelog_bytes bytes) {
    owned_bytes expected = bytes_of_hex(hex);
    CHECK_NUMBER(expected.length, bytes.length);
    CHECK(memcmp(expected.data, bytes.data, bytes.length) == 0);
    free(expected.data);
}

static causelog_row_id read_part(const json_value *value, owned_row *row) {
    if (value->type == JSON_STRING) {
        return causelog_row_id_from_text((causelog_text){value->text, value->length});
    }
    if (value->type == JSON_NUMBER) {
        errno = 0;
        int64_t integer = strtoll(value->text, NULL, 10);
        CHECK(errno == 0);
        return causelog_row_id_from_integer(integer);
    }
    CHECK(value->type == JSON_OBJECT && value->count == 1);
    if (json_get(value, "integer") != NULL) {
        return causelog_row_id_from_integer(signed_member(value, "integer"));
    }
    CHECK(row->bytes_count < sizeof row->bytes / sizeof *row->bytes);
    owned_bytes *bytes = &row->bytes[row->bytes_count++];
    if (json_get(value, "bytes") != NULL) {
        *bytes = bytes_of_hex(string_member(value, "bytes"));
        return causelog_row_id_from_bytes((causelog_bytes){bytes->data, bytes->length});
    }
    causelog_uuid uuid = uuid_member(value, "uuid");
    bytes->length = sizeof uuid;
    bytes->data = malloc(sizeof uuid);
    CHECK(bytes->data != NULL);
    memcpy(bytes->data, &uuid, sizeof uuid);
    return causelog_row_id_from_uuid((const causelog_uuid *)(const void *)bytes->data);
}

void read_row(const json_value *value, owned_row *row) {
    memset(row, 0, sizeof *row);
    if (value->type != JSON_ARRAY) {
        row->row_id = read_part(value, row);
        return;
    }
    CHECK(value->count <= sizeof row->elements / sizeof *row->elements);
    for (size_t index = 0; index < value->count; index++) {
        row->elements[index] = read_part(&value->elements[index], row);
    }
    row->row_id = causelog_row_id_from_elements(row->elements, value->count);
}

void free_row(owned_row *row) {
    for (size_t index = 0; index < row->bytes_count; index++) {
        free(row->bytes[index].data);
    }
}

causelog_operation operation_of(causelog_text name) {
    causelog_operation operation;
    CHECK_OK(causelog_operation_parse(name, &operation, &error));
    return operation;
}

static causelog_bytes read_payload(const json_value *value, owned_bytes *memory) {
    *memory = (owned_bytes){NULL, 0};
    if (value == NULL || value->type == JSON_NULL) {
        return (causelog_bytes){NULL, 0};
    }
    if (value->type == JSON_STRING) {
        return (causelog_bytes){(const uint8_t *)value->text, value->length};
    }
    *memory = bytes_of_hex(string_member(value, "hex"));
    return (causelog_bytes){memory->data, memory->length};
}

void read_change(const json_value *value, owned_change *change) {
    read_row(member(value, "row_id"), &change->row);
    change->change = (causelog_change)CAUSELOG_CHANGE_INIT;
    change->change.table = text_member(value, "table");
    change->change.row_id = change->row.row_id;
    change->change.operation = operation_of(text_member(value, "operation"));
    change->change.before = read_payload(json_get(value, "before"), &change->before);
    change->change.after = read_payload(json_get(value, "after"), &change->after);
    const json_value *strings = json_get(value, "metadata");
    if (strings != NULL) {
        CHECK(strings->type == JSON_OBJECT && strings->count <= sizeof change->metadata / sizeof *change->metadata);
        for (size_t index = 0; index < strings->count; index++) {
            const json_member *string = &strings->members[index];
            change->metadata[index].key = (causelog_text){string->name, string->name_length};
            change->metadata[index].value = (causelog_text){string->value.text, string->value.length};
        }
        change->change.metadata = change->metadata;
        change->change.metadata_count = strings->count;
    }
}

void free_change(owned_change *change) {
    free(change->before.data);
    free(change->after.data);
    free_row(&change->row);
}

causelog_entry *read_entry(const json_value *value) {
    owned_change change;
    read_change(value, &change);
    causelog_clock *clock = clock_member(value, "clock");
    causelog_entry_fields fields = CAUSELOG_ENTRY_FIELDS_INIT;
    fields.dot = (causelog_dot){uuid_member(value, "node"), unsigned_member(value, "sequence")};
    fields.vector_clock = clock;
    fields.timestamp = signed_member(value, "timestamp");
    fields.change = &change.change;
    if (json_get(value, "transaction") != NULL) {
        fields.transaction = dot_member(value, "transaction");
    }
    causelog_entry *entry;
    CHECK_OK(causelog_entry_new(&fields, &entry, &error));
    causelog_clock_free(clock);
    free_change(&change);
    return entry;
}

void check_payload(const json_value *expected, causelog_bytes actual) {
    owned_bytes memory;
    causelog_bytes wanted = read_payload(expected, &memory);
    CHECK((wanted.data == NULL) == (actual.data == NULL));
    CHECK_NUMBER(wanted.length, actual.length);
    CHECK(wanted.length == 0 || memcmp(wanted.data, actual.data, actual.length) == 0);
    free(memory.data);
}

void check_dot(const json_value *expected, causelog_dot dot) {
    char text[CAUSELOG_DOT_TEXT_SIZE];
    CHECK_OK(causelog_dot_format(dot, &text, &error));
    CHECK(expected->type == JSON_STRING);
    CHECK_STRING(expected->text, text);
}

void check_error(const json_value *vector, causelog_status status, causelog_error **made) {
    CHECK_STRING(string_member(vector, "error"), causelog_status_name(status));
    CHECK(causelog_error_status(*made) == status);
    causelog_error_free(*made);
    *made = NULL;
}
