/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/flag.h"
#include "format/imap/limits.h"

static void test_list(void **state)
{
    (void)state;
    struct cursor c = over("(\\seen $Forwarded \\Deleted $forwarded NonJunk) x");
    struct imap_flags flags;
    assert_ok(imap_flag_list_parse(&c, &arena, &flags));
    assert_int_equal(flags.system, IMAP_FLAG_SEEN | IMAP_FLAG_DELETED);
    assert_int_equal(flags.keyword_count, 2);
    assert_slice(flags.keywords[0], "$Forwarded");
    assert_slice(flags.keywords[1], "NonJunk");
    assert_int_equal(cursor_peek(&c), ' ');
    c = over("()");
    assert_ok(imap_flag_list_parse(&c, &arena, &flags));
    assert_int_equal(flags.system | flags.keyword_count, 0);
}

static void test_without_parentheses(void **state)
{
    (void)state;
    struct cursor c = over("\\Answered \\Draft junk");
    struct imap_flags flags;
    assert_ok(imap_flags_parse(&c, &arena, &flags));
    assert_int_equal(flags.system, IMAP_FLAG_ANSWERED | IMAP_FLAG_DRAFT);
    assert_int_equal(flags.keyword_count, 1);
    assert_true(cursor_done(&c));
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const BAD[] = {"(\\Recent)", "(\\Foo)", "(\\)", "(",       "(a",
                                      "(a  b)",     "( a)",    "(a )", "\\Seen ", ""};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct cursor c = over(BAD[i]);
        struct imap_flags flags;
        assert_error(imap_flags_parse(&c, &arena, &flags), ERROR_MALFORMED);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct imap_flags flags = {0};
    char name[IMAP_KEYWORD_SIZE_MAX + 1];
    memset(name, 'k', sizeof name);
    struct cursor c = cursor_over(slice_of(name, sizeof name));
    assert_error(imap_flag_parse(&c, &arena, &flags), ERROR_LIMIT);
    c = cursor_over(slice_of(name, IMAP_KEYWORD_SIZE_MAX));
    assert_ok(imap_flag_parse(&c, &arena, &flags));

    buffer_add(&written, SLICE("k0"));
    for (int i = 1; i < IMAP_FLAGS_MAX; i++)
        buffer_format(&written, " k%d", i);
    c = cursor_over(buffer_slice(&written));
    assert_ok(imap_flags_parse(&c, &arena, &flags));
    assert_int_equal(flags.keyword_count, IMAP_FLAGS_MAX);
    assert_slice(flags.keywords[IMAP_FLAGS_MAX - 1], "k127");
    buffer_add(&written, SLICE(" another"));
    c = cursor_over(buffer_slice(&written));
    assert_error(imap_flags_parse(&c, &arena, &flags), ERROR_LIMIT);
}

static void test_keyword_names(void **state)
{
    (void)state;
    assert_true(imap_keyword_is_valid(SLICE("$MDNSent")));
    assert_false(imap_keyword_is_valid(SLICE("")));
    assert_false(imap_keyword_is_valid(SLICE("a b")));
    assert_false(imap_keyword_is_valid(SLICE("\\Seen")));
    assert_false(imap_keyword_is_valid(SLICE("a]")));
}

static void test_write(void **state)
{
    (void)state;
    slice keywords[] = {SLICE("$Junk"), SLICE("x")};
    imap_flags_write(0, NULL, 0, &written);
    assert_written("()");
    imap_flags_write(IMAP_FLAG_SEEN | IMAP_FLAG_RECENT, keywords, 2, &written);
    assert_written("(\\Seen \\Recent $Junk x)");
    imap_flags_write(0, keywords, 1, &written);
    assert_written("($Junk)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_list),          grammar_test(test_without_parentheses),
        grammar_test(test_refuses),       grammar_test(test_limits),
        grammar_test(test_keyword_names), grammar_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
