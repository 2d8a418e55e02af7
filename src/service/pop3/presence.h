#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How many POP3 sessions an account has, and when it logged in last. All sessions of an account
 * live on its home core, so each core counts its own, exactly. Sessions are found through buckets
 * they are linked into; of last logins POP3_DELAYS_MAX are remembered.
 */
#include "base/error.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/time.h"

struct pop3_presence {
    struct list node;
    slice account; /* outlives the presence */
};

/* ERROR_LIMIT where there are sessions_max already. A zeroed struct; linked in where OK. */
error pop3_presence_enter(struct pop3_presence *presence, slice account, unsigned sessions_max);
/* Harmless where it never entered. */
void pop3_presence_leave(struct pop3_presence *presence);

/* RFC 2449 6.5. ERROR_BUSY where the account logged in less than `delay` before `now`, else this is
 * its last login. */
error pop3_presence_login(slice account, instant now, int64_t delay);
