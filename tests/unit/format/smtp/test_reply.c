/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/smtp/reply.h"
#include "format/smtp/response.h"

#define ASSERT_TEXT(s, text) assert_true(slice_equal((s), slice_from_string(text)))

/* RFC 2034 4, RFC 3463: every reply but 354 has a status whose class is the code's, and fits. */
static void test_the_table_is_sound(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, SMTP_REPLY_SIZE_MAX);
    for (int reply = SMTP_REPLY_NONE + 1; reply < SMTP_REPLIES; reply++) {
        const struct smtp_reply_row *row = smtp_reply_row((enum smtp_reply)reply);
        assert_true(row->code >= 200 && row->code < 600);
        if (row->code == 354)
            assert_null(row->enhanced);
        else
            assert_int_equal(row->enhanced[0], '0' + row->code / 100);
        buffer_reset(&out);
        smtp_reply_write(&out, (enum smtp_reply)reply);
        assert_true(out.size <= SMTP_REPLY_LINE_SIZE_MAX);
        assert_true(slice_ends(buffer_slice(&out), SLICE("\r\n")));
    }
    buffer_close(&out);
}

static void test_writes(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, SMTP_REPLY_SIZE_MAX);
    smtp_reply_write(&out, SMTP_REPLY_NONE);
    assert_int_equal(out.size, 0);
    smtp_reply_write(&out, SMTP_REPLY_NO_RELAY);
    ASSERT_TEXT(buffer_slice(&out), "550 5.7.1 Mail is not relayed for strangers\r\n");
    buffer_reset(&out);
    smtp_reply_text(&out, SMTP_REPLY_OK, SLICE("a\r\nb"));
    ASSERT_TEXT(buffer_slice(&out), "250 2.0.0 a??b\r\n");
    buffer_reset(&out);
    smtp_reply_lines(&out, 250, NULL, SLICE("mx.example\nSIZE 1000\nHELP"));
    ASSERT_TEXT(buffer_slice(&out), "250-mx.example\r\n250-SIZE 1000\r\n250 HELP\r\n");
    buffer_reset(&out);
    char text[1000];
    memset(text, 'x', sizeof text);
    smtp_reply_text(&out, SMTP_REPLY_OK, slice_of(text, sizeof text));
    assert_int_equal(out.size, SMTP_REPLY_LINE_SIZE_MAX);
    buffer_close(&out);
}

static void test_reads_what_is_written(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, SMTP_REPLY_SIZE_MAX);
    smtp_reply_lines(&out, 550, "5.1.1", SLICE("no\nsuch\nuser"));
    struct smtp_response response;
    smtp_response_init(&response);
    slice rest = buffer_slice(&out), line;
    while (!response.finished) {
        slice_cut(rest, '\n', &line, &rest);
        assert_false(failed(smtp_response_add_line(&response, slice_trim(line))));
    }
    assert_int_equal(rest.size, 0);
    assert_int_equal(response.code, 550);
    assert_int_equal(response.enhanced[0], 5);
    assert_int_equal(response.enhanced[2], 1);
    ASSERT_TEXT(buffer_slice(&response.text), "no\nsuch\nuser");
    smtp_response_close(&response);
    buffer_close(&out);
}

static void test_keywords(void **state)
{
    (void)state;
    struct smtp_response response;
    smtp_response_init(&response);
    assert_false(failed(smtp_response_add_line(&response, SLICE("250-mx greets you"))));
    assert_false(failed(smtp_response_add_line(&response, SLICE("250-SIZE 1000"))));
    assert_false(failed(smtp_response_add_line(&response, SLICE("250 starttls"))));
    slice rest;
    assert_true(smtp_response_keyword(&response, SLICE("size"), &rest));
    ASSERT_TEXT(rest, "1000");
    assert_true(smtp_response_keyword(&response, SLICE("STARTTLS"), NULL));
    assert_false(smtp_response_keyword(&response, SLICE("START"), NULL));
    smtp_response_close(&response);
}

static void test_odd_replies(void **state)
{
    (void)state;
    struct smtp_response response;
    smtp_response_init(&response);
    assert_false(failed(smtp_response_add_line(&response, SLICE("250"))));
    assert_true(response.finished);
    smtp_response_reset(&response);
    /* a status of another class is text */
    assert_false(failed(smtp_response_add_line(&response, SLICE("250 5.1.1 odd"))));
    assert_int_equal(response.enhanced[0], 0);
    ASSERT_TEXT(buffer_slice(&response.text), "5.1.1 odd");
    static const char *const bad[] = {"", "25", "abc def", "199 x", "600 x", "250x", "2 50"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        smtp_response_reset(&response);
        assert_int_equal(smtp_response_add_line(&response, slice_from_string(bad[i])).kind,
                         ERROR_MALFORMED);
    }
    smtp_response_reset(&response);
    assert_false(failed(smtp_response_add_line(&response, SLICE("250-a"))));
    assert_int_equal(smtp_response_add_line(&response, SLICE("550 b")).kind, ERROR_MALFORMED);
    smtp_response_close(&response);
}

static void test_limits(void **state)
{
    (void)state;
    struct smtp_response response;
    smtp_response_init(&response);
    for (int i = 0; i < SMTP_RESPONSE_LINE_COUNT_MAX; i++)
        assert_false(failed(smtp_response_add_line(&response, SLICE("250-a"))));
    assert_int_equal(smtp_response_add_line(&response, SLICE("250 a")).kind, ERROR_LIMIT);
    smtp_response_reset(&response);
    static char line[SMTP_RESPONSE_SIZE_MAX + 10] = "250-";
    memset(line + 4, 'x', sizeof line - 4);
    assert_false(failed(smtp_response_add_line(&response, slice_of(line, SMTP_RESPONSE_SIZE_MAX))));
    assert_int_equal(smtp_response_add_line(&response, SLICE("250-xxxxxxx")).kind, ERROR_LIMIT);
    smtp_response_close(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_is_sound),    cmocka_unit_test(test_writes),
        cmocka_unit_test(test_reads_what_is_written), cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_odd_replies),           cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
