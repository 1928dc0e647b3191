/* Wrong calls of replicas and what belongs to them: NULL everywhere it can be passed, what is malformed, a wrong size. */

#include "replicas.h"

/* The call, which passes NULL for `parameter`, says so. */
#define CHECK_NULL(parameter, call) CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, parameter " is NULL", call)

static const causelog_text no_text = {NULL, 1};
static const causelog_bytes no_bytes = {NULL, 1};
static const causelog_dots no_dots = {NULL, 1};

static void null_registries_are_refused(void) {
    causelog_registry *registry = registry_of("manual"), *made;
    causelog_buffer *buffer;
    causelog_custom_resolvers *resolvers;
    causelog_resolution_kind kind;
    const causelog_text manual = causelog_text_from("manual"), json = causelog_text_from("{}");
    CHECK_NULL("resolution", causelog_resolution_kind_of(no_text, &kind, &error));
    CHECK_NULL("kind", causelog_resolution_kind_of(manual, NULL, &error));
    CHECK_NULL("resolution", causelog_resolution_validate(no_text, &error));
    CHECK_NULL("resolution", causelog_registry_new(no_text, &made, &error));
    CHECK_NULL("registry", causelog_registry_new(manual, NULL, &error));
    CHECK_NULL("json", causelog_registry_from_json(no_text, &made, &error));
    CHECK_NULL("registry", causelog_registry_from_json(json, NULL, &error));
    CHECK_NULL("registry", causelog_registry_to_json(NULL, &buffer, &error));
    CHECK_NULL("json", causelog_registry_to_json(registry, NULL, &error));
    CHECK_NULL("registry", causelog_registry_default_resolution(NULL, &buffer, &error));
    CHECK_NULL("resolution", causelog_registry_default_resolution(registry, NULL, &error));
    CHECK_NULL("registry", causelog_registry_set_default(NULL, manual, &error));
    CHECK_NULL("resolution", causelog_registry_set_default(registry, no_text, &error));
    CHECK_NULL("registry", causelog_registry_set_table(NULL, TABLE, manual, &error));
    CHECK_NULL("table", causelog_registry_set_table(registry, no_text, manual, &error));
    CHECK_NULL("resolution", causelog_registry_set_table(registry, TABLE, no_text, &error));
    CHECK_NULL("registry", causelog_registry_set_class(NULL, TABLE, 4, manual, &error));
    CHECK_NULL("table", causelog_registry_set_class(registry, no_text, 4, manual, &error));
    CHECK_NULL("resolution", causelog_registry_set_class(registry, TABLE, 4, no_text, &error));
    CHECK_NULL("registry", causelog_registry_rule(NULL, TABLE, 4, NULL, NULL, &error));
    CHECK_NULL("table", causelog_registry_rule(registry, no_text, 4, NULL, NULL, &error));
    CHECK_NULL("registry", causelog_registry_validate(NULL, &error));
    CHECK_NULL("registry", causelog_registry_fingerprint(NULL, &buffer, &error));
    CHECK_NULL("fingerprint", causelog_registry_fingerprint(registry, NULL, &error));
    CHECK_NULL("registry", causelog_registry_custom_resolvers(NULL, &resolvers, &error));
    CHECK_NULL("resolvers", causelog_registry_custom_resolvers(registry, NULL, &error));
    causelog_registry_free(registry);
}

static void null_answers_and_rows_are_refused(void) {
    CHECK_NULL("answer", causelog_answer_decide(NULL, causelog_decision_delete(), &error));
    CHECK_NULL("answer", causelog_answer_fail(NULL, TABLE, &error));
    causelog_detector *detector;
    causelog_row_resolution *row;
    const causelog_entry *entries[] = {NULL};
    CHECK_OK(causelog_detector_new(causelog_text_from("manual"), NULL, &detector, &error));
    CHECK_NULL("detector", causelog_detector_resolve_row(NULL, entries, 1, &row, &error));
    CHECK_NULL("element 0 of entries", causelog_detector_resolve_row(detector, entries, 1, &row, &error));
    CHECK_NULL("entries", causelog_detector_resolve_row(detector, NULL, 1, &row, &error));
    CHECK_NULL("row", causelog_detector_resolve_row(detector, NULL, 0, NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "a row without entries", causelog_detector_resolve_row(detector, NULL, 0, &row, &error));
    causelog_detector_free(detector);
}

static void null_replicas_are_refused(void) {
    causelog_replica *replica = replica_of(1, NULL, NULL, NULL, NULL), *made;
    causelog_registry *registry;
    causelog_row_stats *stats;
    CHECK_NULL("path", causelog_replica_open(no_text, NULL, &made, &error));
    CHECK_NULL("replica", causelog_replica_open(causelog_text_from("not-made"), NULL, NULL, &error));
    CHECK_NULL("replica", causelog_replica_in_memory(NULL, NULL, &error));
    CHECK_NULL("replica", causelog_replica_registry(NULL, &registry, &error));
    CHECK_NULL("registry", causelog_replica_registry(replica, NULL, &error));
    CHECK_OK(causelog_replica_registry(replica, &registry, &error));
    CHECK_NULL("replica", causelog_replica_set_registry(NULL, registry, &error));
    CHECK_NULL("registry", causelog_replica_set_registry(replica, NULL, &error));
    causelog_registry_free(registry);
    CHECK_NULL("replica", causelog_replica_stats(NULL, &stats, &error));
    CHECK_NULL("stats", causelog_replica_stats(replica, NULL, &error));
    CHECK_NULL("replica", causelog_replica_compact(NULL, NULL, NULL, &error));
    CHECK_NULL("replica", causelog_replica_sync(NULL, &error));
    CHECK_NULL("replica", causelog_replica_close(NULL, &error));
    CHECK_NULL("a", causelog_sync(NULL, replica, NULL, &error));
    CHECK_NULL("b", causelog_sync(replica, NULL, NULL, &error));

    causelog_replica_options options = CAUSELOG_REPLICA_OPTIONS_INIT;
    options.resolver_count = 1;
    CHECK_NULL("options.resolvers", causelog_replica_in_memory(&options, &made, &error));
    options = (causelog_replica_options){0};
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "options has size 0, but causelog_replica_options has",
                causelog_replica_in_memory(&options, &made, &error));
    causelog_log_options log_options = {0};
    options = (causelog_replica_options)CAUSELOG_REPLICA_OPTIONS_INIT;
    options.log = &log_options;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "causelog_log_options", causelog_replica_in_memory(&options, &made, &error));
    causelog_replica_free(replica);
}

static void null_writes_are_refused(void) {
    causelog_replica *replica = replica_of(1, NULL, NULL, NULL, NULL);
    causelog_writes *writes = causelog_writes_new();
    causelog_changes *changes = causelog_changes_new();
    causelog_transaction *transaction;
    CHECK_OK(causelog_transaction_new(dot_of(3, 1), NULL, 0, 0, NULL, &transaction, &error));
    const causelog_bytes x = causelog_bytes_from("{}");
    const causelog_row_id no_row = causelog_row_id_from_text(no_text);
    causelog_write write = causelog_write_insert(TABLE, ROW(1), x);
    CHECK_NULL("writes", causelog_writes_add(NULL, &write, &error));
    CHECK_NULL("write", causelog_writes_add(writes, NULL, &error));
    CHECK_NULL("writes", causelog_writes_clear(NULL, &error));
    write.table = no_text;
    CHECK_NULL("write.table", causelog_writes_add(writes, &write, &error));
    write = causelog_write_insert(TABLE, no_row, x);
    CHECK_NULL("write.row_id", causelog_writes_add(writes, &write, &error));
    write = causelog_write_update(TABLE, ROW(1), no_bytes);
    CHECK_NULL("write.after", causelog_writes_add(writes, &write, &error));
    write = causelog_write_delete(TABLE, ROW(1));
    write.expected = no_dots;
    CHECK_NULL("write.expected", causelog_writes_add(writes, &write, &error));
    write = causelog_write_delete(TABLE, ROW(1));
    write.metadata_count = 1;
    CHECK_NULL("write.metadata", causelog_writes_add(writes, &write, &error));
    write = (causelog_write)CAUSELOG_WRITE_INIT;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "write.row_id has type 0", causelog_writes_add(writes, &write, &error));
    write.row_id = ROW(1);
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "write.operation is 0", causelog_writes_add(writes, &write, &error));
    write.size = 0;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "causelog_write has", causelog_writes_add(writes, &write, &error));
    CHECK_NUMBER(0, causelog_writes_count(writes));

    CHECK_NULL("replica", causelog_replica_insert(NULL, TABLE, ROW(1), x, NULL, &error));
    CHECK_NULL("table", causelog_replica_insert(replica, no_text, ROW(1), x, NULL, &error));
    CHECK_NULL("row_id", causelog_replica_insert(replica, TABLE, no_row, x, NULL, &error));
    CHECK_NULL("after", causelog_replica_insert(replica, TABLE, ROW(1), no_bytes, NULL, &error));
    CHECK_NULL("after", causelog_replica_insert(replica, TABLE, ROW(1), (causelog_bytes){NULL, 0}, NULL, &error));
    CHECK_NULL("replica", causelog_replica_update(NULL, TABLE, ROW(1), x, NULL, &error));
    CHECK_NULL("table", causelog_replica_update(replica, no_text, ROW(1), x, NULL, &error));
    CHECK_NULL("row_id", causelog_replica_update(replica, TABLE, no_row, x, NULL, &error));
    CHECK_NULL("after", causelog_replica_update(replica, TABLE, ROW(1), (causelog_bytes){NULL, 0}, NULL, &error));
    CHECK_NULL("replica", causelog_replica_delete(NULL, TABLE, ROW(1), NULL, &error));
    CHECK_NULL("table", causelog_replica_delete(replica, no_text, ROW(1), NULL, &error));
    CHECK_NULL("row_id", causelog_replica_delete(replica, TABLE, no_row, NULL, &error));
    CHECK_NULL("replica", causelog_replica_write(NULL, writes, NULL, &error));
    CHECK_NULL("writes", causelog_replica_write(replica, NULL, NULL, &error));
    CHECK_NULL("replica", causelog_replica_append(NULL, changes, NULL, &error));
    CHECK_NULL("changes", causelog_replica_append(replica, NULL, NULL, &error));
    CHECK_NULL("replica", causelog_replica_patch(NULL, TABLE, ROW(1), x, NULL, 0, NULL, &error));
    CHECK_NULL("table", causelog_replica_patch(replica, no_text, ROW(1), x, NULL, 0, NULL, &error));
    CHECK_NULL("row_id", causelog_replica_patch(replica, TABLE, no_row, x, NULL, 0, NULL, &error));
    CHECK_NULL("fields", causelog_replica_patch(replica, TABLE, ROW(1), no_bytes, NULL, 0, NULL, &error));
    CHECK_NULL("remove", causelog_replica_patch(replica, TABLE, ROW(1), x, NULL, 1, NULL, &error));
    CHECK_NULL("an element of remove", causelog_replica_patch(replica, TABLE, ROW(1), x, &no_text, 1, NULL, &error));
    CHECK_NULL("replica", causelog_replica_increment(NULL, TABLE, ROW(1), TABLE, 1, NULL, &error));
    CHECK_NULL("table", causelog_replica_increment(replica, no_text, ROW(1), TABLE, 1, NULL, &error));
    CHECK_NULL("row_id", causelog_replica_increment(replica, TABLE, no_row, TABLE, 1, NULL, &error));
    CHECK_NULL("field", causelog_replica_increment(replica, TABLE, ROW(1), no_text, 1, NULL, &error));
    CHECK_NULL("replica", causelog_replica_apply(NULL, transaction, NULL, &error));
    CHECK_NULL("transaction", causelog_replica_apply(replica, NULL, NULL, &error));
    causelog_transaction_free(transaction);
    causelog_changes_free(changes);
    causelog_writes_free(writes);
    causelog_replica_free(replica);
}

static void null_questions_are_refused(void) {
    pair both = pair_of("manual", NULL);
    contest(&both, "base", "from a", "from b");
    const causelog_row_id no_row = causelog_row_id_from_text(no_text);
    causelog_replica_row *row;
    causelog_replica_row_list *rows;
    causelog_heads *heads = heads_of(both.a, 1), *more;
    causelog_reports *reports, *list;
    causelog_report *replayed;
    causelog_inbox *inbox;
    causelog_effective_changes *changes;
    causelog_what_ifs *answers;
    causelog_explanation *explanation;
    causelog_buffer *buffer;
    CHECK_NULL("replica", causelog_replica_get(NULL, TABLE, ROW(1), &row, &error));
    CHECK_NULL("table", causelog_replica_get(both.a, no_text, ROW(1), &row, &error));
    CHECK_NULL("row_id", causelog_replica_get(both.a, TABLE, no_row, &row, &error));
    CHECK_NULL("row", causelog_replica_get(both.a, TABLE, ROW(1), NULL, &error));
    CHECK_NULL("replica", causelog_replica_rows(NULL, TABLE, &rows, &error));
    CHECK_NULL("table", causelog_replica_rows(both.a, no_text, &rows, &error));
    CHECK_NULL("rows", causelog_replica_rows(both.a, TABLE, NULL, &error));
    CHECK_NULL("replica", causelog_replica_heads(NULL, TABLE, ROW(1), &more, &error));
    CHECK_NULL("table", causelog_replica_heads(both.a, no_text, ROW(1), &more, &error));
    CHECK_NULL("row_id", causelog_replica_heads(both.a, TABLE, no_row, &more, &error));
    CHECK_NULL("heads", causelog_replica_heads(both.a, TABLE, ROW(1), NULL, &error));

    const causelog_report *report = only_conflict(both.a, &reports);
    CHECK_NULL("replica", causelog_replica_conflicts(NULL, &list, &error));
    CHECK_NULL("reports", causelog_replica_conflicts(both.a, NULL, &error));
    CHECK_NULL("replica", causelog_replica_settled_conflicts(NULL, &list, &error));
    CHECK_NULL("reports", causelog_replica_settled_conflicts(both.a, NULL, &error));
    CHECK_NULL("replica", causelog_replica_query_conflicts(NULL, NULL, &list, &error));
    CHECK_NULL("reports", causelog_replica_query_conflicts(both.a, NULL, NULL, &error));
    CHECK_NULL("replica", causelog_replica_replay(NULL, report, &replayed, &error));
    CHECK_NULL("report", causelog_replica_replay(both.a, NULL, &replayed, &error));
    CHECK_NULL("replayed", causelog_replica_replay(both.a, report, NULL, &error));
    causelog_conflict_query query = CAUSELOG_CONFLICT_QUERY_INIT;
    query.table = &no_text;
    CHECK_NULL("query.table", causelog_replica_query_conflicts(both.a, &query, &list, &error));
    query.table = NULL;
    query.row_id = &no_row;
    CHECK_NULL("query.row_id", causelog_replica_query_conflicts(both.a, &query, &list, &error));
    query.row_id = NULL;
    query.conflict_class = 7;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "query.conflict_class is 7, which is no conflict class",
                causelog_replica_query_conflicts(both.a, &query, &list, &error));
    query.size = 8;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "causelog_conflict_query has", causelog_replica_query_conflicts(both.a, &query, &list, &error));
    causelog_reports_free(reports);

    causelog_registry *registry = registry_of("manual");
    CHECK_NULL("replica", causelog_replica_what_if(NULL, registry, NULL, &answers, &error));
    CHECK_NULL("registry", causelog_replica_what_if(both.a, NULL, NULL, &answers, &error));
    CHECK_NULL("answers", causelog_replica_what_if(both.a, registry, NULL, NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "causelog_conflict_query has",
                causelog_replica_what_if(both.a, registry, &query, &answers, &error));
    causelog_registry_free(registry);

    const causelog_decision delete = causelog_decision_delete();
    const causelog_dots seen = causelog_heads_get(heads);
    CHECK_NULL("replica", causelog_replica_inbox(NULL, &inbox, &error));
    CHECK_NULL("inbox", causelog_replica_inbox(both.a, NULL, &error));
    CHECK_NULL("replica", causelog_replica_claim(NULL, TABLE, ROW(1), TABLE, NULL, &error));
    CHECK_NULL("table", causelog_replica_claim(both.a, no_text, ROW(1), TABLE, NULL, &error));
    CHECK_NULL("row_id", causelog_replica_claim(both.a, TABLE, no_row, TABLE, NULL, &error));
    CHECK_NULL("by", causelog_replica_claim(both.a, TABLE, ROW(1), no_text, NULL, &error));
    CHECK_NULL("replica", causelog_replica_release(NULL, TABLE, ROW(1), &error));
    CHECK_NULL("table", causelog_replica_release(both.a, no_text, ROW(1), &error));
    CHECK_NULL("row_id", causelog_replica_release(both.a, TABLE, no_row, &error));
    CHECK_NULL("replica", causelog_replica_resolve(NULL, TABLE, ROW(1), delete, seen, NULL, 0, NULL, &error));
    CHECK_NULL("table", causelog_replica_resolve(both.a, no_text, ROW(1), delete, seen, NULL, 0, NULL, &error));
    CHECK_NULL("row_id", causelog_replica_resolve(both.a, TABLE, no_row, delete, seen, NULL, 0, NULL, &error));
    CHECK_NULL("heads", causelog_replica_resolve(both.a, TABLE, ROW(1), delete, no_dots, NULL, 0, NULL, &error));
    CHECK_NULL("metadata", causelog_replica_resolve(both.a, TABLE, ROW(1), delete, seen, NULL, 1, NULL, &error));
    CHECK_NULL("decision.value", causelog_replica_resolve(both.a, TABLE, ROW(1), causelog_decision_value(no_bytes), seen, NULL, 0,
                                                          NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "decision has type 0",
                causelog_replica_resolve(both.a, TABLE, ROW(1), (causelog_decision){0}, seen, NULL, 0, NULL, &error));
    causelog_heads_free(heads);

    CHECK_NULL("replica", causelog_replica_effective(NULL, TABLE, 1, &changes, &error));
    CHECK_NULL("since", causelog_replica_effective(both.a, no_text, 1, &changes, &error));
    CHECK_NULL("changes", causelog_replica_effective(both.a, (causelog_text){NULL, 0}, 1, NULL, &error));
    CHECK_NULL("replica", causelog_replica_why(NULL, TABLE, ROW(1), &explanation, &error));
    CHECK_NULL("table", causelog_replica_why(both.a, no_text, ROW(1), &explanation, &error));
    CHECK_NULL("row_id", causelog_replica_why(both.a, TABLE, no_row, &explanation, &error));
    CHECK_NULL("explanation", causelog_replica_why(both.a, TABLE, ROW(1), NULL, &error));
    CHECK_NULL("explanation", causelog_explanation_to_text(NULL, &buffer, &error));
    CHECK_OK(causelog_replica_why(both.a, TABLE, ROW(1), &explanation, &error));
    CHECK_NULL("text", causelog_explanation_to_text(explanation, NULL, &error));
    causelog_explanation_free(explanation);
    free_pair(&both);
}

static void what_is_read_off_null_is_nothing(void) {
    causelog_claim claim;
    CHECK_NUMBER(0, causelog_custom_resolvers_count(NULL));
    CHECK(causelog_custom_resolvers_get(NULL, 0).name.data == NULL);
    CHECK(causelog_row_conflict_table(NULL).data == NULL && causelog_row_conflict_row_id(NULL) == NULL);
    CHECK_NUMBER(CAUSELOG_CONFLICT_CLASS_NONE, causelog_row_conflict_class(NULL));
    CHECK(causelog_row_conflict_head_count(NULL) == 0 && causelog_row_conflict_head(NULL, 0) == NULL);
    CHECK(!causelog_row_conflict_ancestor_is_live(NULL) && causelog_row_conflict_ancestor(NULL).data == NULL);
    CHECK(!causelog_row_resolution_is_live(NULL) && causelog_row_resolution_value(NULL).data == NULL);
    CHECK(causelog_row_resolution_heads(NULL).data == NULL && causelog_row_resolution_standing(NULL) == NULL);
    CHECK(causelog_row_resolution_settled_count(NULL) == 0 && causelog_row_resolution_settled(NULL, 0) == NULL);
    CHECK(causelog_replica_log(NULL) == NULL && same_uuid(node_of(0), causelog_replica_node(NULL)));
    CHECK_NUMBER(0, causelog_writes_count(NULL));
    CHECK(causelog_replica_row_row_id(NULL) == NULL && causelog_replica_row_value(NULL).data == NULL);
    CHECK(causelog_replica_row_heads(NULL).data == NULL && causelog_replica_row_state(NULL) == CAUSELOG_ROW_STATE_NONE);
    CHECK(causelog_replica_row_list_count(NULL) == 0 && causelog_replica_row_list_get(NULL, 0) == NULL);
    CHECK(causelog_heads_get(NULL).data == NULL && causelog_heads_get(NULL).length == 0);
    CHECK_NUMBER(0, causelog_sync_report_received(NULL) + causelog_sync_report_sent(NULL) +
                        causelog_sync_report_skipped_count(NULL) + causelog_sync_report_refused_count(NULL));
    CHECK(causelog_sync_report_skipped(NULL, 0).message.data == NULL);
    CHECK(causelog_sync_report_refused(NULL, 0).message.data == NULL);
    CHECK(causelog_reports_count(NULL) == 0 && causelog_reports_get(NULL, 0) == NULL);
    CHECK(causelog_inbox_count(NULL) == 0 && causelog_inbox_get(NULL, 0) == NULL);
    CHECK(causelog_inbox_item_report(NULL) == NULL && causelog_inbox_item_state(NULL) == CAUSELOG_ROW_STATE_NONE);
    CHECK(!causelog_inbox_item_claim(NULL, &claim) && causelog_inbox_item_failure(NULL).data == NULL);
    CHECK(causelog_effective_changes_count(NULL) == 0 && causelog_effective_changes_get(NULL, 0).position.data == NULL);
    CHECK(causelog_effective_changes_next(NULL).data == NULL);
    CHECK(causelog_what_ifs_count(NULL) == 0 && !causelog_what_ifs_differs(NULL, 0));
    CHECK(causelog_what_ifs_decided(NULL, 0) == NULL && causelog_what_ifs_would_be(NULL, 0) == NULL);
    CHECK(causelog_explanation_table(NULL).data == NULL && causelog_explanation_row_id(NULL) == NULL);
    CHECK(!causelog_explanation_is_live(NULL) && causelog_explanation_value(NULL).data == NULL);
    CHECK(causelog_explanation_state(NULL) == CAUSELOG_ROW_STATE_NONE && causelog_explanation_step_count(NULL) == 0);
    CHECK(causelog_explanation_step_entry(NULL, 0) == NULL && causelog_explanation_step_settles(NULL, 0) == NULL);
    CHECK(causelog_explanation_step_follows(NULL, 0).data == NULL);
    CHECK(causelog_explanation_step_concurrent_with(NULL, 0).data == NULL && causelog_explanation_standing(NULL) == NULL);
    CHECK_NUMBER(0, causelog_row_stats_rows(NULL) + causelog_row_stats_contested_rows(NULL) + causelog_row_stats_settlings(NULL) +
                        causelog_row_stats_before_mismatches(NULL) + causelog_row_stats_memory(NULL));
}

int main(void) {
    RUN(null_registries_are_refused);
    RUN(null_answers_and_rows_are_refused);
    RUN(null_replicas_are_refused);
    RUN(null_writes_are_refused);
    RUN(null_questions_are_refused);
    RUN(what_is_read_off_null_is_nothing);
    return 0;
}
