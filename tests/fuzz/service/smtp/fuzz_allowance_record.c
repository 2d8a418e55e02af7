/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as the counts of what accounts have sent: what is read may be asked and written back.
 */
#include "../../data/mend.h"

#include "service/smtp/allowance.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

enum { NOW = 1790000000 };

static void try_payload(slice payload)
{
    static const struct smtp_settings limits = {.messages_per_hour = 5, .recipients_per_day = 9};
    struct allowance_record record, back;
    if (failed(allowance_record_read(payload, &record)))
        return;
    check(record.account.size > 0 && record.account.size <= payload.size);
    struct buffer out;
    buffer_init(&out, 1 << 16);
    allowance_record_write(&out, MEND_SALT, &record);
    check(!failed(buffer_check(&out)));
    slice again;
    struct frame_scan scan = {
        .window = buffer_slice(&out), .salt = MEND_SALT, .kind_last = 1, .last = true};
    unsigned kind;
    check(frame_scan_next(&scan, &kind, &again) == FRAME_SCAN_RECORD);
    check(again.size <= payload.size); /* slots that say 0 are left out */
    check(!failed(allowance_record_read(again, &back)));
    check(memcmp(&back.count, &record.count, sizeof back.count) == 0);
    buffer_close(&out);
    if (allowance_is_current(&record.count, NOW)) {
        check(allowance_left(&record.count, &limits, NOW).messages <= 5);
        allowance_add(&record.count, 1, 1, NOW);
    }
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
        .window = file, .salt = MEND_SALT, .kind_last = ALLOWANCE_KIND_LAST, .last = true};
    unsigned kind;
    while (frame_scan_next(&scan, &kind, &payload) == FRAME_SCAN_RECORD)
        try_payload(payload);
    try_payload(file);
    free(bytes);
    return 0;
}
