/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/managesieve/command.h"
#include "format/managesieve/response.h"

#include <stdio.h>

static struct arena arena;

static struct managesieve_command parse(const char *text)
{
    struct managesieve_command command;
    assert_ok(managesieve_command_parse(slice_from_string(text), &arena, &command));
    return command;
}

static void refuse(const char *text, enum error_kind kind)
{
    struct managesieve_command command;
    assert_error(managesieve_command_parse(slice_from_string(text), &arena, &command), kind);
}

static void test_commands(void **state)
{
    (void)state;
    struct managesieve_command c = parse("putscript \"a \\\"b\\\\\" {7+}\r\nkeep;\r\n");
    assert_int_equal(c.verb, MANAGESIEVE_PUTSCRIPT);
    assert_true(slice_equal(c.strings[0], SLICE("a \"b\\")));
    assert_true(slice_equal(c.strings[1], SLICE("keep;\r\n")));
    c = parse("HAVESPACE {1+}\r\nx 4294967295");
    assert_int_equal(c.number, 4294967295u);
    assert_int_equal(parse("NOOP").count, 0);
    assert_int_equal(parse("NOOP \"\"").count, 1);
    assert_int_equal(parse("AUTHENTICATE \"PLAIN\"").count, 1);
    assert_int_equal(parse("AUTHENTICATE \"PLAIN\" \"x\"").count, 2);
    assert_int_equal(managesieve_verb_of(SLICE("setactive \"")), MANAGESIEVE_SETACTIVE);
    assert_int_equal(managesieve_verb_of(SLICE("")), MANAGESIEVE_VERB_UNKNOWN);
}

static void test_refusals(void **state)
{
    (void)state;
    const char *const bad[] = {"",
                               " NOOP",
                               "FOO",
                               "NOOP ",
                               "NOOP x",
                               "LISTSCRIPTS \"x\"",
                               "SETACTIVE",
                               "SETACTIVE  \"x\"",
                               "SETACTIVE \"x",
                               "SETACTIVE \"x\"y",
                               "SETACTIVE \"\\n\"",
                               "SETACTIVE \"\xff\"",
                               "HAVESPACE \"x\" 4294967296", /* MANAGESIEVE_NUMBER_MAX */
                               "HAVESPACE \"x\" -1",
                               "HAVESPACE \"x\" \"1\"",
                               "PUTSCRIPT \"x\" {9+}\r\nshort",
                               "PUTSCRIPT \"x\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(bad[i], ERROR_MALFORMED);
}

static void test_quoted_size(void **state)
{
    (void)state;
    char text[MANAGESIEVE_QUOTED_SIZE_MAX + 40];
    int head = snprintf(text, sizeof text, "SETACTIVE \"");
    memset(text + head, 'x', MANAGESIEVE_QUOTED_SIZE_MAX + 1);
    strcpy(text + head + MANAGESIEVE_QUOTED_SIZE_MAX, "\"");
    assert_int_equal(parse(text).strings[0].size, MANAGESIEVE_QUOTED_SIZE_MAX);
    strcpy(text + head + MANAGESIEVE_QUOTED_SIZE_MAX, "x\"");
    refuse(text, ERROR_LIMIT);
}

static void test_responses(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 4096);
    managesieve_response_write(&(struct managesieve_response){.status = MANAGESIEVE_OK}, &out);
    managesieve_response_write(
        &(struct managesieve_response){.status = MANAGESIEVE_NO,
                                       .code = MANAGESIEVE_CODE_QUOTA_MAXSCRIPTS,
                                       .text = SLICE("too \"many\"")},
        &out);
    managesieve_response_write(&(struct managesieve_response){.status = MANAGESIEVE_OK,
                                                              .code = MANAGESIEVE_CODE_TAG,
                                                              .argument = SLICE(""),
                                                              .text = SLICE("a\r\nb")},
                               &out);
    assert_true(
        slice_equal(buffer_slice(&out), SLICE("OK\r\n"
                                              "NO (QUOTA/MAXSCRIPTS) \"too \\\"many\\\"\"\r\n"
                                              "OK (TAG \"\") {4}\r\na\r\nb\r\n")));
    buffer_close(&out);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commands, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quoted_size, setup, teardown),
        cmocka_unit_test(test_responses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
