/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/token.h"

static void test_atoms_end_at_specials(void **state)
{
    (void)state;
    static const char SPECIALS[] = "(){ %*\"\\]\x01\x7f\x80";
    for (size_t i = 0; i < sizeof SPECIALS - 1; i++) {
        char text[4] = {'a', 'b', SPECIALS[i], 'c'};
        struct cursor c = cursor_over(slice_of(text, 4));
        slice atom;
        assert_ok(imap_take_atom(&c, &atom));
        assert_slice(atom, "ab");
    }
    struct cursor c = over("(");
    slice atom;
    assert_error(imap_take_atom(&c, &atom), ERROR_MALFORMED);
    assert_int_equal(cursor_peek(&c), '(');
}

static void test_quoted(void **state)
{
    (void)state;
    slice s;
    struct cursor c = over("\"\" \"a b\" \"x\\\"y\\\\z\" \"gr\xc3\xbc\xc3\x9f\"");
    assert_ok(imap_take_string(&c, &arena, &s));
    assert_slice(s, "");
    assert_non_null(s.data);
    assert_ok(imap_take_space(&c));
    assert_ok(imap_take_string(&c, &arena, &s));
    assert_slice(s, "a b");
    assert_ok(imap_take_space(&c));
    assert_ok(imap_take_string(&c, &arena, &s));
    assert_slice(s, "x\"y\\z");
    assert_ok(imap_take_space(&c));
    assert_ok(imap_take_string(&c, &arena, &s));
    assert_slice(s, "gr\xc3\xbc\xc3\x9f");
    assert_ok(imap_take_end(&c));
}

static void test_bad_quoted(void **state)
{
    (void)state;
    static const char *const BAD[] = {"\"",       "\"abc",    "\"a\\\"",  "\"a\\b\"",
                                      "\"a\rb\"", "\"a\nb\"", "\"\xff\"", "\"a\\"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct cursor c = over(BAD[i]);
        slice s = SLICE("untouched");
        assert_error(imap_take_string(&c, &arena, &s), ERROR_MALFORMED);
        assert_slice(s, "untouched");
        assert_ptr_equal(c.at, BAD[i]);
    }
    struct cursor c = cursor_over(SLICE("\"a\0b\""));
    slice s;
    assert_error(imap_take_string(&c, &arena, &s), ERROR_MALFORMED);
}

static void test_literals(void **state)
{
    (void)state;
    slice s;
    struct cursor c = over("{5}\r\nhe\"lo{3+}\r\na\r\n~{0}\r\n!");
    assert_ok(imap_take_string(&c, &arena, &s));
    assert_slice(s, "he\"lo");
    assert_ok(imap_take_string(&c, &arena, &s));
    assert_slice(s, "a\r\n");
    assert_ok(imap_take_string(&c, &arena, &s));
    assert_slice(s, "");
    assert_int_equal(cursor_peek(&c), '!');

    static const char *const BAD[] = {"{5}\r\nhell", "{5}hello", "{}\r\n",
                                      "{-1}\r\n",    "{1}\na",   "{99999999999}\r\na"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        c = over(BAD[i]);
        assert_error(imap_take_string(&c, &arena, &s), ERROR_MALFORMED);
    }
    c = cursor_over(SLICE("{1}\r\n\0"));
    assert_error(imap_take_string(&c, &arena, &s), ERROR_MALFORMED);
    c = cursor_over(SLICE("~{1}\r\n\0")); /* RFC 3516: a literal8 may hold NUL */
    assert_ok(imap_take_string(&c, &arena, &s));
    assert_int_equal(s.size, 1);
}

static void test_astring_and_nstring(void **state)
{
    (void)state;
    slice s;
    struct cursor c = over("a]b+c rest");
    assert_ok(imap_take_astring(&c, &arena, &s));
    assert_slice(s, "a]b+c");
    c = over("gr\xc3\xbcn)");
    assert_ok(imap_take_astring(&c, &arena, &s));
    assert_slice(s, "gr\xc3\xbcn");
    c = over("\xff");
    assert_error(imap_take_astring(&c, &arena, &s), ERROR_MALFORMED);
    c = over("%");
    assert_error(imap_take_astring(&c, &arena, &s), ERROR_MALFORMED);
    assert_ok(imap_take_list_mailbox(&c, &arena, &s));
    assert_slice(s, "%");

    c = over("nil)");
    assert_ok(imap_take_nstring(&c, &arena, &s));
    assert_null(s.data);
    c = over("\"nil\"");
    assert_ok(imap_take_nstring(&c, &arena, &s));
    assert_slice(s, "nil");
    c = over("NILS");
    assert_error(imap_take_nstring(&c, &arena, &s), ERROR_MALFORMED);
}

static void test_numbers(void **state)
{
    (void)state;
    uint32_t number;
    struct cursor c = over("4294967295");
    assert_ok(imap_take_nz_number(&c, &number));
    assert_int_equal(number, UINT32_MAX);
    static const char *const BAD[] = {"0", "01", "4294967296", "", "-1", "x"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        c = over(BAD[i]);
        assert_error(imap_take_nz_number(&c, &number), ERROR_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_atoms_end_at_specials),
        grammar_test(test_quoted),
        grammar_test(test_bad_quoted),
        grammar_test(test_literals),
        grammar_test(test_astring_and_nstring),
        grammar_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
