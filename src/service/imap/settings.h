#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings of IMAP: section "imap". Durations in ns.
 */
#include "base/setting.h"

struct imap_settings {
    bool plaintext_login;    /* passwords without TLS */
    bool create_folders;     /* Drafts, Sent, Junk, Trash, Archive at first login */
    int64_t login_timeout;   /* from connecting to being logged in */
    int64_t idle_timeout;    /* between commands after login */
    int64_t keepalive;       /* in IDLE: a line so often, so that dead peers are noticed */
    size_t message_size_max; /* APPEND */
    slice greeting;
};

extern const struct setting_table imap_setting_table;
