#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings of ManageSieve: section "managesieve". Durations in ns. Where scripts lie and how many
 * there may be: section "sieve" (data/scripts/settings.h).
 */
#include "base/setting.h"

struct managesieve_settings {
    bool plaintext_login;  /* passwords without TLS */
    int64_t login_timeout; /* from connecting to being logged in */
    int64_t idle_timeout;  /* between commands after login */
    slice greeting;
};

extern const struct setting_table managesieve_setting_table;
