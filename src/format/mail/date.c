/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/date.h"

#include "base/cursor.h"

#include <stdlib.h>

enum { ZONE_MINUTES_MAX = 99 * 60 + 59, SECONDS_PER_DAY = 86400 };

static const char *const month_names[12] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekday_names[7] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

const char *mail_date_month_name(int month)
{
    return month >= 1 && month <= 12 ? month_names[month - 1] : "Jan";
}

const char *mail_date_weekday_name(int weekday)
{
    return weekday >= 0 && weekday <= 6 ? weekday_names[weekday] : "Sun";
}

int mail_date_month(slice name)
{
    for (int i = 0; i < 12; i++)
        if (slice_equal_nocase(name, slice_from_string(month_names[i])))
            return i + 1;
    return 0;
}

static int days_in_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool mail_date_fields_valid(const struct mail_date_fields *f)
{
    return f->year >= 1 && f->year <= 9999 && f->month >= 1 && f->month <= 12 && f->day >= 1 &&
           f->day <= days_in_month(f->year, f->month) && f->hour >= 0 && f->hour <= 23 &&
           f->minute >= 0 && f->minute <= 59 && f->second >= 0 && f->second <= 60;
}

/* Days since 1970-01-01, counted in 400-year cycles of years that begin in March, so that the leap
 * day is a year's last. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    if (month <= 2)
        year--;
    int64_t cycle = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_cycle = year - cycle * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_cycle =
        year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    return cycle * 146097 + day_of_cycle - 719468;
}

int64_t mail_date_join(const struct mail_date_fields *f)
{
    return days_from_civil(f->year, f->month, f->day) * SECONDS_PER_DAY + f->hour * 3600 +
           f->minute * 60 + f->second;
}

void mail_date_split(int64_t seconds, int zone_minutes, struct mail_date_fields *out_fields)
{
    const int64_t least = -62135596800, most = 253402300799; /* years 1 and 9999 */
    seconds = seconds < least ? least : seconds > most ? most : seconds;
    seconds += zone_minutes * 60;
    seconds = seconds < least ? least : seconds > most ? most : seconds;
    int64_t days = seconds / SECONDS_PER_DAY, rest = seconds % SECONDS_PER_DAY;
    if (rest < 0) {
        rest += SECONDS_PER_DAY;
        days--;
    }
    int64_t shifted = days + 719468;
    int64_t cycle = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_cycle = shifted - cycle * 146097;
    int64_t year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 - day_of_cycle / 146096) / 365;
    int64_t day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* from March */
    *out_fields = (struct mail_date_fields){
        .year = (int)(year_of_cycle + cycle * 400 + (month >= 10)),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
        .hour = (int)(rest / 3600),
        .minute = (int)(rest / 60 % 60),
        .second = (int)(rest % 60),
        .weekday = (int)(((days + 4) % 7 + 7) % 7),
    };
}

/* RFC 5322 3.2.2: blanks, line ends and comments; 4.3 allows them between all tokens. */
static void skip_cfws(struct cursor *c)
{
    int depth = 0;
    for (; c->at < c->end; c->at++) {
        char byte = *c->at;
        if (byte == '\\' && depth && c->at + 1 < c->end)
            c->at++;
        else if (byte == '(')
            depth++;
        else if (byte == ')' && depth)
            depth--;
        else if (!depth && byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n')
            return;
    }
}

static slice take_word(struct cursor *c)
{
    const char *start = c->at;
    while (c->at < c->end && ascii_is_alpha(*c->at))
        c->at++;
    return (slice){start, (size_t)(c->at - start)};
}

/* A number of at most `digits` digits; -1 where there is none. */
static int take_number(struct cursor *c, int digits, int *out_digits)
{
    int number = 0, count = 0;
    for (; count < digits && c->at < c->end && ascii_is_digit(*c->at); count++)
        number = number * 10 + (*c->at++ - '0');
    *out_digits = count;
    return count ? number : -1;
}

/* RFC 5322 4.3: military zones mean nothing that one could rely on, so they are read as -0000. */
static void take_zone(struct cursor *c, struct mail_date *date)
{
    static const struct {
        char name[4];
        int minutes;
    } names[] = {{"UT", 0},     {"GMT", 0},    {"UTC", 0},    {"EDT", -240},
                 {"EST", -300}, {"CDT", -300}, {"CST", -360}, {"MDT", -360},
                 {"MST", -420}, {"PDT", -420}, {"PST", -480}, {"CET", 60},
                 {"BST", 60},   {"MET", 60},   {"EET", 120},  {"JST", 540}};
    skip_cfws(c);
    int sign = cursor_peek(c);
    if (sign == '+' || sign == '-') {
        c->at++;
        int digits, zone = take_number(c, 4, &digits);
        int minutes = zone / 100 * 60 + zone % 100;
        if (digits == 4 && zone % 100 < 60 && minutes <= ZONE_MINUTES_MAX) {
            date->zone_minutes = sign == '-' ? -minutes : minutes;
            date->zone_known = sign == '+' || minutes; /* -0000: RFC 5322 3.3 */
        }
        return;
    }
    slice word = take_word(c);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_equal_nocase(word, slice_from_string(names[i].name))) {
            date->zone_minutes = names[i].minutes;
            date->zone_known = true;
        }
}

static bool take_day(struct cursor *c, struct mail_date_fields *f)
{
    int digits;
    skip_cfws(c);
    if (ascii_is_alpha((char)cursor_peek(c))) { /* the weekday is not checked */
        take_word(c);
        skip_cfws(c);
        cursor_take_byte(c, ',');
        skip_cfws(c);
    }
    f->day = take_number(c, 2, &digits);
    skip_cfws(c);
    cursor_take_byte(c, '-'); /* not of the standard, but seen: 1-Jul-2003 */
    f->month = mail_date_month(slice_sub(take_word(c), 0, 3));
    skip_cfws(c);
    cursor_take_byte(c, '-');
    f->year = take_number(c, 4, &digits);
    if (digits == 2) /* RFC 5322 4.3 */
        f->year += f->year < 50 ? 2000 : 1900;
    else if (digits == 3)
        f->year += 1900;
    return digits >= 2;
}

static void take_time(struct cursor *c, struct mail_date_fields *f)
{
    int digits;
    skip_cfws(c);
    struct cursor before = *c;
    f->hour = take_number(c, 2, &digits);
    skip_cfws(c);
    if (f->hour < 0 || !(cursor_take_byte(c, ':') || cursor_take_byte(c, '.'))) {
        *c = before; /* a day alone is still a date */
        f->hour = 0;
        return;
    }
    skip_cfws(c);
    f->minute = take_number(c, 2, &digits);
    skip_cfws(c);
    if (cursor_take_byte(c, ':') || cursor_take_byte(c, '.')) {
        skip_cfws(c);
        f->second = take_number(c, 2, &digits);
    }
}

error mail_date_parse(slice value, struct mail_date *out_date)
{
    struct cursor c = cursor_over(value);
    struct mail_date_fields f = {0};
    struct mail_date date = {0};
    if (!take_day(&c, &f))
        return error_make(ERROR_MALFORMED, "no date");
    take_time(&c, &f);
    take_zone(&c, &date);
    if (!mail_date_fields_valid(&f))
        return error_make(ERROR_MALFORMED, "no such date");
    date.seconds = mail_date_join(&f) - date.zone_minutes * 60;
    *out_date = date;
    return OK;
}

void mail_date_write(struct buffer *buffer, int64_t seconds, int zone_minutes)
{
    struct mail_date_fields f;
    if (zone_minutes > ZONE_MINUTES_MAX || zone_minutes < -ZONE_MINUTES_MAX)
        zone_minutes = 0;
    mail_date_split(seconds, zone_minutes, &f);
    int zone = abs(zone_minutes);
    buffer_format(buffer, "%s, %02d %s %04d %02d:%02d:%02d %c%02d%02d", weekday_names[f.weekday],
                  f.day, month_names[f.month - 1], f.year, f.hour, f.minute, f.second,
                  zone_minutes < 0 ? '-' : '+', zone / 60, zone % 60);
}
