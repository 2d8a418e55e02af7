/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/text/base64.h"
#include "format/text/quoted_printable.h"
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
    return 0;
}

#define CHECK(call, text, expected)                                                                \
    do {                                                                                           \
        assert_false(failed(call));                                                                \
        if (!slice_equal(text, slice_from_string(expected)))                                       \
            fail_msg("got <%.*s>, expected <%s>", SLICE_ARG(text), expected);                      \
    } while (0)

static void test_strict(void **state)
{
    (void)state;
    /* RFC 4648 10 */
    static const struct {
        const char *plain, *encoded;
    } cases[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        slice text;
        struct buffer out;
        buffer_init(&out, 100);
        CHECK(base64_decode(&arena, slice_from_string(cases[i].encoded), &text), text,
              cases[i].plain);
        base64_encode(&out, slice_from_string(cases[i].plain));
        assert_true(slice_equal(buffer_slice(&out), slice_from_string(cases[i].encoded)));
        buffer_close(&out);
    }
    static const char *const bad[] = {"Z",    "Zg",   "Zg=",  "Zg==\n", "Z===",  "====", "Zm9v=",
                                      "Zh==", "Zm9=", "Zg=v", "Z g=",   "Zm9vZ", "=Zm9", "Zm\xffv"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        slice text;
        if (base64_decode(&arena, slice_from_string(bad[i]), &text).kind != ERROR_MALFORMED)
            fail_msg("accepted %s", bad[i]);
    }
}

static void test_every_byte(void **state)
{
    (void)state;
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    struct buffer out;
    buffer_init(&out, 1000);
    base64_encode(&out, slice_of(all, 256));
    slice text;
    assert_false(failed(base64_decode(&arena, buffer_slice(&out), &text)));
    assert_true(slice_equal(text, slice_of(all, 256)));
    assert_false(failed(base64_decode_loose(&arena, buffer_slice(&out), &text)));
    assert_true(slice_equal(text, slice_of(all, 256)));
    buffer_close(&out);
}

static void test_loose(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {{"Zm9v\r\nYmFy\r\n", "foobar"},
                 {"Zg==Zg==", "ff"},
                 {"Zm8", "fo"},
                 {"Zg", "f"},
                 {"Z", ""},
                 {"Z!m@9#v", "foo"},
                 {"====", ""},
                 {"Zm9vZ=", "foo"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        slice text;
        CHECK(base64_decode_loose(&arena, slice_from_string(cases[i].in), &text), text,
              cases[i].out);
    }
}

static void test_quoted_printable(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.",
         "Now's the time for all folk to come to the aid of their country."}, /* RFC 2045 6.7 */
        {"a=3Db", "a=b"},
        {"=c3=BC", "\xc3\xbc"},
        {"a  \r\nb\t\r\n", "a\r\nb\r\n"},
        {"a= \t\r\nb", "ab"},
        {"a=\nb", "ab"},
        {"a \nb", "a\nb"},
        {"a=", "a"},
        {"a=4", "a=4"},
        {"a=zz b", "a=zz b"},
        {"a = b", "a = b"},
        {"  lead", "  lead"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        slice text;
        CHECK(quoted_printable_decode(&arena, slice_from_string(cases[i].in), &text), text,
              cases[i].out);
    }
    slice text;
    CHECK(quoted_printable_decode_word(&arena, SLICE("a_b=20c=5F_ "), &text), text, "a b c_  ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_strict, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loose, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quoted_printable, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
