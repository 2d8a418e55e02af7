/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/json/read.h"

#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>

_Static_assert(JSON_READ_DEPTH_MAX <= 64, "a bit per level");

void json_read_begin(struct json_reader *json, slice text, struct arena *arena)
{
    *json = (struct json_reader){
        .at = cursor_over(text), .arena = arena, .problem = OK, .value_next = true};
}

static bool fail(struct json_reader *json, enum error_kind kind, const char *why)
{
    if (!failed(json->problem))
        json->problem = error_make(kind, why);
    json->value_next = false;
    return false;
}

static bool bad(struct json_reader *json, const char *why)
{
    return fail(json, ERROR_MALFORMED, why);
}

static void skip_blanks(struct json_reader *json)
{
    struct cursor *at = &json->at;
    while (at->at < at->end &&
           (*at->at == ' ' || *at->at == '\n' || *at->at == '\r' || *at->at == '\t'))
        at->at++;
}

static bool in_object(const struct json_reader *json)
{
    return json->objects >> (json->depth - 1) & 1;
}

/* A value was taken whole. */
static bool taken(struct json_reader *json)
{
    json->value_next = false;
    json->first = false;
    return true;
}

/* ---- What comes next ---- */

enum json_type json_read_type(struct json_reader *json)
{
    if (!json->value_next)
        return JSON_NOTHING;
    skip_blanks(json);
    switch (cursor_peek(&json->at)) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_TEXT;
    case 't':
    case 'f':
        return JSON_FLAG;
    case 'n':
        return JSON_NULL;
    case '-':
    case '0' ... '9':
        return JSON_NUMBER;
    case -1:
        bad(json, "JSON that ends too early");
        return JSON_NOTHING;
    default:
        bad(json, "JSON without a value where one is wanted");
        return JSON_NOTHING;
    }
}

/* ---- Levels ---- */

static bool open_level(struct json_reader *json, bool is_object)
{
    if (json_read_type(json) != (is_object ? JSON_OBJECT : JSON_ARRAY))
        return false;
    if (json->depth == JSON_READ_DEPTH_MAX)
        return fail(json, ERROR_LIMIT, "JSON that is nested too deeply");
    uint64_t bit = 1ull << json->depth++;
    json->objects = is_object ? json->objects | bit : json->objects & ~bit;
    json->at.at++;
    json->value_next = false;
    json->first = true;
    return true;
}

bool json_read_object(struct json_reader *json)
{
    return open_level(json, true);
}

bool json_read_array(struct json_reader *json)
{
    return open_level(json, false);
}

/* Before a member or an item: true where there is one. */
static bool next(struct json_reader *json)
{
    bool first = json->first;
    skip_blanks(json);
    if (cursor_take_byte(&json->at, in_object(json) ? '}' : ']')) {
        json->depth--;
        taken(json); /* the level was a value of the one around it */
        return false;
    }
    if (!first && !cursor_take_byte(&json->at, ','))
        return bad(json, "JSON without a comma where one is wanted");
    json->first = false;
    return true;
}

static bool take_text(struct json_reader *json, slice *out_text);

bool json_read_member(struct json_reader *json, slice *out_name)
{
    if (json->value_next)
        (void)json_read_any(json, NULL);
    if (failed(json->problem) || json->depth == 0 || !in_object(json) || !next(json))
        return false;
    slice name;
    skip_blanks(json);
    if (cursor_peek(&json->at) != '"')
        return bad(json, "a member without a name");
    if (!take_text(json, &name))
        return false;
    skip_blanks(json);
    if (!cursor_take_byte(&json->at, ':'))
        return bad(json, "a member without a colon");
    json->value_next = true;
    *out_name = name;
    return true;
}

bool json_read_item(struct json_reader *json)
{
    if (json->value_next)
        (void)json_read_any(json, NULL);
    if (failed(json->problem) || json->depth == 0 || in_object(json) || !next(json))
        return false;
    json->value_next = true;
    return true;
}

/* ---- Texts ---- */

static bool take_hex(struct cursor *at, uint32_t *out)
{
    uint32_t value = 0;
    if (at->end - at->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = ascii_lower(at->at[i]);
        bool is_letter = c >= 'a' && c <= 'f';
        if (!is_letter && !ascii_is_digit(c))
            return false;
        value = value << 4 | (uint32_t)(is_letter ? c - 'a' + 10 : c - '0');
    }
    at->at += 4;
    *out = value;
    return true;
}

/* Behind "\u"; RFC 8259 7: beyond the first plane two of them. */
static bool take_code_point(struct cursor *at, uint32_t *out)
{
    uint32_t point, low;
    if (!take_hex(at, &point))
        return false;
    if (point >= 0xd800 && point < 0xdc00) {
        if (!cursor_take(at, SLICE("\\u")) || !take_hex(at, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    *out = point;
    return point < 0xd800 || point > 0xdfff;
}

/* Behind a backslash: its bytes into `out` (room for 4); how many, 0 for a mistake. */
static size_t take_escape(struct cursor *at, char *out)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    int c = cursor_peek(at);
    uint32_t point;
    if (c < 1) /* the end, or a NUL, which strchr would find */
        return 0;
    at->at++;
    if (c == 'u')
        return take_code_point(at, &point) ? utf8_encode(point, out) : 0;
    const char *found = strchr(names, c);
    if (found)
        *out = bytes[found - names];
    return found != NULL;
}

/* The length of the text up to its closing quote, escapes included; false where it has none. */
static bool measure(const struct cursor *at, size_t *out_size, bool *out_escaped)
{
    const char *p = at->at;
    *out_escaped = false;
    for (; p < at->end && *p != '"'; p++) {
        if ((unsigned char)*p < 0x20)
            return false;
        if (*p == '\\') {
            *out_escaped = true;
            p++;
        }
    }
    *out_size = (size_t)(p - at->at);
    return p < at->end;
}

static bool unescape(struct json_reader *json, slice raw, slice *out_text)
{
    char *to = arena_alloc_bytes(json->arena, raw.size);
    size_t size = 0;
    struct cursor at = cursor_over(raw);
    if (!to)
        return fail(json, ERROR_LIMIT, "out of memory for this task");
    while (!cursor_done(&at)) {
        char c = *at.at++;
        if (c != '\\') {
            to[size++] = c;
            continue;
        }
        size_t added = take_escape(&at, to + size); /* never longer than what it stands for */
        if (added == 0)
            return bad(json, "an escape in JSON that means nothing");
        size += added;
    }
    *out_text = slice_of(to, size);
    return true;
}

/* At a quote. */
static bool take_text(struct json_reader *json, slice *out_text)
{
    struct cursor *at = &json->at;
    size_t size;
    bool escaped;
    at->at++;
    if (!measure(at, &size, &escaped))
        return bad(json, "a text in JSON that has no end, or a control character");
    slice raw = slice_of(at->at, size), text = raw;
    if (!utf8_is_valid(raw))
        return bad(json, "a text in JSON that is not UTF-8");
    if (escaped && !unescape(json, raw, &text))
        return false;
    at->at += size + 1;
    *out_text = text;
    return true;
}

bool json_read_text(struct json_reader *json, slice *out_text)
{
    return json_read_type(json) == JSON_TEXT && take_text(json, out_text) && taken(json);
}

/* ---- Numbers and words ---- */

static size_t skip_digits(struct cursor *at)
{
    const char *began = at->at;
    while (at->at < at->end && ascii_is_digit(*at->at))
        at->at++;
    return (size_t)(at->at - began);
}

/* RFC 8259 6. The reader does not move: whether the number is what is wanted is not known yet. */
static bool measure_number(struct json_reader *json, slice *out_text, bool *out_whole)
{
    struct cursor at = json->at;
    (void)cursor_take_byte(&at, '-');
    bool zero = cursor_peek(&at) == '0';
    size_t digits = skip_digits(&at);
    if (digits == 0 || (zero && digits > 1))
        return bad(json, "not a number as JSON writes it");
    *out_whole = true;
    if (cursor_take_byte(&at, '.')) {
        *out_whole = false;
        if (skip_digits(&at) == 0)
            return bad(json, "a number in JSON without digits behind the point");
    }
    if (cursor_take_byte(&at, 'e') || cursor_take_byte(&at, 'E')) {
        *out_whole = false;
        if (!cursor_take_byte(&at, '+'))
            (void)cursor_take_byte(&at, '-');
        if (skip_digits(&at) == 0)
            return bad(json, "a number in JSON without digits in its exponent");
    }
    *out_text = slice_of(json->at.at, (size_t)(at.at - json->at.at));
    if (out_text->size > JSON_READ_NUMBER_SIZE_MAX)
        return fail(json, ERROR_LIMIT, "a number in JSON that is too long");
    return true;
}

bool json_read_decimal(struct json_reader *json, double *out_number)
{
    char copy[JSON_READ_NUMBER_SIZE_MAX + 1];
    slice text;
    bool whole;
    if (json_read_type(json) != JSON_NUMBER || !measure_number(json, &text, &whole))
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    double number = strtod(copy, NULL);
    if (!isfinite(number))
        return false;
    json->at.at += text.size;
    *out_number = number;
    return taken(json);
}

bool json_read_integer(struct json_reader *json, int64_t *out_number)
{
    slice text;
    bool whole;
    if (json_read_type(json) != JSON_NUMBER || !measure_number(json, &text, &whole) || !whole)
        return false;
    struct cursor at = cursor_over(text);
    bool negative = cursor_take_byte(&at, '-');
    uint64_t size;
    if (!cursor_take_u64(&at, negative ? 1ull << 63 : INT64_MAX, &size))
        return false;
    json->at.at += text.size;
    *out_number = (int64_t)(negative ? 0 - size : size);
    return taken(json);
}

static bool take_word(struct json_reader *json, slice word)
{
    if (!cursor_take(&json->at, word))
        return bad(json, "a word in JSON that is none of true, false, null");
    return taken(json);
}

bool json_read_flag(struct json_reader *json, bool *out_flag)
{
    if (json_read_type(json) != JSON_FLAG)
        return false;
    bool flag = cursor_peek(&json->at) == 't';
    if (!take_word(json, flag ? SLICE("true") : SLICE("false")))
        return false;
    *out_flag = flag;
    return true;
}

bool json_read_null(struct json_reader *json)
{
    return json_read_type(json) == JSON_NULL && take_word(json, SLICE("null"));
}

/* ---- The rest ---- */

/* A value that is no level, without looking into it further than its grammar. */
static bool skip_simple(struct json_reader *json)
{
    slice text;
    bool unused;
    switch (json_read_type(json)) {
    case JSON_TEXT: {
        struct arena *arena = json->arena;
        struct arena scratch; /* escapes must be right, but nobody wants what they mean */
        arena_init(&scratch, (size_t)(json->at.end - json->at.at) + 1);
        json->arena = &scratch;
        (void)json_read_text(json, &text);
        json->arena = arena;
        arena_close(&scratch);
        return !failed(json->problem);
    }
    case JSON_NUMBER:
        if (!measure_number(json, &text, &unused))
            return false;
        json->at.at += text.size;
        return taken(json);
    case JSON_FLAG:
        return json_read_flag(json, &unused);
    case JSON_NULL:
        return json_read_null(json);
    default:
        return false;
    }
}

bool json_read_any(struct json_reader *json, slice *out_value)
{
    unsigned depth = json->depth;
    if (json_read_type(json) == JSON_NOTHING)
        return false;
    const char *began = json->at.at;
    do {
        slice name;
        if (json->value_next) {
            if (!json_read_object(json) && !json_read_array(json) && !skip_simple(json))
                return false;
        } else {
            (void)(in_object(json) ? json_read_member(json, &name) : json_read_item(json));
        }
    } while (!failed(json->problem) && (json->depth > depth || json->value_next));
    if (failed(json->problem))
        return false;
    if (out_value)
        *out_value = slice_of(began, (size_t)(json->at.at - began));
    return true;
}

error json_read_end(struct json_reader *json)
{
    slice name;
    if (json->value_next)
        (void)json_read_any(json, NULL);
    while (json->depth > 0 && !failed(json->problem))
        (void)(in_object(json) ? json_read_member(json, &name) : json_read_item(json));
    skip_blanks(json);
    if (!failed(json->problem) && !cursor_done(&json->at))
        bad(json, "something behind the value");
    return json->problem;
}
