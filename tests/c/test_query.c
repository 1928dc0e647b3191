/* Queries: every condition, both directions, and how long a cursor sees what. */

#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <pthread.h>

/* A log of 6 entries: tables a, b and c in turn, rows 0, 1, 0, 1 …, stamped 1000 to 1005, the last by node 2. */
static causelog_log *sample(void) {
    causelog_time *time = causelog_time_new(1000);
    causelog_log *log = memory_log(1, time), *other = memory_log(2, time);
    static const char *const tables[] = {"a", "b", "c"};
    for (int64_t number = 0; number < 5; number++) {
        causelog_change change =
            number < 3 ? insert_of(tables[number % 3], number % 2, "{}") : update_of(tables[number % 3], number % 2, "{}", "[]");
        CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    }
    CHECK_OK(causelog_time_set(time, 1005, &error));
    causelog_change change = delete_of("c", 1, "{}");
    CHECK_OK(causelog_log_append(other, &change, NULL, &error));
    CHECK_NUMBER(1, pull(log, other));
    causelog_log_free(other);
    causelog_time_free(time);
    return log;
}

/* The LSNs of an answer, as digits. */
static const char *lsns(const causelog_log *log, const causelog_query_options *options) {
    static char digits[32];
    size_t length = 0;
    causelog_cursor *cursor;
    CHECK_OK(causelog_log_query(log, options, &cursor, &error));
    for (;;) {
        const causelog_entry *entry;
        CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
        if (entry == NULL) {
            break;
        }
        digits[length++] = (char)('0' + causelog_entry_lsn(entry));
    }
    digits[length] = '\0';
    causelog_cursor_free(cursor);
    return digits;
}

static void every_condition_narrows_the_answer(void) {
    causelog_log *log = sample();
    CHECK_STRING("123456", lsns(log, NULL));
    causelog_query_options options = CAUSELOG_QUERY_OPTIONS_INIT;
    CHECK_STRING("123456", lsns(log, &options));
    options.reverse = 1;
    CHECK_STRING("654321", lsns(log, &options));

    const causelog_text tables[] = {causelog_text_from("c"), causelog_text_from("a"), causelog_text_from("none")};
    options = (causelog_query_options)CAUSELOG_QUERY_OPTIONS_INIT;
    options.tables = tables;
    options.table_count = 3;
    CHECK_STRING("1346", lsns(log, &options));
    options.tables = &tables[2];
    options.table_count = 1;
    CHECK_STRING("", lsns(log, &options));

    const causelog_row_id row_id = causelog_row_id_from_integer(1);
    options = (causelog_query_options)CAUSELOG_QUERY_OPTIONS_INIT;
    options.row_id = &row_id;
    CHECK_STRING("246", lsns(log, &options));
    options.operation = CAUSELOG_OPERATION_UPDATE;
    CHECK_STRING("4", lsns(log, &options));
    options.row_id = NULL;
    CHECK_STRING("45", lsns(log, &options));

    const causelog_uuid node = node_of(2);
    options = (causelog_query_options)CAUSELOG_QUERY_OPTIONS_INIT;
    options.node = &node;
    CHECK_STRING("6", lsns(log, &options));

    const uint64_t until = 5, two = 2, none = 0;
    options = (causelog_query_options)CAUSELOG_QUERY_OPTIONS_INIT;
    options.since = 2;
    options.until = &until;
    CHECK_STRING("345", lsns(log, &options));
    options.limit = &two;
    CHECK_STRING("34", lsns(log, &options));
    options.reverse = -1;
    CHECK_STRING("54", lsns(log, &options));
    options.limit = &none;
    CHECK_STRING("", lsns(log, &options));

    const int64_t since_time = 1001, until_time = 1004;
    options = (causelog_query_options)CAUSELOG_QUERY_OPTIONS_INIT;
    options.since_time = &since_time;
    CHECK_STRING("3456", lsns(log, &options));
    options.until_time = &until_time;
    CHECK_STRING("345", lsns(log, &options));

    const causelog_dot named = dot_of(1, 4), unknown = dot_of(2, 2);
    options = (causelog_query_options)CAUSELOG_QUERY_OPTIONS_INIT;
    options.transaction = &named;
    CHECK_STRING("4", lsns(log, &options));
    options.transaction = &unknown;
    CHECK_STRING("", lsns(log, &options));

    causelog_clock *seen = causelog_clock_new();
    CHECK_OK(causelog_clock_advance(seen, node_of(1), 3, &error));
    options = (causelog_query_options)CAUSELOG_QUERY_OPTIONS_INIT;
    options.unseen_by = seen;
    CHECK_STRING("456", lsns(log, &options));
    causelog_clock_free(seen);
    causelog_log_free(log);
}

#define THREADS 4

/* Asks a lent entry for everything, as the others do. */
static void *read_entry(void *shared) {
    const causelog_entry *entry = shared;
    const causelog_clock *clock;
    bool answer;
    CHECK(causelog_entry_vector_clock(entry, &clock, NULL) == CAUSELOG_OK);
    CHECK_NUMBER(4, causelog_clock_get(clock, node_of(1)));
    CHECK(causelog_entry_happens_before(entry, entry, &answer, NULL) == CAUSELOG_OK && !answer);
    CHECK_VIEW("[]", causelog_entry_after(entry));
    return NULL;
}

static void an_entry_that_is_lent_is_as_good_as_a_copy(void) {
    causelog_log *log = sample();
    causelog_query_options options = CAUSELOG_QUERY_OPTIONS_INIT;
    options.since = 3;
    causelog_cursor *cursor;
    const causelog_entry *lent;
    CHECK_OK(causelog_log_query(log, &options, &cursor, &error));
    CHECK_OK(causelog_cursor_next(cursor, &lent, &error));
    pthread_t threads[THREADS];
    for (int index = 0; index < THREADS; index++) {
        CHECK(pthread_create(&threads[index], NULL, read_entry, (void *)(uintptr_t)lent) == 0);
    }
    for (int index = 0; index < THREADS; index++) {
        CHECK(pthread_join(threads[index], NULL) == 0);
    }
    causelog_entry *copy, *foreign = entry_at(log, 6);
    CHECK_OK(causelog_entry_clone(lent, &copy, &error));
    CHECK_NUMBER(causelog_entry_lsn(copy), causelog_entry_lsn(lent));
    CHECK(same_dot(causelog_entry_dot(copy), causelog_entry_dot(lent)));
    CHECK(same_dot(causelog_entry_transaction(copy), causelog_entry_transaction(lent)));
    CHECK(causelog_entry_timestamp(copy) == causelog_entry_timestamp(lent));
    CHECK_NUMBER(causelog_entry_operation(copy), causelog_entry_operation(lent));
    CHECK_NUMBER(causelog_entry_verdict(copy), causelog_entry_verdict(lent));
    causelog_causality causality;
    CHECK_OK(causelog_clock_compare(clock_of(copy), clock_of(lent), &causality, &error));
    CHECK_NUMBER(CAUSELOG_CAUSALITY_EQUAL, causality);
    CHECK(clock_of(lent) == clock_of(lent));

    /* Detectors take it, and logs take what it changed. */
    causelog_detector *detector;
    causelog_conflict *conflict;
    CHECK_OK(causelog_detector_new(causelog_text_from("last_write_wins"), NULL, &detector, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "row", causelog_detector_detect(detector, lent, foreign, &conflict, &error));
    CHECK_OK(causelog_detector_detect(detector, lent, copy, &conflict, &error));
    CHECK(conflict == NULL);
    CHECK_OK(causelog_log_append(log, causelog_entry_change(lent), NULL, &error));
    causelog_entry *again = entry_at(log, 7);
    CHECK_VIEW("a", causelog_entry_table(again));
    CHECK(causelog_entry_row_id(again)->integer == 1);

    /* The copy outlives the cursor and the log. */
    causelog_log_free(log);
    causelog_cursor_free(cursor);
    CHECK_VIEW("a", causelog_entry_table(copy));
    CHECK_VIEW("[]", causelog_entry_after(copy));
    causelog_entry_free(again);
    causelog_entry_free(copy);
    causelog_entry_free(foreign);
    causelog_detector_free(detector);
}

/* The clock of an entry that a cursor lends is worked out when it is asked for: that can fail although the entry is intact. */
static void a_clock_that_cannot_be_worked_out_is_an_error(void) {
    char path[512];
    strcpy(path, scratch_path("clocks"));
    causelog_log_options log_options = CAUSELOG_LOG_OPTIONS_INIT;
    log_options.durability = CAUSELOG_DURABILITY_OS;
    log_options.segment_bytes = 65536;
    causelog_log *log;
    CHECK_OK(causelog_log_open(causelog_text_from(path), &log_options, &log, &error));
    char payload[201];
    memset(payload, 'x', 200);
    payload[200] = '\0';
    for (int64_t row = 0; row < 400; row++) {
        causelog_change change = insert_of("t", row, payload);
        CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    }
    causelog_log_free(log);
    /* Entries are found by places that are kept every few KiB, clocks worked out from ones that are further apart. */
    const char *segment = first_segment(path), *file = strrchr(segment, '/') + 1;
    flip_byte(segment, 1000);
    log_options.read_only = 1;
    CHECK_OK(causelog_log_open(causelog_text_from(path), &log_options, &log, &error));
    causelog_query_options options = CAUSELOG_QUERY_OPTIONS_INIT;
    options.since = 99;
    causelog_cursor *cursor;
    const causelog_entry *entry;
    CHECK_OK(causelog_log_query(log, &options, &cursor, &error));
    CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
    CHECK_NUMBER(100, causelog_entry_lsn(entry));
    const causelog_clock *clock;
    causelog_entry *copy;
    bool answer;
    CHECK_FAILS(CAUSELOG_CORRUPT, file, causelog_entry_vector_clock(entry, &clock, &error));
    CHECK_FAILS(CAUSELOG_CORRUPT, file, causelog_entry_clone(entry, &copy, &error));
    CHECK_FAILS(CAUSELOG_CORRUPT, file, causelog_entry_happens_before(entry, entry, &answer, &error));
    CHECK_VIEW(payload, causelog_entry_after(entry));
    CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
    CHECK_NUMBER(101, causelog_entry_lsn(entry));
    causelog_cursor_free(cursor);
    causelog_log_free(log);
}

/* A lent entry points into the map then, and stays while the segment that it is from is removed. */
static void a_mapped_log_reads_as_any_other(void) {
    char path[512];
    strcpy(path, scratch_path("mapped"));
    causelog_log_options log_options = CAUSELOG_LOG_OPTIONS_INIT;
    log_options.durability = CAUSELOG_DURABILITY_OS;
    log_options.segment_bytes = 4096;
    log_options.memory_map = 1;
    causelog_log *log;
    CHECK_OK(causelog_log_open(causelog_text_from(path), &log_options, &log, &error));
    char payload[201];
    memset(payload, 'x', 200);
    payload[200] = '\0';
    for (int64_t row = 0; row < 100; row++) {
        causelog_change change = insert_of("t", row, payload);
        CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    }
    causelog_cursor *cursor;
    const causelog_entry *entry;
    CHECK_OK(causelog_log_query(log, NULL, &cursor, &error));
    CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
    causelog_retention_policy retention = CAUSELOG_RETENTION_POLICY_INIT;
    uint64_t most = 0;
    retention.max_bytes = &most;
    CHECK_OK(causelog_log_retain(log, &retention, NULL, &error));
    CHECK_NUMBER(1, causelog_entry_lsn(entry));
    CHECK_VIEW(payload, causelog_entry_after(entry));
    causelog_cursor_free(cursor);
    causelog_query_options options = CAUSELOG_QUERY_OPTIONS_INIT;
    options.reverse = 1;
    const uint64_t limit = 3;
    options.limit = &limit;
    CHECK_OK(causelog_log_query(log, &options, &cursor, &error));
    for (uint64_t lsn = 100; lsn > 97; lsn--) {
        CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
        CHECK_NUMBER(lsn, causelog_entry_lsn(entry));
        CHECK_VIEW(payload, causelog_entry_after(entry));
    }
    causelog_cursor_free(cursor);
    causelog_log_free(log);
}

static void a_cursor_sees_the_log_as_it_was(void) {
    causelog_log *log = memory_log(1, NULL);
    causelog_change change = insert_of("t", 1, "{}");
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    causelog_cursor *cursor;
    CHECK_OK(causelog_log_query(log, NULL, &cursor, &error));
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    const causelog_entry *entry;
    CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
    CHECK_NUMBER(1, causelog_entry_lsn(entry));
    for (int again = 0; again < 3; again++) {
        CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
        CHECK(entry == NULL);
    }
    causelog_cursor_free(cursor);
    causelog_log_free(log);
}

static void entries_tell_their_history(void) {
    causelog_log *log = sample();
    causelog_entry *first = entry_at(log, 1), *second = entry_at(log, 2), *foreign = entry_at(log, 6);
    CHECK(causelog_entry_timestamp(first) == 1000);
    CHECK_NUMBER(2, causelog_clock_get(clock_of(second), node_of(1)));
    CHECK(causelog_clock_covers(clock_of(second), causelog_entry_dot(first)));
    bool answer;
    CHECK_OK(causelog_entry_happens_before(first, second, &answer, &error));
    CHECK(answer);
    CHECK_OK(causelog_entry_happens_before(second, first, &answer, &error));
    CHECK(!answer);
    CHECK_OK(causelog_entry_happens_before(first, foreign, &answer, &error));
    CHECK(!answer);
    CHECK_NUMBER(CAUSELOG_VERDICT_NONE, causelog_entry_verdict(foreign));

    /* The clock is borrowed from the entry; a copy of it is not. */
    causelog_clock *clock = causelog_clock_clone(clock_of(second));
    causelog_entry_free(first);
    causelog_entry_free(second);
    causelog_entry_free(foreign);
    CHECK_NUMBER(2, causelog_clock_get(clock, node_of(1)));
    causelog_clock_free(clock);
    causelog_log_free(log);
}

static void the_frontier_is_what_has_been_seen(void) {
    causelog_log *log = sample();
    causelog_clock *frontier;
    CHECK_OK(causelog_log_frontier(log, &frontier, &error));
    CHECK_NUMBER(5, causelog_clock_get(frontier, node_of(1)));
    CHECK_NUMBER(1, causelog_clock_get(frontier, node_of(2)));
    causelog_transaction_cursor *cursor;
    CHECK_OK(causelog_log_transactions(log, frontier, &cursor, &error));
    const causelog_transaction *transaction;
    CHECK_OK(causelog_transaction_cursor_next(cursor, &transaction, &error));
    CHECK(transaction == NULL);
    causelog_transaction_cursor_free(cursor);
    causelog_clock_free(frontier);
    causelog_log_free(log);
}

int main(void) {
    RUN(every_condition_narrows_the_answer);
    RUN(an_entry_that_is_lent_is_as_good_as_a_copy);
    RUN(a_clock_that_cannot_be_worked_out_is_an_error);
    RUN(a_mapped_log_reads_as_any_other);
    RUN(a_cursor_sees_the_log_as_it_was);
    RUN(entries_tell_their_history);
    RUN(the_frontier_is_what_has_been_seen);
    remove_scratch();
    return 0;
}
