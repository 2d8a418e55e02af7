#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Dates of mail (RFC 5322 3.3 and the obsolete forms of 4.3: two-digit years, named zones,
 * comments, missing seconds or weekday), and the calendar under them (proleptic Gregorian, years 1
 * to 9999).
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

enum { MAIL_DATE_SIZE_MAX = 40 }; /* bytes of a date as written */

struct mail_date {
    int64_t seconds;  /* since 1970 UTC */
    int zone_minutes; /* east of UTC; what was written */
    bool zone_known;  /* false for -0000, for no zone and for unknown names */
};

/* A day and time as on a wall clock. */
struct mail_date_fields {
    int year;
    int month;   /* 1..12 */
    int day;     /* 1..31 */
    int hour;    /* 0..23 */
    int minute;  /* 0..59 */
    int second;  /* 0..60 */
    int weekday; /* 0 Sunday .. 6 Saturday; output only */
};

/* ERROR_MALFORMED where no date can be made of it. What follows a date is ignored. */
error mail_date_parse(slice value, struct mail_date *out_date);

/* "Tue, 01 Jul 2003 10:52:37 +0200" */
void mail_date_write(struct buffer *buffer, int64_t seconds, int zone_minutes);

/* Seconds since 1970 of these fields read as UTC. The fields must be in range (a leap second counts
 * as the next second). */
int64_t mail_date_join(const struct mail_date_fields *fields);
/* Clamped to the years 1 to 9999. */
void mail_date_split(int64_t seconds, int zone_minutes, struct mail_date_fields *out_fields);
/* False for 31 June, 29 February of a common year, 24:00, ... */
bool mail_date_fields_valid(const struct mail_date_fields *fields);
/* "jan" .. "dec" without regard to case: 1..12, else 0. */
int mail_date_month(slice name);
/* 1..12: "Jan" .. "Dec"; and 0..6: "Sun" .. "Sat". */
const char *mail_date_month_name(int month);
const char *mail_date_weekday_name(int weekday);
