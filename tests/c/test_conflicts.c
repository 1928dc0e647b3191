/* Conflicts of replicas: every strategy, the reports, the inbox, the effective view, other rules, and why. */

#include "replicas.h"

/* Both replicas report one conflict, the same, byte for byte. Returns the report, in a list that the caller frees. */
static const causelog_report *same_conflict(const pair *both, causelog_reports **list) {
    causelog_reports *other;
    const causelog_report *one = only_conflict(both->a, list), *two = only_conflict(both->b, &other);
    causelog_buffer *ours, *theirs;
    CHECK_OK(causelog_report_to_json(one, &ours, &error));
    CHECK_OK(causelog_report_to_json(two, &theirs, &error));
    CHECK_STRING(causelog_buffer_text(ours), causelog_buffer_text(theirs));
    causelog_buffer_free(ours);
    causelog_buffer_free(theirs);
    causelog_reports_free(other);
    return one;
}

#define NODE_1 "00000000-0000-0000-0000-000000000001"
#define NODE_2 "00000000-0000-0000-0000-000000000002"

static void every_strategy_decides(void) {
    /* A change of a, then one of b, of which neither has heard of the other. */
    static const struct {
        const char *strategy, *base, *of_a, *of_b, *value;
        unsigned char winner; /* the node whose head wins; 0 for none */
        causelog_winner_type type;
        causelog_reason_code reason;
        causelog_row_state state;
    } cases[] = {
        {"last_write_wins", "0", "1", "2", "2", 2, CAUSELOG_WINNER_TYPE_HEAD, CAUSELOG_REASON_CODE_LATER_TIMESTAMP,
         CAUSELOG_ROW_STATE_RESOLVED},
        {"first_write_wins", "0", "1", "2", "1", 1, CAUSELOG_WINNER_TYPE_HEAD, CAUSELOG_REASON_CODE_EARLIER_WRITE,
         CAUSELOG_ROW_STATE_RESOLVED},
        {"{\"kind\":\"node_priority\",\"order\":[\"" NODE_1 "\",\"" NODE_2 "\"]}", "0", "1", "2", "1", 1,
         CAUSELOG_WINNER_TYPE_HEAD, CAUSELOG_REASON_CODE_HIGHER_PRIORITY, CAUSELOG_ROW_STATE_RESOLVED},
        {"{\"kind\":\"node_priority\",\"order\":[\"" NODE_2 "\",\"" NODE_1 "\"]}", NULL, "1", "2", "2", 2,
         CAUSELOG_WINNER_TYPE_HEAD, CAUSELOG_REASON_CODE_HIGHER_PRIORITY, CAUSELOG_ROW_STATE_RESOLVED},
        {"vector_clock_causal", "0", "1", "2", "2", 0, CAUSELOG_WINNER_TYPE_PENDING, CAUSELOG_REASON_CODE_CONCURRENT,
         CAUSELOG_ROW_STATE_PENDING},
        {"{\"kind\":\"vector_clock_causal\",\"fallback\":\"first_write_wins\"}", "0", "1", "2", "1", 1,
         CAUSELOG_WINNER_TYPE_HEAD, CAUSELOG_REASON_CODE_EARLIER_WRITE, CAUSELOG_ROW_STATE_RESOLVED},
        {"{\"kind\":\"delete_wins\",\"fallback\":\"last_write_wins\"}", "0", NULL, "2", NULL, 1,
         CAUSELOG_WINNER_TYPE_HEAD, CAUSELOG_REASON_CODE_DELETE_WINS, CAUSELOG_ROW_STATE_RESOLVED},
        {"{\"kind\":\"update_wins\",\"fallback\":\"last_write_wins\"}", "0", "1", NULL, "1", 1,
         CAUSELOG_WINNER_TYPE_HEAD, CAUSELOG_REASON_CODE_UPDATE_WINS, CAUSELOG_ROW_STATE_RESOLVED},
        {"{\"kind\":\"field_merge\",\"liveness\":\"last_write_wins\",\"fields\":{}}", "{\"x\":0,\"y\":0}", "{\"x\":1,\"y\":0}", "{\"x\":0,\"y\":2}", "{\"x\":1,\"y\":2}", 0,
         CAUSELOG_WINNER_TYPE_MERGED, CAUSELOG_REASON_CODE_FIELDS_MERGED, CAUSELOG_ROW_STATE_RESOLVED},
        {"{\"kind\":\"field_merge\",\"liveness\":\"delete_wins\",\"fields\":{\"x\":\"max\",\"y\":\"min\",\"z\":\"set\"}}", "{\"x\":0,\"y\":0,\"z\":[1]}",
         "{\"x\":9,\"y\":1,\"z\":[1,3]}", "{\"x\":5,\"y\":5,\"z\":[2]}", "{\"x\":9,\"y\":1,\"z\":[2,3]}", 0,
         CAUSELOG_WINNER_TYPE_MERGED, CAUSELOG_REASON_CODE_FIELDS_MERGED, CAUSELOG_ROW_STATE_RESOLVED},
        {"manual", "0", "1", "2", "2", 0, CAUSELOG_WINNER_TYPE_PENDING, CAUSELOG_REASON_CODE_CONCURRENT,
         CAUSELOG_ROW_STATE_PENDING},
        {"{\"kind\":\"custom\",\"name\":\"mine\",\"version\":1}", "0", "1", "2", "2", 0, CAUSELOG_WINNER_TYPE_PENDING,
         CAUSELOG_REASON_CODE_RESOLVER_MISSING, CAUSELOG_ROW_STATE_UNRESOLVED},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        pair both = pair_of(cases[index].strategy, NULL);
        contest(&both, cases[index].base, cases[index].of_a, cases[index].of_b);
        check_row(both.a, 1, cases[index].value, cases[index].state);
        check_row(both.b, 1, cases[index].value, cases[index].state);

        causelog_reports *reports;
        const causelog_report *report = same_conflict(&both, &reports);
        CHECK_VIEW(cases[index].strategy, causelog_report_strategy(report));
        CHECK_VIEW("default", causelog_report_rule(report));
        CHECK_NUMBER(32, causelog_report_registry(report).length);
        CHECK_STRING(causelog_winner_type_name(cases[index].type), causelog_winner_type_name(causelog_report_winner_type(report)));
        CHECK_STRING(causelog_reason_code_name(cases[index].reason), causelog_reason_code_name(causelog_report_reason_code(report)));
        causelog_dot winner;
        CHECK(causelog_report_winner(report, &winner) == (cases[index].winner != 0));
        CHECK(cases[index].winner == 0 || same_uuid(node_of(cases[index].winner), winner.node));
        CHECK((causelog_report_winning_entry(report) == NULL) == (cases[index].winner == 0));
        CHECK(causelog_report_leaves_live(report) == (cases[index].value != NULL));
        if (cases[index].value != NULL) {
            CHECK_VIEW(cases[index].value, causelog_report_value(report));
        }
        if (cases[index].base != NULL) {
            CHECK_VIEW(cases[index].base, causelog_report_ancestor(report));
        } else {
            CHECK(causelog_report_ancestor(report).data == NULL);
        }
        causelog_dots heads = causelog_report_head_dots(report);
        CHECK_NUMBER(2, heads.length);
        for (size_t head = 0; head < 2; head++) {
            CHECK(same_dot(heads.data[head], causelog_entry_dot(causelog_report_head(report, head))));
        }
        causelog_reports_free(reports);
        free_pair(&both);
    }
}

static size_t count_conflicts(const causelog_replica *replica, const causelog_conflict_query *query) {
    causelog_reports *reports;
    CHECK_OK(causelog_replica_query_conflicts(replica, query, &reports, &error));
    size_t count = causelog_reports_count(reports);
    causelog_reports_free(reports);
    return count;
}

static void conflicts_are_asked_for(void) {
    pair both = pair_of(NULL, NULL);
    for (int64_t row = 1; row <= 3; row++) {
        insert_row(&both, both.a, row, "from a");
        insert_row(&both, both.b, row, "from b");
    }
    exchange(&both);
    update_row(&both, both.a, 3, "settled");
    delete_row(&both, both.a, 1);
    exchange(&both);
    CHECK_NUMBER(3, count_conflicts(both.b, NULL));

    const causelog_text other = causelog_text_from("u"), table = TABLE;
    const causelog_row_id third = ROW(3);
    const int32_t yes = 1, no = 0;
    const uint64_t one = 1;
    causelog_conflict_query query = CAUSELOG_CONFLICT_QUERY_INIT;
    CHECK_NUMBER(3, count_conflicts(both.b, &query));
    query.table = &other;
    CHECK_NUMBER(0, count_conflicts(both.b, &query));
    query.table = &table;
    query.settled = &no;
    CHECK_NUMBER(1, count_conflicts(both.b, &query));
    query.settled = &yes;
    CHECK_NUMBER(2, count_conflicts(both.b, &query));
    query.since = 7;
    CHECK_NUMBER(1, count_conflicts(both.b, &query));
    query.since = 0;
    query.row_id = &third;
    CHECK_NUMBER(1, count_conflicts(both.b, &query));
    query.row_id = NULL;
    query.settled = NULL;
    query.limit = &one;
    CHECK_NUMBER(1, count_conflicts(both.b, &query));
    query.limit = NULL;
    query.conflict_class = CAUSELOG_CONFLICT_CLASS_UPDATE_DELETE;
    CHECK_NUMBER(0, count_conflicts(both.b, &query));
    query.conflict_class = CAUSELOG_CONFLICT_CLASS_INSERT_INSERT;
    CHECK_NUMBER(3, count_conflicts(both.b, &query));

    causelog_reports *settled;
    CHECK_OK(causelog_replica_settled_conflicts(both.b, &settled, &error));
    CHECK_NUMBER(2, causelog_reports_count(settled));
    causelog_dot by;
    CHECK(causelog_report_settled_by(causelog_reports_get(settled, 0), &by) && same_dot(dot_of(1, 4), by));
    CHECK(causelog_report_row_id(causelog_reports_get(settled, 1))->integer == 1);
    causelog_reports_free(settled);
    free_pair(&both);
}

static void a_report_is_replayed(void) {
    pair both = pair_of(NULL, NULL);
    contest(&both, "base", "from a", "from b");
    causelog_reports *reports;
    const causelog_report *report = only_conflict(both.a, &reports);
    causelog_registry *manual = registry_of("manual");
    CHECK_OK(causelog_replica_set_registry(both.a, manual, &error));
    update_row(&both, both.b, 1, "settled");
    exchange(&both);
    causelog_report *replayed;
    CHECK_OK(causelog_replica_replay(both.a, report, &replayed, &error));
    causelog_buffer *before, *after;
    CHECK_OK(causelog_report_to_json(report, &before, &error));
    CHECK_OK(causelog_report_to_json(replayed, &after, &error));
    CHECK_STRING(causelog_buffer_text(before), causelog_buffer_text(after));
    CHECK(causelog_report_detected_at(report) == causelog_report_detected_at(replayed));
    causelog_buffer_free(before);
    causelog_buffer_free(after);
    causelog_report_free(replayed);

    causelog_replica *stranger = replica_of(3, NULL, NULL, NULL, both.time);
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "the log holds no change", causelog_replica_replay(stranger, report, &replayed, &error));
    causelog_replica_free(stranger);
    /* Under rules that were never in force at a. */
    causelog_registry *first = registry_of("first_write_wins");
    CHECK_OK(causelog_replica_set_registry(both.b, first, &error));
    causelog_registry_free(first);
    update_row(&both, both.b, 1, "again b");
    causelog_registry *last = registry_of("last_write_wins");
    CHECK_OK(causelog_replica_set_registry(both.a, last, &error));
    causelog_registry_free(last);
    update_row(&both, both.a, 1, "again a");
    exchange(&both);
    causelog_reports *newer;
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "was never in force here",
                causelog_replica_replay(both.a, only_conflict(both.b, &newer), &replayed, &error));
    causelog_reports_free(newer);

    causelog_detector *detector;
    causelog_report *plain;
    const causelog_entry *heads[] = {causelog_report_head(report, 0), causelog_report_head(report, 1)};
    CHECK_OK(causelog_detector_new(causelog_text_from("last_write_wins"), NULL, &detector, &error));
    CHECK_OK(causelog_detector_resolve(detector, heads, 2, NULL, &plain, &error));
    CHECK(causelog_report_rule(plain).data == NULL && causelog_report_registry(plain).data == NULL);
    CHECK(causelog_report_ancestor(plain).data == NULL);
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "plain detector", causelog_replica_replay(both.a, plain, &replayed, &error));
    causelog_report_free(plain);
    causelog_detector_free(detector);
    causelog_reports_free(reports);
    causelog_registry_free(manual);
    free_pair(&both);
}

static void other_rules_would_decide_otherwise(void) {
    pair both = pair_of(NULL, NULL);
    contest(&both, "base", "from a", "from b");
    causelog_registry *first = registry_of("first_write_wins"), *same = registry_of("last_write_wins"), *unsound;
    causelog_what_ifs *answers;
    CHECK_OK(causelog_replica_what_if(both.a, first, NULL, &answers, &error));
    CHECK_NUMBER(1, causelog_what_ifs_count(answers));
    CHECK(causelog_what_ifs_differs(answers, 0));
    CHECK_VIEW("from b", causelog_report_value(causelog_what_ifs_decided(answers, 0)));
    CHECK_VIEW("from a", causelog_report_value(causelog_what_ifs_would_be(answers, 0)));
    CHECK(causelog_what_ifs_decided(answers, 1) == NULL && causelog_what_ifs_would_be(answers, 1) == NULL);
    CHECK(!causelog_what_ifs_differs(answers, 1));
    causelog_what_ifs_free(answers);
    CHECK_OK(causelog_replica_what_if(both.a, same, NULL, &answers, &error));
    CHECK(!causelog_what_ifs_differs(answers, 0));
    causelog_what_ifs_free(answers);
    causelog_conflict_query query = CAUSELOG_CONFLICT_QUERY_INIT;
    const int32_t yes = 1;
    query.settled = &yes;
    CHECK_OK(causelog_replica_what_if(both.a, first, &query, &answers, &error));
    CHECK_NUMBER(0, causelog_what_ifs_count(answers));
    causelog_what_ifs_free(answers);
    /* Nothing has changed. */
    check_row(both.a, 1, "from b", CAUSELOG_ROW_STATE_RESOLVED);

    unsound = registry_of("{\"kind\":\"custom\",\"name\":\"\",\"version\":1}");
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "default", causelog_replica_what_if(both.a, unsound, NULL, &answers, &error));
    causelog_registry_free(unsound);
    causelog_registry_free(first);
    causelog_registry_free(same);
    free_pair(&both);
}

static void somebody_decides_about_what_is_in_the_inbox(void) {
    pair both = pair_of("manual", NULL);
    contest(&both, "base", "from a", "from b");
    causelog_inbox *inbox;
    CHECK_OK(causelog_replica_inbox(both.a, &inbox, &error));
    CHECK_NUMBER(1, causelog_inbox_count(inbox));
    CHECK(causelog_inbox_get(inbox, 1) == NULL);
    const causelog_inbox_item *item = causelog_inbox_get(inbox, 0);
    CHECK_NUMBER(CAUSELOG_ROW_STATE_PENDING, causelog_inbox_item_state(item));
    CHECK(!causelog_inbox_item_claim(item, NULL) && causelog_inbox_item_failure(item).data == NULL);
    const causelog_report *report = causelog_inbox_item_report(item);
    CHECK_VIEW("from b", causelog_report_value(report));
    const causelog_dots heads = causelog_report_head_dots(report);

    int64_t at;
    causelog_claim claim;
    causelog_inbox *claimed;
    CHECK_OK(causelog_replica_claim(both.a, TABLE, ROW(1), causelog_text_from("alice"), &at, &error));
    CHECK_OK(causelog_replica_claim(both.a, TABLE, ROW(1), causelog_text_from("alice"), NULL, &error));
    CHECK_FAILS(CAUSELOG_ALREADY_EXISTS, "is claimed by \"alice\"",
                causelog_replica_claim(both.a, TABLE, ROW(1), causelog_text_from("bob"), NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "needs a name",
                causelog_replica_claim(both.a, TABLE, ROW(1), (causelog_text){NULL, 0}, NULL, &error));
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "not in the inbox",
                causelog_replica_claim(both.a, TABLE, ROW(2), causelog_text_from("bob"), NULL, &error));
    CHECK_OK(causelog_replica_inbox(both.a, &claimed, &error));
    CHECK(causelog_inbox_item_claim(causelog_inbox_get(claimed, 0), &claim));
    CHECK_VIEW("alice", claim.by);
    CHECK(claim.at == at);
    causelog_inbox_free(claimed);
    CHECK_OK(causelog_replica_release(both.a, TABLE, ROW(1), &error));
    CHECK_OK(causelog_replica_claim(both.a, TABLE, ROW(1), causelog_text_from("bob"), NULL, &error));
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "not in the inbox", causelog_replica_release(both.a, TABLE, ROW(2), &error));

    /* Whoever does not say what he has seen may not write. */
    CHECK_FAILS(CAUSELOG_VERSION_MISMATCH, "waits in the inbox",
                causelog_replica_update(both.a, TABLE, ROW(1), causelog_bytes_from("x"), NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "to defer is no decision",
                causelog_replica_resolve(both.a, TABLE, ROW(1), causelog_decision_defer(), heads, NULL, 0, NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "none of the row's heads",
                causelog_replica_resolve(both.a, TABLE, ROW(1), causelog_decision_head(dot_of(9, 9)), heads, NULL, 0, NULL, &error));
    const causelog_dots some = {heads.data, 1}, none = {NULL, 0};
    CHECK_FAILS(CAUSELOG_VERSION_MISMATCH, "read it again",
                causelog_replica_resolve(both.a, TABLE, ROW(1), causelog_decision_delete(), some, NULL, 0, NULL, &error));
    CHECK_FAILS(CAUSELOG_VERSION_MISMATCH, "read it again",
                causelog_replica_resolve(both.a, TABLE, ROW(1), causelog_decision_delete(), none, NULL, 0, NULL, &error));
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "has not several heads",
                causelog_replica_resolve(both.a, TABLE, ROW(2), causelog_decision_delete(), heads, NULL, 0, NULL, &error));

    const causelog_metadata why = {causelog_text_from("why"), causelog_text_from("agreed")};
    causelog_appended appended;
    CHECK_OK(causelog_replica_resolve(both.a, TABLE, ROW(1), causelog_decision_head(heads.data[0]), heads, &why, 1, &appended,
                                      &error));
    check_row(both.a, 1, "from a", CAUSELOG_ROW_STATE_RESOLVED);
    causelog_entry *entry = entry_at(causelog_replica_log(both.a), appended.last_lsn);
    CHECK_VIEW("agreed", causelog_entry_metadata(entry, 0).value);
    causelog_entry_free(entry);
    causelog_inbox_free(inbox);
    exchange(&both);
    check_row(both.b, 1, "from a", CAUSELOG_ROW_STATE_RESOLVED);
    CHECK_OK(causelog_replica_inbox(both.b, &inbox, &error));
    CHECK_NUMBER(0, causelog_inbox_count(inbox));
    causelog_inbox_free(inbox);
    free_pair(&both);
}

static void a_decision_is_a_value_or_a_delete(void) {
    pair both = pair_of("manual", NULL);
    contest(&both, "base", "from a", "from b");
    causelog_heads *heads = heads_of(both.a, 1);
    CHECK_OK(causelog_replica_resolve(both.a, TABLE, ROW(1), causelog_decision_value(causelog_bytes_from("mine")),
                                      causelog_heads_get(heads), NULL, 0, NULL, &error));
    causelog_heads_free(heads);
    check_row(both.a, 1, "mine", CAUSELOG_ROW_STATE_RESOLVED);

    /* Who decides at b without having heard of it makes a new conflict. */
    heads = heads_of(both.b, 1);
    CHECK_OK(causelog_replica_resolve(both.b, TABLE, ROW(1), causelog_decision_delete(), causelog_heads_get(heads), NULL, 0,
                                      NULL, &error));
    causelog_heads_free(heads);
    check_row(both.b, 1, NULL, CAUSELOG_ROW_STATE_NONE);
    exchange(&both);
    causelog_reports *reports;
    CHECK_NUMBER(CAUSELOG_CONFLICT_CLASS_UPDATE_DELETE, causelog_report_conflict_class(same_conflict(&both, &reports)));
    causelog_reports_free(reports);

    /* A write that expects the heads closes the item as well. */
    heads = heads_of(both.a, 1);
    causelog_writes *writes = causelog_writes_new();
    causelog_replica_row *row;
    CHECK_OK(causelog_replica_get(both.a, TABLE, ROW(1), &row, &error));
    causelog_write write = row == NULL ? causelog_write_insert(TABLE, ROW(1), causelog_bytes_from("end"))
                                       : causelog_write_update(TABLE, ROW(1), causelog_bytes_from("end"));
    causelog_replica_row_free(row);
    write.expected = causelog_heads_get(heads);
    CHECK_OK(causelog_writes_add(writes, &write, &error));
    CHECK_OK(causelog_replica_write(both.a, writes, NULL, &error));
    causelog_writes_free(writes);
    causelog_heads_free(heads);
    causelog_inbox *inbox;
    CHECK_OK(causelog_replica_inbox(both.a, &inbox, &error));
    CHECK_NUMBER(0, causelog_inbox_count(inbox));
    causelog_inbox_free(inbox);
    free_pair(&both);
}

static causelog_effective_changes *effective_after(const causelog_replica *replica, const char *since, size_t limit) {
    causelog_effective_changes *changes;
    CHECK_OK(causelog_replica_effective(replica, causelog_text_from(since), limit, &changes, &error));
    return changes;
}

static void the_effective_view_shows_what_rows_became(void) {
    pair both = pair_of("first_write_wins", NULL);
    insert_row(&both, both.a, 1, "base");
    insert_row(&both, both.a, 2, "other");
    exchange(&both);
    update_row(&both, both.b, 1, "first");
    update_row(&both, both.a, 1, "second");
    exchange(&both);

    /* At a its own update showed until the earlier one came. */
    causelog_effective_changes *changes = effective_after(both.a, NULL, 2);
    CHECK_NUMBER(2, causelog_effective_changes_count(changes));
    causelog_effective_change change = causelog_effective_changes_get(changes, 0);
    CHECK_NUMBER(CAUSELOG_OPERATION_INSERT, change.operation);
    CHECK(change.before.data == NULL && change.row_id.integer == 1 && change.timestamp == 1000);
    CHECK(same_dot(dot_of(1, 1), change.transaction));
    CHECK_VIEW("t", change.table);
    CHECK_VIEW("base", change.after);
    CHECK_VIEW("1.1", change.position);
    CHECK_VIEW("2.1", causelog_effective_changes_next(changes));
    CHECK_NUMBER(CAUSELOG_OPERATION_NONE, causelog_effective_changes_get(changes, 2).operation);
    CHECK(causelog_effective_changes_get(changes, 2).position.data == NULL);
    causelog_effective_changes_free(changes);

    changes = effective_after(both.a, "2.1", 100);
    CHECK_NUMBER(2, causelog_effective_changes_count(changes));
    CHECK_VIEW("second", causelog_effective_changes_get(changes, 0).after);
    change = causelog_effective_changes_get(changes, 1);
    CHECK_NUMBER(CAUSELOG_OPERATION_UPDATE, change.operation);
    CHECK_VIEW("second", change.before);
    CHECK_VIEW("first", change.after);
    causelog_effective_changes_free(changes);
    /* At b the later one, which lost, never did. */
    changes = effective_after(both.b, "0.0", 100);
    CHECK_NUMBER(3, causelog_effective_changes_count(changes));
    CHECK_VIEW("first", causelog_effective_changes_get(changes, 2).after);
    causelog_text next = causelog_effective_changes_next(changes);
    char position[64];
    snprintf(position, sizeof position, "%.*s", (int)next.length, next.data);
    causelog_effective_changes_free(changes);
    changes = effective_after(both.b, position, 100);
    CHECK_NUMBER(0, causelog_effective_changes_count(changes));
    CHECK_VIEW(position, causelog_effective_changes_next(changes));
    causelog_effective_changes_free(changes);

    /* A change of rules shows as well. */
    causelog_registry *last = registry_of("last_write_wins");
    CHECK_OK(causelog_replica_set_registry(both.b, last, &error));
    causelog_registry_free(last);
    changes = effective_after(both.b, position, 100);
    CHECK_NUMBER(1, causelog_effective_changes_count(changes));
    change = causelog_effective_changes_get(changes, 0);
    CHECK_NUMBER(0, change.transaction.sequence);
    CHECK_VIEW("second", change.after);
    causelog_effective_changes_free(changes);

    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "was never given",
                causelog_replica_effective(both.a, causelog_text_from("99.0"), 1, &changes, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "was never given",
                causelog_replica_effective(both.a, causelog_text_from("0.7"), 1, &changes, &error));
    static const char *const malformed[] = {"1", "a.b", "1.", "-1.0", "1.0.0", "99999999999999999999.0", " "};
    for (size_t index = 0; index < sizeof malformed / sizeof *malformed; index++) {
        CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "not a position",
                    causelog_replica_effective(both.a, causelog_text_from(malformed[index]), 1, &changes, &error));
    }
    free_pair(&both);
}

static void why_tells_the_story_of_a_row(void) {
    pair both = pair_of(NULL, NULL);
    contest(&both, "base", "from a", "from b");
    update_row(&both, both.a, 1, "settled");
    exchange(&both);
    update_row(&both, both.a, 1, "again a");
    update_row(&both, both.b, 1, "again b");
    exchange(&both);
    causelog_explanation *explanation, *other;
    CHECK_OK(causelog_replica_why(both.a, TABLE, ROW(1), &explanation, &error));
    CHECK_VIEW("t", causelog_explanation_table(explanation));
    CHECK(causelog_explanation_row_id(explanation)->integer == 1 && causelog_explanation_is_live(explanation));
    CHECK_VIEW("again b", causelog_explanation_value(explanation));
    CHECK_NUMBER(CAUSELOG_ROW_STATE_RESOLVED, causelog_explanation_state(explanation));
    CHECK_NUMBER(6, causelog_explanation_step_count(explanation));
    CHECK_VIEW("base", causelog_entry_after(causelog_explanation_step_entry(explanation, 0)));
    CHECK_NUMBER(0, causelog_explanation_step_follows(explanation, 0).length);
    causelog_dots follows = causelog_explanation_step_follows(explanation, 2);
    causelog_dots beside = causelog_explanation_step_concurrent_with(explanation, 2);
    CHECK(follows.length == 1 && same_dot(dot_of(1, 1), follows.data[0]));
    CHECK(beside.length == 1 && same_dot(dot_of(1, 2), beside.data[0]));
    CHECK(causelog_explanation_step_settles(explanation, 2) == NULL);
    CHECK_NUMBER(2, causelog_explanation_step_follows(explanation, 3).length);
    CHECK_VIEW("from b", causelog_report_value(causelog_explanation_step_settles(explanation, 3)));
    CHECK_VIEW("again b", causelog_report_value(causelog_explanation_standing(explanation)));
    CHECK(causelog_explanation_step_entry(explanation, 6) == NULL && causelog_explanation_step_settles(explanation, 6) == NULL);
    CHECK(causelog_explanation_step_follows(explanation, 6).data == NULL);

    causelog_buffer *text, *same;
    CHECK_OK(causelog_explanation_to_text(explanation, &text, &error));
    CHECK(strncmp(causelog_buffer_text(text), "row 1 of table \"t\" is ", 22) == 0);
    CHECK_OK(causelog_replica_why(both.b, TABLE, ROW(1), &other, &error));
    CHECK_OK(causelog_explanation_to_text(other, &same, &error));
    CHECK_STRING(causelog_buffer_text(text), causelog_buffer_text(same));
    causelog_buffer_free(text);
    causelog_buffer_free(same);
    causelog_explanation_free(other);
    causelog_explanation_free(explanation);

    CHECK_OK(causelog_replica_why(both.a, TABLE, ROW(9), &explanation, &error));
    CHECK_NUMBER(0, causelog_explanation_step_count(explanation));
    CHECK(!causelog_explanation_is_live(explanation) && causelog_explanation_standing(explanation) == NULL);
    CHECK_OK(causelog_explanation_to_text(explanation, &text, &error));
    CHECK(strstr(causelog_buffer_text(text), "never was") != NULL);
    causelog_buffer_free(text);
    causelog_explanation_free(explanation);
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "table name is empty",
                causelog_replica_why(both.a, (causelog_text){NULL, 0}, ROW(1), &explanation, &error));
    free_pair(&both);
}

int main(void) {
    RUN(every_strategy_decides);
    RUN(conflicts_are_asked_for);
    RUN(a_report_is_replayed);
    RUN(other_rules_would_decide_otherwise);
    RUN(somebody_decides_about_what_is_in_the_inbox);
    RUN(a_decision_is_a_value_or_a_delete);
    RUN(the_effective_view_shows_what_rows_became);
    RUN(why_tells_the_story_of_a_row);
    return 0;
}
