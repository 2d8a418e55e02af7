/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "runtime/fiber.h"
#include "service/login/throttle.h"

#include <stdio.h>

enum { HOUR = 3600 };
#define LONG (HOUR * TIME_S)

static struct address address_of(const char *text)
{
    struct address address;
    assert_ok(address_parse_ip(slice_from_string(text), &address));
    return address;
}

static uint64_t key_of(const char *text)
{
    struct address address = address_of(text);
    return throttle_key_of_address(&address).hash;
}

static void test_keys(void **state)
{
    (void)state;
    assert_int_equal(key_of("192.0.2.1"), key_of("192.0.2.1"));
    assert_int_not_equal(key_of("192.0.2.1"), key_of("192.0.2.2"));
    /* who has one IPv6 address has its whole /64 */
    assert_int_equal(key_of("2001:db8::1"), key_of("2001:db8::ffff:1"));
    assert_int_not_equal(key_of("2001:db8::1"), key_of("2001:db8:0:1::1"));
    assert_int_equal(throttle_key_of_account(SLICE("User@Example.org")).hash,
                     throttle_key_of_account(SLICE("user@example.ORG")).hash);
    assert_int_not_equal(throttle_key_of_account(SLICE("a")).hash,
                         throttle_key_of_account(SLICE("b")).hash);
    struct address port = address_of("192.0.2.1");
    port.port = 4711;
    assert_int_equal(throttle_key_of_address(&port).hash, key_of("192.0.2.1"));
}

static void test_delay_doubles_up_to_its_maximum(void **state)
{
    (void)state;
    static const int64_t EXPECTED[] = {0, 0, 0, 0, 500, 1000, 2000, 4000, 8000, 15000, 15000};
    for (uint32_t i = 0; i < sizeof EXPECTED / sizeof *EXPECTED; i++)
        assert_int_equal(throttle_delay(i, 3, 500, 15000), EXPECTED[i]);
    assert_int_equal(throttle_delay(UINT32_MAX, 3, 500, 15000), 15000);
    assert_int_equal(throttle_delay(9, 3, 0, 15000), 0);
}

CORE_TEST(test_counts_and_forgives)
{
    throttle_key key = throttle_key_of_account(SLICE("counted"));
    assert_int_equal(throttle_failures(key, LONG), 0);
    throttle_forgive(key, LONG); /* nothing to forgive */
    for (int i = 0; i < 9; i++)
        throttle_fail(key, LONG);
    assert_int_equal(throttle_failures(key, LONG), 9);
    assert_int_equal(throttle_failures(throttle_key_of_account(SLICE("other")), LONG), 0);
    throttle_forgive(key, LONG);
    assert_int_equal(throttle_failures(key, LONG), 4);
}

CORE_TEST(test_forgets_with_time)
{
    throttle_key key = throttle_key_of_account(SLICE("forgotten"));
    const int64_t forget_after = 250 * TIME_MS;
    for (int i = 0; i < 3; i++)
        throttle_fail(key, forget_after);
    assert_int_not_equal(throttle_failures(key, forget_after), 0);
    assert_ok(fiber_sleep(4 * forget_after));
    assert_int_equal(throttle_failures(key, forget_after), 0);
    throttle_fail(key, forget_after); /* counts anew, not on top of what was forgotten */
    assert_in_range(throttle_failures(key, LONG), 1, 1);
}

/* A flood of strangers does not push out the one that tries hardest. */
CORE_TEST(test_full_table_keeps_the_worst)
{
    throttle_key worst = throttle_key_of_account(SLICE("worst"));
    for (int i = 0; i < 50; i++)
        throttle_fail(worst, LONG);
    for (int i = 0; i < THROTTLE_ENTRIES * 4; i++) {
        char name[20];
        int size = snprintf(name, sizeof name, "stranger%d", i);
        throttle_fail(throttle_key_of_account(slice_of(name, (size_t)size)), LONG);
    }
    assert_int_equal(throttle_failures(worst, LONG), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_delay_doubles_up_to_its_maximum),
        cmocka_unit_test(test_counts_and_forgives),
        cmocka_unit_test(test_forgets_with_time),
        cmocka_unit_test(test_full_table_keeps_the_worst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
