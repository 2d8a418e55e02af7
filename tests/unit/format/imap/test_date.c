/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/date.h"

#include <time.h>

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t days;
    } DATES[] = {
        {"1-Jan-1970", 0},     {"01-jan-1970", 0},       {"\"2-Jan-1970\"", 1},
        {"31-DEC-1969", -1},   {"1-Feb-1994", 8797},     {"29-Feb-2000", 11016},
        {"1-Mar-2000", 11017}, {"31-Dec-9999", 2932896}, {"1-Jan-0001", -719162},
    };
    for (size_t i = 0; i < sizeof DATES / sizeof *DATES; i++) {
        struct cursor c = over(DATES[i].text);
        int32_t days;
        assert_ok(imap_date_parse(&c, &days));
        assert_int_equal(days, DATES[i].days);
        assert_true(cursor_done(&c));
    }
}

static void test_bad_dates(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "0-Jan-1970", "32-Jan-1970", "29-Feb-1900",  "31-Apr-2000", "1-Foo-2000", "1-Jan-70",
        "1 Jan 1970", "-Jan-1970",   "\"1-Jan-1970", "1-Jan-0000",  "",           "111-Jan-1970"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct cursor c = over(BAD[i]);
        int32_t days;
        assert_error(imap_date_parse(&c, &days), ERROR_MALFORMED);
        assert_ptr_equal(c.at, BAD[i]);
    }
}

static void test_date_times(void **state)
{
    (void)state;
    struct cursor c = over("\"17-Jul-1996 02:44:25 -0700\"");
    int64_t seconds;
    assert_ok(imap_date_time_parse(&c, &seconds));
    assert_int_equal(seconds, 837596665);
    imap_date_time_write(seconds, &written);
    assert_written("\"17-Jul-1996 09:44:25 +0000\"");
    c = over("\" 1-Jan-1970 01:30:00 +0130\"");
    assert_ok(imap_date_time_parse(&c, &seconds));
    assert_int_equal(seconds, 0);
    c = over("\"1-Jan-1970 00:00:60 +0000\"");
    assert_ok(imap_date_time_parse(&c, &seconds));
    assert_int_equal(seconds, 60);
    static const char *const BAD[] = {"\"17-Jul-1996 02:44:25 0700\"",
                                      "\"17-Jul-1996 24:00:00 +0000\"",
                                      "\"17-Jul-1996 02:60:00 +0000\"",
                                      "\"17-Jul-1996 02:44:25 +0060\"",
                                      "\"17-Jul-1996 2:44:25 +0000\"",
                                      "17-Jul-1996 02:44:25 +0000",
                                      "\"17-Jul-1996\"",
                                      "\"17-Jul-1996 02:44:25 +0000"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        c = over(BAD[i]);
        assert_error(imap_date_time_parse(&c, &seconds), ERROR_MALFORMED);
    }
}

/* Against the C library, a day at a time and then some. */
static void test_written_as_the_library_would(void **state)
{
    (void)state;
    for (int64_t seconds = -2208988800; seconds < 4102444800; seconds += 86399 * 7) {
        time_t moment = seconds;
        struct tm fields;
        char expected[64];
        gmtime_r(&moment, &fields);
        size_t size = strftime(expected, sizeof expected, "\"%e-%b-%Y %H:%M:%S +0000\"", &fields);
        imap_date_time_write(seconds, &written);
        assert_int_equal(written.size, size);
        assert_memory_equal(written.data, expected, size);
        struct cursor c = cursor_over(buffer_slice(&written));
        int64_t again;
        assert_ok(imap_date_time_parse(&c, &again));
        assert_int_equal(again, seconds);
        buffer_reset(&written);
    }
    imap_date_time_write(INT64_MIN, &written);
    assert_written("\" 1-Jan-0001 00:00:00 +0000\"");
    imap_date_time_write(INT64_MAX, &written);
    assert_written("\"31-Dec-9999 23:59:59 +0000\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_dates),
        grammar_test(test_bad_dates),
        grammar_test(test_date_times),
        grammar_test(test_written_as_the_library_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
