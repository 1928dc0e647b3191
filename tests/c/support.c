#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[64];
static char path[512];

const char *scratch_path(const char *name) {
    if (scratch[0] == '\0') {
        strcpy(scratch, "causelog-test-XXXXXX");
        CHECK(mkdtemp(scratch) != NULL);
    }
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return path;
}

static void remove_tree(const char *name) {
    DIR *directory = opendir(name);
    if (directory == NULL) {
        CHECK(unlink(name) == 0);
        return;
    }
    const struct dirent *item;
    while ((item = readdir(directory)) != NULL) {
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0) {
            char inner[1024];
            snprintf(inner, sizeof inner, "%s/%s", name, item->d_name);
            remove_tree(inner);
        }
    }
    closedir(directory);
    CHECK(rmdir(name) == 0);
}

void remove_scratch(void) {
    if (scratch[0] != '\0') {
        remove_tree(scratch);
        scratch[0] = '\0';
    }
}

const char *first_segment(const char *directory) {
    static char found[1024];
    found[0] = '\0';
    DIR *opened = opendir(directory);
    CHECK(opened != NULL);
    const struct dirent *item;
    while ((item = readdir(opened)) != NULL) {
        const char *type = strrchr(item->d_name, '.');
        char name[1024];
        snprintf(name, sizeof name, "%s/%s", directory, item->d_name);
        if (type != NULL && strcmp(type, ".segment") == 0 && (found[0] == '\0' || strcmp(name, found) < 0)) {
            strcpy(found, name);
        }
    }
    closedir(opened);
    CHECK(found[0] != '\0');
    return found;
}

void flip_byte(const char *file, long offset) {
    FILE *opened = fopen(file, "r+b");
    CHECK(opened != NULL && fseek(opened, offset, SEEK_SET) == 0);
    int byte = fgetc(opened);
    CHECK(byte != EOF && fseek(opened, offset, SEEK_SET) == 0);
    CHECK(fputc(byte ^ 1, opened) != EOF && fclose(opened) == 0);
}

causelog_uuid node_of(unsigned char number) {
    causelog_uuid node = {{0}};
    node.bytes[15] = number;
    return node;
}

causelog_dot dot_of(unsigned char node, uint64_t sequence) {
    return (causelog_dot){node_of(node), sequence};
}

bool same_uuid(causelog_uuid one, causelog_uuid other) {
    return memcmp(one.bytes, other.bytes, sizeof one.bytes) == 0;
}

bool same_dot(causelog_dot one, causelog_dot other) {
    return same_uuid(one.node, other.node) && one.sequence == other.sequence;
}

causelog_change insert_of(const char *table, int64_t row, const char *after) {
    return causelog_change_insert(causelog_text_from(table), causelog_row_id_from_integer(row),
                                  causelog_bytes_from(after));
}

causelog_change update_of(const char *table, int64_t row, const char *before, const char *after) {
    return causelog_change_update(causelog_text_from(table), causelog_row_id_from_integer(row),
                                  causelog_bytes_from(before), causelog_bytes_from(after));
}

causelog_change delete_of(const char *table, int64_t row, const char *before) {
    return causelog_change_delete(causelog_text_from(table), causelog_row_id_from_integer(row),
                                  causelog_bytes_from(before));
}

causelog_log *memory_log(unsigned char number, const causelog_time *time) {
    causelog_uuid node = node_of(number);
    causelog_log_options options = CAUSELOG_LOG_OPTIONS_INIT;
    options.node = &node;
    options.time = time;
    causelog_log *log;
    CHECK_OK(causelog_log_in_memory(&options, &log, &error));
    return log;
}

size_t pull(const causelog_log *to, const causelog_log *from) {
    causelog_clock *seen;
    CHECK_OK(causelog_log_frontier(to, &seen, &error));
    causelog_transaction_cursor *cursor;
    CHECK_OK(causelog_log_transactions(from, seen, &cursor, &error));
    size_t count = 0;
    for (;; count++) {
        const causelog_transaction *transaction;
        CHECK_OK(causelog_transaction_cursor_next(cursor, &transaction, &error));
        if (transaction == NULL) {
            break;
        }
        CHECK_OK(causelog_log_append_remote(to, transaction, NULL, &error));
    }
    causelog_transaction_cursor_free(cursor);
    causelog_clock_free(seen);
    return count;
}

causelog_entry *entry_at(const causelog_log *log, uint64_t lsn) {
    causelog_query_options options = CAUSELOG_QUERY_OPTIONS_INIT;
    options.since = lsn - 1;
    options.until = &lsn;
    causelog_cursor *cursor;
    CHECK_OK(causelog_log_query(log, &options, &cursor, &error));
    const causelog_entry *entry;
    CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
    CHECK(entry != NULL);
    causelog_entry *copy;
    CHECK_OK(causelog_entry_clone(entry, &copy, &error));
    causelog_cursor_free(cursor);
    return copy;
}

const causelog_clock *clock_of(const causelog_entry *entry) {
    const causelog_clock *clock;
    CHECK_OK(causelog_entry_vector_clock(entry, &clock, &error));
    return clock;
}
