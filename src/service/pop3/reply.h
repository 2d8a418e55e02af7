#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one place that turns an outcome into +OK or -ERR.
 */
#include "base/error.h"
#include "format/pop3/reply.h"

struct pop3_session;
struct user_session;

/* A struct user_protocol's: s->reply where it succeeded, else by the error's kind (a code that the
 * command put into s->reply stays). */
void pop3_answer(struct user_session *base, error outcome);
/* A reply of its own: the first line of a listing. */
void pop3_say(struct pop3_session *s, struct pop3_reply reply);
/* For a failure that deserves a code: return pop3_refuse(s, POP3_CODE_AUTH, error). */
error pop3_refuse(struct pop3_session *s, enum pop3_code code, error problem);
/* WAITS. The end of a listing; nothing is to be answered any more. */
error pop3_end_listing(struct pop3_session *s);
