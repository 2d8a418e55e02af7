/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/settings.h"

#include "format/pop3/uidl.h"

#define S struct pop3_settings
static const struct setting rows[] = {
    SETTING_FLAG(S, plaintext_login, false, SETTING_RELOADABLE,
                 "allow passwords over connections without TLS"),
    SETTING_FLAG(S, mark_seen, true, SETTING_RELOADABLE,
                 "a message that was fetched counts as read in IMAP, too"),
    SETTING_DURATION(S, login_timeout, 60 * TIME_S, 5 * TIME_S, 1800 * TIME_S, SETTING_RELOADABLE,
                     "time to log in after connecting"),
    /* RFC 1939 3: at least 10 minutes */
    SETTING_DURATION(S, idle_timeout, 600 * TIME_S, 10 * TIME_S, 86400 * TIME_S, SETTING_RELOADABLE,
                     "time without a command before a session is ended (nothing is deleted then)"),
    SETTING_DURATION(S, login_delay, 0, 0, 86400 * TIME_S, SETTING_RELOADABLE,
                     "least time between two logins of an account; 0: none"),
    SETTING_NUMBER(S, messages_max, 1000000, 1, 16 << 20, SETTING_RELOADABLE,
                   "messages in a session, the oldest; more come once these are deleted"),
    SETTING_NUMBER(S, sessions_per_account_max, 10, 1, 10000, SETTING_RELOADABLE,
                   "sessions an account may have at a time; 1: its mail is locked by a session"),
    SETTING_TEXT(S, uidl_format, POP3_UIDL_FORMAT_DEFAULT, SETTING_RELOADABLE,
                 "unique ids, as Dovecot's pop3_uidl_format: %u UID, %v UIDVALIDITY, %f file name"),
    SETTING_TEXT(S, greeting, "Ringmail ready", SETTING_RELOADABLE, "what the server says first"),
};
#undef S

const struct setting_table pop3_setting_table = SETTING_TABLE("pop3", struct pop3_settings, rows);
