#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Assertions guard our own invariants and stay on in every build. Input is never asserted: it is
 * rejected.
 */
#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            assert_failed(#condition, __FILE__, __LINE__);                                         \
    } while (0)

/* Prints to standard error and aborts, so that a core file shows the state. */
_Noreturn void assert_failed(const char *condition, const char *file, int line);
