/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/settings.h"

#include "base/time.h"

#define S struct managesieve_settings
static const struct setting rows[] = {
    SETTING_FLAG(S, plaintext_login, false, SETTING_RELOADABLE,
                 "allow passwords over connections without TLS"),
    SETTING_DURATION(S, login_timeout, 60 * TIME_S, 5 * TIME_S, 1800 * TIME_S, SETTING_RELOADABLE,
                     "time to log in after connecting"),
    /* RFC 5804 1.2: at least 30 minutes after login */
    SETTING_DURATION(S, idle_timeout, 1800 * TIME_S, 60 * TIME_S, 86400 * TIME_S,
                     SETTING_RELOADABLE, "time without a command before a session is ended"),
    SETTING_TEXT(S, greeting, "Ringmail ready", SETTING_RELOADABLE, "what the server says first"),
};
#undef S

const struct setting_table managesieve_setting_table =
    SETTING_TABLE("managesieve", struct managesieve_settings, rows);
