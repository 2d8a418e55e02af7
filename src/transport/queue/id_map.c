/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/id_map.h"

#include "base/assert.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 16 };

void id_map_close(struct id_map *map)
{
    free(map->entries);
    *map = (struct id_map){0};
}

/* Ids are made here, never by strangers: mixing them is enough. */
static size_t place_of(const struct id_map *map, uint64_t id)
{
    id *= 0x9e3779b97f4a7c15u;
    return (size_t)(id ^ id >> 32) & (map->capacity - 1);
}

static struct id_entry *find(const struct id_map *map, uint64_t id)
{
    size_t at = place_of(map, id);
    while (map->entries[at].id != 0 && map->entries[at].id != id)
        at = (at + 1) & (map->capacity - 1);
    return &map->entries[at];
}

void *id_map_get(const struct id_map *map, uint64_t id)
{
    return map->count ? find(map, id)->value : NULL;
}

error id_map_reserve(struct id_map *map, size_t more)
{
    size_t capacity = map->capacity ? map->capacity : CAPACITY_MIN;
    while ((map->count + more) * 4 > capacity * 3)
        capacity *= 2;
    if (capacity == map->capacity)
        return OK;
    struct id_entry *entries = calloc(capacity, sizeof *entries);
    TRY_MEMORY(entries);
    struct id_map old = *map;
    *map = (struct id_map){.entries = entries, .capacity = capacity, .count = old.count};
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entries[i].id)
            *find(map, old.entries[i].id) = old.entries[i];
    free(old.entries);
    return OK;
}

error id_map_put(struct id_map *map, uint64_t id, void *value)
{
    ASSERT(id != 0);
    if ((map->count + 1) * 4 > map->capacity * 3)
        TRY(id_map_reserve(map, 1));
    struct id_entry *entry = find(map, id);
    map->count += entry->id == 0;
    *entry = (struct id_entry){id, value};
    return OK;
}

void *id_map_remove(struct id_map *map, uint64_t id)
{
    if (!map->count)
        return NULL;
    struct id_entry *entry = find(map, id);
    if (entry->id == 0)
        return NULL;
    void *value = entry->value;
    map->count--;
    /* Those behind it move up, as far as their own place allows, so that no search stops early. */
    size_t mask = map->capacity - 1, hole = (size_t)(entry - map->entries);
    for (size_t at = (hole + 1) & mask; map->entries[at].id != 0; at = (at + 1) & mask) {
        size_t home = place_of(map, map->entries[at].id);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        map->entries[hole] = map->entries[at];
        hole = at;
    }
    map->entries[hole] = (struct id_entry){0};
    return value;
}

bool id_map_next(const struct id_map *map, size_t *position, uint64_t *out_id, void **out_value)
{
    for (; *position < map->capacity; ++*position) {
        const struct id_entry *entry = &map->entries[*position];
        if (entry->id == 0)
            continue;
        *out_id = entry->id;
        *out_value = entry->value;
        ++*position;
        return true;
    }
    return false;
}
