/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as what was noted about TLS: what is read may be added to a day, and comes back from
 * what is written.
 */
#include "../../data/mend.h"

#include "transport/route/tls_report_record.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void try_payload(slice payload, struct tls_report_day *day)
{
    struct arena arena;
    struct tls_report_entry entry;
    slice domain;
    arena_init(&arena, 1 << 20);
    if (!failed(tls_report_entry_read(payload, &arena, &entry))) {
        struct buffer out;
        unsigned failures = 0;
        for (const struct tls_report_failure *one = entry.details; one; one = one->next)
            failures++;
        check(failures == entry.failure_count && failures <= TLS_REPORT_FAILURES_MAX);
        buffer_init(&out, 1 << 20);
        tls_report_entry_write(&out, MEND_SALT, &entry);
        check(!failed(buffer_check(&out)));
        slice again = slice_sub(buffer_slice(&out), FRAME_HEAD_SIZE, payload.size);
        check(again.size == payload.size);
        check(!failed(tls_report_entry_read(again, &arena, &entry)));
        check(!failed(tls_report_add(day, &entry)));
        buffer_close(&out);
    }
    if (!failed(tls_report_done_read(payload, &domain)))
        check(domain.size > 0);
    arena_close(&arena);
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
        .window = file, .salt = MEND_SALT, .kind_last = TLS_REPORT_KIND_LAST, .last = true};
    struct tls_report_day *day = tls_report_day_create();
    unsigned kind;
    while (frame_scan_next(&scan, &kind, &payload) == FRAME_SCAN_RECORD)
        try_payload(payload, day);
    try_payload(file, day);
    check(day->entries.count <= TLS_REPORT_DOMAINS_MAX);
    tls_report_day_destroy(&day);
    free(bytes);
    return 0;
}
