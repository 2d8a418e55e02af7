/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns/cache.h"

#include "base/assert.h"
#include "base/metric.h"

#include <stdlib.h>
#include <string.h>

METRIC_GAUGE(metric_entries, "ringmail_dns_cached_answers", "", "Answers in the caches");
METRIC_GAUGE(metric_absent, "ringmail_dns_cached_absences", "",
             "Of these, such that say there is nothing, and failures");

void dns_cache_init(struct dns_cache *cache, size_t entries_max, size_t bytes_max)
{
    *cache = (struct dns_cache){.entries_max = entries_max, .bytes_max = bytes_max};
    map_init(&cache->entries);
    list_init(&cache->used);
    list_init(&cache->absent);
}

static size_t cost(const struct dns_entry *entry)
{
    return sizeof *entry + entry->key_size + entry->message.size;
}

static slice key_of(const struct dns_entry *entry)
{
    return slice_of(entry->key, entry->key_size);
}

static void destroy(struct dns_cache *cache, struct dns_entry *entry)
{
    if (map_get(&cache->entries, key_of(entry)) == entry)
        map_remove(&cache->entries, key_of(entry));
    list_remove(&entry->used);
    cache->absent_count -= entry->absent;
    metric_add(&metric_absent, -(int64_t)entry->absent);
    metric_add(&metric_entries, -1);
    cache->bytes -= cost(entry);
    free((char *)entry->message.data);
    free(entry);
}

static bool is_free(const struct dns_entry *entry)
{
    return !entry->in_flight && entry->holders == 0;
}

void dns_cache_flush(struct dns_cache *cache)
{
    struct list *lists[] = {&cache->used, &cache->absent};
    struct dns_entry *entry;
    for (int i = 0; i < 2; i++)
        LIST_EACH (lists[i], entry, used) {
            entry->expires = 0;
            if (is_free(entry))
                destroy(cache, entry);
        }
}

void dns_cache_close(struct dns_cache *cache)
{
    struct dns_entry *entry;
    dns_cache_flush(cache);
    /* Who still holds one was woken and releases it: it belongs to nothing here any more. */
    LIST_EACH (&cache->used, entry, used)
        list_remove(&entry->used);
    LIST_EACH (&cache->absent, entry, used)
        list_remove(&entry->used);
    map_close(&cache->entries);
    map_init(&cache->entries);
}

static void make_room(struct dns_cache *cache)
{
    struct dns_entry *entry;
    LIST_EACH (&cache->absent, entry, used) {
        if (cache->absent_count * DNS_CACHE_ABSENT_PART <= cache->entries_max)
            break;
        if (is_free(entry))
            destroy(cache, entry);
    }
    LIST_EACH (&cache->used, entry, used) {
        if (cache->entries.count <= cache->entries_max && cache->bytes <= cache->bytes_max)
            return;
        if (is_free(entry))
            destroy(cache, entry);
    }
}

static void touch(struct dns_cache *cache, struct dns_entry *entry)
{
    list_remove(&entry->used);
    list_append(entry->absent ? &cache->absent : &cache->used, &entry->used);
}

error dns_cache_open(struct dns_cache *cache, slice name, enum dns_type type,
                     struct dns_entry **out_entry)
{
    char key[DNS_KEY_NAME + DNS_NAME_SIZE_MAX + 1];
    if (slice_ends(name, SLICE(".")))
        name.size--;
    ASSERT(name.size <= DNS_NAME_SIZE_MAX);
    size_t key_size = DNS_KEY_NAME + name.size;
    key[0] = (char)((unsigned)type >> 8);
    key[1] = (char)type;
    for (size_t i = 0; i < name.size; i++)
        key[DNS_KEY_NAME + i] = ascii_lower(name.data[i]);
    struct dns_entry *entry = map_get(&cache->entries, slice_of(key, key_size));
    if (!entry) {
        entry = calloc(1, sizeof *entry + key_size + 1);
        TRY_MEMORY(entry);
        memcpy(entry->key, key, key_size);
        entry->key_size = key_size;
        entry->type = type;
        condition_init(&entry->settled);
        error problem = map_put(&cache->entries, key_of(entry), entry);
        if (failed(problem)) {
            free(entry);
            return problem;
        }
        list_init(&entry->used);
        cache->bytes += cost(entry);
        metric_add(&metric_entries, 1);
    }
    entry->holders++;
    touch(cache, entry);
    make_room(cache);
    *out_entry = entry;
    return OK;
}

void dns_cache_release(struct dns_cache *cache, struct dns_entry *entry)
{
    entry->holders--;
    /* Closed meanwhile, or never answered: nothing to keep. */
    if (is_free(entry) && entry->expires == 0)
        destroy(cache, entry);
    else
        make_room(cache);
}

void dns_cache_flight(struct dns_cache *cache, struct dns_entry *entry)
{
    (void)cache;
    entry->in_flight = true;
}

void dns_cache_settle(struct dns_cache *cache, struct dns_entry *entry, error failure,
                      slice message, bool absent, uint32_t seconds)
{
    char *copy = NULL;
    if (!failed(failure) && !(copy = malloc(message.size)))
        failure = error_make(ERROR_TEMPORARY, "out of memory for a DNS answer");
    cache->bytes -= entry->message.size;
    free((char *)entry->message.data);
    entry->message = SLICE_EMPTY;
    if (copy) {
        memcpy(copy, message.data, message.size);
        entry->message = slice_of(copy, message.size);
    }
    cache->bytes += entry->message.size;
    entry->failure = failure;
    absent |= failed(failure);
    cache->absent_count += (size_t)absent - (size_t)entry->absent;
    metric_add(&metric_absent, (int64_t)absent - (int64_t)entry->absent);
    entry->absent = absent;
    touch(cache, entry);
    entry->expires = seconds ? time_after(seconds * TIME_S) : 0;
    entry->in_flight = false;
    condition_wake_all(&entry->settled);
    if (is_free(entry) && entry->expires == 0)
        destroy(cache, entry); /* everybody stopped waiting */
    make_room(cache);
}
