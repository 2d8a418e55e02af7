/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/forward.h"

#include "data/directory/directory.h"
#include "filter/authentic/srs.h"

#include <stdatomic.h>

#define S struct forward_settings
static const struct setting rows[] = {
    SETTING_TEXT(S, srs_secret, "", SETTING_RELOADABLE | SETTING_SECRET,
                 "with it the senders of forwarded mail are rewritten (SRS), so that SPF holds; 16 "
                 "bytes at least"),
    SETTING_TEXT(S, srs_domain, "", SETTING_RELOADABLE,
                 "domain of rewritten senders, whose MX we are; empty: server.hostname"),
};
const struct setting_table forward_setting_table = SETTING_TABLE("forward", S, rows);

static _Atomic(const struct forward_settings *) settings;
static slice hostname; /* of the process */

void forward_set_settings(const struct forward_settings *fresh, slice name)
{
    if (!hostname.data) /* the same ever after: others may be reading it */
        hostname = name;
    atomic_store_explicit(&settings, fresh, memory_order_release);
}

/* NULL: nothing is rewritten. */
static const struct forward_settings *in_force(void)
{
    const struct forward_settings *now = atomic_load_explicit(&settings, memory_order_acquire);
    return now && now->srs_secret.size >= SRS_SECRET_SIZE_MIN ? now : NULL;
}

static slice domain_of(const struct forward_settings *now)
{
    return now->srs_domain.size ? now->srs_domain : hostname;
}

error forward_sender(slice sender, struct arena *arena, slice *out_sender)
{
    const struct forward_settings *now = in_force();
    slice local, domain;
    bool ours = false;
    if (!now || !slice_cut_last(sender, '@', &local, &domain)) {
        *out_sender = sender;
        return OK;
    }
    TRY(directory_domain(directory_here(), domain, &ours));
    *out_sender = sender;
    if (ours) /* as good at the next server as here */
        return OK;
    error problem = srs_forward(now->srs_secret, sender, domain_of(now), time_wall_seconds(), arena,
                                out_sender);
    bool defies = problem.kind == ERROR_LIMIT || problem.kind == ERROR_MALFORMED;
    return defies ? OK : problem;
}

error forward_original(slice address, struct arena *arena, slice *out_address)
{
    const struct forward_settings *now = in_force();
    slice local, domain;
    if (!now || !slice_cut_last(address, '@', &local, &domain) ||
        !slice_equal_nocase(domain, domain_of(now)))
        return error_make(ERROR_NOT_FOUND, "not an address made here");
    return srs_reverse(now->srs_secret, address, time_wall_seconds(), arena, out_address);
}
