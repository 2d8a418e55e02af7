/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/json/write.h"

#include "base/assert.h"
#include "base/utf8.h"

void json_begin(struct json_writer *json, struct buffer *out)
{
    *json = (struct json_writer){.out = out};
}

/* The comma between items of an array; members write theirs with their name. */
static void before_value(struct json_writer *json)
{
    if (json->depth == 0 || json->is_object[json->depth - 1])
        return;
    if (json->has_member[json->depth - 1])
        buffer_add_byte(json->out, ',');
    json->has_member[json->depth - 1] = true;
}

static void open_level(struct json_writer *json, bool is_object)
{
    before_value(json);
    ASSERT(json->depth < JSON_WRITE_DEPTH_MAX);
    json->is_object[json->depth] = is_object;
    json->has_member[json->depth] = false;
    json->depth++;
    buffer_add_byte(json->out, is_object ? '{' : '[');
}

static void close_level(struct json_writer *json, bool is_object)
{
    ASSERT(json->depth > 0 && json->is_object[json->depth - 1] == is_object);
    json->depth--;
    buffer_add_byte(json->out, is_object ? '}' : ']');
}

void json_object_open(struct json_writer *json)
{
    open_level(json, true);
}
void json_object_close(struct json_writer *json)
{
    close_level(json, true);
}
void json_array_open(struct json_writer *json)
{
    open_level(json, false);
}
void json_array_close(struct json_writer *json)
{
    close_level(json, false);
}

static void add_escaped_byte(struct buffer *out, unsigned char byte)
{
    switch (byte) {
    case '"':
        buffer_add_string(out, "\\\"");
        return;
    case '\\':
        buffer_add_string(out, "\\\\");
        return;
    case '\n':
        buffer_add_string(out, "\\n");
        return;
    case '\r':
        buffer_add_string(out, "\\r");
        return;
    case '\t':
        buffer_add_string(out, "\\t");
        return;
    default:
        if (byte < 0x20 || byte == 0x7f)
            buffer_format(out, "\\u%04x", byte);
        else
            buffer_add_byte(out, (char)byte);
    }
}

static void add_string(struct buffer *out, slice text)
{
    buffer_add_byte(out, '"');
    while (text.size > 0) {
        uint32_t point;
        size_t size = utf8_decode(text, &point);
        if (size == 0) {
            buffer_add_string(out, "\xef\xbf\xbd");
            size = 1;
        } else if (size == 1) {
            add_escaped_byte(out, (unsigned char)text.data[0]);
        } else {
            buffer_add(out, slice_sub(text, 0, size));
        }
        text = slice_from(text, size);
    }
    buffer_add_byte(out, '"');
}

void json_text(struct json_writer *json, slice text)
{
    before_value(json);
    add_string(json->out, text);
}

void json_number(struct json_writer *json, int64_t number)
{
    before_value(json);
    buffer_add_i64(json->out, number);
}

void json_decimal(struct json_writer *json, double number)
{
    before_value(json);
    buffer_format(json->out, "%.6g", number);
}

void json_flag(struct json_writer *json, bool flag)
{
    before_value(json);
    buffer_add_string(json->out, flag ? "true" : "false");
}

void json_raw(struct json_writer *json, slice value)
{
    before_value(json);
    buffer_add(json->out, value);
}

void json_member(struct json_writer *json, slice name)
{
    ASSERT(json->depth > 0 && json->is_object[json->depth - 1]);
    if (json->has_member[json->depth - 1])
        buffer_add_byte(json->out, ',');
    json->has_member[json->depth - 1] = true;
    add_string(json->out, name);
    buffer_add_byte(json->out, ':');
}

void json_member_object_open(struct json_writer *json, const char *name)
{
    json_member(json, slice_from_string(name));
    json_object_open(json);
}
void json_member_array_open(struct json_writer *json, const char *name)
{
    json_member(json, slice_from_string(name));
    json_array_open(json);
}
void json_member_text(struct json_writer *json, const char *name, slice text)
{
    json_member(json, slice_from_string(name));
    json_text(json, text);
}
void json_member_string(struct json_writer *json, const char *name, const char *text)
{
    json_member_text(json, name, slice_from_string(text));
}
void json_member_number(struct json_writer *json, const char *name, int64_t number)
{
    json_member(json, slice_from_string(name));
    json_number(json, number);
}
void json_member_decimal(struct json_writer *json, const char *name, double number)
{
    json_member(json, slice_from_string(name));
    json_decimal(json, number);
}
void json_member_flag(struct json_writer *json, const char *name, bool flag)
{
    json_member(json, slice_from_string(name));
    json_flag(json, flag);
}
