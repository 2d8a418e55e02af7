#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One domain's report about one period: who wants it (RFC 8460 3), the document, and its way there,
 * by mail through the queue or by HTTPS. One fiber.
 */
#include "base/arena.h"
#include "net/tls.h"
#include "transport/report/period.h"
#include "transport/report/settings.h"

enum dispatch_limits {
    DISPATCH_ANSWER_SIZE = 4096, /* of a web server's answer; nobody reads it */
    DISPATCH_TIMEOUT_S = 60,     /* of one look-up or request */
};

struct dispatch_options {
    const struct tls_report_settings *settings;
    slice hostname;
    struct tls_client *tls;
    bool private_addresses; /* web servers may be at such */
};

/* WAITS. OK: at least one of those who want it has it. ERROR_NOT_FOUND, ERROR_MALFORMED: nobody
 * does. `domain` must outlive it, the period must not change. */
error dispatch_report(const struct dispatch_options *options, const struct report_period *period,
                      slice domain, struct arena *scratch);
