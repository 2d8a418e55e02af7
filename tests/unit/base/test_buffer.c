/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/buffer.h"

static void test_writes_everything_given(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 10000);
    buffer_add(&buffer, SLICE("a"));
    buffer_add_u64(&buffer, 0);
    buffer_add_u64(&buffer, UINT64_MAX);
    buffer_add_i64(&buffer, INT64_MIN);
    buffer_add_byte(&buffer, ' ');
    buffer_format(&buffer, "%s=%d", "k", 5);
    assert_ok(buffer_check(&buffer));
    assert_slice(buffer_slice(&buffer), "a018446744073709551615-9223372036854775808 k=5");
    buffer_consume(&buffer, 2);
    buffer_truncate(&buffer, 3);
    assert_slice(buffer_slice(&buffer), "184");
    buffer_close(&buffer);
}

static void test_failure_sticks_until_reset(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 4);
    buffer_add(&buffer, SLICE("1234"));
    assert_ok(buffer_check(&buffer));
    buffer_add(&buffer, SLICE("5"));
    buffer_truncate(&buffer, 0);
    buffer_add(&buffer, SLICE("x"));
    assert_error(buffer_check(&buffer), ERROR_LIMIT);
    assert_int_equal(buffer.size, 0);
    assert_null(buffer_reserve(&buffer, 1));
    buffer_reset(&buffer);
    buffer_add(&buffer, SLICE("ok"));
    assert_ok(buffer_check(&buffer));
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    buffer_close(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_everything_given),
        cmocka_unit_test(test_failure_sticks_until_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
