#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one core or many noted about TLS, as records of a file (data/frame.h). The header's
 * `generation` is the second since 1970 that the period began at. Entries of one domain add up, so
 * that a file grows by what is new. Pure.
 */
#include "data/frame.h"
#include "transport/route/tls_report.h"

#define TLS_REPORT_MAGIC "RMTLSR1\n"

enum tls_report_record_kind {
    TLS_REPORT_ENTRY = 1, /* to be added */
    TLS_REPORT_DONE,      /* the domain has its report */
    TLS_REPORT_KIND_LAST = TLS_REPORT_DONE,
};

void tls_report_entry_write(struct buffer *out, uint32_t salt,
                            const struct tls_report_entry *entry);
void tls_report_done_write(struct buffer *out, uint32_t salt, slice domain);
/* Reading payloads; ERROR_MALFORMED. Texts are borrowed from the payload, details are the arena's;
 * `key` is left empty. */
error tls_report_entry_read(slice payload, struct arena *arena, struct tls_report_entry *out_entry);
error tls_report_done_read(slice payload, slice *out_domain);
