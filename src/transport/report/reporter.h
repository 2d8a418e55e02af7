#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Once a day (midnight UTC) what all cores noted about TLS with other servers (RFC 8460,
 * transport/route/tls_report.h) is put together, and every domain that asks for it by a TXT record
 * gets its report: by mail through the queue, signed where the contact's domain has a key, or by
 * HTTPS. One fiber of one core, a domain after the other; what cannot be sent is tried
 * REPORTER_TRIES times and then dropped. A restart forgets the day so
 * far: these are statistics.
 */
#include "base/error.h"
#include "transport/report/settings.h"

enum reporter_limits {
    REPORTER_TRIES = 3,
    REPORTER_PAUSE_S = 600,      /* between tries */
    REPORTER_SPREAD = 6,         /* reports begin within this part of the interval: 4 h of a day */
    REPORTER_ANSWER_SIZE = 4096, /* of a web server's answer; nobody reads it */
    REPORTER_TIMEOUT_S = 60,     /* of one look-up or request */
};

struct reporter_options {
    const struct tls_report_settings *settings; /* borrowed for good, as are the texts */
    slice hostname;
    slice authority;        /* PEM file for HTTPS; empty: the system's */
    bool private_addresses; /* web servers may be at such */
};

/* WAITS. On one core, after the queue: from now on all cores note. Harmless where no contact is
 * set. */
error reporter_start(const struct reporter_options *options);
/* WAITS. On the same core, before the queue stops. */
void reporter_stop(void);
