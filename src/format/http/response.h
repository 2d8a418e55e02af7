#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Heads of HTTP/1.1 responses (RFC 9110, RFC 9112).
 */
#include "base/buffer.h"

struct http_response {
    unsigned status;          /* 200, 404 ... */
    const char *content_type; /* NULL: none */
    uint64_t length;          /* bytes of the body that follows */
    bool endless;             /* no length: the body ends with the connection */
    bool close;               /* the connection ends after it */
    bool private;             /* Cache-Control: no-store */
    const char *fields;       /* more, each with its CRLF; NULL: none */
};

/* "Not Found"; "Unknown" for a number nobody uses. */
const char *http_status_text(unsigned status);
/* Status line and fields with the empty line after them. `now`: seconds since 1970 UTC. */
void http_response_write(const struct http_response *response, int64_t now, struct buffer *out);
