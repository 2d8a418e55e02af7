/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/frame.h"

#include "crypto/crc32c.h"

static uint32_t header_crc(struct frame_header header)
{
    header.crc = 0;
    return crc32c(0, slice_of(&header, sizeof header));
}

void frame_header_write(struct frame_header header, char out[sizeof(struct frame_header)])
{
    header.crc = header_crc(header);
    memcpy(out, &header, sizeof header);
}

enum frame_header_state frame_header_read(slice bytes, const char magic[8],
                                          struct frame_header *out_header)
{
    struct frame_header header;
    if (bytes.size < sizeof header)
        return FRAME_HEADER_DAMAGED;
    memcpy(&header, bytes.data, sizeof header);
    if (header.crc != header_crc(header))
        return FRAME_HEADER_DAMAGED;
    if (memcmp(header.magic, magic, sizeof header.magic) != 0)
        return FRAME_HEADER_FOREIGN;
    *out_header = header;
    return FRAME_HEADER_GOOD;
}

/* ---- Writing ---- */

size_t frame_begin(struct buffer *out)
{
    static const char room[FRAME_HEAD_SIZE];
    size_t begin = out->size;
    buffer_add(out, slice_of(room, sizeof room));
    return begin;
}

void frame_end(struct buffer *out, size_t begin, unsigned kind, uint32_t salt)
{
    static const char zeros[FRAME_ALIGN];
    size_t size = out->size - begin - FRAME_HEAD_SIZE;
    buffer_add(out, slice_of(zeros, frame_size(size) - FRAME_HEAD_SIZE - size));
    if (out->overflow)
        return;
    uint32_t word = (uint32_t)kind << 24 | (uint32_t)size;
    char *at = out->data + begin;
    memcpy(at + 4, &word, sizeof word);
    uint32_t crc = crc32c(salt, slice_of(at + 4, size + 4));
    memcpy(at, &crc, sizeof crc);
}

/* ---- Walking ---- */

/* What stands at `at`, as far as the window shows it. */
enum look { LOOK_GOOD, LOOK_BAD, LOOK_CUT };

static enum look look_at(const struct frame_scan *scan, unsigned *out_kind, slice *out_payload)
{
    size_t left = scan->window.size - scan->at;
    const char *at = scan->window.data + scan->at;
    uint32_t crc, word;
    if (left < FRAME_HEAD_SIZE)
        return LOOK_CUT;
    memcpy(&crc, at, sizeof crc);
    memcpy(&word, at + 4, sizeof word);
    uint32_t kind = word >> 24, size = word & FRAME_PAYLOAD_SIZE_MAX;
    if (kind == 0 || kind > scan->kind_last)
        return LOOK_BAD;
    if (frame_size(size) > left) /* what is appended next must be aligned */
        return LOOK_CUT;
    if (crc != crc32c(scan->salt, slice_of(at + 4, (size_t)size + 4)))
        return LOOK_BAD;
    *out_kind = kind;
    *out_payload = slice_of(at + FRAME_HEAD_SIZE, size);
    return LOOK_GOOD;
}

enum frame_scan_result frame_scan_next(struct frame_scan *scan, unsigned *out_kind,
                                       slice *out_payload)
{
    while (scan->at < scan->window.size) {
        enum look look = look_at(scan, out_kind, out_payload);
        if (look == LOOK_GOOD) {
            scan->at += frame_size(out_payload->size);
            scan->damaged += scan->skipping;
            scan->skipping = false;
            return FRAME_SCAN_RECORD;
        }
        if (look == LOOK_CUT && !scan->last)
            return FRAME_SCAN_MORE;
        /* Torn, or rotten: a good record behind it would tell which. */
        scan->skipping = true;
        scan->at += FRAME_ALIGN;
    }
    scan->at = scan->window.size;
    return scan->last ? FRAME_SCAN_END : FRAME_SCAN_MORE;
}
