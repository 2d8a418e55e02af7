#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the client is told: the one place that writes replies, counts them, and turns errors of the
 * layers below into rows of the reply table. Trouble of ours is always 4xx: a 5xx would make the
 * sender give up mail that could still arrive.
 */
#include "base/error.h"
#include "format/smtp/reply.h"

struct smtp_session;

/* WAITS only where much output is gathered. Counts; ends the session where the reply is a 421 or
 * there were too many errors. */
error smtp_answer(struct smtp_session *session, enum smtp_reply reply);
/* Code and status of the row, another text. */
error smtp_answer_text(struct smtp_session *session, enum smtp_reply reply, slice text);
error smtp_answer_lines(struct smtp_session *session, int code, const char *enhanced, slice lines);

/* What went wrong, while doing what? NONE for OK, and for a connection that is gone. */
enum smtp_reply smtp_reply_for_directory(error problem);
enum smtp_reply smtp_reply_for_store(error problem);
enum smtp_reply smtp_reply_for_queue(error problem);
enum smtp_reply smtp_reply_for_memory(error problem);
