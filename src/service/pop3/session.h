#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One POP3 connection: what it has beyond every user's session (service/user/session.h). While it
 * waits for a command it holds only the maildrop (16 bytes a message).
 */
#include "base/list.h"
#include "format/pop3/command.h"
#include "format/pop3/reply.h"
#include "service/pop3/limits.h"
#include "service/pop3/maildrop.h"
#include "service/pop3/presence.h"
#include "service/pop3/serve.h"
#include "service/user/session.h"

enum pop3_state { /* bits, for the table of commands; UPDATE is QUIT's own */
                  POP3_STATE_STRANGER = USER_STRANGER, /* AUTHORIZATION */
                  POP3_STATE_TRANSACTION = 1 << 1,
};

struct pop3_session {
    struct user_session base;
    const struct pop3_settings *settings;
    struct pop3_command command; /* the one being run; views into the arena */
    struct pop3_reply reply;     /* where it succeeds, or fails with a code */
    char *name;                  /* of USER, until PASS; NUL-terminated */
    struct pop3_presence presence;
    struct pop3_maildrop drop;
    uint32_t retrieved, deleted;
};

static inline struct pop3_session *pop3_session_of(const struct user_session *base)
{
    return CONTAINER_OF(base, struct pop3_session, base);
}

/* WAITS. A struct user_protocol's: one command. */
error pop3_serve_command(struct user_session *base);
