/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/route/sts_cache.h"

#include "base/assert.h"
#include "base/cursor.h"
#include "base/metric.h"

#include <stdlib.h>

METRIC_GAUGE(metric_known, "ringmail_mta_sts_policies", "", "MTA-STS policies remembered");

enum { PARSE_MEMORY_MAX = 64 << 10 };

static const char first_line[] = "ringmail mta-sts 1\n";

/* ---- One policy ---- */

static slice place(char **at, slice s)
{
    char *copy = *at;
    memcpy(copy, s.data, s.size);
    *at += s.size;
    return slice_of(copy, s.size);
}

static struct sts_known *pack(slice domain, slice id, slice text, int64_t fetched,
                              const struct mta_sts_policy *policy)
{
    size_t mx_size = policy->mx_count * sizeof(slice);
    struct sts_known *known =
        malloc(sizeof *known + mx_size + domain.size + id.size + text.size + 1);
    if (!known)
        return NULL;
    slice *mx = (slice *)(known + 1);
    char *at = (char *)mx + mx_size;
    *known = (struct sts_known){.fetched = fetched, .policy = *policy};
    known->domain = place(&at, domain);
    known->id = place(&at, id);
    known->text = place(&at, text);
    for (unsigned i = 0; i < policy->mx_count; i++)
        mx[i] =
            slice_sub(known->text, (size_t)(policy->mx[i].data - text.data), policy->mx[i].size);
    known->policy.mx = mx;
    return known;
}

error sts_known_make(slice domain, slice id, slice text, int64_t fetched,
                     struct sts_known **out_known)
{
    struct arena arena;
    struct mta_sts_policy policy;
    struct sts_known *known = NULL;
    arena_init(&arena, PARSE_MEMORY_MAX);
    error problem = mta_sts_policy_parse(text, &arena, &policy);
    if (!failed(problem))
        known = pack(domain, id, text, fetched, &policy);
    arena_close(&arena);
    TRY(problem);
    TRY_MEMORY(known);
    *out_known = known;
    return OK;
}

struct sts_known *sts_known_copy(const struct sts_known *known)
{
    return pack(known->domain, known->id, known->text, known->fetched, &known->policy);
}

int64_t sts_known_end(const struct sts_known *known)
{
    return known->fetched + known->policy.max_age;
}

/* ---- All of them ---- */

void sts_cache_init(struct sts_cache *cache, unsigned count_max)
{
    map_init(&cache->entries);
    list_init(&cache->recent);
    cache->count_max = count_max;
}

static void drop(struct sts_cache *cache, struct sts_entry *entry)
{
    ASSERT(entry->holders == 0);
    map_remove(&cache->entries, entry->domain);
    list_remove(&entry->recent);
    metric_add(&metric_known, entry->known ? -1 : 0);
    free(entry->known);
    free(entry);
}

void sts_cache_close(struct sts_cache *cache)
{
    struct sts_entry *entry;
    LIST_EACH (&cache->recent, entry, recent)
        drop(cache, entry);
    map_close(&cache->entries);
}

struct sts_entry *sts_cache_find(struct sts_cache *cache, slice domain)
{
    struct sts_entry *entry = map_get(&cache->entries, domain);
    if (entry) {
        list_remove(&entry->recent);
        list_prepend(&cache->recent, &entry->recent);
    }
    return entry;
}

static void make_room(struct sts_cache *cache)
{
    struct list *at = cache->recent.previous;
    while (cache->entries.count >= cache->count_max && at != &cache->recent) {
        struct sts_entry *entry = CONTAINER_OF(at, struct sts_entry, recent);
        at = at->previous;
        if (!entry->fetching && entry->holders == 0)
            drop(cache, entry);
    }
}

struct sts_entry *sts_cache_open(struct sts_cache *cache, slice domain)
{
    struct sts_entry *entry = sts_cache_find(cache, domain);
    if (entry)
        return entry;
    make_room(cache);
    entry = calloc(1, sizeof *entry + domain.size);
    if (!entry)
        return NULL;
    memcpy(entry->bytes, domain.data, domain.size);
    entry->domain = slice_of(entry->bytes, domain.size);
    condition_init(&entry->settled);
    if (failed(map_put(&cache->entries, entry->domain, entry))) {
        free(entry);
        return NULL;
    }
    list_prepend(&cache->recent, &entry->recent);
    return entry;
}

void sts_cache_put(struct sts_cache *cache, struct sts_known *known)
{
    struct sts_entry *entry = sts_cache_open(cache, known->domain);
    if (!entry || (entry->known && entry->known->fetched > known->fetched)) {
        free(known);
        return;
    }
    metric_add(&metric_known, entry->known ? 0 : 1);
    free(entry->known);
    entry->known = known;
    entry->pause_until = 0;
}

/* ---- Over restarts ---- */

void sts_cache_write(const struct sts_cache *cache, int64_t now, struct buffer *out)
{
    const struct sts_entry *entry;
    buffer_add_string(out, first_line);
    LIST_EACH (&cache->recent, entry, recent) {
        const struct sts_known *known = entry->known;
        if (!known || sts_known_end(known) <= now)
            continue;
        buffer_format(out, "%.*s %.*s %lld %zu\n", SLICE_ARG(known->domain), SLICE_ARG(known->id),
                      (long long)known->fetched, known->text.size);
        buffer_add(out, known->text);
        buffer_add_byte(out, '\n');
    }
}

static bool take_entry(struct cursor *at, int64_t now, struct sts_known **out_known)
{
    slice domain, id;
    uint64_t fetched, size;
    if (!cursor_take_until(at, ' ', &domain) || !cursor_take_byte(at, ' ') ||
        !cursor_take_until(at, ' ', &id) || !cursor_take_byte(at, ' ') ||
        !cursor_take_u64(at, INT64_MAX / 2, &fetched) || !cursor_take_byte(at, ' ') ||
        !cursor_take_u64(at, MTA_STS_POLICY_SIZE_MAX, &size) || !cursor_take_byte(at, '\n'))
        return false;
    slice text = slice_sub(cursor_rest(at), 0, size);
    at->at += text.size;
    /* A clock that was wrong when it was fetched must not make it immortal. */
    int64_t when = (int64_t)fetched < now ? (int64_t)fetched : now;
    return text.size == size && cursor_take_byte(at, '\n') && domain.size > 0 &&
           id.size <= MTA_STS_ID_SIZE_MAX &&
           !failed(sts_known_make(domain, id, text, when, out_known));
}

error sts_cache_read(struct sts_cache *cache, slice text, int64_t now)
{
    struct cursor at = cursor_over(text);
    struct sts_known *known;
    if (!cursor_take(&at, SLICE(first_line)))
        return error_make(ERROR_MALFORMED, "not a file of MTA-STS policies");
    while (!cursor_done(&at)) {
        if (!take_entry(&at, now, &known))
            return error_make(ERROR_MALFORMED, "a damaged file of MTA-STS policies");
        if (sts_known_end(known) > now)
            sts_cache_put(cache, known);
        else
            free(known);
    }
    return OK;
}
