/* SPDX-License-Identifier: GPL-3.0-or-later
 * The bytes of a journal segment: written, recognised, walked. */
#include "data/journal/segment.h"

#include "crypto/crc32c.h"

#include <string.h>

static uint32_t header_crc(struct journal_segment_header header)
{
    header.crc = 0;
    return crc32c(0, slice_of(&header, sizeof header));
}

void journal_segment_header_write(struct journal_segment_header header, char *block)
{
    memcpy(header.magic, JOURNAL_MAGIC, sizeof header.magic);
    header.crc = header_crc(header);
    memset(block, 0, JOURNAL_BLOCK_SIZE);
    memcpy(block, &header, sizeof header);
}

bool journal_segment_header_read(slice block, struct journal_segment_header *out_header)
{
    struct journal_segment_header header;
    if (block.size < sizeof header)
        return false;
    memcpy(&header, block.data, sizeof header);
    if (memcmp(header.magic, JOURNAL_MAGIC, sizeof header.magic) != 0 ||
        header.crc != header_crc(header))
        return false;
    *out_header = header;
    return true;
}

uint32_t journal_fragment_start(char *at, struct journal_fragment fragment)
{
    fragment.crc = 0;
    memcpy(at, &fragment, sizeof fragment);
    return crc32c(0, slice_of(at + sizeof fragment.crc, sizeof fragment - sizeof fragment.crc));
}

void journal_fragment_finish(char *at, uint32_t crc)
{
    memcpy(at, &crc, sizeof crc);
}

bool journal_scan_begin(struct journal_scan *scan, slice segment)
{
    *scan = (struct journal_scan){.segment = segment, .at = JOURNAL_BLOCK_SIZE};
    if (!journal_segment_header_read(segment, &scan->header) ||
        scan->header.state != JOURNAL_SEGMENT_LIVE || segment.size < JOURNAL_BLOCK_SIZE)
        return false;
    scan->flush = scan->header.first_flush - 1;
    return true;
}

/* A whole, intact fragment of this use of the segment at `at`. */
static bool fragment_at(const struct journal_scan *scan, size_t at,
                        struct journal_fragment *out_fragment)
{
    struct journal_fragment fragment;
    if (scan->segment.size - at < sizeof fragment)
        return false;
    memcpy(&fragment, scan->segment.data + at, sizeof fragment);
    if (fragment.salt != scan->header.salt ||
        fragment.size > scan->segment.size - at - sizeof fragment)
        return false;
    if (fragment.crc != crc32c(0, slice_of(scan->segment.data + at + sizeof fragment.crc,
                                           sizeof fragment - sizeof fragment.crc + fragment.size)))
        return false;
    *out_fragment = fragment;
    return true;
}

static size_t align(size_t at, size_t to)
{
    return (at + to - 1) / to * to;
}

/* Behind something that is not good: at most one flush is under way at any time, so the start of a
 * later flush proves that the broken one had been completed and what is broken rotted since. */
static bool find_later_flush(struct journal_scan *scan, struct journal_fragment *out_fragment)
{
    for (size_t at = align(scan->at, JOURNAL_BLOCK_SIZE); at < scan->segment.size;
         at += JOURNAL_BLOCK_SIZE) {
        struct journal_fragment fragment;
        if (scan->segment.size - at < sizeof fragment)
            break;
        memcpy(&fragment, scan->segment.data + at, sizeof fragment);
        if (fragment.salt != scan->header.salt)
            continue;
        if (fragment_at(scan, at, &fragment) && fragment.flags & JOURNAL_FRAGMENT_FLUSH &&
            fragment.flush > scan->flush) {
            scan->damaged = true;
            scan->at = at;
            *out_fragment = fragment;
            return true;
        }
        scan->tail_ignored = true;
    }
    scan->at = scan->segment.size;
    return false;
}

bool journal_scan_next(struct journal_scan *scan, struct journal_fragment *out_fragment,
                       slice *out_payload)
{
    struct journal_fragment fragment;
    bool must_begin = false; /* padding stands only at the end of a flush */
    for (;;) {
        if (scan->at >= scan->segment.size)
            return false;
        if (fragment_at(scan, scan->at, &fragment))
            break;
        size_t boundary = align(scan->at, JOURNAL_BLOCK_SIZE);
        if (boundary != scan->at) {
            /* Padding is zero; anything else is a fragment that broke. */
            uint64_t salt = 0;
            if (boundary - scan->at >= sizeof fragment && boundary <= scan->segment.size)
                memcpy(&salt,
                       scan->segment.data + scan->at + offsetof(struct journal_fragment, salt),
                       sizeof salt);
            if (salt == 0) {
                scan->at = boundary;
                must_begin = true;
                continue;
            }
        }
        if (!find_later_flush(scan, &fragment))
            return false;
        break;
    }
    /* Within a flush fragments follow each other; a new one says that it begins. */
    bool begins = fragment.flags & JOURNAL_FRAGMENT_FLUSH;
    if (begins ? fragment.flush <= scan->flush : must_begin || fragment.flush != scan->flush) {
        scan->at = align(scan->at + 1, JOURNAL_BLOCK_SIZE);
        if (!find_later_flush(scan, &fragment))
            return false;
    }
    if (fragment.flush > scan->flush + 1)
        scan->damaged = true;
    scan->flush = fragment.flush;
    *out_payload = slice_of(scan->segment.data + scan->at + sizeof fragment, fragment.size);
    *out_fragment = fragment;
    scan->at = align(scan->at + sizeof fragment + fragment.size, JOURNAL_FRAGMENT_ALIGN);
    return true;
}
