#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How much one account has sent within the last hour and the last day, and what it may send now; as
 * a record of a file (data/frame.h), too. Pure; service/smtp/sending.h keeps the accounts.
 */
#include "base/error.h"
#include "data/frame.h"
#include "service/smtp/settings.h"

#include <stdint.h>

enum {
    /* Of five minutes and of an hour. One more than the period has, so that never more than the
     * limit goes out within any period; what was sent counts for up to one slot longer. */
    ALLOWANCE_HOUR_SLOTS = 13,
    ALLOWANCE_DAY_SLOTS = 25,
};
struct allowance_window {
    int64_t newest;                         /* number of the newest slot, since 1970 */
    uint32_t messages[ALLOWANCE_DAY_SLOTS]; /* by slot number % slots */
    uint32_t recipients[ALLOWANCE_DAY_SLOTS];
};
struct allowance_count {
    struct allowance_window hour, day;
    int64_t alerted; /* hour slot of the last alert */
};
/* What may still be sent; UINT32_MAX: no limit. */
struct allowance_left {
    uint32_t messages, recipients;
};

struct allowance_left allowance_left(struct allowance_count *count,
                                     const struct smtp_settings *limits, int64_t now_seconds);
/* Negative numbers give back. */
void allowance_add(struct allowance_count *count, int messages, int recipients,
                   int64_t now_seconds);
/* Has it anything to say about now? Not where all of it is long ago, or in a future that a wrong
 * clock made. */
bool allowance_is_current(const struct allowance_count *count, int64_t now_seconds);

/* ---- As a record ---- */

#define ALLOWANCE_MAGIC "RMSEND1\n"
enum allowance_record_kind { ALLOWANCE_ACCOUNT = 1, ALLOWANCE_KIND_LAST = ALLOWANCE_ACCOUNT };

struct allowance_record {
    slice account;
    int64_t written; /* ns since 1970: of several records of one account the newest is right */
    struct allowance_count count;
};
void allowance_record_write(struct buffer *out, uint32_t salt,
                            const struct allowance_record *record);
/* ERROR_MALFORMED. The account is borrowed from the payload. */
error allowance_record_read(slice payload, struct allowance_record *out_record);
