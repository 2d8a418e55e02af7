/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An entry is one block: struct, key, rows, values.
 */
#include "data/directory/cache.h"

#include "base/assert.h"
#include "base/metric.h"

#include <stdlib.h>

METRIC_GAUGE(directory_cached, "ringmail_directory_cached_rows", "",
             "Answers of the database held in the caches");
METRIC_COUNTER(directory_evicted, "ringmail_directory_cache_evictions_total", "",
               "Answers dropped from a full cache before their time");

void directory_cache_init(struct directory_cache *cache, unsigned entries_max)
{
    for (int i = 0; i < DIRECTORY_QUERIES; i++)
        map_init(&cache->maps[i]);
    list_init(&cache->found);
    list_init(&cache->absent);
    cache->found_count = cache->absent_count = 0;
    cache->entries_max = entries_max;
}

void directory_cache_close(struct directory_cache *cache)
{
    directory_cache_clear(cache);
    for (int i = 0; i < DIRECTORY_QUERIES; i++)
        map_close(&cache->maps[i]);
}

static struct list *list_of(struct directory_cache *cache,
                            const struct directory_cache_entry *entry)
{
    return entry->rows.count ? &cache->found : &cache->absent;
}

static void count(struct directory_cache *cache, const struct directory_cache_entry *entry, int by)
{
    unsigned *counter = entry->rows.count ? &cache->found_count : &cache->absent_count;
    *counter += (unsigned)by;
    metric_add(&directory_cached, by);
}

static void drop(struct directory_cache *cache, struct directory_cache_entry *entry)
{
    count(cache, entry, -1);
    list_remove(&entry->recent);
    map_remove(&cache->maps[entry->query], entry->key);
    free(entry);
}

const struct directory_cache_entry *directory_cache_get(struct directory_cache *cache,
                                                        enum directory_query query, slice key)
{
    struct directory_cache_entry *entry = map_get(&cache->maps[query], key);
    if (entry) {
        list_remove(&entry->recent);
        list_prepend(list_of(cache, entry), &entry->recent);
    }
    return entry;
}

static size_t values_size(const struct directory_rows *rows)
{
    size_t size = 0;
    for (unsigned i = 0; i < rows->count; i++)
        for (int k = 0; k < DIRECTORY_COLUMNS; k++)
            size += rows->rows[i].columns[k].size;
    return size;
}

static slice place(char **at, slice s)
{
    char *copy = *at;
    if (s.size)
        memcpy(copy, s.data, s.size);
    *at += s.size;
    return slice_of(copy, s.size);
}

/* Rows and their values packed from `at`, which is aligned for rows. */
static void pack(const struct directory_rows *rows, char *at, struct directory_rows *out_packed)
{
    struct directory_row *copies = (struct directory_row *)(void *)at;
    at += rows->count * sizeof *copies;
    for (unsigned i = 0; i < rows->count; i++)
        for (int k = 0; k < DIRECTORY_COLUMNS; k++) {
            slice value = rows->rows[i].columns[k];
            copies[i].columns[k] = value.data ? place(&at, value) : SLICE_EMPTY;
        }
    *out_packed =
        (struct directory_rows){rows->count, rows->count ? copies : NULL, rows->truncated};
}

error directory_rows_copy(const struct directory_rows *rows, struct arena *arena,
                          struct directory_rows *out_copy)
{
    size_t size = rows->count * sizeof *rows->rows + values_size(rows);
    char *block = arena_alloc(arena, size ? size : 1);
    TRY_MEMORY(block);
    pack(rows, block, out_copy);
    return OK;
}

void directory_cache_put(struct directory_cache *cache, enum directory_query query, slice key,
                         const struct directory_rows *rows, instant asked, instant expires)
{
    directory_cache_remove(cache, query, key);
    size_t rows_size = rows->count * sizeof *rows->rows + values_size(rows);
    if (rows_size > DIRECTORY_CACHED_SIZE_MAX || cache->entries_max == 0)
        return;
    struct directory_cache_entry *entry = malloc(sizeof *entry + rows_size + key.size);
    if (!entry)
        return;
    *entry = (struct directory_cache_entry){.query = query, .asked = asked, .expires = expires};
    list_init(&entry->recent);
    char *at = (char *)(entry + 1);
    pack(rows, at, &entry->rows);
    at += rows_size;
    entry->key = place(&at, key);
    if (failed(map_put(&cache->maps[query], entry->key, entry))) {
        free(entry);
        return;
    }
    struct list *list = list_of(cache, entry);
    list_prepend(list, &entry->recent);
    count(cache, entry, 1);
    if ((rows->count ? cache->found_count : cache->absent_count) > cache->entries_max) {
        drop(cache, CONTAINER_OF(list->previous, struct directory_cache_entry, recent));
        metric_add(&directory_evicted, 1);
    }
}

void directory_cache_remove(struct directory_cache *cache, enum directory_query query, slice key)
{
    struct directory_cache_entry *entry = map_get(&cache->maps[query], key);
    if (entry)
        drop(cache, entry);
}

bool directory_key_is_of_domain(slice key, slice domain)
{
    slice local, rest;
    return slice_equal(key, domain) ||
           (slice_cut_last(key, '@', &local, &rest) && slice_equal(rest, domain));
}

void directory_cache_remove_domain(struct directory_cache *cache, slice domain)
{
    struct directory_cache_entry *entry;
    struct list *lists[] = {&cache->found, &cache->absent};
    for (int i = 0; i < 2; i++)
        LIST_EACH (lists[i], entry, recent)
            if (directory_key_is_of_domain(entry->key, domain))
                drop(cache, entry);
}

void directory_cache_clear(struct directory_cache *cache)
{
    struct directory_cache_entry *entry;
    struct list *lists[] = {&cache->found, &cache->absent};
    for (int i = 0; i < 2; i++)
        LIST_EACH (lists[i], entry, recent)
            drop(cache, entry);
    ASSERT(cache->found_count == 0 && cache->absent_count == 0);
}
