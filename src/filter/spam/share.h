#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How much of a day's learning each account has had, so that none teaches a classifier of all
 * alone. Accounts that share a place in the table (by hash, SPAM_SHARE_PLACES) share what they may;
 * the day is the table's and begins with the first lesson after the last one. So in any 24 hours an
 * account gets twice its share at most, and no number of accounts takes more memory. One core's;
 * the caller knows the time.
 */
#include "base/slice.h"
#include "base/time.h"

enum { SPAM_SHARE_PLACES = 1 << 14 }; /* 64 KiB, made at the first lesson */

struct spam_share {
    uint32_t *taken; /* by place; NULL: nobody learned yet */
    instant ends;
};

enum spam_share_answer {
    SPAM_SHARE_TAKEN,
    SPAM_SHARE_REFUSED_FIRST, /* the first time that day */
    SPAM_SHARE_REFUSED,
};

/* One lesson of at most `most` a day; 0: as many as it likes. Refuses where memory is out. */
enum spam_share_answer spam_share_take(struct spam_share *share, slice account, uint32_t most,
                                       instant now);
void spam_share_close(struct spam_share *share);
