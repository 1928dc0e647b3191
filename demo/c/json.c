#include "json.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const unsigned char *text;
    size_t length;
    size_t at;
    unsigned depth;
    json_error *error;
} reader;

static bool read_value(reader *in, json_value *value);

static bool fail(reader *in, const char *message) {
    in->error->column = in->at + 1;
    in->error->message = message;
    return false;
}

/* The length of the UTF-8 sequence at `text`, of which `room` bytes are left; 0 if it is malformed. */
static size_t utf8_length(const unsigned char *text, size_t room) {
    unsigned char first = text[0];
    size_t length;
    /* The bounds of the second byte rule out overlong forms, surrogates and what lies beyond U+10FFFF. */
    unsigned char low = 0x80, high = 0xbf;
    if (first < 0x80) {
        return 1;
    } else if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        low = first == 0xe0 ? 0xa0 : 0x80;
        high = first == 0xed ? 0x9f : 0xbf;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        low = first == 0xf0 ? 0x90 : 0x80;
        high = first == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (room < length || text[1] < low || text[1] > high) {
        return 0;
    }
    for (size_t index = 2; index < length; index++) {
        if ((text[index] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

static void skip_space(reader *in) {
    while (in->at < in->length && strchr(" \t\n\r", in->text[in->at]) != NULL && in->text[in->at] != '\0') {
        in->at++;
    }
}

/* The next byte, or -1 at the end. */
static int peek(const reader *in) {
    return in->at < in->length ? in->text[in->at] : -1;
}

static bool read_word(reader *in, const char *word, json_type type, json_value *value) {
    size_t length = strlen(word);
    if (in->length - in->at < length || memcmp(in->text + in->at, word, length) != 0) {
        return fail(in, "expected a value");
    }
    in->at += length;
    value->type = type;
    return true;
}

static bool read_hex4(reader *in, uint32_t *unit) {
    *unit = 0;
    for (int digit = 0; digit < 4; digit++) {
        int byte = peek(in);
        if (byte >= '0' && byte <= '9') {
            *unit = *unit * 16 + (uint32_t)(byte - '0');
        } else if (byte >= 'a' && byte <= 'f') {
            *unit = *unit * 16 + (uint32_t)(byte - 'a' + 10);
        } else if (byte >= 'A' && byte <= 'F') {
            *unit = *unit * 16 + (uint32_t)(byte - 'A' + 10);
        } else {
            return fail(in, "expected four hexadecimal digits");
        }
        in->at++;
    }
    return true;
}

/* Reads what follows \u, two of them where they make one character, and appends it as UTF-8. */
static bool read_unicode(reader *in, char *out, size_t *length) {
    uint32_t code, low;
    if (!read_hex4(in, &code)) {
        return false;
    }
    if (code >= 0xdc00 && code <= 0xdfff) {
        return fail(in, "a low surrogate without a high one before it");
    }
    if (code >= 0xd800 && code <= 0xdbff) {
        if (in->length - in->at < 2 || in->text[in->at] != '\\' || in->text[in->at + 1] != 'u') {
            return fail(in, "a high surrogate without a low one after it");
        }
        in->at += 2;
        if (!read_hex4(in, &low)) {
            return false;
        }
        if (low < 0xdc00 || low > 0xdfff) {
            return fail(in, "a high surrogate without a low one after it");
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code < 0x80) {
        out[(*length)++] = (char)code;
    } else if (code < 0x800) {
        out[(*length)++] = (char)(0xc0 | code >> 6);
        out[(*length)++] = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        out[(*length)++] = (char)(0xe0 | code >> 12);
        out[(*length)++] = (char)(0x80 | (code >> 6 & 0x3f));
        out[(*length)++] = (char)(0x80 | (code & 0x3f));
    } else {
        out[(*length)++] = (char)(0xf0 | code >> 18);
        out[(*length)++] = (char)(0x80 | (code >> 12 & 0x3f));
        out[(*length)++] = (char)(0x80 | (code >> 6 & 0x3f));
        out[(*length)++] = (char)(0x80 | (code & 0x3f));
    }
    return true;
}

static bool read_escape(reader *in, char *out, size_t *length) {
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    int byte = peek(in);
    const char *name = byte > 0 ? strchr(names, byte) : NULL;
    if (byte == 'u') {
        in->at++;
        return read_unicode(in, out, length);
    }
    if (name == NULL) {
        return fail(in, "no such escape");
    }
    in->at++;
    out[(*length)++] = meanings[name - names];
    return true;
}

/* Reads a string into memory of its own. */
static bool read_text(reader *in, char **text, size_t *length) {
    if (peek(in) != '"') {
        return fail(in, "expected a string");
    }
    in->at++;
    /* What is decoded is never longer than how it is written, so the way to the closing quote is room enough. */
    size_t end = in->at;
    while (end < in->length && in->text[end] != '"') {
        end += in->text[end] == '\\' ? 2 : 1;
    }
    if (end >= in->length) {
        in->at = in->length;
        return fail(in, "a string without an end");
    }
    char *out = malloc(end - in->at + 1);
    size_t written = 0;
    bool good = out != NULL || fail(in, "out of memory");
    while (good && in->at < end) {
        if (in->text[in->at] == '\\') {
            in->at++;
            good = read_escape(in, out, &written);
        } else if (in->text[in->at] < 0x20) {
            good = fail(in, "a control character in a string");
        } else {
            size_t sequence = utf8_length(in->text + in->at, end - in->at);
            if (sequence == 0) {
                good = fail(in, "not UTF-8");
            } else {
                memcpy(out + written, in->text + in->at, sequence);
                written += sequence;
                in->at += sequence;
            }
        }
    }
    if (!good) {
        free(out);
        return false;
    }
    in->at++;
    out[written] = '\0';
    *text = out;
    *length = written;
    return true;
}

static size_t skip_digits(reader *in) {
    size_t start = in->at;
    while (peek(in) >= '0' && peek(in) <= '9') {
        in->at++;
    }
    return in->at - start;
}

static bool read_number(reader *in, json_value *value) {
    size_t start = in->at;
    if (peek(in) == '-') {
        in->at++;
    }
    if (peek(in) == '0') {
        in->at++;
    } else if (skip_digits(in) == 0) {
        return fail(in, "expected a digit");
    }
    if (peek(in) == '.') {
        in->at++;
        if (skip_digits(in) == 0) {
            return fail(in, "expected a digit");
        }
    }
    if (peek(in) == 'e' || peek(in) == 'E') {
        in->at++;
        if (peek(in) == '+' || peek(in) == '-') {
            in->at++;
        }
        if (skip_digits(in) == 0) {
            return fail(in, "expected a digit");
        }
    }
    size_t length = in->at - start;
    value->text = malloc(length + 1);
    if (value->text == NULL) {
        return fail(in, "out of memory");
    }
    memcpy(value->text, in->text + start, length);
    value->text[length] = '\0';
    value->length = length;
    value->type = JSON_NUMBER;
    return true;
}

/* Makes room for one more item after `count`; doubles it whenever `count` is a power of two. */
static bool grow(reader *in, void **items, size_t count, size_t size) {
    if (count != 0 && (count & (count - 1)) != 0) {
        return true;
    }
    size_t capacity = count == 0 ? 1 : count * 2;
    void *grown = capacity > SIZE_MAX / size ? NULL : realloc(*items, capacity * size);
    if (grown == NULL) {
        return fail(in, "out of memory");
    }
    *items = grown;
    return true;
}

static bool read_element(reader *in, json_value *array) {
    void *elements = array->elements;
    if (!grow(in, &elements, array->count, sizeof *array->elements)) {
        return false;
    }
    array->elements = elements;
    json_value *element = &array->elements[array->count];
    memset(element, 0, sizeof *element);
    array->count++;
    return read_value(in, element);
}

static bool read_member(reader *in, json_value *object) {
    void *members = object->members;
    if (!grow(in, &members, object->count, sizeof *object->members)) {
        return false;
    }
    object->members = members;
    json_member *member = &object->members[object->count];
    memset(member, 0, sizeof *member);
    object->count++;
    skip_space(in);
    if (!read_text(in, &member->name, &member->name_length)) {
        return false;
    }
    skip_space(in);
    if (peek(in) != ':') {
        return fail(in, "expected a colon");
    }
    in->at++;
    return read_value(in, &member->value);
}

/* Reads what stands between brackets or braces. */
static bool read_items(reader *in, json_value *value, json_type type, char close) {
    value->type = type;
    in->at++;
    if (++in->depth > JSON_MAX_DEPTH) {
        return fail(in, "nested too deep");
    }
    skip_space(in);
    if (peek(in) != close) {
        for (;;) {
            if (!(type == JSON_ARRAY ? read_element(in, value) : read_member(in, value))) {
                return false;
            }
            skip_space(in);
            if (peek(in) != ',') {
                break;
            }
            in->at++;
        }
    }
    if (peek(in) != close) {
        return fail(in, type == JSON_ARRAY ? "expected a comma or a bracket" : "expected a comma or a brace");
    }
    in->at++;
    in->depth--;
    return true;
}

static bool read_value(reader *in, json_value *value) {
    skip_space(in);
    switch (peek(in)) {
    case '{':
        return read_items(in, value, JSON_OBJECT, '}');
    case '[':
        return read_items(in, value, JSON_ARRAY, ']');
    case '"':
        if (!read_text(in, &value->text, &value->length)) {
            return false;
        }
        value->type = JSON_STRING;
        return true;
    case 't':
        return read_word(in, "true", JSON_TRUE, value);
    case 'f':
        return read_word(in, "false", JSON_FALSE, value);
    case 'n':
        return read_word(in, "null", JSON_NULL, value);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_number(in, value);
    default:
        return fail(in, "expected a value");
    }
}

bool json_parse(const char *text, size_t length, json_value *value, json_error *error) {
    reader in = {(const unsigned char *)text, length, 0, 0, error};
    memset(value, 0, sizeof *value);
    bool good = read_value(&in, value);
    if (good) {
        skip_space(&in);
        good = in.at == length || fail(&in, "more after the value");
    }
    if (!good) {
        json_free(value);
    }
    return good;
}

void json_free(json_value *value) {
    for (size_t index = 0; index < value->count; index++) {
        if (value->type == JSON_ARRAY) {
            json_free(&value->elements[index]);
        } else {
            free(value->members[index].name);
            json_free(&value->members[index].value);
        }
    }
    free(value->text);
    free(value->elements);
    free(value->members);
    memset(value, 0, sizeof *value);
}

const json_value *json_get(const json_value *object, const char *name) {
    if (object->type != JSON_OBJECT) {
        return NULL;
    }
    for (size_t index = object->count; index > 0; index--) {
        const json_member *member = &object->members[index - 1];
        if (member->name_length == strlen(name) && memcmp(member->name, name, member->name_length) == 0) {
            return &member->value;
        }
    }
    return NULL;
}

void json_append(json_output *output, const char *data, size_t length) {
    if (output->failed) {
        return;
    }
    if (length > output->capacity - output->length) {
        size_t needed = output->length + length, doubled = output->capacity * 2;
        size_t capacity = needed > doubled ? needed : doubled;
        char *grown = needed < length ? NULL : realloc(output->data, capacity);
        if (grown == NULL) {
            output->failed = true;
            return;
        }
        output->data = grown;
        output->capacity = capacity;
    }
    if (length > 0) {
        memcpy(output->data + output->length, data, length);
        output->length += length;
    }
}

void json_write_string(const char *text, size_t length, json_output *output) {
    static const char meanings[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    json_append(output, "\"", 1);
    size_t start = 0;
    for (size_t index = 0; index < length; index++) {
        unsigned char byte = (unsigned char)text[index];
        const char *meaning = byte != 0 ? strchr(meanings, byte) : NULL;
        if (byte >= 0x20 && meaning == NULL) {
            continue;
        }
        char escape[7];
        if (meaning != NULL) {
            snprintf(escape, sizeof escape, "\\%c", names[meaning - meanings]);
        } else {
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned)byte);
        }
        json_append(output, text + start, index - start);
        json_append(output, escape, strlen(escape));
        start = index + 1;
    }
    json_append(output, text + start, length - start);
    json_append(output, "\"", 1);
}

void json_write(const json_value *value, json_output *output) {
    switch (value->type) {
    case JSON_NULL:
        json_append(output, "null", 4);
        break;
    case JSON_FALSE:
        json_append(output, "false", 5);
        break;
    case JSON_TRUE:
        json_append(output, "true", 4);
        break;
    case JSON_NUMBER:
        json_append(output, value->text, value->length);
        break;
    case JSON_STRING:
        json_write_string(value->text, value->length, output);
        break;
    case JSON_ARRAY:
        json_append(output, "[", 1);
        for (size_t index = 0; index < value->count; index++) {
            json_append(output, ",", index > 0);
            json_write(&value->elements[index], output);
        }
        json_append(output, "]", 1);
        break;
    case JSON_OBJECT:
        json_append(output, "{", 1);
        for (size_t index = 0; index < value->count; index++) {
            const json_member *member = &value->members[index];
            json_append(output, ",", index > 0);
            json_write_string(member->name, member->name_length, output);
            json_append(output, ":", 1);
            json_write(&member->value, output);
        }
        json_append(output, "}", 1);
        break;
    }
}
