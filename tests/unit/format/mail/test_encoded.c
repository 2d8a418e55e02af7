/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/mail/encoded.h"
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

static void test_decodes(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain", "plain"},
        /* RFC 2047 8 */
        {"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"},
        {"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld J\xc3\xb8rn Simonsen"},
        {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n "
         "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
         "If you can read this you understand the example."},
        {"(=?ISO-8859-1?Q?a?=)", "(a)"},
        {"(=?ISO-8859-1?Q?a?= b)", "(a b)"},
        {"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"},
        {"(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"},
        {"(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"},
        {"(=?ISO-8859-1?Q?a_b?=)", "(a b)"},
        {"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"},
        /* RFC 2231 5 */
        {"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"},
        /* one character over two words */
        {"=?utf-8?B?w?= =?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "\xc3\xbc"},
        {"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac"},
        /* what is broken stays */
        {"=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
        {"=?utf-8?Q?abc", "=?utf-8?Q?abc"},
        {"=??Q?abc?=", "=??Q?abc?="},
        {"=?=?=?", "=?=?=?"},
        {"=?no-such?Q?=FC?=", "\xc3\xbc"},
        {"raw \xc3\xbc", "raw \xc3\xbc"},
        {"raw \xfc", "raw \xc3\xbc"},
        {"a\r\n b", "a b"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        slice text;
        CHECK(mail_encoded_decode(&arena, slice_from_string(cases[i].in), &text), text,
              cases[i].out);
    }
}

static void test_writes_what_it_reads(void **state)
{
    (void)state;
    slice long_text =
        SLICE("\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
              "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
              "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc");
    struct buffer out;
    buffer_init(&out, 10000);
    mail_encoded_write(&out, long_text);
    slice rest = buffer_slice(&out), line, text;
    assert_true(slice_find(rest, SLICE("\r\n ")) > 0);
    for (bool more = true; more;) {
        more = slice_cut(rest, '\n', &line, &rest);
        assert_true(slice_trim(line).size <= 75); /* RFC 2047 2 */
    }
    CHECK(mail_encoded_decode(&arena, buffer_slice(&out), &text), text, long_text.data);
    buffer_reset(&out);
    mail_encoded_write(&out, SLICE("as it is"));
    assert_true(slice_equal(buffer_slice(&out), SLICE("as it is")));
    buffer_reset(&out);
    mail_encoded_write(&out, SLICE("=?looks?"));
    CHECK(mail_encoded_decode(&arena, buffer_slice(&out), &text), text, "=?looks?");
    buffer_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_decodes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writes_what_it_reads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
