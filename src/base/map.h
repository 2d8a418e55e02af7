#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hash table from byte strings to pointers: open addressing, seeded hash, grows by doubling. Keys
 * are borrowed: they must live as long as the entry (usually a field of the value). One core only.
 */
#include "base/error.h"
#include "base/slice.h"

struct map_entry {
    slice key;
    uint64_t hash; /* 0: free, 1: deleted */
    void *value;
};

struct map {
    struct map_entry *entries;
    size_t capacity; /* power of two, or 0 */
    size_t used;     /* live and deleted */
    size_t count;    /* live */
};

void map_init(struct map *map);
/* Frees the table, not the values. */
void map_close(struct map *map);
/* NULL where the key is absent. */
void *map_get(const struct map *map, slice key);
/* Inserts or replaces; ERROR_LIMIT when the machine is out of memory. */
error map_put(struct map *map, slice key, void *value);
/* The value that was there, or NULL. */
void *map_remove(struct map *map, slice key);
/* Iterates in no order: start with *position = 0; false at the end. Removing the current entry is
 * allowed. */
bool map_next(const struct map *map, size_t *position, slice *out_key, void **out_value);
