#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What LOGIN and AUTHENTICATE have in common: from a password to a session at home.
 */
#include "base/error.h"
#include "base/slice.h"

struct imap_session;

/* WAITS. Checks the password and, where it is right, logs in: here, or by moving to the account's
 * home core first (s->moving). Otherwise NO with a code, and after too many failures the end. */
error imap_session_check_password(struct imap_session *s, slice authorization, slice name,
                                  slice password);
