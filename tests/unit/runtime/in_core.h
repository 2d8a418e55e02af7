#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A cmocka test whose body runs in the main fiber of a core of its own:
 *
 *     CORE_TEST(test_sleeps)
 *     {
 *         assert_ok(fiber_sleep(TIME_MS));
 *     }
 */
#include "check.h"

#include "runtime/core.h"

#define CORE_TEST(name)                                                                            \
    static void name##_in_core(void *unused_);                                                     \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        assert_ok(core_run_here(NULL, name##_in_core, NULL));                                      \
    }                                                                                              \
    static void name##_in_core([[maybe_unused]] void *unused_)

/* Sanitizers make everything slower and fibers dear. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { TEST_SLOWER = 10 };
#else
enum { TEST_SLOWER = 1 };
#endif
