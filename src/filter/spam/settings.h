#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Section "spam" of the configuration (table in settings.c). What our own rules score and ask is
 * engine_settings.h.
 */
#include "base/setting.h"

enum spam_engine_kind {
    SPAM_ENGINE_NONE,
    SPAM_ENGINE_RINGMAIL,
    SPAM_ENGINE_RSPAMD,
    SPAM_ENGINES,
};

enum spam_on_failure { SPAM_FAILURE_ACCEPT, SPAM_FAILURE_DELAY };

struct spam_settings {
    enum spam_engine_kind engine;
    double junk_score, delay_score, refuse_score; /* 0: never */
    enum spam_on_failure on_failure;
    int64_t timeout; /* ns, of one judgement */
    bool submission;
    slice trusted; /* networks */
    slice junk_mailbox;
    bool forward_junk;
    bool header;
    slice rspamd_url;
    slice rspamd_password;
    uint32_t rspamd_connections; /* per core */
    size_t rspamd_size_max;      /* bytes */
    slice rspamd_controller_url; /* empty: rspamd learns nothing */
    bool learn_from_moves;
    uint32_t learn_per_day; /* lessons of one account; 0: any number */
};

extern const struct setting_table spam_setting_table;

/* What the table alone cannot tell. One line a mistake: "spam.trusted: ...". */
void spam_settings_check(const struct spam_settings *settings, struct buffer *problems);
