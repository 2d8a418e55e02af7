/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a framed command: what is understood lies inside it or the arena, and a string that
 * is written is read again as it was.
 */
#include "base/assert.h"
#include "format/managesieve/command.h"
#include "format/managesieve/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_string(slice string, struct arena *arena)
{
    struct buffer out;
    slice again;
    buffer_init(&out, 1 << 20);
    managesieve_write_string(string, &out);
    if (!out.overflow && slice_find_byte(string, '\0') < 0) {
        ASSERT(!failed(managesieve_string_parse(buffer_slice(&out), arena, &again)));
        ASSERT(slice_equal(string, again));
    }
    buffer_close(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct managesieve_command command;
    struct arena arena;
    slice text = slice_of(data, size);
    arena_init(&arena, 4 << 20);
    if (!failed(managesieve_command_parse(text, &arena, &command))) {
        ASSERT(command.verb < MANAGESIEVE_VERB_COUNT && command.count <= MANAGESIEVE_ARGUMENTS_MAX);
        ASSERT(managesieve_verb_of(text) == command.verb);
        for (unsigned i = 0; i < command.count; i++)
            check_string(command.strings[i], &arena);
    }
    check_string(text, &arena);
    arena_close(&arena);
    return 0;
}
