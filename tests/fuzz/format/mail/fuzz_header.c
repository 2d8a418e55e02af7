/* SPDX-License-Identifier: GPL-3.0-or-later
 * Fields cover the header without gaps; the header ends where mail_header_size says.
 */
#include "base/assert.h"
#include "format/mail/header.h"
#include "format/mail/received.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice text = slice_of(data, size), unfolded;
    struct arena arena;
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    size_t at = 0;
    arena_init(&arena, 8 << 20);
    mail_header_begin(&iterator, text);
    while (mail_header_next(&iterator, &field)) {
        ASSERT(field.offset == at && field.size > 0);
        at += field.size;
        if (!failed(mail_header_unfold(&arena, field.value, &unfolded)))
            ASSERT(slice_find_byte(unfolded, '\n') < 0);
    }
    if (iterator.field_count < MAIL_HEADER_FIELD_COUNT_MAX && size < MAIL_HEADER_SIZE_MAX)
        ASSERT(at + mail_line_end_size(text, at) == mail_header_size(text));
    mail_received_count(text);
    arena_close(&arena);
    return 0;
}
