/* `interop write DIR`, `interop dump DIR`: the C side of the test that all languages share one log.
 * It makes the calls, and prints the lines, of the Rust side: demo/rust/src/bin/interop.rs. */

#include <causelog.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NANOSECONDS_PER_MILLISECOND 1000000

static const int64_t NOW = 1700000000123456789;
static const int64_t SECOND = 1000000000;
static causelog_uuid OWN, PEER, FAR;

/* Every call passes its status through here, and the error it may have made. */
static causelog_error *error;

static void check(causelog_status status) {
    if (status == CAUSELOG_OK) {
        return;
    }
    fprintf(stderr, "interop: %s (%s)\n", causelog_error_message(error), causelog_status_name(status));
    exit(EXIT_FAILURE);
}

static causelog_text text(const char *of) {
    return causelog_text_from(of);
}

static causelog_bytes bytes(const char *of) {
    return causelog_bytes_from(of);
}

static causelog_row_id text_id(const char *of) {
    return causelog_row_id_from_text(text(of));
}

static causelog_row_id integer_id(int64_t of) {
    return causelog_row_id_from_integer(of);
}

static const causelog_bytes NONE = { NULL, 0 };

static causelog_change change(const char *row, causelog_operation operation, causelog_bytes before,
                              causelog_bytes after) {
    causelog_change made = CAUSELOG_CHANGE_INIT;
    made.table = text("orders");
    made.row_id = text_id(row);
    made.operation = operation;
    made.before = before;
    made.after = after;
    return made;
}

static causelog_log *open_log(const char *directory, causelog_time *time) {
    causelog_log_options options = CAUSELOG_LOG_OPTIONS_INIT;
    options.node = &OWN;
    options.time = time;
    causelog_log *log;
    check(causelog_log_open(text(directory), &options, &log, &error));
    return log;
}

/* ---- JSON ---- */

static void print_text(causelog_text of) {
    putchar('"');
    for (size_t at = 0; at < of.length; at++) {
        unsigned char byte = (unsigned char)of.data[at];
        if (byte == '"' || byte == '\\') {
            printf("\\%c", byte);
        } else if (byte < 0x20) {
            printf("\\u%04x", byte);
        } else {
            putchar(byte);
        }
    }
    putchar('"');
}

static void print_bytes(causelog_bytes of) {
    if (of.data == NULL) {
        printf("null");
        return;
    }
    putchar('"');
    for (size_t at = 0; at < of.length; at++) {
        printf("%02x", of.data[at]);
    }
    putchar('"');
}

static void print_uuid(causelog_uuid of) {
    char formatted[CAUSELOG_UUID_TEXT_SIZE];
    check(causelog_uuid_format(of, &formatted, &error));
    printf("\"%s\"", formatted);
}

static void print_dot(causelog_dot of) {
    char formatted[CAUSELOG_DOT_TEXT_SIZE];
    check(causelog_dot_format(of, &formatted, &error));
    printf("\"%s\"", formatted);
}

static void print_clock(const causelog_clock *of) {
    putchar('{');
    for (size_t at = 0; at < causelog_clock_length(of); at++) {
        causelog_dot entry = causelog_clock_entry(of, at);
        printf("%s", at > 0 ? "," : "");
        print_uuid(entry.node);
        printf(":\"%" PRIu64 "\"", entry.sequence);
    }
    putchar('}');
}

static void print_row_id(const causelog_row_id *of) {
    switch (of->type) {
    case CAUSELOG_ROW_ID_INTEGER:
        printf("{\"integer\":\"%" PRId64 "\"}", of->integer);
        break;
    case CAUSELOG_ROW_ID_TEXT:
        printf("{\"text\":");
        print_text((causelog_text){ of->data, of->length });
        putchar('}');
        break;
    case CAUSELOG_ROW_ID_BYTES:
        printf("{\"bytes\":");
        print_bytes((causelog_bytes){ of->data, of->length });
        putchar('}');
        break;
    case CAUSELOG_ROW_ID_UUID: {
        causelog_uuid uuid;
        memcpy(uuid.bytes, of->data, sizeof uuid.bytes);
        printf("{\"uuid\":");
        print_uuid(uuid);
        putchar('}');
        break;
    }
    case CAUSELOG_ROW_ID_TUPLE:
        printf("{\"tuple\":[");
        for (size_t at = 0; at < of->element_count; at++) {
            printf("%s", at > 0 ? "," : "");
            print_row_id(&of->elements[at]);
        }
        printf("]}");
        break;
    default:
        printf("null");
    }
}

static void print_change(const causelog_change *of) {
    printf("\"table\":");
    print_text(of->table);
    printf(",\"row_id\":");
    print_row_id(&of->row_id);
    printf(",\"operation\":\"%s\",\"before\":", causelog_operation_name(of->operation));
    print_bytes(of->before);
    printf(",\"after\":");
    print_bytes(of->after);
    printf(",\"metadata\":{");
    for (size_t at = 0; at < of->metadata_count; at++) {
        printf("%s", at > 0 ? "," : "");
        print_text(of->metadata[at].key);
        putchar(':');
        print_text(of->metadata[at].value);
    }
    putchar('}');
}

static void print_lsn(uint64_t lsn) {
    if (lsn == 0) {
        printf("null");
    } else {
        printf("\"%" PRIu64 "\"", lsn);
    }
}

/* Rounded down, before the epoch as well. */
static void print_milliseconds(bool known, int64_t nanoseconds) {
    int64_t milliseconds = nanoseconds / NANOSECONDS_PER_MILLISECOND;
    milliseconds -= nanoseconds % NANOSECONDS_PER_MILLISECOND < 0;
    if (known) {
        printf("\"%" PRId64 "\"", milliseconds);
    } else {
        printf("null");
    }
}

/* ---- write ---- */

static void show(causelog_appended appended) {
    printf("{\"transaction\":");
    print_dot(appended.transaction);
    printf(",\"timestamp\":\"%" PRId64 "\",\"first_lsn\":", appended.timestamp);
    print_lsn(appended.first_lsn);
    printf(",\"last_lsn\":");
    print_lsn(appended.last_lsn);
    printf(",\"duplicate\":%s}\n", appended.duplicate ? "true" : "false");
}

static void append(causelog_log *log, causelog_change one) {
    causelog_appended appended;
    check(causelog_log_append(log, &one, &appended, &error));
    show(appended);
}

static causelog_changes *batch(const causelog_change *changes, size_t count) {
    causelog_changes *made = causelog_changes_new();
    for (size_t at = 0; at < count; at++) {
        check(causelog_changes_add(made, &changes[at], &error));
    }
    return made;
}

static void append_transaction(causelog_log *log, const causelog_change *changes, size_t count) {
    causelog_changes *together = batch(changes, count);
    causelog_appended appended;
    check(causelog_log_append_transaction(log, together, &appended, &error));
    causelog_changes_free(together);
    show(appended);
}

static void append_remote(causelog_log *log, causelog_dot dot, const causelog_dot *dependencies,
                          size_t dependency_count, int64_t timestamp, const causelog_change *changes, size_t count) {
    causelog_changes *together = batch(changes, count);
    causelog_transaction *transaction;
    check(causelog_transaction_new(dot, dependencies, dependency_count, timestamp, together, &transaction, &error));
    causelog_changes_free(together);
    causelog_appended appended;
    check(causelog_log_append_remote(log, transaction, &appended, &error));
    causelog_transaction_free(transaction);
    show(appended);
}

static void append_peer(causelog_log *log) {
    const causelog_metadata bob = { text("actor"), text("bob") };
    causelog_change changes[] = {
        causelog_change_insert(text("orders"), integer_id(42), bytes("{\"qty\":9}")),
        causelog_change_insert(text("peers"), text_id("ß"), bytes("{}")),
    };
    changes[0].metadata = &bob;
    changes[0].metadata_count = 1;
    causelog_dot dot = { PEER, 2 };
    append_remote(log, dot, NULL, 0, NOW - 3600 * SECOND, changes, COUNT(changes));
}

static void write_log(const char *directory) {
    causelog_time *time = causelog_time_new(NOW);
    causelog_log *log = open_log(directory, time);
    const causelog_text orders = text("orders"), lines = text("lines");
    const causelog_bytes noted = bytes("{\"qty\":1,\"note\":\"größe\"}"), two = bytes("{\"qty\":2}");

    /* One change, with metadata. */
    const causelog_metadata audit[] = {
        { text("actor"), text("alice") },
        { text("why"), text("über 🦀") },
    };
    causelog_change first = causelog_change_insert(orders, integer_id(42), noted);
    first.metadata = audit;
    first.metadata_count = COUNT(audit);
    append(log, first);

    /* Every type of row id, and payloads that are JSON, empty, and neither. */
    static const char quoted[] = "a \"quoted\" \0 line\n";
    static const uint8_t binary[] = { 0, 255, 0 }, not_text[] = { 255, 254, 0, 1 };
    const causelog_row_id parts[] = {
        integer_id(7),
        text_id("sku"),
        causelog_row_id_from_bytes((causelog_bytes){ binary, 2 }),
        causelog_row_id_from_uuid(&FAR),
    };
    const causelog_row_id only = integer_id(42);
    const causelog_change every_type[] = {
        causelog_change_update(orders, integer_id(42), noted, two),
        causelog_change_insert(text("таблица 🦀"), causelog_row_id_from_text((causelog_text){ quoted, sizeof quoted - 1 }),
                               bytes("\"text\"")),
        causelog_change_insert(orders, causelog_row_id_from_uuid(&FAR), bytes("")),
        causelog_change_insert(orders, causelog_row_id_from_bytes((causelog_bytes){ binary, 3 }),
                               (causelog_bytes){ not_text, 4 }),
        causelog_change_insert(lines, causelog_row_id_from_elements(parts, COUNT(parts)), bytes("[]")),
        causelog_change_insert(lines, causelog_row_id_from_elements(&only, 1), bytes("null")),
    };
    append_transaction(log, every_type, COUNT(every_type));

    static const struct {
        int64_t integer;
        const char *payload;
    } integers[] = {
        { INT64_MIN, "-9223372036854775808" }, { -1, "-1" },    { 0, "0" },
        { 255, "255" },                        { 256, "256" }, { INT64_MAX, "9223372036854775807" },
    };
    causelog_change numbers[COUNT(integers)];
    for (size_t at = 0; at < COUNT(integers); at++) {
        numbers[at] = causelog_change_insert(text("numbers"), integer_id(integers[at].integer), bytes(integers[at].payload));
    }
    append_transaction(log, numbers, COUNT(numbers));

    /* A payload larger than a read block. */
    check(causelog_time_advance(time, SECOND, &error));
    static uint8_t large[100000];
    for (size_t at = 0; at < COUNT(large); at++) {
        large[at] = (uint8_t)(at % 251);
    }
    append(log, causelog_change_insert(text("large"), text_id(""), (causelog_bytes){ large, sizeof large }));

    /* Deletes and updates, with and without the images before and after. */
    append(log, causelog_change_delete(orders, integer_id(42), two));
    const causelog_change partial[] = {
        change("gone", CAUSELOG_OPERATION_DELETE, NONE, NONE),
        change("unknown", CAUSELOG_OPERATION_UPDATE, NONE, NONE),
        change("half", CAUSELOG_OPERATION_UPDATE, bytes("1"), NONE),
        change("half", CAUSELOG_OPERATION_UPDATE, NONE, bytes("2")),
    };
    append_transaction(log, partial, COUNT(partial));

    /* Another node's transaction, which this node had not seen and which had not seen this node. */
    append_peer(log);
    /* A third node's merge, then a change of it that had seen both others. */
    const causelog_dot peer = { PEER, 2 };
    append_remote(log, (causelog_dot){ FAR, 1 }, &peer, 1, NOW + 100 * SECOND, NULL, 0);
    const causelog_dot both[] = { { OWN, 14 }, { FAR, 1 } };
    const causelog_change gone = causelog_change_delete(orders, integer_id(42), two);
    append_remote(log, (causelog_dot){ FAR, 2 }, both, COUNT(both), -1, &gone, 1);
    /* A transaction that the log holds already, this node's merge, and a change after it. */
    append_peer(log);
    append_transaction(log, NULL, 0);
    append(log, causelog_change_insert(orders, integer_id(42), bytes("{\"qty\":3}")));

    check(causelog_log_close(log, &error));
    causelog_log_free(log);
    causelog_time_free(time);
}

/* ---- dump ---- */

static void dump_entries(const causelog_log *log) {
    causelog_cursor *cursor;
    const causelog_entry *entry;
    check(causelog_log_query(log, NULL, &cursor, &error));
    for (check(causelog_cursor_next(cursor, &entry, &error)); entry != NULL;
         check(causelog_cursor_next(cursor, &entry, &error))) {
        causelog_dot dot = causelog_entry_dot(entry);
        causelog_verdict verdict = causelog_entry_verdict(entry);
        printf("{\"entry\":{\"lsn\":\"%" PRIu64 "\",\"node\":", causelog_entry_lsn(entry));
        print_uuid(dot.node);
        printf(",\"sequence\":\"%" PRIu64 "\",\"vector_clock\":", dot.sequence);
        const causelog_clock *clock;
        check(causelog_entry_vector_clock(entry, &clock, &error));
        print_clock(clock);
        printf(",\"timestamp\":\"%" PRId64 "\",\"transaction\":", causelog_entry_timestamp(entry));
        print_dot(causelog_entry_transaction(entry));
        printf(",\"verdict\":");
        if (verdict == CAUSELOG_VERDICT_NONE) {
            printf("null,");
        } else {
            printf("\"%s\",", causelog_verdict_name(verdict));
        }
        print_change(causelog_entry_change(entry));
        printf("}}\n");
    }
    causelog_cursor_free(cursor);
}

static void dump_transactions(const causelog_log *log) {
    causelog_transaction_cursor *cursor;
    const causelog_transaction *transaction;
    check(causelog_log_transactions(log, NULL, &cursor, &error));
    for (check(causelog_transaction_cursor_next(cursor, &transaction, &error)); transaction != NULL;
         check(causelog_transaction_cursor_next(cursor, &transaction, &error))) {
        causelog_dot dot = causelog_transaction_dot(transaction);
        printf("{\"transaction\":{\"node\":");
        print_uuid(dot.node);
        printf(",\"sequence\":\"%" PRIu64 "\",\"dependencies\":[", dot.sequence);
        for (size_t at = 0; at < causelog_transaction_dependency_count(transaction); at++) {
            printf("%s", at > 0 ? "," : "");
            print_dot(causelog_transaction_dependency(transaction, at));
        }
        printf("],\"timestamp\":\"%" PRId64 "\",\"vector_clock\":", causelog_transaction_timestamp(transaction));
        causelog_clock *clock;
        check(causelog_log_vector_clock(log, dot, &clock, &error));
        print_clock(clock);
        causelog_clock_free(clock);
        printf(",\"changes\":[");
        for (size_t at = 0; at < causelog_transaction_change_count(transaction); at++) {
            printf("%s{", at > 0 ? "," : "");
            print_change(causelog_transaction_change(transaction, at));
            putchar('}');
        }
        printf("]}}\n");
    }
    causelog_transaction_cursor_free(cursor);
}

static void dump_stats(const causelog_log *log) {
    causelog_stats *stats;
    check(causelog_log_stats(log, &stats, &error));
    printf("{\"stats\":{\"entries\":\"%" PRIu64 "\",\"transactions\":\"%" PRIu64 "\",\"merges\":\"%" PRIu64 "\"",
           causelog_stats_entries(stats), causelog_stats_transactions(stats), causelog_stats_merges(stats));
    printf(",\"nodes\":\"%" PRIu64 "\",\"first_lsn\":\"%" PRIu64 "\",\"last_lsn\":\"%" PRIu64 "\"",
           causelog_stats_nodes(stats), causelog_stats_first_lsn(stats), causelog_stats_last_lsn(stats));
    int64_t oldest = 0, newest = 0;
    bool any = causelog_stats_oldest(stats, &oldest) && causelog_stats_newest(stats, &newest);
    printf(",\"oldest\":");
    print_milliseconds(any, oldest);
    printf(",\"newest\":");
    print_milliseconds(any, newest);
    printf(",\"bytes\":\"%" PRIu64 "\",\"tables\":{", causelog_stats_bytes(stats));
    for (size_t at = 0; at < causelog_stats_table_count(stats); at++) {
        causelog_table_stats table = causelog_stats_table(stats, at);
        printf("%s", at > 0 ? "," : "");
        print_text(table.table);
        printf(":{\"inserts\":\"%" PRIu64 "\",\"updates\":\"%" PRIu64 "\",\"deletes\":\"%" PRIu64 "\"}", table.inserts,
               table.updates, table.deletes);
    }
    printf("}}}\n");
    causelog_stats_free(stats);
}

static void dump_log(const char *directory) {
    causelog_time *time = causelog_time_new(NOW);
    causelog_log *log = open_log(directory, time);
    printf("{\"log\":{\"id\":");
    print_uuid(causelog_log_id(log));
    printf(",\"node\":");
    print_uuid(causelog_log_node(log));
    printf(",\"past_nodes\":[");
    for (size_t at = 0; at < causelog_log_past_node_count(log); at++) {
        printf("%s", at > 0 ? "," : "");
        print_uuid(causelog_log_past_node(log, at));
    }
    printf("]}}\n");
    dump_entries(log);
    dump_transactions(log);
    causelog_clock *frontier;
    check(causelog_log_frontier(log, &frontier, &error));
    printf("{\"frontier\":");
    print_clock(frontier);
    printf("}\n");
    causelog_clock_free(frontier);
    dump_stats(log);
    check(causelog_log_close(log, &error));
    causelog_log_free(log);
    causelog_time_free(time);
}

int main(int argument_count, char **arguments) {
    check(causelog_uuid_parse(text("11111111-1111-4111-8111-111111111111"), &OWN, &error));
    check(causelog_uuid_parse(text("22222222-2222-4222-8222-222222222222"), &PEER, &error));
    check(causelog_uuid_parse(text("33333333-3333-4333-8333-333333333333"), &FAR, &error));
    if (argument_count == 3 && strcmp(arguments[1], "write") == 0) {
        write_log(arguments[2]);
    } else if (argument_count == 3 && strcmp(arguments[1], "dump") == 0) {
        dump_log(arguments[2]);
    } else {
        fprintf(stderr, "usage: interop write|dump DIR\n");
        return 2;
    }
    if (causelog_live_handles() != 0) {
        fprintf(stderr, "interop: %zu handles were not freed\n", (size_t)causelog_live_handles());
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
