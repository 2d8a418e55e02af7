/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/date.h"

static const char MONTHS[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct civil {
    int year, month, day; /* month and day from 1 */
};

/* Days since 1970-01-01 in the proleptic Gregorian calendar; years are counted from March, so that
 * the leap day is the last of one. */
static int32_t days_from_civil(struct civil date)
{
    int year = date.year - (date.month <= 2);
    int era = year / 400, year_of_era = year % 400;
    int day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static struct civil civil_from_days(int32_t days)
{
    int shifted = days + 719468;
    int era = shifted / 146097, day_of_era = shifted % 146097;
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (5 * day_of_year + 2) / 153;
    struct civil date = {
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
        .month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9,
    };
    date.year = era * 400 + year_of_era + (date.month <= 2);
    return date;
}

static int days_in_month(int year, int month)
{
    static const int DAYS[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return DAYS[month - 1] + (month == 2 && leap);
}

static bool take_digits(struct cursor *c, int count, int max, int *out_number)
{
    int number = 0;
    slice digits = slice_sub(cursor_rest(c), 0, (size_t)count);
    if (digits.size != (size_t)count)
        return false;
    for (int i = 0; i < count; i++) {
        if (!ascii_is_digit(digits.data[i]))
            return false;
        number = number * 10 + digits.data[i] - '0';
    }
    if (number > max)
        return false;
    c->at += count;
    *out_number = number;
    return true;
}

static bool take_month(struct cursor *c, int *out_month)
{
    for (int i = 0; i < 12; i++) {
        if (cursor_take_nocase(c, slice_of(MONTHS[i], 3))) {
            *out_month = i + 1;
            return true;
        }
    }
    return false;
}

/* "-Feb-1994" behind the day. */
static bool take_month_and_year(struct cursor *c, struct civil *date)
{
    return cursor_take_byte(c, '-') && take_month(c, &date->month) && cursor_take_byte(c, '-') &&
           take_digits(c, 4, 9999, &date->year) && date->year >= 1 && date->day >= 1 &&
           date->day <= days_in_month(date->year, date->month);
}

error imap_date_parse(struct cursor *c, int32_t *out_days)
{
    struct cursor ahead = *c;
    struct civil date;
    bool quoted = cursor_take_byte(&ahead, '"');
    bool good = (take_digits(&ahead, 2, 31, &date.day) || take_digits(&ahead, 1, 9, &date.day)) &&
                take_month_and_year(&ahead, &date) && (!quoted || cursor_take_byte(&ahead, '"'));
    if (!good)
        return error_make(ERROR_MALFORMED, "invalid date");
    *c = ahead;
    *out_days = days_from_civil(date);
    return OK;
}

struct clock {
    int hour, minute, second;
    int zone; /* minutes east of UTC */
};

static bool take_clock(struct cursor *c, struct clock *out)
{
    int hours, minutes;
    bool good = take_digits(c, 2, 23, &out->hour) && cursor_take_byte(c, ':') &&
                take_digits(c, 2, 59, &out->minute) && cursor_take_byte(c, ':') &&
                take_digits(c, 2, 60, &out->second) && cursor_take_byte(c, ' ');
    bool west = good && cursor_take_byte(c, '-');
    if (!good || (!west && !cursor_take_byte(c, '+')) || !take_digits(c, 2, 99, &hours) ||
        !take_digits(c, 2, 59, &minutes))
        return false;
    out->zone = (hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

error imap_date_time_parse(struct cursor *c, int64_t *out_seconds)
{
    struct cursor ahead = *c;
    struct civil date;
    struct clock clock;
    /* RFC 3501 9: date-day-fixed is SP DIGIT or 2DIGIT; a single digit is sent as well. */
    bool good = cursor_take_byte(&ahead, '"');
    (void)cursor_take_byte(&ahead, ' ');
    good = good &&
           (take_digits(&ahead, 2, 31, &date.day) || take_digits(&ahead, 1, 9, &date.day)) &&
           take_month_and_year(&ahead, &date) && cursor_take_byte(&ahead, ' ') &&
           take_clock(&ahead, &clock) && cursor_take_byte(&ahead, '"');
    if (!good)
        return error_make(ERROR_MALFORMED, "invalid date and time");
    *c = ahead;
    *out_seconds = (int64_t)days_from_civil(date) * 86400 + clock.hour * 3600 + clock.minute * 60 +
                   clock.second - clock.zone * 60;
    return OK;
}

void imap_date_time_write(int64_t seconds, struct buffer *out)
{
    const int64_t first = -62135596800, last = 253402300799; /* years 1 and 9999 */
    seconds = seconds < first ? first : seconds > last ? last : seconds;
    int32_t days = imap_day_of(seconds);
    int in_day = (int)(seconds - (int64_t)days * 86400);
    struct civil date = civil_from_days(days);
    buffer_format(out, "\"%2d-%s-%04d %02d:%02d:%02d +0000\"", date.day, MONTHS[date.month - 1],
                  date.year, in_day / 3600, in_day / 60 % 60, in_day % 60);
}
