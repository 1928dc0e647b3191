/* Strategies as text, and which of them decides which conflict. */

#include "replicas.h"

static void strategies_have_a_kind(void) {
    static const struct {
        const char *text;
        causelog_resolution_kind kind;
    } strategies[] = {
        {"last_write_wins", CAUSELOG_RESOLUTION_KIND_LAST_WRITE_WINS},
        {"first_write_wins", CAUSELOG_RESOLUTION_KIND_FIRST_WRITE_WINS},
        {"{\"kind\":\"node_priority\",\"order\":[\"00000000-0000-0000-0000-000000000001\"]}",
         CAUSELOG_RESOLUTION_KIND_NODE_PRIORITY},
        {"vector_clock_causal", CAUSELOG_RESOLUTION_KIND_VECTOR_CLOCK_CAUSAL},
        {"{\"kind\":\"vector_clock_causal\",\"fallback\":\"first_write_wins\"}",
         CAUSELOG_RESOLUTION_KIND_VECTOR_CLOCK_CAUSAL},
        {"{\"kind\":\"delete_wins\",\"fallback\":\"last_write_wins\"}", CAUSELOG_RESOLUTION_KIND_DELETE_WINS},
        {"{\"kind\":\"update_wins\",\"fallback\":\"manual\"}", CAUSELOG_RESOLUTION_KIND_UPDATE_WINS},
        {"{\"kind\":\"field_merge\",\"liveness\":\"delete_wins\",\"fields\":{\"n\":\"counter\"}}",
         CAUSELOG_RESOLUTION_KIND_FIELD_MERGE},
        {"manual", CAUSELOG_RESOLUTION_KIND_MANUAL},
        {"{\"kind\":\"custom\",\"name\":\"mine\",\"version\":3}", CAUSELOG_RESOLUTION_KIND_CUSTOM},
    };
    for (size_t index = 0; index < sizeof strategies / sizeof *strategies; index++) {
        const causelog_text text = causelog_text_from(strategies[index].text);
        causelog_resolution_kind kind;
        CHECK_OK(causelog_resolution_kind_of(text, &kind, &error));
        CHECK_NUMBER(strategies[index].kind, kind);
        CHECK(strstr(strategies[index].text, causelog_resolution_kind_name(kind)) != NULL);
        CHECK_OK(causelog_resolution_validate(text, &error));

        /* What is given back is what was given. */
        causelog_detector *detector;
        CHECK_OK(causelog_detector_new(text, NULL, &detector, &error));
        CHECK_VIEW(strategies[index].text, causelog_detector_resolution(detector));
        causelog_detector_free(detector);
    }
}

static void what_is_no_strategy_is_refused(void) {
    static const struct {
        const char *text, *why;
    } malformed[] = {
        {"", "unknown conflict resolution"},
        {"mine", "unknown conflict resolution \"mine\""},
        {"delete_wins", "has parameters"},
        {"{\"kind\":\"mine\"}", "not a conflict resolution"},
        {"{\"kind\":\"delete_wins\"}", "fallback"},
        {"{\"kind\":\"manual\",\"extra\":1}", "not a conflict resolution"},
        {"{\"kind\":\"custom\",\"name\":\"mine\",\"version\":-1}", "not a conflict resolution"},
        {"{", "not a conflict resolution"},
        {"[]", "unknown conflict resolution"},
    };
    causelog_registry *registry = registry_of("last_write_wins"), *made;
    causelog_detector *detector;
    causelog_resolution_kind kind;
    for (size_t index = 0; index < sizeof malformed / sizeof *malformed; index++) {
        const causelog_text text = causelog_text_from(malformed[index].text);
        CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, malformed[index].why, causelog_resolution_kind_of(text, &kind, &error));
        CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, malformed[index].why, causelog_resolution_validate(text, &error));
        CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, malformed[index].why, causelog_detector_new(text, NULL, &detector, &error));
        CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, malformed[index].why, causelog_registry_new(text, &made, &error));
        CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, malformed[index].why, causelog_registry_set_default(registry, text, &error));
    }
    const causelog_text no_utf_8 = causelog_text_from("\xff");
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "resolution is not UTF-8", causelog_detector_new(no_utf_8, NULL, &detector, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "json is not UTF-8", causelog_registry_from_json(no_utf_8, &made, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "is listed twice",
                causelog_resolution_validate(
                    causelog_text_from("{\"kind\":\"node_priority\",\"order\":[\"00000000-0000-0000-0000-000000000001\","
                                       "\"00000000-0000-0000-0000-000000000001\"]}"),
                    &error));
    causelog_registry_free(registry);
}

/* The rule for this table and class is this one, with this strategy. */
static void check_rule(const causelog_registry *registry, const char *table, causelog_conflict_class class, const char *rule,
                       const char *strategy) {
    causelog_buffer *matched, *resolution;
    CHECK_OK(causelog_registry_rule(registry, causelog_text_from(table), class, &matched, &resolution, &error));
    CHECK_BUFFER(rule, matched);
    CHECK_BUFFER(strategy, resolution);
}

static void the_closest_rule_matches(void) {
    causelog_registry *registry = registry_of("last_write_wins");
    const causelog_text stock = causelog_text_from("stock");
    CHECK_OK(causelog_registry_set_table(registry, stock, causelog_text_from("first_write_wins"), &error));
    CHECK_OK(causelog_registry_set_class(registry, stock, CAUSELOG_CONFLICT_CLASS_UPDATE_DELETE,
                                         causelog_text_from("manual"), &error));
    check_rule(registry, "stock", CAUSELOG_CONFLICT_CLASS_UPDATE_DELETE, "stock/update_delete", "manual");
    check_rule(registry, "stock", CAUSELOG_CONFLICT_CLASS_UPDATE_UPDATE, "stock", "first_write_wins");
    check_rule(registry, "orders", CAUSELOG_CONFLICT_CLASS_UPDATE_UPDATE, "default", "last_write_wins");
    CHECK_OK(causelog_registry_set_default(registry, causelog_text_from("manual"), &error));
    check_rule(registry, "orders", CAUSELOG_CONFLICT_CLASS_UPDATE_UPDATE, "default", "manual");
    CHECK_OK(causelog_registry_rule(registry, stock, CAUSELOG_CONFLICT_CLASS_DELETE_DELETE, NULL, NULL, &error));
    causelog_buffer *buffer;
    CHECK_OK(causelog_registry_default_resolution(registry, &buffer, &error));
    CHECK_BUFFER("manual", buffer);
    CHECK_OK(causelog_registry_validate(registry, &error));
    causelog_registry_free(registry);
}

static void a_registry_is_json_and_has_a_fingerprint(void) {
    static const char json[] =
        "{\"default\":\"last_write_wins\",\"tables\":{\"stock\":{\"classes\":{\"update_delete\":\"manual\"}}}}";
    causelog_registry *registry, *same = registry_of("last_write_wins");
    CHECK_OK(causelog_registry_from_json(causelog_text_from(json), &registry, &error));
    causelog_buffer *buffer, *fingerprint, *other;
    CHECK_OK(causelog_registry_to_json(registry, &buffer, &error));
    CHECK_BUFFER(json, buffer);

    CHECK_OK(causelog_registry_fingerprint(registry, &fingerprint, &error));
    CHECK_NUMBER(32, causelog_buffer_bytes(fingerprint).length);
    CHECK_OK(causelog_registry_fingerprint(same, &other, &error));
    CHECK(strcmp(causelog_buffer_text(fingerprint), causelog_buffer_text(other)) != 0);
    causelog_buffer_free(other);
    CHECK_OK(causelog_registry_set_class(same, causelog_text_from("stock"), CAUSELOG_CONFLICT_CLASS_UPDATE_DELETE,
                                         causelog_text_from("manual"), &error));
    CHECK_OK(causelog_registry_fingerprint(same, &other, &error));
    CHECK_STRING(causelog_buffer_text(fingerprint), causelog_buffer_text(other));
    causelog_buffer_free(fingerprint);
    causelog_buffer_free(other);
    causelog_registry_free(registry);
    causelog_registry_free(same);

    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "not a resolver registry",
                causelog_registry_from_json(causelog_text_from("{\"rules\":{}}"), &registry, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "not a resolver registry",
                causelog_registry_from_json(causelog_text_from("{"), &registry, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "not a resolver registry",
                causelog_registry_from_json(causelog_text_from(""), &registry, &error));
}

static void rules_that_contradict_each_other_are_refused(void) {
    causelog_registry *registry = registry_of("last_write_wins");
    const causelog_text stock = causelog_text_from("stock");
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "cannot arise",
                causelog_registry_set_class(registry, stock, CAUSELOG_CONFLICT_CLASS_INSERT_DELETE,
                                            causelog_text_from("manual"), &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "stock",
                causelog_registry_set_class(registry, stock, CAUSELOG_CONFLICT_CLASS_UPDATE_UPDATE,
                                            causelog_text_from("{\"kind\":\"field_merge\"}"), &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "without a name",
                causelog_registry_set_table(registry, causelog_text_from(""), causelog_text_from("manual"), &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "conflict_class is 7, which is no conflict class",
                causelog_registry_set_class(registry, stock, 7, causelog_text_from("manual"), &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "conflict_class is 0", causelog_registry_rule(registry, stock, 0, NULL, NULL, &error));
    /* It stayed as it was. */
    causelog_buffer *buffer;
    CHECK_OK(causelog_registry_to_json(registry, &buffer, &error));
    CHECK_BUFFER("{\"default\":\"last_write_wins\",\"tables\":{}}", buffer);
    causelog_registry_free(registry);

    registry = registry_of("{\"kind\":\"custom\",\"name\":\"\",\"version\":1}");
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "default", causelog_registry_validate(registry, &error));
    causelog_replica *replica;
    causelog_replica_options options = CAUSELOG_REPLICA_OPTIONS_INIT;
    options.registry = registry;
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "default", causelog_replica_in_memory(&options, &replica, &error));
    CHECK_OK(causelog_replica_in_memory(NULL, &replica, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "default", causelog_replica_set_registry(replica, registry, &error));
    causelog_registry_free(registry);
    CHECK_OK(causelog_replica_registry(replica, &registry, &error));
    CHECK_OK(causelog_registry_default_resolution(registry, &buffer, &error));
    CHECK_BUFFER("last_write_wins", buffer);
    causelog_registry_free(registry);
    causelog_replica_free(replica);
}

static void the_custom_resolvers_are_listed(void) {
    causelog_registry *registry = registry_of("{\"kind\":\"custom\",\"name\":\"b\",\"version\":1}");
    CHECK_OK(causelog_registry_set_table(registry, causelog_text_from("t"),
                                         causelog_text_from("{\"kind\":\"delete_wins\",\"fallback\":{\"kind\":\"custom\","
                                                            "\"name\":\"a\",\"version\":4294967295}}"),
                                         &error));
    CHECK_OK(causelog_registry_set_table(registry, causelog_text_from("u"),
                                         causelog_text_from("{\"kind\":\"custom\",\"name\":\"b\",\"version\":1}"), &error));
    causelog_custom_resolvers *resolvers;
    CHECK_OK(causelog_registry_custom_resolvers(registry, &resolvers, &error));
    causelog_registry_free(registry);
    CHECK_NUMBER(2, causelog_custom_resolvers_count(resolvers));
    CHECK_VIEW("a", causelog_custom_resolvers_get(resolvers, 0).name);
    CHECK_NUMBER(4294967295, causelog_custom_resolvers_get(resolvers, 0).version);
    CHECK_VIEW("b", causelog_custom_resolvers_get(resolvers, 1).name);
    CHECK(causelog_custom_resolvers_get(resolvers, 2).name.data == NULL);
    causelog_custom_resolvers_free(resolvers);
}

int main(void) {
    RUN(strategies_have_a_kind);
    RUN(what_is_no_strategy_is_refused);
    RUN(the_closest_rule_matches);
    RUN(a_registry_is_json_and_has_a_fingerprint);
    RUN(rules_that_contradict_each_other_are_refused);
    RUN(the_custom_resolvers_are_listed);
    return 0;
}
