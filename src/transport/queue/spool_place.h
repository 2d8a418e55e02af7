#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A body's place in a segment of the spool, as bytes: header, prefixes, body, zeros to the next 8.
 * Pure; spool.c and spool_read.c only.
 */
#include "base/slice.h"

enum { SPOOL_ALIGN = 8, SPOOL_NAME_SIZE_MAX = 32 };

struct spool_header {
    uint32_t magic;
    uint32_t crc; /* CRC-32C of what is behind this field, and of prefixes and body */
    uint64_t id;
    uint64_t body_size;
    uint32_t prefix_size;
    uint32_t reserved;
};
_Static_assert(sizeof(struct spool_header) == 32, "kept on disk");

struct spool_header spool_header_of(uint64_t id, slice prefixes, slice body);

static inline uint64_t spool_place_size(uint64_t prefix_size, uint64_t body_size)
{
    uint64_t size = sizeof(struct spool_header) + prefix_size + body_size;
    return (size + SPOOL_ALIGN - 1) / SPOOL_ALIGN * SPOOL_ALIGN;
}

/* "spool-0000002a" */
void spool_name(uint32_t number, char out_name[SPOOL_NAME_SIZE_MAX]);
