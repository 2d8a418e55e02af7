/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/log.h"

#include <errno.h>
#include <unistd.h>

static char text[8192];

/* What one line with these values becomes, without its time. */
static const char *written(enum log_format format, slice value)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    log_configure(ends[1], LOG_INFO, format);
    struct log_line line = log_begin(LOG_INFO, "test.done");
    log_text(&line, "value", value);
    log_number(&line, "count", -3);
    log_error(&line, error_system(ENOSPC, "append"));
    log_end(&line);
    log_event(LOG_DEBUG, "test.unseen", OK, SLICE_EMPTY);
    log_flush();
    ssize_t size = read(ends[0], text, sizeof text - 1);
    assert_true(size > 0);
    text[size] = '\0';
    close(ends[0]);
    close(ends[1]);
    char *rest = strstr(text, format == LOG_JSON ? "\"level\"" : "level=");
    assert_non_null(rest);
    return rest;
}

static void test_writes_logfmt(void **state)
{
    (void)state;
    assert_string_equal(written(LOG_LOGFMT, SLICE("plain")),
                        "level=info event=test.done value=plain count=-3 error=temporary "
                        "reason=append os=ENOSPC\n");
    assert_string_equal(written(LOG_LOGFMT, SLICE("a b\"\n=")),
                        "level=info event=test.done value=\"a b\\\"\\u000a=\" count=-3 "
                        "error=temporary reason=append os=ENOSPC\n");
}

static void test_writes_json(void **state)
{
    (void)state;
    assert_string_equal(
        written(LOG_JSON, SLICE("a\\b")),
        "\"level\":\"info\",\"event\":\"test.done\",\"value\":\"a\\\\b\","
        "\"count\":-3,\"error\":\"temporary\",\"reason\":\"append\",\"os\":\"ENOSPC\"}\n");
}

static void test_json_is_always_utf8(void **state)
{
    (void)state;
    const char *line = written(LOG_JSON, SLICE("\xc3\xaf\xff"));
    assert_non_null(strstr(line, "\"value\":\"\xc3\xaf\\ufffd\""));
}

static void test_cuts_long_lines(void **state)
{
    (void)state;
    static char longest[5000];
    memset(longest, '"', sizeof longest);
    const char *line = written(LOG_JSON, slice_of(longest, sizeof longest));
    assert_true(strlen(line) <= LOG_LINE_SIZE_MAX + 64);
    assert_non_null(strstr(line, "...\""));
    assert_int_equal(line[strlen(line) - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_logfmt),
        cmocka_unit_test(test_writes_json),
        cmocka_unit_test(test_json_is_always_utf8),
        cmocka_unit_test(test_cuts_long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
