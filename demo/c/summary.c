#include "summary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The operations in alphabetical order. */
static const int OPERATIONS[] = {CAUSELOG_OPERATION_DELETE, CAUSELOG_OPERATION_INSERT, CAUSELOG_OPERATION_UPDATE};

/* A number with its label. */
typedef struct line {
    char label[96];
    size_t number;
} line;

static size_t concurrent(const outcome *found, int one, int other) {
    return found->concurrent_by_operations[one < other ? one : other][one < other ? other : one];
}

/* The pairs of operations that occur, in alphabetical order; room for 6. */
static size_t concurrent_lines(const outcome *found, line *lines) {
    size_t count = 0;
    for (size_t one = 0; one < 3; one++) {
        for (size_t other = one; other < 3; other++) {
            size_t number = concurrent(found, OPERATIONS[one], OPERATIONS[other]);
            if (number > 0) {
                snprintf(lines[count].label, sizeof lines[count].label, "%s-%s",
                         causelog_operation_name(OPERATIONS[one]), causelog_operation_name(OPERATIONS[other]));
                lines[count++].number = number;
            }
        }
    }
    return count;
}

/* Closes a file that was written to, and tells whether all went well. */
static bool finish(FILE *file, const char *path, failure *why) {
    int number = 0;
    if (ferror(file) || fflush(file) != 0) {
        number = errno;
    }
    if (fclose(file) != 0 && number == 0) {
        number = errno;
    }
    return number == 0 || fail_errno(why, path, number);
}

bool write_reports(const outcome *found, const char *path, failure *why) {
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return fail_errno(why, path, errno);
    }
    for (size_t index = 0; index < found->report_count; index++) {
        causelog_buffer *json;
        causelog_error *error = NULL;
        if (causelog_report_to_json(found->reports[index], &json, &error) != CAUSELOG_OK) {
            fclose(file);
            return fail_library(why, path, error);
        }
        bool written = fprintf(file, "%s\n", causelog_buffer_text(json)) >= 0;
        int number = errno;
        causelog_buffer_free(json);
        if (!written) {
            fclose(file);
            return fail_errno(why, path, number);
        }
    }
    return finish(file, path, why);
}

bool write_summary(const outcome *found, const char *path, failure *why) {
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return fail_errno(why, path, errno);
    }
    fprintf(file, "{\"transactions\":%zu,\"changes\":%zu,\"rows\":%zu,", found->transactions, found->changes,
            found->rows);
    fprintf(file, "\"pairs_ordered\":%zu,\"pairs_concurrent\":%zu,\"concurrent_by_operations\":{",
            found->pairs_ordered, found->pairs_concurrent);
    line pairs[6];
    size_t count = concurrent_lines(found, pairs);
    for (size_t index = 0; index < count; index++) {
        fprintf(file, "%s\"%s\":%zu", index > 0 ? "," : "", pairs[index].label, pairs[index].number);
    }
    fprintf(file, "},\"conflicts_standing\":%zu,\"conflicts_settled\":%zu,\"rows_by_heads_at_the_end\":{",
            found->report_count - found->settled, found->settled);
    const char *separator = "";
    for (size_t heads = 1; heads <= found->most_heads; heads++) {
        if (found->rows_by_heads[heads] > 0) {
            fprintf(file, "%s\"%zu\":%zu", separator, heads, found->rows_by_heads[heads]);
            separator = ",";
        }
    }
    fputs("}}\n", file);
    return finish(file, path, why);
}

/* A label, and a number that ends where those of the other lines do if there is room. */
static void print_row(int indent, const char *label, const char *number) {
    int room = 30 - indent - (int)strlen(label), needed = (int)strlen(number) + 1;
    printf("%*s%s%*s\n", indent, "", label, room > needed ? room : needed, number);
}

static void print_number(int indent, const char *label, size_t number) {
    char text[32];
    snprintf(text, sizeof text, "%zu", number);
    print_row(indent, label, text);
}

static int by_label(const void *one, const void *other) {
    return strcmp(((const line *)one)->label, ((const line *)other)->label);
}

static void print_classes(const outcome *found) {
    line lines[JOB_CLASSES * JOB_REASONS];
    size_t count = 0;
    for (int class = 0; class < JOB_CLASSES; class++) {
        for (int reason = 0; reason < JOB_REASONS; reason++) {
            if (found->by_class_and_reason[class][reason] > 0) {
                snprintf(lines[count].label, sizeof lines[count].label, "%s, won by %s",
                         causelog_conflict_class_name(class), causelog_reason_code_name(reason));
                lines[count++].number = found->by_class_and_reason[class][reason];
            }
        }
    }
    qsort(lines, count, sizeof *lines, by_label);
    for (size_t index = 0; index < count; index++) {
        print_number(4, lines[index].label, lines[index].number);
    }
}

static bool print_reports(const outcome *found, failure *why) {
    puts("  three reports in full:");
    for (size_t index = 0; index < found->report_count && index < 3; index++) {
        causelog_buffer *text;
        causelog_error *error = NULL;
        if (causelog_report_to_text(found->reports[index], &text, &error) != CAUSELOG_OK) {
            return fail_library(why, "a report", error);
        }
        printf("%s%s\n", index > 0 ? "\n" : "", causelog_buffer_text(text));
        causelog_buffer_free(text);
    }
    return true;
}

bool print_outcome(const outcome *found, const char *source, const char *reports, double seconds, failure *why) {
    printf("C: replay of %s\n", source);
    print_number(2, "transactions", found->transactions);
    print_number(2, "changes", found->changes);
    print_number(2, "pairs ordered", found->pairs_ordered);
    print_number(2, "pairs concurrent", found->pairs_concurrent);
    line pairs[6];
    size_t count = concurrent_lines(found, pairs);
    for (size_t index = 0; index < count; index++) {
        print_number(4, pairs[index].label, pairs[index].number);
    }
    print_number(2, "rows", found->rows);
    for (size_t heads = 1; heads <= found->most_heads; heads++) {
        if (found->rows_by_heads[heads] > 0) {
            char label[64];
            snprintf(label, sizeof label, "with %zu %s", heads, heads == 1 ? "head" : "heads");
            print_number(4, label, found->rows_by_heads[heads]);
        }
    }
    print_number(2, "conflicts standing", found->report_count - found->settled);
    print_number(2, "conflicts settled", found->settled);
    print_classes(found);
    if (!print_reports(found, why)) {
        return false;
    }
    printf("  reports written to %s\n", reports);
    char time[32];
    snprintf(time, sizeof time, "%.3f s", seconds);
    print_row(2, "time", time);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return fail_errno(why, "standard output", errno);
    }
    return true;
}
