/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * "pattern NUL name": the automaton agrees with the definition of "*" and "%".
 */
#include "base/assert.h"
#include "format/imap/mailbox.h"
#include "format/imap/pattern.h"

/* Reachable states by the definition, one byte of the name after the other. */
static bool by_definition(slice pattern, slice name)
{
    bool now[600] = {true}, next[600];
    for (size_t i = 0;; i++) {
        for (size_t p = 0; p < pattern.size; p++)
            if (now[p] && (pattern.data[p] == '*' || pattern.data[p] == '%'))
                now[p + 1] = true;
        if (i == name.size)
            return now[pattern.size];
        memset(next, 0, sizeof next);
        for (size_t p = 0; p < pattern.size; p++) {
            bool stays = pattern.data[p] == '*' || (pattern.data[p] == '%' && name.data[i] != '/');
            next[p] = next[p] || (now[p] && stays);
            bool literal = pattern.data[p] != '*' && pattern.data[p] != '%';
            if (now[p] && literal && pattern.data[p] == name.data[i])
                next[p + 1] = true;
        }
        memcpy(now, next, sizeof now);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice pattern, name;
    slice_cut(slice_of(data, size), '\0', &pattern, &name);
    struct arena arena;
    struct imap_pattern compiled;
    arena_init(&arena, 1 << 20);
    if (!failed(imap_pattern_compile(pattern, '/', &arena, &compiled)) &&
        !imap_mailbox_is_inbox(name))
        ASSERT(imap_pattern_matches(&compiled, name) == by_definition(pattern, name));
    arena_close(&arena);
    return 0;
}
