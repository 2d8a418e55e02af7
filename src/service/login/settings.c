/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/login/settings.h"

#include "crypto/scram.h"

static const char *const scram_choices[] = {[LOGIN_SCRAM_OFF] = "off",
                                            [LOGIN_SCRAM_ON] = "on",
                                            [LOGIN_SCRAM_SHA_1] = "sha-1",
                                            [LOGIN_SCRAM_SHA_256] = "sha-256",
                                            NULL};

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
    SETTING_CHOICE(S, scram, LOGIN_SCRAM_OFF, scram_choices, SETTING_RELOADABLE,
                   "offer SCRAM: clients prefer it to PLAIN, and accounts whose stored password "
                   "is no {SCRAM-...} of that kind (nor {PLAIN}) are then refused; so first give "
                   "all of them one (ringmail user password --scheme SCRAM-SHA-256)"),
    SETTING_TEXT(S, scram_secret, "", SETTING_RELOADABLE | SETTING_SECRET,
                 "16 bytes or more that nobody knows, wanted by scram: who has no account is shown "
                 "a salt made with it, always the same; one for all servers of a cluster"),
    SETTING_NUMBER(S, scram_rounds, SCRAM_ROUNDS, SCRAM_ROUNDS_MIN, 2000000, SETTING_RELOADABLE,
                   "rounds shown to who has no account: what most accounts have (ringmail makes "
                   "15000, doveadm 4096)"),
};
#undef S

const struct setting_table login_setting_table =
    SETTING_TABLE("login", struct login_settings, rows);
