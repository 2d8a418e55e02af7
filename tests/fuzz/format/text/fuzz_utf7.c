/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What decodes has one spelling: encoding it again gives the same, but for raw UTF-8 let through.
 */
#include "base/assert.h"
#include "base/utf8.h"
#include "format/text/utf7.h"

static bool is_printable(slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] < 0x20 || s.data[i] == 0x7f)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice encoded = slice_of(data, size);
    struct buffer text, again;
    buffer_init(&text, size * 4 + 16);
    buffer_init(&again, size * 8 + 16);
    if (!failed(utf7_decode(encoded, &text))) {
        ASSERT(utf8_is_valid(buffer_slice(&text)));
        ASSERT(!failed(utf7_encode(buffer_slice(&text), &again)));
        if (is_printable(encoded)) {
            ASSERT(slice_equal(buffer_slice(&again), encoded));
        }
    }
    buffer_close(&text);
    buffer_close(&again);
    return 0;
}
