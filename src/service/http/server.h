#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One HTTP/1.1 connection, served (RFC 9110, 9112): requests are read whole, handed over, answered;
 * kept alive between them. What a path means is the business of those who use it: the public
 * service beside this file, and service/admin. An idle connection holds no memory.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/time.h"
#include "format/http/request.h"

struct stream;

struct http_server_limits {
    size_t head_size_max;   /* bytes of a request's head */
    size_t body_size_max;   /* of a request's body */
    size_t answer_size_max; /* of an answer */
    size_t memory_max;      /* of one request, in its arena */
    unsigned requests_max;  /* of one connection */
    int64_t idle_timeout;   /* ns, between requests */
    int64_t request_timeout;
};

/* One request and its answer. */
struct http_exchange {
    struct http_request request;
    slice body;
    struct arena *arena; /* of this request */
    struct stream *stream;
    void *argument; /* of the service */
    instant began;
    unsigned status;          /* 200 unless the handler says otherwise */
    const char *content_type; /* NULL: none; dropped where there is no body */
    const char *fields;       /* more, each with its CRLF; NULL: none */
    bool private;             /* Cache-Control: no-store */
    struct buffer *answer;
    bool streamed; /* the handler wrote all of its answer to `stream`: the connection ends */
};

struct http_server_options {
    const char *protocol; /* static: as sessions show it */
    struct http_server_limits limits;
    bool private; /* what exchanges begin with */
    /* WAITS. Answers by filling the exchange. */
    void (*handle)(struct http_exchange *exchange);
    /* After each answer left (also those to requests that could not be read): to log and count. */
    void (*done)(const struct http_exchange *exchange);
    void *argument;
};

/* WAITS. Until the client leaves, is too slow, or the server stops. The caller closes the stream.
 */
void http_server_run(struct stream *stream, const struct http_server_options *options);

/* An answer that is nothing but an error: its status (503 for temporary trouble, else 500) and
 * words. */
void http_exchange_fail(struct http_exchange *exchange, error problem);
/* listener_options.refusal of every HTTP service. */
slice http_server_refusal(void);
