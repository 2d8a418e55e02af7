#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one place that turns an outcome into +OK or -ERR.
 */
#include "base/error.h"
#include "format/pop3/reply.h"

struct pop3_session;

/* WAITS. Answers the present command with s->reply where it succeeded, else by the error's kind (a
 * code that the command put into s->reply stays). Returns what ends the session. */
error pop3_answer(struct pop3_session *s, error outcome);
/* A reply of its own: the first line of a listing. */
void pop3_say(struct pop3_session *s, struct pop3_reply reply);
/* For a failure that deserves a code: return pop3_refuse(s, POP3_CODE_AUTH, error). */
error pop3_refuse(struct pop3_session *s, enum pop3_code code, error problem);
/* WAITS. The end of a listing; nothing is to be answered any more. */
error pop3_end_listing(struct pop3_session *s);
