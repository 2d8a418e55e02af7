#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * HTTP/1.1 answers as a client reads them (RFC 9110, RFC 9112): the status line, then each header
 * field, then how the body is framed. Line by line, strict: an answer that two readers could take
 * apart differently is refused. And URLs as far as a client needs them. Views into what is given.
 */
#include "base/error.h"
#include "base/slice.h"

enum http_answer_limits {
    HTTP_ANSWER_FIELDS_MAX = 100,
    HTTP_CHUNK_LINE_SIZE_MAX = 1024, /* a chunk's size and what comes after it */
};

struct http_answer {
    unsigned status; /* 100..599 */
    bool has_length, chunked;
    bool close; /* no other request follows on this connection (RFC 9112 9.3) */
    uint64_t length;
    slice content_type; /* as sent, parameters included */
    unsigned fields;
};

/* RFC 9112 4: ERROR_MALFORMED. *out is begun anew. */
error http_answer_line_parse(slice line, struct http_answer *out_answer);
/* RFC 9112 5: ERROR_MALFORMED, ERROR_LIMIT past HTTP_ANSWER_FIELDS_MAX; ERROR_PERMANENT for a
 * transfer coding that is not known. */
error http_answer_field_parse(slice line, struct http_answer *answer);

/* What follows the head (RFC 9112 6.3). */
enum http_framing { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_TO_END };
enum http_framing http_answer_framing(const struct http_answer *answer, bool is_head);
/* RFC 9112 7.1: the line before a chunk; 0 is the last one. */
error http_chunk_size_parse(slice line, uint64_t *out_size);

struct http_url {
    bool https;
    slice host;      /* without brackets */
    bool is_ipv6;    /* it stood in brackets */
    slice authority; /* host and port as written: for Host */
    uint16_t port;
    slice target; /* path and query; "/" where there is none */
};

/* "https://host:port/path?query"; no user, no fragment. ERROR_MALFORMED. */
error http_url_parse(slice text, struct http_url *out_url);
