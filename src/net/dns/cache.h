#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the resolver knows: answers as they came from the wire, by name and type, with the moment
 * they expire. One core. An entry that is in flight or in someone's hands stays; of the others the
 * one used longest ago makes room. Names that do not exist, and questions nobody answers, have a
 * bound of their own, so that a flood of made-up names does not push out what is known.
 */
#include "base/list.h"
#include "base/map.h"
#include "base/time.h"
#include "format/dns/message.h"
#include "runtime/wait.h"

enum {
    DNS_CACHE_ABSENT_PART = 4, /* one entry in so many may be about what does not exist */
};
enum { DNS_KEY_NAME = 2 }; /* a key is the type in two bytes, then the name in small letters */

struct dns_entry {
    struct list used; /* in cache->used or ->absent, oldest first */
    struct condition settled;
    enum dns_type type;
    bool in_flight;
    bool absent;
    unsigned holders;
    error failure; /* or the message */
    slice message; /* owned */
    instant expires, asked_at;
    size_t key_size;
    char key[]; /* NUL-terminated */
};

struct dns_cache {
    struct map entries;
    struct list used, absent;
    size_t absent_count;
    size_t bytes, bytes_max, entries_max;
};

void dns_cache_init(struct dns_cache *cache, size_t entries_max, size_t bytes_max);
/* Nothing may be in flight; entries in someone's hands go when they are released. */
void dns_cache_close(struct dns_cache *cache);
void dns_cache_flush(struct dns_cache *cache);

/* Finds or makes the entry and holds it. ERROR_LIMIT when out of memory. */
error dns_cache_open(struct dns_cache *cache, slice name, enum dns_type type,
                     struct dns_entry **out_entry);
void dns_cache_release(struct dns_cache *cache, struct dns_entry *entry);
/* A question is on its way: the entry stays until it is settled. */
void dns_cache_flight(struct dns_cache *cache, struct dns_entry *entry);
/* Ends the flight: keeps a copy of the message, or the failure, for so long, and wakes who waits.
 * `absent`: the message says that there is nothing; a failure always is. */
void dns_cache_settle(struct dns_cache *cache, struct dns_entry *entry, error failure,
                      slice message, bool absent, uint32_t seconds);

static inline slice dns_entry_name(const struct dns_entry *entry)
{
    return slice_of(entry->key + DNS_KEY_NAME, entry->key_size - DNS_KEY_NAME);
}
