/* Replicas: their rows, conditional and relative writes, exchange, what is kept on disk. */

#include "replicas.h"

static void rows_are_written_and_read(void) {
    pair both = pair_of(NULL, NULL);
    causelog_appended appended;
    CHECK_OK(causelog_replica_insert(both.a, TABLE, ROW(2), causelog_bytes_from("two"), &appended, &error));
    CHECK(same_dot(dot_of(1, 1), appended.transaction) && appended.first_lsn == 1);
    CHECK_OK(causelog_replica_insert(both.a, TABLE, ROW(1), causelog_bytes_from("one"), &appended, &error));
    CHECK_OK(causelog_replica_update(both.a, TABLE, ROW(1), causelog_bytes_from("uno"), &appended, &error));
    CHECK_NUMBER(3, appended.last_lsn);
    check_row(both.a, 1, "uno", CAUSELOG_ROW_STATE_RESOLVED);
    check_row(both.a, 3, NULL, CAUSELOG_ROW_STATE_NONE);

    causelog_replica_row_list *rows;
    CHECK_OK(causelog_replica_rows(both.a, TABLE, &rows, &error));
    CHECK_NUMBER(2, causelog_replica_row_list_count(rows));
    CHECK(causelog_replica_row_row_id(causelog_replica_row_list_get(rows, 0))->integer == 1);
    CHECK_VIEW("two", causelog_replica_row_value(causelog_replica_row_list_get(rows, 1)));
    causelog_dots heads = causelog_replica_row_heads(causelog_replica_row_list_get(rows, 0));
    CHECK(heads.length == 1 && same_dot(dot_of(1, 3), heads.data[0]));
    CHECK(causelog_replica_row_list_get(rows, 2) == NULL);
    causelog_replica_row_list_free(rows);

    CHECK_OK(causelog_replica_delete(both.a, TABLE, ROW(2), &appended, &error));
    check_row(both.a, 2, NULL, CAUSELOG_ROW_STATE_NONE);
    causelog_heads *dead = heads_of(both.a, 2), *never = heads_of(both.a, 3);
    CHECK(causelog_heads_get(dead).length == 1 && same_dot(appended.transaction, causelog_heads_get(dead).data[0]));
    CHECK(causelog_heads_get(never).length == 0 && causelog_heads_get(never).data != NULL);
    causelog_heads_free(dead);
    causelog_heads_free(never);

    CHECK_FAILS(CAUSELOG_ALREADY_EXISTS, "is there already",
                causelog_replica_insert(both.a, TABLE, ROW(1), causelog_bytes_from("x"), NULL, &error));
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "is not there",
                causelog_replica_update(both.a, TABLE, ROW(2), causelog_bytes_from("x"), NULL, &error));
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "is not there", causelog_replica_delete(both.a, TABLE, ROW(2), NULL, &error));
    const causelog_text empty = {"", 0};
    causelog_replica_row *row;
    causelog_heads *none;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "table name is empty",
                causelog_replica_insert(both.a, empty, ROW(1), causelog_bytes_from("x"), NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "table name is empty", causelog_replica_get(both.a, empty, ROW(1), &row, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "table name is empty", causelog_replica_rows(both.a, empty, &rows, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "table name is empty", causelog_replica_heads(both.a, empty, ROW(1), &none, &error));
    CHECK(same_uuid(node_of(1), causelog_replica_node(both.a)));
    free_pair(&both);
}

static void writes_go_together_and_expect_heads(void) {
    pair both = pair_of(NULL, NULL);
    causelog_writes *writes = causelog_writes_new();
    causelog_write write = causelog_write_insert(TABLE, ROW(1), causelog_bytes_from("a"));
    const causelog_metadata who = {causelog_text_from("who"), causelog_text_from("alice")};
    write.metadata = &who;
    write.metadata_count = 1;
    CHECK_OK(causelog_writes_add(writes, &write, &error));
    write = causelog_write_update(TABLE, ROW(1), causelog_bytes_from("b"));
    CHECK_OK(causelog_writes_add(writes, &write, &error));
    write = causelog_write_insert(TABLE, ROW(2), causelog_bytes_from("c"));
    CHECK_OK(causelog_writes_add(writes, &write, &error));
    CHECK_NUMBER(3, causelog_writes_count(writes));
    causelog_appended appended;
    CHECK_OK(causelog_replica_write(both.a, writes, &appended, &error));
    CHECK(appended.first_lsn == 1 && appended.last_lsn == 3);
    check_row(both.a, 1, "b", CAUSELOG_ROW_STATE_RESOLVED);
    causelog_entry *entry = entry_at(causelog_replica_log(both.a), 1), *second = entry_at(causelog_replica_log(both.a), 2);
    CHECK_VIEW("alice", causelog_entry_metadata(entry, 0).value);
    CHECK_NUMBER(CAUSELOG_VERDICT_APPLIED, causelog_entry_verdict(entry));
    CHECK_VIEW("a", causelog_entry_before(second));
    causelog_entry_free(entry);
    causelog_entry_free(second);

    /* All of them, or none. */
    CHECK_FAILS(CAUSELOG_ALREADY_EXISTS, "", causelog_replica_write(both.a, writes, NULL, &error));
    CHECK_OK(causelog_writes_clear(writes, &error));
    CHECK_NUMBER(0, causelog_writes_count(writes));

    causelog_heads *read = heads_of(both.a, 1), *never = heads_of(both.a, 9);
    write = causelog_write_update(TABLE, ROW(1), causelog_bytes_from("d"));
    write.expected = causelog_heads_get(read);
    CHECK_OK(causelog_writes_add(writes, &write, &error));
    write = causelog_write_insert(TABLE, ROW(9), causelog_bytes_from("e"));
    write.expected = causelog_heads_get(never);
    CHECK_OK(causelog_writes_add(writes, &write, &error));
    CHECK_OK(causelog_replica_write(both.a, writes, NULL, &error));
    check_row(both.a, 1, "d", CAUSELOG_ROW_STATE_RESOLVED);
    check_row(both.a, 9, "e", CAUSELOG_ROW_STATE_RESOLVED);
    CHECK_FAILS(CAUSELOG_VERSION_MISMATCH, "read it again", causelog_replica_write(both.a, writes, NULL, &error));

    /* No dots at all expect a row that never was; NULL expects nothing. */
    CHECK_OK(causelog_writes_clear(writes, &error));
    write = causelog_write_delete(TABLE, ROW(9));
    write.expected = causelog_heads_get(never);
    CHECK_OK(causelog_writes_add(writes, &write, &error));
    CHECK_FAILS(CAUSELOG_VERSION_MISMATCH, "not the expected []", causelog_replica_write(both.a, writes, NULL, &error));
    CHECK_OK(causelog_writes_clear(writes, &error));
    write.expected = (causelog_dots){NULL, 0};
    CHECK_OK(causelog_writes_add(writes, &write, &error));
    CHECK_OK(causelog_replica_write(both.a, writes, NULL, &error));
    check_row(both.a, 9, NULL, CAUSELOG_ROW_STATE_NONE);

    CHECK_OK(causelog_writes_clear(writes, &error));
    write = causelog_write_insert(TABLE, ROW(9), (causelog_bytes){NULL, 0});
    CHECK_OK(causelog_writes_add(writes, &write, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "carries the whole row", causelog_replica_write(both.a, writes, NULL, &error));
    causelog_heads_free(read);
    causelog_heads_free(never);
    causelog_writes_free(writes);
    free_pair(&both);
}

static void fields_are_set_removed_and_added_to(void) {
    pair both = pair_of(NULL, NULL);
    const causelog_text gone[] = {causelog_text_from("note"), causelog_text_from("never")};
    const causelog_text n = causelog_text_from("n");
    insert_row(&both, both.a, 1, "{\"n\":1,\"note\":\"x\"}");
    CHECK_OK(causelog_replica_patch(both.a, TABLE, ROW(1), causelog_bytes_from("{\"paid\":true}"), gone, 2, NULL, &error));
    check_row(both.a, 1, "{\"n\":1,\"paid\":true}", CAUSELOG_ROW_STATE_RESOLVED);
    CHECK_OK(causelog_replica_patch(both.a, TABLE, ROW(1), causelog_bytes_from("{\"paid\":null}"), NULL, 0, NULL, &error));
    causelog_appended appended;
    CHECK_OK(causelog_replica_increment(both.a, TABLE, ROW(1), n, -3, &appended, &error));
    CHECK_NUMBER(4, appended.last_lsn);
    CHECK_OK(causelog_replica_increment(both.a, TABLE, ROW(1), causelog_text_from("m"), 7, NULL, &error));
    check_row(both.a, 1, "{\"n\":-2,\"paid\":null,\"m\":7}", CAUSELOG_ROW_STATE_RESOLVED);

    CHECK_FAILS(CAUSELOG_TOO_LARGE, "cannot go from -2",
                causelog_replica_increment(both.a, TABLE, ROW(1), n, INT64_MIN, NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "no 64-bit integer",
                causelog_replica_increment(both.a, TABLE, ROW(1), causelog_text_from("paid"), 1, NULL, &error));
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "", causelog_replica_increment(both.a, TABLE, ROW(2), n, 1, NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "fields are no JSON object",
                causelog_replica_patch(both.a, TABLE, ROW(1), causelog_bytes_from("[]"), NULL, 0, NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "fields are no JSON object",
                causelog_replica_patch(both.a, TABLE, ROW(1), (causelog_bytes){NULL, 0}, NULL, 0, NULL, &error));
    insert_row(&both, both.a, 3, "text");
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "is no JSON object",
                causelog_replica_patch(both.a, TABLE, ROW(3), causelog_bytes_from("{}"), NULL, 0, NULL, &error));
    free_pair(&both);
}

static void counters_of_two_add_up(void) {
    pair both = pair_of("{\"kind\":\"field_merge\",\"fields\":{\"n\":\"counter\"}}", NULL);
    const causelog_text n = causelog_text_from("n");
    insert_row(&both, both.a, 1, "{\"n\":10}");
    exchange(&both);
    CHECK_OK(causelog_replica_increment(both.a, TABLE, ROW(1), n, 5, NULL, &error));
    CHECK_OK(causelog_replica_increment(both.b, TABLE, ROW(1), n, -2, NULL, &error));
    exchange(&both);
    check_row(both.a, 1, "{\"n\":13}", CAUSELOG_ROW_STATE_RESOLVED);
    check_row(both.b, 1, "{\"n\":13}", CAUSELOG_ROW_STATE_RESOLVED);
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "use patch or increment",
                causelog_replica_update(both.a, TABLE, ROW(1), causelog_bytes_from("{\"n\":1}"), NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "is no JSON object",
                causelog_replica_insert(both.a, TABLE, ROW(2), causelog_bytes_from("1"), NULL, &error));
    free_pair(&both);
}

static void changes_are_recorded_as_they_are(void) {
    pair both = pair_of(NULL, NULL);
    causelog_changes *changes = causelog_changes_new();
    causelog_change change = update_of("t", 1, "old", "new");
    CHECK_OK(causelog_changes_add(changes, &change, &error));
    causelog_appended appended;
    CHECK_OK(causelog_replica_append(both.a, changes, &appended, &error));
    CHECK_NUMBER(1, appended.last_lsn);
    check_row(both.a, 1, "new", CAUSELOG_ROW_STATE_RESOLVED);
    causelog_row_stats *stats;
    CHECK_OK(causelog_replica_stats(both.a, &stats, &error));
    CHECK_NUMBER(1, causelog_row_stats_before_mismatches(stats));
    causelog_row_stats_free(stats);
    CHECK_OK(causelog_changes_clear(changes, &error));
    CHECK_OK(causelog_replica_append(both.a, changes, &appended, &error));
    CHECK_NUMBER(0, appended.last_lsn);
    causelog_changes_free(changes);
    free_pair(&both);
}

static void a_transaction_is_taken_in_once(void) {
    pair both = pair_of(NULL, NULL);
    insert_row(&both, both.a, 1, "one");
    causelog_transaction_cursor *cursor;
    CHECK_OK(causelog_log_transactions(causelog_replica_log(both.a), NULL, &cursor, &error));
    const causelog_transaction *transaction;
    CHECK_OK(causelog_transaction_cursor_next(cursor, &transaction, &error));
    causelog_appended appended;
    CHECK_OK(causelog_replica_apply(both.b, transaction, &appended, &error));
    CHECK(!appended.duplicate && same_dot(dot_of(1, 1), appended.transaction));
    CHECK_OK(causelog_replica_apply(both.b, transaction, &appended, &error));
    CHECK(appended.duplicate);
    check_row(both.b, 1, "one", CAUSELOG_ROW_STATE_RESOLVED);
    causelog_transaction_cursor_free(cursor);

    const causelog_dot missing = dot_of(7, 1);
    causelog_transaction *unknown;
    CHECK_OK(causelog_transaction_new(dot_of(3, 1), &missing, 1, 0, NULL, &unknown, &error));
    CHECK_FAILS(CAUSELOG_MISSING_DEPENDENCY, "", causelog_replica_apply(both.b, unknown, NULL, &error));
    causelog_transaction_free(unknown);
    free_pair(&both);
}

static void an_exchange_gives_each_what_it_lacks(void) {
    pair both = pair_of(NULL, NULL);
    insert_row(&both, both.a, 1, "from a");
    insert_row(&both, both.b, 2, "from b");
    insert_row(&both, both.b, 3, "from b");
    causelog_sync_report *report;
    CHECK_OK(causelog_sync(both.a, both.b, &report, &error));
    CHECK_NUMBER(2, causelog_sync_report_received(report));
    CHECK_NUMBER(1, causelog_sync_report_sent(report));
    CHECK_NUMBER(0, causelog_sync_report_skipped_count(report) + causelog_sync_report_refused_count(report));
    CHECK(causelog_sync_report_skipped(report, 0).message.data == NULL);
    causelog_sync_report_free(report);
    check_row(both.a, 3, "from b", CAUSELOG_ROW_STATE_RESOLVED);
    check_row(both.b, 1, "from a", CAUSELOG_ROW_STATE_RESOLVED);
    CHECK_OK(causelog_sync(both.a, both.b, &report, &error));
    CHECK_NUMBER(0, causelog_sync_report_received(report) + causelog_sync_report_sent(report));
    causelog_sync_report_free(report);
    /* With itself there is nothing to exchange. */
    CHECK_OK(causelog_sync(both.a, both.a, &report, &error));
    CHECK_NUMBER(0, causelog_sync_report_received(report) + causelog_sync_report_sent(report));
    causelog_sync_report_free(report);
    free_pair(&both);
}

static void what_cannot_be_taken_in_is_reported(void) {
    causelog_time *ahead = causelog_time_new(INT64_C(1000000000000)), *behind = causelog_time_new(1000);
    causelog_replica *a = replica_of(1, NULL, NULL, NULL, ahead), *b = replica_of(2, NULL, NULL, NULL, behind);
    CHECK_OK(causelog_replica_insert(a, TABLE, ROW(1), causelog_bytes_from("x"), NULL, &error));
    CHECK_OK(causelog_replica_update(a, TABLE, ROW(1), causelog_bytes_from("y"), NULL, &error));
    causelog_sync_report *report;
    CHECK_OK(causelog_sync(a, b, &report, &error));
    CHECK_NUMBER(2, causelog_sync_report_refused_count(report));
    causelog_skipped_transaction first = causelog_sync_report_refused(report, 0);
    CHECK(same_dot(dot_of(1, 1), first.transaction) && first.message.length > 0);
    CHECK_NUMBER(CAUSELOG_CLOCK_SKEW, first.status);
    CHECK(same_dot(dot_of(1, 2), causelog_sync_report_refused(report, 1).transaction));
    CHECK_NUMBER(CAUSELOG_OK, causelog_sync_report_refused(report, 2).status);
    causelog_sync_report_free(report);
    CHECK_OK(causelog_sync(b, a, &report, &error));
    CHECK_NUMBER(2, causelog_sync_report_skipped_count(report));
    CHECK_NUMBER(CAUSELOG_CLOCK_SKEW, causelog_sync_report_skipped(report, 0).status);
    causelog_sync_report_free(report);

    /* It comes again. */
    CHECK_OK(causelog_time_set(behind, INT64_C(1000000000000), &error));
    CHECK_OK(causelog_sync(a, b, &report, &error));
    CHECK_NUMBER(2, causelog_sync_report_sent(report));
    causelog_sync_report_free(report);
    check_row(b, 1, "y", CAUSELOG_ROW_STATE_RESOLVED);
    causelog_replica_free(a);
    causelog_replica_free(b);
    causelog_time_free(ahead);
    causelog_time_free(behind);
}

static void the_log_is_only_read(void) {
    pair both = pair_of(NULL, NULL);
    insert_row(&both, both.a, 1, "one");
    const causelog_log *log = causelog_replica_log(both.a);
    CHECK(same_uuid(node_of(1), causelog_log_node(log)));
    causelog_change change = insert_of("t", 2, "two");
    CHECK_FAILS(CAUSELOG_READ_ONLY, "", causelog_log_append(log, &change, NULL, &error));
    causelog_changes *changes = causelog_changes_new();
    CHECK_FAILS(CAUSELOG_READ_ONLY, "", causelog_log_append_transaction(log, changes, NULL, &error));
    causelog_changes_free(changes);
    causelog_transaction *transaction;
    CHECK_OK(causelog_transaction_new(dot_of(3, 1), NULL, 0, 0, NULL, &transaction, &error));
    CHECK_FAILS(CAUSELOG_READ_ONLY, "", causelog_log_append_remote(log, transaction, NULL, &error));
    causelog_transaction_free(transaction);
    CHECK_FAILS(CAUSELOG_READ_ONLY, "", causelog_log_compact(log, NULL, NULL, &error));
    causelog_retention_policy policy = CAUSELOG_RETENTION_POLICY_INIT;
    CHECK_FAILS(CAUSELOG_READ_ONLY, "", causelog_log_retain(log, &policy, NULL, &error));

    /* What is made of it outlives the replica. */
    causelog_cursor *cursor;
    const causelog_entry *entry;
    CHECK_OK(causelog_log_query(log, NULL, &cursor, &error));
    free_pair(&both);
    CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
    CHECK_VIEW("one", causelog_entry_after(entry));
    causelog_cursor_free(cursor);
}

static void a_replica_is_opened_again_as_it_was(void) {
    static char path[512];
    snprintf(path, sizeof path, "%s", scratch_path("replica"));
    causelog_time *time = causelog_time_new(1000);
    causelog_replica *a = replica_of(1, path, "manual", NULL, time), *b = replica_of(2, NULL, "manual", NULL, time);
    CHECK_OK(causelog_replica_insert(a, TABLE, ROW(1), causelog_bytes_from("from a"), NULL, &error));
    CHECK_OK(causelog_replica_insert(b, TABLE, ROW(1), causelog_bytes_from("from b"), NULL, &error));
    CHECK_OK(causelog_sync(a, b, NULL, &error));
    int64_t at;
    CHECK_OK(causelog_replica_claim(a, TABLE, ROW(1), causelog_text_from("alice"), &at, &error));
    CHECK(at == 1000);
    CHECK_OK(causelog_replica_sync(a, &error));
    causelog_replica *second;
    CHECK_FAILS(CAUSELOG_LOCKED, "replica", causelog_replica_open(causelog_text_from(path), NULL, &second, &error));
    CHECK_OK(causelog_replica_close(a, &error));
    CHECK_OK(causelog_replica_close(a, &error));
    causelog_replica_free(a);

    CHECK_OK(causelog_replica_open(causelog_text_from(path), NULL, &a, &error));
    CHECK(same_uuid(node_of(1), causelog_replica_node(a)));
    check_row(a, 1, "from b", CAUSELOG_ROW_STATE_PENDING);
    causelog_registry *registry;
    causelog_buffer *buffer;
    CHECK_OK(causelog_replica_registry(a, &registry, &error));
    CHECK_OK(causelog_registry_default_resolution(registry, &buffer, &error));
    CHECK_BUFFER("manual", buffer);
    causelog_registry_free(registry);
    causelog_inbox *inbox;
    CHECK_OK(causelog_replica_inbox(a, &inbox, &error));
    causelog_claim claim;
    CHECK(causelog_inbox_item_claim(causelog_inbox_get(inbox, 0), &claim));
    CHECK_VIEW("alice", claim.by);
    causelog_inbox_free(inbox);
    causelog_replica_free(a);
    causelog_replica_free(b);
    causelog_time_free(time);

    /* A log that was no replica's becomes one. */
    causelog_text plain = causelog_text_from(scratch_path("plain"));
    causelog_log *log;
    causelog_change change = insert_of("t", 1, "plain");
    CHECK_OK(causelog_log_open(plain, NULL, &log, &error));
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    causelog_log_free(log);
    CHECK_OK(causelog_replica_open(plain, NULL, &a, &error));
    check_row(a, 1, "plain", CAUSELOG_ROW_STATE_RESOLVED);
    causelog_replica_free(a);

    causelog_log_options log_options = CAUSELOG_LOG_OPTIONS_INIT;
    causelog_replica_options options = CAUSELOG_REPLICA_OPTIONS_INIT;
    log_options.read_only = 1;
    options.log = &log_options;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "for reading only", causelog_replica_open(plain, &options, &a, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "path is empty", causelog_replica_open((causelog_text){"", 0}, NULL, &a, &error));
}

static void what_is_replaced_is_removed(void) {
    causelog_log_options log_options = CAUSELOG_LOG_OPTIONS_INIT;
    log_options.segment_bytes = 4096;
    const uint64_t memory = 1 << 20;
    causelog_replica_options options = CAUSELOG_REPLICA_OPTIONS_INIT;
    options.log = &log_options;
    options.history_memory = &memory;
    causelog_replica *replica;
    CHECK_OK(causelog_replica_in_memory(&options, &replica, &error));
    static char payload[101];
    memset(payload, 'x', 100);
    CHECK_OK(causelog_replica_insert(replica, TABLE, ROW(1), causelog_bytes_from(payload), NULL, &error));
    for (int number = 0; number < 100; number++) {
        CHECK_OK(causelog_replica_update(replica, TABLE, ROW(1), causelog_bytes_from(payload), NULL, &error));
    }
    causelog_compaction_options all = CAUSELOG_COMPACTION_OPTIONS_INIT;
    causelog_removals *removals;
    CHECK_OK(causelog_replica_compact(replica, &all, &removals, &error));
    CHECK_NUMBER(1, causelog_removals_count(removals));
    CHECK_NUMBER(CAUSELOG_REMOVAL_REASON_COMPACTION, causelog_removals_get(removals, 0).reason);
    causelog_removals_free(removals);
    CHECK_OK(causelog_replica_compact(replica, NULL, NULL, &error));
    check_row(replica, 1, payload, CAUSELOG_ROW_STATE_RESOLVED);
    causelog_replica_free(replica);
}

static void a_replica_is_counted(void) {
    pair both = pair_of(NULL, NULL);
    contest(&both, "base", "from a", "from b");
    insert_row(&both, both.a, 2, "two");
    causelog_row_stats *stats;
    CHECK_OK(causelog_replica_stats(both.a, &stats, &error));
    CHECK_NUMBER(2, causelog_row_stats_rows(stats));
    CHECK_NUMBER(1, causelog_row_stats_contested_rows(stats));
    CHECK_NUMBER(0, causelog_row_stats_settlings(stats) + causelog_row_stats_before_mismatches(stats));
    CHECK(causelog_row_stats_memory(stats) > 0);
    causelog_row_stats_free(stats);
    update_row(&both, both.a, 1, "settled");
    CHECK_OK(causelog_replica_stats(both.a, &stats, &error));
    CHECK_NUMBER(0, causelog_row_stats_contested_rows(stats));
    CHECK_NUMBER(1, causelog_row_stats_settlings(stats));
    causelog_row_stats_free(stats);
    free_pair(&both);
}

static void a_closed_replica_says_so(void) {
    pair both = pair_of(NULL, NULL);
    contest(&both, "base", "from a", "from b");
    causelog_reports *reports;
    const causelog_report *report = only_conflict(both.a, &reports);
    causelog_heads *heads = heads_of(both.a, 1), *no_heads;
    CHECK_OK(causelog_replica_close(both.a, &error));

    const causelog_bytes x = causelog_bytes_from("{}");
    causelog_writes *writes = causelog_writes_new();
    causelog_changes *changes = causelog_changes_new();
    causelog_transaction *transaction;
    CHECK_OK(causelog_transaction_new(dot_of(3, 1), NULL, 0, 0, NULL, &transaction, &error));
    causelog_registry *registry = registry_of("manual"), *made;
    causelog_replica_row *row;
    causelog_replica_row_list *rows;
    causelog_reports *none;
    causelog_report *replayed;
    causelog_inbox *inbox;
    causelog_effective_changes *effective;
    causelog_what_ifs *answers;
    causelog_explanation *explanation;
    causelog_row_stats *stats;
    causelog_cursor *cursor;
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_insert(both.a, TABLE, ROW(5), x, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_update(both.a, TABLE, ROW(1), x, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_delete(both.a, TABLE, ROW(1), NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_write(both.a, writes, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_append(both.a, changes, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_patch(both.a, TABLE, ROW(1), x, NULL, 0, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_increment(both.a, TABLE, ROW(1), TABLE, 1, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_apply(both.a, transaction, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_get(both.a, TABLE, ROW(1), &row, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_rows(both.a, TABLE, &rows, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_heads(both.a, TABLE, ROW(1), &no_heads, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_conflicts(both.a, &none, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_settled_conflicts(both.a, &none, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_query_conflicts(both.a, NULL, &none, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_replay(both.a, report, &replayed, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_what_if(both.a, registry, NULL, &answers, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_inbox(both.a, &inbox, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_claim(both.a, TABLE, ROW(1), TABLE, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_release(both.a, TABLE, ROW(1), &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "",
                causelog_replica_resolve(both.a, TABLE, ROW(1), causelog_decision_delete(), causelog_heads_get(heads), NULL, 0,
                                         NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_effective(both.a, (causelog_text){NULL, 0}, 10, &effective, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_why(both.a, TABLE, ROW(1), &explanation, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_registry(both.a, &made, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_set_registry(both.a, registry, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_stats(both.a, &stats, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_compact(both.a, NULL, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_sync(both.a, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_sync(both.a, both.b, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_sync(both.b, both.a, NULL, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_log_query(causelog_replica_log(both.a), NULL, &cursor, &error));

    /* What it has handed out stays. */
    CHECK_VIEW("from b", causelog_report_value(report));
    causelog_reports_free(reports);
    causelog_heads_free(heads);
    causelog_writes_free(writes);
    causelog_changes_free(changes);
    causelog_transaction_free(transaction);
    causelog_registry_free(registry);
    free_pair(&both);
}

int main(void) {
    RUN(rows_are_written_and_read);
    RUN(writes_go_together_and_expect_heads);
    RUN(fields_are_set_removed_and_added_to);
    RUN(counters_of_two_add_up);
    RUN(changes_are_recorded_as_they_are);
    RUN(a_transaction_is_taken_in_once);
    RUN(an_exchange_gives_each_what_it_lacks);
    RUN(what_cannot_be_taken_in_is_reported);
    RUN(the_log_is_only_read);
    RUN(a_replica_is_opened_again_as_it_was);
    RUN(what_is_replaced_is_removed);
    RUN(a_replica_is_counted);
    RUN(a_closed_replica_says_so);
    remove_scratch();
    return 0;
}
