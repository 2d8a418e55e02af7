#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one place that turns an outcome into OK, NO or BYE.
 */
#include "base/error.h"
#include "format/managesieve/response.h"

struct managesieve_session;
struct user_session;

/* A struct user_protocol's: s->response where it succeeded, else by the error's kind (a code that
 * the command put into s->response stays, and that it is the last). */
void managesieve_answer(struct user_session *base, error outcome);
/* A response of its own. */
void managesieve_say(struct managesieve_session *s, struct managesieve_response response);
/* For a failure that deserves a code, or a text made up for it (which lives in the arena). */
error managesieve_refuse(struct managesieve_session *s, enum managesieve_code code, error problem);
error managesieve_refuse_text(struct managesieve_session *s, enum managesieve_code code,
                              slice text);
/* RFC 5804 1.7: the lines before OK. */
void managesieve_write_capabilities(struct managesieve_session *s);
