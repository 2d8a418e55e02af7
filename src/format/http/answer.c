/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/http/answer.h"

#include "base/cursor.h"

/* RFC 9110 5.6.2: ALPHA DIGIT !#$%&'*+-.^_`|~ */
static const uint64_t token_bytes[4] = {0x03ff6cfa00000000, 0x57ffffffc7fffffe, 0, 0};

static error bad(const char *why)
{
    return error_make(ERROR_MALFORMED, why);
}

/* ---- The head ---- */

error http_answer_line_parse(slice line, struct http_answer *out_answer)
{
    struct cursor at = cursor_over(line);
    struct http_answer answer = {0};
    uint64_t status;
    if (!cursor_take(&at, SLICE("HTTP/1.1 ")) && !cursor_take(&at, SLICE("HTTP/1.0 ")))
        return bad("not an answer of HTTP/1");
    slice digits = slice_sub(cursor_rest(&at), 0, 3);
    struct cursor number = cursor_over(digits);
    if (digits.size != 3 || !cursor_take_u64(&number, 599, &status) || !cursor_done(&number) ||
        status < 100)
        return bad("an HTTP answer without a status");
    slice rest = slice_from(cursor_rest(&at), 3);
    if (rest.size && rest.data[0] != ' ')
        return bad("an HTTP answer without a status");
    answer.status = (unsigned)status;
    answer.close = slice_starts(line, SLICE("HTTP/1.0"));
    *out_answer = answer;
    return OK;
}

static error take_length(slice value, struct http_answer *answer)
{
    struct cursor at = cursor_over(value);
    uint64_t length;
    if (!cursor_take_u64(&at, INT64_MAX, &length) || !cursor_done(&at))
        return bad("Content-Length is no number");
    if (answer->has_length && answer->length != length) /* RFC 9112 6.3: equal ones are one */
        return bad("two lengths");
    answer->has_length = true;
    answer->length = length;
    return OK;
}

/* Is it one of the items of a list? (RFC 9110 5.6.1) */
static bool has_item(slice list, slice item)
{
    slice one;
    while (list.size) {
        slice_cut(list, ',', &one, &list);
        if (slice_equal_nocase(slice_trim(one), item))
            return true;
    }
    return false;
}

error http_answer_field_parse(slice line, struct http_answer *answer)
{
    struct cursor at = cursor_over(line);
    slice name;
    if (answer->fields == HTTP_ANSWER_FIELDS_MAX)
        return error_make(ERROR_LIMIT, "too many header fields");
    answer->fields++;
    if (!cursor_take_set(&at, token_bytes, &name) || !cursor_take_byte(&at, ':'))
        return bad("not a header field");
    slice value = slice_trim(cursor_rest(&at));
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if ((byte < ' ' && byte != '\t') || byte == 0x7f)
            return bad("a control character in a header field");
    }
    if (slice_equal_nocase(name, SLICE("content-length")))
        return take_length(value, answer);
    if (slice_equal_nocase(name, SLICE("content-type"))) {
        answer->content_type = value;
    } else if (slice_equal_nocase(name, SLICE("transfer-encoding"))) {
        if (answer->chunked)
            return bad("two Transfer-Encoding fields");
        if (!slice_equal_nocase(value, SLICE("chunked")))
            return error_make(ERROR_PERMANENT, "a transfer coding that is not known");
        answer->chunked = true;
    } else if (slice_equal_nocase(name, SLICE("connection"))) {
        if (slice_equal_nocase(value, SLICE("keep-alive")))
            answer->close = false;
        else
            answer->close |= has_item(value, SLICE("close"));
    }
    return OK;
}

enum http_framing http_answer_framing(const struct http_answer *answer, bool is_head)
{
    if (is_head || answer->status < 200 || answer->status == 204 || answer->status == 304)
        return HTTP_BODY_NONE;
    if (answer->chunked)
        return HTTP_BODY_CHUNKED; /* it counts before a length (RFC 9112 6.3) */
    return answer->has_length ? HTTP_BODY_LENGTH : HTTP_BODY_TO_END;
}

error http_chunk_size_parse(slice line, uint64_t *out_size)
{
    uint64_t size = 0;
    size_t digits = 0;
    for (; digits < line.size; digits++) {
        char c = ascii_lower(line.data[digits]);
        unsigned digit;
        if (ascii_is_digit(c))
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else
            break;
        if (size >> 58)
            return bad("a chunk that is too large");
        size = size << 4 | digit;
    }
    slice rest = slice_trim(slice_from(line, digits)); /* extensions are ignored, RFC 9112 7.1.1 */
    if (digits == 0 || (rest.size && rest.data[0] != ';'))
        return bad("not the size of a chunk");
    *out_size = size;
    return OK;
}

/* ---- URLs ---- */

static bool is_target_byte(unsigned char byte)
{
    return byte > ' ' && byte < 0x7f && byte != '#' && byte != '"' && byte != '<' && byte != '>' &&
           byte != '\\';
}

static bool is_host_byte(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '.' || c == '_';
}

static error take_authority(struct http_url *url)
{
    slice host = url->authority, port;
    bool has_port;
    if (slice_starts(host, SLICE("["))) {
        if (!slice_cut(slice_from(host, 1), ']', &url->host, &port))
            return bad("a bracket is not closed");
        url->is_ipv6 = true;
        has_port = slice_starts(port, SLICE(":"));
        if (port.size && !has_port)
            return bad("not a host");
        port = slice_from(port, 1);
    } else {
        has_port = slice_cut(host, ':', &url->host, &port);
    }
    for (size_t i = 0; i < url->host.size; i++)
        if (!is_host_byte(url->host.data[i]) && !(url->is_ipv6 && url->host.data[i] == ':'))
            return bad("not a host");
    url->port = url->https ? 443 : 80;
    if (has_port) {
        struct cursor at = cursor_over(port);
        uint64_t number;
        if (!cursor_take_u64(&at, UINT16_MAX, &number) || !cursor_done(&at) || number == 0)
            return bad("not a port");
        url->port = (uint16_t)number;
    }
    return url->host.size ? OK : bad("a URL without a host");
}

error http_url_parse(slice text, struct http_url *out_url)
{
    struct http_url url = {0};
    if (slice_starts_nocase(text, SLICE("https://"))) {
        url.https = true;
        text = slice_from(text, 8);
    } else if (slice_starts_nocase(text, SLICE("http://"))) {
        text = slice_from(text, 7);
    } else {
        return bad("a URL begins with http:// or https://");
    }
    size_t end = 0;
    while (end < text.size && text.data[end] != '/' && text.data[end] != '?')
        end++;
    url.authority = slice_sub(text, 0, end);
    url.target = slice_from(text, end);
    if (url.target.size == 0)
        url.target = SLICE("/");
    if (url.target.data[0] != '/')
        return bad("a URL without a path");
    for (size_t i = 0; i < url.target.size; i++)
        if (!is_target_byte((unsigned char)url.target.data[i]))
            return bad("a URL with characters that must be escaped");
    TRY(take_authority(&url));
    *out_url = url;
    return OK;
}
