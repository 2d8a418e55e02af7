#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * CRC-32C (Castagnoli, RFC 3720 12.1): the checksum of journal and index records. Against torn
 * writes and rotten bits, not against an adversary. Uses the CPU's instruction (SSE4.2, ARMv8 CRC)
 * over three interleaved lanes, a table where there is none; all give the same numbers. Pure, any
 * thread.
 */
#include "base/slice.h"

#include <stdint.h>

/* Continues `crc` (0 to begin) over data: crc32c(crc32c(0, a), b) is the sum of a followed by b. */
uint32_t crc32c(uint32_t crc, slice data);

/* Copies `size` bytes (the areas must not overlap) and returns the sum of what was copied: memory
 * is read once for both. */
uint32_t crc32c_copy(void *target, const void *source, size_t size, uint32_t crc);

/* The portable path, for tests. target NULL: no copy. */
uint32_t crc32c_portable(void *target, const void *source, size_t size, uint32_t crc);
