#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * IMAP dates (RFC 3501 9): "1-Feb-1994" as days, and " 1-Feb-1994 12:34:56 +0100" as seconds, since
 * 1970-01-01 UTC.
 */
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"

/* date: with or without quotes. */
error imap_date_parse(struct cursor *c, int32_t *out_days);
/* date-time, quoted. */
error imap_date_time_parse(struct cursor *c, int64_t *out_seconds);
/* Quoted, in UTC; seconds outside the years 1 to 9999 are written as the nearest such moment. */
void imap_date_time_write(int64_t seconds, struct buffer *out);

/* The day a moment falls in (UTC). */
static inline int32_t imap_day_of(int64_t seconds)
{
    return (int32_t)((seconds - ((seconds % 86400 + 86400) % 86400)) / 86400);
}
