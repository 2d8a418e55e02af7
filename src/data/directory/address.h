#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An address in the form the directory compares: local part folded (format/text/fold.h), domain as
 * A-labels in lower case. Pure.
 */
#include "base/arena.h"
#include "data/directory/directory.h"
#include "data/directory/settings.h"

struct directory_address {
    slice whole; /* local@domain */
    slice local; /* folded, detail included */
    slice domain;
    slice base;         /* local without separator and detail */
    slice base_address; /* base@domain */
    slice detail;       /* as it was written, not folded; data NULL where there is none */
};

/* ERROR_MALFORMED: no domain (and no default), or none that could exist, address literals included.
 * ERROR_NOT_FOUND: a local part that no account can have; out's domain is set. */
error directory_address_parse(const struct directory_settings *settings, slice text,
                              struct arena *arena, struct directory_address *out_address);

/* local@domain; local may be empty (a catch-all). */
error directory_address_join(struct arena *arena, slice local, slice domain, slice *out_whole);

/* user@domain with a detail: user+detail@domain. Where there is no such address (no details here, a
 * quoted local part, a detail that would need quotes or is too long) it is user@domain. */
error directory_address_extend(const struct directory_settings *settings, slice address,
                               slice detail, struct arena *arena, slice *out_extended);

/* The same local part at the domain's U-labels; false where that is the same. */
error directory_address_unicode(struct arena *arena, slice local, slice domain, bool *out_differs,
                                slice *out_domain, slice *out_whole);

/* Fills in %d (domain), %n (local part), %u (whole) and %%. ERROR_MALFORMED where the parts could
 * leave their directory ("/", "..") or the pattern is wrong. */
error directory_path_expand(slice pattern, slice local, slice domain, struct arena *arena,
                            const char **out_path);
