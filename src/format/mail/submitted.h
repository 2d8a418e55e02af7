#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a submission server wants to know of a mail's header, and what it takes out of it (RFC 6409
 * 8). Pure.
 */
#include "base/slice.h"

struct mail_submitted {
    slice from;          /* value of the first From: */
    unsigned from_count; /* From: fields; RFC 5322 3.6 wants exactly one */
    bool date, message_id;
    bool secrets;      /* has fields that mail_submitted_clean takes out */
    bool report;       /* Content-Type: multipart/report (RFC 6522) */
    bool tls_optional; /* TLS-Required: No (RFC 8689 5) */
    bool too_large;    /* past the limits of format/mail/header.h: the rest was not looked at */
};

/* Views of the message. */
void mail_submitted_read(slice message, struct mail_submitted *out_mail);
/* Bcc and Resent-Bcc are nobody's business, Return-Path is the final delivery's: taken out in
 * place; what follows moves down. Returns the new size. */
size_t mail_submitted_clean(char *message, size_t size);
