#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How private the way to one host must be, and making it so. For the files remote_*.c only.
 */
#include "transport/deliver/remote_state.h"

/* Is STARTTLS to be said to this host? */
bool remote_tls_is_wanted(const struct remote *remote);
/* Is mail for it kept rather than sent without TLS? */
bool remote_tls_is_needed(const struct remote *remote);
/* WAITS. The handshake. On failure the connection is broken. */
error remote_tls_start(struct remote *remote, struct remote_answer *out_answer);
/* Does what stands suffice? */
error remote_tls_check(struct remote *remote, struct remote_answer *out_answer);
