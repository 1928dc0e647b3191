/* Clocks, times, and the small values with a text form. */

#include "support.h"

static void a_vector_clock_counts_merges_and_compares(void) {
    causelog_clock *first = causelog_clock_new();
    CHECK_NUMBER(0, causelog_clock_length(first));
    uint64_t sequence = 0;
    CHECK_OK(causelog_clock_increment(first, node_of(1), &sequence, &error));
    CHECK_NUMBER(1, sequence);

    causelog_clock *second = causelog_clock_clone(first);
    CHECK_OK(causelog_clock_increment(second, node_of(2), NULL, &error));
    causelog_causality causality;
    CHECK_OK(causelog_clock_compare(first, second, &causality, &error));
    CHECK_NUMBER(CAUSELOG_CAUSALITY_BEFORE, causality);
    CHECK_OK(causelog_clock_compare(second, first, &causality, &error));
    CHECK_NUMBER(CAUSELOG_CAUSALITY_AFTER, causality);
    CHECK_OK(causelog_clock_compare(first, first, &causality, &error));
    CHECK_NUMBER(CAUSELOG_CAUSALITY_EQUAL, causality);
    bool answer;
    CHECK_OK(causelog_clock_happens_before(first, second, &answer, &error));
    CHECK(answer);
    CHECK_OK(causelog_clock_happens_before(second, first, &answer, &error));
    CHECK(!answer);

    CHECK_OK(causelog_clock_advance(first, node_of(1), 7, &error));
    CHECK_OK(causelog_clock_conflicts_with(first, second, &answer, &error));
    CHECK(answer);
    CHECK_OK(causelog_clock_conflicts_with(first, first, &answer, &error));
    CHECK(!answer);
    CHECK_OK(causelog_clock_compare(first, second, &causality, &error));
    CHECK_NUMBER(CAUSELOG_CAUSALITY_CONCURRENT, causality);

    CHECK_OK(causelog_clock_merge(second, first, &error));
    CHECK_NUMBER(7, causelog_clock_get(second, node_of(1)));
    CHECK_NUMBER(1, causelog_clock_get(second, node_of(2)));
    CHECK_NUMBER(0, causelog_clock_get(second, node_of(3)));
    CHECK(causelog_clock_covers(second, dot_of(1, 7)));
    CHECK(!causelog_clock_covers(second, dot_of(1, 8)));
    CHECK_NUMBER(2, causelog_clock_length(second));
    CHECK(same_dot(dot_of(1, 7), causelog_clock_entry(second, 0)));
    CHECK(same_dot(dot_of(2, 1), causelog_clock_entry(second, 1)));
    CHECK(same_dot(dot_of(0, 0), causelog_clock_entry(second, 2)));

    causelog_clock_free(first);
    causelog_clock_free(second);
}

static void a_clock_merged_with_itself_stays_as_it_is(void) {
    causelog_clock *clock = causelog_clock_new();
    CHECK_OK(causelog_clock_advance(clock, node_of(1), 3, &error));
    CHECK_OK(causelog_clock_merge(clock, clock, &error));
    CHECK_NUMBER(3, causelog_clock_get(clock, node_of(1)));
    causelog_clock_free(clock);
}

static void a_counter_at_its_end_is_refused_and_stays(void) {
    causelog_clock *clock = causelog_clock_new();
    CHECK_OK(causelog_clock_advance(clock, node_of(1), UINT64_MAX, &error));
    uint64_t sequence = 42;
    CHECK_FAILS(CAUSELOG_TOO_LARGE, "overflow", causelog_clock_increment(clock, node_of(1), &sequence, &error));
    CHECK_NUMBER(42, sequence);
    CHECK_NUMBER(UINT64_MAX, causelog_clock_get(clock, node_of(1)));
    causelog_clock_free(clock);
}

static void a_clock_survives_its_forms(void) {
    const causelog_dot entries[] = {dot_of(2, 5), dot_of(1, 3), dot_of(3, 0), dot_of(2, 4)};
    causelog_clock *clock, *again;
    CHECK_OK(causelog_clock_from_entries(entries, 4, &clock, &error));
    CHECK_NUMBER(2, causelog_clock_length(clock));
    CHECK_NUMBER(5, causelog_clock_get(clock, node_of(2)));

    causelog_buffer *buffer;
    CHECK_OK(causelog_clock_to_bytes(clock, &buffer, &error));
    CHECK_OK(causelog_clock_from_bytes(causelog_buffer_bytes(buffer), &again, &error));
    causelog_buffer_free(buffer);
    causelog_causality causality;
    CHECK_OK(causelog_clock_compare(clock, again, &causality, &error));
    CHECK_NUMBER(CAUSELOG_CAUSALITY_EQUAL, causality);
    causelog_clock_free(again);

    static const char json[] =
        "{\"00000000-0000-0000-0000-000000000001\":3,\"00000000-0000-0000-0000-000000000002\":5}";
    CHECK_OK(causelog_clock_to_json(clock, &buffer, &error));
    CHECK_BUFFER(json, buffer);
    CHECK_OK(causelog_clock_from_json(causelog_text_from(json), &again, &error));
    CHECK_OK(causelog_clock_compare(clock, again, &causality, &error));
    CHECK_NUMBER(CAUSELOG_CAUSALITY_EQUAL, causality);
    causelog_clock_free(again);

    CHECK_OK(causelog_clock_to_text(clock, &buffer, &error));
    CHECK_BUFFER("{00000000-0000-0000-0000-000000000001: 3, 00000000-0000-0000-0000-000000000002: 5}", buffer);
    causelog_clock_free(clock);

    CHECK_OK(causelog_clock_from_entries(NULL, 0, &clock, &error));
    CHECK_NUMBER(0, causelog_clock_length(clock));
    causelog_clock_free(clock);
}

static void malformed_clocks_are_refused_and_outputs_left_alone(void) {
    causelog_clock *clock = (causelog_clock *)&clock;
    const uint8_t bytes[] = {1, 200};
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "not an encoded vector clock",
                causelog_clock_from_bytes((causelog_bytes){bytes, sizeof bytes}, &clock, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "no bytes",
                causelog_clock_from_bytes((causelog_bytes){NULL, 0}, &clock, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "not a vector clock in JSON",
                causelog_clock_from_json(causelog_text_from("[]"), &clock, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "json is not UTF-8 from byte 1 on",
                causelog_clock_from_json((causelog_text){"{\xff}", 3}, &clock, &error));
    CHECK(clock == (causelog_clock *)&clock);
}

static void a_hybrid_clock_never_goes_back(void) {
    causelog_hybrid_clock *clock = causelog_hybrid_clock_new();
    int64_t timestamp = -1;
    CHECK(!causelog_hybrid_clock_last(clock, &timestamp));
    CHECK(timestamp == -1);
    CHECK_OK(causelog_hybrid_clock_tick(clock, 100, &timestamp, &error));
    CHECK(timestamp == 100);
    CHECK_OK(causelog_hybrid_clock_tick(clock, 50, &timestamp, &error));
    CHECK(timestamp == 101);
    CHECK_OK(causelog_hybrid_clock_observe(clock, 500, &error));
    CHECK_OK(causelog_hybrid_clock_tick(clock, 200, &timestamp, &error));
    CHECK(timestamp == 501);
    timestamp = 0;
    CHECK(causelog_hybrid_clock_last(clock, &timestamp) && timestamp == 501);
    CHECK(causelog_hybrid_clock_last(clock, NULL));
    CHECK_OK(causelog_hybrid_clock_observe(clock, INT64_MAX, &error));
    CHECK_FAILS(CAUSELOG_TOO_LARGE, "no timestamp is left",
                causelog_hybrid_clock_tick(clock, 0, &timestamp, &error));
    CHECK(timestamp == 501);
    causelog_hybrid_clock_free(clock);
}

static void a_time_stands_until_it_is_moved(void) {
    causelog_time *time = causelog_time_new(1000);
    CHECK(causelog_time_now(time) == 1000);
    CHECK_OK(causelog_time_advance(time, -1500, &error));
    CHECK(causelog_time_now(time) == -500);
    CHECK_OK(causelog_time_set(time, INT64_MAX, &error));
    CHECK_FAILS(CAUSELOG_TOO_LARGE, "leaves the range", causelog_time_advance(time, 1, &error));
    CHECK(causelog_time_now(time) == INT64_MAX);
    causelog_time_free(time);
}

static void uuids_dots_and_timestamps_have_a_text_form(void) {
    static const char written[] = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    causelog_uuid uuid;
    char uuid_text[CAUSELOG_UUID_TEXT_SIZE];
    CHECK_OK(causelog_uuid_parse(causelog_text_from("6BA7B810-9DAD-11D1-80B4-00C04FD430C8"), &uuid, &error));
    CHECK_NUMBER(0x6b, uuid.bytes[0]);
    CHECK_NUMBER(0xc8, uuid.bytes[15]);
    CHECK_OK(causelog_uuid_format(uuid, &uuid_text, &error));
    CHECK_STRING(written, uuid_text);
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "not a UUID: \"me\"",
                causelog_uuid_parse(causelog_text_from("me"), &uuid, &error));

    causelog_dot dot = {uuid, UINT64_MAX}, parsed;
    char dot_text[CAUSELOG_DOT_TEXT_SIZE];
    CHECK_OK(causelog_dot_format(dot, &dot_text, &error));
    CHECK_STRING("6ba7b810-9dad-11d1-80b4-00c04fd430c8:18446744073709551615", dot_text);
    CHECK_OK(causelog_dot_parse(causelog_text_from(dot_text), &parsed, &error));
    CHECK(same_dot(dot, parsed));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "not a dot",
                causelog_dot_parse(causelog_text_from(written), &parsed, &error));

    int64_t timestamp;
    char time_text[CAUSELOG_TIMESTAMP_TEXT_SIZE];
    CHECK_OK(causelog_timestamp_parse(causelog_text_from("2010-07-22T18:49:28.5+02:00"), &timestamp, &error));
    CHECK(timestamp == INT64_C(1279817368500000000));
    CHECK_OK(causelog_timestamp_format(timestamp, &time_text, &error));
    CHECK_STRING("2010-07-22T16:49:28.500Z", time_text);
    CHECK_OK(causelog_timestamp_format(INT64_MIN, &time_text, &error));
    CHECK_STRING("1677-09-21T00:12:43.145224192Z", time_text);
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "not an RFC 3339 time",
                causelog_timestamp_parse(causelog_text_from("yesterday"), &timestamp, &error));
}

static void the_version_is_that_of_the_header(void) {
    char version[64];
    snprintf(version, sizeof version, "%d.%d.%d", CAUSELOG_VERSION_MAJOR, CAUSELOG_VERSION_MINOR,
             CAUSELOG_VERSION_PATCH);
    CHECK_STRING(CAUSELOG_VERSION, version);
    CHECK_STRING(CAUSELOG_VERSION, causelog_version());
}

int main(void) {
    RUN(a_vector_clock_counts_merges_and_compares);
    RUN(a_clock_merged_with_itself_stays_as_it_is);
    RUN(a_counter_at_its_end_is_refused_and_stays);
    RUN(a_clock_survives_its_forms);
    RUN(malformed_clocks_are_refused_and_outputs_left_alone);
    RUN(a_hybrid_clock_never_goes_back);
    RUN(a_time_stands_until_it_is_moved);
    RUN(uuids_dots_and_timestamps_have_a_text_form);
    RUN(the_version_is_that_of_the_header);
    return 0;
}
