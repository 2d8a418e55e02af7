#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The directory's own insides, shared by its files.
 */
#include "data/directory/address.h"
#include "data/directory/directory.h"
#include "data/directory/login_cache.h"
#include "data/directory/lookup.h"

struct directory {
    const struct directory_settings *settings;
    struct arena arena; /* statements: as old as the directory */
    struct directory_lookup lookup;
    struct directory_login_cache logins;
    unsigned verifying; /* logins that wait for a worker */
};

/* WAITS. The account's row: count 0 where there is none. */
error directory_account_row(struct directory *directory, slice local, slice domain,
                            enum directory_freshness freshness, struct arena *arena,
                            struct directory_rows *out_rows, instant *out_asked);
/* Pure. ERROR_TEMPORARY (and a log line) for a row that cannot be an account: somebody must mend
 * it, no mail may be lost meanwhile. */
error directory_account_make(const struct directory_settings *settings, slice local, slice domain,
                             const struct directory_row *row, struct arena *arena,
                             struct directory_account *out_account);
