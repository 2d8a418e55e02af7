/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reports that strangers send: counts agree, values are what their names promise, whatever comes.
 */
#include "base/assert.h"
#include "format/mail/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sum; /* every byte of a result is read: the sanitizers see where it points */

static void look_at(slice text)
{
    for (size_t i = 0; i < text.size; i++)
        sum += (unsigned char)text.data[i];
}

static void check(const struct mail_report *report)
{
    unsigned count = 0;
    for (const struct mail_report_recipient *r = report->recipients; r; r = r->next, count++) {
        ASSERT(r->action <= DSN_ACTIONS && r->code >= 0 && r->code <= 599);
        ASSERT(r->status[0] == 0 || r->status[0] == 2 || r->status[0] == 4 || r->status[0] == 5);
        ASSERT(r->status[1] <= 999 && r->status[2] <= 999);
        look_at(r->original);
        look_at(r->final);
        look_at(r->host);
        look_at(r->text);
    }
    ASSERT(count == report->count && count <= MAIL_REPORT_RECIPIENTS_MAX);
    look_at(report->reporting_mta);
    look_at(report->envid);
    look_at(report->feedback_type);
    look_at(report->original_sender);
    look_at(report->source_ip);
    look_at(report->message_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice message = slice_of(data, size);
    struct arena arena;
    struct mail_report report;
    arena_init(&arena, 64 << 20);
    (void)mail_report_is_likely(message);
    error problem = mail_report_parse(&arena, message, &report);
    ASSERT(!failed(problem) || problem.kind == ERROR_NOT_FOUND);
    if (!failed(problem))
        check(&report);
    arena_close(&arena);
    return 0;
}
