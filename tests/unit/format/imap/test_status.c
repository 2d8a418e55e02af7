/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/status.h"

static void test_items(void **state)
{
    (void)state;
    struct cursor c = over(" blurdybloop (UIDNEXT messages)"); /* RFC 3501 6.3.10 */
    struct imap_status status;
    assert_ok(imap_status_parse(&c, &arena, IMAP_NAME_UTF7, &status));
    assert_slice(status.mailbox, "blurdybloop");
    assert_int_equal(status.items, IMAP_STATUS_UIDNEXT | IMAP_STATUS_MESSAGES);
    static const char *const BAD[] = {"",         " a",           " a ()",           " a MESSAGES",
                                      " a (FOO)", " a (MESSAGES", " a (MESSAGES) x", " (MESSAGES)"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        c = over(BAD[i]);
        assert_error(imap_status_parse(&c, &arena, IMAP_NAME_UTF7, &status), ERROR_MALFORMED);
        assert_ptr_equal(c.at, BAD[i]);
    }
}

static void test_write(void **state)
{
    (void)state;
    const uint64_t values[IMAP_STATUS_ITEM_COUNT] = {231, 1, 44292, 7, 0, 3, 9000000000};
    imap_status_write(SLICE("a b"), IMAP_NAME_UTF7, IMAP_STATUS_UIDNEXT | IMAP_STATUS_MESSAGES,
                      values, &written);
    assert_written("* STATUS \"a b\" (MESSAGES 231 UIDNEXT 44292)\r\n");
    imap_status_write(SLICE("x"), IMAP_NAME_UTF7, (1 << IMAP_STATUS_ITEM_COUNT) - 1, values,
                      &written);
    assert_written("* STATUS x (MESSAGES 231 RECENT 1 UIDNEXT 44292 UIDVALIDITY 7 UNSEEN 0 "
                   "DELETED 3 SIZE 9000000000)\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {grammar_test(test_items), grammar_test(test_write)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
