/* Consumers: handing out, committing, starting again, going back; and what waits for them. */

#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

/* Appends so many changes, each a transaction of its own. */
static void append_some(const causelog_log *log, int count) {
    for (int number = 0; number < count; number++) {
        causelog_change change = insert_of("t", number, "{}");
        CHECK_OK(causelog_log_append(log, &change, NULL, &error));
    }
}

static causelog_consumer *consumer_of(const causelog_log *log, const char *name) {
    causelog_consumer *consumer;
    CHECK_OK(causelog_log_consumer(log, causelog_text_from(name), &consumer, &error));
    CHECK_VIEW(name, causelog_consumer_name(consumer));
    return consumer;
}

/* Polling gives so many entries, the first of them with this LSN. */
static void check_poll(const causelog_consumer *consumer, uint64_t limit, size_t count, uint64_t first) {
    causelog_entries *entries;
    CHECK_OK(causelog_consumer_poll(consumer, limit, &entries, &error));
    CHECK_NUMBER(count, causelog_entries_count(entries));
    for (size_t index = 0; index < count; index++) {
        CHECK_NUMBER(first + index, causelog_entry_lsn(causelog_entries_get(entries, index)));
    }
    CHECK(causelog_entries_get(entries, count) == NULL);
    causelog_entries_free(entries);
}

static void check_standing(const causelog_consumer *consumer, uint64_t position, uint64_t lag) {
    uint64_t number;
    CHECK_OK(causelog_consumer_position(consumer, &number, &error));
    CHECK_NUMBER(position, number);
    CHECK_OK(causelog_consumer_lag(consumer, &number, &error));
    CHECK_NUMBER(lag, number);
}

static void a_consumer_goes_on_after_what_it_has_committed(void) {
    causelog_text path = causelog_text_from(scratch_path("mail"));
    causelog_log *log;
    CHECK_OK(causelog_log_open(path, NULL, &log, &error));
    append_some(log, 5);
    causelog_consumer *consumer = consumer_of(log, "mailer");
    check_standing(consumer, 0, 5);
    check_poll(consumer, 2, 2, 1);
    check_poll(consumer, 2, 2, 3);
    CHECK_OK(causelog_consumer_commit(consumer, 3, &error));
    check_standing(consumer, 3, 2);
    check_poll(consumer, 100, 1, 5);
    check_poll(consumer, 100, 0, 0);
    causelog_consumer_free(consumer);
    causelog_log_free(log);

    CHECK_OK(causelog_log_open(path, NULL, &log, &error));
    consumer = consumer_of(log, "mailer");
    check_standing(consumer, 3, 2);
    check_poll(consumer, 100, 2, 4);
    CHECK_OK(causelog_consumer_reset(consumer, 1, &error));
    check_standing(consumer, 1, 4);
    check_poll(consumer, 1, 1, 2);
    causelog_consumer_free(consumer);
    causelog_log_free(log);
}

static void a_transaction_is_handed_out_whole(void) {
    causelog_log *log = memory_log(1, NULL);
    causelog_changes *changes = causelog_changes_new();
    for (int number = 0; number < 3; number++) {
        causelog_change change = insert_of("t", number, "{}");
        CHECK_OK(causelog_changes_add(changes, &change, &error));
    }
    CHECK_OK(causelog_log_append_transaction(log, changes, NULL, &error));
    causelog_changes_free(changes);
    append_some(log, 1);
    causelog_consumer *consumer = consumer_of(log, "whole");
    check_poll(consumer, 1, 3, 1);
    check_poll(consumer, 1, 1, 4);
    causelog_consumer_free(consumer);
    causelog_log_free(log);
}

static void consumers_are_listed_and_removed(void) {
    causelog_log *log = memory_log(1, NULL);
    append_some(log, 3);
    causelog_consumer *b = consumer_of(log, "b"), *a = consumer_of(log, "a");
    CHECK_OK(causelog_consumer_commit(b, 2, &error));
    causelog_consumers *consumers;
    CHECK_OK(causelog_log_consumers(log, &consumers, &error));
    CHECK_NUMBER(2, causelog_consumers_count(consumers));
    causelog_consumer_status first = causelog_consumers_get(consumers, 0), second = causelog_consumers_get(consumers, 1);
    CHECK_VIEW("a", first.name);
    CHECK_VIEW("b", second.name);
    CHECK(first.position == 0 && first.lag == 3 && second.position == 2 && second.lag == 1);
    CHECK(causelog_consumers_get(consumers, 2).name.data == NULL);
    causelog_stats *stats;
    CHECK_OK(causelog_log_stats(log, &stats, &error));
    CHECK_NUMBER(2, causelog_stats_consumer_count(stats));
    const causelog_consumer_status of_stats = causelog_stats_consumer(stats, 1);
    CHECK_VIEW("a", causelog_stats_consumer(stats, 0).name);
    CHECK_VIEW("b", of_stats.name);
    CHECK(of_stats.position == 2 && of_stats.lag == 1);
    CHECK(causelog_stats_consumer(stats, 2).name.data == NULL);

    const causelog_text name = causelog_text_from("b");
    CHECK_OK(causelog_log_remove_consumer(log, name, &error));
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "b", causelog_log_remove_consumer(log, name, &error));
    uint64_t number;
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "b", causelog_consumer_commit(b, 3, &error));
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "b", causelog_consumer_position(b, &number, &error));
    CHECK_FAILS(CAUSELOG_NOT_FOUND, "b", causelog_consumer_lag(b, &number, &error));
    CHECK_VIEW("b", second.name);
    CHECK_VIEW("b", of_stats.name);
    causelog_stats_free(stats);
    causelog_consumers_free(consumers);
    causelog_consumer_free(a);
    causelog_consumer_free(b);
    causelog_log_free(log);
}

static void a_consumer_refuses_what_cannot_be(void) {
    causelog_log *log = memory_log(1, NULL);
    append_some(log, 2);
    causelog_consumer *made, *consumer = consumer_of(log, "strict");
    causelog_entries *entries;
    static const char *const names[] = {"", "a/b", "caf\xc3\xa9"};
    for (size_t index = 0; index < 3; index++) {
        const causelog_text name = causelog_text_from(names[index]);
        CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "", causelog_log_consumer(log, name, &made, &error));
        CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "", causelog_log_remove_consumer(log, name, &error));
    }
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "name is not UTF-8",
                causelog_log_consumer(log, causelog_text_from("\xff"), &made, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "limit is 0", causelog_consumer_poll(consumer, 0, &entries, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "3", causelog_consumer_commit(consumer, 3, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "3", causelog_consumer_reset(consumer, 3, &error));
    CHECK_OK(causelog_consumer_commit(consumer, 2, &error));
    CHECK_FAILS(CAUSELOG_INVALID_ARGUMENT, "only a reset goes back", causelog_consumer_commit(consumer, 1, &error));
    CHECK_OK(causelog_log_close(log, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_consumer_poll(consumer, 1, &entries, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_consumer_commit(consumer, 2, &error));
    CHECK_FAILS(CAUSELOG_CLOSED, "the log is closed", causelog_consumer_reset(consumer, 2, &error));
    causelog_consumer_free(consumer);
    causelog_log_free(log);
}

static atomic_bool arrived;

/* Waits for the entry that the other thread appends. */
static void *wait_for_one(void *shared) {
    const causelog_log *log = shared;
    uint64_t last = 0;
    CHECK(causelog_log_wait(log, 0, 60000, &last, NULL) == CAUSELOG_OK);
    CHECK_NUMBER(1, last);
    atomic_store(&arrived, true);
    CHECK(causelog_log_wait(log, 1, UINT64_MAX, NULL, NULL) == CAUSELOG_CLOSED);
    return NULL;
}

static void waiting_ends_when_there_is_something_or_the_log_is_closed(void) {
    causelog_log *log = memory_log(1, NULL);
    CHECK_FAILS(CAUSELOG_TIMEOUT, "no entry after 0", causelog_log_wait(log, 0, 0, NULL, &error));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_for_one, log) == 0);
    append_some(log, 1);
    do {
        CHECK_FAILS(CAUSELOG_TIMEOUT, "no entry after 1", causelog_log_wait(log, 1, 20, NULL, &error));
    } while (!atomic_load(&arrived));
    CHECK_OK(causelog_log_close(log, &error));
    CHECK(pthread_join(thread, NULL) == 0);
    causelog_log_free(log);
}

int main(void) {
    RUN(a_consumer_goes_on_after_what_it_has_committed);
    RUN(a_transaction_is_handed_out_whole);
    RUN(consumers_are_listed_and_removed);
    RUN(a_consumer_refuses_what_cannot_be);
    RUN(waiting_ends_when_there_is_something_or_the_log_is_closed);
    remove_scratch();
    return 0;
}
