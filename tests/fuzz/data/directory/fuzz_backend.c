/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Queries as an operator writes them: as many ? come out as there are parameters, outside of
 * quotes.
 */
#include "data/directory/backend.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct directory_statement statement;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    if (!failed(directory_statement_compile(slice_of(data, size), &arena, &statement))) {
        unsigned count = 0;
        char quote = 0;
        for (const char *at = statement.sql; *at; at++) {
            count += *at == '?' && !quote;
            if (quote ? *at == quote : *at == '\'' || *at == '"' || *at == '`')
                quote = quote ? 0 : *at;
        }
        if (count != statement.parameter_count || quote)
            abort();
    }
    arena_close(&arena);
    return 0;
}
