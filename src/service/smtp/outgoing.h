#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a session into the queue: whatever does not go straight into mailboxes. On submission one
 * envelope takes all recipients. On port 25 mailboxes are one envelope and addresses elsewhere,
 * which aliases led to, another: its sender is rewritten (SRS) and it bears an ARC seal.
 *
 * Aliases are followed by the session: the queue gets accounts (`final`, with the detail) and
 * addresses of strangers. Recipients that one alias led to share its NOTIFY and ORCPT; where the
 * sender gave no ORCPT it is the address that RCPT named (RFC 3461 5.2.7), so that reports speak of
 * that.
 */
#include "service/smtp/session.h"
#include "transport/queue/queue.h"

/* Must this mail go through the queue? Not where it only goes into mailboxes, now, and nobody wants
 * to hear of success. */
bool smtp_outgoing_is_wanted(const struct smtp_transaction *transaction);
/* WAITS until durable. The transaction's body is the queue's then. */
error smtp_outgoing_submit(struct smtp_session *session, slice id, slice prefix, queue_id *out_id);
