/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/dns/zone.h"

static struct buffer out;

static slice text_of(slice text)
{
    buffer_reset(&out);
    zone_text(&out, text);
    return buffer_slice(&out);
}

static void test_quotes_texts(void **state)
{
    (void)state;
    assert_slice(text_of(SLICE("v=spf1 mx -all")), "\"v=spf1 mx -all\"");
    assert_slice(text_of(SLICE("a\"b\\c\n\xc3")), "\"a\\\"b\\\\c\\010\\195\"");
    assert_slice(text_of(SLICE_EMPTY), "\"\"");
}

static void test_splits_long_texts(void **state)
{
    (void)state;
    static char longest[ZONE_STRING_SIZE_MAX + 1];
    memset(longest, 'x', sizeof longest);
    assert_int_equal(text_of(slice_of(longest, ZONE_STRING_SIZE_MAX)).size,
                     ZONE_STRING_SIZE_MAX + 2);
    slice two = text_of(slice_of(longest, sizeof longest));
    assert_true(slice_starts(two, SLICE("( \"xx")));
    assert_true(slice_ends(two, SLICE("x\" \"x\" )")));
}

static void test_writes_records(void **state)
{
    (void)state;
    buffer_reset(&out);
    zone_record(&out, SLICE("example.org"), 3600, "MX", SLICE("10 mail.example.org."));
    assert_slice(buffer_slice(&out), "example.org. 3600 IN MX 10 mail.example.org.\n");
}

int main(void)
{
    buffer_init(&out, 4096);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quotes_texts),
        cmocka_unit_test(test_splits_long_texts),
        cmocka_unit_test(test_writes_records),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&out);
    return failures;
}
