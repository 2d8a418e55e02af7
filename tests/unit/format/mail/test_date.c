/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/mail/date.h"

#include <time.h>

static void test_parses(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        int64_t seconds;
        int zone;
        bool known;
    } cases[] = {
        {"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360, true},
        {"Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120, true},
        {"Thu, 13 Feb 1969 23:32 -0330", -27723480, -210, true}, /* no seconds */
        {"21 Nov 97 09:55:06 GMT", 880106106, 0, true},          /* obsolete, A.6.2 */
        {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360, true}, /* A.6.3 */
        {"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n"
         "               -0330 (Newfoundland Time)",
         -27723480, -210, true}, /* A.5 */
        {"1 Jan 1970 00:00:00 -0000", 0, 0, false},
        {"1 Jan 1970 00:00:00", 0, 0, false},
        {"1 Jan 1970 00:00:00 Z", 0, 0, false}, /* military: unknown */
        {"1 Jan 1970 00:00:00 EST", 18000, -300, true},
        {"1 Jan 70", 0, 0, false},
        {"1 Jan 100 00:00:00 +0000", 946684800, 0, true}, /* three digits: 1900 is added */
        {"Mon, 1-Jan-2001 1:02:03 +0000", 978310923, 0, true},
        {"29 Feb 2000 12:00:00 +0000", 951825600, 0, true},
        {"31 Dec 2016 23:59:60 +0000", 1483228800, 0, true}, /* a leap second */
        {"Wednesday, 2 January 2019 03:04:05 +0000", 1546398245, 0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mail_date date;
        if (failed(mail_date_parse(slice_from_string(cases[i].in), &date)))
            fail_msg("refused: %s", cases[i].in);
        if (date.seconds != cases[i].seconds || date.zone_minutes != cases[i].zone ||
            date.zone_known != cases[i].known)
            fail_msg("%s: got %lld %d", cases[i].in, (long long)date.seconds, date.zone_minutes);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "garbage",
        "31 Jun 2003 10:00:00 +0000",
        "29 Feb 1900 10:00:00 +0000",
        "1 Foo 2000",
        "0 Jan 2000",
        "1 Jan 2000 24:00:00 +0000",
        "1 Jan 2000 10:60:00 +0000",
        "1 Jan 0",
        "1 Jan",
        "(((",
        "1 Jan 2000 10:00:61 +0000",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mail_date date;
        if (!failed(mail_date_parse(slice_from_string(cases[i]), &date)))
            fail_msg("accepted: %s", cases[i]);
    }
}

/* The C library as the second opinion, day by day over 400 years and at odd times. */
static void test_calendar_agrees_with_libc(void **state)
{
    (void)state;
    for (int64_t seconds = -6857222400; seconds < 5766000000; seconds += 86399) {
        struct mail_date_fields f;
        struct tm tm;
        time_t t = (time_t)seconds;
        gmtime_r(&t, &tm);
        mail_date_split(seconds, 0, &f);
        assert_int_equal(f.year, tm.tm_year + 1900);
        assert_int_equal(f.month, tm.tm_mon + 1);
        assert_int_equal(f.day, tm.tm_mday);
        assert_int_equal(f.hour, tm.tm_hour);
        assert_int_equal(f.second, tm.tm_sec);
        assert_int_equal(f.weekday, tm.tm_wday);
        assert_int_equal(mail_date_join(&f), seconds);
        assert_true(mail_date_fields_valid(&f));
    }
}

static void test_writes(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        int zone;
        const char *out;
    } cases[] = {
        {1057049557, 120, "Tue, 01 Jul 2003 10:52:37 +0200"},
        {880127706, -360, "Fri, 21 Nov 1997 09:55:06 -0600"},
        {0, 0, "Thu, 01 Jan 1970 00:00:00 +0000"},
        {0, -210, "Wed, 31 Dec 1969 20:30:00 -0330"},
        {INT64_MAX, 0, "Fri, 31 Dec 9999 23:59:59 +0000"},
        {INT64_MIN, 0, "Mon, 01 Jan 0001 00:00:00 +0000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out;
        buffer_init(&out, MAIL_DATE_SIZE_MAX);
        mail_date_write(&out, cases[i].seconds, cases[i].zone);
        assert_true(slice_equal(buffer_slice(&out), slice_from_string(cases[i].out)));
        buffer_close(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parses),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_calendar_agrees_with_libc),
        cmocka_unit_test(test_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
