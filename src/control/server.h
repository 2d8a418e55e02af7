#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/control.h"

/* One HTTP request to the running server's admin endpoint (the first in listen.admin).
 * ERROR_CLOSED: none runs there; ERROR_DENIED: it wants another token; ERROR_NOT_FOUND,
 * ERROR_MALFORMED: it says 404, 400, its words are in the body; ERROR_TEMPORARY: it did not answer
 * as expected. The answer's body is appended. */
error server_request(const struct config *config, const char *method, slice target,
                     struct buffer *out_body);
/* Says why a request failed, and where the server was looked for; CONTROL_TROUBLE. */
enum control_exit server_say_trouble(const struct config *config, error problem);
/* The same as POST with a body. */
error server_post(const struct config *config, slice target, slice body, struct buffer *out_body);
/* A value for a query, percent-encoded. */
void server_add_encoded(struct buffer *out, slice text);
