/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/internal.h"
#include "format/text/idna.h"

error directory_dkim(struct directory *directory, slice domain, struct arena *arena,
                     struct directory_dkim_key **out_keys, unsigned *out_count)
{
    struct directory_rows rows = {0};
    instant asked;
    slice ascii;
    *out_count = 0;
    if (directory->settings->dkim_query.size == 0)
        return OK;
    error problem = idna_to_ascii(arena, domain, &ascii);
    if (problem.kind == ERROR_MALFORMED)
        return OK; /* no domain, no keys */
    TRY(problem);
    TRY(directory_ask(&directory->lookup, DIRECTORY_QUERY_DKIM, SLICE_EMPTY, ascii,
                      DIRECTORY_CACHED_FINE, arena, &rows, &asked));
    struct directory_dkim_key *keys =
        ARENA_ARRAY(arena, struct directory_dkim_key, rows.count ? rows.count : 1);
    TRY_MEMORY(keys);
    unsigned count = 0;
    for (unsigned i = 0; i < rows.count; i++) {
        const slice *columns = rows.rows[i].columns;
        slice selector = slice_trim(columns[DIRECTORY_COLUMN_SELECTOR]);
        slice text = slice_trim(columns[DIRECTORY_COLUMN_PRIVATE_KEY]);
        if (selector.size && text.size)
            keys[count++] = (struct directory_dkim_key){selector, text};
    }
    *out_keys = keys;
    *out_count = count;
    return OK;
}
