#include "job.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"

/* Entries, in an array that grows. */
typedef struct entries {
    const causelog_entry **items;
    size_t count, capacity;
} entries;

/* What became of one row, in the order of the log. */
typedef struct row {
    entries history;
    /* Those that no other entry of the row has seen. */
    entries heads;
} row;

/* What the job works on. */
typedef struct job {
    const causelog_log *log;
    const causelog_detector *detector;
    const char *place;
    /* Every entry: these own them, the rows point to them. */
    causelog_entry **owned;
    size_t owned_count, owned_capacity;
    /* The rows in the order in which they first appear in the log, and their numbers by table and row id. */
    row *rows;
    size_t row_capacity;
    map numbers;
    outcome *found;
    failure *why;
} job;

/* Makes room for one more item in an array of `count`. */
static void *room_for_one(void *items, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 8 : *capacity * 2;
    return must(realloc(items, *capacity * size));
}

static void push(entries *to, const causelog_entry *entry) {
    to->items = room_for_one(to->items, to->count, &to->capacity, sizeof *to->items);
    to->items[to->count++] = entry;
}

/* Whether the author of `later` had seen `earlier`. Both are copies: their clocks are at hand, and asking cannot fail. */
static bool has_seen(const causelog_entry *later, const causelog_entry *earlier) {
    const causelog_clock *seen = NULL;
    causelog_entry_vector_clock(later, &seen, NULL);
    return causelog_clock_covers(seen, causelog_entry_dot(earlier));
}

static bool same_after(const causelog_entry *one, const causelog_entry *other) {
    causelog_bytes a = causelog_entry_after(one), b = causelog_entry_after(other);
    if (a.data == NULL || b.data == NULL) {
        return a.data == b.data;
    }
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* Whether these entries left the row in more than one state. */
static bool disagree(const entries *of) {
    for (size_t index = 1; index < of->count; index++) {
        if (!same_after(of->items[0], of->items[index])) {
            return true;
        }
    }
    return false;
}

static bool append_all(trace *from, const causelog_log *log, outcome *found, failure *why) {
    for (;;) {
        causelog_transaction *transaction;
        if (!trace_next(from, &transaction, why)) {
            return false;
        }
        if (transaction == NULL) {
            return true;
        }
        causelog_error *error = NULL;
        causelog_status status = causelog_log_append_remote(log, transaction, NULL, &error);
        causelog_transaction_free(transaction);
        if (status != CAUSELOG_OK) {
            return fail_library(why, trace_place(from), error);
        }
        found->transactions++;
    }
}

/* The row of an entry, a new one if there was none. */
static row *row_of(job *on, const causelog_entry *entry) {
    causelog_text table = causelog_entry_table(entry);
    causelog_buffer *encoded;
    causelog_error *error = NULL;
    if (causelog_row_id_encode(causelog_entry_row_id(entry), &encoded, &error) != CAUSELOG_OK) {
        fail_library(on->why, on->place, error);
        return NULL;
    }
    /* The length of the name keeps it apart from the row id. */
    causelog_bytes row_id = causelog_buffer_bytes(encoded);
    size_t length = sizeof table.length + table.length + row_id.length;
    char *key = must(malloc(length));
    memcpy(key, &table.length, sizeof table.length);
    memcpy(key + sizeof table.length, table.data, table.length);
    memcpy(key + sizeof table.length + table.length, row_id.data, row_id.length);
    causelog_buffer_free(encoded);

    bool added;
    size_t number = *map_add(&on->numbers, key, length, on->found->rows, &added);
    free(key);
    if (added) {
        on->rows = room_for_one(on->rows, on->found->rows, &on->row_capacity, sizeof *on->rows);
        on->rows[on->found->rows++] = (row){{NULL, 0, 0}, {NULL, 0, 0}};
    }
    return &on->rows[number];
}

static void count_pairs(const row *of, const causelog_entry *entry, outcome *found) {
    causelog_operation operation = causelog_entry_operation(entry);
    for (size_t index = 0; index < of->history.count; index++) {
        const causelog_entry *earlier = of->history.items[index];
        if (has_seen(entry, earlier)) {
            found->pairs_ordered++;
            continue;
        }
        causelog_operation other = causelog_entry_operation(earlier);
        found->pairs_concurrent++;
        found->concurrent_by_operations[operation < other ? operation : other][operation < other ? other : operation]++;
    }
}

/* The latest entries of the row that the author of `entry` had seen. */
static entries predecessors_of(const row *of, const causelog_entry *entry) {
    entries found = {NULL, 0, 0};
    /* The log's order is causal: going backwards, an entry comes before all that it has seen. */
    for (size_t index = of->history.count; index > 0; index--) {
        const causelog_entry *earlier = of->history.items[index - 1];
        bool maximal = has_seen(entry, earlier);
        for (size_t other = 0; maximal && other < found.count; other++) {
            maximal = !has_seen(found.items[other], earlier);
        }
        if (maximal) {
            push(&found, earlier);
        }
    }
    return found;
}

/* Adds an entry to its row: it succeeds the heads that its author had seen. */
static void add_to_row(row *to, const causelog_entry *entry) {
    size_t kept = 0;
    for (size_t index = 0; index < to->heads.count; index++) {
        if (!has_seen(entry, to->heads.items[index])) {
            to->heads.items[kept++] = to->heads.items[index];
        }
    }
    to->heads.count = kept;
    push(&to->heads, entry);
    push(&to->history, entry);
}

static bool report(job *on, const entries *conflicting, const causelog_dot *settled_by) {
    outcome *found = on->found;
    causelog_report *made;
    causelog_error *error = NULL;
    if (causelog_detector_resolve(on->detector, conflicting->items, conflicting->count, settled_by, &made, &error) !=
        CAUSELOG_OK) {
        return fail_library(on->why, on->place, error);
    }
    found->reports =
        room_for_one(found->reports, found->report_count, &found->report_capacity, sizeof *found->reports);
    found->reports[found->report_count++] = made;
    found->by_class_and_reason[causelog_report_conflict_class(made)][causelog_report_reason_code(made)]++;
    return true;
}

/* Takes in the next entry of the log. */
static bool take(job *on, const causelog_entry *borrowed) {
    on->owned = room_for_one(on->owned, on->owned_count, &on->owned_capacity, sizeof *on->owned);
    causelog_entry *entry;
    causelog_error *error = NULL;
    if (causelog_entry_clone(borrowed, &entry, &error) != CAUSELOG_OK) {
        return fail_library(on->why, on->place, error);
    }
    on->owned[on->owned_count++] = entry;
    row *of = row_of(on, entry);
    if (of == NULL) {
        return false;
    }
    on->found->changes++;
    count_pairs(of, entry, on->found);
    entries predecessors = predecessors_of(of, entry);
    bool good = true;
    if (disagree(&predecessors)) {
        causelog_dot dot = causelog_entry_dot(entry);
        good = report(on, &predecessors, &dot);
        on->found->settled++;
    }
    free(predecessors.items);
    add_to_row(of, entry);
    return good;
}

/* Reads all entries back from the log. */
static bool read_log(job *on) {
    causelog_cursor *cursor;
    causelog_error *error = NULL;
    if (causelog_log_query(on->log, NULL, &cursor, &error) != CAUSELOG_OK) {
        return fail_library(on->why, on->place, error);
    }
    const causelog_entry *entry;
    causelog_status status;
    bool good = true;
    while (good && (status = causelog_cursor_next(cursor, &entry, &error), status != CAUSELOG_OK || entry != NULL)) {
        good = status == CAUSELOG_OK ? take(on, entry) : fail_library(on->why, on->place, error);
    }
    causelog_cursor_free(cursor);
    return good;
}

/* Looks at how the rows end. */
static bool report_standing(job *on) {
    outcome *found = on->found;
    for (size_t index = 0; index < found->rows; index++) {
        size_t heads = on->rows[index].heads.count;
        found->most_heads = heads > found->most_heads ? heads : found->most_heads;
    }
    found->rows_by_heads = must(calloc(found->most_heads + 1, sizeof *found->rows_by_heads));
    for (size_t index = 0; index < found->rows; index++) {
        const entries *heads = &on->rows[index].heads;
        found->rows_by_heads[heads->count]++;
        if (disagree(heads) && !report(on, heads, NULL)) {
            return false;
        }
    }
    return true;
}

static void free_job(job *on) {
    for (size_t index = 0; index < on->found->rows; index++) {
        free(on->rows[index].history.items);
        free(on->rows[index].heads.items);
    }
    for (size_t index = 0; index < on->owned_count; index++) {
        causelog_entry_free(on->owned[index]);
    }
    free(on->rows);
    free(on->owned);
    map_free(&on->numbers);
}

bool job_run(trace *from, const causelog_log *log, const causelog_time *time, const char *place, outcome *found,
             failure *why) {
    if (!append_all(from, log, found, why)) {
        return false;
    }
    causelog_detector *detector;
    causelog_error *error = NULL;
    if (causelog_log_sync(log, &error) != CAUSELOG_OK ||
        causelog_detector_new(causelog_text_from("last_write_wins"), time, &detector, &error) != CAUSELOG_OK) {
        return fail_library(why, place, error);
    }
    job on = {.log = log, .detector = detector, .place = place, .found = found, .why = why};
    bool good = read_log(&on) && report_standing(&on);
    free_job(&on);
    causelog_detector_free(detector);
    return good;
}

void outcome_free(outcome *found) {
    for (size_t index = 0; index < found->report_count; index++) {
        causelog_report_free(found->reports[index]);
    }
    free(found->reports);
    free(found->rows_by_heads);
    memset(found, 0, sizeof *found);
}
