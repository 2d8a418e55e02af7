#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * HTTP/1.0 and 1.1 requests (RFC 9110, RFC 9112), line by line: first the request line, then each
 * header field. Strict where laxness invites request smuggling: no folded fields, no blank before
 * the colon, one Content-Length, no Transfer-Encoding together with it. Views into the lines given:
 * the caller keeps those alive. Bounds: http_limits.
 */
#include "base/error.h"
#include "base/slice.h"

enum http_limits {
    HTTP_LINE_SIZE_MAX = 8192,
    HTTP_FIELDS_MAX = 100,
    HTTP_PARAMETERS_MAX = 32,
};

enum http_method {
    HTTP_OTHER,
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
};

struct http_request {
    enum http_method method;
    slice method_name;
    slice path;  /* as sent, begins with '/'; percent-encoded */
    slice query; /* after '?', as sent; empty where there is none */
    bool is_1_0;
    bool keep_alive;
    bool has_host;
    bool has_length;
    bool chunked;
    bool expect_continue;
    uint64_t length;    /* Content-Length, 0 where none */
    slice host;         /* with its port */
    slice origin;       /* a browser's word on which page asks; empty where none */
    slice bearer_token; /* Authorization: Bearer ...; empty where none */
    slice content_type;
    slice accept_encoding;
    unsigned fields;
};

/* RFC 9112 3: ERROR_MALFORMED. *out is begun anew. */
error http_request_line_parse(slice line, struct http_request *out_request);
/* RFC 9112 5. ERROR_MALFORMED, or ERROR_LIMIT past HTTP_FIELDS_MAX; ERROR_PERMANENT for a transfer
 * coding that is not known (501). Fields of no interest here are checked and dropped. */
error http_request_field_parse(slice line, struct http_request *request);
/* After the last field: 1.1 needs Host, length and chunked exclude each other. */
error http_request_check(const struct http_request *request);

/* Replaces %XX, and '+' by a space where asked (queries). `out` has room for text.size bytes.
 * ERROR_MALFORMED for a broken or NUL escape. */
error http_percent_decode(slice text, bool plus_is_space, char *out, size_t *out_size);
/* The value of a parameter in a query, still encoded; false where it is absent. */
bool http_query_find(slice query, slice name, slice *out_value);
