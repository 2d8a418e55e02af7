#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Delivery reports (RFC 3461, 3464, 6522): what the sender hears about recipients of a mail. Called
 * by the schedule on the owner core; makes the report and submits it to the queue as mail from <>.
 * Never about mail from <>: a failed one goes to queue.postmaster, or nowhere. What NOTIFY asks for
 * decides who is reported (the default: failures and delays).
 */
#include "transport/queue/mail.h"

enum report_kind {
    REPORT_FAILED,
    REPORT_DELAYED,
    REPORT_DELIVERED,
    REPORT_RELAYED,
    REPORT_EXPANDED,
};

struct report_recipient {
    uint32_t recipient; /* index into mail->recipients */
    int code;           /* of the remote's reply; 0: none */
    int enhanced[3];    /* status; all 0: derived from kind */
    const char *text;   /* the remote's words; may be NULL. Of a delay without code and host: an
                           item's last answer in one piece, "host: 450 4.2.0 words" */
    const char *host;   /* Remote-MTA; may be NULL */
    int64_t tried;      /* seconds; 0: never */
};

/* WAITS. OK: the report is durable in the queue, or none was due. On an error the caller keeps the
 * recipients open and tries the report again later: a failure is never silent. */
error report_send(const struct queue_mail *mail, enum report_kind kind,
                  const struct report_recipient *recipients, unsigned count);
