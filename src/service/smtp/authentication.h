#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who a mail from a stranger is really from, asked when the whole message is there
 * (filter/authentic), and what is put before the message about it. Everything lies in the
 * transaction's arena.
 */
#include "filter/authentic/authentic.h"

struct smtp_session;

struct smtp_authentication {
    const struct authentic *authentic; /* NULL: not checked */
    slice field;                       /* "Authentication-Results: ...\r\n", or empty */
    slice results;                     /* its value, for ARC; or empty */
    enum authentic_action action;
    slice text; /* of a refusal */
};

/* Does not wait. There will be a message, for somebody here: what its sender and client are asked
 * about is asked for now. */
void smtp_authentication_expect(const struct smtp_session *session);
/* Takes out of the message what it says in our name (RFC 8601 5); whatever was a view of it is none
 * any more. */
void smtp_authentication_clean(struct smtp_session *session);
/* WAITS. Cleans the message as above, unless it is from a machine of ours, and checks it. Trouble
 * with DNS is a result; an error is ours. */
error smtp_authenticate(struct smtp_session *session, struct smtp_authentication *out);
