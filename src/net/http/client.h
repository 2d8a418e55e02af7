#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * HTTP/1.1 as a client (RFC 9110, 9112): one request, one connection, one answer held whole. For
 * MTA-STS policies, webhooks and TLS reports; not a crawler. The host's name is looked up with
 * net/dns. Redirects are not followed (RFC 8461 3.3 forbids them; nobody else needs them).
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "base/time.h"
#include "net/address.h"

struct tls_client;

enum http_client_limits {
    HTTP_CLIENT_URL_SIZE_MAX = 2048,
    HTTP_CLIENT_FIELDS_MAX = 32,          /* of a request */
    HTTP_CLIENT_HEAD_SIZE_MAX = 32 << 10, /* of an answer, interim ones included */
    HTTP_CLIENT_INTERIM_MAX = 10,         /* answers 1xx before the one that counts */
};

struct http_client_field {
    slice name, value;
};

struct http_client_request {
    const char *method; /* "GET", "POST" */
    slice url;          /* http:// or https:// */
    const struct http_client_field *fields;
    unsigned field_count;
    slice content_type; /* with a body */
    slice body;
    size_t size_max;        /* of the answer's body; more is ERROR_LIMIT */
    bool status_counts;     /* a larger body is none of our business: what came of it will do */
    struct tls_client *tls; /* for https; verifies, unless the caller made it otherwise */
    struct address address; /* dialled in place of the name's; ADDRESS_NONE: look it up */
    bool public_only;       /* no private or loopback address: a stranger chose the name */
    instant deadline;       /* of everything */
};

struct http_client_answer {
    unsigned status;    /* 200 ... */
    slice content_type; /* in the arena, as is the body */
    slice body;
};

/* WAITS. OK: an answer came, whatever its status. ERROR_PERMANENT: not a URL we can ask;
 * ERROR_DENIED: the certificate is not good for the name; ERROR_MALFORMED, ERROR_LIMIT: the answer
 * is; ERROR_CLOSED: it was cut short, also where only TLS could tell (RFC 9112 9.8); else how the
 * connection failed. */
error http_client_ask(const struct http_client_request *request, struct arena *arena,
                      struct http_client_answer *out_answer);
