/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/limits.h"
#include "format/imap/write.h"

static void test_strings(void **state)
{
    (void)state;
    imap_write_string(SLICE(""), false, &written);
    assert_written("\"\"");
    imap_write_string(SLICE("a \"b\" \\c"), false, &written);
    assert_written("\"a \\\"b\\\" \\\\c\"");
    imap_write_string(SLICE("a\r\nb"), false, &written);
    assert_written("{4}\r\na\r\nb");
    imap_write_string(SLICE("\xc3\xbc"), false, &written);
    assert_written("{2}\r\n\xc3\xbc");
    imap_write_string(SLICE("\xc3\xbc"), true, &written);
    assert_written("\"\xc3\xbc\"");
    imap_write_string(SLICE("\xff"), true, &written);
    assert_written("{1}\r\n\xff");
    imap_write_string(SLICE("a\0b"), false, &written);
    assert_written("{2}\r\nab");
}

static void test_long_strings_are_literals(void **state)
{
    (void)state;
    char text[IMAP_WRITE_QUOTED_SIZE_MAX + 1];
    memset(text, 'x', sizeof text);
    imap_write_string(slice_of(text, IMAP_WRITE_QUOTED_SIZE_MAX), false, &written);
    assert_int_equal(written.data[0], '"');
    buffer_reset(&written);
    imap_write_string(slice_of(text, sizeof text), false, &written);
    assert_true(slice_starts(buffer_slice(&written), SLICE("{1001}\r\nxxx")));
}

static void test_nil_and_atoms(void **state)
{
    (void)state;
    imap_write_nstring(SLICE_EMPTY, false, &written);
    assert_written("NIL");
    imap_write_nstring(SLICE(""), false, &written);
    assert_written("\"\"");
    imap_write_astring(SLICE("a]b"), false, &written);
    assert_written("a]b");
    imap_write_astring(SLICE("nil"), false, &written);
    assert_written("\"nil\"");
    imap_write_astring(SLICE("a b"), false, &written);
    assert_written("\"a b\"");
    imap_write_astring(SLICE(""), false, &written);
    assert_written("\"\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_strings),
        grammar_test(test_long_strings_are_literals),
        grammar_test(test_nil_and_atoms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
