#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A journal segment on disk: one header block, then fragments of records, 8-byte aligned, each
 * flush starting on a block boundary and padded with zeros to the next. Pure: bytes in memory only.
 * All numbers are in the byte order of the machine (a journal is replayed where it was written).
 *
 * The salt is drawn anew each time a segment is used, so that neither what was there before nor
 * bytes that a stranger mailed can be taken for a fragment.
 */
#include "base/slice.h"
#include "data/journal/journal.h"

#define JOURNAL_MAGIC "RMJRNL1\n"

enum journal_segment_state { JOURNAL_SEGMENT_LIVE = 1, JOURNAL_SEGMENT_FREE = 2 };

struct journal_segment_header {
    char magic[8];
    uint32_t crc; /* CRC-32C of the 64 bytes with this field zero */
    uint32_t state;
    uint64_t generation; /* rises with each use of any segment of this core */
    uint64_t salt;
    uint64_t size; /* bytes of the segment */
    uint32_t core;
    uint32_t number; /* in the ring of the core */
    uint64_t first_flush;
    uint64_t reserved;
};
_Static_assert(sizeof(struct journal_segment_header) == 64, "kept on disk");

enum journal_fragment_flag {
    JOURNAL_FRAGMENT_FIRST = 1, /* of its record */
    JOURNAL_FRAGMENT_LAST = 2,
    JOURNAL_FRAGMENT_FLUSH = 4, /* the first of its flush */
};

struct journal_fragment {
    uint32_t crc;  /* CRC-32C of the header behind this field and of the payload */
    uint32_t size; /* bytes of payload that follow */
    uint64_t salt;
    uint64_t flush;
    uint8_t kind; /* enum journal_kind */
    uint8_t flags;
    uint16_t reserved[3];
};
_Static_assert(sizeof(struct journal_fragment) == 32, "kept on disk");

enum { JOURNAL_FRAGMENT_ALIGN = 8 };

/* Fills crc and writes 64 bytes; the rest of the block is zeroed. */
void journal_segment_header_write(struct journal_segment_header header, char *block);
/* False where it is none, or damaged. */
bool journal_segment_header_read(slice block, struct journal_segment_header *out_header);

/* Writes a fragment header at `at` for a payload whose CRC-32C follows from journal_fragment_start:
 * start gives the sum over the header, to be continued over the payload (crc32c_copy), and finish
 * puts it in place. */
uint32_t journal_fragment_start(char *at, struct journal_fragment fragment);
void journal_fragment_finish(char *at, uint32_t crc);

/* Walks the fragments of one segment's bytes. */
struct journal_scan {
    slice segment;
    struct journal_segment_header header;
    size_t at;
    uint64_t flush;    /* of the last good fragment */
    bool damaged;      /* skipped over something broken that was followed by later flushes */
    bool tail_ignored; /* bytes of this use stand behind the end: a flush cut off */
};
/* False where the segment holds nothing live. */
bool journal_scan_begin(struct journal_scan *scan, slice segment);
/* The next good fragment; false at the end. A flush that was cut off ends the walk at its first bad
 * fragment: what stands behind it is never given unless a later flush proves that it had been
 * completed. */
bool journal_scan_next(struct journal_scan *scan, struct journal_fragment *out_fragment,
                       slice *out_payload);
