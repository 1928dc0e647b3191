/* A shop and its office change the same order without having heard of each other. */

#include <stdio.h>
#include <stdlib.h>

#include "causelog.h"

static causelog_error *error;

static void check(causelog_status status) {
    if (status != CAUSELOG_OK) {
        fprintf(stderr, "%s (%s)\n", causelog_error_message(error), causelog_status_name(status));
        exit(1);
    }
}

/* Gives one log what it lacks of another. */
static void pull(causelog_log *into, causelog_log *from) {
    causelog_clock *seen;
    causelog_transaction_cursor *lacking;
    const causelog_transaction *transaction;
    check(causelog_log_frontier(into, &seen, &error));
    check(causelog_log_transactions(from, seen, &lacking, &error));
    while (check(causelog_transaction_cursor_next(lacking, &transaction, &error)), transaction != NULL) {
        check(causelog_log_append_remote(into, transaction, NULL, &error));
    }
    causelog_transaction_cursor_free(lacking);
    causelog_clock_free(seen);
}

int main(void) {
    causelog_log *shop, *office;
    check(causelog_log_open(causelog_text_from("quickstart/shop"), NULL, &shop, &error));
    check(causelog_log_open(causelog_text_from("quickstart/office"), NULL, &office, &error));

    causelog_text orders = causelog_text_from("orders");
    causelog_row_id row = causelog_row_id_from_integer(42);
    causelog_bytes ordered = causelog_bytes_from("{\"qty\":1}");
    causelog_change change = causelog_change_insert(orders, row, ordered);
    check(causelog_log_append(shop, &change, NULL, &error));
    pull(office, shop); /* now the office has the order as well */

    change = causelog_change_update(orders, row, ordered, causelog_bytes_from("{\"qty\":2}"));
    check(causelog_log_append(shop, &change, NULL, &error));
    change = causelog_change_update(orders, row, ordered, causelog_bytes_from("{\"qty\":9}"));
    check(causelog_log_append(office, &change, NULL, &error));
    pull(office, shop);

    /* The row's last two entries at the office: the shop's update, which came last, and its own. */
    causelog_query_options options = CAUSELOG_QUERY_OPTIONS_INIT;
    options.tables = &orders;
    options.table_count = 1;
    options.row_id = &row;
    options.reverse = 1;
    causelog_cursor *history;
    const causelog_entry *entry; /* lives until the next call on the cursor */
    check(causelog_log_query(office, &options, &history, &error));
    check(causelog_cursor_next(history, &entry, &error));
    causelog_entry *remote, *local; /* copies, to keep */
    check(causelog_entry_clone(entry, &remote, &error));
    check(causelog_cursor_next(history, &entry, &error));
    check(causelog_entry_clone(entry, &local, &error));

    const causelog_clock *seen_here, *seen_there;
    causelog_causality causality;
    check(causelog_entry_vector_clock(local, &seen_here, &error));
    check(causelog_entry_vector_clock(remote, &seen_there, &error));
    check(causelog_clock_compare(seen_here, seen_there, &causality, &error));
    printf("%s\n", causelog_causality_name(causality)); /* concurrent: neither had seen the other */

    causelog_detector *detector;
    causelog_conflict *conflict;
    check(causelog_detector_new(causelog_text_from("last_write_wins"), NULL, &detector, &error));
    check(causelog_detector_detect(detector, local, remote, &conflict, &error));
    if (conflict != NULL) {
        causelog_report *report;
        causelog_buffer *text;
        check(causelog_detector_report(detector, conflict, &report, &error));
        check(causelog_report_to_text(report, &text, &error));
        printf("%s\n", causelog_buffer_text(text));
        causelog_buffer_free(text);
        causelog_report_free(report);
    }

    causelog_conflict_free(conflict);
    causelog_detector_free(detector);
    causelog_entry_free(local);
    causelog_entry_free(remote);
    causelog_cursor_free(history);
    causelog_log_free(shop);
    causelog_log_free(office);
    return 0;
}
