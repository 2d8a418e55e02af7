#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a mail is wanted (filter/spam), asked when the whole message is there and it is known
 * whom it is from, and what follows for the transaction. Everything lies in the transaction's
 * arena.
 */
#include "filter/spam/spam.h"
#include "format/smtp/reply.h"

struct smtp_session;

struct smtp_judgement {
    bool asked;
    struct spam_verdict verdict;
};

/* WAITS. Asks, and marks the transaction as junk where it is. `reply`: NONE where the mail goes on,
 * else what the client hears; *out_text then is its text, or empty: the table's. What strangers say
 * in fields of ours is disowned (filter/spam/fields.h): nothing in the message moves. */
error smtp_judge(struct smtp_session *session, slice id, enum smtp_reply *out_reply,
                 slice *out_text);
/* The fields that say the verdict, before all others; may be empty. */
error smtp_judgement_fields(const struct smtp_session *session, slice *out_fields);
