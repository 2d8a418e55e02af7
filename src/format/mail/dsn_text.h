#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What delivery reports say to people, in the languages we speak: UTF-8, in the tables of
 * dsn_text.c. "{}" stands for a name, number or time.
 */
#include "base/slice.h"

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED, DSN_ACTIONS };

enum dsn_language { DSN_ENGLISH, DSN_GERMAN, DSN_FRENCH, DSN_SPANISH, DSN_LANGUAGES };

/* What a person can do about a failure. */
enum dsn_advice {
    DSN_ADVICE_OTHER,
    DSN_ADVICE_ADDRESS,
    DSN_ADVICE_DOMAIN,
    DSN_ADVICE_SENDER,
    DSN_ADVICE_DISABLED,
    DSN_ADVICE_FULL,
    DSN_ADVICE_LARGE,
    DSN_ADVICE_UNREACHABLE,
    DSN_ADVICE_LOOP,
    DSN_ADVICE_CONTENT,
    DSN_ADVICE_POLICY,
    DSN_ADVICE_SECURITY,
    DSN_ADVICES
};

struct dsn_text {
    const char *code; /* RFC 5646 */
    const char *hello;
    const char *intro;        /* {}: this host */
    const char *subject_name; /* before the original's subject and date */
    const char *date_name;
    struct dsn_action_text {
        const char *subject;
        const char *verdict; /* before the list of recipients */
        const char *closing; /* what happens next */
    } actions[DSN_ACTIONS];
    const char *until; /* delayed, with a time; {}: when */
    const char *said;  /* {}: a server */
    const char *reason;
    const char *more; /* {}: how many */
    const char *header_attached;
    const char *mail_attached;
    const char *advice[DSN_ADVICES];
};

extern const struct dsn_text dsn_texts[DSN_LANGUAGES];

/* By the enhanced status (RFC 3463, RFC 7372, RFC 7504, RFC 7505, RFC 8689). */
enum dsn_advice dsn_advice_for(const int status[3]);

/* The best of our languages in the value of a Content-Language, Accept-Language or Language field
 * (RFC 3282; weights as in RFC 9110 12.5.4 are obeyed). False where it names none of them. */
bool dsn_language_find(slice value, enum dsn_language *out_language);
/* What the sender of a mail with this header reads: Accept-Language, else Content-Language. */
bool dsn_language_of_mail(slice header, enum dsn_language *out_language);
