#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How private the way to one host must be (RFC 3207, 7672, 8461, 8689), making it so, and noting
 * what became of it for the domain's reports (RFC 8460). For the files remote_*.c only.
 */
#include "transport/deliver/remote_state.h"

/* WAITS. What the route and the host's TLSA records ask for: remote->plan. ERROR_TEMPORARY with the
 * answer: not this host, not now. `deadline` is for DNS; records are held by the arena. */
error remote_tls_plan(struct remote *remote, const struct route_host *host, struct arena *arena,
                      instant deadline, struct remote_answer *out_answer);
/* After TLS failed: may the same host be tried with less? Then the plan asks for less. */
bool remote_tls_ask_less(struct remote *remote);
/* Is STARTTLS to be said to this host? */
bool remote_tls_is_wanted(const struct remote *remote);
/* Is mail for it kept rather than sent without TLS? */
bool remote_tls_is_needed(const struct remote *remote);
/* WAITS. The handshake. On failure the connection is broken. */
error remote_tls_start(struct remote *remote, struct remote_answer *out_answer);
/* Does what stands suffice? */
error remote_tls_check(struct remote *remote, struct remote_answer *out_answer);
/* The server does not know STARTTLS, or refuses it. */
void remote_tls_note_refusal(const struct remote *remote);
