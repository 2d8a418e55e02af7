/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/incoming_report.h"

#include "base/log.h"
#include "base/metric.h"
#include "base/time.h"
#include "format/mail/report.h"
#include "transport/event.h"
#include "transport/forward.h"

METRIC_COUNTER(bounces_total, "ringmail_reports_received_total", "kind=\"delivery\"",
               "Reports received for senders of ours");
METRIC_COUNTER(complaints_total, "ringmail_reports_received_total", "kind=\"feedback\"",
               "Reports received for senders of ours");

static void tell_bounces(const struct incoming_report *mail, const struct mail_report *report)
{
    unsigned told = 0;
    const struct mail_report_recipient *r = report->recipients;
    for (; r && told < INCOMING_REPORT_EVENTS_MAX; r = r->next) {
        if (r->action != DSN_FAILED)
            continue;
        transport_event(&(struct transport_event){
            .kind = TRANSPORT_REPORTED,
            .time = time_wall_seconds(),
            .account = mail->account,
            .sender = mail->recipient,
            /* What our sender wrote, where it came back (RFC 3461 5.2.6). */
            .recipient = r->original.size ? r->original : r->final,
            .host = r->host.size ? r->host : report->reporting_mta,
            .code = r->code,
            .enhanced = {r->status[0], r->status[1], r->status[2]},
            .text = r->text,
        });
        told++;
    }
}

static void tell_complaint(const struct incoming_report *mail, const struct mail_report *report)
{
    struct transport_event event = {
        .kind = TRANSPORT_COMPLAINT,
        .time = time_wall_seconds(),
        .account = mail->account,
        .sender = report->original_sender.size ? report->original_sender : mail->recipient,
        .host = report->reporting_mta.size ? report->reporting_mta : report->source_ip,
        .text = report->feedback_type,
    };
    const struct mail_report_recipient *r = report->recipients;
    if (!r)
        transport_event(&event);
    for (unsigned told = 0; r && told < INCOMING_REPORT_EVENTS_MAX; r = r->next, told++) {
        event.recipient = r->final;
        transport_event(&event);
    }
}

static void log_report(const struct incoming_report *mail, const struct mail_report *report)
{
    bool feedback = report->kind == MAIL_REPORT_FEEDBACK;
    struct log_line line = log_begin(LOG_INFO, "report.received");
    log_text(&line, "id", mail->id);
    log_string(&line, "kind", feedback ? "feedback" : "delivery");
    log_text(&line, "from", feedback ? mail->sender : report->reporting_mta);
    log_text(&line, "to", mail->recipient);
    log_number(&line, "recipients", report->count);
    log_text(&line, "about", report->message_id);
    log_end(&line);
}

/* A rewritten sender stands for the one that mail was forwarded for. */
static void tell(const struct incoming_report *received, struct arena *arena)
{
    struct incoming_report copy = *received, *mail = &copy;
    struct mail_report report;
    if (failed(mail_report_parse(arena, mail->message, &report)))
        return; /* another kind, such as a receipt, or none at all: it is mail like any other */
    if (failed(forward_original(received->recipient, arena, &mail->recipient)))
        mail->recipient = received->recipient;
    if (report.kind == MAIL_REPORT_FEEDBACK) {
        metric_add(&complaints_total, 1);
        tell_complaint(mail, &report);
    } else if (mail->sender.size == 0) { /* RFC 3464 2: only those are what they say */
        metric_add(&bounces_total, 1);
        tell_bounces(mail, &report);
    } else {
        return;
    }
    log_report(mail, &report);
}

void incoming_report_tell(const struct incoming_report *mail)
{
    if (!mail_report_is_likely(mail->message))
        return;
    struct arena arena;
    arena_init(&arena, INCOMING_REPORT_ARENA_SIZE_MAX);
    tell(mail, &arena);
    arena_close(&arena);
}
