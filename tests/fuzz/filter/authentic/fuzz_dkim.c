/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message with signatures of any shape, checked with a key record of any shape (the first line).
 */
#include "filter/authentic/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    struct dkim_key key;
    slice record, message;
    arena_init(&arena, 1 << 20);
    slice_cut(slice_of(data, size), '\n', &record, &message);
    bool has_key = !failed(dkim_key_parse(record, &arena, &key));
    mail_header_begin(&iterator, message);
    while (mail_header_next(&iterator, &field)) {
        struct dkim_signature signature;
        if (slice_equal_nocase(field.name, SLICE("DKIM-Signature")) &&
            !failed(dkim_signature_parse(field.name, field.value, &arena, &signature)) && has_key)
            error_ignore(dkim_verify(message, &signature, &key, 0)); /* any verdict will do */
    }
    arena_close(&arena);
    return 0;
}
