/* Moments, rows, snapshots and views: what is borrowed, what is owned, and who outlives whom. */

#include "support.h"

static const char *const STATES[] = {"1", "2", "3"};

/* Row 1 of table orders with three states, row 2 inserted between the first two, and one row of another table. */
static causelog_log *sample(const causelog_time *time) {
    causelog_log *log = memory_log(1, time);
    const causelog_change changes[] = {insert_of("orders", 1, STATES[0]), insert_of("orders", 2, "{}"),
                                       update_of("orders", 1, STATES[0], STATES[1]),
                                       update_of("orders", 1, STATES[1], STATES[2]), insert_of("stock", 7, "{}")};
    for (size_t index = 0; index < 5; index++) {
        CHECK_OK(causelog_log_append(log, &changes[index], NULL, &error));
    }
    return log;
}

static const char *value_at(const causelog_log *log, int64_t number, causelog_moment at) {
    static char value[16];
    causelog_row *row;
    CHECK_OK(causelog_log_state_at(log, causelog_text_from("orders"), causelog_row_id_from_integer(number), at, &row, &error));
    if (row == NULL) {
        return NULL;
    }
    causelog_bytes bytes = causelog_row_value(row);
    CHECK(bytes.length < sizeof value);
    memcpy(value, bytes.data, bytes.length);
    value[bytes.length] = '\0';
    causelog_row_free(row);
    return value;
}

static void a_row_has_a_state_at_every_moment(void) {
    causelog_time *time = causelog_time_new(1000);
    causelog_log *log = sample(time);
    CHECK(value_at(log, 1, causelog_moment_at_lsn(0)) == NULL);
    CHECK_STRING("1", value_at(log, 1, causelog_moment_at_lsn(2)));
    CHECK_STRING("2", value_at(log, 1, causelog_moment_at_lsn(3)));
    CHECK_STRING("3", value_at(log, 1, causelog_moment_now()));
    CHECK_STRING("2", value_at(log, 1, causelog_moment_at_time(1002)));
    CHECK(value_at(log, 1, causelog_moment_at_time(999)) == NULL);
    const causelog_moment zeros = {0};
    CHECK_STRING("3", value_at(log, 1, zeros));
    const causelog_moment now = causelog_moment_now(), at = causelog_moment_at_lsn(3), then = causelog_moment_at_time(-1);
    CHECK_NUMBER(CAUSELOG_MOMENT_NOW, now.kind);
    CHECK(at.kind == CAUSELOG_MOMENT_LSN && at.lsn == 3);
    CHECK(then.kind == CAUSELOG_MOMENT_TIME && then.timestamp == -1);

    causelog_row *row;
    const causelog_text orders = causelog_text_from("orders");
    const causelog_row_id one = causelog_row_id_from_integer(1);
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "6",
                causelog_log_state_at(log, orders, one, causelog_moment_at_lsn(6), &row, &error));
    const causelog_moment none = {3, 0, 0};
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "at has kind 3", causelog_log_state_at(log, orders, one, none, &row, &error));
    causelog_snapshot *snapshot;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "at has kind 3", causelog_log_snapshot(log, orders, none, &snapshot, &error));
    causelog_log_free(log);
    causelog_time_free(time);
}

static void a_history_has_every_entry_of_a_row(void) {
    causelog_log *log = sample(NULL);
    causelog_cursor *cursor;
    CHECK_OK(causelog_log_history(log, causelog_text_from("orders"), causelog_row_id_from_integer(1), &cursor, &error));
    causelog_log_free(log);
    const causelog_entry *entry;
    for (size_t index = 0; index < 3; index++) {
        CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
        CHECK_VIEW(STATES[index], causelog_entry_after(entry));
    }
    CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
    CHECK(entry == NULL);
    causelog_cursor_free(cursor);
}

static void rows_outlive_what_they_were_asked_of(void) {
    causelog_log *log = sample(NULL);
    causelog_snapshot *snapshot;
    CHECK_OK(causelog_log_snapshot(log, causelog_text_from("orders"), causelog_moment_now(), &snapshot, &error));
    causelog_uuid node = causelog_log_node(log);
    causelog_log_free(log);
    causelog_row *found, *absent;
    CHECK_OK(causelog_snapshot_get(snapshot, causelog_row_id_from_integer(2), &found, &error));
    CHECK_OK(causelog_snapshot_get(snapshot, causelog_row_id_from_text(causelog_text_from("2")), &absent, &error));
    CHECK(absent == NULL);
    causelog_row_cursor *rows = causelog_snapshot_rows(snapshot);
    causelog_snapshot_free(snapshot);

    const causelog_row *row = causelog_row_cursor_next(rows);
    CHECK_VIEW("3", causelog_row_value(row));
    causelog_row *kept = causelog_row_clone(row);
    CHECK_NUMBER(2, causelog_row_row_id(causelog_row_cursor_next(rows))->integer);
    CHECK(causelog_row_cursor_next(rows) == NULL);
    CHECK(causelog_row_cursor_next(rows) == NULL);
    causelog_row_cursor_free(rows);
    CHECK_NUMBER(1, causelog_row_row_id(kept)->integer);
    CHECK_NUMBER(4, causelog_row_lsn(kept));
    CHECK(same_dot((causelog_dot){node, 4}, causelog_row_dot(kept)));
    CHECK(causelog_row_timestamp(kept) > 0);
    CHECK_VIEW("{}", causelog_row_value(found));
    causelog_row_free(kept);
    causelog_row_free(found);
}

static void a_view_shows_the_last_refresh(void) {
    causelog_log *log = sample(NULL);
    causelog_view *view;
    CHECK_OK(causelog_log_materialise(log, causelog_text_from("orders"), &view, &error));
    CHECK_VIEW("orders", causelog_view_table(view));
    CHECK_NUMBER(2, causelog_view_count(view));
    CHECK_NUMBER(5, causelog_view_lsn(view));
    causelog_row_cursor *before = causelog_view_rows(view);
    causelog_snapshot *then = causelog_view_snapshot(view);

    causelog_change change = delete_of("orders", 1, "3");
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    causelog_row *row;
    const causelog_row_id one = causelog_row_id_from_integer(1);
    CHECK_OK(causelog_view_get(view, one, &row, &error));
    CHECK_VIEW("3", causelog_row_value(row));
    causelog_row_free(row);
    uint64_t taken;
    CHECK_OK(causelog_view_refresh(view, &taken, &error));
    CHECK_NUMBER(1, taken);
    CHECK_NUMBER(6, causelog_view_lsn(view));
    CHECK_NUMBER(1, causelog_view_count(view));
    CHECK_OK(causelog_view_get(view, one, &row, &error));
    CHECK(row == NULL);

    /* What was taken before shows what was there before. */
    CHECK_NUMBER(2, causelog_snapshot_count(then));
    CHECK_NUMBER(5, causelog_snapshot_lsn(then));
    CHECK_VIEW("orders", causelog_snapshot_table(then));
    CHECK_NUMBER(1, causelog_row_row_id(causelog_row_cursor_next(before))->integer);
    causelog_row_cursor_free(before);
    causelog_snapshot_free(then);

    CHECK_OK(causelog_log_close(log, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_view_refresh(view, &taken, &error));
    CHECK_NUMBER(1, causelog_view_count(view));
    causelog_view_free(view);
    causelog_log_free(log);
}

int main(void) {
    RUN(a_row_has_a_state_at_every_moment);
    RUN(a_history_has_every_entry_of_a_row);
    RUN(rows_outlive_what_they_were_asked_of);
    RUN(a_view_shows_the_last_refresh);
    return 0;
}
