#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings of POP3: section "pop3". Durations in ns.
 */
#include "base/setting.h"

struct pop3_settings {
    bool plaintext_login;  /* passwords without TLS */
    bool mark_seen;        /* RETR sets \Seen */
    int64_t login_timeout; /* from connecting to being logged in */
    int64_t idle_timeout;  /* between commands after login */
    int64_t login_delay;   /* between two logins of an account; 0: none */
    uint32_t messages_max; /* in a session; those behind are seen once earlier ones are gone */
    uint32_t sessions_per_account_max;
    slice uidl_format; /* format/pop3/uidl.h */
    slice greeting;
};

extern const struct setting_table pop3_setting_table;
