/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 16384, BLOCK_SIZE = 4096 };

int mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size)
    __attribute__((weak));

static void test_what_is_held_is_told(void **state)
{
    (void)state;
    struct memory_statistics before = memory_statistics();
    assert_true(before.process > 0);
    char *held = malloc(BLOCKS * BLOCK_SIZE);
    assert_non_null(held);
    memset(held, 1, BLOCKS * BLOCK_SIZE);
    struct memory_statistics with = memory_statistics();
    assert_true(with.process >= before.process + BLOCKS * BLOCK_SIZE / 2);
    if (mallctl)
        assert_true(with.allocated >= before.allocated + BLOCKS * BLOCK_SIZE);
    free(held);
}

/* Nobody allocates any more, and yet the pages of a burst go back to the kernel. */
static void test_an_idle_process_shrinks(void **state)
{
    (void)state;
    if (!mallctl)
        skip(); /* a sanitizer's allocator */
    static char *block[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc(BLOCK_SIZE);
        assert_non_null(block[i]);
        memset(block[i], 1, BLOCK_SIZE);
    }
    size_t peak = memory_statistics().process;
    for (int i = 0; i < BLOCKS; i++)
        free(block[i]);
    size_t now = peak;
    for (int i = 0; i < 600 && now > peak - BLOCKS * BLOCK_SIZE / 4 * 3; i++) {
        usleep(100 * 1000);
        now = memory_statistics().process;
    }
    assert_true(now <= peak - BLOCKS * BLOCK_SIZE / 4 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_held_is_told),
        cmocka_unit_test(test_an_idle_process_shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
