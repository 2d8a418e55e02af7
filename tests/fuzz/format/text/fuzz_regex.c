/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A pattern, a line end, a text: whatever they are, the run ends within its bound, and what it says
 * that was found lies in the text.
 */
#include "base/assert.h"
#include "format/text/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORK_MAX = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice all = slice_of(data, size), pattern, text;
    const struct regex *regex;
    struct regex_match match;
    struct arena arena;
    (void)slice_cut(all, '\n', &pattern, &text);
    arena_init(&arena, 1 << 20);
    error problem = regex_compile(pattern, size & 1, &arena, &regex);
    if (failed(problem)) {
        ASSERT(problem.kind == ERROR_MALFORMED || problem.kind == ERROR_LIMIT);
    } else if (!failed(regex_match(regex, text, WORK_MAX, &match))) {
        ASSERT(match.work <= WORK_MAX && match.count <= REGEX_GROUPS_MAX + 1);
        ASSERT(!match.matched || match.groups[0].data);
        for (unsigned i = 0; match.matched && i < match.count; i++)
            ASSERT(match.groups[i].size == 0 ||
                   (match.groups[i].data >= text.data &&
                    match.groups[i].data + match.groups[i].size <= text.data + text.size));
    }
    arena_close(&arena);
    return 0;
}
