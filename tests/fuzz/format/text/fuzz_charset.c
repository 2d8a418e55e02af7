/* SPDX-License-Identifier: GPL-3.0-or-later
 * The first line names a charset, the rest is text of it: what comes out is UTF-8.
 */
#include "base/assert.h"
#include "base/utf8.h"
#include "format/text/charset.h"
#include "format/text/idna.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice charset, bytes, text;
    struct arena arena;
    arena_init(&arena, 16 << 20);
    slice_cut(slice_of(data, size), '\n', &charset, &bytes);
    if (!failed(charset_to_utf8(&arena, charset, bytes, &text)))
        ASSERT(utf8_is_valid(text));
    if (!failed(idna_to_ascii(&arena, bytes, &text))) {
        ASSERT(utf8_is_ascii(text) && text.size && text.size <= IDNA_DOMAIN_SIZE_MAX);
        error_ignore(idna_to_unicode(&arena, text, &text));
    }
    arena_close(&arena);
    return 0;
}
