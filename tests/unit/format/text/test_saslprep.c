/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/text/saslprep.h"

#include <string.h>

static char room[SASLPREP_SIZE_MAX];

static void check_one(const char *text, const char *expected)
{
    slice prepared;
    assert_ok(saslprep(slice_from_string(text), room, &prepared));
    assert_int_equal(prepared.size, strlen(expected));
    assert_memory_equal(prepared.data, expected, prepared.size);
}

static void refuse(const char *text)
{
    slice prepared;
    assert_error(saslprep(slice_from_string(text), room, &prepared), ERROR_MALFORMED);
}

/* RFC 4013 3 */
static void test_examples(void **state)
{
    (void)state;
    check_one("I\u00adX", "IX");
    check_one("user", "user");
    check_one("USER", "USER");
    check_one("\u00aa", "a");
    check_one("\u2168", "IX");
    refuse("\a");
    refuse("\u0627"
           "1");
}

static void test_one_password_two_keyboards(void **state)
{
    (void)state;
    check_one("Passwo\u0308rter", "Passw\u00f6rter");
    check_one("Passw\u00f6rter", "Passw\u00f6rter");
    check_one("two\u00a0words", "two words");
    check_one("two\u3000words", "two words");
    check_one("\uff21\uff22\uff23", "ABC");
    check_one("\ufb01nal", "final");
    check_one("snow\u200d\ufe0fman", "snowman");
    check_one("\U0001f600", "\U0001f600"); /* younger than Unicode 3.2 */
    check_one("\u05d0\u05d1 \u05d2", "\u05d0\u05d1 \u05d2");
    check_one("\u06271\u0628", "\u06271\u0628");
}

static void test_what_no_password_has(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "\u00ad", /* nothing is left */
        "a\x7f",      "\xc2\x85",   "\u06dd",        "\u2028",     "\u202e", "\u2060\u2061",
        "\u2ff0",     "\ue000",     "\ufffd",        "\ufdd0",     "\uffff", "\U0001fffe",
        "\U000e0041", "\U000f0000", "\U0010ffff",    "\U0001d173", "\xff",   "\xc3",
        "a\u05d0",    "\u05d0a",    "\u05d0a\u05d0",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(bad[i]);
}

/* SASLPREP_SIZE_MAX, before and after: one letter may become eighteen. */
static void test_sizes(void **state)
{
    (void)state;
    static char text[SASLPREP_SIZE_MAX + 1];
    slice prepared;
    memset(text, 'a', sizeof text);
    assert_ok(saslprep(slice_of(text, SASLPREP_SIZE_MAX), room, &prepared));
    assert_int_equal(prepared.size, SASLPREP_SIZE_MAX);
    assert_error(saslprep(slice_of(text, SASLPREP_SIZE_MAX + 1), room, &prepared), ERROR_LIMIT);
    memcpy(text, "\u00e4", 2);
    assert_ok(saslprep(slice_of(text, SASLPREP_SIZE_MAX), room, &prepared));
    assert_int_equal(prepared.size, SASLPREP_SIZE_MAX);
    for (unsigned i = 0; i < 100; i++)
        memcpy(text + 3 * i, "\ufdfa", 3);
    assert_error(saslprep(slice_of(text, 300), room, &prepared), ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_one_password_two_keyboards),
        cmocka_unit_test(test_what_no_password_has),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
