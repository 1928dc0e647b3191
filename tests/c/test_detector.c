/* Conflicts: finding them, resolving them, reporting them. */

#include "support.h"

/* An entry of row 42 of "orders" made without a log, at `timestamp`, whose author has seen `seen` and itself. */
static causelog_entry *entry_of(causelog_dot dot, const causelog_dot *seen, size_t count, int64_t timestamp,
                                int32_t operation, const char *after) {
    causelog_clock *clock;
    CHECK_OK(causelog_clock_from_entries(seen, count, &clock, &error));
    CHECK_OK(causelog_clock_advance(clock, dot.node, dot.sequence, &error));
    causelog_change change = CAUSELOG_CHANGE_INIT;
    change.table = causelog_text_from("orders");
    change.row_id = causelog_row_id_from_integer(42);
    change.operation = operation;
    change.after = causelog_bytes_from(after);
    causelog_entry_fields fields = CAUSELOG_ENTRY_FIELDS_INIT;
    fields.dot = dot;
    fields.vector_clock = clock;
    fields.timestamp = timestamp;
    fields.change = &change;
    causelog_entry *entry;
    CHECK_OK(causelog_entry_new(&fields, &entry, &error));
    causelog_clock_free(clock);
    return entry;
}

static causelog_detector *detector_of(const char *resolution, int64_t now) {
    causelog_time *time = causelog_time_new(now);
    causelog_detector *detector;
    CHECK_OK(causelog_detector_new(causelog_text_from(resolution), time, &detector, &error));
    causelog_time_free(time);
    return detector;
}

static void concurrent_entries_that_disagree_are_a_conflict(void) {
    causelog_detector *detector = detector_of("last_write_wins", 5000);
    CHECK_VIEW("last_write_wins", causelog_detector_resolution(detector));
    causelog_entry *local = entry_of(dot_of(1, 1), NULL, 0, 100, CAUSELOG_OPERATION_UPDATE, "{\"qty\":1}");
    causelog_entry *remote = entry_of(dot_of(2, 1), NULL, 0, 200, CAUSELOG_OPERATION_DELETE, NULL);
    causelog_conflict *conflict;
    CHECK_OK(causelog_detector_detect(detector, local, remote, &conflict, &error));
    CHECK(conflict != NULL);
    CHECK_NUMBER(CAUSELOG_CONFLICT_TYPE_UPDATE_DELETE, causelog_conflict_shape(conflict));
    CHECK_VIEW("orders", causelog_conflict_table(conflict));
    CHECK(causelog_conflict_row_id(conflict)->integer == 42);
    CHECK(causelog_conflict_detected_at(conflict) == 5000);
    CHECK(same_dot(dot_of(1, 1), causelog_entry_dot(causelog_conflict_local_entry(conflict))));
    CHECK(same_dot(dot_of(2, 1), causelog_entry_dot(causelog_conflict_remote_entry(conflict))));

    causelog_report *report;
    CHECK_OK(causelog_detector_report(detector, conflict, &report, &error));
    CHECK(same_uuid(causelog_conflict_id(conflict), causelog_report_id(report)));
    /* The report, the entries and the conflict do not depend on each other. */
    causelog_conflict_free(conflict);
    causelog_entry_free(local);
    causelog_entry_free(remote);
    causelog_detector_free(detector);

    CHECK_VIEW("orders", causelog_report_table(report));
    CHECK(causelog_report_row_id(report)->integer == 42);
    CHECK_NUMBER(CAUSELOG_CONFLICT_CLASS_UPDATE_DELETE, causelog_report_conflict_class(report));
    CHECK_NUMBER(CAUSELOG_CONFLICT_TYPE_UPDATE_DELETE, causelog_report_conflict_type(report));
    CHECK_VIEW("last_write_wins", causelog_report_strategy(report));
    CHECK_NUMBER(CAUSELOG_REASON_CODE_LATER_TIMESTAMP, causelog_report_reason_code(report));
    CHECK_NUMBER(CAUSELOG_SIDE_REMOTE, causelog_report_winning_side(report));
    causelog_dot winner;
    CHECK(causelog_report_winner(report, &winner) && same_dot(dot_of(2, 1), winner));
    CHECK(causelog_report_winner(report, NULL));
    CHECK(same_dot(winner, causelog_entry_dot(causelog_report_winning_entry(report))));
    CHECK(!causelog_report_settled_by(report, &winner));
    CHECK(causelog_report_value(report).data == NULL);
    CHECK(causelog_report_detected_at(report) == 5000);
    CHECK_NUMBER(2, causelog_report_head_count(report));
    CHECK(same_dot(dot_of(1, 1), causelog_entry_dot(causelog_report_head(report, 0))));
    CHECK_VIEW("{\"qty\":1}", causelog_entry_after(causelog_report_head(report, 0)));
    CHECK(causelog_report_head(report, 2) == NULL);

    causelog_buffer *buffer;
    CHECK_OK(causelog_report_reason(report, &buffer, &error));
    CHECK(strstr(causelog_buffer_text(buffer), "it is later than") != NULL);
    causelog_buffer_free(buffer);
    CHECK_OK(causelog_report_to_json(report, &buffer, &error));
    CHECK(strstr(causelog_buffer_text(buffer), "\"state\":\"standing\"") != NULL);
    causelog_buffer_free(buffer);
    CHECK_OK(causelog_report_to_text(report, &buffer, &error));
    CHECK(strncmp(causelog_buffer_text(buffer), "conflict ", 9) == 0);
    causelog_buffer_free(buffer);
    causelog_report_free(report);
}

static void ordered_or_equal_entries_are_none(void) {
    causelog_detector *detector = detector_of("last_write_wins", 0);
    const causelog_dot seen = dot_of(1, 1);
    causelog_entry *first = entry_of(seen, NULL, 0, 100, CAUSELOG_OPERATION_INSERT, "{\"qty\":1}");
    causelog_entry *later = entry_of(dot_of(2, 1), &seen, 1, 50, CAUSELOG_OPERATION_UPDATE, "{\"qty\":2}");
    causelog_entry *alike = entry_of(dot_of(3, 1), NULL, 0, 50, CAUSELOG_OPERATION_INSERT, "{\"qty\":1}");
    causelog_conflict *conflict = (causelog_conflict *)&conflict;
    CHECK_OK(causelog_detector_detect(detector, first, later, &conflict, &error));
    CHECK(conflict == NULL);
    CHECK_OK(causelog_detector_detect(detector, first, first, &conflict, &error));
    CHECK(conflict == NULL);
    CHECK_OK(causelog_detector_detect(detector, first, alike, &conflict, &error));
    CHECK(conflict == NULL);
    causelog_entry_free(first);
    causelog_entry_free(later);
    causelog_entry_free(alike);
    causelog_detector_free(detector);
}

static void a_set_of_heads_is_resolved_whatever_its_order(void) {
    causelog_detector *detector = detector_of("last_write_wins", 0);
    causelog_entry *a = entry_of(dot_of(1, 1), NULL, 0, 300, CAUSELOG_OPERATION_UPDATE, "1");
    causelog_entry *b = entry_of(dot_of(2, 1), NULL, 0, 300, CAUSELOG_OPERATION_UPDATE, "2");
    causelog_entry *c = entry_of(dot_of(3, 1), NULL, 0, 100, CAUSELOG_OPERATION_INSERT, "3");
    const causelog_entry *one[] = {a, b, c}, *other[] = {c, b, a, b};
    const causelog_dot settled_by = dot_of(4, 9);
    causelog_report *first, *second;
    CHECK_OK(causelog_detector_resolve(detector, one, 3, &settled_by, &first, &error));
    CHECK_OK(causelog_detector_resolve(detector, other, 4, &settled_by, &second, &error));
    causelog_buffer *json_one, *json_other;
    CHECK_OK(causelog_report_to_json(first, &json_one, &error));
    CHECK_OK(causelog_report_to_json(second, &json_other, &error));
    CHECK_STRING(causelog_buffer_text(json_one), causelog_buffer_text(json_other));
    causelog_buffer_free(json_one);
    causelog_buffer_free(json_other);

    CHECK_NUMBER(CAUSELOG_CONFLICT_CLASS_INSERT_UPDATE, causelog_report_conflict_class(first));
    CHECK_NUMBER(CAUSELOG_REASON_CODE_HIGHER_NODE, causelog_report_reason_code(first));
    CHECK_NUMBER(CAUSELOG_SIDE_NONE, causelog_report_winning_side(first));
    CHECK_NUMBER(CAUSELOG_CONFLICT_TYPE_NONE, causelog_report_conflict_type(first));
    CHECK_VIEW("2", causelog_report_value(first));
    causelog_dot dot;
    CHECK(causelog_report_settled_by(first, &dot) && same_dot(settled_by, dot));
    CHECK(causelog_report_settled_by(first, NULL));
    causelog_report_free(first);
    causelog_report_free(second);

    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "between two entries at least",
                causelog_detector_resolve(detector, one, 1, NULL, &first, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "between two entries at least",
                causelog_detector_resolve(detector, NULL, 0, NULL, &first, &error));
    other[2] = NULL;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "element 2 of entries is NULL",
                causelog_detector_resolve(detector, other, 4, NULL, &first, &error));
    causelog_entry_free(a);
    causelog_entry_free(b);
    causelog_entry_free(c);
    causelog_detector_free(detector);
}

static void the_causal_strategy_leaves_concurrent_entries_to_somebody(void) {
    causelog_detector *detector = detector_of("vector_clock_causal", 0);
    causelog_entry *a = entry_of(dot_of(1, 1), NULL, 0, 100, CAUSELOG_OPERATION_UPDATE, "1");
    causelog_entry *b = entry_of(dot_of(2, 1), NULL, 0, 200, CAUSELOG_OPERATION_UPDATE, "2");
    const causelog_entry *heads[] = {a, b};
    causelog_report *report;
    CHECK_OK(causelog_detector_resolve(detector, heads, 2, NULL, &report, &error));
    causelog_dot winner = dot_of(9, 9);
    CHECK(!causelog_report_winner(report, &winner) && same_dot(dot_of(9, 9), winner));
    CHECK(causelog_report_winning_entry(report) == NULL);
    CHECK_NUMBER(CAUSELOG_REASON_CODE_CONCURRENT, causelog_report_reason_code(report));
    CHECK_VIEW("2", causelog_report_value(report));
    causelog_report_free(report);
    causelog_entry_free(a);
    causelog_entry_free(b);
    causelog_detector_free(detector);
}

static void entries_of_two_rows_and_a_forged_dot_are_refused(void) {
    causelog_detector *detector = detector_of("last_write_wins", 0);
    causelog_log *log = memory_log(1, NULL);
    causelog_change change = insert_of("orders", 43, "{}");
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    causelog_entry *elsewhere = entry_at(log, 1);
    causelog_entry *a = entry_of(dot_of(1, 1), NULL, 0, 100, CAUSELOG_OPERATION_UPDATE, "1");
    causelog_entry *forged = entry_of(dot_of(1, 1), NULL, 0, 100, CAUSELOG_OPERATION_UPDATE, "2");
    causelog_conflict *conflict;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "entries of two rows",
                causelog_detector_detect(detector, a, elsewhere, &conflict, &error));
    CHECK_FAILS(CAUSELOG_DOT_REUSE, "two different entries have the dot",
                causelog_detector_detect(detector, a, forged, &conflict, &error));
    causelog_entry_free(a);
    causelog_entry_free(forged);
    causelog_entry_free(elsewhere);
    causelog_log_free(log);
    causelog_detector_free(detector);
}

static void an_entry_made_by_hand_says_what_it_was_given(void) {
    causelog_clock *clock = causelog_clock_new();
    causelog_change change = insert_of("t", 1, "{}");
    causelog_entry_fields fields = CAUSELOG_ENTRY_FIELDS_INIT;
    fields.lsn = 12;
    fields.dot = dot_of(1, 3);
    fields.vector_clock = clock;
    fields.timestamp = -5;
    fields.transaction = dot_of(1, 4);
    fields.change = &change;
    fields.verdict = CAUSELOG_VERDICT_MERGED;
    causelog_entry *entry;
    CHECK_OK(causelog_entry_new(&fields, &entry, &error));
    CHECK_NUMBER(12, causelog_entry_lsn(entry));
    CHECK(same_dot(dot_of(1, 4), causelog_entry_transaction(entry)));
    CHECK(causelog_entry_timestamp(entry) == -5);
    CHECK_NUMBER(CAUSELOG_VERDICT_MERGED, causelog_entry_verdict(entry));
    causelog_entry_free(entry);

    fields.verdict = 9;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "fields.verdict is 9", causelog_entry_new(&fields, &entry, &error));
    fields.verdict = 0;
    fields.dot.sequence = 0;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "sequence 0", causelog_entry_new(&fields, &entry, &error));
    causelog_clock_free(clock);
}

static void shapes_have_a_mirror_and_a_class(void) {
    causelog_conflict_type shape, mirror;
    CHECK_OK(causelog_conflict_type_of(CAUSELOG_OPERATION_UPDATE, CAUSELOG_OPERATION_DELETE, &shape, &error));
    CHECK_NUMBER(CAUSELOG_CONFLICT_TYPE_UPDATE_DELETE, shape);
    CHECK_OK(causelog_conflict_type_mirror(shape, &mirror, &error));
    CHECK_NUMBER(CAUSELOG_CONFLICT_TYPE_DELETE_UPDATE, mirror);
    causelog_operation local, remote;
    CHECK_OK(causelog_conflict_type_operations(mirror, &local, &remote, &error));
    CHECK(local == CAUSELOG_OPERATION_DELETE && remote == CAUSELOG_OPERATION_UPDATE);
    causelog_conflict_class class;
    CHECK_OK(causelog_conflict_type_class(mirror, &class, &error));
    CHECK_NUMBER(CAUSELOG_CONFLICT_CLASS_UPDATE_DELETE, class);
    const int32_t operations[] = {CAUSELOG_OPERATION_DELETE, CAUSELOG_OPERATION_DELETE};
    CHECK_OK(causelog_conflict_class_of(operations, 2, &class, &error));
    CHECK_NUMBER(CAUSELOG_CONFLICT_CLASS_DELETE_DELETE, class);
    CHECK_OK(causelog_conflict_class_of(NULL, 0, &class, &error));
    CHECK_NUMBER(CAUSELOG_CONFLICT_CLASS_NONE, class);
}

static void numbers_have_names(void) {
    CHECK_STRING("update", causelog_operation_name(CAUSELOG_OPERATION_UPDATE));
    CHECK_STRING("concurrent", causelog_causality_name(CAUSELOG_CAUSALITY_CONCURRENT));
    CHECK_STRING("superseded", causelog_verdict_name(CAUSELOG_VERDICT_SUPERSEDED));
    CHECK_STRING("os", causelog_durability_name(CAUSELOG_DURABILITY_OS));
    CHECK_STRING("vector_clock_causal", causelog_resolution_kind_name(CAUSELOG_RESOLUTION_KIND_VECTOR_CLOCK_CAUSAL));
    CHECK_STRING("merged", causelog_winner_type_name(CAUSELOG_WINNER_TYPE_MERGED));
    CHECK_STRING("unresolved", causelog_row_state_name(CAUSELOG_ROW_STATE_UNRESOLVED));
    CHECK_STRING("resolver_failed", causelog_reason_code_name(CAUSELOG_REASON_CODE_RESOLVER_FAILED));
    CHECK_STRING("delete_insert", causelog_conflict_type_name(CAUSELOG_CONFLICT_TYPE_DELETE_INSERT));
    CHECK_STRING("insert_delete", causelog_conflict_class_name(CAUSELOG_CONFLICT_CLASS_INSERT_DELETE));
    CHECK_STRING("higher_payload_hash", causelog_reason_code_name(CAUSELOG_REASON_CODE_HIGHER_PAYLOAD_HASH));
    CHECK_STRING("local", causelog_side_name(CAUSELOG_SIDE_LOCAL));
    CHECK_STRING("unknown", causelog_operation_name(CAUSELOG_OPERATION_NONE));
    CHECK_STRING("unknown", causelog_side_name(-1));
    CHECK_STRING("unknown", causelog_resolution_kind_name(CAUSELOG_RESOLUTION_KIND_NONE));
    CHECK_STRING("unknown", causelog_resolution_kind_name(CAUSELOG_RESOLUTION_KIND_CUSTOM + 1));
    CHECK_STRING("unknown", causelog_winner_type_name(0));
    CHECK_STRING("unknown", causelog_row_state_name(4));

    causelog_operation operation;
    CHECK_OK(causelog_operation_parse(causelog_text_from("delete"), &operation, &error));
    CHECK_NUMBER(CAUSELOG_OPERATION_DELETE, operation);
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "unknown operation \"upsert\"",
                causelog_operation_parse(causelog_text_from("upsert"), &operation, &error));
}

int main(void) {
    RUN(concurrent_entries_that_disagree_are_a_conflict);
    RUN(ordered_or_equal_entries_are_none);
    RUN(a_set_of_heads_is_resolved_whatever_its_order);
    RUN(the_causal_strategy_leaves_concurrent_entries_to_somebody);
    RUN(entries_of_two_rows_and_a_forged_dot_are_refused);
    RUN(an_entry_made_by_hand_says_what_it_was_given);
    RUN(shapes_have_a_mirror_and_a_class);
    RUN(numbers_have_names);
    return 0;
}
