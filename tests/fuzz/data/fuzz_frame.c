/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a file of records: walked whole and in two windows, which must agree on the records;
 * and as a header.
 */
#include "mend.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KIND_LAST = 5 };

static void check(bool condition)
{
    if (!condition)
        abort();
}

static unsigned walk(slice file, size_t split, uint64_t *out_sum)
{
    struct frame_scan scan = {
        .window = slice_sub(file, 0, split), .salt = MEND_SALT, .kind_last = KIND_LAST};
    scan.last = split == file.size;
    size_t base = 0;
    unsigned count = 0;
    for (;;) {
        unsigned kind;
        slice payload;
        enum frame_scan_result result = frame_scan_next(&scan, &kind, &payload);
        if (result == FRAME_SCAN_END)
            return count;
        if (result == FRAME_SCAN_MORE) {
            check(!scan.last);
            base += scan.at;
            scan.window = slice_from(file, base);
            scan.at = 0;
            scan.last = true;
            continue;
        }
        check(kind >= 1 && kind <= KIND_LAST);
        count++;
        *out_sum = *out_sum * 31 + payload.size + kind;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char magic[8] = "RMFUZZ1\n";
    if (size < 1)
        return 0;
    struct frame_header header;
    if (frame_header_read(slice_of(data, size), magic, &header) == FRAME_HEADER_GOOD)
        check(memcmp(header.magic, magic, sizeof magic) == 0);
    char *bytes = malloc(size);
    memcpy(bytes, data + 1, size - 1);
    mend_frames(bytes, size - 1);
    slice file = slice_of(bytes, size - 1);
    uint64_t whole = 0, halves = 0;
    size_t split = file.size ? data[0] * (file.size / 8 + 1) / 32 / FRAME_ALIGN * FRAME_ALIGN : 0;
    unsigned count = walk(file, file.size, &whole);
    if (split < file.size) {
        check(walk(file, split, &halves) == count);
        check(whole == halves);
    }
    free(bytes);
    return 0;
}
