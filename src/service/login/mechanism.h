#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SASL mechanisms as a server (RFC 4422), independent of the protocol that carries them: it sends
 * login_exchange_challenge, reads a line and gives it to login_exchange_respond, until that says
 * done; then login_exchange_finish tells who it is.
 *
 *     PLAIN, LOGIN   the password comes as it is, and is checked at the end
 *     SCRAM-...      RFC 5802, 7677: the client proves that it knows the password. Offered where
 *                    login.scram says so; -PLUS, bound to the TLS session (RFC 9266, 5929), under
 *                    TLS 1.3 where wolfSSL was built with keying material
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "data/directory/directory.h"
#include "service/login/login.h"
#include "service/login/scram.h"
#include "service/login/settings.h"

struct stream;

/* The stronger ones first: so they are offered. */
enum login_mechanism {
    LOGIN_MECHANISM_SCRAM_SHA_256_PLUS,
    LOGIN_MECHANISM_SCRAM_SHA_256,
    LOGIN_MECHANISM_SCRAM_SHA_1_PLUS,
    LOGIN_MECHANISM_SCRAM_SHA_1,
    LOGIN_MECHANISM_PLAIN, /* RFC 4616 */
    LOGIN_MECHANISM_LOGIN, /* draft-murchison-sasl-login: what old clients speak */
    LOGIN_MECHANISM_COUNT
};

enum { LOGIN_RESPONSE_SIZE_MAX = 4096 }; /* bytes of base64 in one response */

/* Whom an exchange is with; outlives it. */
struct login_party {
    const struct login_settings *settings;
    const char *protocol; /* static: "imap", for the log */
    const struct stream *stream;
};

struct login_exchange {
    enum login_mechanism mechanism;
    const struct login_party *party;
    unsigned step;
    slice challenge;     /* in base64 */
    slice authorization; /* in the arena, as what follows */
    slice name;
    slice password;
    /* SCRAM */
    struct scram_first first;
    slice server_first;
    struct login_scram_secret scram;
    error outcome;
    struct directory_account account;
};

/* In any case of letters; false where it is unknown, or not offered to this party. */
bool login_mechanism_find(slice name, const struct login_party *party,
                          enum login_mechanism *out_mechanism);
const char *login_mechanism_name(enum login_mechanism mechanism);
bool login_mechanism_is_offered(enum login_mechanism mechanism, const struct login_party *party);

void login_exchange_init(struct login_exchange *exchange, enum login_mechanism mechanism,
                         const struct login_party *party);
/* What to send now, in base64; may be empty. Valid as long as the arena. */
slice login_exchange_challenge(const struct login_exchange *exchange);
/* SCRAM WAITS. One response in base64; an initial response is given here as the first.
 * ERROR_CANCELLED for "*", ERROR_MALFORMED for what is no base64 or breaks the mechanism,
 * ERROR_LIMIT. A login that failed is no error here: it is done. The arena must last as long as the
 * exchange. */
error login_exchange_respond(struct login_exchange *exchange, slice response, struct arena *arena,
                             bool *out_done);
/* WAITS. Once done. As login_check. */
error login_exchange_finish(struct login_exchange *exchange, struct arena *arena,
                            struct directory_account *out_account);
/* Overwrites the password in the arena, and the keys. */
void login_exchange_wipe(struct login_exchange *exchange);
