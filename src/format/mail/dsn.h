#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Delivery status notifications (RFC 3464) as multipart/report (RFC 6522): words for people, fields
 * for programs, and the mail they are about, whole or its header. Internationalised mail gets the
 * message/global forms (RFC 6533) where its sender can read them, else the ASCII forms. Pure: what
 * remote servers and senders chose is made harmless here; nothing of it can begin a field of its
 * own. Bounds: dsn_limits.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "format/mail/dsn_text.h"

enum dsn_limits {
    DSN_HEADER_SIZE_MAX = 64 << 10, /* of a returned header; what is beyond is cut at a line */
    DSN_SHOWN_MAX = 50,             /* recipients named in the words; the fields name all */
    DSN_VALUE_SIZE_MAX = 800,       /* bytes of one value from outside; longer ones are cut */
    DSN_RECIPIENT_SIZE_MAX = 4096,  /* bytes that one recipient's fields take at most */
    /* All else: header, words in two languages, boundaries. */
    DSN_FRAME_SIZE_MAX = (256 << 10) + DSN_SHOWN_MAX * 16 * DSN_VALUE_SIZE_MAX,
};

struct dsn_recipient {
    slice original_type, original_address; /* ORCPT, decoded (RFC 3461 4.2); empty: none */
    slice final_address;
    int status[3];            /* RFC 3463; all 0: by the action */
    slice remote_host;        /* a name, or an address in brackets; empty: none */
    int code;                 /* of the remote's reply; 0: it said none */
    slice text;               /* its words, or ours; may be empty */
    int64_t last_attempt;     /* seconds since 1970; 0: never */
    int64_t will_retry_until; /* of delayed ones; 0: not said */
};

struct dsn {
    enum dsn_action action;
    enum dsn_language language;
    slice reporting_mta; /* this host's name */
    slice from;          /* of the header; addr-spec */
    slice to;            /* who reads it; addr-spec */
    slice unique;        /* letters and digits: makes Message-ID and boundary; a stranger must not
                            be able to guess it */
    slice note;          /* ASCII words put before the subject; empty: none */
    int64_t now;         /* seconds since 1970 */
    slice envid;         /* decoded; empty: none */
    int64_t arrived;     /* seconds since 1970; 0: not said */
    int64_t deliver_by;  /* seconds since 1970 (RFC 2852 5); 0: no such time */
    bool utf8;           /* who reads it takes SMTPUTF8 */
    slice prefix, body;  /* of the original: header fields put before it, and the rest */
    bool full;           /* return it whole (RFC 3461 4.3) */
    const struct dsn_recipient *recipients;
    unsigned count;
};

/* What the envelope of the report must say. */
struct dsn_needs {
    bool utf8;      /* SMTPUTF8 */
    bool eight_bit; /* BODY=8BITMIME */
};

/* Appends the whole report, CRLF. ERROR_LIMIT where the arena (for the original's subject and the
 * like) is full; the buffer's own failure is sticky. An original that cannot be a message/rfc822
 * (RFC 2046 5.2.1: NUL, bare CR or LF, lines past 998 bytes) is returned by its header. */
error dsn_write(const struct dsn *dsn, struct arena *arena, struct buffer *out,
                struct dsn_needs *out_needs);

/* "failed" ... */
const char *dsn_action_name(enum dsn_action action);
