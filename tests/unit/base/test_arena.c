/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/arena.h"

static void test_hands_out_aligned_zeroed_memory(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_null(arena.chunk); /* nothing before the first use */
    for (int i = 1; i < 500; i++) {
        char *memory = arena_alloc(&arena, (size_t)i);
        assert_int_equal((uintptr_t)memory % 16, 0);
        for (int j = 0; j < i; j++)
            assert_int_equal(memory[j], 0);
        memset(memory, 0xff, (size_t)i);
        assert_non_null(arena_alloc_bytes(&arena, 3));
    }
    arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    char *again = arena_alloc(&arena, 100);
    assert_int_equal(again[99], 0);
    arena_close(&arena);
}

static void test_keeps_its_limit(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1000);
    assert_non_null(arena_alloc(&arena, 600));
    assert_null(arena_alloc(&arena, 401));
    assert_non_null(arena_alloc(&arena, 400));
    assert_null(arena_alloc(&arena, 1));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc_array(&arena, SIZE_MAX / 2, 3));
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 1000));
    slice copy;
    assert_error(arena_copy(&arena, SLICE("x"), &copy), ERROR_LIMIT);
    arena_close(&arena);
}

static void test_makes_strings(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    const char *string;
    assert_ok(arena_string(&arena, SLICE("abc"), &string));
    assert_string_equal(string, "abc");
    assert_error(arena_string(&arena, SLICE("a\0c"), &string), ERROR_MALFORMED);
    slice text;
    assert_ok(arena_format(&arena, &text, "%d-%s", 42, "x"));
    assert_slice(text, "42-x");
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hands_out_aligned_zeroed_memory),
        cmocka_unit_test(test_keeps_its_limit),
        cmocka_unit_test(test_makes_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
