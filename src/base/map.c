/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/map.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 16 };
enum { HASH_FREE = 0, HASH_DELETED = 1, HASH_FIRST = 2 };

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_close(struct map *map)
{
    free(map->entries);
    *map = (struct map){0};
}

static uint64_t hash_of(slice key)
{
    uint64_t hash = slice_hash(key);
    return hash < HASH_FIRST ? hash + HASH_FIRST : hash;
}

static struct map_entry *find(const struct map *map, slice key, uint64_t hash)
{
    if (map->capacity == 0)
        return NULL;
    for (size_t at = hash & (map->capacity - 1);; at = (at + 1) & (map->capacity - 1)) {
        struct map_entry *entry = &map->entries[at];
        if (entry->hash == HASH_FREE)
            return NULL;
        if (entry->hash == hash && slice_equal(entry->key, key))
            return entry;
    }
}

void *map_get(const struct map *map, slice key)
{
    struct map_entry *entry = find(map, key, hash_of(key));
    return entry ? entry->value : NULL;
}

static void place(struct map *map, struct map_entry fresh)
{
    size_t at = fresh.hash & (map->capacity - 1);
    while (map->entries[at].hash >= HASH_FIRST)
        at = (at + 1) & (map->capacity - 1);
    map->used += map->entries[at].hash == HASH_FREE;
    map->entries[at] = fresh;
    map->count++;
}

static error make_room(struct map *map)
{
    if (map->capacity && (map->used + 1) * 4 <= map->capacity * 3)
        return OK;
    size_t capacity = CAPACITY_MIN;
    while (capacity < (map->count + 1) * 2)
        capacity *= 2;
    struct map_entry *entries = calloc(capacity, sizeof *entries);
    TRY_MEMORY(entries);
    struct map old = *map;
    *map = (struct map){.entries = entries, .capacity = capacity};
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entries[i].hash >= HASH_FIRST)
            place(map, old.entries[i]);
    free(old.entries);
    return OK;
}

error map_put(struct map *map, slice key, void *value)
{
    uint64_t hash = hash_of(key);
    struct map_entry *entry = find(map, key, hash);
    if (entry) {
        entry->key = key;
        entry->value = value;
        return OK;
    }
    TRY(make_room(map));
    place(map, (struct map_entry){key, hash, value});
    return OK;
}

void *map_remove(struct map *map, slice key)
{
    struct map_entry *entry = find(map, key, hash_of(key));
    if (!entry)
        return NULL;
    entry->hash = HASH_DELETED;
    map->count--;
    return entry->value;
}

bool map_next(const struct map *map, size_t *position, slice *out_key, void **out_value)
{
    for (; *position < map->capacity; ++*position) {
        const struct map_entry *entry = &map->entries[*position];
        if (entry->hash < HASH_FIRST)
            continue;
        *out_key = entry->key;
        *out_value = entry->value;
        ++*position;
        return true;
    }
    return false;
}
