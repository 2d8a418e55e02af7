#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads JSON (RFC 8259) piece by piece, with nothing built: the caller asks for what it expects and
 * passes over the rest. Strict: UTF-8, no lone surrogates (RFC 7493 2.1), nothing behind the value.
 * Pure. Bounds: json_read_limits, and the arena for strings with escapes.
 *
 *     struct json_reader json;
 *     slice name;
 *     json_read_begin(&json, text, arena);
 *     if (json_read_object(&json))
 *         while (json_read_member(&json, &name))
 *             if (slice_equal(name, SLICE("score")))
 *                 (void)json_read_decimal(&json, &score);
 *     return json_read_end(&json);
 *
 * A mistake in the text sticks: from then on everything is false, and json_read_end tells. A value
 * that is of another type than the one asked for is no mistake: the question is false and the
 * value is still there, for another question; whatever nobody took is passed over by the next
 * json_read_member or json_read_item.
 */
#include "base/arena.h"
#include "base/cursor.h"

enum json_read_limits {
    JSON_READ_DEPTH_MAX = 64,
    JSON_READ_NUMBER_SIZE_MAX = 256, /* bytes of one number */
};

enum json_type {
    JSON_NOTHING, /* no value comes next: after one was taken, at an end, after a mistake */
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_TEXT,
    JSON_NUMBER,
    JSON_FLAG,
    JSON_NULL,
};

struct json_reader {
    struct cursor at;
    struct arena *arena;
    error problem;
    bool value_next; /* a value begins at `at`, blanks apart */
    bool first;      /* of the level that is open: nothing was taken yet */
    unsigned depth;
    uint64_t objects; /* a bit per level: is it an object? */
};

/* The text outlives what is read from it; so does the arena. */
void json_read_begin(struct json_reader *json, slice text, struct arena *arena);
/* What comes next. */
enum json_type json_read_type(struct json_reader *json);

/* Opens what comes next, if it is of that type. */
bool json_read_object(struct json_reader *json);
bool json_read_array(struct json_reader *json);
/* The next member's name, then its value comes next; false at the end of the object, which is then
 * closed. Names may occur twice. */
bool json_read_member(struct json_reader *json, slice *out_name);
/* The next item comes next; false at the end of the array. */
bool json_read_item(struct json_reader *json);

/* Takes what comes next, if it is of that type (and in range). A text is a view where it has no
 * escapes, else a copy in the arena; it may hold any code point, also NUL. */
bool json_read_text(struct json_reader *json, slice *out_text);
bool json_read_decimal(struct json_reader *json, double *out_number);
/* A number without fraction and exponent. */
bool json_read_integer(struct json_reader *json, int64_t *out_number);
bool json_read_flag(struct json_reader *json, bool *out_flag);
bool json_read_null(struct json_reader *json);
/* Whatever it is, whole; *out_value is its text. `out_value` may be NULL. */
bool json_read_any(struct json_reader *json, slice *out_value);

/* Passes over what nobody took, closes what is open and looks for the end of the text. OK,
 * ERROR_MALFORMED, ERROR_LIMIT. */
error json_read_end(struct json_reader *json);
