#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writes JSON (RFC 8259) into a buffer: commas and escapes are its business, nesting is checked.
 * Bytes that are not UTF-8 become U+FFFD. Failure is the buffer's (sticky, see buffer_check).
 */
#include "base/buffer.h"

enum { JSON_WRITE_DEPTH_MAX = 32 };

struct json_writer {
    struct buffer *out;
    unsigned depth;
    bool is_object[JSON_WRITE_DEPTH_MAX];
    bool has_member[JSON_WRITE_DEPTH_MAX];
};

void json_begin(struct json_writer *json, struct buffer *out);

/* Values: the whole text, or items of the array that is open. */
void json_object_open(struct json_writer *json);
void json_object_close(struct json_writer *json);
void json_array_open(struct json_writer *json);
void json_array_close(struct json_writer *json);
void json_text(struct json_writer *json, slice text);
void json_number(struct json_writer *json, int64_t number);
/* Finite values only; six significant digits. */
void json_decimal(struct json_writer *json, double number);
void json_flag(struct json_writer *json, bool flag);

/* A value that is JSON already. */
void json_raw(struct json_writer *json, slice value);

/* Members of the object that is open. */
void json_member(struct json_writer *json, slice name); /* its value comes next */
void json_member_object_open(struct json_writer *json, const char *name);
void json_member_array_open(struct json_writer *json, const char *name);
void json_member_text(struct json_writer *json, const char *name, slice text);
void json_member_string(struct json_writer *json, const char *name, const char *text);
void json_member_number(struct json_writer *json, const char *name, int64_t number);
void json_member_decimal(struct json_writer *json, const char *name, double number);
void json_member_flag(struct json_writer *json, const char *name, bool flag);
