/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/text/charset.h"
static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    charset_close_thread();
    return 0;
}

#define CHECK(call, text, expected)                                                                \
    do {                                                                                           \
        assert_false(failed(call));                                                                \
        if (!slice_equal(text, slice_from_string(expected)))                                       \
            fail_msg("got <%.*s>, expected <%s>", SLICE_ARG(text), expected);                      \
    } while (0)

static void test_charsets(void **state)
{
    (void)state;
    static const struct {
        const char *charset, *in, *out;
    } cases[] = {
        {"utf-8", "\xc3\xbc", "\xc3\xbc"},
        {"UTF-8", "a\xc3z\xff", "a\xef\xbf\xbdz\xef\xbf\xbd"},
        {"us-ascii", "abc", "abc"},
        {"iso-8859-1", "\xfc\x80", "\xc3\xbc\xe2\x82\xac"}, /* read as Windows-1252 */
        {"windows-1252", "\x93x\x94", "\xe2\x80\x9cx\xe2\x80\x9d"},
        {"iso-8859-15", "\xa4", "\xe2\x82\xac"},
        {"koi8-r", "\xf0\xf2", "\xd0\x9f\xd0\xa0"},
        {"gb2312", "\xc4\xe3\xba\xc3", "\xe4\xbd\xa0\xe5\xa5\xbd"},
        {"Shift_JIS", "\x93\xfa\x96\x7b", "\xe6\x97\xa5\xe6\x9c\xac"},
        {"big5", "\xa4\xa4", "\xe4\xb8\xad"},
        {"euc-kr", "\xc7\xd1", "\xed\x95\x9c"},
        {"iso-2022-jp", "\x1b$BF|K\\\x1b(B", "\xe6\x97\xa5\xe6\x9c\xac"},
        {"utf-7", "+AOQ-", "\xc3\xa4"},
        {"big5", "\xa4", "\xef\xbf\xbd"}, /* cut off */
        {"koi8-r", "", ""},
        {" utf-8 ", "x", "x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        slice text;
        assert_true(charset_is_known(slice_from_string(cases[i].charset)));
        CHECK(charset_to_utf8(&arena, slice_from_string(cases[i].charset),
                              slice_from_string(cases[i].in), &text),
              text, cases[i].out);
    }
}

static void test_unknown_names(void **state)
{
    (void)state;
    static const char *const names[] = {"", "x-unknown", "utf-8//IGNORE", "../../etc/passwd",
                                        "a b"};
    slice text;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_false(charset_is_known(slice_from_string(names[i])));
        assert_int_equal(
            charset_to_utf8(&arena, slice_from_string(names[i]), SLICE("x"), &text).kind,
            ERROR_NOT_FOUND);
    }
    char name[CHARSET_NAME_SIZE_MAX + 2];
    memset(name, 'u', sizeof name);
    assert_false(charset_is_known(slice_of(name, CHARSET_NAME_SIZE_MAX + 1)));
}

/* More charsets than descriptors are kept, twice over. */
static void test_descriptors_are_reused(void **state)
{
    (void)state;
    static const char *const names[] = {"iso-8859-2", "iso-8859-3",   "iso-8859-4", "iso-8859-5",
                                        "iso-8859-7", "koi8-r",       "koi8-u",     "windows-1250",
                                        "big5",       "windows-1251", "cp850",      "iso-8859-15"};
    assert_true(sizeof names / sizeof names[0] > CHARSET_OPEN_MAX);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            slice text;
            CHECK(charset_to_utf8(&arena, slice_from_string(names[i]), SLICE("abc"), &text), text,
                  "abc");
        }
}

static void test_big_input_and_arena_limit(void **state)
{
    (void)state;
    static char bytes[100001];
    memset(bytes, 0xf0, sizeof bytes);
    slice text;
    assert_false(
        failed(charset_to_utf8(&arena, SLICE("koi8-r"), slice_of(bytes, sizeof bytes), &text)));
    assert_int_equal(text.size, 2 * sizeof bytes);
    struct arena small;
    arena_init(&small, 1000);
    assert_int_equal(
        charset_to_utf8(&small, SLICE("koi8-r"), slice_of(bytes, sizeof bytes), &text).kind,
        ERROR_LIMIT);
    arena_close(&small);
}

static void test_guess(void **state)
{
    (void)state;
    slice text;
    CHECK(charset_guess_to_utf8(&arena, SLICE("\xc3\xbc"), &text), text, "\xc3\xbc");
    CHECK(charset_guess_to_utf8(&arena, SLICE("\xfc"), &text), text, "\xc3\xbc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_charsets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_descriptors_are_reused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_big_input_and_arena_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_guess, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
