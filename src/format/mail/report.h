#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reports that others send us, read: delivery status (RFC 3464, 6522, 6533), as far as a bounce
 * carries a message/delivery-status at all, and feedback on unwanted mail (RFC 5965, 6591). Lenient
 * as such reports are loose: missing groups, comments, codes in prose. What is reported anyone can
 * have made up. Pure; results are views of the message or live in the arena. Bounds: those below,
 * and the arena.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "format/mail/dsn_text.h"

enum mail_report_limits {
    MAIL_REPORT_SIZE_MAX = 4 << 20,         /* bytes of the message that are looked at */
    MAIL_REPORT_FIELDS_SIZE_MAX = 1 << 20,  /* bytes of the part for programs */
    MAIL_REPORT_HEADER_SIZE_MAX = 64 << 10, /* bytes of the original's header */
    MAIL_REPORT_RECIPIENTS_MAX = 1000,      /* more are not looked at */
    MAIL_REPORT_DEPTH_MAX = 3,              /* multiparts around the part for programs */
};

enum mail_report_kind { MAIL_REPORT_DELIVERY, MAIL_REPORT_FEEDBACK };

struct mail_report_recipient {
    struct mail_report_recipient *next;
    slice original;         /* address; empty: not said */
    slice final;            /* address; of feedback: Original-Rcpt-To */
    enum dsn_action action; /* DSN_ACTIONS: not said, and not to be guessed */
    int status[3];          /* all 0: not said */
    slice host;             /* Remote-MTA; empty: not said */
    int code;               /* of SMTP in Diagnostic-Code; 0: none */
    slice text;             /* the words of Diagnostic-Code, without codes */
};

struct mail_report {
    enum mail_report_kind kind;
    slice reporting_mta;
    slice envid;     /* Original-Envelope-Id */
    int64_t arrived; /* seconds since 1970; 0: not said */
    struct mail_report_recipient *recipients;
    unsigned count;
    bool cut_short; /* a limit was met */

    /* Feedback. */
    slice feedback_type; /* "abuse", "fraud", "auth-failure" ..., as written */
    slice user_agent;
    slice original_sender; /* Original-Mail-From, address */
    slice source_ip;
    slice reported_domain; /* the first */
    slice auth_failure;    /* RFC 6591 3.1 */
    uint64_t incidents;    /* 1 where not said */

    /* Of the original, as far as it was returned. */
    slice message_id; /* with its brackets; empty: not known */
};

/* Cheap: does the header say multipart/report? */
bool mail_report_is_likely(slice header);

/* ERROR_NOT_FOUND: no report of these kinds; ERROR_LIMIT: the arena is full. */
error mail_report_parse(struct arena *arena, slice message, struct mail_report *out_report);
