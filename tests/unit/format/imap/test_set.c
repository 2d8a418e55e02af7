/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/limits.h"
#include "format/imap/set.h"

static void check(const char *text, uint32_t star, const char *expected)
{
    struct cursor c = over(text);
    struct imap_set set;
    assert_ok(imap_set_parse(&c, &arena, &set));
    assert_true(cursor_done(&c));
    imap_set_resolve(&set, star);
    buffer_reset(&written);
    imap_set_write(&set, &written);
    assert_int_equal(written.size, strlen(expected));
    assert_memory_equal(written.size ? written.data : "", expected, written.size);
}

static void test_parse_and_resolve(void **state)
{
    (void)state;
    check("1", 9, "1");
    check("2:4", 9, "2:4");
    check("4:2", 9, "2:4");
    /* RFC 3501 9: 2,4:7,9,12:* of a mailbox of 15 */
    check("2,4:7,9,12:*", 15, "2,4:7,9,12:15");
    check("*:4,5:7", 10, "4:10");
    check("*", 3, "3");
    check("*", 0, "");
    check("1:*", 0, "");
    check("7:*", 5, "5:7"); /* the last message is always in n:* */
    check("5,1,3,2,9:8,4", 9, "1:5,8:9");
    check("1:3,2:8,8,9", 9, "1:9");
    check("4294967295,1:4294967295", 9, "1:4294967295");
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",   "0", "1:",  ":1",         "1,",
                                      ",1", "a", "1:0", "4294967296", "*:*:1x"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD - 1; i++) {
        struct cursor c = over(BAD[i]);
        struct imap_set set;
        assert_error(imap_set_parse(&c, &arena, &set), ERROR_MALFORMED);
        assert_ptr_equal(c.at, BAD[i]);
    }
    struct cursor c = over("*:*:1x"); /* ends at the second colon */
    struct imap_set set;
    assert_ok(imap_set_parse(&c, &arena, &set));
    assert_int_equal(cursor_peek(&c), ':');
}

static void test_range_limit(void **state)
{
    (void)state;
    static char text[2 * (IMAP_SET_RANGES_MAX + 1)];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? ',' : '1';
    struct imap_set set;
    struct cursor c = cursor_over(slice_of(text, 2 * IMAP_SET_RANGES_MAX - 1));
    assert_ok(imap_set_parse(&c, &arena, &set));
    assert_int_equal(set.count, IMAP_SET_RANGES_MAX);
    c = cursor_over(slice_of(text, 2 * IMAP_SET_RANGES_MAX + 1));
    assert_error(imap_set_parse(&c, &arena, &set), ERROR_LIMIT);
}

static void test_membership_and_walk(void **state)
{
    (void)state;
    struct cursor c = over("3,7:9,20,4294967295");
    struct imap_set set;
    assert_ok(imap_set_parse(&c, &arena, &set));
    imap_set_resolve(&set, 100);
    static const uint32_t MEMBERS[] = {3, 7, 8, 9, 20, UINT32_MAX};
    size_t seen = 0;
    uint32_t number;
    for (struct imap_set_position p = {0}; imap_set_next(&set, &p, &number); seen++)
        assert_int_equal(number, MEMBERS[seen]);
    assert_int_equal(seen, 6);
    assert_int_equal(imap_set_size(&set), 6);
    assert_int_equal(imap_set_max(&set), UINT32_MAX);
    for (uint32_t i = 0; i < 30; i++)
        assert_int_equal(imap_set_has(&set, i), i == 3 || (i >= 7 && i <= 9) || i == 20);
}

static void test_building(void **state)
{
    (void)state;
    struct imap_set set = {0};
    for (uint32_t i = 1; i < 100; i++)
        if (i % 10 != 0)
            assert_ok(imap_set_add(&set, &arena, i));
    imap_set_write(&set, &written);
    assert_written("1:9,11:19,21:29,31:39,41:49,51:59,61:69,71:79,81:89,91:99");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_parse_and_resolve), grammar_test(test_refuses),
        grammar_test(test_range_limit),       grammar_test(test_membership_and_walk),
        grammar_test(test_building),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
