#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Answers of the database, remembered: found rows and absences in two least-recently-used lists of
 * the same bound, so that guessing addresses does not push out those that exist. One core's. Knows
 * no clock of its own and never waits.
 */
#include "base/list.h"
#include "base/map.h"
#include "data/directory/backend.h"

enum { DIRECTORY_CACHED_SIZE_MAX = 65536 }; /* bytes of one answer; larger ones are not kept */

struct directory_cache_entry {
    struct list recent;
    enum directory_query query;
    instant asked;   /* when the database was asked */
    instant expires; /* believed until then */
    slice key;
    struct directory_rows rows; /* count 0: known to be absent */
};

struct directory_cache {
    struct map maps[DIRECTORY_QUERIES];
    struct list found, absent; /* most recent first */
    unsigned found_count, absent_count;
    unsigned entries_max; /* of each list */
};

void directory_cache_init(struct directory_cache *cache, unsigned entries_max);
void directory_cache_close(struct directory_cache *cache);

/* NULL where nothing is remembered; may be past its time. Valid until the cache is next changed. */
const struct directory_cache_entry *directory_cache_get(struct directory_cache *cache,
                                                        enum directory_query query, slice key);
/* Replaces what was there. Failing to remember is no failure. */
void directory_cache_put(struct directory_cache *cache, enum directory_query query, slice key,
                         const struct directory_rows *rows, instant asked, instant expires);
void directory_cache_remove(struct directory_cache *cache, enum directory_query query, slice key);
/* Everything about a domain: its row, its accounts, aliases and catch-all. */
void directory_cache_remove_domain(struct directory_cache *cache, slice domain);
void directory_cache_clear(struct directory_cache *cache);

/* Is `key` about this domain? */
bool directory_key_is_of_domain(slice key, slice domain);
/* A deep copy in the arena. */
error directory_rows_copy(const struct directory_rows *rows, struct arena *arena,
                          struct directory_rows *out_copy);
