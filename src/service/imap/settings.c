/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/settings.h"

#define S struct imap_settings
static const struct setting rows[] = {
    SETTING_FLAG(S, plaintext_login, false, SETTING_RELOADABLE,
                 "allow passwords over connections without TLS"),
    SETTING_FLAG(S, create_folders, true, SETTING_RELOADABLE,
                 "make Drafts, Sent, Junk, Trash and Archive at an account's first login"),
    SETTING_DURATION(S, login_timeout, 60 * TIME_S, 5 * TIME_S, 1800 * TIME_S, SETTING_RELOADABLE,
                     "time to log in after connecting"),
    /* RFC 3501 5.4: at least 30 minutes */
    SETTING_DURATION(S, idle_timeout, 1800 * TIME_S, 60 * TIME_S, 86400 * TIME_S,
                     SETTING_RELOADABLE, "time without a command before a session is ended"),
    SETTING_DURATION(S, keepalive, 120 * TIME_S, 10 * TIME_S, 1800 * TIME_S, SETTING_RELOADABLE,
                     "in IDLE: time between lines that find out whether the client is still there"),
    SETTING_BYTES(S, message_size_max, 64 << 20, 64 << 10, 1LL << 31, SETTING_RELOADABLE,
                  "largest message that may be appended"),
    SETTING_TEXT(S, greeting, "Ringmail ready", SETTING_RELOADABLE, "what the server says first"),
};
#undef S

const struct setting_table imap_setting_table = SETTING_TABLE("imap", struct imap_settings, rows);
