/* What a log keeps: retention, compaction, the record of both; checking it, and saving what is left of a damaged one. */

#include "support.h"

/* A log whose segments are as short as can be, in a directory (NULL for memory). */
static causelog_log *short_segments(const char *path, const causelog_time *time) {
    causelog_uuid node = node_of(1);
    causelog_log_options options = CAUSELOG_LOG_OPTIONS_INIT;
    options.node = &node;
    options.segment_bytes = 4096;
    options.time = time;
    causelog_log *log;
    if (path == NULL) {
        CHECK_OK(causelog_log_in_memory(&options, &log, &error));
    } else {
        CHECK_OK(causelog_log_open(causelog_text_from(path), &options, &log, &error));
    }
    return log;
}

/* Appends 100 updates of row 1, each of 100 bytes: about four segments. */
static void fill(const causelog_log *log) {
    static uint8_t payload[100];
    memset(payload, 'x', sizeof payload);
    for (int number = 0; number < 100; number++) {
        causelog_change change = update_of("t", 1, NULL, NULL);
        change.after = (causelog_bytes){payload, sizeof payload};
        CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    }
}

static uint64_t entries_of(const causelog_log *log) {
    causelog_stats *stats;
    CHECK_OK(causelog_log_stats(log, &stats, &error));
    uint64_t count = causelog_stats_entries(stats);
    causelog_stats_free(stats);
    return count;
}

/* The list has one removal, which is also the last one on record. Frees it. */
static causelog_removal check_one(const causelog_log *log, causelog_removals *removals) {
    CHECK_NUMBER(1, causelog_removals_count(removals));
    causelog_removal removal = causelog_removals_get(removals, 0);
    CHECK(removal.detail.length > 0 && removal.detail.data != NULL);
    causelog_removals *all;
    CHECK_OK(causelog_log_removals(log, &all, &error));
    size_t count = causelog_removals_count(all);
    CHECK(count > 0);
    causelog_removal last = causelog_removals_get(all, count - 1);
    CHECK(last.reason == removal.reason && last.at == removal.at && last.entries == removal.entries);
    CHECK(last.first_lsn == removal.first_lsn && last.last_lsn == removal.last_lsn && last.bytes == removal.bytes);
    CHECK_NUMBER(CAUSELOG_REMOVAL_REASON_NONE, causelog_removals_get(all, count).reason);
    CHECK(causelog_removals_get(all, count).detail.data == NULL);
    causelog_removals_free(all);
    causelog_removals_free(removals);
    return removal;
}

static void retention_removes_what_is_too_much(void) {
    causelog_time *time = causelog_time_new(1000);
    causelog_log *log = short_segments(NULL, time);
    fill(log);
    causelog_removals *removals;
    causelog_retention_policy policy = CAUSELOG_RETENTION_POLICY_INIT;
    CHECK_OK(causelog_log_retain(log, &policy, &removals, &error));
    CHECK_NUMBER(0, causelog_removals_count(removals));
    causelog_removals_free(removals);
    CHECK_NUMBER(100, entries_of(log));

    const uint64_t bytes = 9000;
    policy.max_bytes = &bytes;
    CHECK_OK(causelog_log_retain(log, &policy, &removals, &error));
    causelog_removal removal = check_one(log, removals);
    CHECK_NUMBER(CAUSELOG_REMOVAL_REASON_BYTES, removal.reason);
    CHECK_STRING("bytes", causelog_removal_reason_name(removal.reason));
    CHECK_NUMBER(1, removal.first_lsn);
    CHECK_NUMBER(removal.last_lsn, removal.entries);
    CHECK(removal.bytes > 0 && removal.at == 1000);
    CHECK_NUMBER(100 - removal.entries, entries_of(log));

    causelog_cursor *cursor;
    CHECK_FAILS(CAUSELOG_TRUNCATED, "the first LSN that remains is", causelog_log_query(log, NULL, &cursor, &error));
    causelog_transaction_cursor *transactions;
    CHECK_FAILS(CAUSELOG_TRUNCATED, "", causelog_log_transactions(log, NULL, &transactions, &error));
    causelog_entry *entry = entry_at(log, removal.last_lsn + 1);
    causelog_entry_free(entry);

    const uint64_t age = 500;
    CHECK_OK(causelog_time_set(time, 1000000, &error));
    policy = (causelog_retention_policy)CAUSELOG_RETENTION_POLICY_INIT;
    policy.max_age = &age;
    CHECK_OK(causelog_log_retain(log, &policy, &removals, &error));
    removal = check_one(log, removals);
    CHECK_NUMBER(CAUSELOG_REMOVAL_REASON_AGE, removal.reason);
    CHECK_NUMBER(100, removal.last_lsn);
    CHECK_NUMBER(0, entries_of(log));
    causelog_log_free(log);
    causelog_time_free(time);
}

static void what_a_consumer_has_not_read_stays(void) {
    causelog_log *log = short_segments(NULL, NULL);
    fill(log);
    causelog_consumer *consumer;
    CHECK_OK(causelog_log_consumer(log, causelog_text_from("slow"), &consumer, &error));
    const uint64_t none = 0, unread = 6000;
    causelog_retention_policy policy = CAUSELOG_RETENTION_POLICY_INIT;
    policy.max_bytes = &none;
    CHECK_OK(causelog_log_retain(log, &policy, NULL, &error));
    CHECK_NUMBER(100, entries_of(log));
    policy.unread_bytes = &unread;
    CHECK_OK(causelog_log_retain(log, &policy, NULL, &error));
    CHECK(entries_of(log) < 100);

    causelog_entries *entries;
    CHECK_FAILS(CAUSELOG_TRUNCATED, "slow", causelog_consumer_poll(consumer, 10, &entries, &error));
    CHECK_OK(causelog_consumer_reset(consumer, 100 - entries_of(log), &error));
    CHECK_OK(causelog_consumer_poll(consumer, 1, &entries, &error));
    CHECK_NUMBER(1, causelog_entries_count(entries));
    causelog_entries_free(entries);
    causelog_consumer_free(consumer);
    causelog_log_free(log);
}

static void compaction_removes_what_was_replaced(void) {
    causelog_log *log = short_segments(NULL, NULL);
    fill(log);
    causelog_clock *nothing = causelog_clock_new();
    const causelog_clock *known[] = {nothing};
    const causelog_text tables[] = {causelog_text_from("another")};
    causelog_compaction_options options = CAUSELOG_COMPACTION_OPTIONS_INIT;
    causelog_removals *removals;

    /* Not of other tables, and not what a replica may yet change. */
    options.tables = tables;
    options.table_count = 1;
    CHECK_OK(causelog_log_compact(log, &options, &removals, &error));
    CHECK_NUMBER(0, causelog_removals_count(removals));
    causelog_removals_free(removals);
    options.table_count = 0;
    options.known = known;
    options.known_count = 1;
    CHECK_OK(causelog_log_compact(log, &options, NULL, &error));
    CHECK_NUMBER(100, entries_of(log));

    CHECK_OK(causelog_log_compact(log, NULL, &removals, &error));
    causelog_removal removal = check_one(log, removals);
    CHECK_NUMBER(CAUSELOG_REMOVAL_REASON_COMPACTION, removal.reason);
    CHECK(removal.entries > 50);
    CHECK_NUMBER(100 - removal.entries, entries_of(log));
    causelog_row *row;
    const causelog_text table = causelog_text_from("t");
    const causelog_row_id row_id = causelog_row_id_from_integer(1);
    CHECK_OK(causelog_log_state_at(log, table, row_id, causelog_moment_now(), &row, &error));
    CHECK_NUMBER(100, causelog_row_lsn(row));
    causelog_row_free(row);
    CHECK_FAILS(CAUSELOG_TRUNCATED, "compaction",
                causelog_log_state_at(log, table, row_id, causelog_moment_at_lsn(1), &row, &error));
    causelog_clock_free(nothing);
    causelog_log_free(log);
}

static void sealed_segments_are_compressed(void) {
    const char *path = scratch_path("compressed");
    causelog_log *log = short_segments(path, NULL);
    fill(log);
    causelog_stats *stats;
    CHECK_OK(causelog_log_stats(log, &stats, &error));
    uint64_t before = causelog_stats_bytes(stats);
    causelog_stats_free(stats);

    causelog_compression_report *report;
    CHECK_OK(causelog_log_compress(log, &report, &error));
    CHECK(causelog_compression_report_segments(report) > 1);
    uint64_t was = causelog_compression_report_bytes_before(report), is = causelog_compression_report_bytes_after(report);
    CHECK(is > 0 && 2 * is < was);
    causelog_compression_report_free(report);
    CHECK_OK(causelog_log_stats(log, &stats, &error));
    CHECK_NUMBER(before - was + is, causelog_stats_bytes(stats));
    causelog_stats_free(stats);
    CHECK_NUMBER(100, entries_of(log));

    CHECK_OK(causelog_log_compress(log, &report, &error));
    CHECK_NUMBER(0, causelog_compression_report_segments(report) + causelog_compression_report_bytes_before(report) +
                        causelog_compression_report_bytes_after(report));
    causelog_compression_report_free(report);
    CHECK_OK(causelog_log_compress(log, NULL, &error));
    causelog_log_free(log);
    CHECK_OK(causelog_log_open(causelog_text_from(path), NULL, &log, &error));
    CHECK_NUMBER(100, entries_of(log));
    causelog_log_free(log);
}

static void a_log_is_checked(void) {
    const char *path = scratch_path("checked");
    causelog_log *log = short_segments(path, NULL);
    fill(log);
    causelog_verify_report *report;
    CHECK_OK(causelog_log_verify(log, &report, &error));
    CHECK(causelog_verify_report_is_intact(report));
    CHECK_OK(causelog_verify_report_check(report, &error));
    CHECK(causelog_verify_report_segments(report) > 2);
    CHECK_NUMBER(100, causelog_verify_report_transactions(report));
    CHECK_NUMBER(100, causelog_verify_report_entries(report));
    CHECK(causelog_verify_report_bytes(report) > 10000);
    CHECK_NUMBER(0, causelog_verify_report_finding_count(report));
    CHECK(causelog_verify_report_finding(report, 0).file.data == NULL);
    causelog_verify_report_free(report);

    const char *segment = first_segment(path);
    flip_byte(segment, 1000);
    CHECK_OK(causelog_log_verify(log, &report, &error));
    CHECK(!causelog_verify_report_is_intact(report));
    CHECK(causelog_verify_report_finding_count(report) > 0);
    causelog_finding finding = causelog_verify_report_finding(report, 0);
    CHECK_VIEW(strrchr(segment, '/') + 1, finding.file);
    CHECK(finding.offset != NULL && *finding.offset <= 1000 && *finding.offset > 0);
    CHECK(finding.message.length > 0);
    CHECK_FAILS(CAUSELOG_CORRUPT, strrchr(segment, '/') + 1, causelog_verify_report_check(report, &error));
    causelog_verify_report_free(report);
    causelog_log_free(log);
}

static void what_is_intact_is_salvaged(void) {
    char from[512], to[512];
    strcpy(from, scratch_path("damaged"));
    strcpy(to, scratch_path("saved"));
    const causelog_text source = causelog_text_from(from), target = causelog_text_from(to);
    causelog_log *log = short_segments(from, NULL);
    fill(log);
    CHECK_FAILS(CAUSELOG_LOCKED, "", causelog_log_salvage(source, target, NULL, &error));
    causelog_log_free(log);
    flip_byte(first_segment(from), 1000);

    causelog_salvage_report *report;
    CHECK_OK(causelog_log_salvage(source, target, &report, &error));
    uint64_t copied = causelog_salvage_report_transactions(report);
    CHECK(copied > 0 && copied < 100);
    CHECK_NUMBER(copied, causelog_salvage_report_entries(report));
    CHECK_NUMBER(99, copied + causelog_salvage_report_skipped_transactions(report));
    CHECK(causelog_salvage_report_finding_count(report) > 0);
    CHECK(causelog_salvage_report_finding(report, 0).message.length > 0);
    CHECK(causelog_salvage_report_finding(report, 99).offset == NULL);
    causelog_salvage_report_free(report);

    CHECK_OK(causelog_log_open(target, NULL, &log, &error));
    CHECK_NUMBER(copied, entries_of(log));
    causelog_log_free(log);
    CHECK_FAILS(CAUSELOG_ALREADY_EXISTS, "", causelog_log_salvage(source, target, NULL, &error));
    const causelog_text nowhere = causelog_text_from(scratch_path("nowhere"));
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "", causelog_log_salvage(nowhere, target, NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "from is empty",
                causelog_log_salvage(causelog_text_from(""), target, NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "to holds a NUL",
                causelog_log_salvage(source, (causelog_text){"a\0b", 3}, NULL, &error));
}

int main(void) {
    RUN(retention_removes_what_is_too_much);
    RUN(what_a_consumer_has_not_read_stays);
    RUN(compaction_removes_what_was_replaced);
    RUN(sealed_segments_are_compressed);
    RUN(a_log_is_checked);
    RUN(what_is_intact_is_salvaged);
    remove_scratch();
    return 0;
}
