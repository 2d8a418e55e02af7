/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/dkim_fields.h"

#include "filter/authentic/dkim.h"

/* The occurrence of `name` that has `below` others of its name below it; false where there are not
 * so many. */
static bool find_from_below(slice header, slice name, unsigned below,
                            struct mail_header_field *out_field)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    unsigned occurrences = 0;
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field))
        occurrences += slice_equal_nocase(field.name, name);
    if (below >= occurrences)
        return false;
    unsigned skip = occurrences - 1 - below;
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field))
        if (slice_equal_nocase(field.name, name) && skip-- == 0) {
            *out_field = field;
            return true;
        }
    return false;
}

error dkim_fields_digest(slice header, slice names, enum canonical kind, struct digest *digest)
{
    slice taken[DKIM_FIELDS_MAX];
    unsigned count = 0;
    while (names.size) {
        slice name;
        struct mail_header_field field;
        slice_cut(names, ':', &name, &names);
        name = slice_trim(name);
        if (count == DKIM_FIELDS_MAX)
            return error_make(ERROR_LIMIT, "too many names in h=");
        unsigned below = 0;
        for (unsigned i = 0; i < count; i++)
            below += slice_equal_nocase(taken[i], name);
        taken[count++] = name;
        if (find_from_below(header, name, below, &field))
            canonical_field(kind, &field, header, digest);
    }
    return OK;
}
