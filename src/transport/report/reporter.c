/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/report/reporter.h"

#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "filter/authentic/signer.h"
#include "format/mail/tlsrpt.h"
#include "format/text/gzip.h"
#include "net/dns/resolver.h"
#include "net/http/client.h"
#include "net/tls.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "transport/queue/queue.h"
#include "transport/report/document.h"

METRIC_COUNTER(metric_sent, "ringmail_tls_reports_total", "result=\"sent\"",
               "Daily reports about TLS to other domains");
METRIC_COUNTER(metric_failed, "ringmail_tls_reports_total", "result=\"failed\"",
               "Daily reports about TLS to other domains");

enum { SCRATCH_MAX = 8 << 20, PREFIX_MAX = 64 << 10 };

static _Thread_local struct {
    bool running;
    struct reporter_options options;
    struct arena arena;
    struct tls_client *tls;
    struct crew crew;
} reporter;

/* ---- What the cores have ---- */

static error take_here(void *argument)
{
    struct tls_report_day **days = argument;
    days[core_self()] = tls_report_take();
    return OK;
}

/* WAITS. NULL: nothing was noted. */
static struct tls_report_day *collect(void)
{
    struct tls_report_day *days[CORE_COUNT_MAX] = {0}, *all = NULL;
    error problem = core_broadcast(take_here, days);
    for (unsigned i = 0; i < core_count(); i++) {
        if (!all) {
            all = days[i];
        } else if (days[i]) {
            problem = tls_report_merge(all, days[i]);
            tls_report_day_destroy(&days[i]);
        }
        if (failed(problem))
            log_event(LOG_WARNING, "tls_report.merge", problem, SLICE_EMPTY);
    }
    return all;
}

/* ---- One domain ---- */

struct dispatch {
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
        .size_max = REPORTER_ANSWER_SIZE,
        .tls = reporter.tls,
        .public_only = !reporter.options.private_addresses,
        .deadline = time_after(REPORTER_TIMEOUT_S * TIME_S),
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
    TRY(resolver_query(name, DNS_TXT, arena, time_after(REPORTER_TIMEOUT_S * TIME_S), &answer));
    for (unsigned i = 0; i < answer.count; i++) {
        error problem = tlsrpt_record_parse(answer.records[i].text, arena, out_record);
        if (problem.kind == ERROR_NOT_FOUND)
            continue;
        outcome = ++count == 1 ? problem : error_make(ERROR_NOT_FOUND, "two TLSRPT records");
    }
    return outcome;
}

struct period {
    struct tls_report_day *day;
    int64_t begin, end; /* seconds since 1970 */
};

static error dispatch(const struct period *period, slice domain, struct arena *arena)
{
    const struct reporter_options *options = &reporter.options;
    struct tlsrpt_record record;
    struct dispatch d = {.arena = arena};
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
    TRY(arena_format(arena, &d.document.id, "%lld-%016llx", (long long)period->begin,
                     (unsigned long long)random_u64()));
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

/* ---- All of them ---- */

/* A domain that is done leaves the map, with all its entries. */
static void forget(struct tls_report_day *day, slice domain)
{
    char key[512];
    if (domain.size > sizeof key - 1)
        return;
    memcpy(key + 1, domain.data, domain.size);
    for (int i = 0; i < TLS_REPORT_POLICIES; i++) {
        key[0] = (char)('0' + i);
        map_remove(&day->entries, slice_of(key, domain.size + 1));
    }
}

static error send_once(const struct period *period, bool last)
{
    size_t position = 0;
    slice key;
    void *value;
    while (map_next(&period->day->entries, &position, &key, &value)) {
        const struct tls_report_entry *entry = value;
        slice domain = entry->domain;
        struct arena scratch;
        arena_init(&scratch, SCRATCH_MAX);
        error problem = dispatch(period, domain, &scratch);
        arena_close(&scratch);
        if (problem.kind == ERROR_CANCELLED)
            return problem;
        bool unwanted = problem.kind == ERROR_NOT_FOUND || problem.kind == ERROR_MALFORMED;
        if (!unwanted && (last || !failed(problem)))
            metric_add(failed(problem) ? &metric_failed : &metric_sent, 1);
        if (unwanted || !failed(problem))
            forget(period->day, domain);
    }
    return OK;
}

static error send_all(const struct period *period)
{
    for (int tries = 1; tries <= REPORTER_TRIES && period->day->entries.count > 0; tries++) {
        if (tries > 1)
            TRY(fiber_sleep(REPORTER_PAUSE_S * TIME_S));
        TRY(send_once(period, tries == REPORTER_TRIES));
    }
    return OK;
}

static void run(void *argument)
{
    (void)argument;
    int64_t interval = reporter.options.settings->interval, begin = 0;
    for (;;) {
        int64_t now = time_wall(), end = (now / interval + 1) * interval;
        if (failed(fiber_sleep(end - now)))
            return;
        struct period period = {
            .day = collect(),
            .begin = (begin ? begin : end - interval) / TIME_S,
            .end = end / TIME_S,
        };
        begin = end;
        if (!period.day)
            continue;
        /* Not everybody at midnight (RFC 8460 4.1). */
        error problem = fiber_sleep((int64_t)random_below((uint64_t)interval / REPORTER_SPREAD));
        if (!failed(problem))
            problem = send_all(&period);
        tls_report_day_destroy(&period.day);
        if (failed(problem))
            return;
    }
}

/* ---- Life ---- */

static error note_here(void *argument)
{
    (void)argument;
    return tls_report_start();
}

static error forget_here(void *argument)
{
    (void)argument;
    tls_report_stop();
    return OK;
}

static error start(void)
{
    struct tls_client_options options = {.verify = true, .version_min = TLS_1_2};
    slice authority = reporter.options.authority;
    if (authority.size)
        TRY(arena_string(&reporter.arena, authority, &options.authority));
    TRY(tls_client_create(&options, &reporter.tls));
    TRY(core_broadcast(note_here, NULL));
    return fiber_start(&reporter.crew, "tls reports", run, NULL);
}

error reporter_start(const struct reporter_options *options)
{
    if (options->settings->contact.size == 0)
        return OK;
    reporter.options = *options;
    reporter.running = true;
    arena_init(&reporter.arena, 64 << 10);
    crew_init(&reporter.crew, NULL);
    error problem = start();
    if (failed(problem))
        reporter_stop();
    return problem;
}

void reporter_stop(void)
{
    if (!reporter.running)
        return;
    reporter.running = false;
    crew_close(&reporter.crew);
    error_ignore(core_broadcast(forget_here, NULL)); /* it cannot fail */
    tls_client_destroy(&reporter.tls);
    arena_close(&reporter.arena);
}
