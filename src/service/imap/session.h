#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One IMAP connection. A linear loop: receive a command, find its row in the table, run it, answer
 * in one place (reply.h). Owned by one fiber; it changes core once, between the password and the
 * answer to LOGIN, when all it holds is its stream, the command and the account's name. While it
 * waits for a command it holds no buffers and no arena; the mailbox's view stays.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "data/store/account.h"
#include "format/imap/append.h"
#include "format/imap/command.h"
#include "format/imap/frame.h"
#include "format/imap/response.h"
#include "net/stream.h"
#include "runtime/message.h"
#include "service/imap/limits.h"
#include "service/imap/serve.h"
#include "service/imap/view.h"
#include "service/session.h"

enum imap_state {                               /* bits, so that a command can name several */
                  IMAP_STATE_STRANGER = 1 << 0, /* RFC 3501 3: not authenticated */
                  IMAP_STATE_LOGGED_IN = 1 << 1,
                  IMAP_STATE_SELECTED = 1 << 2,
};

/* For the line in the log. */
struct imap_counts {
    uint32_t fetched;  /* bodies sent */
    uint32_t appended; /* messages */
    uint32_t expunged;
    uint32_t bad;    /* bad commands in a row */
    uint32_t logins; /* failed ones */
};

struct imap_session {
    struct session session; /* in the register; counts commands */
    struct stream *stream;
    const struct imap_service *service;
    const struct imap_settings *settings;
    const struct login_settings *login;
    enum imap_state state;
    enum imap_name_form name_form;
    bool finished; /* after this command the session ends */
    bool answered; /* the present command was answered already (STARTTLS) */
    error lost;    /* the connection failed: nothing more can be said */

    struct imap_frame frame;
    struct imap_command command;   /* the one being run; views into the frame */
    struct arena arena;            /* what lives as long as the command */
    struct buffer out;             /* written, not yet given to the stream */
    struct imap_response response; /* to the command, where it succeeds, or fails with a code */

    unsigned home;        /* the core to move to, where moving */
    bool moving;          /* the password was right: go home and answer there */
    struct message move;  /* what carries it */
    char *account_memory; /* texts of the key */
    struct store_account_key account_key;
    struct account *account; /* on the home core */
    struct imap_view view;
    struct imap_counts counts;
};

/* WAITS. Until the client leaves, the connection fails, or the session must move (moving). OK for
 * an orderly end. */
error imap_session_run(struct imap_session *s);
/* WAITS. What the client sees first. */
error imap_session_greet(struct imap_session *s);
/* WAITS. On the home core: opens the account and answers the command that logged in. */
error imap_session_settle(struct imap_session *s);

/* Called when nothing is going on: gives memory back. */
void imap_session_rest(struct imap_session *s);
/* What the state and TLS allow: limits of commands and what CAPABILITY says. */
void imap_session_set_limits(struct imap_session *s);
bool imap_session_may_login(const struct imap_session *s);

/* ---- For commands. ---- */

/* Notes where the connection failed, as opposed to the work: TRY(imap_lost(s, stream_...)). */
error imap_lost(struct imap_session *s, error problem);
/* WAITS where much was written. Gives what is in s->out to the stream. */
error imap_send(struct imap_session *s);
/* The same once s->out has grown to a size worth sending. */
error imap_send_some(struct imap_session *s);
/* WAITS. One line from the client inside a command: SASL responses, DONE. Valid until the next
 * read. */
error imap_read_line(struct imap_session *s, size_t size_max, slice *out_line);
/* When the client must have done the present step. */
instant imap_deadline(const struct imap_session *s);
