/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a journal segment: the walk ends, stays inside, and flushes rise. Sums are made good
 * first (where a fragment claims the salt), else nothing would be looked at.
 */
#include "crypto/crc32c.h"
#include "data/journal/segment.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SALT_BYTE = 0x53 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 5 * JOURNAL_BLOCK_SIZE)
        size = 5 * JOURNAL_BLOCK_SIZE;
    size_t total = JOURNAL_BLOCK_SIZE + size;
    char *segment = malloc(total);
    struct journal_segment_header header = {
        .state = JOURNAL_SEGMENT_LIVE, .size = total, .first_flush = 1};
    memset(&header.salt, SALT_BYTE, sizeof header.salt);
    journal_segment_header_write(header, segment);
    if (size)
        memcpy(segment + JOURNAL_BLOCK_SIZE, data, size);
    for (size_t at = JOURNAL_BLOCK_SIZE; at + sizeof(struct journal_fragment) <= total; at += 8) {
        struct journal_fragment fragment;
        memcpy(&fragment, segment + at, sizeof fragment);
        if (fragment.salt != header.salt || fragment.size > total - at - sizeof fragment)
            continue;
        fragment.crc = crc32c(0, slice_of(segment + at + 4, sizeof fragment - 4 + fragment.size));
        memcpy(segment + at, &fragment.crc, sizeof fragment.crc);
    }
    struct journal_scan scan;
    struct journal_fragment fragment;
    slice payload;
    uint64_t flush = 0;
    if (!journal_scan_begin(&scan, slice_of(segment, total)))
        abort();
    while (journal_scan_next(&scan, &fragment, &payload)) {
        if (payload.data < segment || payload.data + payload.size > segment + total ||
            fragment.flush < flush)
            abort();
        flush = fragment.flush;
    }
    /* And as it is, header and all. */
    if (journal_scan_begin(&scan, slice_of(data, size)))
        while (journal_scan_next(&scan, &fragment, &payload))
            ;
    free(segment);
    return 0;
}
