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

/* WAITS. Takes out of the message what strangers say in our name (RFC 8601 5), and checks it;
 * whatever was a view of the message is none any more. Trouble with DNS is a result; an error is
 * ours. */
error smtp_authenticate(struct smtp_session *session, struct smtp_authentication *out);
