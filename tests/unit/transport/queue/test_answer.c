/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "transport/queue/answer.h"

#include <stdio.h>
#include <stdlib.h>

static void test_equal_words_are_one(void **state)
{
    (void)state;
    struct queue_item a = {0}, b = {0}, c = {0};
    queue_item_remember(&a, SLICE("mx: 451 later"));
    queue_item_remember(&b, SLICE("mx: 451 later"));
    queue_item_remember(&c, SLICE("mx: 450 no"));
    assert_ptr_equal(a.response, b.response);
    assert_string_equal(c.response, "mx: 450 no");
    queue_item_remember(&a, SLICE("mx: 451 later")); /* once more the same */
    assert_ptr_equal(a.response, b.response);
    queue_item_forget(&a);
    assert_null(a.response);
    assert_string_equal(b.response, "mx: 451 later");
    queue_item_remember(&b, SLICE("mx: 450 no"));
    assert_ptr_equal(b.response, c.response);
    queue_item_forget(&b);
    queue_item_forget(&c);
    queue_item_forget(&c);
}

static void test_own_words_are_shared_when_scheduled(void **state)
{
    (void)state;
    struct queue_item a = {.response = strdup("from disk")}, b = {.response = strdup("gone")};
    queue_item_remember(&a, slice_from_string(a.response));
    assert_true(a.response_shared);
    assert_string_equal(a.response, "from disk");
    queue_item_forget(&a);
    queue_item_forget(&b);
}

static void test_many(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    struct queue_item items[MANY] = {0};
    char text[32];
    for (unsigned round = 0; round < 5; round++)
        for (unsigned i = 0; i < MANY; i++) {
            snprintf(text, sizeof text, "answer %u", i * (round + 1) % 37);
            queue_item_remember(&items[i], slice_from_string(text));
        }
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "answer %u", i * 5 % 37);
        assert_string_equal(items[i].response, text);
    }
    for (unsigned i = 0; i < MANY; i++)
        queue_item_forget(&items[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_words_are_one),
        cmocka_unit_test(test_own_words_are_shared_when_scheduled),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
