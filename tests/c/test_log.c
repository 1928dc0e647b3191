/* Logs: opening, appending, exchanging, numbers, closing. */

#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <sys/stat.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static void an_append_says_what_it_did(void) {
    causelog_time *time = causelog_time_new(1000);
    causelog_log *log = memory_log(1, time);
    CHECK(same_uuid(node_of(1), causelog_log_node(log)));
    CHECK(!same_uuid(node_of(0), causelog_log_id(log)));
    CHECK_NUMBER(0, causelog_log_past_node_count(log));
    CHECK(same_uuid(node_of(0), causelog_log_past_node(log, 0)));

    causelog_change change = insert_of("orders", 42, "{\"qty\":1}");
    causelog_appended appended;
    CHECK_OK(causelog_log_append(log, &change, &appended, &error));
    CHECK(same_dot(dot_of(1, 1), appended.transaction));
    CHECK(appended.timestamp == 1000);
    CHECK_NUMBER(1, appended.first_lsn);
    CHECK_NUMBER(1, appended.last_lsn);
    CHECK(!appended.duplicate);

    causelog_changes *changes = causelog_changes_new();
    change = update_of("orders", 42, "{\"qty\":1}", "{\"qty\":2}");
    CHECK_OK(causelog_changes_add(changes, &change, &error));
    change = delete_of("orders", 42, "{\"qty\":2}");
    CHECK_OK(causelog_changes_add(changes, &change, &error));
    CHECK_NUMBER(2, causelog_changes_count(changes));
    CHECK_OK(causelog_log_append_transaction(log, changes, &appended, &error));
    CHECK(same_dot(dot_of(1, 3), appended.transaction));
    CHECK_NUMBER(2, appended.first_lsn);
    CHECK_NUMBER(3, appended.last_lsn);
    CHECK(appended.timestamp == 1001);

    /* The batch stays as it is, and can be emptied. */
    CHECK_OK(causelog_log_append_transaction(log, changes, NULL, &error));
    CHECK_OK(causelog_changes_clear(changes, &error));
    CHECK_NUMBER(0, causelog_changes_count(changes));
    CHECK_OK(causelog_log_append_transaction(log, changes, &appended, &error));
    CHECK(same_dot(dot_of(1, 6), appended.transaction));
    CHECK_NUMBER(0, appended.first_lsn);
    CHECK_NUMBER(0, appended.last_lsn);

    causelog_changes_free(changes);
    causelog_log_free(log);
    causelog_time_free(time);
}

static void every_type_of_row_id_comes_back_as_it_went_in(void) {
    causelog_log *log = memory_log(1, NULL);
    const uint8_t bytes[] = {0, 255};
    causelog_uuid uuid = node_of(9);
    const causelog_row_id elements[] = {
        causelog_row_id_from_integer(INT64_MIN), causelog_row_id_from_text((causelog_text){"a\0b", 3}),
        causelog_row_id_from_bytes((causelog_bytes){bytes, 2}), causelog_row_id_from_uuid(&uuid)};
    const causelog_row_id row_ids[] = {
        elements[0], elements[1], elements[2], elements[3], causelog_row_id_from_elements(elements, 4),
        causelog_row_id_from_elements(elements, 1)};
    static const char *const texts[] = {
        "-9223372036854775808", "\"a\\0b\"", "x'00ff'", "00000000-0000-0000-0000-000000000009",
        "(-9223372036854775808, \"a\\0b\", x'00ff', 00000000-0000-0000-0000-000000000009)",
        "(-9223372036854775808,)"};

    for (size_t index = 0; index < 6; index++) {
        causelog_change change = insert_of("t", 0, "{}");
        change.row_id = row_ids[index];
        CHECK_OK(causelog_log_append(log, &change, NULL, &error));
        causelog_entry *entry = entry_at(log, index + 1);
        const causelog_row_id *back = causelog_entry_row_id(entry);
        CHECK_NUMBER(row_ids[index].type, back->type);
        CHECK_NUMBER(row_ids[index].element_count, back->element_count);

        causelog_buffer *written, *encoded, *encoded_back;
        CHECK_OK(causelog_row_id_to_text(back, &written, &error));
        CHECK_BUFFER(texts[index], written);
        CHECK_OK(causelog_row_id_encode(&row_ids[index], &encoded, &error));
        causelog_owned_row_id *owned;
        CHECK_OK(causelog_row_id_decode(causelog_buffer_bytes(encoded), &owned, &error));
        CHECK_OK(causelog_row_id_encode(causelog_owned_row_id_get(owned), &encoded_back, &error));
        causelog_bytes one = causelog_buffer_bytes(encoded), other = causelog_buffer_bytes(encoded_back);
        CHECK(one.length == other.length && memcmp(one.data, other.data, one.length) == 0);
        causelog_buffer_free(encoded);
        causelog_buffer_free(encoded_back);
        causelog_owned_row_id_free(owned);
        causelog_entry_free(entry);
    }

    causelog_entry *entry = entry_at(log, 5);
    const causelog_row_id *tuple = causelog_entry_row_id(entry);
    CHECK_NUMBER(CAUSELOG_ROW_ID_TUPLE, tuple->type);
    CHECK(tuple->elements[0].type == CAUSELOG_ROW_ID_INTEGER && tuple->elements[0].integer == INT64_MIN);
    CHECK_NUMBER(CAUSELOG_ROW_ID_TEXT, tuple->elements[1].type);
    CHECK(tuple->elements[1].length == 3 && memcmp(tuple->elements[1].data, "a\0b", 3) == 0);
    CHECK_NUMBER(CAUSELOG_ROW_ID_BYTES, tuple->elements[2].type);
    CHECK(tuple->elements[2].length == 2 && memcmp(tuple->elements[2].data, bytes, 2) == 0);
    CHECK_NUMBER(CAUSELOG_ROW_ID_UUID, tuple->elements[3].type);
    CHECK(tuple->elements[3].length == 16 && memcmp(tuple->elements[3].data, uuid.bytes, 16) == 0);
    causelog_entry_free(entry);
    causelog_log_free(log);
}

static void images_and_metadata_come_back_as_they_went_in(void) {
    causelog_log *log = memory_log(1, NULL);
    const causelog_metadata metadata[] = {{causelog_text_from("reason"), causelog_text_from("stock")},
                                          {causelog_text_from("actor"), causelog_text_from("alice")}};
    causelog_change change = CAUSELOG_CHANGE_INIT;
    change.table = causelog_text_from("orders");
    change.row_id = causelog_row_id_from_integer(1);
    change.operation = CAUSELOG_OPERATION_UPDATE;
    change.after = causelog_bytes_from("");
    change.metadata = metadata;
    change.metadata_count = 2;
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));

    causelog_entry *entry = entry_at(log, 1);
    CHECK_VIEW("orders", causelog_entry_table(entry));
    CHECK_NUMBER(CAUSELOG_OPERATION_UPDATE, causelog_entry_operation(entry));
    CHECK(causelog_entry_before(entry).data == NULL && causelog_entry_before(entry).length == 0);
    CHECK(causelog_entry_after(entry).data != NULL && causelog_entry_after(entry).length == 0);
    CHECK_NUMBER(CAUSELOG_VERDICT_APPLIED, causelog_entry_verdict(entry));
    CHECK_NUMBER(2, causelog_entry_metadata_count(entry));
    CHECK_VIEW("actor", causelog_entry_metadata(entry, 0).key);
    CHECK_VIEW("alice", causelog_entry_metadata(entry, 0).value);
    CHECK_VIEW("reason", causelog_entry_metadata(entry, 1).key);
    CHECK(causelog_entry_metadata(entry, 2).key.data == NULL);

    /* What was read can be appended again as it is. */
    CHECK_OK(causelog_log_append(log, causelog_entry_change(entry), NULL, &error));
    causelog_entry *again = entry_at(log, 2);
    CHECK_VIEW("stock", causelog_entry_metadata(again, 1).value);
    CHECK(same_dot(dot_of(1, 2), causelog_entry_dot(again)));
    CHECK(same_dot(dot_of(1, 2), causelog_entry_transaction(again)));
    causelog_entry_free(again);
    causelog_entry_free(entry);
    causelog_log_free(log);
}

static void a_log_refuses_what_it_cannot_hold(void) {
    causelog_log *log = memory_log(1, NULL);
    causelog_change change = insert_of("", 1, "{}");
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "table name is empty", causelog_log_append(log, &change, NULL, &error));
    change = insert_of("t", 1, "{}");
    change.before = causelog_bytes_from("{}");
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "no image before", causelog_log_append(log, &change, NULL, &error));
    change = delete_of("t", 1, "{}");
    change.after = causelog_bytes_from("{}");
    causelog_changes *changes = causelog_changes_new();
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "no image after", causelog_changes_add(changes, &change, &error));
    CHECK_NUMBER(0, causelog_changes_count(changes));
    char name[2000];
    memset(name, 'x', sizeof name);
    change = insert_of("t", 1, "{}");
    change.table = (causelog_text){name, sizeof name};
    CHECK_FAILS(CAUSELOG_TOO_LARGE, "2000 bytes", causelog_changes_add(changes, &change, &error));
    causelog_changes_free(changes);
    causelog_log_free(log);
}

static void logs_exchange_transactions_as_they_are(void) {
    causelog_log *shop = memory_log(1, NULL), *office = memory_log(2, NULL);
    causelog_change change = insert_of("orders", 42, "{\"qty\":1}");
    CHECK_OK(causelog_log_append(shop, &change, NULL, &error));
    CHECK_NUMBER(1, pull(office, shop));
    CHECK_NUMBER(0, pull(office, shop));
    change = update_of("orders", 42, "{\"qty\":1}", "{\"qty\":2}");
    CHECK_OK(causelog_log_append(office, &change, NULL, &error));
    CHECK_NUMBER(1, pull(shop, office));

    causelog_clock *clock;
    CHECK_OK(causelog_log_vector_clock(shop, dot_of(2, 1), &clock, &error));
    CHECK_NUMBER(1, causelog_clock_get(clock, node_of(1)));
    CHECK_NUMBER(1, causelog_clock_get(clock, node_of(2)));
    causelog_clock_free(clock);
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "holds no change", causelog_log_vector_clock(shop, dot_of(2, 2), &clock, &error));

    causelog_transaction_cursor *cursor;
    CHECK_OK(causelog_log_transactions(shop, NULL, &cursor, &error));
    const causelog_transaction *transaction;
    CHECK_OK(causelog_transaction_cursor_next(cursor, &transaction, &error));
    CHECK(same_dot(dot_of(1, 1), causelog_transaction_dot(transaction)));
    CHECK_OK(causelog_transaction_cursor_next(cursor, &transaction, &error));
    CHECK(same_dot(dot_of(2, 1), causelog_transaction_dot(transaction)));
    CHECK_NUMBER(1, causelog_transaction_dependency_count(transaction));
    CHECK(same_dot(dot_of(1, 1), causelog_transaction_dependency(transaction, 0)));
    CHECK(same_dot(dot_of(0, 0), causelog_transaction_dependency(transaction, 1)));
    CHECK_NUMBER(1, causelog_transaction_change_count(transaction));
    const causelog_change *carried = causelog_transaction_change(transaction, 0);
    CHECK_NUMBER(sizeof(causelog_change), carried->size);
    CHECK_VIEW("orders", carried->table);
    CHECK_VIEW("{\"qty\":1}", carried->before);
    CHECK_VIEW("{\"qty\":2}", carried->after);
    CHECK(carried->row_id.integer == 42 && carried->operation == CAUSELOG_OPERATION_UPDATE);
    CHECK(causelog_transaction_change(transaction, 1) == NULL);

    /* A copy outlives the cursor, and is recognised as a duplicate. */
    causelog_transaction *copy = causelog_transaction_clone(transaction);
    CHECK_OK(causelog_transaction_cursor_next(cursor, &transaction, &error));
    CHECK(transaction == NULL);
    causelog_transaction_cursor_free(cursor);
    causelog_appended appended;
    CHECK_OK(causelog_log_append_remote(shop, copy, &appended, &error));
    CHECK(appended.duplicate);
    CHECK(appended.timestamp == causelog_transaction_timestamp(copy));
    CHECK_NUMBER(2, appended.last_lsn);
    causelog_transaction_free(copy);
    causelog_log_free(shop);
    causelog_log_free(office);
}

static causelog_transaction *transaction_of(causelog_dot dot, const causelog_dot *dependencies, size_t count,
                                            int64_t timestamp, const causelog_change *change) {
    causelog_changes *changes = causelog_changes_new();
    if (change != NULL) {
        CHECK_OK(causelog_changes_add(changes, change, &error));
    }
    causelog_transaction *transaction;
    CHECK_OK(causelog_transaction_new(dot, dependencies, count, timestamp, changes, &transaction, &error));
    causelog_changes_free(changes);
    return transaction;
}

static void a_foreign_transaction_is_checked(void) {
    causelog_time *time = causelog_time_new(1000 * SECOND);
    causelog_log *log = memory_log(1, time);
    const causelog_dot missing = dot_of(7, 1);
    causelog_transaction *transaction = transaction_of(dot_of(2, 1), &missing, 1, 0, NULL);
    CHECK_FAILS(CAUSELOG_MISSING_DEPENDENCY, "00000000-0000-0000-0000-000000000007:1",
                causelog_log_append_remote(log, transaction, NULL, &error));
    causelog_transaction_free(transaction);

    causelog_change change = insert_of("t", 1, "{}");
    transaction = transaction_of(dot_of(2, 1), NULL, 0, 1121 * SECOND, &change);
    CHECK_FAILS(CAUSELOG_CLOCK_SKEW, "ahead of local time",
                causelog_log_append_remote(log, transaction, NULL, &error));
    CHECK_OK(causelog_time_advance(time, SECOND, &error));
    CHECK_OK(causelog_log_append_remote(log, transaction, NULL, &error));
    causelog_transaction_free(transaction);

    change = insert_of("t", 2, "{}");
    transaction = transaction_of(dot_of(2, 1), NULL, 0, 1121 * SECOND, &change);
    CHECK_FAILS(CAUSELOG_DOT_REUSE, "something else under the dots",
                causelog_log_append_remote(log, transaction, NULL, &error));
    causelog_transaction_free(transaction);

    /* A transaction without changes has a dot and a clock too; NULL is no changes. */
    const causelog_dot seen = dot_of(2, 1);
    CHECK_OK(causelog_transaction_new(dot_of(3, 1), &seen, 1, 0, NULL, &transaction, &error));
    CHECK_OK(causelog_log_append_remote(log, transaction, NULL, &error));
    causelog_transaction_free(transaction);
    causelog_clock *clock;
    CHECK_OK(causelog_log_vector_clock(log, dot_of(3, 1), &clock, &error));
    CHECK_NUMBER(1, causelog_clock_get(clock, node_of(2)));
    causelog_clock_free(clock);

    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "sequences start at 1",
                causelog_transaction_new(dot_of(3, 0), NULL, 0, 0, NULL, &transaction, &error));
    causelog_log_free(log);
    causelog_time_free(time);
}

static void the_skew_allowed_can_be_set_also_to_none(void) {
    causelog_time *time = causelog_time_new(1000);
    const uint64_t none = 0;
    causelog_log_options options = CAUSELOG_LOG_OPTIONS_INIT;
    options.time = time;
    options.maximum_clock_skew = &none;
    causelog_log *log;
    CHECK_OK(causelog_log_in_memory(&options, &log, &error));
    causelog_transaction *transaction = transaction_of(dot_of(2, 1), NULL, 0, 1001, NULL);
    CHECK_FAILS(CAUSELOG_CLOCK_SKEW, "0ns", causelog_log_append_remote(log, transaction, NULL, &error));
    causelog_transaction_free(transaction);
    causelog_log_free(log);
    causelog_time_free(time);
}

static void stats_count_what_the_log_holds(void) {
    causelog_time *time = causelog_time_new(1000);
    causelog_log *log = memory_log(1, time);
    causelog_stats *stats;
    int64_t timestamp = -1;
    CHECK_OK(causelog_log_stats(log, &stats, &error));
    CHECK_NUMBER(0, causelog_stats_entries(stats));
    CHECK_NUMBER(0, causelog_stats_first_lsn(stats));
    CHECK(!causelog_stats_oldest(stats, &timestamp) && !causelog_stats_newest(stats, &timestamp));
    CHECK(timestamp == -1);
    causelog_stats_free(stats);

    const causelog_change changes[] = {insert_of("b", 1, "{}"), update_of("b", 1, "{}", "{}"), insert_of("a", 1, "{}"),
                                       delete_of("b", 1, "{}")};
    for (size_t index = 0; index < 4; index++) {
        CHECK_OK(causelog_log_append(log, &changes[index], NULL, &error));
    }
    causelog_changes *none = causelog_changes_new();
    CHECK_OK(causelog_log_append_transaction(log, none, NULL, &error));
    causelog_changes_free(none);

    CHECK_OK(causelog_log_stats(log, &stats, &error));
    CHECK_NUMBER(4, causelog_stats_entries(stats));
    CHECK_NUMBER(5, causelog_stats_transactions(stats));
    CHECK_NUMBER(1, causelog_stats_merges(stats));
    CHECK_NUMBER(1, causelog_stats_nodes(stats));
    CHECK_NUMBER(1, causelog_stats_first_lsn(stats));
    CHECK_NUMBER(4, causelog_stats_last_lsn(stats));
    CHECK_NUMBER(4, causelog_stats_durable_lsn(stats));
    CHECK_NUMBER(1, causelog_stats_segments(stats));
    CHECK(causelog_stats_oldest(stats, &timestamp) && timestamp == 1000);
    CHECK(causelog_stats_newest(stats, &timestamp) && timestamp == 1004);
    CHECK(causelog_stats_bytes(stats) > 0);
    CHECK_NUMBER(2, causelog_stats_table_count(stats));
    causelog_table_stats a = causelog_stats_table(stats, 0), b = causelog_stats_table(stats, 1);
    CHECK_VIEW("a", a.table);
    CHECK_NUMBER(1, a.inserts);
    CHECK_VIEW("b", b.table);
    CHECK(b.inserts == 1 && b.updates == 1 && b.deletes == 1);
    CHECK(causelog_stats_table(stats, 2).table.data == NULL);
    causelog_stats_free(stats);
    causelog_log_free(log);
    causelog_time_free(time);
}

static void a_directory_has_one_writer_and_keeps_what_was_written(void) {
    causelog_text path = causelog_text_from(scratch_path("log"));
    causelog_log_options options = CAUSELOG_LOG_OPTIONS_INIT;
    options.durability = CAUSELOG_DURABILITY_OS;
    causelog_log *log, *second = NULL;
    CHECK_OK(causelog_log_open(path, &options, &log, &error));
    CHECK_FAILS(CAUSELOG_LOCKED, "log", causelog_log_open(path, NULL, &second, &error));
    CHECK(second == NULL);
    causelog_uuid node = causelog_log_node(log), id = causelog_log_id(log);
    causelog_change change = insert_of("orders", 42, "{}");
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    CHECK_OK(causelog_log_sync(log, &error));
    CHECK_OK(causelog_log_close(log, &error));
    CHECK_OK(causelog_log_close(log, &error));

    CHECK_OK(causelog_log_open(path, NULL, &second, &error));
    CHECK(same_uuid(node, causelog_log_node(second)) && same_uuid(id, causelog_log_id(second)));
    causelog_entry *entry = entry_at(second, 1);
    CHECK_VIEW("orders", causelog_entry_table(entry));
    causelog_entry_free(entry);
    causelog_log_free(second);

    causelog_uuid other = node_of(77);
    options.node = &other;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "00000000-0000-0000-0000-00000000004d",
                causelog_log_open(path, &options, &second, &error));
    causelog_log_free(log);
}

static void a_log_that_lost_its_end_is_another_node(void) {
    const char *path = scratch_path("cut");
    causelog_log *log;
    CHECK_OK(causelog_log_open(causelog_text_from(path), NULL, &log, &error));
    causelog_change change = insert_of("t", 1, "{}");
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    causelog_uuid before = causelog_log_node(log);
    CHECK_NUMBER(0, causelog_log_epoch(log));
    causelog_log_free(log);
    /* What was known to be on the disk must be there: without these two files nothing was. */
    static const char *const known[] = {"checkpoint", "ends"};
    for (size_t index = 0; index < 2; index++) {
        char name[600];
        snprintf(name, sizeof name, "%s/%s", path, known[index]);
        CHECK(unlink(name) == 0);
    }
    const char *segment = first_segment(path);
    struct stat about;
    CHECK(stat(segment, &about) == 0 && truncate(segment, about.st_size - 1) == 0);

    CHECK_OK(causelog_log_open(causelog_text_from(path), NULL, &log, &error));
    CHECK(!same_uuid(before, causelog_log_node(log)));
    CHECK_NUMBER(1, causelog_log_epoch(log));
    CHECK_NUMBER(1, causelog_log_past_node_count(log));
    CHECK(same_uuid(before, causelog_log_past_node(log, 0)));
    CHECK(same_uuid(node_of(0), causelog_log_past_node(log, 1)));
    causelog_stats *stats;
    CHECK_OK(causelog_log_stats(log, &stats, &error));
    CHECK_NUMBER(1, causelog_stats_entries(stats));
    causelog_stats_free(stats);
    causelog_log_free(log);
}

static void a_reader_sees_what_the_writer_appends(void) {
    causelog_text path = causelog_text_from(scratch_path("read"));
    causelog_log_options options = CAUSELOG_LOG_OPTIONS_INIT;
    options.read_only = 1;
    causelog_log *writer, *reader;
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "read", causelog_log_open(path, &options, &reader, &error));
    CHECK_OK(causelog_log_open(path, NULL, &writer, &error));
    CHECK_OK(causelog_log_open(path, &options, &reader, &error));
    CHECK_FAILS(CAUSELOG_TIMEOUT, "no entry after 0", causelog_log_wait(reader, 0, 1, NULL, &error));
    causelog_change change = insert_of("t", 1, "{}");
    CHECK_OK(causelog_log_append(writer, &change, NULL, &error));
    CHECK_OK(causelog_log_append(writer, &change, NULL, &error));
    uint64_t last;
    CHECK_OK(causelog_log_wait(reader, 0, 60000, &last, &error));
    CHECK_NUMBER(2, last);
    causelog_entry *entry = entry_at(reader, 2);
    CHECK_VIEW("t", causelog_entry_table(entry));
    causelog_entry_free(entry);
    CHECK_FAILS(CAUSELOG_READ_ONLY, "", causelog_log_append(reader, &change, NULL, &error));
    causelog_log_free(writer);
    CHECK_OK(causelog_log_wait(reader, 1, 0, NULL, &error));
    causelog_log_free(reader);
}

static void an_interval_says_when_to_sync(void) {
    causelog_time *time = causelog_time_new(1000);
    uint64_t interval = 5000;
    causelog_log_options options = CAUSELOG_LOG_OPTIONS_INIT;
    options.durability = CAUSELOG_DURABILITY_INTERVAL;
    options.sync_interval = &interval;
    options.segment_bytes = 4096;
    options.time = time;
    causelog_log *log;
    CHECK_OK(causelog_log_open(causelog_text_from(scratch_path("interval")), &options, &log, &error));
    causelog_change change = insert_of("t", 1, "{}");
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    causelog_stats *stats;
    for (int late = 0; late < 2; late++) {
        CHECK_OK(causelog_log_maintain(log, late ? 6001 : 5999, &error));
        CHECK_OK(causelog_log_stats(log, &stats, &error));
        CHECK_NUMBER(late, causelog_stats_durable_lsn(stats));
        causelog_stats_free(stats);
    }
    causelog_log_free(log);
    options.segment_bytes = 4095;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "4095", causelog_log_in_memory(&options, &log, &error));
    causelog_time_free(time);
}

static void a_closed_log_says_so(void) {
    causelog_log *log = memory_log(1, NULL);
    causelog_change change = insert_of("t", 1, "{}");
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    causelog_cursor *cursor, *late;
    CHECK_OK(causelog_log_query(log, NULL, &cursor, &error));
    CHECK_OK(causelog_log_close(log, &error));

    const causelog_entry *entry;
    causelog_clock *clock;
    causelog_stats *stats;
    causelog_transaction_cursor *transactions;
    causelog_row *row;
    causelog_snapshot *snapshot;
    causelog_view *view;
    causelog_consumer *consumer;
    causelog_consumers *consumers;
    causelog_removals *removals;
    causelog_verify_report *report;
    const causelog_text t = causelog_text_from("t");
    const causelog_row_id one = causelog_row_id_from_integer(1);
    const causelog_retention_policy policy = CAUSELOG_RETENTION_POLICY_INIT;
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_history(log, t, one, &late, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed",
                causelog_log_state_at(log, t, one, causelog_moment_now(), &row, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed",
                causelog_log_snapshot(log, t, causelog_moment_now(), &snapshot, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_materialise(log, t, &view, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_consumer(log, t, &consumer, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_consumers(log, &consumers, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_remove_consumer(log, t, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_wait(log, 0, 1000, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_maintain(log, 0, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_removals(log, &removals, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_retain(log, &policy, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_compact(log, NULL, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_compress(log, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_verify(log, &report, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_cursor_next(cursor, &entry, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_append(log, &change, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_query(log, NULL, &late, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_transactions(log, NULL, &transactions, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_frontier(log, &clock, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_stats(log, &stats, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_log_sync(log, &error));
    causelog_cursor_free(cursor);
    causelog_log_free(log);
}

static void a_path_that_is_none_is_refused(void) {
    causelog_log *log;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "path is empty", causelog_log_open(causelog_text_from(""), NULL, &log, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "path holds a NUL",
                causelog_log_open((causelog_text){"a\0b", 3}, NULL, &log, &error));
    const char *file = scratch_path("file");
    FILE *made = fopen(file, "w");
    CHECK(made != NULL && fclose(made) == 0);
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "file", causelog_log_open(causelog_text_from(file), NULL, &log, &error));
    /* A name that is no UTF-8 is a name all the same. */
    CHECK_OK(causelog_log_open(causelog_text_from(scratch_path("caf\xe9")), NULL, &log, &error));
    causelog_log_free(log);
}

int main(void) {
    RUN(an_append_says_what_it_did);
    RUN(every_type_of_row_id_comes_back_as_it_went_in);
    RUN(images_and_metadata_come_back_as_they_went_in);
    RUN(a_log_refuses_what_it_cannot_hold);
    RUN(logs_exchange_transactions_as_they_are);
    RUN(a_foreign_transaction_is_checked);
    RUN(the_skew_allowed_can_be_set_also_to_none);
    RUN(stats_count_what_the_log_holds);
    RUN(a_directory_has_one_writer_and_keeps_what_was_written);
    RUN(a_log_that_lost_its_end_is_another_node);
    RUN(a_reader_sees_what_the_writer_appends);
    RUN(an_interval_says_when_to_sync);
    RUN(a_closed_log_says_so);
    RUN(a_path_that_is_none_is_refused);
    remove_scratch();
    return 0;
}
