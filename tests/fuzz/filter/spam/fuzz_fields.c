/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Strangers' fields are disowned: none is left in the header, nothing else changes.
 */
#include "base/assert.h"
#include "filter/spam/fields.h"
#include "format/mail/header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *copy = malloc(size);
    ASSERT(copy);
    memcpy(copy, data, size);
    slice header = slice_of(copy, mail_header_size(slice_of(copy, size)));
    unsigned changed = spam_fields_disown(copy, header.size), bytes = 0;
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field))
        ASSERT(!slice_starts_nocase(field.name, SLICE("x-spam")));
    for (size_t i = 0; i < size; i++)
        bytes += copy[i] != (char)data[i];
    ASSERT(bytes <= 4 * changed);
    ASSERT(memcmp(copy + header.size, data + header.size, size - header.size) == 0);
    free(copy);
    return 0;
}
