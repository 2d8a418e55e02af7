/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "data/directory/login_cache.h"

#include <stdio.h>

static struct directory_login_cache cache;

static int set_up(void **state)
{
    (void)state;
    directory_login_cache_init(&cache, 8, 1000, 100);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    directory_login_cache_close(&cache);
    return 0;
}

static enum directory_login_memory recall(const char *address, const char *hash,
                                          const char *password, instant now)
{
    return directory_login_recall(&cache, slice_from_string(address), slice_from_string(hash),
                                  slice_from_string(password), now);
}

static void remember(const char *address, const char *hash, const char *password, bool right)
{
    directory_login_remember(&cache, slice_from_string(address), slice_from_string(hash),
                             slice_from_string(password), right, 0);
}

static void test_remembers_for_a_while(void **state)
{
    (void)state;
    assert_int_equal(recall("a@x", "h", "p", 1), LOGIN_UNKNOWN);
    remember("a@x", "h", "p", true);
    remember("a@x", "h", "q", false);
    assert_int_equal(recall("a@x", "h", "p", 99), LOGIN_RIGHT);
    assert_int_equal(recall("a@x", "h", "q", 99), LOGIN_WRONG);
    assert_int_equal(recall("a@x", "h", "q", 100), LOGIN_UNKNOWN);
    assert_int_equal(recall("a@x", "h", "p", 999), LOGIN_RIGHT);
    assert_int_equal(recall("a@x", "h", "p", 1000), LOGIN_UNKNOWN);
}

static void test_each_part_counts(void **state)
{
    (void)state;
    remember("a@x", "hash", "pass", true);
    assert_int_equal(recall("b@x", "hash", "pass", 1), LOGIN_UNKNOWN);
    assert_int_equal(recall("a@x", "other", "pass", 1), LOGIN_UNKNOWN); /* changed password */
    assert_int_equal(recall("a@x", "hash", "Pass", 1), LOGIN_UNKNOWN);
    assert_int_equal(recall("a@x", "hashp", "ass", 1), LOGIN_UNKNOWN);
    assert_int_equal(recall("a@x", "hash", "", 1), LOGIN_UNKNOWN);
}

static void test_forgets(void **state)
{
    (void)state;
    remember("a@x.example", "h", "p", true);
    remember("b@x.example", "h", "p", true);
    remember("c@y.example", "h", "p", true);
    directory_login_forget(&cache, SLICE("a@x.example"));
    assert_int_equal(recall("a@x.example", "h", "p", 1), LOGIN_UNKNOWN);
    assert_int_equal(recall("b@x.example", "h", "p", 1), LOGIN_RIGHT);
    directory_login_forget_domain(&cache, SLICE("x.example"));
    assert_int_equal(recall("b@x.example", "h", "p", 1), LOGIN_UNKNOWN);
    assert_int_equal(recall("c@y.example", "h", "p", 1), LOGIN_RIGHT);
    directory_login_forget_all(&cache);
    assert_int_equal(recall("c@y.example", "h", "p", 1), LOGIN_UNKNOWN);
    assert_int_equal(cache.count, 0);
}

static void test_is_bounded(void **state)
{
    (void)state;
    char address[32];
    for (int i = 0; i < 100; i++) {
        snprintf(address, sizeof address, "user%d@x", i);
        remember(address, "h", "p", true);
        assert_int_equal(recall("user0@x", "h", "p", 1), LOGIN_RIGHT); /* used: it stays */
    }
    assert_int_equal(cache.count, 8);
    assert_int_equal(recall("user99@x", "h", "p", 1), LOGIN_RIGHT);
    assert_int_equal(recall("user50@x", "h", "p", 1), LOGIN_UNKNOWN);
}

static void test_lifetime_zero_remembers_nothing(void **state)
{
    (void)state;
    cache.right_lifetime = cache.wrong_lifetime = 0;
    remember("a@x", "h", "p", true);
    remember("a@x", "h", "q", false);
    assert_int_equal(cache.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_remembers_for_a_while, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_part_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forgets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lifetime_zero_remembers_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
