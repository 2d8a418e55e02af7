#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SASL mechanisms as a server (RFC 4422), independent of the protocol that carries them: it sends
 * login_exchange_challenge, reads a line and gives it to login_exchange_respond, until that says
 * done. Then name, password and authorization are there for login_check.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum login_mechanism {
    LOGIN_MECHANISM_PLAIN, /* RFC 4616 */
    LOGIN_MECHANISM_LOGIN, /* draft-murchison-sasl-login: what old clients speak */
    LOGIN_MECHANISM_COUNT
};

enum { LOGIN_RESPONSE_SIZE_MAX = 4096 }; /* bytes of base64 in one response */

struct login_exchange {
    enum login_mechanism mechanism;
    unsigned step;
    slice authorization; /* in the arena */
    slice name;
    slice password;
};

/* In any case of letters; false where it is unknown. */
bool login_mechanism_find(slice name, enum login_mechanism *out_mechanism);
const char *login_mechanism_name(enum login_mechanism mechanism);

void login_exchange_init(struct login_exchange *exchange, enum login_mechanism mechanism);
/* What to send now, in base64; may be empty. Static. */
slice login_exchange_challenge(const struct login_exchange *exchange);
/* One response in base64; an initial response is given here as the first. ERROR_CANCELLED for "*",
 * ERROR_MALFORMED for what is no base64 or breaks the mechanism, ERROR_LIMIT. */
error login_exchange_respond(struct login_exchange *exchange, slice response, struct arena *arena,
                             bool *out_done);
/* Overwrites the password in the arena. */
void login_exchange_wipe(struct login_exchange *exchange);
