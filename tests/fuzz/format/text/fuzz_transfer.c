/* SPDX-License-Identifier: GPL-3.0-or-later
 * Base64 and quoted-printable of any bytes; both give back what went in, and strict and loose
 * readers of base64 agree where the strict one accepts.
 */
#include "base/assert.h"
#include "format/text/base64.h"
#include "format/text/quoted_printable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice bytes = slice_of(data, size), strict, loose, again;
    struct arena arena;
    struct buffer out;
    arena_init(&arena, 16 << 20);
    buffer_init(&out, 16 << 20);
    ASSERT(!failed(base64_decode_loose(&arena, bytes, &loose)));
    if (!failed(base64_decode(&arena, bytes, &strict))) {
        ASSERT(slice_equal(strict, loose));
        base64_encode(&out, strict);
        ASSERT(slice_equal(buffer_slice(&out), bytes));
        buffer_reset(&out);
    }
    base64_encode(&out, bytes);
    ASSERT(!failed(base64_decode(&arena, buffer_slice(&out), &again)));
    ASSERT(slice_equal(again, bytes));
    ASSERT(!failed(quoted_printable_decode(&arena, bytes, &again)) && again.size <= size);
    ASSERT(!failed(quoted_printable_decode_word(&arena, bytes, &again)) && again.size <= size);
    buffer_reset(&out);
    quoted_printable_encode(&out, bytes);
    ASSERT(!failed(quoted_printable_decode(&arena, buffer_slice(&out), &again)));
    ASSERT(slice_equal(again, bytes));
    buffer_close(&out);
    arena_close(&arena);
    return 0;
}
