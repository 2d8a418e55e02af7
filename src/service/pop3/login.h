#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What PASS and AUTH have in common: from a password to a session at home.
 */
#include "base/error.h"
#include "base/slice.h"
#include "service/login/mechanism.h"

struct pop3_session;

/* For service/login. */
struct login_party pop3_session_login_party(const struct pop3_session *s);
/* WAITS. Checks the password and, where it is right, logs in. Overwrites it. */
error pop3_session_check_password(struct pop3_session *s, slice name, slice password);
/* WAITS. With the outcome of a check: logs in, here, or by moving to the account's home core first
 * (s->moving). Otherwise -ERR with a code, and after too many failures the end. */
error pop3_session_log_in(struct pop3_session *s, error outcome,
                          const struct directory_account *account);
/* Where a password would be read by others. */
error pop3_session_check_privacy(const struct pop3_session *s);
