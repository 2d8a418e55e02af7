/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/login/settings.h"

#define S struct login_settings
static const struct setting rows[] = {
    SETTING_NUMBER(S, failures_free, 3, 0, 1000, SETTING_RELOADABLE,
                   "failed logins of an address or account that cost nothing"),
    SETTING_DURATION(S, failure_delay, 500 * TIME_MS, 0, 60 * TIME_S, SETTING_RELOADABLE,
                     "what the next login waits after those; doubles with each failure"),
    SETTING_DURATION(S, delay_max, 15 * TIME_S, 0, 300 * TIME_S, SETTING_RELOADABLE,
                     "longest such wait for an address"),
    SETTING_DURATION(S, account_delay_max, 4 * TIME_S, 0, 300 * TIME_S, SETTING_RELOADABLE,
                     "longest such wait for an account, whoever asks"),
    SETTING_DURATION(S, forget_after, 60 * TIME_S, TIME_S, 86400 * TIME_S, SETTING_RELOADABLE,
                     "time after which one failure is forgotten"),
    SETTING_NUMBER(S, failures_max, 100, 1, 1000000, SETTING_RELOADABLE,
                   "failed logins of an address after which it is refused unheard"),
    SETTING_NUMBER(S, attempts_max, 5, 1, 1000, SETTING_RELOADABLE,
                   "failed logins on one connection before it is closed"),
};
#undef S

const struct setting_table login_setting_table =
    SETTING_TABLE("login", struct login_settings, rows);
