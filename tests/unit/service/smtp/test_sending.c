/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "service/smtp/limits.h"
#include "service/smtp/sending.h"

#include <stdio.h>

static const struct smtp_settings UNLIMITED = {.recipients_max = 1};
static const struct smtp_settings TWO = {.messages_per_day = 2, .recipients_per_day = 5};

CORE_TEST(test_counts)
{
    slice me = SLICE("me@example.org");
    assert_true(smtp_sending_take(me, &TWO, 6).refused); /* nothing is counted then */
    assert_false(smtp_sending_take(me, &TWO, 4).refused);
    struct smtp_sending answer = smtp_sending_ask(me, &TWO);
    assert_false(answer.refused || answer.alert);
    assert_int_equal(answer.left.messages, 1);
    assert_int_equal(answer.left.recipients, 1);
    assert_true(smtp_sending_take(me, &TWO, 2).refused);
    smtp_sending_give(me, &TWO, 4);
    assert_false(smtp_sending_take(me, &TWO, 2).refused);
    assert_false(smtp_sending_take(me, &TWO, 1).refused);
    assert_true(smtp_sending_ask(me, &TWO).refused);
    assert_false(smtp_sending_ask(SLICE("you@example.org"), &TWO).refused);
}

CORE_TEST(test_one_alert)
{
    slice me = SLICE("me@example.org");
    for (int i = 0; i < 2; i++)
        assert_false(smtp_sending_take(me, &TWO, 1).refused);
    assert_true(smtp_sending_take(me, &TWO, 1).alert);
    struct smtp_sending again = smtp_sending_ask(me, &TWO);
    assert_true(again.refused);
    assert_false(again.alert);
}

/* Without a limit nothing is remembered. */
CORE_TEST(test_no_limit)
{
    slice me = SLICE("me@example.org");
    for (int i = 0; i < 10; i++)
        assert_false(smtp_sending_take(me, &UNLIMITED, 1000000).refused);
    struct smtp_sending answer = smtp_sending_ask(me, &UNLIMITED);
    assert_int_equal(answer.left.messages, UINT32_MAX);
    assert_int_equal(smtp_sending_ask(me, &TWO).left.messages, 2);
}

/* SMTP_SENDING_ACCOUNTS_MAX: whoever has been silent for longest is forgotten, nobody else. */
CORE_TEST(test_many_accounts)
{
    slice first = SLICE("first@example.org"), silent = SLICE("silent@example.org");
    for (int i = 0; i < 2; i++) {
        assert_false(smtp_sending_take(first, &TWO, 1).refused);
        assert_false(smtp_sending_take(silent, &TWO, 1).refused);
    }
    for (int i = 0; i < SMTP_SENDING_ACCOUNTS_MAX - 1; i++) {
        char name[30];
        int size = snprintf(name, sizeof name, "u%d@example.org", i);
        assert_false(smtp_sending_take(slice_of(name, (size_t)size), &TWO, 1).refused);
        if (i % 1000 == 0)
            assert_true(smtp_sending_ask(first, &TWO).refused);
    }
    assert_true(smtp_sending_ask(first, &TWO).refused);
    assert_int_equal(smtp_sending_ask(SLICE("u0@example.org"), &TWO).left.messages, 1);
    assert_false(smtp_sending_ask(silent, &TWO).refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_one_alert),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_many_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
