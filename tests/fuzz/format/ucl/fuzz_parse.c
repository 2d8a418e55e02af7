/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/assert.h"
#include "format/ucl/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct ucl_entry *entries = NULL;
    struct ucl_problem problem = {0};
    if (failed(ucl_parse(slice_of(data, size), &arena, &entries, &problem))) {
        ASSERT(problem.line > 0);
        ASSERT(entries == NULL);
    }
    unsigned line = 0;
    for (const struct ucl_entry *entry = entries; entry; entry = entry->next) {
        ASSERT(entry->path.size > 0 && entry->line >= line);
        ASSERT(entry->is_list || entry->count == 1);
        line = entry->line;
    }
    arena_close(&arena);
    return 0;
}
