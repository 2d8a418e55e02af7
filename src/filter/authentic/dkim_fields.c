/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The header is read once into a list, so that many names over many fields stay cheap.
 */
#include "filter/authentic/dkim_fields.h"

#include <stdlib.h>

struct fields {
    slice header;
    struct mail_header_field *items;
    unsigned count;
    slice taken[DKIM_FIELDS_MAX];
    unsigned taken_count;
};

static error read_fields(struct fields *fields)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    unsigned capacity = 0;
    mail_header_begin(&iterator, fields->header);
    while (mail_header_next(&iterator, &field)) {
        if (fields->count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            struct mail_header_field *more = realloc(fields->items, capacity * sizeof *more);
            TRY_MEMORY(more);
            fields->items = more;
        }
        fields->items[fields->count++] = field;
    }
    return OK;
}

/* The lowest field of that name with `below` others of its name below it; NULL where there are not
 * so many. */
static const struct mail_header_field *find(const struct fields *fields, slice name, unsigned below)
{
    for (unsigned i = fields->count; i-- > 0;)
        if (slice_equal_nocase(fields->items[i].name, name) && below-- == 0)
            return &fields->items[i];
    return NULL;
}

static error digest_names(struct fields *fields, slice names, enum canonical kind,
                          struct digest *digest)
{
    while (names.size) {
        slice name;
        slice_cut(names, ':', &name, &names);
        name = slice_trim(name);
        if (fields->taken_count == DKIM_FIELDS_MAX)
            return error_make(ERROR_LIMIT, "too many names in h=");
        unsigned below = 0;
        for (unsigned i = 0; i < fields->taken_count; i++)
            below += slice_equal_nocase(fields->taken[i], name);
        fields->taken[fields->taken_count++] = name;
        const struct mail_header_field *field = find(fields, name, below);
        if (field)
            canonical_field(kind, field, fields->header, digest);
    }
    return OK;
}

error dkim_fields_digest(slice header, slice names, enum canonical kind, struct digest *digest)
{
    struct fields fields = {.header = header};
    error problem = read_fields(&fields);
    if (!failed(problem))
        problem = digest_names(&fields, names, kind, digest);
    free(fields.items);
    return problem;
}
