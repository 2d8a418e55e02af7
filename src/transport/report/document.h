#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A domain's TLS report as JSON (RFC 8460 4.4) and as the mail that carries it (5.3). Pure.
 */
#include "base/buffer.h"
#include "transport/route/tls_report.h"

enum {
    TLS_REPORT_DOCUMENT_SIZE_MAX = 1 << 20,
    TLS_REPORT_MAIL_SIZE_MAX = 2 << 20,
};

struct tls_document {
    slice organization, contact, submitter; /* the last is our hostname */
    slice domain;
    slice id;           /* of the report: printable, no blanks */
    int64_t begin, end; /* seconds since 1970; end belongs to the next report */
    int64_t now;
    const struct tls_report_entry *entries[TLS_REPORT_POLICIES]; /* of the domain; NULL: none */
};

void tls_document_write(const struct tls_document *document, struct buffer *out);
/* The whole mail to one address; `zipped` is the JSON by gzip. */
void tls_document_mail(const struct tls_document *document, slice to, slice zipped,
                       struct buffer *out);
