#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * MTA-STS policies as one core remembers them, and the text in which they are kept over restarts.
 * Knows no clock of its own and never waits.
 */
#include "base/list.h"
#include "base/map.h"
#include "format/mail/mta_sts.h"
#include "runtime/wait.h"

/* One policy, one block of memory; never changes. */
struct sts_known {
    slice domain, id, text;
    int64_t fetched; /* seconds since 1970 */
    struct mta_sts_policy policy;
};

/* A domain: what is known, and whether somebody is asking. */
struct sts_entry {
    struct list recent;
    struct sts_known *known; /* NULL: nothing */
    bool fetching;
    unsigned holders; /* fibers that wait */
    struct condition settled;
    instant pause_until; /* no fetch before: the last one failed */
    slice domain;        /* in this block */
    char bytes[];
};

struct sts_cache {
    struct map entries;
    struct list recent; /* most recent first */
    unsigned count_max;
};

void sts_cache_init(struct sts_cache *cache, unsigned count_max);
void sts_cache_close(struct sts_cache *cache);
/* NULL: none. */
struct sts_entry *sts_cache_find(struct sts_cache *cache, slice domain);
/* Finds or makes; NULL when out of memory. What was used longest ago makes room. */
struct sts_entry *sts_cache_open(struct sts_cache *cache, slice domain);
/* Takes the policy over; an older one of the domain goes. */
void sts_cache_put(struct sts_cache *cache, struct sts_known *known);

/* ERROR_MALFORMED where the text is no policy; else a block for free(). */
error sts_known_make(slice domain, slice id, slice text, int64_t fetched,
                     struct sts_known **out_known);
struct sts_known *sts_known_copy(const struct sts_known *known);
/* Until when it counts, seconds since 1970. */
int64_t sts_known_end(const struct sts_known *known);

/* All policies that still count, as text; and back. A text that makes no sense is read up to
 * there: ERROR_MALFORMED. */
void sts_cache_write(const struct sts_cache *cache, int64_t now, struct buffer *out);
error sts_cache_read(struct sts_cache *cache, slice text, int64_t now);
