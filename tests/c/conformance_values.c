/* The conformance vectors of clocks, row ids, timestamps and error codes. */

#include "vectors.h"

static void compare(const json_value *vector) {
    causelog_clock *a = clock_member(vector, "a"), *b = clock_member(vector, "b");
    causelog_causality relation;
    bool answer;
    CHECK_OK(causelog_clock_compare(a, b, &relation, &error));
    CHECK_STRING(string_member(vector, "relation"), causelog_causality_name(relation));
    CHECK_OK(causelog_clock_happens_before(a, b, &answer, &error));
    CHECK(answer == bool_member(vector, "happens_before"));
    CHECK_OK(causelog_clock_conflicts_with(a, b, &answer, &error));
    CHECK(answer == bool_member(vector, "conflicts_with"));
    causelog_clock_free(a);
    causelog_clock_free(b);
}

static void covers(const json_value *vector) {
    causelog_clock *clock = clock_member(vector, "clock");
    causelog_dot dot = {uuid_member(vector, "node"), unsigned_member(vector, "sequence")};
    CHECK(causelog_clock_covers(clock, dot) == bool_member(vector, "covers"));
    causelog_clock_free(clock);
}

static void get(const json_value *vector) {
    causelog_clock *clock = clock_member(vector, "clock");
    CHECK_NUMBER(unsigned_member(vector, "sequence"), causelog_clock_get(clock, uuid_member(vector, "node")));
    causelog_clock_free(clock);
}

static void merge(const json_value *vector) {
    causelog_clock *a = clock_member(vector, "a"), *b = clock_member(vector, "b"), *kept = clock_member(vector, "b");
    causelog_causality relation;
    CHECK_OK(causelog_clock_merge(a, b, &error));
    check_clock(vector, "result", a);
    CHECK_OK(causelog_clock_compare(b, kept, &relation, &error));
    CHECK_NUMBER(CAUSELOG_CAUSALITY_EQUAL, relation);
    causelog_clock_free(a);
    causelog_clock_free(b);
    causelog_clock_free(kept);
}

static void increment(const json_value *vector) {
    causelog_clock *clock = clock_member(vector, "clock");
    uint64_t sequence = 0;
    causelog_status status = causelog_clock_increment(clock, uuid_member(vector, "node"), &sequence, &error);
    if (json_get(vector, "error") != NULL) {
        check_error(vector, status, &error);
    } else {
        CHECK_OK(status);
        CHECK_NUMBER(unsigned_member(vector, "sequence"), sequence);
    }
    check_clock(vector, "result", clock);
    causelog_clock_free(clock);
}

static void advance(const json_value *vector) {
    causelog_clock *clock = clock_member(vector, "clock");
    CHECK_OK(causelog_clock_advance(clock, uuid_member(vector, "node"), unsigned_member(vector, "sequence"), &error));
    check_clock(vector, "result", clock);
    causelog_clock_free(clock);
}

static void clock_bytes(const json_value *vector) {
    causelog_clock *clock = clock_member(vector, "clock"), *back;
    causelog_buffer *bytes;
    CHECK_OK(causelog_clock_to_bytes(clock, &bytes, &error));
    check_hex(string_member(vector, "hex"), causelog_buffer_bytes(bytes));
    CHECK_OK(causelog_clock_from_bytes(causelog_buffer_bytes(bytes), &back, &error));
    causelog_causality relation;
    CHECK_OK(causelog_clock_compare(clock, back, &relation, &error));
    CHECK_NUMBER(CAUSELOG_CAUSALITY_EQUAL, relation);
    causelog_buffer_free(bytes);
    causelog_clock_free(clock);
    causelog_clock_free(back);
}

static void malformed_clock_bytes(const json_value *vector) {
    owned_bytes bytes = bytes_of_hex(string_member(vector, "hex"));
    causelog_clock *clock;
    check_error(vector, causelog_clock_from_bytes((causelog_bytes){bytes.data, bytes.length}, &clock, &error), &error);
    free(bytes.data);
}

static void clock_json(const json_value *vector) {
    causelog_clock *clock = clock_member(vector, "json");
    check_clock(vector, "canonical", clock);
    causelog_clock_free(clock);
}

static void malformed_clock_json(const json_value *vector) {
    causelog_clock *clock;
    check_error(vector, causelog_clock_from_json(text_member(vector, "json"), &clock, &error), &error);
}

static void clock_display(const json_value *vector) {
    causelog_clock *clock = clock_member(vector, "clock");
    causelog_buffer *text;
    CHECK_OK(causelog_clock_to_text(clock, &text, &error));
    CHECK_BUFFER(string_member(vector, "text"), text);
    causelog_clock_free(clock);
}

static void clock_iteration(const json_value *vector) {
    causelog_clock *clock = clock_member(vector, "clock");
    const json_value *entries = member(vector, "entries");
    CHECK_NUMBER(entries->count, causelog_clock_length(clock));
    for (size_t index = 0; index < entries->count; index++) {
        causelog_uuid node = uuid_member(&entries->elements[index], "node");
        causelog_dot entry = causelog_clock_entry(clock, index);
        CHECK(memcmp(&node, &entry.node, sizeof node) == 0);
        CHECK_NUMBER(unsigned_member(&entries->elements[index], "sequence"), entry.sequence);
    }
    causelog_clock_free(clock);
}

static void row_id_encoding(const json_value *vector) {
    owned_row row;
    read_row(member(vector, "row_id"), &row);
    causelog_buffer *bytes, *text, *again;
    CHECK_OK(causelog_row_id_encode(&row.row_id, &bytes, &error));
    check_hex(string_member(vector, "hex"), causelog_buffer_bytes(bytes));
    causelog_owned_row_id *decoded;
    CHECK_OK(causelog_row_id_decode(causelog_buffer_bytes(bytes), &decoded, &error));
    const causelog_row_id *back = causelog_owned_row_id_get(decoded);
    CHECK_NUMBER(row.row_id.type, back->type);
    CHECK_OK(causelog_row_id_encode(back, &again, &error));
    check_hex(string_member(vector, "hex"), causelog_buffer_bytes(again));
    CHECK_OK(causelog_row_id_to_text(back, &text, &error));
    CHECK_BUFFER(string_member(vector, "display"), text);
    causelog_owned_row_id_free(decoded);
    causelog_buffer_free(again);
    causelog_buffer_free(bytes);
    free_row(&row);
}

/* The encoded form of the row id before this one. */
static owned_bytes previous;

static void row_id_ascending(const json_value *vector) {
    owned_row row;
    read_row(vector, &row);
    causelog_buffer *encoded;
    CHECK_OK(causelog_row_id_encode(&row.row_id, &encoded, &error));
    causelog_bytes bytes = causelog_buffer_bytes(encoded);
    if (previous.data != NULL) {
        size_t common = previous.length < bytes.length ? previous.length : bytes.length;
        int order = memcmp(previous.data, bytes.data, common);
        CHECK(order < 0 || (order == 0 && previous.length < bytes.length));
    }
    free(previous.data);
    previous = (owned_bytes){malloc(bytes.length + 1), bytes.length};
    CHECK(previous.data != NULL);
    memcpy(previous.data, bytes.data, bytes.length);
    causelog_buffer_free(encoded);
    free_row(&row);
}

static void malformed_row_id(const json_value *vector) {
    owned_bytes bytes = bytes_of_hex(string_member(vector, "hex"));
    causelog_owned_row_id *row_id;
    check_error(vector, causelog_row_id_decode((causelog_bytes){bytes.data, bytes.length}, &row_id, &error), &error);
    free(bytes.data);
}

static void hybrid_clock(const json_value *vector) {
    causelog_hybrid_clock *clock = causelog_hybrid_clock_new();
    const json_value *steps = member(vector, "steps");
    CHECK(steps->count > 0);
    for (size_t index = 0; index < steps->count; index++) {
        const json_value *step = &steps->elements[index];
        int64_t argument = signed_member(step, "argument"), result = 0, last = 0;
        if (strcmp(string_member(step, "op"), "observe") == 0) {
            CHECK_OK(causelog_hybrid_clock_observe(clock, argument, &error));
        } else {
            CHECK_STRING("tick", string_member(step, "op"));
            causelog_status status = causelog_hybrid_clock_tick(clock, argument, &result, &error);
            if (json_get(step, "error") != NULL) {
                check_error(step, status, &error);
            } else {
                CHECK_OK(status);
                CHECK(result == signed_member(step, "result"));
            }
        }
        CHECK(causelog_hybrid_clock_last(clock, &last));
        CHECK(last == signed_member(step, "last"));
    }
    causelog_hybrid_clock_free(clock);
}

static void parsed_timestamp(const json_value *vector) {
    int64_t timestamp;
    char text[CAUSELOG_TIMESTAMP_TEXT_SIZE];
    CHECK_OK(causelog_timestamp_parse(text_member(vector, "text"), &timestamp, &error));
    CHECK(timestamp == signed_member(vector, "nanoseconds"));
    CHECK_OK(causelog_timestamp_format(timestamp, &text, &error));
    CHECK_STRING(string_member(vector, "canonical"), text);
}

static void formatted_timestamp(const json_value *vector) {
    int64_t timestamp = signed_member(vector, "nanoseconds"), back;
    char text[CAUSELOG_TIMESTAMP_TEXT_SIZE];
    CHECK_OK(causelog_timestamp_format(timestamp, &text, &error));
    CHECK_STRING(string_member(vector, "text"), text);
    CHECK_OK(causelog_timestamp_parse(causelog_text_from(text), &back, &error));
    CHECK(back == timestamp);
}

static void malformed_timestamp(const json_value *vector) {
    int64_t timestamp;
    check_error(vector, causelog_timestamp_parse(text_member(vector, "text"), &timestamp, &error), &error);
}

static int32_t codes;

static void error_code(const json_value *vector) {
    codes++;
    CHECK_NUMBER(codes, unsigned_member(vector, "number"));
    CHECK_STRING(string_member(vector, "name"), causelog_status_name(codes));
    CHECK(bool_member(vector, "retryable") == causelog_status_is_retryable(codes));
}

int main(int count, char **values) {
    if (count != 2) {
        fputs("usage: conformance_values DIRECTORY\n", stderr);
        return 2;
    }
    static const vector_list clock_lists[] = {
        {"compare", compare},
        {"covers", covers},
        {"get", get},
        {"merge", merge},
        {"increment", increment},
        {"advance", advance},
        {"bytes", clock_bytes},
        {"malformed_bytes", malformed_clock_bytes},
        {"json", clock_json},
        {"malformed_json", malformed_clock_json},
        {"display", clock_display},
        {"iteration", clock_iteration},
    };
    static const vector_list row_id_lists[] = {
        {"encodings", row_id_encoding}, {"ascending", row_id_ascending}, {"malformed", malformed_row_id}};
    static const vector_list timestamp_lists[] = {
        {"parse", parsed_timestamp}, {"format", formatted_timestamp}, {"malformed", malformed_timestamp}};
    static const vector_list hybrid_lists[] = {{"sequences", hybrid_clock}};
    static const vector_list code_lists[] = {{"codes", error_code}};

    run_vectors(values[1], "vector_clock.json", clock_lists, sizeof clock_lists / sizeof *clock_lists);
    run_vectors(values[1], "row_id.json", row_id_lists, 3);
    free(previous.data);
    run_vectors(values[1], "timestamp.json", timestamp_lists, 3);
    run_vectors(values[1], "hybrid_clock.json", hybrid_lists, 1);
    run_vectors(values[1], "error_codes.json", code_lists, 1);
    CHECK_STRING("UNKNOWN", causelog_status_name(codes + 1));
    return 0;
}
