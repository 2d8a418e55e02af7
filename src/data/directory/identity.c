/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which addresses an account may write as: its own, with any detail; aliases that lead to it and to
 * nobody else; what identity_query grants.
 */
#include "data/directory/internal.h"
#include "format/text/idna.h"

enum { SCRATCH_SIZE_MAX = 4 << 20 };

/* WAITS. "user+detail" is its own name only where no alias and no account has that name. */
static error is_own(struct directory *directory, slice account,
                    const struct directory_address *address, struct arena *arena, bool *out_own)
{
    struct directory_rows rows;
    instant asked;
    *out_own = slice_equal(address->whole, account);
    if (*out_own || !address->detail.data || !slice_equal(address->base_address, account))
        return OK;
    TRY(directory_account_row(directory, address->local, address->domain, DIRECTORY_CACHED_FINE,
                              arena, &rows, &asked));
    if (rows.count)
        return OK;
    TRY(directory_ask(&directory->lookup, DIRECTORY_QUERY_ALIAS, address->local, address->domain,
                      DIRECTORY_CACHED_FINE, arena, &rows, &asked));
    *out_own = rows.count == 0;
    return OK;
}

/* WAITS. */
static error leads_only_to(struct directory *directory, slice account, slice address,
                           struct arena *arena, bool *out_leads)
{
    struct directory_resolution resolution;
    TRY(directory_resolve(directory, address, arena, &resolution));
    *out_leads = resolution.answer == DIRECTORY_FOUND;
    for (unsigned i = 0; *out_leads && i < resolution.count; i++)
        *out_leads = !resolution.targets[i].outside &&
                     slice_equal(resolution.targets[i].account.address, account);
    return OK;
}

/* "user@domain" or "@domain" of a row. */
static bool grants(const struct directory_settings *settings, slice granted,
                   const struct directory_address *address, struct arena *arena)
{
    struct directory_address parsed;
    slice domain;
    granted = slice_trim(granted);
    if (slice_starts(granted, SLICE("@")))
        return !failed(idna_to_ascii(arena, slice_from(granted, 1), &domain)) &&
               slice_equal(domain, address->domain);
    return !failed(directory_address_parse(settings, granted, arena, &parsed)) &&
           slice_equal(parsed.whole, address->whole);
}

/* WAITS. */
static error is_granted(struct directory *directory, slice account,
                        const struct directory_address *address, struct arena *arena,
                        bool *out_granted)
{
    struct directory_address owner;
    struct directory_rows rows;
    instant asked;
    if (directory->settings->identity_query.size == 0)
        return OK;
    TRY(directory_address_parse(directory->settings, account, arena, &owner));
    TRY(directory_ask(&directory->lookup, DIRECTORY_QUERY_IDENTITY, owner.local, owner.domain,
                      DIRECTORY_CACHED_FINE, arena, &rows, &asked));
    for (unsigned i = 0; i < rows.count && !*out_granted; i++)
        *out_granted = grants(directory->settings,
                              rows.rows[i].columns[DIRECTORY_COLUMN_DESTINATION], address, arena);
    return OK;
}

static error may_send(struct directory *directory, slice account, slice sender, struct arena *arena,
                      bool *out_allowed)
{
    struct directory_address address;
    error problem = directory_address_parse(directory->settings, sender, arena, &address);
    if (problem.kind == ERROR_MALFORMED)
        return OK; /* no address that anybody could have */
    if (problem.kind != ERROR_NOT_FOUND) {
        TRY(problem);
        TRY(is_own(directory, account, &address, arena, out_allowed));
        if (!*out_allowed)
            TRY(leads_only_to(directory, account, sender, arena, out_allowed));
    }
    return *out_allowed ? OK : is_granted(directory, account, &address, arena, out_allowed);
}

error directory_may_send(struct directory *directory, slice account, slice sender,
                         bool *out_allowed)
{
    struct arena scratch;
    bool allowed = false;
    arena_init(&scratch, SCRATCH_SIZE_MAX);
    error problem = may_send(directory, account, sender, &scratch, &allowed);
    arena_close(&scratch);
    TRY(problem);
    *out_allowed = allowed;
    return OK;
}
