/* The reader of JSON that the demo and the conformance tests share. */

#include "../../demo/c/json.h"
#include "check.h"

/* How a text is written again; NULL if it is refused. To be freed. */
static char *rewritten(const char *text, size_t length, json_error *why) {
    json_value value;
    if (!json_parse(text, length, &value, why)) {
        return NULL;
    }
    json_output output = {0};
    json_write(&value, &output);
    json_append(&output, "", 1);
    json_free(&value);
    CHECK(!output.failed);
    return output.data;
}

static void what_is_json_is_written_compactly(void) {
    static const char *const pairs[][2] = {
        {" null ", "null"},
        {"[true,\t\nfalse ]\r", "[true,false]"},
        {"{ }", "{}"},
        {"[ ]", "[]"},
        {"{\"b\" : 1, \"a\":[{}] ,\"b\":2}", "{\"b\":1,\"a\":[{}],\"b\":2}"},
        {"[0,-0,1.50,1e400,-1E+2,2e-07,12345678901234567890]", "[0,-0,1.50,1e400,-1E+2,2e-07,12345678901234567890]"},
        {"\"\\u0061 \\u00e9 \\ud83e\\udd80 \\/ \\\" \\\\ \\u000a \\u0001 \\b\\f\\n\\r\\t\"",
         "\"a \xc3\xa9 \xf0\x9f\xa6\x80 / \\\" \\\\ \\n \\u0001 \\b\\f\\n\\r\\t\""},
        {"\"\\u0000\\u20ac\\u07ff\\uFFFF\"", "\"\\u0000\xe2\x82\xac\xdf\xbf\xef\xbf\xbf\""},
        {"\"\x7f \xc2\x80 \xe0\xa0\x80 \xed\x9f\xbf \xf4\x8f\xbf\xbf\"", "\"\x7f \xc2\x80 \xe0\xa0\x80 \xed\x9f\xbf \xf4\x8f\xbf\xbf\""},
    };
    for (size_t index = 0; index < sizeof pairs / sizeof *pairs; index++) {
        json_error why = {0, NULL};
        char *output = rewritten(pairs[index][0], strlen(pairs[index][0]), &why);
        if (output == NULL) {
            FAIL_CHECK("%s is refused: %s at %zu", pairs[index][0], why.message, why.column);
        }
        CHECK_STRING(pairs[index][1], output);
        free(output);
    }
}

static void what_is_no_json_is_refused(void) {
    static const char *const texts[] = {
        "",          " ",         "nul",         "nulll",      "tru",        "[1,]",         "[,1]",      "[1 2]",
        "[",         "]",         "{",           "{\"a\"}",    "{\"a\":}",   "{\"a\":1,}",   "{a:1}",     "{1:1}",
        "{\"a\" 1}", "\"",        "\"\\\"",      "\"\\",       "\"\\x\"",    "\"\\u12g4\"",  "\"\\u12\"", "\"\n\"",
        "\"\x1f\"",  "01",        "-",           "+1",         "1.",         ".5",           "1e",        "1e+",
        "0x1",       "1 2",       "NaN",         "Infinity",   "'a'",        "\"\\ud83e\"",  "\"\\udd80\"",
        "\"\\ud83e\\u0041\"",     "\"\\ud83e\\ud83e\"",        "\"\\ud83ex\"", "\"\xff\"",   "\"\xc3\"",  "\"\xc0\x80\"",
        "\"\xe0\x9f\xbf\"",       "\"\xed\xa0\x80\"",          "\"\xf0\x8f\xbf\xbf\"",       "\"\xf4\x90\x80\x80\"",
        "\"\xf8\x88\x80\x80\x80\"", "\"\xe2\x82\"", "\xef\xbb\xbf{}", "[1]]", "{}{}", "\xff",
    };
    for (size_t index = 0; index < sizeof texts / sizeof *texts; index++) {
        json_error why = {0, NULL};
        char *output = rewritten(texts[index], strlen(texts[index]), &why);
        if (output != NULL) {
            FAIL_CHECK("%s is taken", texts[index]);
        }
        CHECK(why.message != NULL && why.column >= 1 && why.column <= strlen(texts[index]) + 1);
    }
    json_error why;
    CHECK(rewritten("[\0]", 3, &why) == NULL);
    CHECK_NUMBER(2, why.column);
    CHECK(rewritten("\"a\0\"", 4, &why) == NULL);
    CHECK(rewritten("1\0", 2, &why) == NULL);
}

static void every_prefix_of_a_text_is_refused(void) {
    static const char text[] = "{\"a\":[1.5e3,\"\\ud83e\\udd80\xc3\xa9\",true,null],\"b\":{}}";
    json_error why;
    for (size_t length = 0; length < sizeof text - 1; length++) {
        /* Memory of its own, so that reading beyond the end would be noticed. */
        char *prefix = malloc(length + 1);
        CHECK(prefix != NULL);
        char *exact = length > 0 ? realloc(prefix, length) : prefix;
        CHECK(exact != NULL);
        memcpy(exact, text, length);
        CHECK(rewritten(exact, length, &why) == NULL);
        free(exact);
    }
    char *whole = rewritten(text, sizeof text - 1, &why);
    CHECK(whole != NULL);
    free(whole);
}

static void nesting_has_a_limit(void) {
    char text[2 * (JSON_MAX_DEPTH + 1) + 1];
    json_error why;
    memset(text, '[', JSON_MAX_DEPTH);
    memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
    char *output = rewritten(text, 2 * JSON_MAX_DEPTH, &why);
    CHECK(output != NULL);
    free(output);
    memset(text, '[', JSON_MAX_DEPTH + 1);
    memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
    CHECK(rewritten(text, 2 * (JSON_MAX_DEPTH + 1), &why) == NULL);
    CHECK_STRING("nested too deep", why.message);
}

static void members_are_found_by_name(void) {
    static const char text[] = "{\"a\":1,\"b\":\"x\\u0000y\",\"a\":3}";
    json_value value;
    json_error why;
    CHECK(json_parse(text, sizeof text - 1, &value, &why));
    CHECK_STRING("3", json_get(&value, "a")->text);
    CHECK_NUMBER(3, json_get(&value, "b")->length);
    CHECK(memcmp("x\0y", json_get(&value, "b")->text, 4) == 0);
    CHECK(json_get(&value, "c") == NULL);
    CHECK(json_get(json_get(&value, "a"), "a") == NULL);
    json_free(&value);
    CHECK_NUMBER(JSON_NULL, value.type);
    CHECK(error == NULL);
}

int main(void) {
    RUN(what_is_json_is_written_compactly);
    RUN(what_is_no_json_is_refused);
    RUN(every_prefix_of_a_text_is_refused);
    RUN(nesting_has_a_limit);
    RUN(members_are_found_by_name);
    return 0;
}
