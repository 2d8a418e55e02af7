#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a submission server does to a mail of an account before it goes on (RFC 6409 6, 8): checks
 * whose name it bears, takes out what is nobody's business, adds what is missing, signs it.
 * - Every address of From: must be one of the account's (submission.sender_check); a Sender: field
 *   is never added. A redirected mail (Resent-From:) is no exception.
 * - A mail from <> must be a multipart/report, as receipts are (submission.null_sender).
 * - The text of the mail is never changed.
 */
#include "service/smtp/session.h"

/* WAITS. The fields to put before the transaction's message, which may become shorter, or why it is
 * refused; *out_problem says more for the log. */
enum smtp_reply smtp_submitted_prepare(struct smtp_session *session, slice id, slice *out_prefix,
                                       error *out_problem);

/* The account met its sending limit: counted, and where `alert` logged and told to transport_event.
 */
void smtp_submitted_limit_met(const struct smtp_session *session, slice sender, bool alert);
/* Will a mail to so many recipients pass at another time? 450, or never: 550. */
enum smtp_reply smtp_submitted_limit_reply(const struct smtp_session *session, unsigned recipients);
