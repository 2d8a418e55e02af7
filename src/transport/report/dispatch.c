/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/report/dispatch.h"

#include "base/log.h"
#include "filter/authentic/signer.h"
#include "format/mail/tlsrpt.h"
#include "format/text/gzip.h"
#include "net/dns/resolver.h"
#include "net/http/client.h"
#include "transport/queue/queue.h"
#include "transport/report/document.h"

enum { PREFIX_MAX = 64 << 10 };

struct dispatch {
    const struct dispatch_options *options;
    struct tls_document document;
    struct arena *arena;
    slice zipped; /* the document */
};

static error submit(struct dispatch *d, slice to, slice mail, slice prefix)
{
    const struct queue_recipient recipient = {.address = to, .notify = SMTP_NOTIFY_NEVER};
    struct queue_envelope envelope = {
        .sender = d->document.contact,
        .prefix = prefix,
        .recipients = &recipient,
        .recipient_count = 1,
        .tls_optional = true, /* RFC 8460 3: TLS that fails must not hide that it fails */
        .origin = d->document.id,
    };
    struct body body;
    body_init(&body, mail.size);
    error problem = body_append(&body, mail);
    struct queue_submission submission = {.envelopes = &envelope, .count = 1, .body = &body};
    if (!failed(problem))
        problem = queue_submit(&submission);
    body_close(&body);
    return problem;
}

static error send_mail(struct dispatch *d, slice to)
{
    struct buffer mail, prefix;
    slice local, domain;
    buffer_init(&mail, TLS_REPORT_MAIL_SIZE_MAX);
    buffer_init(&prefix, PREFIX_MAX);
    tls_document_mail(&d->document, to, d->zipped, &mail);
    slice_cut_last(d->document.contact, '@', &local, &domain);
    error problem = buffer_check(&mail);
    if (!failed(problem)) /* RFC 8460 3: by the domain it comes from */
        problem = signer_sign(domain, SLICE_EMPTY, buffer_slice(&mail), d->arena, &prefix);
    if (!failed(problem))
        problem = submit(d, to, buffer_slice(&mail), buffer_slice(&prefix));
    buffer_close(&mail);
    buffer_close(&prefix);
    return problem;
}

static error post(struct dispatch *d, slice url)
{
    struct http_client_answer answer;
    const struct http_client_request request = {
        .method = "POST",
        .url = url,
        .content_type = SLICE("application/tlsrpt+gzip"),
        .body = d->zipped,
        .size_max = DISPATCH_ANSWER_SIZE,
        .tls = d->options->tls,
        .public_only = !d->options->private_addresses,
        .deadline = time_after(DISPATCH_TIMEOUT_S * TIME_S),
    };
    TRY(http_client_ask(&request, d->arena, &answer));
    return answer.status / 100 == 2 ? OK : error_make(ERROR_TEMPORARY, "the report is not wanted");
}

static void log_report(const struct dispatch *d, slice to, error problem)
{
    struct log_line line = log_begin(failed(problem) ? LOG_WARNING : LOG_INFO, "tls_report.sent");
    log_text(&line, "domain", d->document.domain);
    log_text(&line, "to", to);
    log_text(&line, "report", d->document.id);
    log_error(&line, problem);
    log_end(&line);
}

/* RFC 8460 3: each target gets it; one that has it is enough. */
static error send_to_all(struct dispatch *d, const struct tlsrpt_record *record)
{
    error outcome = error_make(ERROR_TEMPORARY, "no target took the report");
    for (unsigned i = 0; i < record->count; i++) {
        const struct tlsrpt_target *target = &record->targets[i];
        error problem =
            target->kind == TLSRPT_MAIL ? send_mail(d, target->address) : post(d, target->address);
        log_report(d, target->address, problem);
        if (problem.kind == ERROR_CANCELLED)
            return problem;
        if (!failed(problem))
            outcome = OK;
    }
    return outcome;
}

/* WAITS. ERROR_NOT_FOUND: the domain wants none. More than one record is none (RFC 8460 3). */
static error find_targets(slice domain, struct arena *arena, struct tlsrpt_record *out_record)
{
    struct dns_answer answer;
    slice name;
    unsigned count = 0;
    error outcome = error_make(ERROR_NOT_FOUND, "no TLSRPT record");
    TRY(arena_format(arena, &name, "_smtp._tls.%.*s", SLICE_ARG(domain)));
    TRY(resolver_query(name, DNS_TXT, arena, time_after(DISPATCH_TIMEOUT_S * TIME_S), &answer));
    for (unsigned i = 0; i < answer.count; i++) {
        error problem = tlsrpt_record_parse(answer.records[i].text, arena, out_record);
        if (problem.kind == ERROR_NOT_FOUND)
            continue;
        outcome = ++count == 1 ? problem : error_make(ERROR_NOT_FOUND, "two TLSRPT records");
    }
    return outcome;
}

error dispatch_report(const struct dispatch_options *options, const struct report_period *period,
                      slice domain, struct arena *arena)
{
    struct tlsrpt_record record;
    struct dispatch d = {.options = options, .arena = arena};
    struct buffer json, zipped;
    TRY(find_targets(domain, arena, &record));
    d.document = (struct tls_document){
        .organization = options->settings->organization.size ? options->settings->organization
                                                             : options->hostname,
        .contact = options->settings->contact,
        .submitter = options->hostname,
        .domain = domain,
        .begin = period->begin,
        .end = period->end,
        .now = time_wall_seconds(),
    };
    TRY(report_period_id(period, domain, arena, &d.document.id));
    for (int i = 0; i < TLS_REPORT_POLICIES; i++) {
        slice key;
        TRY(arena_format(arena, &key, "%d%.*s", i, SLICE_ARG(domain)));
        d.document.entries[i] = map_get(&period->day->entries, key);
    }
    buffer_init(&json, TLS_REPORT_DOCUMENT_SIZE_MAX);
    tls_document_write(&d.document, &json);
    buffer_init(&zipped, TLS_REPORT_DOCUMENT_SIZE_MAX);
    error problem = buffer_check(&json);
    if (!failed(problem))
        problem = gzip_encode(buffer_slice(&json), &zipped);
    buffer_close(&json);
    d.zipped = buffer_slice(&zipped);
    if (!failed(problem))
        problem = send_to_all(&d, &record);
    buffer_close(&zipped);
    return problem;
}
