/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/share.h"

#include <stdlib.h>

static bool begin_day(struct spam_share *share, instant now)
{
    free(share->taken);
    share->taken = calloc(SPAM_SHARE_PLACES, sizeof *share->taken);
    share->ends = now + 24 * 3600 * TIME_S;
    return share->taken;
}

enum spam_share_answer spam_share_take(struct spam_share *share, slice account, uint32_t most,
                                       instant now)
{
    if (most == 0)
        return SPAM_SHARE_TAKEN;
    if ((!share->taken || now >= share->ends) && !begin_day(share, now))
        return SPAM_SHARE_REFUSED;
    uint32_t *taken = &share->taken[slice_hash(account) % SPAM_SHARE_PLACES];
    if (*taken > most) /* which a reload may have lowered */
        return SPAM_SHARE_REFUSED;
    return (*taken)++ < most ? SPAM_SHARE_TAKEN : SPAM_SHARE_REFUSED_FIRST;
}

void spam_share_close(struct spam_share *share)
{
    free(share->taken);
    *share = (struct spam_share){0};
}
