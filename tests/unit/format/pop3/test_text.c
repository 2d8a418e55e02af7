/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/buffer.h"
#include "format/pop3/text.h"

static struct buffer out;

/* In chunks of `step` bytes. */
static void render(slice message, int64_t lines, size_t step)
{
    struct pop3_text text;
    buffer_reset(&out);
    pop3_text_init(&text, lines);
    for (size_t at = 0; at < message.size && !text.done; at += step) {
        slice chunk = slice_sub(message, at, step), before, run;
        while (pop3_text_next(&text, &chunk, &before, &run)) {
            buffer_add(&out, before);
            buffer_add(&out, run);
        }
    }
    buffer_add(&out, pop3_text_end(&text));
    assert_ok(buffer_check(&out));
}

static void check(const char *message, int64_t lines, const char *expected)
{
    slice all = slice_from_string(message);
    for (size_t step = 1; step <= all.size + 1; step++) {
        render(all, lines, step);
        buffer_add_byte(&out, '\0');
        assert_string_equal(out.data, expected);
    }
}

static void test_whole(void **state)
{
    (void)state;
    check("", POP3_TEXT_WHOLE, ".\r\n");
    check("A: b\r\n\r\nc\r\n", POP3_TEXT_WHOLE, "A: b\r\n\r\nc\r\n.\r\n");
    check(".\r\n..\r\n.a\r\na.\r\n", POP3_TEXT_WHOLE, "..\r\n...\r\n..a\r\na.\r\n.\r\n");
    check("no end", POP3_TEXT_WHOLE, "no end\r\n.\r\n");
    check("cr end\r", POP3_TEXT_WHOLE, "cr end\r\n.\r\n");
    check(".", POP3_TEXT_WHOLE, "..\r\n.\r\n");
}

/* Of another server's file. A CR that is not followed by LF stays what it is. */
static void test_bare_lf(void **state)
{
    (void)state;
    check("a\n\nb\r\n.\n", POP3_TEXT_WHOLE, "a\r\n\r\nb\r\n..\r\n.\r\n");
    check("\n", POP3_TEXT_WHOLE, "\r\n.\r\n");
    check("a\rb\r\r\n.c\r\n", POP3_TEXT_WHOLE, "a\rb\r\r\n..c\r\n.\r\n");
}

static void test_top(void **state)
{
    (void)state;
    static const char *const mail = "A: b\r\nC: d\r\n\r\n.1\r\n\r\n3\r\n";
    check(mail, 0, "A: b\r\nC: d\r\n\r\n.\r\n");
    check(mail, 1, "A: b\r\nC: d\r\n\r\n..1\r\n.\r\n");
    check(mail, 2, "A: b\r\nC: d\r\n\r\n..1\r\n\r\n.\r\n");
    check(mail, 3, "A: b\r\nC: d\r\n\r\n..1\r\n\r\n3\r\n.\r\n");
    check(mail, 4294967295, "A: b\r\nC: d\r\n\r\n..1\r\n\r\n3\r\n.\r\n");
    check("A: b\nC: d\n\n1\n2\n", 1, "A: b\r\nC: d\r\n\r\n1\r\n.\r\n");
    check("A: only a header\r\n", 5, "A: only a header\r\n.\r\n");
    check("\r\nbody\r\nmore\r\n", 1, "\r\nbody\r\n.\r\n");
    check("A: b\r\n\r\r\nC: d\r\n\r\nx\r\n", 0, "A: b\r\n\r\r\nC: d\r\n\r\n.\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_bare_lf),
        cmocka_unit_test(test_top),
    };
    buffer_init(&out, 4096);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&out);
    return result;
}
