#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hash table from 64-bit numbers (mails, segments) to pointers: open addressing, linear probing,
 * removal without markers. 16 bytes an entry. One owner at a time.
 */
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct id_map {
    struct id_entry {
        uint64_t id; /* 0: free */
        void *value;
    } * entries;
    size_t capacity; /* power of two, or 0 */
    size_t count;
};

/* Frees the table, not the values; may be used again. All zero is an empty map. */
void id_map_close(struct id_map *map);
/* NULL where it is absent. */
void *id_map_get(const struct id_map *map, uint64_t id);
/* Inserts or replaces; id != 0. */
error id_map_put(struct id_map *map, uint64_t id, void *value);
/* The next `more` puts cannot fail. */
error id_map_reserve(struct id_map *map, size_t more);
/* The value that was there, or NULL. */
void *id_map_remove(struct id_map *map, uint64_t id);
/* Iterates in no order: start with *position = 0; false at the end. No changes meanwhile. */
bool id_map_next(const struct id_map *map, size_t *position, uint64_t *out_id, void **out_value);
