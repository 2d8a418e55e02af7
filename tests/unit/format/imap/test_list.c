/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/limits.h"
#include "format/imap/list.h"
#include "format/imap/status.h"

static struct imap_list parse(const char *text)
{
    struct cursor c = over(text);
    struct imap_list list;
    assert_ok(imap_list_parse(&c, &arena, IMAP_NAME_UTF7, &list));
    assert_true(cursor_done(&c));
    return list;
}

static void test_plain(void **state)
{
    (void)state;
    struct imap_list list = parse(" \"\" *");
    assert_slice(list.reference, "");
    assert_int_equal(list.pattern_count, 1);
    assert_slice(list.patterns[0], "*");
    assert_false(list.extended);
    list = parse(" ~/Mail/ %");
    assert_slice(list.reference, "~/Mail/");
    list = parse(" \"\" \"\"");
    assert_slice(list.patterns[0], "");
    list = parse(" \"\" \"Entw&APw-*\"");
    assert_slice(list.patterns[0], "Entw\xc3\xbc*");
}

static void test_extended(void **state)
{
    (void)state;
    /* RFC 5258 5, RFC 5819 */
    struct imap_list list = parse(" (SUBSCRIBED RECURSIVEMATCH) \"\" (INBOX \"Dra%\") RETURN "
                                  "(CHILDREN SPECIAL-USE STATUS (MESSAGES UNSEEN))");
    assert_true(list.extended);
    assert_int_equal(list.select, IMAP_LIST_SUBSCRIBED | IMAP_LIST_RECURSIVE_MATCH);
    assert_int_equal(list.give, IMAP_LIST_RETURN_CHILDREN | IMAP_LIST_RETURN_SPECIAL_USE |
                                    IMAP_LIST_RETURN_STATUS);
    assert_int_equal(list.status_items, IMAP_STATUS_MESSAGES | IMAP_STATUS_UNSEEN);
    assert_int_equal(list.pattern_count, 2);
    assert_slice(list.patterns[1], "Dra%");
    list = parse(" () \"\" % RETURN ()");
    assert_true(list.extended);
    assert_int_equal(list.select | list.give, 0);
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      " \"\"",
                                      " \"\" ",
                                      " \"\" * x",
                                      " (FOO) \"\" *",
                                      " (RECURSIVEMATCH) \"\" *",
                                      " \"\" () ",
                                      " \"\" (a",
                                      " \"\" * RETURN",
                                      " \"\" * RETURN (STATUS)",
                                      " \"\" * RETURN (FOO)",
                                      " \"\" \"&\""};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct cursor c = over(BAD[i]);
        struct imap_list list;
        assert_error(imap_list_parse(&c, &arena, IMAP_NAME_UTF7, &list), ERROR_MALFORMED);
        assert_ptr_equal(c.at, BAD[i]);
    }
    struct cursor c = over(" (SUBSCRIBED) \"\" *");
    struct imap_list list;
    assert_error(imap_lsub_parse(&c, &arena, IMAP_NAME_UTF7, &list), ERROR_MALFORMED);
    c = over(" \"\" *");
    assert_ok(imap_lsub_parse(&c, &arena, IMAP_NAME_UTF7, &list));
    assert_int_equal(list.select, IMAP_LIST_SUBSCRIBED);
}

static void test_pattern_limit(void **state)
{
    (void)state;
    buffer_add(&written, SLICE(" \"\" (a"));
    for (int i = 1; i < IMAP_PATTERNS_MAX; i++)
        buffer_add(&written, SLICE(" a"));
    buffer_add(&written, SLICE(")"));
    struct cursor c = cursor_over(buffer_slice(&written));
    struct imap_list list;
    assert_ok(imap_list_parse(&c, &arena, IMAP_NAME_UTF7, &list));
    buffer_truncate(&written, written.size - 1);
    buffer_add(&written, SLICE(" a)"));
    c = cursor_over(buffer_slice(&written));
    assert_error(imap_list_parse(&c, &arena, IMAP_NAME_UTF7, &list), ERROR_LIMIT);
}

static void test_lines(void **state)
{
    (void)state;
    imap_list_write(
        &(struct imap_list_line){.verb = "LIST", .separator = '.', .name = SLICE("INBOX")},
        IMAP_NAME_UTF7, &written);
    assert_written("* LIST () \".\" INBOX\r\n");
    imap_list_write(&(struct imap_list_line){.verb = "LSUB",
                                             .attributes = IMAP_ATTRIBUTE_NOSELECT |
                                                           IMAP_ATTRIBUTE_HAS_CHILDREN |
                                                           IMAP_ATTRIBUTE_TRASH,
                                             .separator = '/',
                                             .name = SLICE("Papierk\xc3\xb6rbe 1"),
                                             .child_info_subscribed = true},
                    IMAP_NAME_UTF7, &written);
    assert_written("* LSUB (\\Noselect \\HasChildren \\Trash) \"/\" \"Papierk&APY-rbe 1\" "
                   "(\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n");
    imap_list_write(&(struct imap_list_line){.verb = "LIST", .name = SLICE("x")}, IMAP_NAME_UTF8,
                    &written);
    assert_written("* LIST () NIL x\r\n");
    imap_list_write(&(struct imap_list_line){.verb = "LIST", .separator = '\\', .name = SLICE("x")},
                    IMAP_NAME_UTF8, &written);
    assert_written("* LIST () \"\\\\\" x\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_plain),         grammar_test(test_extended), grammar_test(test_refuses),
        grammar_test(test_pattern_limit), grammar_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
