/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a script: a tree within its bounds, or a fault with a line of the text.
 */
#include "base/assert.h"
#include "format/sieve/syntax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sieve_node *node, unsigned depth)
{
    ASSERT(depth <= SIEVE_NESTING_MAX);
    for (; node; node = node->next) {
        ASSERT(node->line > 0 && node->name.size > 0);
        ASSERT(node->argument_count <= SIEVE_ARGUMENTS_MAX);
        check(node->tests, depth + 1);
        check(node->block, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice text = slice_of(data, size);
    struct sieve_fault fault = {0};
    struct sieve_node *first = NULL;
    struct arena arena;
    unsigned lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    arena_init(&arena, 16 << 20);
    if (failed(sieve_parse(text, &arena, &first, &fault)))
        ASSERT(fault.text && fault.line > 0 && fault.line <= lines);
    else
        check(first, 0);
    arena_close(&arena);
    return 0;
}
