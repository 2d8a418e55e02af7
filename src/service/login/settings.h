#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings of logins by password: section "login". Durations in ns.
 */
#include "base/setting.h"

struct login_settings {
    uint32_t failures_free; /* so many failures cost nothing */
    int64_t failure_delay;  /* the next costs this, then doubling */
    int64_t delay_max;      /* of an address */
    int64_t
        account_delay_max; /* of an account: so short that strangers cannot lock its owner out */
    int64_t forget_after;  /* one failure is forgotten each such time */
    uint32_t failures_max; /* of an address: further logins are refused without a look */
    uint32_t attempts_max; /* failed ones on one connection */
};

extern const struct setting_table login_setting_table;
