#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Compiled scripts of the accounts at home on this core, and the global ones: kept until the file
 * is another (device, inode, size, times) or others are used more. Also those that do not compile
 * are kept, with what is wrong. One core's; an entry in use stays until it is released.
 */
#include "base/list.h"
#include "data/scripts/scripts.h"
#include "filter/sieve/sieve.h"

enum { SIEVE_CACHED_MAX = 1024 }; /* scripts per core beyond those in use */

struct sieve_cached {
    struct list node; /* by use, the last one first */
    char *path;
    struct script_version version;
    struct sieve_script *script;  /* NULL: it does not compile */
    struct sieve_problem problem; /* then */
    unsigned users;
    bool stale; /* no more in the table */
};

/* WAITS where it is read. ERROR_NOT_FOUND and others: it cannot be read. */
error sieve_cache_get(const char *path, const struct script_version *version,
                      struct sieve_cached **out_cached);
void sieve_cache_release(struct sieve_cached **cached);
