/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/http/request.h"

#include "base/cursor.h"

static const struct {
    const char *name;
    enum http_method method;
} methods[] = {
    {"GET", HTTP_GET},     {"HEAD", HTTP_HEAD},     {"POST", HTTP_POST},       {"PUT", HTTP_PUT},
    {"PATCH", HTTP_PATCH}, {"DELETE", HTTP_DELETE}, {"OPTIONS", HTTP_OPTIONS},
};

/* RFC 9110 5.6.2: ALPHA DIGIT !#$%&'*+-.^_`|~ */
static const uint64_t token_bytes[4] = {0x03ff6cfa00000000, 0x57ffffffc7fffffe, 0, 0};
/* RFC 3986: what may stand in a path and query, plus what browsers leave unescaped (no space, no
 * control, no quote, no '#'). */
static const uint64_t target_bytes[4] = {0xfffffff200000000, 0x7fffffffffffffff, 0, 0};

static error bad(const char *why)
{
    return error_make(ERROR_MALFORMED, why);
}

error http_request_line_parse(slice line, struct http_request *out_request)
{
    struct cursor at = cursor_over(line);
    struct http_request request = {0};
    slice target;
    if (!cursor_take_set(&at, token_bytes, &request.method_name) || !cursor_take_byte(&at, ' '))
        return bad("no method");
    if (!cursor_take_set(&at, target_bytes, &target) || !cursor_take_byte(&at, ' '))
        return bad("no target");
    if (cursor_take(&at, SLICE("HTTP/1.1")))
        request.keep_alive = true; /* RFC 9112 9.3 */
    else if (!cursor_take(&at, SLICE("HTTP/1.0")))
        return bad("not HTTP/1");
    else
        request.is_1_0 = true;
    if (!cursor_done(&at))
        return bad("more than a request line");
    if (target.data[0] !=
        '/') /* RFC 9112 3.2.1: origin-form is all a server that is no proxy serves */
        return bad("the target is no path");
    slice_cut(target, '?', &request.path, &request.query);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (slice_equal(request.method_name, slice_from_string(methods[i].name)))
            request.method = methods[i].method;
    *out_request = request;
    return OK;
}

static error take_length(slice value, struct http_request *request)
{
    struct cursor at = cursor_over(value);
    uint64_t length;
    if (!cursor_take_u64(&at, INT64_MAX, &length) || !cursor_done(&at))
        return bad("Content-Length is no number");
    if (request->has_length) /* RFC 9112 6.3: even equal ones are refused */
        return bad("two Content-Length fields");
    request->has_length = true;
    request->length = length;
    return OK;
}

/* Is the token among the comma-separated ones? */
static bool list_has(slice list, slice token)
{
    slice item;
    while (list.size > 0) {
        slice_cut(list, ',', &item, &list);
        if (slice_equal_nocase(slice_trim(item), token))
            return true;
    }
    return false;
}

static error take_field(slice name, slice value, struct http_request *request)
{
    if (slice_equal_nocase(name, SLICE("content-length")))
        return take_length(value, request);
    if (slice_equal_nocase(name, SLICE("transfer-encoding"))) {
        if (request->chunked)
            return bad("two Transfer-Encoding fields");
        if (!slice_equal_nocase(value, SLICE("chunked")))
            return error_make(ERROR_PERMANENT, "a transfer coding that is not known");
        request->chunked = true;
    } else if (slice_equal_nocase(name, SLICE("connection"))) {
        if (list_has(value, SLICE("close")))
            request->keep_alive = false;
        else if (list_has(value, SLICE("keep-alive")))
            request->keep_alive = true;
    } else if (slice_equal_nocase(name, SLICE("authorization"))) {
        if (slice_starts_nocase(value, SLICE("bearer ")))
            request->bearer_token = slice_trim(slice_from(value, 7));
    } else if (slice_equal_nocase(name, SLICE("origin"))) {
        request->origin = value;
    } else if (slice_equal_nocase(name, SLICE("expect"))) {
        request->expect_continue = slice_equal_nocase(value, SLICE("100-continue"));
    } else if (slice_equal_nocase(name, SLICE("content-type"))) {
        request->content_type = value;
    } else if (slice_equal_nocase(name, SLICE("accept-encoding"))) {
        request->accept_encoding = value;
    }
    return OK;
}

error http_request_field_parse(slice line, struct http_request *request)
{
    if (request->fields == HTTP_FIELDS_MAX)
        return error_make(ERROR_LIMIT, "too many header fields");
    request->fields++;
    struct cursor at = cursor_over(line);
    slice name;
    /* RFC 9112 5.1: no blank between name and colon; 5.2: a folded line begins with one. */
    if (!cursor_take_set(&at, token_bytes, &name) || !cursor_take_byte(&at, ':'))
        return bad("not a header field");
    slice value = slice_trim(cursor_rest(&at));
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return bad("a control character in a header field");
    }
    if (slice_equal_nocase(name, SLICE("host"))) {
        if (request->has_host) /* RFC 9112 3.2 */
            return bad("two Host fields");
        request->has_host = true;
        request->host = value;
        return OK;
    }
    return take_field(name, value, request);
}

error http_request_check(const struct http_request *request)
{
    if (!request->has_host && !request->is_1_0)
        return bad("no Host field");
    if (request->has_length && request->chunked)
        return bad("both Content-Length and Transfer-Encoding");
    return OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

error http_percent_decode(slice text, bool plus_is_space, char *out, size_t *out_size)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        if (byte == '+' && plus_is_space) {
            byte = ' ';
        } else if (byte == '%') {
            if (text.size - i < 3)
                return bad("a broken escape");
            int high = hex_digit(text.data[i + 1]), low = hex_digit(text.data[i + 2]);
            if (high < 0 || low < 0 || (high | low) == 0)
                return bad("a broken escape");
            byte = (char)(high << 4 | low);
            i += 2;
        }
        out[size++] = byte;
    }
    *out_size = size;
    return OK;
}

bool http_query_find(slice query, slice name, slice *out_value)
{
    for (unsigned i = 0; i < HTTP_PARAMETERS_MAX && query.size > 0; i++) {
        slice pair, key, value;
        slice_cut(query, '&', &pair, &query);
        slice_cut(pair, '=', &key, &value);
        if (slice_equal(key, name)) {
            *out_value = value;
            return true;
        }
    }
    return false;
}
