/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "service/smtp/limits.h"
#include "service/smtp/sending.h"
#include "service/smtp/sending_state.h"

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

static slice filler(int number)
{
    static char name[30];
    int size = snprintf(name, sizeof name, "u%d@example.org", number);
    return slice_of(name, (size_t)size);
}

/* As if it had been written down. */
static void save(slice account)
{
    struct sending_accounts *accounts = sending_accounts();
    list_remove(&sending_find(accounts, account)->changed);
}

/* A count that is not on disk yet outlives one that is, within LOOK_BACK_MAX of the end. */
CORE_TEST(test_unsaved_counts_stay)
{
    enum { LOOK_BACK_MAX = 256 };
    for (int i = 0; i < SMTP_SENDING_ACCOUNTS_MAX; i++)
        for (int j = 0; j < 2; j++)
            assert_false(smtp_sending_take(filler(i), &TWO, 1).refused);
    struct sending_accounts *accounts = sending_accounts();
    for (int i = 0; i < SMTP_SENDING_ACCOUNTS_MAX; i++) { /* as old as before */
        bool saved = i == 0 || i == LOOK_BACK_MAX;
        struct sending_entry *entry = sending_find(accounts, filler(i));
        if (saved)
            list_remove(&entry->changed);
    }
    assert_false(smtp_sending_take(SLICE("new1@example.org"), &TWO, 1).refused);
    assert_null(map_get(&accounts->map, filler(0))); /* the oldest, and saved */
    assert_false(smtp_sending_take(SLICE("new2@example.org"), &TWO, 1).refused);
    assert_null(map_get(&accounts->map, filler(LOOK_BACK_MAX))); /* just within */
    assert_non_null(map_get(&accounts->map, filler(1)));
    save(filler(LOOK_BACK_MAX + 2)); /* the most recent now */
    assert_false(smtp_sending_take(SLICE("new3@example.org"), &TWO, 1).refused);
    assert_null(map_get(&accounts->map, filler(1))); /* the bound is kept all the same */
    assert_true(smtp_sending_ask(filler(2), &TWO).refused);
    assert_int_equal(accounts->count, SMTP_SENDING_ACCOUNTS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_one_alert),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_many_accounts),
        cmocka_unit_test(test_unsaved_counts_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
