/* Functions of the program that decide conflicts. */

#define _POSIX_C_SOURCE 200809L

#include "replicas.h"

#include <pthread.h>
#include <stdatomic.h>

#define STRATEGY "{\"kind\":\"custom\",\"name\":\"mine\",\"version\":1}"

/* What a resolver is handed, and what it does. */
typedef struct context {
    atomic_int calls, destroyed;
    /* What it answers, unless it is told something else below. */
    causelog_decision decision;
    bool first_head, silent;
    const char *failure;
    /* A replica that it reads, and to which it writes. */
    const causelog_replica *reads, *writes;
    causelog_status read, written;
} context;

static void destroy(void *given) {
    ((context *)given)->destroyed++;
}

/* Tries every way of writing to a replica; all are refused alike. */
static causelog_status write_all(const causelog_replica *replica) {
    const causelog_bytes x = causelog_bytes_from("{}");
    causelog_writes *writes = causelog_writes_new();
    causelog_changes *changes = causelog_changes_new();
    causelog_transaction *transaction;
    CHECK_OK(causelog_transaction_new(dot_of(3, 1), NULL, 0, 0, NULL, &transaction, &error));
    causelog_registry *registry = registry_of("manual");
    const causelog_status first = causelog_replica_insert(replica, TABLE, ROW(7), x, NULL, NULL);
    CHECK(first == causelog_replica_update(replica, TABLE, ROW(1), x, NULL, NULL));
    CHECK(first == causelog_replica_delete(replica, TABLE, ROW(1), NULL, NULL));
    CHECK(first == causelog_replica_write(replica, writes, NULL, NULL));
    CHECK(first == causelog_replica_append(replica, changes, NULL, NULL));
    CHECK(first == causelog_replica_patch(replica, TABLE, ROW(1), x, NULL, 0, NULL, NULL));
    CHECK(first == causelog_replica_increment(replica, TABLE, ROW(1), TABLE, 1, NULL, NULL));
    CHECK(first == causelog_replica_apply(replica, transaction, NULL, NULL));
    CHECK(first == causelog_replica_set_registry(replica, registry, NULL));
    CHECK(first == causelog_replica_claim(replica, TABLE, ROW(1), TABLE, NULL, NULL));
    CHECK(first == causelog_replica_release(replica, TABLE, ROW(1), NULL));
    CHECK(first == causelog_replica_resolve(replica, TABLE, ROW(1), causelog_decision_delete(), (causelog_dots){NULL, 0}, NULL, 0,
                                            NULL, NULL));
    CHECK(first == causelog_replica_compact(replica, NULL, NULL, NULL));
    CHECK(first == causelog_sync(replica, replica, NULL, NULL));
    causelog_registry_free(registry);
    causelog_transaction_free(transaction);
    causelog_changes_free(changes);
    causelog_writes_free(writes);
    return first;
}

static void resolve(void *given, const causelog_row_conflict *conflict, causelog_answer *answer) {
    context *own = given;
    own->calls++;
    CHECK_VIEW("t", causelog_row_conflict_table(conflict));
    CHECK(causelog_row_conflict_row_id(conflict)->integer == 1);
    CHECK_NUMBER(2, causelog_row_conflict_head_count(conflict));
    CHECK(causelog_row_conflict_head(conflict, 2) == NULL);
    const causelog_entry *head = causelog_row_conflict_head(conflict, 0);
    CHECK_VIEW("t", causelog_entry_table(head));
    if (own->reads != NULL) {
        causelog_replica_row *row;
        causelog_reports *reports;
        own->read = causelog_replica_get(own->reads, TABLE, ROW(2), &row, NULL);
        CHECK_VIEW("two", causelog_replica_row_value(row));
        causelog_replica_row_free(row);
        /* Also about the very row that it is asked about, whose value is then provisional. */
        CHECK(causelog_replica_get(own->reads, TABLE, ROW(1), &row, NULL) == CAUSELOG_OK);
        causelog_replica_row_free(row);
        CHECK(causelog_replica_conflicts(own->reads, &reports, NULL) == CAUSELOG_OK);
        causelog_reports_free(reports);
    }
    if (own->writes != NULL) {
        own->written = write_all(own->writes);
    }
    if (own->failure != NULL) {
        CHECK_OK(causelog_answer_fail(answer, causelog_text_from(own->failure), &error));
    } else if (own->first_head) {
        CHECK_OK(causelog_answer_decide(answer, causelog_decision_head(causelog_entry_dot(head)), &error));
    } else if (!own->silent) {
        causelog_status status = causelog_answer_decide(answer, own->decision, NULL);
        CHECK(status == CAUSELOG_OK || status == CAUSELOG_INVALID_ARGUMENT);
    }
}

static causelog_resolver resolver_of(context *own) {
    return (causelog_resolver){causelog_text_from("mine"), 1, resolve, own, destroy};
}

/* Row 1's item in the inbox: its state, its reason and what the resolver failed with ("" if it did not). */
static void check_item(const causelog_replica *replica, causelog_row_state state, causelog_reason_code reason, const char *failure) {
    causelog_inbox *inbox;
    CHECK_OK(causelog_replica_inbox(replica, &inbox, &error));
    CHECK_NUMBER(1, causelog_inbox_count(inbox));
    const causelog_inbox_item *item = causelog_inbox_get(inbox, 0);
    CHECK_STRING(causelog_row_state_name(state), causelog_row_state_name(causelog_inbox_item_state(item)));
    CHECK_STRING(causelog_reason_code_name(reason),
                 causelog_reason_code_name(causelog_report_reason_code(causelog_inbox_item_report(item))));
    causelog_text said = causelog_inbox_item_failure(item);
    char text[512];
    snprintf(text, sizeof text, "%.*s", (int)said.length, said.data != NULL ? said.data : "");
    if (strstr(text, failure) == NULL || (failure[0] == '\0') != (said.data == NULL)) {
        FAIL_CHECK("the failure is \"%s\", not \"%s\"", text, failure);
    }
    causelog_inbox_free(inbox);
}

static void a_resolver_sees_the_conflict_and_decides(void) {
    context own = {.decision = causelog_decision_head(dot_of(1, 2))};
    causelog_resolver resolver = resolver_of(&own);
    pair both = pair_of(STRATEGY, &resolver);
    contest(&both, "base", "from a", "from b");
    check_row(both.a, 1, "from a", CAUSELOG_ROW_STATE_RESOLVED);
    check_row(both.b, 1, "from a", CAUSELOG_ROW_STATE_RESOLVED);
    /* Each asks once, and once more with the heads in another order; the answer is kept. */
    CHECK_NUMBER(4, own.calls);
    causelog_reports *reports;
    const causelog_report *report = only_conflict(both.a, &reports);
    CHECK_NUMBER(CAUSELOG_REASON_CODE_CUSTOM, causelog_report_reason_code(report));
    CHECK_VIEW(STRATEGY, causelog_report_strategy(report));
    causelog_reports_free(reports);
    CHECK_NUMBER(4, own.calls);
    CHECK_NUMBER(0, own.destroyed);
    free_pair(&both);
    CHECK_NUMBER(2, own.destroyed);
}

static void a_resolver_leaves_it_to_somebody(void) {
    context own = {.decision = causelog_decision_defer()};
    causelog_resolver resolver = resolver_of(&own);
    pair both = pair_of(STRATEGY, &resolver);
    contest(&both, NULL, "from a", "from b");
    check_item(both.a, CAUSELOG_ROW_STATE_PENDING, CAUSELOG_REASON_CODE_DEFERRED, "");
    free_pair(&both);
}

/* Notes down what it was asked. */
typedef struct asked {
    causelog_conflict_class class;
    bool ancestor_is_live;
    char ancestor[16];
} asked;

static void note(void *given, const causelog_row_conflict *conflict, causelog_answer *answer) {
    asked *noted = given;
    noted->class = causelog_row_conflict_class(conflict);
    noted->ancestor_is_live = causelog_row_conflict_ancestor_is_live(conflict);
    causelog_bytes ancestor = causelog_row_conflict_ancestor(conflict);
    if (ancestor.data != NULL) {
        snprintf(noted->ancestor, sizeof noted->ancestor, "%.*s", (int)ancestor.length, (const char *)ancestor.data);
    } else {
        strcpy(noted->ancestor, "none");
    }
    /* The last answer counts. */
    CHECK_OK(causelog_answer_fail(answer, causelog_text_from("not this"), &error));
    CHECK_OK(causelog_answer_decide(answer, causelog_decision_delete(), &error));
}

static void a_resolver_is_told_what_the_row_was(void) {
    asked noted;
    const causelog_resolver resolver = {causelog_text_from("mine"), 1, note, &noted, NULL};
    pair both = pair_of(STRATEGY, &resolver);
    contest(&both, "base", "from a", NULL);
    check_row(both.a, 1, NULL, CAUSELOG_ROW_STATE_NONE);
    CHECK_NUMBER(CAUSELOG_CONFLICT_CLASS_UPDATE_DELETE, noted.class);
    CHECK(noted.ancestor_is_live);
    CHECK_STRING("base", noted.ancestor);
    free_pair(&both);
    both = pair_of(STRATEGY, &resolver);
    contest(&both, NULL, "from a", "from b");
    check_row(both.a, 1, NULL, CAUSELOG_ROW_STATE_NONE);
    CHECK_NUMBER(CAUSELOG_CONFLICT_CLASS_INSERT_INSERT, noted.class);
    CHECK(!noted.ancestor_is_live);
    CHECK_STRING("none", noted.ancestor);
    free_pair(&both);
}

static void a_resolver_gives_a_value(void) {
    char value[] = "mine";
    context own = {.decision = causelog_decision_value(causelog_bytes_from(value))};
    causelog_resolver resolver = resolver_of(&own);
    pair both = pair_of(STRATEGY, &resolver);
    contest(&both, "base", "from a", "from b");
    /* It was copied. */
    memset(value, '?', sizeof value - 1);
    check_row(both.a, 1, "mine", CAUSELOG_ROW_STATE_RESOLVED);
    check_row(both.b, 1, "mine", CAUSELOG_ROW_STATE_RESOLVED);
    causelog_reports *reports;
    const causelog_report *report = only_conflict(both.a, &reports);
    CHECK_NUMBER(CAUSELOG_WINNER_TYPE_MERGED, causelog_report_winner_type(report));
    CHECK(!causelog_report_winner(report, NULL));
    causelog_reports_free(reports);
    free_pair(&both);
}

static void what_a_resolver_fails_with_is_in_the_inbox(void) {
    static const struct {
        context does;
        const char *failure;
    } cases[] = {
        {{.failure = "out of luck"}, "out of luck"},
        {{.silent = true}, "returned without an answer"},
        {{.decision = {9, {{{0}}, 0}, {NULL, 0}}}, "decision has type 9"},
        {{.decision = {CAUSELOG_DECISION_VALUE, {{{0}}, 0}, {NULL, 0}}}, "decision.value is NULL"},
        {{.decision = {CAUSELOG_DECISION_VALUE, {{{0}}, 0}, {NULL, 4}}}, "decision.value is NULL, but its length is 4"},
        {{.decision = {CAUSELOG_DECISION_HEAD, {{{0}}, 1}, {NULL, 0}}}, "none of the heads"},
        {{.first_head = true}, "in another order"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        context own = cases[index].does;
        causelog_resolver resolver = resolver_of(&own);
        pair both = pair_of(STRATEGY, &resolver);
        contest(&both, "base", "from a", "from b");
        check_row(both.a, 1, "from b", CAUSELOG_ROW_STATE_UNRESOLVED);
        check_item(both.a, CAUSELOG_ROW_STATE_UNRESOLVED, CAUSELOG_REASON_CODE_RESOLVER_FAILED, cases[index].failure);
        CHECK_FAILS(CAUSELOG_UNRESOLVED, "waits for a resolver",
                    causelog_replica_update(both.a, TABLE, ROW(1), causelog_bytes_from("x"), NULL, &error));
        CHECK_FAILS(CAUSELOG_UNRESOLVED, "waits for a resolver",
                    causelog_replica_patch(both.a, TABLE, ROW(1), causelog_bytes_from("{}"), NULL, 0, NULL, &error));

        /* Another one is asked anew, and ends the one in its place. */
        context better = {.decision = causelog_decision_head(dot_of(1, 2))};
        causelog_resolver second = resolver_of(&better);
        CHECK_OK(causelog_replica_register_resolver(both.a, &second, &error));
        CHECK_NUMBER(1, own.destroyed);
        check_row(both.a, 1, "from a", CAUSELOG_ROW_STATE_RESOLVED);
        CHECK_NUMBER(2, better.calls);
        free_pair(&both);
        CHECK(own.destroyed == 2 && better.destroyed == 1);
    }
}

static void a_resolver_is_trusted_if_that_is_wanted(void) {
    context own = {.first_head = true};
    causelog_resolver resolver = resolver_of(&own);
    causelog_registry *registry = registry_of(STRATEGY);
    const int32_t no = 0;
    causelog_replica_options options = CAUSELOG_REPLICA_OPTIONS_INIT;
    options.registry = registry;
    options.resolvers = &resolver;
    options.resolver_count = 1;
    options.check_resolvers = &no;
    causelog_replica *trusting, *other = replica_of(2, NULL, NULL, NULL, NULL);
    CHECK_OK(causelog_replica_in_memory(&options, &trusting, &error));
    CHECK_OK(causelog_replica_insert(trusting, TABLE, ROW(1), causelog_bytes_from("one"), NULL, &error));
    CHECK_OK(causelog_replica_insert(other, TABLE, ROW(1), causelog_bytes_from("two"), NULL, &error));
    CHECK_OK(causelog_sync(trusting, other, NULL, &error));
    causelog_replica_row *row;
    CHECK_OK(causelog_replica_get(trusting, TABLE, ROW(1), &row, &error));
    CHECK_NUMBER(CAUSELOG_ROW_STATE_RESOLVED, causelog_replica_row_state(row));
    CHECK_NUMBER(1, own.calls);
    causelog_replica_row_free(row);
    causelog_replica_free(trusting);
    causelog_replica_free(other);
    causelog_registry_free(registry);
}

static void a_missing_resolver_is_waited_for(void) {
    pair both = pair_of(STRATEGY, NULL);
    contest(&both, "base", "from a", "from b");
    check_item(both.a, CAUSELOG_ROW_STATE_UNRESOLVED, CAUSELOG_REASON_CODE_RESOLVER_MISSING, "");
    context own = {.decision = causelog_decision_head(dot_of(1, 2))};
    causelog_resolver resolver = resolver_of(&own);
    resolver.version = 2;
    CHECK_OK(causelog_replica_register_resolver(both.a, &resolver, &error));
    check_item(both.a, CAUSELOG_ROW_STATE_UNRESOLVED, CAUSELOG_REASON_CODE_RESOLVER_MISSING, "");
    resolver.version = 1;
    CHECK_OK(causelog_replica_register_resolver(both.a, &resolver, &error));
    check_row(both.a, 1, "from a", CAUSELOG_ROW_STATE_RESOLVED);
    CHECK_NUMBER(0, own.destroyed);
    free_pair(&both);
    CHECK_NUMBER(2, own.destroyed);
}

static void a_resolver_reads_its_replica_and_may_not_write(void) {
    context own = {.decision = causelog_decision_head(dot_of(1, 2))};
    causelog_resolver resolver = resolver_of(&own);
    pair both = pair_of(STRATEGY, NULL);
    CHECK_OK(causelog_replica_register_resolver(both.b, &resolver, &error));
    insert_row(&both, both.b, 2, "two");
    own.reads = own.writes = both.b;
    own.read = own.written = CAUSELOG_INTERNAL;
    contest(&both, "base", "from a", "from b");
    CHECK_NUMBER(CAUSELOG_OK, own.read);
    CHECK_STRING("RESOLVER_FAILED", causelog_status_name(own.written));
    CHECK_NUMBER(2, own.calls);
    check_row(both.b, 1, "from a", CAUSELOG_ROW_STATE_RESOLVED);
    check_row(both.b, 7, NULL, CAUSELOG_ROW_STATE_NONE);
    /* Afterwards it may be written to again. */
    update_row(&both, both.b, 1, "settled");
    free_pair(&both);
}

static void a_custom_answer_is_kept_on_disk(void) {
    static char path[512];
    snprintf(path, sizeof path, "%s", scratch_path("custom"));
    context own = {.decision = causelog_decision_head(dot_of(1, 1))};
    causelog_resolver resolver = resolver_of(&own);
    causelog_time *time = causelog_time_new(1000);
    causelog_replica *a = replica_of(1, path, STRATEGY, &resolver, time), *b = replica_of(2, NULL, STRATEGY, NULL, time);
    CHECK_OK(causelog_replica_insert(a, TABLE, ROW(1), causelog_bytes_from("from a"), NULL, &error));
    CHECK_OK(causelog_replica_insert(b, TABLE, ROW(1), causelog_bytes_from("from b"), NULL, &error));
    CHECK_OK(causelog_sync(a, b, NULL, &error));
    check_row(a, 1, "from a", CAUSELOG_ROW_STATE_RESOLVED);
    CHECK_NUMBER(2, own.calls);
    causelog_replica_free(a);
    CHECK_NUMBER(1, own.destroyed);
    /* Nobody has to be asked again. */
    a = replica_of(1, path, NULL, NULL, time);
    check_row(a, 1, "from a", CAUSELOG_ROW_STATE_RESOLVED);
    causelog_replica_free(a);
    causelog_replica_free(b);
    causelog_time_free(time);
}

static void what_if_asks_and_keeps_nothing(void) {
    context own = {.decision = causelog_decision_head(dot_of(1, 2))};
    causelog_resolver resolver = resolver_of(&own);
    pair both = pair_of("last_write_wins", &resolver);
    contest(&both, "base", "from a", "from b");
    causelog_registry *custom = registry_of(STRATEGY);
    for (int round = 1; round <= 2; round++) {
        causelog_what_ifs *answers;
        CHECK_OK(causelog_replica_what_if(both.a, custom, NULL, &answers, &error));
        CHECK(causelog_what_ifs_differs(answers, 0));
        CHECK_VIEW("from a", causelog_report_value(causelog_what_ifs_would_be(answers, 0)));
        causelog_what_ifs_free(answers);
        CHECK_NUMBER(2 * round, own.calls);
    }
    causelog_registry_free(custom);
    free_pair(&both);
}

static void what_is_no_resolver_is_refused(void) {
    context own = {.silent = true};
    causelog_resolver resolver = resolver_of(&own);
    causelog_replica *replica = replica_of(1, NULL, NULL, NULL, NULL), *second;
    resolver.name = (causelog_text){NULL, 0};
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "resolver.name is empty", causelog_replica_register_resolver(replica, &resolver, &error));
    resolver.name = causelog_text_from("\xff");
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "resolver.name is not UTF-8", causelog_replica_register_resolver(replica, &resolver, &error));
    resolver = resolver_of(&own);
    resolver.resolve = NULL;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "resolver.resolve is NULL", causelog_replica_register_resolver(replica, &resolver, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "resolver is NULL", causelog_replica_register_resolver(replica, NULL, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "replica is NULL", causelog_replica_register_resolver(NULL, &resolver, &error));

    causelog_resolver several[2] = {resolver_of(&own), resolver};
    causelog_replica_options options = CAUSELOG_REPLICA_OPTIONS_INIT;
    options.resolvers = several;
    options.resolver_count = 2;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "element 1 of options.resolvers.resolve is NULL",
                causelog_replica_in_memory(&options, &second, &error));
    causelog_registry *unsound = registry_of("{\"kind\":\"custom\",\"name\":\"\",\"version\":1}");
    options.resolver_count = 1;
    options.registry = unsound;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "default", causelog_replica_in_memory(&options, &second, &error));
    causelog_registry_free(unsound);
    CHECK_OK(causelog_replica_close(replica, &error));
    resolver = resolver_of(&own);
    CHECK_FAILS(CAUSELOG_CLOSED, "", causelog_replica_register_resolver(replica, &resolver, &error));
    causelog_replica_free(replica);
    /* What was refused stays the caller's. */
    CHECK_NUMBER(0, own.destroyed);
}

#define THREADS 4
#define ROUNDS 50

static void *read_conflicts(void *shared) {
    for (int round = 0; round < ROUNDS; round++) {
        causelog_reports *reports;
        CHECK(causelog_replica_conflicts(shared, &reports, NULL) == CAUSELOG_OK);
        CHECK(causelog_reports_count(reports) == 1);
        CHECK_VIEW("from a", causelog_report_value(causelog_reports_get(reports, 0)));
        causelog_reports_free(reports);
    }
    return NULL;
}

static void a_resolver_is_called_by_several_threads_at_once(void) {
    context own = {.decision = causelog_decision_head(dot_of(1, 2))};
    causelog_resolver resolver = resolver_of(&own);
    pair both = pair_of(STRATEGY, NULL);
    contest(&both, "base", "from a", "from b");
    CHECK_OK(causelog_replica_register_resolver(both.a, &resolver, &error));
    pthread_t threads[THREADS];
    for (int index = 0; index < THREADS; index++) {
        CHECK(pthread_create(&threads[index], NULL, read_conflicts, (void *)both.a) == 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        CHECK_OK(causelog_replica_register_resolver(both.a, &resolver, &error));
    }
    for (int index = 0; index < THREADS; index++) {
        CHECK(pthread_join(threads[index], NULL) == 0);
    }
    CHECK(own.calls >= 2);
    free_pair(&both);
    CHECK_NUMBER(ROUNDS + 1, own.destroyed);
}

int main(void) {
    RUN(a_resolver_sees_the_conflict_and_decides);
    RUN(a_resolver_leaves_it_to_somebody);
    RUN(a_resolver_is_told_what_the_row_was);
    RUN(a_resolver_gives_a_value);
    RUN(what_a_resolver_fails_with_is_in_the_inbox);
    RUN(a_resolver_is_trusted_if_that_is_wanted);
    RUN(a_missing_resolver_is_waited_for);
    RUN(a_resolver_reads_its_replica_and_may_not_write);
    RUN(a_custom_answer_is_kept_on_disk);
    RUN(what_if_asks_and_keeps_nothing);
    RUN(what_is_no_resolver_is_refused);
    RUN(a_resolver_is_called_by_several_threads_at_once);
    remove_scratch();
    return 0;
}
