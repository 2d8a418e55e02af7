#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Connections to one HTTP server that stay open between requests (RFC 9112 9.3), for a helper that
 * is asked again and again. Belongs to one core; counted, because who waits for an answer holds it
 * while its owner lets go. Bounds: as many connections as it was made for, and who finds them all
 * in use waits for one.
 */
#include "net/http/client.h"

enum { HTTP_KEPT_IDLE_S = 30 /* a connection unused for longer is not used again */ };

struct http_kept;

error http_kept_create(unsigned connections_max, struct http_kept **out_kept);
struct http_kept *http_kept_ref(struct http_kept *kept);
/* The last to let go closes the connections. NULL is fine. */
void http_kept_unref(struct http_kept **kept);

/* WAITS. As http_client_ask. All requests are for the same host and port. A request that meets a
 * connection which the server closed while nobody used it is made again on a new one, once. */
error http_kept_ask(struct http_kept *kept, const struct http_client_request *request,
                    struct arena *arena, struct http_client_answer *out_answer);
