/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "filter/spam/share.h"

#include <stdio.h>

static const slice anna = {"anna@x.example", 14}, bert = {"bert@x.example", 14};

static void test_each_has_its_own(void **state)
{
    (void)state;
    struct spam_share share = {0};
    for (int i = 0; i < 3; i++)
        assert_int_equal(spam_share_take(&share, anna, 3, 1), SPAM_SHARE_TAKEN);
    assert_int_equal(spam_share_take(&share, anna, 3, 1), SPAM_SHARE_REFUSED_FIRST);
    assert_int_equal(spam_share_take(&share, anna, 3, 1), SPAM_SHARE_REFUSED);
    assert_int_equal(spam_share_take(&share, bert, 3, 1), SPAM_SHARE_TAKEN);
    spam_share_close(&share);
    assert_int_equal(spam_share_take(&share, anna, 3, 1), SPAM_SHARE_TAKEN);
    spam_share_close(&share);
}

static void test_a_day_passes(void **state)
{
    (void)state;
    static const int64_t day = 24 * 3600 * TIME_S;
    struct spam_share share = {0};
    assert_int_equal(spam_share_take(&share, anna, 1, 7), SPAM_SHARE_TAKEN);
    assert_int_equal(spam_share_take(&share, anna, 1, 7 + day - 1), SPAM_SHARE_REFUSED_FIRST);
    assert_int_equal(spam_share_take(&share, anna, 1, 7 + day), SPAM_SHARE_TAKEN);
    assert_int_equal(spam_share_take(&share, anna, 1, 7 + 2 * day - 1), SPAM_SHARE_REFUSED_FIRST);
    spam_share_close(&share);
}

static void test_the_limit_changes(void **state)
{
    (void)state;
    struct spam_share share = {0};
    for (int i = 0; i < 5; i++)
        assert_int_equal(spam_share_take(&share, anna, 5, 1), SPAM_SHARE_TAKEN);
    assert_int_equal(spam_share_take(&share, anna, 2, 1), SPAM_SHARE_REFUSED);
    assert_int_equal(spam_share_take(&share, anna, 0, 1), SPAM_SHARE_TAKEN); /* any number */
    assert_int_equal(spam_share_take(&share, anna, 6, 1), SPAM_SHARE_TAKEN);
    assert_int_equal(spam_share_take(&share, anna, 6, 1), SPAM_SHARE_REFUSED_FIRST);
    spam_share_close(&share);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(spam_share_take(&share, anna, 0, 1), SPAM_SHARE_TAKEN);
    assert_null(share.taken); /* costs nothing where nobody is bounded */
}

/* SPAM_SHARE_PLACES: more accounts than that share what they may, and take no more memory. */
static void test_so_many_places(void **state)
{
    (void)state;
    struct spam_share share = {0};
    unsigned taken = 0;
    for (unsigned i = 0; i < 3 * SPAM_SHARE_PLACES; i++) {
        char name[32];
        int size = snprintf(name, sizeof name, "u%u@x.example", i);
        taken += spam_share_take(&share, slice_of(name, (size_t)size), 1, 1) == SPAM_SHARE_TAKEN;
    }
    assert_true(taken <= SPAM_SHARE_PLACES);
    assert_true(taken > SPAM_SHARE_PLACES / 2);
    spam_share_close(&share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_own),
        cmocka_unit_test(test_a_day_passes),
        cmocka_unit_test(test_the_limit_changes),
        cmocka_unit_test(test_so_many_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
