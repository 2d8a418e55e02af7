#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What LOGIN and AUTHENTICATE have in common: from a password to a session at home.
 */
#include "base/error.h"
#include "base/slice.h"
#include "service/login/mechanism.h"

struct imap_session;

/* For service/login. */
struct login_party imap_session_login_party(const struct imap_session *s);
/* WAITS. Checks the password and, where it is right, logs in. */
error imap_session_check_password(struct imap_session *s, slice name, slice password);
/* WAITS. With the outcome of a check: logs in, here, or by moving to the account's home core first
 * (s->moving). Otherwise NO with a code, and after too many failures the end. */
error imap_session_log_in(struct imap_session *s, error outcome,
                          const struct directory_account *account);
