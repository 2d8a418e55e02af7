#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ManageSieve (RFC 5804) as a service: what a listener calls for each connection. A session begins
 * on the core that accepted it and moves to the account's home core when the login succeeded.
 */
#include "base/slice.h"
#include "net/listener.h"
#include "service/login/settings.h"
#include "service/managesieve/settings.h"

#include <stdatomic.h>

struct tls_server;

/* Shared by all cores. A reload stores new settings; sessions keep those they began with, so old
 * ones must stay alive (server/config keeps them). */
struct managesieve_service {
    _Atomic(const struct managesieve_settings *) settings;
    _Atomic(const struct login_settings *) login;
    struct tls_server *tls; /* for STARTTLS; NULL: not offered */
};

/* WAITS. For struct listener_options: serve and refusal, with the service as argument. */
void managesieve_serve(struct stream **stream, void *service);
slice managesieve_refusal(enum listener_refusal reason, void *service);
