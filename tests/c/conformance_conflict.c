/* The conformance vectors of conflicts. */

#include "vectors.h"

static void shape(const json_value *vector) {
    causelog_operation local = operation_of(text_member(vector, "local"));
    causelog_operation remote = operation_of(text_member(vector, "remote")), here, there;
    causelog_conflict_type type, mirror;
    causelog_conflict_class class;
    CHECK_OK(causelog_conflict_type_of(local, remote, &type, &error));
    CHECK_STRING(string_member(vector, "conflict_type"), causelog_conflict_type_name(type));
    CHECK_OK(causelog_conflict_type_mirror(type, &mirror, &error));
    CHECK_STRING(string_member(vector, "mirror"), causelog_conflict_type_name(mirror));
    CHECK_OK(causelog_conflict_type_class(type, &class, &error));
    CHECK_STRING(string_member(vector, "conflict_class"), causelog_conflict_class_name(class));
    CHECK_OK(causelog_conflict_type_operations(type, &here, &there, &error));
    CHECK(here == local && there == remote);
}

static void class_of(const json_value *vector) {
    const json_value *names = member(vector, "operations"), *expected = member(vector, "conflict_class");
    int32_t operations[16];
    CHECK(names->count <= 16);
    for (size_t index = 0; index < names->count; index++) {
        const json_value *name = &names->elements[index];
        operations[index] = operation_of((causelog_text){name->text, name->length});
    }
    causelog_conflict_class class;
    CHECK_OK(causelog_conflict_class_of(operations, names->count, &class, &error));
    if (expected->type == JSON_NULL) {
        CHECK_NUMBER(CAUSELOG_CONFLICT_CLASS_NONE, class);
    } else {
        CHECK_STRING(expected->text, causelog_conflict_class_name(class));
    }
}

static causelog_detector *detector_of(const json_value *vector) {
    causelog_detector *detector;
    CHECK_OK(causelog_detector_new(text_member(vector, "strategy"), NULL, &detector, &error));
    return detector;
}

/* What every report is asked. */
static void check_report(const json_value *expected, const causelog_report *report) {
    CHECK_STRING(string_member(expected, "conflict_class"),
                 causelog_conflict_class_name(causelog_report_conflict_class(report)));
    CHECK_STRING(string_member(expected, "reason_code"),
                 causelog_reason_code_name(causelog_report_reason_code(report)));
    causelog_dot winner;
    if (causelog_report_winner(report, &winner)) {
        check_dot(member(expected, "winner"), winner);
        check_dot(member(expected, "winner"), causelog_entry_dot(causelog_report_winning_entry(report)));
    } else {
        CHECK_STRING("pending", string_member(expected, "winner"));
        CHECK(causelog_report_winning_entry(report) == NULL);
    }

    check_payload(member(expected, "value"), causelog_report_value(report));

    char id[CAUSELOG_UUID_TEXT_SIZE];
    CHECK_OK(causelog_uuid_format(causelog_report_id(report), &id, &error));
    CHECK_STRING(string_member(expected, "id"), id);
    causelog_buffer *buffer;
    CHECK_OK(causelog_report_to_json(report, &buffer, &error));
    CHECK_BUFFER(string_member(expected, "json"), buffer);
    CHECK_OK(causelog_report_to_text(report, &buffer, &error));
    CHECK_BUFFER(string_member(expected, "text"), buffer);
}

static void check_conflict(const json_value *expected, const causelog_detector *detector,
                           const causelog_conflict *conflict) {
    const char *type = string_member(expected, "conflict_type");
    CHECK_STRING(type, causelog_conflict_type_name(causelog_conflict_shape(conflict)));
    char id[CAUSELOG_UUID_TEXT_SIZE];
    CHECK_OK(causelog_uuid_format(causelog_conflict_id(conflict), &id, &error));
    CHECK_STRING(string_member(expected, "id"), id);

    causelog_report *report;
    CHECK_OK(causelog_detector_report(detector, conflict, &report, &error));
    CHECK_STRING(type, causelog_conflict_type_name(causelog_report_conflict_type(report)));
    const json_value *side = member(expected, "winning_side");
    if (side->type == JSON_NULL) {
        CHECK_NUMBER(CAUSELOG_SIDE_NONE, causelog_report_winning_side(report));
    } else {
        CHECK_STRING(side->text, causelog_side_name(causelog_report_winning_side(report)));
    }
    check_report(expected, report);
    causelog_report_free(report);
}

static void detect(const json_value *vector) {
    causelog_detector *detector = detector_of(vector);
    causelog_entry *local = read_entry(member(vector, "local")), *remote = read_entry(member(vector, "remote"));
    causelog_conflict *conflict = NULL;
    causelog_status status = causelog_detector_detect(detector, local, remote, &conflict, &error);
    if (json_get(vector, "error") != NULL) {
        check_error(vector, status, &error);
    } else {
        CHECK_OK(status);
        const json_value *expected = member(vector, "conflict");
        CHECK((conflict == NULL) == (expected->type == JSON_NULL));
        if (conflict != NULL) {
            check_conflict(expected, detector, conflict);
        }
    }
    causelog_conflict_free(conflict);
    causelog_entry_free(local);
    causelog_entry_free(remote);
    causelog_detector_free(detector);
}

static void resolve(const json_value *vector) {
    causelog_detector *detector = detector_of(vector);
    const json_value *values = member(vector, "entries");
    causelog_entry *owned[16];
    const causelog_entry *entries[16];
    CHECK(values->count <= 16);
    for (size_t index = 0; index < values->count; index++) {
        entries[index] = owned[index] = read_entry(&values->elements[index]);
    }
    const json_value *named = json_get(vector, "settled_by");
    bool settled = named != NULL && named->type != JSON_NULL;
    causelog_dot settled_by = {{{0}}, 0}, said;
    if (settled) {
        settled_by = dot_member(vector, "settled_by");
    }
    causelog_report *report = NULL;
    causelog_status status = causelog_detector_resolve(detector, entries, values->count, settled ? &settled_by : NULL,
                                                       &report, &error);
    if (json_get(vector, "error") != NULL) {
        check_error(vector, status, &error);
    } else {
        CHECK_OK(status);
        const json_value *expected = member(vector, "report"), *order = member(expected, "order");
        check_report(expected, report);
        CHECK_NUMBER(order->count, causelog_report_head_count(report));
        for (size_t index = 0; index < order->count; index++) {
            check_dot(&order->elements[index], causelog_entry_dot(causelog_report_head(report, index)));
        }
        CHECK(causelog_report_settled_by(report, &said) == settled);
        if (settled) {
            check_dot(named, said);
        }
        CHECK_NUMBER(CAUSELOG_CONFLICT_TYPE_NONE, causelog_report_conflict_type(report));
        CHECK_NUMBER(CAUSELOG_SIDE_NONE, causelog_report_winning_side(report));
    }
    causelog_report_free(report);
    for (size_t index = 0; index < values->count; index++) {
        causelog_entry_free(owned[index]);
    }
    causelog_detector_free(detector);
}

int main(int count, char **values) {
    if (count != 2) {
        fputs("usage: conformance_conflict DIRECTORY\n", stderr);
        return 2;
    }
    static const vector_list lists[] = {
        {"shapes", shape}, {"classes", class_of}, {"detect", detect}, {"resolve", resolve}};
    run_vectors(values[1], "conflict.json", lists, 4);
    return 0;
}
