/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Dates: of header fields, and now (RFC 5260 4, 5).
 */
#include "format/mail/date.h"
#include "base/buffer.h"
#include "filter/sieve/run.h"

enum { MODIFIED_JULIAN_DAY_1970 = 40587, DAY = 86400 };

/* "+0200" in minutes. */
static bool parse_zone(slice text, int *out_minutes)
{
    if (text.size != 5 || (text.data[0] != '+' && text.data[0] != '-'))
        return false;
    for (int i = 1; i < 5; i++)
        if (!ascii_is_digit(text.data[i]))
            return false;
    const char *d = text.data;
    int minutes = ((d[1] - '0') * 10 + d[2] - '0') * 60 + (d[3] - '0') * 10 + d[4] - '0';
    *out_minutes = d[0] == '-' ? -minutes : minutes;
    return minutes < 24 * 60;
}

static void write_zone(struct buffer *out, int minutes, const char *between)
{
    int size = minutes < 0 ? -minutes : minutes;
    buffer_format(out, "%c%02d%s%02d", minutes < 0 ? '-' : '+', size / 60, between, size % 60);
}

static int64_t julian_day(int64_t seconds, int zone_minutes)
{
    int64_t local = seconds + zone_minutes * 60, day = local / DAY;
    return day - (local % DAY < 0) + MODIFIED_JULIAN_DAY_1970;
}

/* RFC 5260 4.2 */
static void write_part(struct buffer *out, slice part, int64_t seconds, int zone)
{
    struct mail_date_fields f;
    mail_date_split(seconds, zone, &f);
    if (slice_equal_nocase(part, SLICE("year")))
        buffer_format(out, "%04d", f.year);
    else if (slice_equal_nocase(part, SLICE("month")))
        buffer_format(out, "%02d", f.month);
    else if (slice_equal_nocase(part, SLICE("day")))
        buffer_format(out, "%02d", f.day);
    else if (slice_equal_nocase(part, SLICE("date")))
        buffer_format(out, "%04d-%02d-%02d", f.year, f.month, f.day);
    else if (slice_equal_nocase(part, SLICE("julian")))
        buffer_add_i64(out, julian_day(seconds, zone));
    else if (slice_equal_nocase(part, SLICE("hour")))
        buffer_format(out, "%02d", f.hour);
    else if (slice_equal_nocase(part, SLICE("minute")))
        buffer_format(out, "%02d", f.minute);
    else if (slice_equal_nocase(part, SLICE("second")))
        buffer_format(out, "%02d", f.second);
    else if (slice_equal_nocase(part, SLICE("time")))
        buffer_format(out, "%02d:%02d:%02d", f.hour, f.minute, f.second);
    else if (slice_equal_nocase(part, SLICE("iso8601"))) {
        buffer_format(out, "%04d-%02d-%02dT%02d:%02d:%02d", f.year, f.month, f.day, f.hour,
                      f.minute, f.second);
        write_zone(out, zone, ":");
    } else if (slice_equal_nocase(part, SLICE("std11")))
        mail_date_write(out, seconds, zone);
    else if (slice_equal_nocase(part, SLICE("zone")))
        write_zone(out, zone, "");
    else
        buffer_format(out, "%d", f.weekday);
}

/* False: there is no date to ask about. */
static error find_date(struct sieve_run *run, const struct sieve_meaning *meaning,
                       struct mail_date *out_date, bool *out_found)
{
    slice name, before, text;
    *out_date = (struct mail_date){run->input->now, run->input->zone_minutes, true};
    *out_found = true;
    if (meaning->verb == SIEVE_VERB_CURRENTDATE)
        return OK;
    TRY(sieve_header_open(run));
    TRY(sieve_expand_argument(run, meaning->positional[0], &name));
    const struct sieve_field *field = sieve_header_select(run, meaning, name);
    *out_found = false;
    if (!field)
        return OK;
    /* Received: the date comes after the last semicolon. */
    if (!slice_cut_last(field->value, ';', &before, &text))
        text = field->value;
    *out_found = !failed(mail_date_parse(slice_trim(text), out_date));
    return OK;
}

error sieve_test_date(struct sieve_run *run, const struct sieve_meaning *meaning, bool *out_true)
{
    bool current = meaning->verb == SIEVE_VERB_CURRENTDATE, found;
    struct sieve_matching matching;
    struct mail_date date;
    struct buffer text;
    slice zone_text, part, value;
    int zone = run->input->zone_minutes;
    TRY(sieve_match_begin(run, meaning, meaning->positional[current ? 1 : 2], &matching));
    TRY(sieve_expand_argument(run, meaning->positional[current ? 0 : 1], &part));
    TRY(sieve_expand_argument(run, meaning->tags[SIEVE_TAG_ZONE], &zone_text));
    TRY(find_date(run, meaning, &date, &found));
    if (!found)
        return sieve_match_end(&matching, out_true);
    if (meaning->tags[SIEVE_TAG_ORIGINALZONE])
        zone = date.zone_minutes;
    if (meaning->tags[SIEVE_TAG_ZONE] && !parse_zone(zone_text, &zone))
        return sieve_run_fail(run, "\"%.*s\" is no time zone", SLICE_ARG(zone_text));
    buffer_init(&text, 64);
    write_part(&text, part, date.seconds, zone);
    error problem = arena_copy(run->arena, buffer_slice(&text), &value);
    buffer_close(&text);
    TRY(problem);
    TRY(sieve_match_value(&matching, value));
    return sieve_match_end(&matching, out_true);
}
