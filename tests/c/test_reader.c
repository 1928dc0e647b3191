/* Readers beside a writer: opening only to read, in this process and in another. */

#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

static void append_one(const causelog_log *log) {
    causelog_change change = insert_of("t", 1, "{}");
    CHECK_OK(causelog_log_append(log, &change, NULL, &error));
}

/* The log holds so many entries, and no more. */
static void check_entries(const causelog_log *log, uint64_t count) {
    causelog_cursor *cursor;
    const causelog_entry *entry;
    CHECK_OK(causelog_log_query(log, NULL, &cursor, &error));
    for (uint64_t lsn = 1; lsn <= count; lsn++) {
        CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
        CHECK_NUMBER(lsn, causelog_entry_lsn(entry));
    }
    CHECK_OK(causelog_cursor_next(cursor, &entry, &error));
    CHECK(entry == NULL);
    causelog_cursor_free(cursor);
}

/* The log in this directory, only to read. */
static causelog_log *reader_of(const char *path) {
    causelog_log_options options = CAUSELOG_LOG_OPTIONS_INIT;
    options.read_only = 1;
    causelog_log *log;
    CHECK_OK(causelog_log_open(causelog_text_from(path), &options, &log, &error));
    return log;
}

static void a_reader_sees_what_the_writer_appends_and_writes_nothing(void) {
    const char *path = scratch_path("read");
    causelog_log_options options = CAUSELOG_LOG_OPTIONS_INIT;
    options.read_only = 1;
    causelog_log *writer, *reader;
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "read", causelog_log_open(causelog_text_from(path), &options, &reader, &error));
    CHECK_OK(causelog_log_open(causelog_text_from(path), NULL, &writer, &error));
    append_one(writer);
    reader = reader_of(path);
    CHECK(same_uuid(causelog_log_id(writer), causelog_log_id(reader)));
    check_entries(reader, 1);
    append_one(writer);
    check_entries(reader, 2);

    causelog_change change = insert_of("t", 1, "{}");
    causelog_changes *none = causelog_changes_new();
    causelog_retention_policy policy = CAUSELOG_RETENTION_POLICY_INIT;
    CHECK_FAILS(CAUSELOG_READ_ONLY, "", causelog_log_append(reader, &change, NULL, &error));
    CHECK_FAILS(CAUSELOG_READ_ONLY, "", causelog_log_append_transaction(reader, none, NULL, &error));
    CHECK_FAILS(CAUSELOG_READ_ONLY, "", causelog_log_sync(reader, &error));
    CHECK_FAILS(CAUSELOG_READ_ONLY, "", causelog_log_retain(reader, &policy, NULL, &error));
    CHECK_FAILS(CAUSELOG_READ_ONLY, "", causelog_log_compact(reader, NULL, NULL, &error));
    CHECK_FAILS(CAUSELOG_READ_ONLY, "", causelog_log_compress(reader, NULL, &error));
    causelog_changes_free(none);

    /* It can be opened when nobody writes, too. */
    causelog_log_free(writer);
    causelog_log_free(reader);
    reader = reader_of(path);
    check_entries(reader, 2);
    causelog_log_free(reader);
}

/* Another process: once it is told to start it reads two entries, says so, and waits for the third. */
static int read_in_another_process(const char *path, int start, int ready) {
    char byte;
    CHECK(read(start, &byte, 1) == 1);
    causelog_log *log = reader_of(path);
    check_entries(log, 2);
    CHECK(write(ready, "r", 1) == 1);
    uint64_t last;
    CHECK_OK(causelog_log_wait(log, 2, 60000, &last, &error));
    CHECK_NUMBER(3, last);
    check_entries(log, 3);
    causelog_log_free(log);
    CHECK_NUMBER(0, causelog_live_handles());
    return 42;
}

static void another_process_reads_and_waits_beside_the_writer(void) {
    const char *path = scratch_path("other");
    int start[2], ready[2], status;
    CHECK(pipe(start) == 0 && pipe(ready) == 0);
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        _exit(read_in_another_process(path, start[0], ready[1]));
    }
    /* If the child ends early, reading from it does, too. */
    close(ready[1]);
    causelog_log *writer;
    CHECK_OK(causelog_log_open(causelog_text_from(path), NULL, &writer, &error));
    append_one(writer);
    append_one(writer);
    char byte;
    CHECK(write(start[1], "s", 1) == 1);
    CHECK(read(ready[0], &byte, 1) == 1);
    append_one(writer);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    close(start[0]);
    close(start[1]);
    close(ready[0]);
    causelog_log_free(writer);
}

int main(void) {
    /* First, while there is no handle that the child would inherit. */
    RUN(another_process_reads_and_waits_beside_the_writer);
    RUN(a_reader_sees_what_the_writer_appends_and_writes_nothing);
    remove_scratch();
    return 0;
}
