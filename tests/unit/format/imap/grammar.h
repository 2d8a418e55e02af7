#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What tests of the IMAP grammar share: a cursor over a text, an arena that is closed after each
 * test, and a buffer's content as a check.
 */
#include "check.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"

static struct arena arena;
static struct buffer written;

static inline int grammar_open(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    buffer_init(&written, 1 << 20);
    return 0;
}

static inline int grammar_close(void **state)
{
    (void)state;
    arena_close(&arena);
    buffer_close(&written);
    return 0;
}

static inline struct cursor over(const char *text)
{
    return cursor_over(slice_from_string(text));
}

#define grammar_test(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, grammar_open, grammar_close)
#define assert_written(literal)                                                                    \
    do {                                                                                           \
        assert_slice(buffer_slice(&written), literal);                                             \
        buffer_reset(&written);                                                                    \
    } while (0)
