#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a server offers in its answer to EHLO (RFC 5321 4.1.1.1), as a client of ours reads it. What
 * is malformed counts as not offered. Pure.
 */
#include "base/slice.h"

enum smtp_extension {
    SMTP_OFFERS_PIPELINING = 1 << 0,
    SMTP_OFFERS_CHUNKING = 1 << 1,
    SMTP_OFFERS_8BITMIME = 1 << 2,
    SMTP_OFFERS_BINARYMIME = 1 << 3, /* only together with CHUNKING (RFC 3030 3) */
    SMTP_OFFERS_SMTPUTF8 = 1 << 4,
    SMTP_OFFERS_DSN = 1 << 5,
    SMTP_OFFERS_SIZE = 1 << 6,
    SMTP_OFFERS_STARTTLS = 1 << 7,
    SMTP_OFFERS_REQUIRETLS = 1 << 8,
    SMTP_OFFERS_DELIVERBY = 1 << 9,
    SMTP_OFFERS_MT_PRIORITY = 1 << 10,
    SMTP_OFFERS_AUTH_PLAIN = 1 << 11,
    SMTP_OFFERS_AUTH_LOGIN = 1 << 12,
};

struct smtp_offer {
    unsigned extensions;     /* enum smtp_extension bits */
    uint64_t size_max;       /* bytes; 0: no limit is named (RFC 1870 4) */
    uint64_t deliver_by_min; /* seconds; 0: none (RFC 2852 2) */
    uint64_t recipients_max; /* of one transaction (RFC 9422 RCPTMAX); 0: not said */
    uint64_t mails_max;      /* of one connection (MAILMAX); 0: not said */
};

/* `text`: the reply's lines joined by '\n', the first is the server's name (smtp_response.text). */
void smtp_offer_read(slice text, struct smtp_offer *out_offer);
