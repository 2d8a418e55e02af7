#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sieve's settings: section "sieve". Paths that begin with "~" lie in the account's home (the
 * folder that holds its Maildir), as in Pigeonhole, whose defaults these are.
 */
#include "base/setting.h"

struct sieve_settings {
    bool enabled; /* scripts are run at delivery */
    slice path;   /* folder of an account's scripts */
    slice active; /* the link to the one that is run */
    slice fallback;
    struct setting_list before, after; /* files, or folders of them */
    slice global;                      /* folder of scripts that all may include; empty: none */
    /* Of an account's scripts. */
    size_t script_size_max;
    uint32_t scripts_max;
    size_t storage_max; /* bytes, all together; 0: no limit */
    /* Of one run. */
    uint32_t redirects_max;
    uint32_t actions_max;
    bool mailbox_autocreate;
    int64_t vacation_min, vacation_max; /* ns */
    int64_t redirect_memory;            /* ns */
    size_t log_size_max;                /* of an account's log of errors */
};

extern const struct setting_table sieve_setting_table;

/* From any thread, at start and after a reload; stays alive. */
void sieve_set_settings(const struct sieve_settings *settings);
/* Those in force; NULL before there are any: nothing is run then. */
const struct sieve_settings *sieve_settings_here(void);
