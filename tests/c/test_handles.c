/* Lifetimes: who keeps whom alive, what is counted, and several threads at once. */

#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <pthread.h>

static void freeing_null_does_nothing(void) {
    causelog_error_free(NULL);
    causelog_buffer_free(NULL);
    causelog_time_free(NULL);
    causelog_hybrid_clock_free(NULL);
    causelog_clock_free(NULL);
    causelog_owned_row_id_free(NULL);
    causelog_changes_free(NULL);
    causelog_entry_free(NULL);
    causelog_transaction_free(NULL);
    causelog_log_free(NULL);
    causelog_stats_free(NULL);
    causelog_cursor_free(NULL);
    causelog_transaction_cursor_free(NULL);
    causelog_detector_free(NULL);
    causelog_conflict_free(NULL);
    causelog_report_free(NULL);
    causelog_row_free(NULL);
    causelog_row_cursor_free(NULL);
    causelog_snapshot_free(NULL);
    causelog_view_free(NULL);
    causelog_consumer_free(NULL);
    causelog_consumers_free(NULL);
    causelog_entries_free(NULL);
    causelog_removals_free(NULL);
    causelog_compression_report_free(NULL);
    causelog_verify_report_free(NULL);
    causelog_salvage_report_free(NULL);
    causelog_registry_free(NULL);
    causelog_custom_resolvers_free(NULL);
    causelog_row_resolution_free(NULL);
    causelog_replica_free(NULL);
    causelog_replica_row_free(NULL);
    causelog_replica_row_list_free(NULL);
    causelog_heads_free(NULL);
    causelog_writes_free(NULL);
    causelog_sync_report_free(NULL);
    causelog_reports_free(NULL);
    causelog_inbox_free(NULL);
    causelog_effective_changes_free(NULL);
    causelog_what_ifs_free(NULL);
    causelog_explanation_free(NULL);
    causelog_row_stats_free(NULL);
}

static void handles_are_counted(void) {
    causelog_clock *clock = causelog_clock_new();
    CHECK_NUMBER(1, causelog_live_handles());
    causelog_log *log = memory_log(1, NULL);
    causelog_change change = insert_of("t", 1, "{}");
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    CHECK_NUMBER(2, causelog_live_handles());
    causelog_buffer *buffer;
    CHECK_OK(causelog_clock_to_text(clock, &buffer, &error));
    CHECK_NUMBER(3, causelog_live_handles());
    CHECK_NUMBER(CAUSELOG_INVALID_ARGUMENT, causelog_log_sync(NULL, &error));
    CHECK_NUMBER(4, causelog_live_handles());
    causelog_error_free(error);
    error = NULL;

    /* What is borrowed does not count. */
    causelog_cursor *cursor;
    CHECK_OK(causelog_log_query(log, NULL, &cursor, &error));
    const causelog_entry *entry;
    CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
    CHECK_NUMBER(4, causelog_live_handles());
    causelog_cursor_free(cursor);
    causelog_buffer_free(buffer);
    causelog_log_free(log);
    causelog_clock_free(clock);
    CHECK_NUMBER(0, causelog_live_handles());
}

static void cursors_keep_their_log_open(void) {
    causelog_text path = causelog_text_from(scratch_path("kept"));
    causelog_log *log, *second;
    CHECK_OK(causelog_log_open(path, NULL, &log, &error));
    causelog_change change = insert_of("t", 1, "{}");
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    causelog_cursor *cursor;
    causelog_transaction_cursor *transactions;
    CHECK_OK(causelog_log_query(log, NULL, &cursor, &error));
    CHECK_OK(causelog_log_transactions(log, NULL, &transactions, &error));
    causelog_log_free(log);

    const causelog_entry *entry;
    CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
    CHECK_VIEW("t", causelog_entry_table(entry));
    causelog_cursor_free(cursor);
    CHECK_FAILS(CAUSELOG_LOCKED, "kept", causelog_log_open(path, NULL, &second, &error));
    const causelog_transaction *transaction;
    CHECK_OK(causelog_transaction_cursor_next(transactions, &transaction, &error));
    CHECK_VIEW("t", causelog_transaction_change(transaction, 0)->table);
    causelog_transaction_cursor_free(transactions);
    CHECK_OK(causelog_log_open(path, NULL, &second, &error));
    causelog_log_free(second);
}

static void views_and_consumers_keep_their_log_open(void) {
    causelog_text path = causelog_text_from(scratch_path("viewed"));
    causelog_log *log, *second;
    CHECK_OK(causelog_log_open(path, NULL, &log, &error));
    causelog_change change = insert_of("t", 1, "{}");
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    causelog_view *view;
    causelog_consumer *consumer;
    CHECK_OK(causelog_log_materialise(log, causelog_text_from("t"), &view, &error));
    CHECK_OK(causelog_log_consumer(log, causelog_text_from("c"), &consumer, &error));
    causelog_log_free(log);
    CHECK_OK(causelog_view_refresh(view, NULL, &error));
    causelog_view_free(view);
    CHECK_FAILS(CAUSELOG_LOCKED, "viewed", causelog_log_open(path, NULL, &second, &error));
    causelog_entries *entries;
    CHECK_OK(causelog_consumer_poll(consumer, 10, &entries, &error));
    causelog_consumer_free(consumer);
    CHECK_OK(causelog_log_open(path, NULL, &second, &error));
    causelog_log_free(second);
    CHECK_VIEW("t", causelog_entry_table(causelog_entries_get(entries, 0)));
    causelog_entries_free(entries);
}

static void logs_and_detectors_keep_their_time(void) {
    causelog_time *time = causelog_time_new(1000);
    causelog_log *log = memory_log(1, time);
    causelog_detector *detector;
    CHECK_OK(causelog_detector_new(causelog_text_from("last_write_wins"), time, &detector, &error));
    CHECK_OK(causelog_time_set(time, 2000, &error));
    causelog_time_free(time);
    causelog_change change = insert_of("t", 1, "{}");
    causelog_appended appended;
    CHECK_OK(causelog_log_append(log, &change, &appended, &error));
    CHECK(appended.timestamp == 2000);
    causelog_detector_free(detector);
    causelog_log_free(log);
}

#define THREADS 4
#define APPENDS 50

/* Appends, and reads while the others append. Checks only what holds whatever they do. */
static void *append_and_read(void *shared) {
    const causelog_log *log = shared;
    for (int number = 0; number < APPENDS; number++) {
        causelog_change change = insert_of("t", number, "{}");
        causelog_appended appended;
        causelog_stats *stats;
        causelog_cursor *cursor;
        const causelog_entry *entry;
        CHECK(causelog_log_append(log, &change, &appended, NULL) == CAUSELOG_OK);
        CHECK(causelog_log_stats(log, &stats, NULL) == CAUSELOG_OK);
        CHECK(causelog_stats_entries(stats) >= appended.last_lsn);
        causelog_stats_free(stats);
        causelog_query_options options = CAUSELOG_QUERY_OPTIONS_INIT;
        options.since = appended.first_lsn - 1;
        CHECK(causelog_log_query(log, &options, &cursor, NULL) == CAUSELOG_OK);
        CHECK(causelog_cursor_next(cursor, &entry, NULL) == CAUSELOG_OK);
        CHECK(same_dot(appended.transaction, causelog_entry_dot(entry)));
        causelog_cursor_free(cursor);
    }
    return NULL;
}

static void a_log_is_used_by_several_threads_at_once(void) {
    causelog_log *log = memory_log(1, NULL);
    pthread_t threads[THREADS];
    for (int index = 0; index < THREADS; index++) {
        CHECK(pthread_create(&threads[index], NULL, append_and_read, log) == 0);
    }
    for (int index = 0; index < THREADS; index++) {
        CHECK(pthread_join(threads[index], NULL) == 0);
    }
    causelog_clock *frontier;
    CHECK_OK(causelog_log_frontier(log, &frontier, &error));
    CHECK_NUMBER(THREADS * APPENDS, causelog_clock_get(frontier, node_of(1)));
    causelog_clock_free(frontier);
    causelog_log_free(log);
}

/* Refreshes and reads a view while the others do and the log grows. */
static void *refresh_and_read(void *shared) {
    const causelog_view *view = shared;
    for (int number = 0; number < APPENDS; number++) {
        CHECK(causelog_view_refresh(view, NULL, NULL) == CAUSELOG_OK);
        causelog_snapshot *snapshot = causelog_view_snapshot(view);
        CHECK(causelog_snapshot_count(snapshot) == causelog_snapshot_lsn(snapshot));
        causelog_snapshot_free(snapshot);
    }
    return NULL;
}

static void a_view_is_refreshed_by_several_threads_at_once(void) {
    causelog_log *log = memory_log(1, NULL);
    causelog_view *view;
    CHECK_OK(causelog_log_materialise(log, causelog_text_from("t"), &view, &error));
    pthread_t threads[THREADS];
    for (int index = 0; index < THREADS; index++) {
        CHECK(pthread_create(&threads[index], NULL, refresh_and_read, view) == 0);
    }
    for (int number = 0; number < APPENDS; number++) {
        causelog_change change = insert_of("t", number, "{}");
        CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    }
    for (int index = 0; index < THREADS; index++) {
        CHECK(pthread_join(threads[index], NULL) == 0);
    }
    CHECK_OK(causelog_view_refresh(view, NULL, &error));
    CHECK_NUMBER(APPENDS, causelog_view_count(view));
    causelog_view_free(view);
    causelog_log_free(log);
}

/* Looks at a report's heads for the first time, as the others do. */
static void *read_heads(void *shared) {
    const causelog_report *report = shared;
    CHECK_VIEW("1", causelog_entry_after(causelog_report_head(report, 0)));
    CHECK_VIEW("2", causelog_entry_after(causelog_report_winning_entry(report)));
    return NULL;
}

static void a_report_is_read_by_several_threads_at_once(void) {
    causelog_time *time = causelog_time_new(1000);
    causelog_log *here = memory_log(1, time), *there = memory_log(2, time);
    causelog_change change = insert_of("t", 1, "1");
    CHECK_OK(causelog_log_append(here, &change, NULL, &error));
    change = insert_of("t", 1, "2");
    CHECK_OK(causelog_log_append(there, &change, NULL, &error));
    causelog_entry *one = entry_at(here, 1), *other = entry_at(there, 1);
    const causelog_entry *heads[] = {one, other};
    causelog_detector *detector;
    causelog_report *report;
    CHECK_OK(causelog_detector_new(causelog_text_from("last_write_wins"), time, &detector, &error));
    CHECK_OK(causelog_detector_resolve(detector, heads, 2, NULL, &report, &error));
    pthread_t threads[THREADS];
    for (int index = 0; index < THREADS; index++) {
        CHECK(pthread_create(&threads[index], NULL, read_heads, report) == 0);
    }
    for (int index = 0; index < THREADS; index++) {
        CHECK(pthread_join(threads[index], NULL) == 0);
    }
    causelog_report_free(report);
    causelog_detector_free(detector);
    causelog_entry_free(one);
    causelog_entry_free(other);
    causelog_log_free(here);
    causelog_log_free(there);
    causelog_time_free(time);
}

int main(void) {
    RUN(freeing_null_does_nothing);
    RUN(handles_are_counted);
    RUN(cursors_keep_their_log_open);
    RUN(views_and_consumers_keep_their_log_open);
    RUN(logs_and_detectors_keep_their_time);
    RUN(a_log_is_used_by_several_threads_at_once);
    RUN(a_view_is_refreshed_by_several_threads_at_once);
    RUN(a_report_is_read_by_several_threads_at_once);
    remove_scratch();
    return 0;
}
