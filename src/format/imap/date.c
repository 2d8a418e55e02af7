/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/date.h"

#include "format/mail/date.h"

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

/* date-month: three letters */
static bool take_month(struct cursor *c, int *out_month)
{
    int month = mail_date_month(slice_sub(cursor_rest(c), 0, 3));
    if (month == 0)
        return false;
    c->at += 3;
    *out_month = month;
    return true;
}

/* date-day "-" date-month "-" date-year */
static bool take_day(struct cursor *c, struct mail_date_fields *date)
{
    return (take_digits(c, 2, 31, &date->day) || take_digits(c, 1, 9, &date->day)) &&
           cursor_take_byte(c, '-') && take_month(c, &date->month) && cursor_take_byte(c, '-') &&
           take_digits(c, 4, 9999, &date->year) && mail_date_fields_valid(date);
}

error imap_date_parse(struct cursor *c, int32_t *out_days)
{
    struct cursor ahead = *c;
    struct mail_date_fields date = {0};
    bool quoted = cursor_take_byte(&ahead, '"');
    if (!take_day(&ahead, &date) || (quoted && !cursor_take_byte(&ahead, '"')))
        return error_make(ERROR_MALFORMED, "invalid date");
    *c = ahead;
    *out_days = imap_day_of(mail_date_join(&date));
    return OK;
}

/* time SP zone; the zone in minutes east of UTC. */
static bool take_time(struct cursor *c, struct mail_date_fields *date, int *out_zone)
{
    int hours, minutes;
    bool good = take_digits(c, 2, 23, &date->hour) && cursor_take_byte(c, ':') &&
                take_digits(c, 2, 59, &date->minute) && cursor_take_byte(c, ':') &&
                take_digits(c, 2, 60, &date->second) && cursor_take_byte(c, ' ');
    bool west = good && cursor_take_byte(c, '-');
    if (!good || (!west && !cursor_take_byte(c, '+')) || !take_digits(c, 2, 99, &hours) ||
        !take_digits(c, 2, 59, &minutes))
        return false;
    *out_zone = (hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

error imap_date_time_parse(struct cursor *c, int64_t *out_seconds)
{
    struct cursor ahead = *c;
    struct mail_date_fields date = {0};
    int zone;
    bool good = cursor_take_byte(&ahead, '"');
    /* RFC 3501 9: date-day-fixed is SP DIGIT or 2DIGIT; a single digit is sent as well. */
    (void)cursor_take_byte(&ahead, ' ');
    good = good && take_day(&ahead, &date) && cursor_take_byte(&ahead, ' ') &&
           take_time(&ahead, &date, &zone) && cursor_take_byte(&ahead, '"');
    if (!good)
        return error_make(ERROR_MALFORMED, "invalid date and time");
    *c = ahead;
    *out_seconds = mail_date_join(&date) - zone * 60;
    return OK;
}

void imap_date_time_write(int64_t seconds, struct buffer *out)
{
    struct mail_date_fields date;
    mail_date_split(seconds, 0, &date);
    buffer_format(out, "\"%2d-%s-%04d %02d:%02d:%02d +0000\"", date.day,
                  mail_date_month_name(date.month), date.year, date.hour, date.minute, date.second);
}
