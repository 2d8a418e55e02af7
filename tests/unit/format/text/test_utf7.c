/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/text/utf7.h"

static const struct {
    const char *encoded, *text;
} PAIRS[] = {
    {"", ""},
    {"INBOX", "INBOX"},
    {"R&-D", "R&D"},
    {"&-&-", "&&"},
    {"Entw&APw-rfe", "Entw\xc3\xbcrfe"},
    /* RFC 3501 5.1.3 */
    {"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
     "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
    {"&2D3eAA-", "\xf0\x9f\x98\x80"}, /* U+1F600: a surrogate pair */
    {"a&AAkACg-b", "a\t\nb"},
};

static void test_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++) {
        slice encoded = slice_from_string(PAIRS[i].encoded);
        slice text = slice_from_string(PAIRS[i].text);
        struct buffer out;
        buffer_init(&out, 1000);
        assert_ok(utf7_decode(encoded, &out));
        assert_true(slice_equal(buffer_slice(&out), text));
        buffer_reset(&out);
        assert_ok(utf7_encode(text, &out));
        assert_true(slice_equal(buffer_slice(&out), encoded));
        buffer_close(&out);
    }
}

static void test_refuses_second_spellings(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "&",          /* unterminated */
        "a&b",        /* unterminated */
        "&AGE-",      /* "a" needs no encoding */
        "&APw",       /* unterminated */
        "&APx-",      /* padding bits are not zero */
        "&APwA-",     /* a digit too many */
        "&2D0-",      /* half a pair */
        "&3gA-",      /* the other half */
        "&APw-&APw-", /* two runs where one would do */
        "&AP/-",      /* "/" is "," here */
        "&AP w-",     /* blank inside */
        "x\xff",      /* neither UTF-7 nor UTF-8 */
        "&A-",        /* six bits of nothing */
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct buffer out;
        buffer_init(&out, 1000);
        buffer_add(&out, SLICE("kept"));
        assert_error(utf7_decode(slice_from_string(BAD[i]), &out), ERROR_MALFORMED);
        assert_slice(buffer_slice(&out), "kept");
        buffer_close(&out);
    }
}

static void test_lets_raw_utf8_through(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 100);
    assert_ok(utf7_decode(SLICE("Entw\xc3\xbcrfe &- mehr"), &out));
    assert_slice(buffer_slice(&out), "Entw\xc3\xbcrfe & mehr");
    buffer_close(&out);
}

static void test_refuses_to_encode_bytes(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 100);
    assert_error(utf7_encode(SLICE("\xff"), &out), ERROR_MALFORMED);
    assert_int_equal(out.size, 0);
    buffer_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_refuses_second_spellings),
        cmocka_unit_test(test_lets_raw_utf8_through),
        cmocka_unit_test(test_refuses_to_encode_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
