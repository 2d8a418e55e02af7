/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as the log of a webhook: what is read as a record is written back the same.
 */
#include "../data/mend.h"

#include "transport/webhook_record.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void expect_same(struct buffer *out, slice payload)
{
    check(!failed(buffer_check(out)));
    check(slice_equal(slice_sub(buffer_slice(out), FRAME_HEAD_SIZE, payload.size), payload));
    buffer_reset(out);
}

static void try_payload(slice payload)
{
    struct webhook_event event;
    uint64_t number;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    if (!failed(webhook_event_read(payload, &event))) {
        check(event.number > 0 && event.json.size >= 2);
        webhook_event_write(&out, MEND_SALT, &event);
        expect_same(&out, payload);
    }
    if (!failed(webhook_taken_read(payload, &number))) {
        webhook_taken_write(&out, MEND_SALT, number);
        expect_same(&out, payload);
    }
    buffer_close(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *bytes = malloc(size);
    memcpy(bytes, data + 1, size - 1);
    mend_frames(bytes, size - 1);
    slice file = slice_of(bytes, size - 1), payload;
    struct frame_scan scan = {
        .window = file, .salt = MEND_SALT, .kind_last = WEBHOOK_KIND_LAST, .last = true};
    unsigned kind;
    while (frame_scan_next(&scan, &kind, &payload) == FRAME_SCAN_RECORD)
        try_payload(payload);
    try_payload(file);
    free(bytes);
    return 0;
}
