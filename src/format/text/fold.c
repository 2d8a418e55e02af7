/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/text/fold.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>

error text_fold(struct arena *arena, slice text, slice *out_folded)
{
    if (utf8_is_ascii(text)) {
        char *copy = arena_alloc_bytes(arena, text.size);
        TRY_MEMORY(copy);
        for (size_t i = 0; i < text.size; i++)
            copy[i] = ascii_lower(text.data[i]);
        *out_folded = slice_of(copy, text.size);
        return OK;
    }
    if (!utf8_is_valid(text))
        return error_make(ERROR_MALFORMED, "not UTF-8");
    size_t size = 0;
    uint8_t *folded =
        u8_casefold((const uint8_t *)text.data, text.size, NULL, UNINORM_NFC, NULL, &size);
    TRY_MEMORY(folded);
    error result = arena_copy(arena, slice_of(folded, size), out_folded);
    free(folded);
    return result;
}
