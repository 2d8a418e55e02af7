#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Once a day (midnight UTC) what all cores noted about TLS with other servers (RFC 8460,
 * transport/route/tls_report.h) is put together, and every domain that asks for it by a TXT record
 * gets its report: by mail through the queue, signed where the contact's domain has a key, or by
 * HTTPS. Two fibers of one core: one collects from all cores every tls_report.save_interval and
 * writes it down, one reports the periods that are over, a domain after the other, with growing
 * pauses until all are sent or a period more has gone by.
 *
 * Counts and what is still to be reported outlive the process (period.h): a crash loses what was
 * noted since the last time. A report is sent once, however often the server restarts; a crash in
 * the very moment between its sending and the mark of it sends it again, under the same id.
 */
#include "base/error.h"
#include "transport/report/settings.h"

enum reporter_limits {
    REPORTER_PAUSE_S = 600, /* after the first try; doubled with each further one */
    REPORTER_SPREAD = 6,    /* reports begin within this part of the interval: 4 h of a day */
};

struct reporter_options {
    const struct tls_report_settings *settings; /* borrowed for good, as are the texts */
    slice hostname;
    slice authority;        /* PEM file for HTTPS; empty: the system's */
    bool private_addresses; /* web servers may be at such */
    const char *path;       /* directory of the counts; made where there is none; for the start */
};

/* WAITS. On one core, after the queue: from now on all cores note. Harmless where no contact is
 * set. */
error reporter_start(const struct reporter_options *options);
/* WAITS. On the same core, before the queue stops: no report is sent any more. */
void reporter_stop(void);
/* WAITS. On the same core, after the queue stopped: what was noted to the last is written down. */
void reporter_close(void);
