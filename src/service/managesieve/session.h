#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One ManageSieve connection. A linear loop: receive a command, find its row in the table, run it,
 * answer in one place (reply.h). Owned by one fiber; it changes core between the password and the
 * answer to AUTHENTICATE, when all it holds is its stream and the account's name. While it waits
 * for a command it holds no buffers and no arena.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "data/scripts/scripts.h"
#include "data/scripts/settings.h"
#include "format/imap/frame.h"
#include "format/managesieve/command.h"
#include "format/managesieve/response.h"
#include "net/stream.h"
#include "runtime/message.h"
#include "service/managesieve/limits.h"
#include "service/managesieve/serve.h"
#include "service/session.h"

enum managesieve_state { /* bits, for the table of commands */
                         MANAGESIEVE_STATE_STRANGER = 1 << 0,
                         MANAGESIEVE_STATE_LOGGED_IN = 1 << 1,
};

struct managesieve_session {
    struct session session; /* in the register; counts commands */
    struct stream *stream;
    const struct managesieve_service *service;
    const struct managesieve_settings *settings;
    const struct login_settings *login;
    const struct sieve_settings *scripts;
    enum managesieve_state state;
    bool finished; /* after this command the session ends */
    bool answered; /* the present command was answered already */
    error lost;    /* the connection failed: nothing more can be said */

    struct imap_frame frame;
    struct managesieve_command command; /* the one being run; views into the frame and the arena */
    struct arena arena;                 /* what lives as long as the command */
    struct buffer out;                  /* written, not yet given to the stream */
    struct managesieve_response response; /* where it succeeds, or fails with a code */

    unsigned home;       /* the core to move to, where moving */
    bool moving;         /* the password was right: go home and answer there */
    struct message move; /* what carries it */
    char *account_memory;
    slice account; /* empty: nobody */
    struct script_place place;
    instant stranger_since;               /* connected, or logged out */
    uint32_t stranger_commands;           /* since then */
    uint32_t written, bad, failed_logins; /* for the line in the log; bad: in a row */
};

/* WAITS. Until the client leaves, the connection fails, or the session must move (moving). */
error managesieve_session_run(struct managesieve_session *s);
/* WAITS. What the client sees first. */
error managesieve_session_greet(struct managesieve_session *s);
/* WAITS. On the home core: answers the command that logged in. */
error managesieve_session_settle(struct managesieve_session *s);

/* Called when nothing is going on: gives memory back. */
void managesieve_session_rest(struct managesieve_session *s);
/* What the state allows a command to be. */
void managesieve_session_set_limits(struct managesieve_session *s);
bool managesieve_session_may_login(const struct managesieve_session *s);

/* ---- For commands. ---- */

/* Notes where the connection failed, as opposed to the work. */
error managesieve_lost(struct managesieve_session *s, error problem);
/* WAITS where much was written. Gives what is in s->out to the stream. */
error managesieve_send(struct managesieve_session *s);
/* WAITS. One string of the client's inside a command (SASL responses); in the arena. */
error managesieve_read_string(struct managesieve_session *s, size_t size_max, slice *out_string);
/* When the client must have done the present step. */
instant managesieve_deadline(const struct managesieve_session *s);
