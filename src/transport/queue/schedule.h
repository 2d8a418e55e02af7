#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * When which item is tried. Owner core: timers for what waits, results of attempts, retries,
 * expiry, reports. Site core (queue/site.h): lines, concurrency, connections, pauses.
 */
#include "runtime/message.h"
#include "transport/queue/mail.h"

/* A new mail, or one found at start: its items go out now, wait for their time, or are held. */
void queue_schedule_add(struct queue_mail *mail);

/* What one attempt at an item told about one recipient. */
struct queue_result {
    uint32_t recipient; /* index into mail->recipients */
    uint8_t outcome;    /* enum queue_outcome; QUEUE_OPEN: try again later */
    bool dsn_passed;    /* whoever has it now took over reporting success (RFC 3461 5.2.2) */
    bool expanded;      /* of QUEUE_RELAYED: by us, to several (RFC 3464 2.3.3) */
    bool by_relayed; /* relaying it is to be reported, whatever NOTIFY says but NEVER (RFC 2852) */
    int code;        /* reply code; 0: none (no connection) */
    int enhanced[3];
    char *text; /* owned; may be NULL */
};

/* The end of an attempt, or of one transaction of it: made on the site's core, moved to the
 * owner's, freed there. */
struct queue_attempt {
    struct message message;
    struct list node; /* on the owner core: waits to be looked at */
    struct queue_item *item;
    struct queue_result *results;
    unsigned result_count;
    bool more;      /* more transactions follow: the item is still out */
    char host[256]; /* who answered; empty: nobody */
    char tls[64];   /* "TLSv1.3 TLS_AES_128_GCM_SHA256"; empty: clear text */
    int64_t began_ns, took_ns;
};

/* On the owner core: takes the attempt over. */
void queue_schedule_result(struct queue_attempt *attempt);

/* ns until the next try after so many attempts: retry_min doubled each time up to retry_max, a
 * quarter more or less by chance. Pure but for the random number. */
int64_t queue_retry_pause(const struct queue_settings *settings, unsigned attempts,
                          uint64_t random);
