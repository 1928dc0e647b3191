/* Wrong calls: NULL everywhere it can be passed, numbers that are none, structs of a wrong size, text that is none. */

#include "support.h"

/* The call, which passes NULL for `parameter`, says so. */
#define CHECK_NULL(parameter, call) CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, parameter " is NULL", call)

static void null_values_are_refused(void) {
    CHECK_NULL("uuid", causelog_uuid_parse(causelog_text_from("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), NULL, &error));
    CHECK_NULL("text", causelog_uuid_format(node_of(1), NULL, &error));
    CHECK_NULL("dot", causelog_dot_parse(causelog_text_from("6ba7b810-9dad-11d1-80b4-00c04fd430c8:1"), NULL, &error));
    CHECK_NULL("text", causelog_dot_format(dot_of(1, 1), NULL, &error));
    CHECK_NULL("timestamp", causelog_timestamp_parse(causelog_text_from("1970-01-01T00:00:00Z"), NULL, &error));
    CHECK_NULL("text", causelog_timestamp_format(0, NULL, &error));
    CHECK_NULL("operation", causelog_operation_parse(causelog_text_from("insert"), NULL, &error));
    CHECK_NULL("kind", causelog_resolution_kind_of(causelog_text_from("last_write_wins"), NULL, &error));
    CHECK_NULL("conflict_type", causelog_conflict_type_of(1, 1, NULL, &error));
    CHECK_NULL("mirror", causelog_conflict_type_mirror(1, NULL, &error));
    causelog_operation operation;
    CHECK_NULL("local", causelog_conflict_type_operations(1, NULL, &operation, &error));
    CHECK_NULL("remote", causelog_conflict_type_operations(1, &operation, NULL, &error));
    CHECK_NULL("conflict_class", causelog_conflict_type_class(1, NULL, &error));
    causelog_conflict_class class;
    CHECK_NULL("operations", causelog_conflict_class_of(NULL, 1, &class, &error));
    CHECK_NULL("conflict_class", causelog_conflict_class_of(NULL, 0, NULL, &error));
    CHECK(causelog_text_from(NULL).data == NULL && causelog_text_from(NULL).length == 0);
    CHECK(causelog_bytes_from(NULL).data == NULL && causelog_bytes_from(NULL).length == 0);
}

static void null_clocks_and_times_are_refused(void) {
    int64_t timestamp;
    bool answer;
    causelog_causality causality;
    causelog_buffer *buffer;
    causelog_clock *made, *clock = causelog_clock_new();
    causelog_hybrid_clock *hybrid = causelog_hybrid_clock_new();
    CHECK_NULL("time", causelog_time_set(NULL, 0, &error));
    CHECK_NULL("time", causelog_time_advance(NULL, 0, &error));
    CHECK_NULL("clock", causelog_hybrid_clock_tick(NULL, 0, &timestamp, &error));
    CHECK_NULL("timestamp", causelog_hybrid_clock_tick(hybrid, 0, NULL, &error));
    CHECK(!causelog_hybrid_clock_last(hybrid, &timestamp));
    CHECK_NULL("clock", causelog_hybrid_clock_observe(NULL, 0, &error));
    CHECK_NULL("entries", causelog_clock_from_entries(NULL, 1, &made, &error));
    CHECK_NULL("clock", causelog_clock_from_entries(NULL, 0, NULL, &error));
    CHECK_NULL("clock", causelog_clock_increment(NULL, node_of(1), NULL, &error));
    CHECK_NULL("clock", causelog_clock_advance(NULL, node_of(1), 1, &error));
    CHECK_NULL("clock", causelog_clock_merge(NULL, clock, &error));
    CHECK_NULL("clock", causelog_clock_merge(NULL, NULL, &error));
    CHECK_NULL("other", causelog_clock_merge(clock, NULL, &error));
    CHECK_NULL("clock", causelog_clock_compare(NULL, clock, &causality, &error));
    CHECK_NULL("other", causelog_clock_compare(clock, NULL, &causality, &error));
    CHECK_NULL("causality", causelog_clock_compare(clock, clock, NULL, &error));
    CHECK_NULL("clock", causelog_clock_happens_before(NULL, clock, &answer, &error));
    CHECK_NULL("other", causelog_clock_happens_before(clock, NULL, &answer, &error));
    CHECK_NULL("answer", causelog_clock_happens_before(clock, clock, NULL, &error));
    CHECK_NULL("clock", causelog_clock_conflicts_with(NULL, clock, &answer, &error));
    CHECK_NULL("other", causelog_clock_conflicts_with(clock, NULL, &answer, &error));
    CHECK_NULL("answer", causelog_clock_conflicts_with(clock, clock, NULL, &error));
    CHECK_NULL("clock", causelog_clock_to_bytes(NULL, &buffer, &error));
    CHECK_NULL("bytes", causelog_clock_to_bytes(clock, NULL, &error));
    CHECK_NULL("bytes", causelog_clock_from_bytes((causelog_bytes){NULL, 1}, &made, &error));
    const uint8_t empty[] = {1, 0};
    CHECK_NULL("clock", causelog_clock_from_bytes((causelog_bytes){empty, 2}, NULL, &error));
    CHECK_NULL("clock", causelog_clock_to_json(NULL, &buffer, &error));
    CHECK_NULL("json", causelog_clock_to_json(clock, NULL, &error));
    CHECK_NULL("json", causelog_clock_from_json((causelog_text){NULL, 1}, &made, &error));
    CHECK_NULL("clock", causelog_clock_from_json(causelog_text_from("{}"), NULL, &error));
    CHECK_NULL("clock", causelog_clock_to_text(NULL, &buffer, &error));
    CHECK_NULL("text", causelog_clock_to_text(clock, NULL, &error));
    causelog_clock_free(clock);
    causelog_hybrid_clock_free(hybrid);
}

static void null_changes_entries_and_transactions_are_refused(void) {
    causelog_buffer *buffer;
    causelog_owned_row_id *owned;
    causelog_row_id row_id = causelog_row_id_from_integer(0);
    CHECK_NULL("row_id", causelog_row_id_encode(NULL, &buffer, &error));
    CHECK_NULL("bytes", causelog_row_id_encode(&row_id, NULL, &error));
    CHECK_NULL("row_id", causelog_row_id_to_text(NULL, &buffer, &error));
    CHECK_NULL("text", causelog_row_id_to_text(&row_id, NULL, &error));
    CHECK_NULL("bytes", causelog_row_id_decode((causelog_bytes){NULL, 1}, &owned, &error));
    const uint8_t zero[] = {0x14};
    CHECK_NULL("row_id", causelog_row_id_decode((causelog_bytes){zero, 1}, NULL, &error));

    causelog_changes *changes = causelog_changes_new();
    causelog_change change = insert_of("t", 1, "{}");
    CHECK_NULL("changes", causelog_changes_add(NULL, &change, &error));
    CHECK_NULL("change", causelog_changes_add(changes, NULL, &error));
    change.table = (causelog_text){NULL, 1};
    CHECK_NULL("change.table", causelog_changes_add(changes, &change, &error));
    change = insert_of("t", 1, NULL);
    change.after.length = 1;
    CHECK_NULL("change.after", causelog_changes_add(changes, &change, &error));
    change = update_of("t", 1, NULL, NULL);
    change.before.length = 1;
    CHECK_NULL("change.before", causelog_changes_add(changes, &change, &error));
    change = insert_of("t", 1, "{}");
    change.metadata_count = 1;
    CHECK_NULL("change.metadata", causelog_changes_add(changes, &change, &error));
    change = insert_of("t", 1, "{}");
    change.row_id = causelog_row_id_from_elements(NULL, 2);
    CHECK_NULL("change.row_id", causelog_changes_add(changes, &change, &error));
    change.row_id = causelog_row_id_from_uuid(NULL);
    CHECK_NULL("change.row_id", causelog_changes_add(changes, &change, &error));
    CHECK_NULL("changes", causelog_changes_clear(NULL, &error));
    CHECK_NUMBER(0, causelog_changes_count(changes));
    causelog_changes_free(changes);

    causelog_transaction *transaction;
    CHECK_NULL("dependencies", causelog_transaction_new(dot_of(1, 1), NULL, 1, 0, NULL, &transaction, &error));
    CHECK_NULL("transaction", causelog_transaction_new(dot_of(1, 1), NULL, 0, 0, NULL, NULL, &error));

    causelog_clock *clock = causelog_clock_new();
    causelog_entry_fields fields = CAUSELOG_ENTRY_FIELDS_INIT;
    causelog_entry *entry;
    bool answer;
    change = insert_of("t", 1, "{}");
    fields.dot = dot_of(1, 1);
    CHECK_NULL("fields", causelog_entry_new(NULL, &entry, &error));
    CHECK_NULL("fields.vector_clock", causelog_entry_new(&fields, &entry, &error));
    fields.vector_clock = clock;
    CHECK_NULL("fields.change", causelog_entry_new(&fields, &entry, &error));
    fields.change = &change;
    CHECK_NULL("entry", causelog_entry_new(&fields, NULL, &error));
    CHECK_OK(causelog_entry_new(&fields, &entry, &error));
    CHECK_NULL("entry", causelog_entry_happens_before(NULL, entry, &answer, &error));
    CHECK_NULL("other", causelog_entry_happens_before(entry, NULL, &answer, &error));
    CHECK_NULL("answer", causelog_entry_happens_before(entry, entry, NULL, &error));
    causelog_entry *copy;
    const causelog_clock *borrowed;
    CHECK_NULL("entry", causelog_entry_clone(NULL, &copy, &error));
    CHECK_NULL("copy", causelog_entry_clone(entry, NULL, &error));
    CHECK_NULL("entry", causelog_entry_vector_clock(NULL, &borrowed, &error));
    CHECK_NULL("clock", causelog_entry_vector_clock(entry, NULL, &error));
    causelog_entry_free(entry);
    causelog_clock_free(clock);
}

static void null_logs_and_cursors_are_refused(void) {
    causelog_log *log = memory_log(1, NULL), *made;
    causelog_change change = insert_of("t", 1, "{}");
    causelog_changes *changes = causelog_changes_new();
    causelog_transaction *transaction;
    CHECK_OK(causelog_transaction_new(dot_of(2, 1), NULL, 0, 0, NULL, &transaction, &error));
    causelog_cursor *cursor;
    causelog_transaction_cursor *transactions;
    causelog_clock *clock;
    causelog_stats *stats;
    const causelog_entry *entry;
    const causelog_transaction *next;
    CHECK_NULL("path", causelog_log_open((causelog_text){NULL, 1}, NULL, &made, &error));
    CHECK_NULL("log", causelog_log_open(causelog_text_from("not-made"), NULL, NULL, &error));
    CHECK_NULL("log", causelog_log_in_memory(NULL, NULL, &error));
    CHECK_NULL("log", causelog_log_append(NULL, &change, NULL, &error));
    CHECK_NULL("change", causelog_log_append(log, NULL, NULL, &error));
    CHECK_NULL("log", causelog_log_append_transaction(NULL, changes, NULL, &error));
    CHECK_NULL("changes", causelog_log_append_transaction(log, NULL, NULL, &error));
    CHECK_NULL("log", causelog_log_append_remote(NULL, transaction, NULL, &error));
    CHECK_NULL("transaction", causelog_log_append_remote(log, NULL, NULL, &error));
    CHECK_NULL("log", causelog_log_query(NULL, NULL, &cursor, &error));
    CHECK_NULL("cursor", causelog_log_query(log, NULL, NULL, &error));
    CHECK_NULL("log", causelog_log_transactions(NULL, NULL, &transactions, &error));
    CHECK_NULL("cursor", causelog_log_transactions(log, NULL, NULL, &error));
    CHECK_NULL("log", causelog_log_frontier(NULL, &clock, &error));
    CHECK_NULL("clock", causelog_log_frontier(log, NULL, &error));
    CHECK_NULL("log", causelog_log_vector_clock(NULL, dot_of(1, 1), &clock, &error));
    CHECK_NULL("clock", causelog_log_vector_clock(log, dot_of(1, 1), NULL, &error));
    CHECK_NULL("log", causelog_log_stats(NULL, &stats, &error));
    CHECK_NULL("stats", causelog_log_stats(log, NULL, &error));
    CHECK_NULL("log", causelog_log_sync(NULL, &error));
    CHECK_NULL("log", causelog_log_close(NULL, &error));

    causelog_query_options options = CAUSELOG_QUERY_OPTIONS_INIT;
    options.table_count = 2;
    CHECK_NULL("options.tables", causelog_log_query(log, &options, &cursor, &error));

    CHECK_OK(causelog_log_query(log, NULL, &cursor, &error));
    CHECK_NULL("cursor", causelog_cursor_next(NULL, &entry, &error));
    CHECK_NULL("entry", causelog_cursor_next(cursor, NULL, &error));
    CHECK_OK(causelog_log_transactions(log, NULL, &transactions, &error));
    CHECK_NULL("cursor", causelog_transaction_cursor_next(NULL, &next, &error));
    CHECK_NULL("transaction", causelog_transaction_cursor_next(transactions, NULL, &error));
    causelog_transaction_cursor_free(transactions);
    causelog_cursor_free(cursor);
    causelog_transaction_free(transaction);
    causelog_changes_free(changes);
    causelog_log_free(log);
}

static void null_moments_rows_and_views_are_refused(void) {
    causelog_log *log = memory_log(1, NULL);
    const causelog_text t = causelog_text_from("t"), nothing = {NULL, 1};
    const causelog_row_id one = causelog_row_id_from_integer(1), no_text = causelog_row_id_from_text(nothing);
    const causelog_moment now = causelog_moment_now();
    causelog_cursor *cursor;
    causelog_row *row;
    causelog_snapshot *snapshot;
    causelog_view *view;
    CHECK_NULL("log", causelog_log_history(NULL, t, one, &cursor, &error));
    CHECK_NULL("table", causelog_log_history(log, nothing, one, &cursor, &error));
    CHECK_NULL("row_id", causelog_log_history(log, t, no_text, &cursor, &error));
    CHECK_NULL("cursor", causelog_log_history(log, t, one, NULL, &error));
    CHECK_NULL("log", causelog_log_state_at(NULL, t, one, now, &row, &error));
    CHECK_NULL("table", causelog_log_state_at(log, nothing, one, now, &row, &error));
    CHECK_NULL("row_id", causelog_log_state_at(log, t, no_text, now, &row, &error));
    CHECK_NULL("row", causelog_log_state_at(log, t, one, now, NULL, &error));
    CHECK_NULL("log", causelog_log_snapshot(NULL, t, now, &snapshot, &error));
    CHECK_NULL("table", causelog_log_snapshot(log, nothing, now, &snapshot, &error));
    CHECK_NULL("snapshot", causelog_log_snapshot(log, t, now, NULL, &error));
    CHECK_OK(causelog_log_snapshot(log, t, now, &snapshot, &error));
    CHECK_NULL("snapshot", causelog_snapshot_get(NULL, one, &row, &error));
    CHECK_NULL("row_id", causelog_snapshot_get(snapshot, no_text, &row, &error));
    CHECK_NULL("row", causelog_snapshot_get(snapshot, one, NULL, &error));
    causelog_snapshot_free(snapshot);
    CHECK_NULL("log", causelog_log_materialise(NULL, t, &view, &error));
    CHECK_NULL("table", causelog_log_materialise(log, nothing, &view, &error));
    CHECK_NULL("view", causelog_log_materialise(log, t, NULL, &error));
    CHECK_OK(causelog_log_materialise(log, t, &view, &error));
    CHECK_NULL("view", causelog_view_refresh(NULL, NULL, &error));
    CHECK_NULL("view", causelog_view_get(NULL, one, &row, &error));
    CHECK_NULL("row_id", causelog_view_get(view, no_text, &row, &error));
    CHECK_NULL("row", causelog_view_get(view, one, NULL, &error));
    causelog_view_free(view);
    causelog_log_free(log);
}

static void null_consumers_and_policies_are_refused(void) {
    causelog_log *log = memory_log(1, NULL);
    const causelog_text name = causelog_text_from("name"), nothing = {NULL, 1};
    causelog_consumer *consumer;
    causelog_consumers *consumers;
    causelog_entries *entries;
    causelog_removals *removals;
    causelog_verify_report *report;
    uint64_t number;
    CHECK_NULL("log", causelog_log_consumer(NULL, name, &consumer, &error));
    CHECK_NULL("name", causelog_log_consumer(log, nothing, &consumer, &error));
    CHECK_NULL("consumer", causelog_log_consumer(log, name, NULL, &error));
    CHECK_OK(causelog_log_consumer(log, name, &consumer, &error));
    CHECK_NULL("consumer", causelog_consumer_position(NULL, &number, &error));
    CHECK_NULL("lsn", causelog_consumer_position(consumer, NULL, &error));
    CHECK_NULL("consumer", causelog_consumer_poll(NULL, 1, &entries, &error));
    CHECK_NULL("entries", causelog_consumer_poll(consumer, 1, NULL, &error));
    CHECK_NULL("consumer", causelog_consumer_commit(NULL, 0, &error));
    CHECK_NULL("consumer", causelog_consumer_lag(NULL, &number, &error));
    CHECK_NULL("lag", causelog_consumer_lag(consumer, NULL, &error));
    CHECK_NULL("consumer", causelog_consumer_reset(NULL, 0, &error));
    causelog_consumer_free(consumer);
    CHECK_NULL("log", causelog_log_consumers(NULL, &consumers, &error));
    CHECK_NULL("consumers", causelog_log_consumers(log, NULL, &error));
    CHECK_NULL("log", causelog_log_remove_consumer(NULL, name, &error));
    CHECK_NULL("name", causelog_log_remove_consumer(log, nothing, &error));
    CHECK_NULL("log", causelog_log_wait(NULL, 0, 0, &number, &error));
    CHECK_NULL("log", causelog_log_maintain(NULL, 0, &error));

    causelog_retention_policy policy = CAUSELOG_RETENTION_POLICY_INIT;
    causelog_compaction_options options = CAUSELOG_COMPACTION_OPTIONS_INIT;
    CHECK_NULL("log", causelog_log_removals(NULL, &removals, &error));
    CHECK_NULL("removals", causelog_log_removals(log, NULL, &error));
    CHECK_NULL("log", causelog_log_retain(NULL, &policy, &removals, &error));
    CHECK_NULL("policy", causelog_log_retain(log, NULL, &removals, &error));
    CHECK_NULL("log", causelog_log_compact(NULL, NULL, &removals, &error));
    options.table_count = 1;
    CHECK_NULL("options.tables", causelog_log_compact(log, &options, &removals, &error));
    options.table_count = 0;
    options.known_count = 1;
    CHECK_NULL("options.known", causelog_log_compact(log, &options, &removals, &error));
    const causelog_clock *no_clock = NULL;
    options.known = &no_clock;
    CHECK_NULL("element 0 of options.known", causelog_log_compact(log, &options, &removals, &error));
    policy.size = 0;
    options.size = 0;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "causelog_retention_policy", causelog_log_retain(log, &policy, NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "causelog_compaction_options", causelog_log_compact(log, &options, NULL, &error));

    CHECK_NULL("log", causelog_log_compress(NULL, NULL, &error));
    CHECK_NULL("log", causelog_log_verify(NULL, &report, &error));
    CHECK_NULL("report", causelog_log_verify(log, NULL, &error));
    CHECK_NULL("report", causelog_verify_report_check(NULL, &error));
    CHECK_NULL("from", causelog_log_salvage(nothing, name, NULL, &error));
    CHECK_NULL("to", causelog_log_salvage(name, nothing, NULL, &error));
    causelog_log_free(log);
}

static void null_detectors_and_reports_are_refused(void) {
    causelog_log *here = memory_log(1, NULL), *there = memory_log(2, NULL);
    causelog_change change = insert_of("t", 1, "1");
    CHECK_OK(causelog_log_append(here, &change, NULL, &error));
    change = insert_of("t", 1, "2");
    CHECK_OK(causelog_log_append(there, &change, NULL, &error));
    causelog_entry *local = entry_at(here, 1), *remote = entry_at(there, 1);
    causelog_log_free(here);
    causelog_log_free(there);

    causelog_detector *detector;
    causelog_conflict *conflict;
    causelog_report *report;
    causelog_buffer *buffer;
    const causelog_entry *heads[] = {local, remote};
    CHECK_NULL("detector", causelog_detector_new(causelog_text_from("last_write_wins"), NULL, NULL, &error));
    CHECK_OK(causelog_detector_new(causelog_text_from("last_write_wins"), NULL, &detector, &error));
    CHECK_NULL("detector", causelog_detector_detect(NULL, local, remote, &conflict, &error));
    CHECK_NULL("local", causelog_detector_detect(detector, NULL, remote, &conflict, &error));
    CHECK_NULL("remote", causelog_detector_detect(detector, local, NULL, &conflict, &error));
    CHECK_NULL("conflict", causelog_detector_detect(detector, local, remote, NULL, &error));
    CHECK_OK(causelog_detector_detect(detector, local, remote, &conflict, &error));
    CHECK_NULL("detector", causelog_detector_report(NULL, conflict, &report, &error));
    CHECK_NULL("conflict", causelog_detector_report(detector, NULL, &report, &error));
    CHECK_NULL("report", causelog_detector_report(detector, conflict, NULL, &error));
    CHECK_NULL("detector", causelog_detector_resolve(NULL, heads, 2, NULL, &report, &error));
    CHECK_NULL("entries", causelog_detector_resolve(detector, NULL, 2, NULL, &report, &error));
    CHECK_NULL("report", causelog_detector_resolve(detector, heads, 2, NULL, NULL, &error));
    CHECK_OK(causelog_detector_report(detector, conflict, &report, &error));
    CHECK_NULL("report", causelog_report_reason(NULL, &buffer, &error));
    CHECK_NULL("reason", causelog_report_reason(report, NULL, &error));
    CHECK_NULL("report", causelog_report_to_json(NULL, &buffer, &error));
    CHECK_NULL("json", causelog_report_to_json(report, NULL, &error));
    CHECK_NULL("report", causelog_report_to_text(NULL, &buffer, &error));
    CHECK_NULL("text", causelog_report_to_text(report, NULL, &error));
    causelog_report_free(report);
    causelog_conflict_free(conflict);
    causelog_detector_free(detector);
    causelog_entry_free(local);
    causelog_entry_free(remote);
}

static void what_is_read_off_null_is_nothing(void) {
    int64_t timestamp;
    causelog_dot dot;
    CHECK_NUMBER(CAUSELOG_OK, causelog_error_status(NULL));
    CHECK_STRING("", causelog_error_message(NULL));
    CHECK(!causelog_error_is_retryable(NULL));
    CHECK(causelog_buffer_bytes(NULL).data == NULL);
    CHECK_STRING("", causelog_buffer_text(NULL));
    CHECK(causelog_time_now(NULL) == 0);
    CHECK(!causelog_hybrid_clock_last(NULL, &timestamp));
    CHECK(causelog_clock_clone(NULL) == NULL);
    CHECK_NUMBER(0, causelog_clock_get(NULL, node_of(1)));
    CHECK(!causelog_clock_covers(NULL, dot_of(1, 1)));
    CHECK_NUMBER(0, causelog_clock_length(NULL));
    CHECK(same_dot(dot_of(0, 0), causelog_clock_entry(NULL, 0)));
    CHECK(causelog_owned_row_id_get(NULL) == NULL);
    CHECK_NUMBER(0, causelog_changes_count(NULL));

    CHECK_NUMBER(0, causelog_entry_lsn(NULL));
    CHECK(same_dot(dot_of(0, 0), causelog_entry_dot(NULL)));
    CHECK(causelog_entry_timestamp(NULL) == 0);
    CHECK(same_dot(dot_of(0, 0), causelog_entry_transaction(NULL)));
    CHECK(causelog_entry_change(NULL) == NULL);
    CHECK(causelog_entry_table(NULL).data == NULL);
    CHECK(causelog_entry_row_id(NULL) == NULL);
    CHECK_NUMBER(CAUSELOG_OPERATION_NONE, causelog_entry_operation(NULL));
    CHECK(causelog_entry_before(NULL).data == NULL && causelog_entry_after(NULL).data == NULL);
    CHECK_NUMBER(CAUSELOG_VERDICT_NONE, causelog_entry_verdict(NULL));
    CHECK_NUMBER(0, causelog_entry_metadata_count(NULL));
    CHECK(causelog_entry_metadata(NULL, 0).key.data == NULL);

    CHECK(causelog_transaction_clone(NULL) == NULL);
    CHECK(same_dot(dot_of(0, 0), causelog_transaction_dot(NULL)));
    CHECK(causelog_transaction_timestamp(NULL) == 0);
    CHECK_NUMBER(0, causelog_transaction_dependency_count(NULL));
    CHECK(same_dot(dot_of(0, 0), causelog_transaction_dependency(NULL, 0)));
    CHECK_NUMBER(0, causelog_transaction_change_count(NULL));
    CHECK(causelog_transaction_change(NULL, 0) == NULL);

    CHECK(same_uuid(node_of(0), causelog_log_node(NULL)) && same_uuid(node_of(0), causelog_log_id(NULL)));
    CHECK_NUMBER(0, causelog_log_past_node_count(NULL));
    CHECK(same_uuid(node_of(0), causelog_log_past_node(NULL, 0)));
    CHECK_NUMBER(0, causelog_stats_entries(NULL) + causelog_stats_transactions(NULL) + causelog_stats_merges(NULL) +
                        causelog_stats_nodes(NULL) + causelog_stats_first_lsn(NULL) + causelog_stats_last_lsn(NULL) +
                        causelog_stats_bytes(NULL) + causelog_stats_table_count(NULL) +
                        causelog_stats_durable_lsn(NULL) + causelog_stats_segments(NULL) + causelog_log_epoch(NULL));
    CHECK(!causelog_stats_oldest(NULL, &timestamp) && !causelog_stats_newest(NULL, &timestamp));
    CHECK(causelog_stats_table(NULL, 0).table.data == NULL);

    CHECK(causelog_row_row_id(NULL) == NULL && causelog_row_value(NULL).data == NULL);
    CHECK(causelog_row_lsn(NULL) == 0 && causelog_row_timestamp(NULL) == 0);
    CHECK(same_dot(dot_of(0, 0), causelog_row_dot(NULL)) && causelog_row_clone(NULL) == NULL);
    CHECK(causelog_snapshot_table(NULL).data == NULL && causelog_snapshot_rows(NULL) == NULL);
    CHECK(causelog_snapshot_lsn(NULL) == 0 && causelog_snapshot_count(NULL) == 0);
    CHECK(causelog_row_cursor_next(NULL) == NULL);
    CHECK(causelog_view_table(NULL).data == NULL && causelog_view_rows(NULL) == NULL && causelog_view_snapshot(NULL) == NULL);
    CHECK(causelog_view_lsn(NULL) == 0 && causelog_view_count(NULL) == 0);
    CHECK(causelog_consumer_name(NULL).data == NULL);
    CHECK(causelog_entries_count(NULL) == 0 && causelog_entries_get(NULL, 0) == NULL);
    CHECK(causelog_consumers_count(NULL) == 0 && causelog_consumers_get(NULL, 0).name.data == NULL);
    CHECK(causelog_removals_count(NULL) == 0 && causelog_removals_get(NULL, 0).detail.data == NULL);
    CHECK_NUMBER(0, causelog_compression_report_segments(NULL) + causelog_compression_report_bytes_before(NULL) +
                        causelog_compression_report_bytes_after(NULL));
    CHECK(!causelog_verify_report_is_intact(NULL));
    CHECK_NUMBER(0, causelog_verify_report_segments(NULL) + causelog_verify_report_transactions(NULL) +
                        causelog_verify_report_entries(NULL) + causelog_verify_report_bytes(NULL) +
                        causelog_verify_report_finding_count(NULL));
    CHECK(causelog_verify_report_finding(NULL, 0).file.data == NULL);
    CHECK_NUMBER(0, causelog_salvage_report_transactions(NULL) + causelog_salvage_report_entries(NULL) +
                        causelog_salvage_report_skipped_transactions(NULL) +
                        causelog_salvage_report_finding_count(NULL));
    CHECK(causelog_salvage_report_finding(NULL, 0).file.data == NULL);

    CHECK(causelog_detector_resolution(NULL).data == NULL);
    CHECK(same_uuid(node_of(0), causelog_conflict_id(NULL)) && same_uuid(node_of(0), causelog_report_id(NULL)));
    CHECK_NUMBER(CAUSELOG_CONFLICT_TYPE_NONE, causelog_conflict_shape(NULL));
    CHECK(causelog_conflict_table(NULL).data == NULL && causelog_conflict_row_id(NULL) == NULL);
    CHECK(causelog_conflict_local_entry(NULL) == NULL && causelog_conflict_remote_entry(NULL) == NULL);
    CHECK(causelog_conflict_detected_at(NULL) == 0);
    CHECK(causelog_report_table(NULL).data == NULL && causelog_report_row_id(NULL) == NULL);
    CHECK_NUMBER(CAUSELOG_CONFLICT_CLASS_NONE, causelog_report_conflict_class(NULL));
    CHECK_NUMBER(CAUSELOG_CONFLICT_TYPE_NONE, causelog_report_conflict_type(NULL));
    CHECK(causelog_report_strategy(NULL).data == NULL && causelog_report_rule(NULL).data == NULL);
    CHECK(causelog_report_registry(NULL).data == NULL && causelog_report_ancestor(NULL).data == NULL);
    CHECK(causelog_report_head_dots(NULL).data == NULL && !causelog_report_leaves_live(NULL));
    CHECK_NUMBER(CAUSELOG_WINNER_TYPE_NONE, causelog_report_winner_type(NULL));
    CHECK_NUMBER(CAUSELOG_REASON_CODE_NONE, causelog_report_reason_code(NULL));
    CHECK_NUMBER(CAUSELOG_SIDE_NONE, causelog_report_winning_side(NULL));
    CHECK(!causelog_report_winner(NULL, &dot) && causelog_report_winning_entry(NULL) == NULL);
    CHECK_NUMBER(0, causelog_report_head_count(NULL));
    CHECK(causelog_report_head(NULL, 0) == NULL && causelog_report_value(NULL).data == NULL);
    CHECK(!causelog_report_settled_by(NULL, &dot));
    CHECK(causelog_report_detected_at(NULL) == 0);
}

static void the_error_may_be_unwanted(void) {
    causelog_clock *clock;
    CHECK_NUMBER(CAUSELOG_INVALID_ARGUMENT, causelog_clock_from_json(causelog_text_from("["), &clock, NULL));
    CHECK_NUMBER(CAUSELOG_INVALID_ARGUMENT, causelog_log_sync(NULL, NULL));
}

static void an_error_says_what_when_and_whether_to_try_again(void) {
    causelog_log *log = memory_log(1, NULL);
    const causelog_dot missing = dot_of(7, 1);
    causelog_transaction *transaction;
    CHECK_OK(causelog_transaction_new(dot_of(2, 1), &missing, 1, 0, NULL, &transaction, &error));
    CHECK_NUMBER(CAUSELOG_MISSING_DEPENDENCY, causelog_log_append_remote(log, transaction, NULL, &error));
    CHECK(causelog_error_is_retryable(error));
    CHECK(causelog_status_is_retryable(CAUSELOG_MISSING_DEPENDENCY));
    CHECK(!causelog_status_is_retryable(CAUSELOG_OK));
    CHECK(!causelog_status_is_retryable(CAUSELOG_INVALID_ARGUMENT));
    CHECK_STRING("MISSING_DEPENDENCY", causelog_status_name(causelog_error_status(error)));
    CHECK_STRING("OK", causelog_status_name(CAUSELOG_OK));
    CHECK_STRING("UNKNOWN", causelog_status_name(-1));
    CHECK_STRING("UNKNOWN", causelog_status_name(CAUSELOG_INTERNAL + 1));
    causelog_error_free(error);
    error = NULL;
    causelog_transaction_free(transaction);
    causelog_log_free(log);
}

static void numbers_that_are_none_are_refused(void) {
    causelog_log *log;
    causelog_log_options log_options = CAUSELOG_LOG_OPTIONS_INIT;
    log_options.durability = 4;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "options.durability is 4, which is no durability",
                causelog_log_in_memory(&log_options, &log, &error));
    log = memory_log(1, NULL);
    causelog_query_options query_options = CAUSELOG_QUERY_OPTIONS_INIT;
    query_options.operation = -1;
    causelog_cursor *cursor;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "options.operation is -1", causelog_log_query(log, &query_options, &cursor, &error));

    causelog_change change = CAUSELOG_CHANGE_INIT;
    change.table = causelog_text_from("t");
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "change.row_id has type 0", causelog_log_append(log, &change, NULL, &error));
    change.row_id.type = 6;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "change.row_id has type 6", causelog_log_append(log, &change, NULL, &error));
    change.row_id = causelog_row_id_from_integer(1);
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "change.operation is 0", causelog_log_append(log, &change, NULL, &error));
    change.operation = 4;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "change.operation is 4", causelog_log_append(log, &change, NULL, &error));
    change.operation = CAUSELOG_OPERATION_INSERT;
    change.row_id = causelog_row_id_from_elements(NULL, 0);
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "empty tuple", causelog_log_append(log, &change, NULL, &error));
    const causelog_row_id inner = causelog_row_id_from_integer(1), nested = causelog_row_id_from_elements(&inner, 1);
    change.row_id = causelog_row_id_from_elements(&nested, 1);
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "element 0 of change.row_id", causelog_log_append(log, &change, NULL, &error));
    const causelog_uuid uuid = node_of(1);
    change.row_id = causelog_row_id_from_uuid(&uuid);
    change.row_id.length = 15;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "a UUID of 15 bytes", causelog_log_append(log, &change, NULL, &error));

    causelog_conflict_type type;
    causelog_conflict_class class;
    causelog_operation operation;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "local is 0", causelog_conflict_type_of(0, 1, &type, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "remote is 9", causelog_conflict_type_of(1, 9, &type, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "conflict_type is 0", causelog_conflict_type_mirror(0, &type, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "conflict_type is 10", causelog_conflict_type_class(10, &class, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "conflict_type is -3",
                causelog_conflict_type_operations(-3, &operation, &operation, &error));
    const int32_t operations[] = {CAUSELOG_OPERATION_INSERT, 12};
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "is 12", causelog_conflict_class_of(operations, 2, &class, &error));
    causelog_log_free(log);
}

static void structs_of_another_size_are_told_apart(void) {
    causelog_log *log = NULL;
    causelog_log_options options = CAUSELOG_LOG_OPTIONS_INIT;
    options.size = 0;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "options has size 0, but causelog_log_options has",
                causelog_log_in_memory(&options, &log, &error));
    options.size = sizeof options - 1;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "_INIT macro", causelog_log_in_memory(&options, &log, &error));
    options.size = 4097;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "has size 4097", causelog_log_in_memory(&options, &log, &error));

    /* A program built against a later header passes more, which must be zero. */
    struct later {
        causelog_log_options known;
        uint64_t unknown;
    } later = {CAUSELOG_LOG_OPTIONS_INIT, 0};
    later.known.size = sizeof later;
    CHECK_OK(causelog_log_in_memory(&later.known, &log, &error));
    causelog_log_free(log);
    later.unknown = 1;
    CHECK_FAILS(CAUSELOG_UNSUPPORTED, "does not know", causelog_log_in_memory(&later.known, &log, &error));

    log = memory_log(1, NULL);
    causelog_query_options query_options = {0};
    causelog_cursor *cursor;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "causelog_query_options", causelog_log_query(log, &query_options, &cursor, &error));
    causelog_change change = {0};
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "causelog_change", causelog_log_append(log, &change, NULL, &error));
    causelog_entry_fields fields = {0};
    causelog_entry *entry;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "causelog_entry_fields", causelog_entry_new(&fields, &entry, &error));
    causelog_log_free(log);
}

static void text_that_is_no_utf_8_and_lengths_beyond_memory_are_refused(void) {
    causelog_log *log = memory_log(1, NULL);
    causelog_change change = insert_of("t\xff", 1, "{}");
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "change.table is not UTF-8 from byte 1 on",
                causelog_log_append(log, &change, NULL, &error));
    change = insert_of("t", 1, "\xff is fine in a payload");
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    change.row_id = causelog_row_id_from_text(causelog_text_from("\x80"));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "change.row_id is not UTF-8", causelog_log_append(log, &change, NULL, &error));
    change = insert_of("t", 1, "{}");
    const causelog_metadata key = {causelog_text_from("\xc0"), causelog_text_from("")};
    const causelog_metadata value = {causelog_text_from("k"), causelog_text_from("\xc0")};
    change.metadata_count = 1;
    change.metadata = &key;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "a key of change.metadata is not UTF-8",
                causelog_log_append(log, &change, NULL, &error));
    change.metadata = &value;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "a value of change.metadata is not UTF-8",
                causelog_log_append(log, &change, NULL, &error));
    change.metadata_count = SIZE_MAX / 2;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "change.metadata cannot have a length of",
                causelog_log_append(log, &change, NULL, &error));
    change = insert_of("t", 1, "{}");
    change.after.length = SIZE_MAX;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "change.after cannot have a length of",
                causelog_log_append(log, &change, NULL, &error));

    const causelog_text table = causelog_text_from("\xff");
    causelog_query_options options = CAUSELOG_QUERY_OPTIONS_INIT;
    options.tables = &table;
    options.table_count = 1;
    causelog_cursor *cursor;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "options.tables is not UTF-8",
                causelog_log_query(log, &options, &cursor, &error));
    causelog_log_free(log);
}

int main(void) {
    RUN(null_values_are_refused);
    RUN(null_clocks_and_times_are_refused);
    RUN(null_changes_entries_and_transactions_are_refused);
    RUN(null_logs_and_cursors_are_refused);
    RUN(null_moments_rows_and_views_are_refused);
    RUN(null_consumers_and_policies_are_refused);
    RUN(null_detectors_and_reports_are_refused);
    RUN(what_is_read_off_null_is_nothing);
    RUN(the_error_may_be_unwanted);
    RUN(an_error_says_what_when_and_whether_to_try_again);
    RUN(numbers_that_are_none_are_refused);
    RUN(structs_of_another_size_are_told_apart);
    RUN(text_that_is_no_utf_8_and_lengths_beyond_memory_are_refused);
    return 0;
}
