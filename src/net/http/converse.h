#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One request and its answer over a connection that is open: what client.h and kept.h share. Inside
 * net/http only.
 */
#include "format/http/answer.h"
#include "net/http/client.h"

struct stream;

struct http_conversation {
    const struct http_client_request *request;
    const struct http_url *url;
    struct stream *stream;
    bool keep; /* ask for the connection to stay */
};

/* ERROR_PERMANENT: a request that cannot be made. */
error http_client_check(const struct http_client_request *request, struct http_url *out_url);
/* WAITS. With TLS where the URL says so. */
error http_client_connect(const struct http_client_request *request, const struct http_url *url,
                          struct arena *arena, struct stream **out_stream);
/* WAITS. *out_kept: another request may follow; else, and after an error, the connection is of no
 * more use. */
error http_converse(const struct http_conversation *conversation, struct arena *arena,
                    struct http_client_answer *out_answer, bool *out_kept);
