/* SPDX-License-Identifier: GPL-3.0-or-later
 * What is cut from a header is gone, everything else is there, in its order; a second time nothing
 * is cut. What the reading says agrees with the fields.
 */
#include "base/assert.h"
#include "format/mail/header.h"
#include "format/mail/submitted.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_secret(slice name)
{
    return slice_equal_nocase(name, SLICE("bcc")) ||
           slice_equal_nocase(name, SLICE("resent-bcc")) ||
           slice_equal_nocase(name, SLICE("return-path"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice before = slice_of(data, size), after;
    struct mail_submitted mail, cleaned;
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    char *copy = malloc(size + 1);
    ASSERT(copy);
    memcpy(copy, data, size);
    mail_submitted_read(before, &mail);
    after = slice_of(copy, mail_submitted_clean(copy, size));
    bool secrets = false;
    size_t at = 0;
    mail_header_begin(&iterator, before);
    while (mail_header_next(&iterator, &field)) {
        secrets |= is_secret(field.name);
        if (is_secret(field.name))
            continue;
        ASSERT(slice_equal(slice_sub(before, field.offset, field.size),
                           slice_sub(after, at, field.size)));
        at += field.size;
    }
    ASSERT(slice_equal(slice_from(before, iterator.at), slice_from(after, at)));
    ASSERT(secrets == mail.secrets && (secrets || after.size == size));
    mail_submitted_read(after, &cleaned);
    ASSERT(cleaned.from_count == mail.from_count && cleaned.date == mail.date);
    if (!mail.too_large && !slice_starts(after, SLICE(" ")))
        ASSERT(!cleaned.secrets);
    free(copy);
    return 0;
}
