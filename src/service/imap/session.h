#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One IMAP connection: what it has beyond every user's session (service/user/session.h). While it
 * waits for a command the mailbox's view stays.
 */
#include "data/store/account.h"
#include "format/imap/append.h"
#include "format/imap/command.h"
#include "format/imap/frame.h"
#include "format/imap/response.h"
#include "service/imap/limits.h"
#include "service/imap/serve.h"
#include "service/imap/view.h"
#include "service/user/session.h"

enum imap_state { /* bits, so that a command can name several */
                  IMAP_STATE_STRANGER = USER_STRANGER, /* RFC 3501 3: not authenticated */
                  IMAP_STATE_LOGGED_IN = 1 << 1,
                  IMAP_STATE_SELECTED = 1 << 2,
};

/* For the line in the log. */
struct imap_counts {
    uint32_t fetched;  /* bodies sent */
    uint32_t appended; /* messages */
    uint32_t expunged;
};

struct imap_session {
    struct user_session base;
    const struct imap_settings *settings;
    enum imap_name_form name_form;
    struct imap_frame frame;
    struct imap_command command;   /* the one being run; views into the frame */
    struct imap_response response; /* to the command, where it succeeds, or fails with a code */
    struct account *account;       /* on the home core */
    struct imap_view view;
    struct imap_counts counts;
};

static inline struct imap_session *imap_session_of(const struct user_session *base)
{
    return CONTAINER_OF(base, struct imap_session, base);
}

/* What the state allows a command to be. */
void imap_session_set_limits(struct imap_session *s);
/* WAITS. A struct user_protocol's: one command. */
error imap_serve_command(struct user_session *base);
