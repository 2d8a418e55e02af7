#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bounces and complaints that others send to senders of ours, made into events (TRANSPORT_REPORTED
 * for each recipient that failed, TRANSPORT_COMPLAINT). For mail that is about to be taken from
 * outside: what is put off afterwards is told again when it comes again. Whoever knows an address
 * can make a report up; the events say what was claimed. Does not wait.
 */
#include "base/slice.h"

enum {
    INCOMING_REPORT_EVENTS_MAX = 100,          /* of one mail */
    INCOMING_REPORT_ARENA_SIZE_MAX = 32 << 20, /* for parsing one */
};

struct incoming_report {
    slice id;        /* of the mail in its session, for the log */
    slice sender;    /* reverse path of the report; a bounce has none */
    slice recipient; /* whom it is for: the sender of what was reported */
    slice account;   /* whose address that is; empty: nobody's (a rewritten sender) */
    slice message;
};

/* A look at the header for nearly all mail; a parse only where it says multipart/report. */
void incoming_report_tell(const struct incoming_report *mail);
