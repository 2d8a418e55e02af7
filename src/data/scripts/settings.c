/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/scripts/settings.h"

#include "base/time.h"
#include "data/scripts/scripts.h"

#include <stdatomic.h>

#define S struct sieve_settings
#define R SETTING_RELOADABLE
static const struct setting rows[] = {
    SETTING_FLAG(S, enabled, true, R, "run the accounts' scripts when mail is delivered"),
    SETTING_TEXT(S, path, "~/sieve", R,
                 "folder of an account's scripts; ~ is its home, which holds its Maildir"),
    SETTING_TEXT(S, active, "~/.dovecot.sieve", R,
                 "the link that names the active one; Pigeonhole's, so that scripts stay in force"),
    SETTING_PATH(S, fallback, "", R, "script of those who have no active one; empty: none"),
    SETTING_LIST(S, before, "", SETTING_MUST_EXIST,
                 "scripts that run before everybody's own: files, or folders of *.sieve"),
    SETTING_LIST(S, after, "", SETTING_MUST_EXIST,
                 "scripts that run after it, where mail is kept still"),
    SETTING_PATH(S, global, "", SETTING_MUST_EXIST,
                 "folder of scripts that everybody's may include (include :global); empty: none"),
    SETTING_BYTES(S, script_size_max, 1 << 20, 1024, SCRIPT_SIZE_MAX, R, "largest script"),
    SETTING_NUMBER(S, scripts_max, 64, 1, SCRIPT_LIST_COUNT_MAX, R, "scripts an account may have"),
    SETTING_BYTES(S, storage_max, 8 << 20, 0, 1LL << 40, R,
                  "size of an account's scripts together; 0: no limit"),
    SETTING_NUMBER(S, redirects_max, 4, 0, 100, R, "redirects of one mail by an account's scripts"),
    SETTING_NUMBER(S, actions_max, 32, 1, 256, R, "actions of one mail by an account's scripts"),
    SETTING_FLAG(S, mailbox_autocreate, true, R,
                 "fileinto makes a missing mailbox without :create, too; off: mail goes to INBOX"),
    SETTING_DURATION(S, vacation_min, 86400 * TIME_S, TIME_S, 366 * 86400 * TIME_S, R,
                     "least time between two vacation replies to one sender"),
    SETTING_DURATION(S, vacation_max, 60 * 86400 * TIME_S, TIME_S, 366 * 86400 * TIME_S, R,
                     "most time between two vacation replies to one sender"),
    SETTING_DURATION(S, redirect_memory, 43200 * TIME_S, 0, 366 * 86400 * TIME_S, R,
                     "a mail seen again within this time is not redirected again"),
    SETTING_BYTES(S, log_size_max, 64 << 10, 4 << 10, 16 << 20, R,
                  "size of an account's log of errors in its scripts; then it begins anew"),
};
#undef S
#undef R

const struct setting_table sieve_setting_table =
    SETTING_TABLE("sieve", struct sieve_settings, rows);

static _Atomic(const struct sieve_settings *) settings;

void sieve_set_settings(const struct sieve_settings *fresh)
{
    atomic_store_explicit(&settings, fresh, memory_order_release);
}

const struct sieve_settings *sieve_settings_here(void)
{
    return atomic_load_explicit(&settings, memory_order_acquire);
}
