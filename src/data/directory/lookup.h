#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One question to the database, through the cache. Simultaneous identical questions become one: the
 * first asks, the others wait for its answer. Inside data/directory only.
 */
#include "data/directory/cache.h"

struct directory;

struct directory_lookup {
    struct directory_cache cache;
    struct map flights[DIRECTORY_QUERIES]; /* questions under way */
    unsigned asking;                       /* fibers inside directory_ask */
    const struct directory_settings *settings;
    const struct directory_backend_class *class;
    struct directory_backend *backend;
    struct directory_statement statements[DIRECTORY_QUERIES];
};

enum directory_freshness { DIRECTORY_CACHED_FINE, DIRECTORY_FRESH };

void directory_lookup_init(struct directory_lookup *lookup,
                           const struct directory_settings *settings,
                           const struct directory_backend_class *class,
                           struct directory_backend *backend);
/* No fiber may be asking. Does not close the backend. */
void directory_lookup_close(struct directory_lookup *lookup);

/* WAITS. `domain` is in A-labels, `local` folded and empty for a domain's catch-all or row. Rows
 * that the database's collation took for equal but that are not are left out. out_asked: when the
 * database gave this answer. */
error directory_ask(struct directory_lookup *lookup, enum directory_query query, slice local,
                    slice domain, enum directory_freshness freshness, struct arena *arena,
                    struct directory_rows *out_rows, instant *out_asked);

/* Forgets, and lets no answer that is still under way be remembered. */
void directory_forget_all(struct directory_lookup *lookup);
void directory_forget_domain(struct directory_lookup *lookup, slice domain);
/* `address` is a canonical local@domain. */
void directory_forget_address(struct directory_lookup *lookup, slice address, slice domain);
