/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/pop3/command.h"

static struct pop3_command parse(const char *text)
{
    struct pop3_command command;
    assert_ok(pop3_command_parse(slice_from_string(text), &command));
    return command;
}

static void refuse(slice text)
{
    struct pop3_command command;
    assert_error(pop3_command_parse(text, &command), ERROR_MALFORMED);
}

static void test_commands(void **state)
{
    (void)state;
    struct pop3_command c = parse("retr 17");
    assert_int_equal(c.verb, POP3_RETR);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.numbers[0], 17);
    c = parse("TOP 1 0");
    assert_int_equal(c.verb, POP3_TOP);
    assert_int_equal(c.numbers[0], 1);
    assert_int_equal(c.numbers[1], 0);
    assert_int_equal(c.count, POP3_ARGUMENTS_MAX);
    assert_int_equal(parse("LIST").count, 0);
    assert_int_equal(parse("LIST  ").count, 0); /* clients do */
    assert_int_equal(parse("LIST 3 ").count, 1);
    assert_int_equal(parse("LIST 99999999999999999999999").numbers[0], UINT32_MAX);
    assert_int_equal(parse("AUTH").count, 0);
    c = parse("AUTH PLAIN =");
    assert_slice(c.texts[0], "PLAIN");
    assert_slice(c.texts[1], "=");
    assert_string_equal(pop3_verb_name(POP3_UIDL), "UIDL");
}

static void test_the_rest_of_the_line(void **state)
{
    (void)state;
    assert_slice(parse("PASS  a b ").texts[0], " a b ");
    assert_slice(parse("PASS ").texts[0], "");
    assert_slice(parse("USER a@b").texts[0], "a@b");
}

static void test_refusals(void **state)
{
    (void)state;
    const char *const bad[] = {"",
                               " NOOP",
                               "FOO",
                               "NOOP x",
                               "RETR",
                               "RETR x",
                               "RETR -1",
                               "RETR 1x",
                               "RETR  1",
                               "TOP 1",
                               "TOP 1 2 3",
                               "PASS",
                               "STAT 1",
                               "AUTH A B C",
                               "LIST 1 2",
                               "RETRX 1",
                               "APOP a 0123456789abcdef0123456789abcdef"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(slice_from_string(bad[i]));
    refuse(SLICE("PASS a\0b"));
    refuse(SLICE("NOOP\0"));
    struct pop3_command command;
    assert_error(pop3_command_parse(SLICE("DELE"), &command), ERROR_MALFORMED);
    assert_int_equal(command.verb, POP3_DELE); /* told all the same */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_the_rest_of_the_line),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
