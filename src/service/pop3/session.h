#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One POP3 connection. A linear loop: receive a command, find its row in the table, run it, answer
 * in one place (reply.h). Owned by one fiber; it changes core between the password and its answer,
 * when all it holds is its stream and the account's key. While it waits for a command it holds no
 * buffers and no arena, only the maildrop (16 bytes a message).
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "format/pop3/command.h"
#include "format/pop3/reply.h"
#include "net/stream.h"
#include "runtime/message.h"
#include "service/pop3/limits.h"
#include "service/pop3/maildrop.h"
#include "service/pop3/presence.h"
#include "service/pop3/serve.h"
#include "service/session.h"

enum pop3_state { /* bits, for the table of commands; UPDATE is QUIT's own */
                  POP3_STATE_STRANGER = 1 << 0, /* AUTHORIZATION */
                  POP3_STATE_TRANSACTION = 1 << 1,
};

struct pop3_session {
    struct session session; /* in the register; counts commands */
    struct stream *stream;
    const struct pop3_service *service;
    const struct pop3_settings *settings;
    const struct login_settings *login;
    enum pop3_state state;
    bool finished; /* after this command the session ends */
    bool answered; /* the present command was answered already */
    error lost;    /* the connection failed: nothing more can be said */

    struct pop3_command command; /* the one being run; views into the arena */
    struct arena arena;          /* what lives as long as the command */
    struct buffer out;           /* written, not yet given to the stream */
    struct pop3_reply reply;     /* where it succeeds, or fails with a code */

    char *name;          /* of USER, until PASS; NUL-terminated */
    unsigned home;       /* the core to move to, where moving */
    bool moving;         /* the password was right: go home and answer there */
    struct message move; /* what carries it */
    char *account_memory;
    struct store_account_key account; /* id empty: nobody */
    struct pop3_presence presence;
    struct pop3_maildrop drop;
    struct {
        uint32_t retrieved, deleted, failed_logins;
        uint32_t bad; /* in a row */
    } counts;
};

/* WAITS. Until the client leaves, the connection fails, or the session must move (moving). */
error pop3_session_run(struct pop3_session *s);
/* WAITS. What the client sees first. */
error pop3_session_greet(struct pop3_session *s);
/* WAITS. On the home core: opens the maildrop and answers the command that logged in. */
error pop3_session_settle(struct pop3_session *s);

/* Called when nothing is going on: gives memory back. */
void pop3_session_rest(struct pop3_session *s);
bool pop3_session_may_login(const struct pop3_session *s);

/* ---- For commands. ---- */

/* Notes where the connection failed, as opposed to the work. */
error pop3_lost(struct pop3_session *s, error problem);
/* WAITS where much was written. Gives what is in s->out to the stream. */
error pop3_send(struct pop3_session *s);
/* The same once there is much. */
error pop3_send_some(struct pop3_session *s);
/* WAITS. One line of the client's inside a command (SASL responses); in the arena. */
error pop3_read_response(struct pop3_session *s, size_t size_max, slice *out_line);
/* When the client must have done the present step. */
instant pop3_deadline(const struct pop3_session *s);
