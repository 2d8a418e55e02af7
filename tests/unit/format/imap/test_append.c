/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/append.h"

static void test_forms(void **state)
{
    (void)state;
    struct imap_append append;
    struct cursor c = over(" saved-messages (\\Seen $x) {310}"); /* RFC 3501 6.3.11 */
    assert_ok(imap_append_parse(&c, &arena, IMAP_NAME_UTF7, &append));
    assert_slice(append.mailbox, "saved-messages");
    assert_int_equal(append.flags.system, IMAP_FLAG_SEEN);
    assert_int_equal(append.flags.keyword_count, 1);
    assert_false(append.dated);
    assert_int_equal(append.literal.size, 310);
    assert_true(append.literal.sync);

    c = over(" inbox \" 7-Feb-1994 21:52:25 -0800\" {9000000000+}");
    assert_ok(imap_append_parse(&c, &arena, IMAP_NAME_UTF7, &append));
    assert_slice(append.mailbox, "INBOX");
    assert_true(append.dated);
    assert_int_equal(append.date, 760686745);
    assert_int_equal(append.literal.size, 9000000000);
    assert_false(append.literal.sync);

    c = over(" {5}\r\na b c () \"01-Jan-1970 00:00:00 +0000\" ~{3}");
    assert_ok(imap_append_parse(&c, &arena, IMAP_NAME_UTF7, &append));
    assert_slice(append.mailbox, "a b c");
    assert_true(append.literal.binary);
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        " {5}", /* the mailbox name is still to come */
        " INBOX",
        " INBOX ",
        " INBOX (\\Seen)",
        " INBOX (\\Seen) \"x\"",
        " INBOX (\\Recent) {3}",
        " INBOX {3}\r\nabc",
        " INBOX{3}",
        " INBOX ({3}",
        " INBOX \"1-Jan-1970 00:00:00 +0000\" (\\Seen) {3}",
        " INBOX {3} ",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct cursor c = over(BAD[i]);
        struct imap_append append;
        assert_error(imap_append_parse(&c, &arena, IMAP_NAME_UTF7, &append), ERROR_MALFORMED);
        assert_ptr_equal(c.at, BAD[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {grammar_test(test_forms), grammar_test(test_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
