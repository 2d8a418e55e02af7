#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One ManageSieve connection: what it has beyond every user's session (service/user/session.h).
 */
#include "base/list.h"
#include "data/scripts/scripts.h"
#include "data/scripts/settings.h"
#include "format/imap/frame.h"
#include "format/managesieve/command.h"
#include "format/managesieve/response.h"
#include "service/managesieve/limits.h"
#include "service/managesieve/serve.h"
#include "service/user/session.h"

enum managesieve_state { /* bits, for the table of commands */
                         MANAGESIEVE_STATE_STRANGER = USER_STRANGER,
                         MANAGESIEVE_STATE_LOGGED_IN = 1 << 1,
};

struct managesieve_session {
    struct user_session base;
    const struct managesieve_settings *settings;
    const struct sieve_settings *scripts;
    struct imap_frame frame;
    struct managesieve_command command; /* the one being run; views into the frame and the arena */
    struct managesieve_response response; /* where it succeeds, or fails with a code */
    char *place_memory;
    struct script_place place;
    uint32_t written; /* scripts */
};

static inline struct managesieve_session *managesieve_session_of(const struct user_session *base)
{
    return CONTAINER_OF(base, struct managesieve_session, base);
}

/* What the state allows a command to be. */
void managesieve_session_set_limits(struct managesieve_session *s);

/* WAITS. A struct user_protocol's: one command; the reading of a response of SASL. */
error managesieve_serve_command(struct user_session *base);
error managesieve_ask(struct user_session *base, slice challenge, slice *out_response);
