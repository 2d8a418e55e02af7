/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/report.h"

#include "base/cursor.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/utf8.h"
#include "crypto/random.h"
#include "filter/authentic/signer.h"
#include "format/mail/dsn.h"
#include "format/mail/header.h"
#include "format/text/idna.h"
#include "net/address.h"
#include "transport/forward.h"
#include "transport/queue/keep.h"
#include "transport/queue/life.h"

METRIC_COUNTER(failed_total, "ringmail_reports_total", "kind=\"failed\"", "Delivery reports sent");
METRIC_COUNTER(delayed_total, "ringmail_reports_total", "kind=\"delayed\"",
               "Delivery reports sent");
METRIC_COUNTER(delivered_total, "ringmail_reports_total", "kind=\"delivered\"",
               "Delivery reports sent");
METRIC_COUNTER(relayed_total, "ringmail_reports_total", "kind=\"relayed\"",
               "Delivery reports sent");
METRIC_COUNTER(expanded_total, "ringmail_reports_total", "kind=\"expanded\"",
               "Delivery reports sent");
METRIC_COUNTER(double_total, "ringmail_reports_double_total", "",
               "Undeliverable reports that went to queue.postmaster");
METRIC_COUNTER(lost_total, "ringmail_reports_lost_total", "",
               "Undeliverable reports that went nowhere");
METRIC_COUNTER(unwanted_total, "ringmail_reports_unwanted_total", "",
               "Recipients whose sender asked not to be told");

enum {
    UNIQUE_SIZE = 24,           /* 144 bits */
    ARENA_SIZE_MAX = 4 << 20,   /* recipients, the original's header, an address */
    PREFIX_SIZE_MAX = 16 << 10, /* signatures */
};

struct report {
    const struct queue_mail *mail;
    enum report_kind kind;
    const struct queue_settings *settings;
    struct arena *arena;
    slice to;
    bool is_double; /* about a report that cannot be delivered */
    struct dsn dsn;
    struct dsn_needs needs;
};

static const enum dsn_action actions[] = {
    [REPORT_FAILED] = DSN_FAILED,       [REPORT_DELAYED] = DSN_DELAYED,
    [REPORT_DELIVERED] = DSN_DELIVERED, [REPORT_RELAYED] = DSN_RELAYED,
    [REPORT_EXPANDED] = DSN_EXPANDED,
};

/* ---- Who is reported ---- */

/* RFC 3461 4.1, 5.2, 6.2 */
static bool is_asked_for(const struct queue_mail *mail, unsigned notify, enum report_kind kind)
{
    if (notify & SMTP_NOTIFY_NEVER)
        return false;
    switch (kind) {
    case REPORT_FAILED:
        return notify == SMTP_NOTIFY_UNSAID || notify & SMTP_NOTIFY_FAILURE;
    case REPORT_DELAYED:
        return notify == SMTP_NOTIFY_UNSAID || notify & SMTP_NOTIFY_DELAY;
    case REPORT_DELIVERED:
    case REPORT_EXPANDED:
        return notify & SMTP_NOTIFY_SUCCESS;
    case REPORT_RELAYED: /* RFC 2852 4.2: then the schedule knows that it is owed */
        return notify & SMTP_NOTIFY_SUCCESS || mail->deliver_by != 0;
    }
    return false;
}

/* Nothing is said about mail from <> to anyone but the postmaster, and to him not about mail that
 * he cannot be reached with. */
static bool is_told(const struct report *report, const struct queue_mail_recipient *recipient)
{
    if (!report->is_double)
        return is_asked_for(report->mail, recipient->notify, report->kind);
    return report->kind == REPORT_FAILED && report->to.size > 0 &&
           !slice_equal_nocase(queue_mail_text(report->mail, recipient->address), report->to);
}

/* The remote's words often begin with what is said beside them anyway. */
static slice without_codes(const struct report_recipient *r)
{
    struct buffer codes;
    slice text = slice_trim(slice_from_string(r->text));
    buffer_init(&codes, 64);
    buffer_format(&codes, "%d ", r->code);
    if (r->code > 0 && slice_starts(text, buffer_slice(&codes)))
        text = slice_from(text, codes.size);
    buffer_reset(&codes);
    buffer_format(&codes, "%d.%d.%d ", r->enhanced[0], r->enhanced[1], r->enhanced[2]);
    if (slice_starts(text, buffer_slice(&codes)))
        text = slice_from(text, codes.size);
    buffer_close(&codes);
    return text;
}

/* Remote-MTA names a host: "mx.example.net[192.0.2.1]:25" by its name, an address as a literal (RFC
 * 3464 2.1.2, RFC 5321 4.1.3). */
static error host_name(struct arena *arena, slice host, slice *out_name)
{
    size_t end = 0;
    char text[ADDRESS_TEXT_SIZE];
    struct address address;
    while (end < host.size && host.data[end] != '[' && host.data[end] != ' ')
        end++;
    bool known =
        !failed(address_parse_ip(host, &address)) || !failed(address_parse(host, &address));
    if (!known || address.family == ADDRESS_UNIX) {
        *out_name = end > 0 ? slice_sub(host, 0, end) : host;
        return OK;
    }
    return arena_format(arena, out_name, "[%s%.*s]", address.family == ADDRESS_IPV6 ? "IPv6:" : "",
                        SLICE_ARG(address_format_ip(&address, text)));
}

/* A waiting item keeps its last answer in one piece, "mx.example.net: 450 4.2.0 not now": taken
 * apart again where nothing else says host, code and status. */
static error read_last_answer(struct arena *arena, struct dsn_recipient *r)
{
    ptrdiff_t end = slice_find(r->text, SLICE(": "));
    if (r->code != 0 || r->remote_host.size > 0 || end < 0)
        return OK;
    struct cursor c = cursor_over(slice_from(r->text, (size_t)end + 2));
    uint64_t code, status[3];
    if (!cursor_take_u64(&c, 599, &code) || code < 400 || !cursor_take_byte(&c, ' '))
        return OK;
    TRY(host_name(arena, slice_sub(r->text, 0, (size_t)end), &r->remote_host));
    r->code = (int)code;
    r->text = cursor_rest(&c);
    memcpy(r->status, (const int[3]){(int)code / 100, 0, 0}, sizeof r->status);
    if (!cursor_take_u64(&c, 5, &status[0]) || !cursor_take_byte(&c, '.') ||
        !cursor_take_u64(&c, 999, &status[1]) || !cursor_take_byte(&c, '.') ||
        !cursor_take_u64(&c, 999, &status[2]) || !cursor_take_byte(&c, ' '))
        return OK;
    for (unsigned i = 0; i < 3; i++)
        r->status[i] = (int)status[i];
    r->text = cursor_rest(&c);
    return OK;
}

static error choose_recipients(struct report *report, const struct report_recipient *all,
                               unsigned count)
{
    const struct queue_mail *mail = report->mail;
    struct dsn_recipient *chosen = ARENA_ARRAY(report->arena, struct dsn_recipient, count);
    TRY_MEMORY(chosen);
    report->dsn.recipients = chosen;
    for (unsigned i = 0; i < count; i++) {
        const struct report_recipient *r = &all[i];
        const struct queue_mail_recipient *recipient = &mail->recipients[r->recipient];
        if (!is_told(report, recipient))
            continue;
        struct dsn_recipient *made = &chosen[report->dsn.count++];
        *made = (struct dsn_recipient){
            .original_type = queue_mail_text(mail, recipient->orcpt_type),
            .original_address = queue_mail_text(mail, recipient->orcpt_address),
            .final_address = queue_mail_text(mail, recipient->address),
            .status = {r->enhanced[0], r->enhanced[1], r->enhanced[2]},
            .code = r->code,
            .text = without_codes(r),
            .last_attempt = r->tried,
            .will_retry_until = report->kind == REPORT_DELAYED ? mail->expires : 0,
        };
        if (r->host)
            TRY(host_name(report->arena, slice_from_string(r->host), &made->remote_host));
        if (report->kind == REPORT_DELAYED)
            TRY(read_last_answer(report->arena, made));
    }
    return OK;
}

/* ---- What is said ---- */

/* The postmaster's address; a bare name is one of this host's. */
static error postmaster(struct report *report)
{
    slice name = report->settings->postmaster;
    if (name.size == 0 || slice_find_byte(name, '@') >= 0) {
        report->to = name;
        return OK;
    }
    return arena_format(report->arena, &report->to, "%.*s@%.*s", SLICE_ARG(name),
                        SLICE_ARG(queue_hostname()));
}

static void choose_language(struct report *report, slice body)
{
    report->dsn.language = (enum dsn_language)report->settings->report_language;
    if (!report->is_double) /* the postmaster's is the setting's */
        (void)dsn_language_of_mail(slice_sub(body, 0, mail_header_size(body)),
                                   &report->dsn.language);
}

static error write_report(struct report *report, slice prefix, slice body, struct buffer *out)
{
    const struct queue_mail *mail = report->mail;
    char unique[UNIQUE_SIZE];
    random_token(unique, sizeof unique);
    struct dsn *dsn = &report->dsn;
    TRY(arena_format(report->arena, &dsn->from, "MAILER-DAEMON@%.*s", SLICE_ARG(queue_hostname())));
    dsn->action = actions[report->kind];
    dsn->reporting_mta = queue_hostname();
    dsn->to = report->to;
    dsn->unique = slice_of(unique, sizeof unique);
    dsn->note = report->is_double ? SLICE("A report that could not be delivered") : SLICE_EMPTY;
    dsn->now = time_wall_seconds();
    dsn->envid = queue_mail_text(mail, mail->envid);
    dsn->arrived = mail->arrived;
    dsn->deliver_by = mail->deliver_by;
    dsn->utf8 = mail->utf8;
    dsn->prefix = prefix;
    dsn->body = body;
    /* RFC 3461 4.3: whole only where something failed; RFC 8689 5: never what had to be protected.
     */
    dsn->full = report->kind == REPORT_FAILED && mail->ret == SMTP_RETURN_FULL &&
                !mail->require_tls && prefix.size + body.size <= report->settings->report_size_max;
    choose_language(report, body);
    TRY(dsn_write(dsn, report->arena, out, &report->needs));
    return buffer_check(out);
}

/* WAITS. The original is open only while it is copied. One that the spool has lost is reported
 * without a word of it. */
static error write_from_content(struct report *report, struct buffer *out)
{
    const struct queue_mail *mail = report->mail;
    struct queue_content *content = mail->content;
    struct body scratch;
    slice body = SLICE_EMPTY, prefix = SLICE_EMPTY;
    body_init(&scratch, content->size + content->prefix_size);
    content->out++; /* its place in the spool must not move meanwhile */
    error problem = queue_content_open(content, &scratch, &body);
    bool open = !failed(problem);
    if (open)
        prefix = queue_mail_prefix(mail, &scratch);
    if (open || problem.kind == ERROR_PERMANENT)
        problem = write_report(report, prefix, body, out);
    if (open)
        queue_content_release(content, &scratch);
    content->out--;
    return problem;
}

/* ---- Sending ---- */

/* The domain in A-labels, as the queue wants it; an address that defies that stays. */
static slice address_for_queue(struct arena *arena, slice address)
{
    slice local, domain, ascii, joined;
    if (utf8_is_ascii(address) || !slice_cut_last(address, '@', &local, &domain) ||
        failed(idna_to_ascii(arena, domain, &ascii)) ||
        failed(arena_format(arena, &joined, "%.*s@%.*s", SLICE_ARG(local), SLICE_ARG(ascii))))
        return address;
    return joined;
}

/* WAITS. */
static error submit(struct report *report, slice prefix, struct body *body, queue_id *out_id)
{
    char origin[QUEUE_ID_TEXT_SIZE];
    queue_id_format(report->mail->id, origin);
    const struct queue_recipient recipient = {
        .address = address_for_queue(report->arena, report->to),
        .notify = SMTP_NOTIFY_NEVER, /* RFC 3461 6.2 */
    };
    struct queue_envelope envelope = {
        .sender = SLICE_EMPTY,
        .prefix = prefix,
        .recipients = &recipient,
        .recipient_count = 1,
        .body = report->needs.eight_bit ? SMTP_BODY_8BITMIME : SMTP_BODY_7BIT,
        .utf8 = report->needs.utf8,
        .priority = report->mail->priority, /* RFC 6710 4.4 */
        .origin = slice_from_string(origin),
    };
    struct queue_submission submission = {.envelopes = &envelope, .count = 1, .body = body};
    TRY(queue_submit(&submission));
    *out_id = envelope.id;
    return OK;
}

/* WAITS. By this host's name, else by the domain above it: either is in line with From (RFC 7489
 * 3.1.1). Nothing where neither has a key. */
static error sign(struct report *report, slice text, struct buffer *prefix)
{
    slice host = queue_hostname(), label, domain;
    TRY(signer_sign(host, SLICE_EMPTY, text, report->arena, prefix));
    if (prefix->size > 0 || !slice_cut(host, '.', &label, &domain) ||
        slice_find_byte(domain, '.') < 0)
        return OK;
    return signer_sign(domain, SLICE_EMPTY, text, report->arena, prefix);
}

/* WAITS. */
static error sign_and_submit(struct report *report, slice text, queue_id *out_id)
{
    struct buffer prefix;
    struct body body;
    buffer_init(&prefix, PREFIX_SIZE_MAX);
    body_init(&body, text.size);
    error problem = sign(report, text, &prefix);
    if (!failed(problem))
        problem = buffer_check(&prefix);
    if (!failed(problem))
        problem = body_append(&body, text);
    if (!failed(problem))
        problem = submit(report, buffer_slice(&prefix), &body, out_id);
    body_close(&body);
    buffer_close(&prefix);
    return problem;
}

static void count_report(const struct report *report)
{
    static struct metric *const counters[] = {
        [REPORT_FAILED] = &failed_total,       [REPORT_DELAYED] = &delayed_total,
        [REPORT_DELIVERED] = &delivered_total, [REPORT_RELAYED] = &relayed_total,
        [REPORT_EXPANDED] = &expanded_total,
    };
    metric_add(report->is_double ? &double_total : counters[report->kind], 1);
}

static void log_report(const struct report *report, queue_id id, error problem)
{
    char text[QUEUE_ID_TEXT_SIZE];
    struct log_line line = log_begin(failed(problem) ? LOG_WARNING : LOG_INFO, "queue.report");
    queue_id_format(report->mail->id, text);
    log_string(&line, "id", text);
    log_string(&line, "kind", dsn_action_name(actions[report->kind]));
    log_text(&line, "to", report->to);
    log_number(&line, "recipients", report->dsn.count);
    if (!failed(problem)) {
        queue_id_format(id, text);
        log_string(&line, "report", text);
    }
    log_error(&line, problem);
    log_end(&line);
}

/* A failed report without anyone to tell: at least the operator may read of it. */
static void lose(const struct report *report, unsigned count)
{
    if (report->kind != REPORT_FAILED)
        return;
    char text[QUEUE_ID_TEXT_SIZE];
    struct log_line line = log_begin(LOG_WARNING, "queue.report_lost");
    queue_id_format(report->mail->id, text);
    log_string(&line, "id", text);
    log_text(&line, "to", queue_mail_text(report->mail, report->mail->recipients[0].address));
    log_number(&line, "recipients", count);
    log_end(&line);
    metric_add(&lost_total, 1);
}

/* WAITS. */
static error make_and_send(struct report *report, const struct report_recipient *recipients,
                           unsigned count)
{
    if (report->is_double)
        TRY(postmaster(report));
    else /* where the sender was rewritten here, whoever it was made of; else it stays */
        error_ignore(forward_original(report->to, report->arena, &report->to));
    TRY(choose_recipients(report, recipients, count));
    if (!report->is_double)
        metric_add(&unwanted_total, count - report->dsn.count);
    if (report->dsn.count == 0) {
        if (report->is_double)
            lose(report, count);
        return OK;
    }
    struct buffer text;
    queue_id id = 0;
    buffer_init(&text, DSN_FRAME_SIZE_MAX + 3 * DSN_HEADER_SIZE_MAX +
                           report->settings->report_size_max +
                           (size_t)report->dsn.count * DSN_RECIPIENT_SIZE_MAX);
    error problem = write_from_content(report, &text);
    if (!failed(problem))
        problem = sign_and_submit(report, buffer_slice(&text), &id);
    buffer_close(&text);
    log_report(report, id, problem);
    if (!failed(problem))
        count_report(report);
    return problem;
}

error report_send(const struct queue_mail *mail, enum report_kind kind,
                  const struct report_recipient *recipients, unsigned count)
{
    struct arena arena;
    slice sender = queue_mail_text(mail, mail->sender);
    struct report report = {
        .mail = mail,
        .kind = kind,
        .settings = queue_settings_now(),
        .arena = &arena,
        .to = sender,
        .is_double = sender.size == 0,
    };
    arena_init(&arena, ARENA_SIZE_MAX);
    error problem = make_and_send(&report, recipients, count);
    arena_close(&arena);
    return problem;
}
