/* The conformance vectors of rows: what all entries of one come to. */

#include "vectors.h"

#define MOST_ENTRIES 32

static void check_conflict(const json_value *expected, const char *json, const causelog_report *report) {
    CHECK_STRING(string_member(expected, "conflict_class"),
                 causelog_conflict_class_name(causelog_report_conflict_class(report)));
    CHECK_STRING(string_member(expected, "reason_code"),
                 causelog_reason_code_name(causelog_report_reason_code(report)));
    const char *winner = string_member(expected, "winner");
    causelog_winner_type type = causelog_report_winner_type(report);
    causelog_dot dot;
    if (causelog_report_winner(report, &dot)) {
        CHECK_NUMBER(CAUSELOG_WINNER_TYPE_HEAD, type);
        check_dot(member(expected, "winner"), dot);
    } else {
        CHECK_STRING(winner, causelog_winner_type_name(type));
    }
    check_payload(member(expected, "ancestor"), causelog_report_ancestor(report));
    check_payload(member(expected, "value"), causelog_report_value(report));
    const json_value *settled_by = json_get(expected, "settled_by");
    CHECK(causelog_report_settled_by(report, &dot) == (settled_by != NULL));
    if (settled_by != NULL) {
        check_dot(settled_by, dot);
    }
    causelog_buffer *buffer;
    CHECK_OK(causelog_report_to_json(report, &buffer, &error));
    CHECK_BUFFER(json, buffer);
}

static void check_row(const json_value *vector, const causelog_row_resolution *row) {
    const json_value *expected = member(vector, "row"), *reports = member(vector, "reports");
    CHECK(causelog_row_resolution_is_live(row) == bool_member(expected, "is_live"));
    check_payload(member(expected, "value"), causelog_row_resolution_value(row));
    const json_value *heads = member(expected, "heads");
    causelog_dots dots = causelog_row_resolution_heads(row);
    CHECK_NUMBER(heads->count, dots.length);
    for (size_t index = 0; index < heads->count; index++) {
        check_dot(&heads->elements[index], dots.data[index]);
    }

    size_t report = 0;
    const json_value *standing = member(expected, "standing"), *settled = member(expected, "settled");
    const causelog_report *stands = causelog_row_resolution_standing(row);
    CHECK((stands == NULL) == (standing->type == JSON_NULL));
    if (stands != NULL) {
        CHECK(reports->count > report);
        check_conflict(standing, reports->elements[report++].text, stands);
    }
    CHECK_NUMBER(settled->count, causelog_row_resolution_settled_count(row));
    for (size_t index = 0; index < settled->count; index++) {
        CHECK(reports->count > report);
        check_conflict(&settled->elements[index], reports->elements[report++].text,
                       causelog_row_resolution_settled(row, index));
    }
    CHECK_NUMBER(reports->count, report);
    CHECK(causelog_row_resolution_settled(row, settled->count) == NULL);
}

/* Resolves the entries as they stand in the case, or from the last to the first. */
static void resolve(const json_value *vector, bool backwards) {
    causelog_detector *detector = NULL;
    causelog_row_resolution *row = NULL;
    const json_value *values = member(vector, "entries");
    causelog_entry *owned[MOST_ENTRIES];
    const causelog_entry *entries[MOST_ENTRIES];
    CHECK(values->count <= MOST_ENTRIES);
    for (size_t index = 0; index < values->count; index++) {
        size_t place = backwards ? values->count - 1 - index : index;
        entries[place] = owned[place] = read_entry(&values->elements[index]);
    }
    causelog_status status = causelog_detector_new(text_member(vector, "strategy"), NULL, &detector, &error);
    if (status == CAUSELOG_OK) {
        status = causelog_detector_resolve_row(detector, entries, values->count, &row, &error);
    }
    if (json_get(vector, "error") != NULL) {
        check_error(vector, status, &error);
    } else {
        CHECK_OK(status);
        check_row(vector, row);
    }
    causelog_row_resolution_free(row);
    causelog_detector_free(detector);
    for (size_t index = 0; index < values->count; index++) {
        causelog_entry_free(owned[index]);
    }
}

static void row(const json_value *vector) {
    resolve(vector, false);
    resolve(vector, true);
}

int main(int count, char **values) {
    if (count != 2) {
        fputs("usage: conformance_resolution DIRECTORY\n", stderr);
        return 2;
    }
    static const vector_list lists[] = {{"rows", row}};
    run_vectors(values[1], "resolution.json", lists, 1);
    return 0;
}
