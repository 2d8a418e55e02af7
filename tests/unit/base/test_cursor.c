/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/cursor.h"

static void test_advances_only_on_success(void **state)
{
    (void)state;
    struct cursor c = cursor_over(SLICE("MAIL FROM:<a@b> 42x"));
    assert_false(cursor_take(&c, SLICE("mail")));
    assert_true(cursor_take_nocase(&c, SLICE("mail")));
    assert_int_equal(cursor_skip_blanks(&c), 1);
    assert_false(cursor_take_byte(&c, 'X'));
    slice run;
    assert_true(cursor_take_until(&c, ':', &run));
    assert_slice(run, "FROM");
    assert_false(cursor_take_until(&c, '!', &run));
    assert_true(cursor_take(&c, SLICE(":<a@b> ")));
    uint64_t number;
    assert_false(cursor_take_u64(&c, 41, &number));
    assert_int_equal(cursor_peek(&c), '4');
    assert_true(cursor_take_u64(&c, 42, &number));
    assert_int_equal(number, 42);
    assert_false(cursor_take_u64(&c, 42, &number));
    const uint64_t only_x[4] = {0, UINT64_C(1) << ('x' - 64), 0, 0};
    assert_true(cursor_take_set(&c, only_x, &run));
    assert_false(cursor_take_set(&c, only_x, &run));
    assert_true(cursor_done(&c));
    assert_int_equal(cursor_peek(&c), -1);
}

static void test_refuses_overflow(void **state)
{
    (void)state;
    uint64_t number;
    struct cursor c = cursor_over(SLICE("18446744073709551615"));
    assert_true(cursor_take_u64(&c, UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
    c = cursor_over(SLICE("18446744073709551616"));
    assert_false(cursor_take_u64(&c, UINT64_MAX, &number));
    c = cursor_over(SLICE("99999999999999999999999999"));
    assert_false(cursor_take_u64(&c, UINT64_MAX, &number));
    c = cursor_over(SLICE_EMPTY);
    assert_false(cursor_take_u64(&c, UINT64_MAX, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_advances_only_on_success),
        cmocka_unit_test(test_refuses_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
