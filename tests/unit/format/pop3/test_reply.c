/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/pop3/reply.h"

static struct buffer out;

static void check(struct pop3_reply reply, const char *expected)
{
    buffer_reset(&out);
    pop3_reply_write(&reply, &out);
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.data, expected, out.size);
}

static void test_replies(void **state)
{
    (void)state;
    check((struct pop3_reply){0}, "+OK\r\n");
    check((struct pop3_reply){.text = SLICE("2 320")}, "+OK 2 320\r\n");
    check((struct pop3_reply){.failed = true}, "-ERR\r\n");
    check((struct pop3_reply){.failed = true, .code = POP3_CODE_IN_USE}, "-ERR [IN-USE]\r\n");
    check((struct pop3_reply){.failed = true, .code = POP3_CODE_SYS_TEMP, .text = SLICE("later")},
          "-ERR [SYS/TEMP] later\r\n");
    check((struct pop3_reply){.failed = true, .code = POP3_CODE_SYS_PERM, .text = SLICE("never")},
          "-ERR [SYS/PERM] never\r\n");
    check((struct pop3_reply){.failed = true, .code = POP3_CODE_AUTH, .text = SLICE("who?")},
          "-ERR [AUTH] who?\r\n");
    check((struct pop3_reply){.failed = true, .code = POP3_CODE_LOGIN_DELAY, .text = SLICE("wait")},
          "-ERR [LOGIN-DELAY] wait\r\n");
}

static void test_a_reply_is_one_short_line(void **state)
{
    (void)state;
    char text[2 * POP3_REPLY_SIZE_MAX];
    memset(text, 'x', sizeof text);
    struct pop3_reply reply = {
        .failed = true, .code = POP3_CODE_LOGIN_DELAY, .text = slice_of(text, sizeof text)};
    buffer_reset(&out);
    pop3_reply_write(&reply, &out);
    assert_int_equal(out.size, POP3_REPLY_SIZE_MAX);
    assert_true(slice_ends(buffer_slice(&out), SLICE("x\r\n")));
    check((struct pop3_reply){.text = SLICE("a\r\n+OK b")}, "+OK a\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_a_reply_is_one_short_line),
    };
    buffer_init(&out, 4096);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&out);
    return result;
}
