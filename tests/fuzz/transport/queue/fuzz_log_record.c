/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as the queue's log: walked whole and in two windows, which must agree on the records;
 * then each payload as every kind of record. The sum of what the seed calls a record is made right,
 * so that the walk gets anywhere.
 */
#include "crypto/crc32c.h"
#include "transport/queue/log_record.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SALT = 7 };

static void check(bool condition)
{
    if (!condition)
        abort();
}

/* Every record that begins behind a good one gets a good sum, unless its first byte is '!'. */
static void mend(char *bytes, size_t size)
{
    for (size_t at = 0; size - at >= LOG_FRAME_SIZE;) {
        uint32_t word;
        memcpy(&word, bytes + at + 4, sizeof word);
        size_t length = word & LOG_RECORD_SIZE_MAX;
        if (length > size - at - LOG_FRAME_SIZE)
            return;
        if (bytes[at] != '!') {
            uint32_t crc = crc32c(SALT, slice_of(bytes + at + 4, length + 4));
            memcpy(bytes + at, &crc, sizeof crc);
        }
        at += (LOG_FRAME_SIZE + length + LOG_ALIGN - 1) / LOG_ALIGN * LOG_ALIGN;
        if (at >= size)
            return;
    }
}

static void try_payload(slice payload)
{
    struct arena arena;
    struct log_place place;
    struct record_mail mail;
    struct log_state state;
    uint64_t id, offset;
    uint32_t segment;
    arena_init(&arena, 64 << 20);
    if (!failed(log_mail_read(payload, &arena, &place, &mail)))
        check(mail.prefix_size <= place.prefix_size && mail.id != 0);
    if (!failed(log_state_read(payload, &state)) && state.has_item) {
        struct queue_item item = {0};
        check(!failed(record_item_read(&state.at_item, &item)));
        free(item.response);
    }
    error_ignore(log_move_read(payload, &id, &segment, &offset));
    error_ignore(log_done_read(payload, &id));
    arena_close(&arena);
}

static unsigned walk(slice file, size_t split, uint64_t *out_sum)
{
    struct log_scan scan = {.window = slice_sub(file, 0, split), .salt = SALT};
    scan.last = split == file.size;
    size_t base = 0;
    unsigned count = 0;
    for (;;) {
        enum log_kind kind;
        slice payload;
        enum log_scan_result result = log_scan_next(&scan, &kind, &payload);
        if (result == LOG_SCAN_END)
            return count;
        if (result == LOG_SCAN_MORE) {
            check(!scan.last);
            base += scan.at;
            scan.window = slice_from(file, base);
            scan.at = 0;
            scan.last = true;
            continue;
        }
        count++;
        *out_sum = *out_sum * 31 + payload.size + (uint64_t)kind;
        if (split == file.size)
            try_payload(payload);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct log_header header;
    log_header_read(slice_of(data, size), &header);
    char *bytes = malloc(size);
    memcpy(bytes, data + 1, size - 1);
    mend(bytes, size - 1);
    slice file = slice_of(bytes, size - 1);
    uint64_t whole = 0, halves = 0;
    size_t split = file.size ? data[0] * (file.size / 8 + 1) / 32 / LOG_ALIGN * LOG_ALIGN : 0;
    unsigned count = walk(file, file.size, &whole);
    if (split < file.size) {
        check(walk(file, split, &halves) == count);
        check(whole == halves);
    }
    try_payload(file);
    free(bytes);
    return 0;
}
