#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one place that turns an outcome into OK, NO or BAD.
 */
#include "base/error.h"
#include "format/imap/response.h"

struct imap_session;
struct user_session;

/* A struct user_protocol's: s->response where it succeeded, else by the error's kind (a code that
 * the command put into s->response stays). */
void imap_answer(struct user_session *base, error outcome);
/* An untagged or tagged status line of its own. */
void imap_say(struct imap_session *s, slice tag, struct imap_response response);
/* For a failure that deserves a code: return imap_refuse(s, IMAP_CODE_TRYCREATE, error). */
error imap_refuse(struct imap_session *s, enum imap_code code, error problem);

/* "IMAP4rev1 ..." as the state allows. Static. */
slice imap_capabilities(const struct imap_session *s);
