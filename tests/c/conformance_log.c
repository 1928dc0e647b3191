/* The conformance vectors of queries, and of how things stood. */

#include "vectors.h"

/* What the files call logs, as long as one of them is read. */
static const json_value *logs[8];
static size_t log_count;

static void remember_log(const json_value *vector) {
    CHECK(log_count < sizeof logs / sizeof *logs);
    logs[log_count++] = vector;
}

static const json_value *transactions_of(const json_value *vector) {
    const char *name = string_member(vector, "log");
    for (size_t index = 0; index < log_count; index++) {
        if (strcmp(string_member(logs[index], "name"), name) == 0) {
            return member(logs[index], "transactions");
        }
    }
    FAIL_CHECK("no log %s", name);
}

static void append(const causelog_log *log, const json_value *value) {
    causelog_changes *changes = causelog_changes_new();
    const json_value *list = member(value, "changes"), *names = member(value, "dependencies");
    for (size_t index = 0; index < list->count; index++) {
        owned_change change;
        read_change(&list->elements[index], &change);
        CHECK_OK(causelog_changes_add(changes, &change.change, &error));
        free_change(&change);
    }
    causelog_dot dependencies[16];
    CHECK(names->count <= 16);
    for (size_t index = 0; index < names->count; index++) {
        const json_value *name = &names->elements[index];
        CHECK_OK(causelog_dot_parse((causelog_text){name->text, name->length}, &dependencies[index], &error));
    }
    const causelog_dot dot = {uuid_member(value, "node"), unsigned_member(value, "sequence")};
    causelog_transaction *transaction;
    CHECK_OK(causelog_transaction_new(dot, dependencies, names->count, signed_member(value, "timestamp"), changes,
                                      &transaction, &error));
    CHECK_OK(causelog_log_append_remote(log, transaction, NULL, &error));
    causelog_transaction_free(transaction);
    causelog_changes_free(changes);
}

/* Appends the case's transactions from this one on, so many of them at most. */
static void append_some(const causelog_log *log, const json_value *vector, size_t first, size_t count) {
    const json_value *transactions = transactions_of(vector);
    for (size_t index = first; index < transactions->count && index - first < count; index++) {
        append(log, &transactions->elements[index]);
    }
}

/* The case's log with its first so many transactions. */
static causelog_log *begin(const json_value *vector, size_t count) {
    causelog_uuid node;
    CHECK_OK(causelog_uuid_parse(causelog_text_from("dddddddd-0000-4000-8000-000000000004"), &node, &error));
    causelog_time *time = causelog_time_new(INT64_MAX);
    causelog_log_options options = CAUSELOG_LOG_OPTIONS_INIT;
    options.node = &node;
    options.time = time;
    causelog_log *log;
    CHECK_OK(causelog_log_in_memory(&options, &log, &error));
    causelog_time_free(time);
    append_some(log, vector, 0, count);
    return log;
}

static void close_if_wanted(const json_value *vector, const causelog_log *log) {
    if (json_get(vector, "closed") != NULL) {
        CHECK_OK(causelog_log_close(log, &error));
    }
}

/* The LSNs of what a cursor gives are these; frees it. */
static void check_lsns(const json_value *expected, causelog_cursor *cursor) {
    for (size_t index = 0;; index++) {
        const causelog_entry *entry;
        CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
        if (entry == NULL) {
            CHECK_NUMBER(expected->count, index);
            break;
        }
        CHECK(index < expected->count);
        CHECK_NUMBER(strtoull(expected->elements[index].text, NULL, 10), causelog_entry_lsn(entry));
    }
    causelog_cursor_free(cursor);
}

/* Query options, with memory for what they point to. */
typedef struct owned_options {
    causelog_query_options options;
    causelog_text tables[8];
    owned_row row;
    bool has_row;
    causelog_uuid node;
    causelog_dot transaction;
    causelog_clock *unseen_by;
    uint64_t until, limit;
    int64_t since_time, until_time;
} owned_options;

static void read_option(const json_value *values, const char *name, owned_options *owned) {
    causelog_query_options *options = &owned->options;
    if (strcmp(name, "tables") == 0) {
        const json_value *tables = member(values, name);
        CHECK(tables->count <= sizeof owned->tables / sizeof *owned->tables);
        for (size_t index = 0; index < tables->count; index++) {
            owned->tables[index] = (causelog_text){tables->elements[index].text, tables->elements[index].length};
        }
        options->tables = owned->tables;
        options->table_count = tables->count;
    } else if (strcmp(name, "row_id") == 0) {
        read_row(member(values, name), &owned->row);
        owned->has_row = true;
        options->row_id = &owned->row.row_id;
    } else if (strcmp(name, "operation") == 0) {
        options->operation = operation_of(text_member(values, name));
    } else if (strcmp(name, "node") == 0) {
        owned->node = uuid_member(values, name);
        options->node = &owned->node;
    } else if (strcmp(name, "transaction") == 0) {
        owned->transaction = dot_member(values, name);
        options->transaction = &owned->transaction;
    } else if (strcmp(name, "unseen_by") == 0) {
        owned->unseen_by = clock_member(values, name);
        options->unseen_by = owned->unseen_by;
    } else if (strcmp(name, "since") == 0) {
        options->since = unsigned_member(values, name);
    } else if (strcmp(name, "until") == 0) {
        owned->until = unsigned_member(values, name);
        options->until = &owned->until;
    } else if (strcmp(name, "since_time") == 0) {
        owned->since_time = signed_member(values, name);
        options->since_time = &owned->since_time;
    } else if (strcmp(name, "until_time") == 0) {
        owned->until_time = signed_member(values, name);
        options->until_time = &owned->until_time;
    } else if (strcmp(name, "limit") == 0) {
        owned->limit = unsigned_member(values, name);
        options->limit = &owned->limit;
    } else if (strcmp(name, "reverse") == 0) {
        options->reverse = bool_member(values, name);
    } else {
        FAIL_CHECK("no option: %s", name);
    }
}

/* Reads a case's options into *owned, which must stay where it is; free them with free_options. */
static void read_options(const json_value *vector, owned_options *owned) {
    const json_value *values = member(vector, "options");
    memset(owned, 0, sizeof *owned);
    owned->options = (causelog_query_options)CAUSELOG_QUERY_OPTIONS_INIT;
    CHECK(values->type == JSON_OBJECT);
    for (size_t index = 0; index < values->count; index++) {
        read_option(values, values->members[index].name, owned);
    }
}

static void free_options(owned_options *owned) {
    if (owned->has_row) {
        free_row(&owned->row);
    }
    causelog_clock_free(owned->unseen_by);
}

static void query(const json_value *vector) {
    causelog_log *log = begin(vector, SIZE_MAX);
    owned_options options;
    read_options(vector, &options);
    causelog_cursor *cursor;
    CHECK_OK(causelog_log_query(log, &options.options, &cursor, &error));
    check_lsns(member(vector, "lsns"), cursor);
    free_options(&options);
    causelog_log_free(log);
}

/* An operation that is none is refused already where its name is read. */
static bool refused_by_name(const json_value *vector) {
    const json_value *name = json_get(member(vector, "options"), "operation");
    if (name == NULL) {
        return false;
    }
    causelog_operation operation;
    check_error(vector, causelog_operation_parse((causelog_text){name->text, name->length}, &operation, &error), &error);
    return true;
}

static void refused_query(const json_value *vector) {
    if (refused_by_name(vector)) {
        return;
    }
    causelog_log *log = begin(vector, SIZE_MAX);
    close_if_wanted(vector, log);
    owned_options options;
    read_options(vector, &options);
    causelog_cursor *cursor;
    check_error(vector, causelog_log_query(log, &options.options, &cursor, &error), &error);
    free_options(&options);
    causelog_log_free(log);
}

static causelog_moment moment_of(const json_value *vector) {
    const json_value *at = member(vector, "at");
    if (at->type == JSON_STRING) {
        CHECK_STRING("now", at->text);
        return causelog_moment_now();
    }
    return json_get(at, "lsn") != NULL ? causelog_moment_at_lsn(unsigned_member(at, "lsn"))
                                       : causelog_moment_at_time(signed_member(at, "time"));
}

static bool same_row_id(const causelog_row_id *one, const causelog_row_id *other) {
    causelog_buffer *left, *right;
    CHECK_OK(causelog_row_id_encode(one, &left, &error));
    CHECK_OK(causelog_row_id_encode(other, &right, &error));
    causelog_bytes a = causelog_buffer_bytes(left), b = causelog_buffer_bytes(right);
    bool same = a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
    causelog_buffer_free(left);
    causelog_buffer_free(right);
    return same;
}

static void check_row(const json_value *expected, const causelog_row *row) {
    CHECK((row == NULL) == (expected->type == JSON_NULL));
    if (row == NULL) {
        return;
    }
    owned_row row_id;
    read_row(member(expected, "row_id"), &row_id);
    CHECK(same_row_id(&row_id.row_id, causelog_row_row_id(row)));
    free_row(&row_id);
    check_payload(member(expected, "value"), causelog_row_value(row));
    CHECK_NUMBER(unsigned_member(expected, "lsn"), causelog_row_lsn(row));
    CHECK(signed_member(expected, "timestamp") == causelog_row_timestamp(row));
    check_dot(member(expected, "dot"), causelog_row_dot(row));
}

/* The snapshot has the LSN and the rows of `expected`, by whichever way they are asked for. Frees it. */
static void check_snapshot(const json_value *expected, causelog_snapshot *snapshot) {
    const json_value *rows = member(expected, "rows");
    CHECK_NUMBER(unsigned_member(expected, "lsn"), causelog_snapshot_lsn(snapshot));
    CHECK_NUMBER(rows->count, causelog_snapshot_count(snapshot));
    causelog_row_cursor *cursor = causelog_snapshot_rows(snapshot);
    for (size_t index = 0; index < rows->count; index++) {
        const causelog_row *row = causelog_row_cursor_next(cursor);
        CHECK(row != NULL);
        check_row(&rows->elements[index], row);
        causelog_row *found;
        CHECK_OK(causelog_snapshot_get(snapshot, *causelog_row_row_id(row), &found, &error));
        CHECK(found != NULL);
        check_row(&rows->elements[index], found);
        causelog_row_free(found);
    }
    CHECK(causelog_row_cursor_next(cursor) == NULL);
    causelog_row_cursor_free(cursor);
    causelog_snapshot_free(snapshot);
}

static void state(const json_value *vector) {
    causelog_log *log = begin(vector, SIZE_MAX);
    owned_row row_id;
    read_row(member(vector, "row_id"), &row_id);
    causelog_row *row;
    CHECK_OK(causelog_log_state_at(log, text_member(vector, "table"), row_id.row_id, moment_of(vector), &row, &error));
    check_row(member(vector, "row"), row);
    causelog_row_free(row);
    free_row(&row_id);
    causelog_log_free(log);
}

static void snapshot(const json_value *vector) {
    causelog_log *log = begin(vector, SIZE_MAX);
    causelog_snapshot *then;
    CHECK_OK(causelog_log_snapshot(log, text_member(vector, "table"), moment_of(vector), &then, &error));
    CHECK_VIEW(string_member(vector, "table"), causelog_snapshot_table(then));
    check_snapshot(vector, then);
    causelog_log_free(log);
}

static void history(const json_value *vector) {
    causelog_log *log = begin(vector, SIZE_MAX);
    owned_row row_id;
    read_row(member(vector, "row_id"), &row_id);
    causelog_cursor *cursor;
    CHECK_OK(causelog_log_history(log, text_member(vector, "table"), row_id.row_id, &cursor, &error));
    check_lsns(member(vector, "lsns"), cursor);
    free_row(&row_id);
    causelog_log_free(log);
}

static void view(const json_value *vector) {
    size_t count = (size_t)unsigned_member(vector, "transactions");
    causelog_log *log = begin(vector, count);
    causelog_view *table;
    CHECK_OK(causelog_log_materialise(log, text_member(vector, "table"), &table, &error));
    CHECK_VIEW(string_member(vector, "table"), causelog_view_table(table));
    check_snapshot(vector, causelog_view_snapshot(table));
    const json_value *refreshes = member(vector, "refreshes");
    for (size_t index = 0; index < refreshes->count; index++) {
        const json_value *refresh = &refreshes->elements[index];
        size_t more = (size_t)unsigned_member(refresh, "append");
        append_some(log, vector, count, more);
        count += more;
        uint64_t taken;
        CHECK_OK(causelog_view_refresh(table, &taken, &error));
        CHECK_NUMBER(unsigned_member(refresh, "taken"), taken);
        CHECK_NUMBER(unsigned_member(refresh, "lsn"), causelog_view_lsn(table));
        CHECK_NUMBER(member(refresh, "rows")->count, causelog_view_count(table));
        check_snapshot(refresh, causelog_view_snapshot(table));
    }
    causelog_view_free(table);
    causelog_log_free(log);
}

static void refused_time_travel(const json_value *vector) {
    causelog_log *log = begin(vector, SIZE_MAX);
    causelog_view *made;
    CHECK_OK(causelog_log_materialise(log, causelog_text_from("t"), &made, &error));
    close_if_wanted(vector, log);
    const char *call = string_member(vector, "call");
    causelog_text table = text_member(vector, "table");
    owned_row row_id = {0};
    if (json_get(vector, "row_id") != NULL) {
        read_row(member(vector, "row_id"), &row_id);
    }
    causelog_cursor *cursor;
    causelog_row *row;
    causelog_snapshot *then;
    causelog_view *another;
    causelog_status status = CAUSELOG_OK;
    if (strcmp(call, "history") == 0) {
        status = causelog_log_history(log, table, row_id.row_id, &cursor, &error);
    } else if (strcmp(call, "state_at") == 0) {
        status = causelog_log_state_at(log, table, row_id.row_id, moment_of(vector), &row, &error);
    } else if (strcmp(call, "snapshot") == 0) {
        status = causelog_log_snapshot(log, table, moment_of(vector), &then, &error);
    } else if (strcmp(call, "materialise") == 0) {
        status = causelog_log_materialise(log, table, &another, &error);
    } else if (strcmp(call, "refresh") == 0) {
        status = causelog_view_refresh(made, NULL, &error);
    } else {
        FAIL_CHECK("no call: %s", call);
    }
    check_error(vector, status, &error);
    free_row(&row_id);
    causelog_view_free(made);
    causelog_log_free(log);
}

int main(int count, char **values) {
    if (count != 2) {
        fputs("usage: conformance_log DIRECTORY\n", stderr);
        return 2;
    }
    static const vector_list queries[] = {{"logs", remember_log}, {"queries", query}, {"refused", refused_query}};
    run_vectors(values[1], "queries.json", queries, 3);
    log_count = 0;
    static const vector_list time_travel[] = {
        {"logs", remember_log}, {"states", state},  {"snapshots", snapshot}, {"histories", history},
        {"views", view},        {"refused", refused_time_travel}};
    run_vectors(values[1], "time_travel.json", time_travel, 6);
    return 0;
}
