#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Checksummed records in a file that only grows, as bytes: a header, then records, 8-byte aligned:
 *
 *     u32 crc32c   u32 kind << 24 | size   payload   zeros to the next 8
 *
 * The sum begins with the file's salt, which no stranger knows: an address that looks like a record
 * is never taken for one when the reader looks for the next good record behind damage. What the
 * kinds are, and what their payloads say, is the owner's affair; so is the meaning of `generation`
 * and `core`. Pure. Files of such records: data/frame_file.h.
 */
#include "base/buffer.h"
#include "base/slice.h"

enum { FRAME_ALIGN = 8, FRAME_HEAD_SIZE = 8, FRAME_PAYLOAD_SIZE_MAX = (1 << 24) - 1 };

struct frame_header {
    char magic[8]; /* whose file it is, and the version of its grammar: "RMQLOG1\n" */
    uint32_t crc;  /* CRC-32C of the 32 bytes with this field zero */
    uint32_t salt;
    uint64_t generation;
    uint32_t core;
    uint32_t reserved;
};
_Static_assert(sizeof(struct frame_header) == 32, "kept on disk");

enum frame_header_state {
    FRAME_HEADER_GOOD,
    FRAME_HEADER_DAMAGED, /* or cut off */
    FRAME_HEADER_FOREIGN, /* whole, but of another grammar, or a newer version */
};
/* `header.crc` is filled in. */
void frame_header_write(struct frame_header header, char out[sizeof(struct frame_header)]);
/* Into *out_header only where it is good. */
enum frame_header_state frame_header_read(slice bytes, const char magic[8],
                                          struct frame_header *out_header);

/* One record: begin, append the payload, end with the begin's place. Nothing is lost unseen: the
 * buffer's failure sticks. */
size_t frame_begin(struct buffer *out);
void frame_end(struct buffer *out, size_t begin, unsigned kind, uint32_t salt);

/* What a record with such a payload takes in the file. */
static inline size_t frame_size(size_t payload)
{
    return (FRAME_HEAD_SIZE + payload + FRAME_ALIGN - 1) / FRAME_ALIGN * FRAME_ALIGN;
}

/* Walks records in a window of the file. */
struct frame_scan {
    slice window;
    size_t at; /* in the window; aligned as the file is */
    uint32_t salt;
    unsigned kind_last; /* kinds are 1 to this */
    bool last;          /* the window ends where the file ends */
    bool skipping;      /* over something broken */
    uint64_t damaged;   /* places with damage that were followed by good records */
};
enum frame_scan_result {
    FRAME_SCAN_RECORD,
    FRAME_SCAN_MORE, /* the window ends within a record: go on with one that begins at `at` */
    FRAME_SCAN_END,  /* `at`: behind the last good record, where skipping is false */
};
enum frame_scan_result frame_scan_next(struct frame_scan *scan, unsigned *out_kind,
                                       slice *out_payload);
