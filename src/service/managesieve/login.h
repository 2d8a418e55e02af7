#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a right password to a session at home.
 */
#include "base/error.h"
#include "service/login/mechanism.h"

struct managesieve_session;

/* For service/login. */
struct login_party managesieve_session_login_party(const struct managesieve_session *s);
/* WAITS. With the outcome of a check: logs in, here, or by moving to the account's home core first
 * (s->moving). Otherwise NO, and after too many failures the end. */
error managesieve_session_log_in(struct managesieve_session *s, error outcome,
                                 const struct directory_account *account);
/* Back to where it began (RFC 5804 2.14.1). */
void managesieve_session_log_out(struct managesieve_session *s);
