/* SPDX-License-Identifier: GPL-3.0-or-later
 * Encoded words from any bytes give UTF-8; what is written is read as it was.
 */
#include "base/assert.h"
#include "base/utf8.h"
#include "format/mail/encoded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice value = slice_of(data, size), text, again;
    struct arena arena;
    struct buffer out;
    arena_init(&arena, 16 << 20);
    buffer_init(&out, 16 << 20);
    if (!failed(mail_encoded_decode(&arena, value, &text))) {
        ASSERT(utf8_is_valid(text));
        text = slice_trim(text);
        if (!utf8_is_ascii(text) && slice_find_byte(text, '\r') < 0 &&
            slice_find_byte(text, '\n') < 0) {
            mail_encoded_write(&out, text);
            ASSERT(!failed(mail_encoded_decode(&arena, buffer_slice(&out), &again)));
            ASSERT(slice_equal(text, again));
        }
    }
    buffer_close(&out);
    arena_close(&arena);
    return 0;
}
