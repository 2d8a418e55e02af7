#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POP3 (RFC 1939) as a service: what a listener calls for each connection. A session begins on the
 * core that accepted it and moves to the account's home core when the login succeeded; from then on
 * it calls the store directly.
 */
#include "base/slice.h"
#include "net/listener.h"
#include "service/login/settings.h"
#include "service/pop3/settings.h"

#include <stdatomic.h>

struct tls_server;

/* Shared by all cores. A reload stores new settings; sessions keep those they began with, so old
 * ones must stay alive (server/config keeps them). */
struct pop3_service {
    _Atomic(const struct pop3_settings *) settings;
    _Atomic(const struct login_settings *) login;
    struct tls_server *tls; /* for STLS; NULL: not offered */
};

/* WAITS. For struct listener_options: serve and refusal, with the service as argument. */
void pop3_serve(struct stream **stream, void *service);
slice pop3_refusal(enum listener_refusal reason, void *service);
