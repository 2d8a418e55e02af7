#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Section "queue" of the configuration.
 */
#include "base/error.h"
#include "base/setting.h"

#include <stdint.h>

struct queue_settings {
    slice path;                /* of spool and log; empty: store.path/queue */
    uint64_t mails_max;        /* in all cores' queues; more is refused with 4xx */
    size_t memory_max;         /* bytes of bodies held in memory, per core; beyond: spool at once */
    int64_t memory_age;        /* ns a body may stay in memory only */
    size_t spool_segment_size; /* bytes of one spool file */
    int64_t retry_min;         /* ns: first pause after a failure */
    int64_t retry_max;         /* ns: the longest pause */
    int64_t lifetime;          /* ns from arrival to bounce */
    int64_t bounce_lifetime;   /* ns, for mail from <> */
    int64_t warn_after;        /* ns; 0: no delay warnings */
    unsigned concurrency;      /* connections to one site, at most */
    unsigned concurrency_first; /* where a new site begins */
    unsigned connections_max;   /* of one core, all sites together */
    unsigned mails_per_connection;
    unsigned recipients_per_mail; /* of one transaction; more are further transactions */
    int64_t idle_timeout;         /* ns an unused connection is kept */
    unsigned rate_per_site;       /* transactions a minute to one site; 0: no limit */
    struct setting_list rates;    /* exceptions: "domain=number", a minute */
    unsigned failures_to_pause;   /* connections failing one after another pause a site */
    slice postmaster;             /* gets double bounces; empty: nobody */
    int report_language;          /* enum dsn_language, where the mail tells none */
    size_t report_size_max;       /* bytes of a mail that is returned whole (RET=FULL) */
};

extern const struct setting_table queue_setting_table;

/* One of `rates`: "domain=number". ERROR_MALFORMED. */
error queue_rate_parse(slice text, slice *out_domain, uint32_t *out_rate);
