#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The SMTP service as a listener sees it: one struct smtp_service per role, shared by all cores,
 * and a function that serves one connection from greeting to QUIT. A session lives on the core that
 * accepted it; mail reaches other cores only through data/store/delivery.h.
 */
#include "base/slice.h"
#include "net/listener.h"
#include "service/login/settings.h"
#include "service/smtp/settings.h"

#include <stdatomic.h>

struct tls_server;

enum smtp_role {
    SMTP_ROLE_MX = 1,         /* port 25: mail from strangers for our accounts */
    SMTP_ROLE_SUBMISSION = 2, /* ports 587 and 465: mail of our accounts (RFC 6409) */
    SMTP_ROLE_LMTP = 4,
};

struct smtp_service {
    enum smtp_role role;
    slice hostname;
    /* Swapped on reload; old ones stay alive. */
    _Atomic(const struct smtp_settings *) settings;
    _Atomic(const struct login_settings *) login; /* submission */
    struct tls_server *tls;                       /* NULL: STARTTLS is not offered */
};

/* For listener_options: serve, refusal, argument (the service). WAITS. */
void smtp_serve(struct stream **stream, void *service);
slice smtp_refusal(enum listener_refusal reason, void *service);
