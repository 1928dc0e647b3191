#include "replicas.h"

causelog_registry *registry_of(const char *strategy) {
    causelog_registry *registry;
    CHECK_OK(causelog_registry_new(causelog_text_from(strategy), &registry, &error));
    return registry;
}

causelog_replica *replica_of(unsigned char number, const char *path, const char *strategy, const causelog_resolver *resolver,
                             const causelog_time *time) {
    causelog_uuid node = node_of(number);
    causelog_log_options log = CAUSELOG_LOG_OPTIONS_INIT;
    log.node = &node;
    log.time = time;
    causelog_replica_options options = CAUSELOG_REPLICA_OPTIONS_INIT;
    options.log = &log;
    causelog_registry *registry = strategy != NULL ? registry_of(strategy) : NULL;
    options.registry = registry;
    options.resolvers = resolver;
    options.resolver_count = resolver != NULL ? 1 : 0;
    causelog_replica *replica;
    if (path == NULL) {
        CHECK_OK(causelog_replica_in_memory(&options, &replica, &error));
    } else {
        CHECK_OK(causelog_replica_open(causelog_text_from(path), &options, &replica, &error));
    }
    causelog_registry_free(registry);
    return replica;
}

pair pair_of(const char *strategy, const causelog_resolver *resolver) {
    pair both;
    both.time = causelog_time_new(1000);
    both.a = replica_of(1, NULL, strategy, resolver, both.time);
    both.b = replica_of(2, NULL, strategy, resolver, both.time);
    return both;
}

void free_pair(pair *both) {
    causelog_replica_free(both->a);
    causelog_replica_free(both->b);
    causelog_time_free(both->time);
}

void exchange(const pair *both) {
    CHECK_OK(causelog_sync(both->a, both->b, NULL, &error));
}

static void move_on(const pair *both) {
    CHECK_OK(causelog_time_advance(both->time, 100, &error));
}

void insert_row(const pair *both, const causelog_replica *replica, int64_t row, const char *after) {
    CHECK_OK(causelog_replica_insert(replica, TABLE, ROW(row), causelog_bytes_from(after), NULL, &error));
    move_on(both);
}

void update_row(const pair *both, const causelog_replica *replica, int64_t row, const char *after) {
    CHECK_OK(causelog_replica_update(replica, TABLE, ROW(row), causelog_bytes_from(after), NULL, &error));
    move_on(both);
}

void delete_row(const pair *both, const causelog_replica *replica, int64_t row) {
    CHECK_OK(causelog_replica_delete(replica, TABLE, ROW(row), NULL, &error));
    move_on(both);
}

static void write_row(const pair *both, const causelog_replica *replica, bool is_there, const char *after) {
    if (after == NULL) {
        delete_row(both, replica, 1);
    } else if (is_there) {
        update_row(both, replica, 1, after);
    } else {
        insert_row(both, replica, 1, after);
    }
}

void contest(const pair *both, const char *base, const char *of_a, const char *of_b) {
    if (base != NULL) {
        insert_row(both, both->a, 1, base);
        exchange(both);
    }
    write_row(both, both->a, base != NULL, of_a);
    write_row(both, both->b, base != NULL, of_b);
    exchange(both);
}

void check_row(const causelog_replica *replica, int64_t row, const char *value, causelog_row_state state) {
    causelog_replica_row *found;
    CHECK_OK(causelog_replica_get(replica, TABLE, ROW(row), &found, &error));
    CHECK((found == NULL) == (value == NULL));
    if (found != NULL) {
        CHECK_VIEW(value, causelog_replica_row_value(found));
        CHECK_STRING(causelog_row_state_name(state), causelog_row_state_name(causelog_replica_row_state(found)));
        CHECK(causelog_replica_row_row_id(found)->integer == row);
    }
    causelog_replica_row_free(found);
}

causelog_heads *heads_of(const causelog_replica *replica, int64_t row) {
    causelog_heads *heads;
    CHECK_OK(causelog_replica_heads(replica, TABLE, ROW(row), &heads, &error));
    return heads;
}

const causelog_report *only_conflict(const causelog_replica *replica, causelog_reports **list) {
    CHECK_OK(causelog_replica_conflicts(replica, list, &error));
    CHECK_NUMBER(1, causelog_reports_count(*list));
    CHECK(causelog_reports_get(*list, 1) == NULL);
    return causelog_reports_get(*list, 0);
}
