#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings of logins by password: section "login". Durations in ns.
 */
#include "base/setting.h"

enum login_scram { LOGIN_SCRAM_OFF, LOGIN_SCRAM_ON, LOGIN_SCRAM_SHA_1, LOGIN_SCRAM_SHA_256 };
enum { LOGIN_SCRAM_SECRET_SIZE_MIN = 16 }; /* bytes */

struct login_settings {
    uint32_t failures_free; /* so many failures cost nothing */
    int64_t failure_delay;  /* the next costs this, then doubling */
    int64_t delay_max;      /* of an address */
    int64_t
        account_delay_max; /* of an account: so short that strangers cannot lock its owner out */
    int64_t forget_after;  /* one failure is forgotten each such time */
    uint32_t failures_max; /* of an address: further logins are refused without a look */
    uint32_t attempts_max; /* failed ones on one connection */
    enum login_scram scram;
    slice scram_secret;    /* what made-up salts are keyed with */
    uint32_t scram_rounds; /* of keys that are made up, or derived from a plain password */
};

extern const struct setting_table login_setting_table;
