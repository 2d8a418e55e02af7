/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an attempt told, recorded: outcomes into the journal, a line in the log for each recipient,
 * reports to the sender. All on the owner core.
 */
#include "base/cursor.h"
#include "base/log.h"
#include "base/metric.h"
#include "transport/event.h"
#include "transport/queue/answer.h"
#include "transport/queue/keep.h"
#include "transport/queue/owner.h"
#include "transport/queue/report.h"

#include <stdio.h>
#include <stdlib.h>

#define RESULT_COUNTER(name)                                                                       \
    METRIC_COUNTER(name##_total, "ringmail_queue_results_total", "result=\"" #name "\"",           \
                   "Recipients attempted or given up, by result")
RESULT_COUNTER(delivered);
RESULT_COUNTER(relayed);
RESULT_COUNTER(deferred);
RESULT_COUNTER(failed);
RESULT_COUNTER(deleted);
METRIC_HISTOGRAM(queue_time, "ringmail_queue_time_seconds", "",
                 "From arrival to a recipient's final result");
METRIC_HISTOGRAM(attempt_time, "ringmail_queue_attempt_seconds", "", "One transaction");

/* ---- Attempts ---- */

static struct queue_attempt *make_attempt(struct queue_item *item, uint32_t room)
{
    struct queue_attempt *attempt = calloc(1, sizeof *attempt);
    if (!attempt)
        return NULL;
    list_init(&attempt->node);
    attempt->item = item;
    attempt->began_ns = time_now();
    attempt->results = calloc(room, sizeof *attempt->results);
    if (attempt->results)
        return attempt;
    free(attempt);
    return NULL;
}

struct queue_attempt *queue_attempt_make(struct queue_item *item)
{
    struct queue_attempt *attempt = make_attempt(item, item->count);
    for (uint32_t i = item->first; attempt && i < item->first + item->count; i++)
        if (item->mail->recipients[i].outcome == QUEUE_OPEN)
            attempt->results[attempt->result_count++].recipient = i;
    return attempt;
}

struct queue_attempt *queue_attempt_make_of(struct queue_item *item, const uint32_t *recipients,
                                            unsigned count_)
{
    struct queue_attempt *attempt = make_attempt(item, count_);
    for (unsigned i = 0; attempt && i < count_; i++)
        attempt->results[attempt->result_count++].recipient = recipients[i];
    return attempt;
}

void queue_attempt_free(struct queue_attempt **attempt)
{
    for (unsigned i = 0; *attempt && i < (*attempt)->result_count; i++)
        free((*attempt)->results[i].text);
    if (*attempt)
        free((*attempt)->results);
    free(*attempt);
    *attempt = NULL;
}

char *queue_result_text(slice text)
{
    text = slice_sub(text, 0, QUEUE_RESPONSE_SIZE_MAX - 1);
    char *copy = text.size > 0 ? malloc(text.size + 1) : NULL;
    if (!copy)
        return NULL;
    for (size_t i = 0; i < text.size; i++)
        copy[i] = (unsigned char)text.data[i] < ' ' || text.data[i] == 127 ? ' ' : text.data[i];
    copy[text.size] = '\0';
    return copy;
}

void queue_attempt_fill(struct queue_attempt *attempt, enum queue_outcome outcome, int code,
                        const int enhanced[3], slice text)
{
    for (unsigned i = 0; i < attempt->result_count; i++) {
        struct queue_result *result = &attempt->results[i];
        result->outcome = (uint8_t)outcome;
        result->code = code;
        memcpy(result->enhanced, enhanced, sizeof result->enhanced);
        free(result->text);
        result->text = queue_result_text(text);
    }
}

/* ---- Telling ---- */

static const char *result_name(enum queue_outcome outcome)
{
    static const char *const names[] = {
        [QUEUE_OPEN] = "deferred", [QUEUE_DELIVERED] = "delivered", [QUEUE_RELAYED] = "relayed",
        [QUEUE_FAILED] = "failed", [QUEUE_DELETED] = "deleted",
    };
    return names[outcome];
}

static void count(const struct queue_mail *mail, enum queue_outcome outcome)
{
    static struct metric *const counters[] = {
        [QUEUE_OPEN] = &deferred_total,   [QUEUE_DELIVERED] = &delivered_total,
        [QUEUE_RELAYED] = &relayed_total, [QUEUE_FAILED] = &failed_total,
        [QUEUE_DELETED] = &deleted_total,
    };
    metric_add(counters[outcome], 1);
    int64_t age = time_wall_seconds() - mail->arrived;
    if (outcome != QUEUE_OPEN)
        metric_observe(&queue_time, age > 0 ? (uint64_t)age * TIME_S : 0);
}

static void tell_log(const struct queue_attempt *attempt, const struct queue_result *result)
{
    const struct queue_mail *mail = attempt->item->mail;
    char id[QUEUE_ID_TEXT_SIZE], status[40];
    struct log_line line = log_begin(LOG_INFO, "queue.delivery");
    if (!line.enabled)
        return;
    queue_id_format(mail->id, id);
    snprintf(status, sizeof status, "%d.%d.%d", result->enhanced[0], result->enhanced[1],
             result->enhanced[2]);
    log_string(&line, "id", id);
    log_text(&line, "from", queue_mail_text(mail, mail->sender));
    log_text(&line, "to", queue_mail_text(mail, mail->recipients[result->recipient].address));
    log_string(&line, "result", result_name(result->outcome));
    if (attempt->host[0])
        log_string(&line, "host", attempt->host);
    if (attempt->tls[0])
        log_string(&line, "tls", attempt->tls);
    if (result->code)
        log_number(&line, "code", result->code);
    if (result->enhanced[0])
        log_string(&line, "status", status);
    if (result->text)
        log_string(&line, "text", result->text);
    log_number(&line, "delay", time_wall_seconds() - mail->arrived);
    log_number(&line, "ms", attempt->took_ns / TIME_MS);
    log_number(&line, "attempts", attempt->item->attempts);
    log_end(&line);
}

static void tell_event(const struct queue_attempt *attempt, const struct queue_result *result)
{
    const struct queue_mail *mail = attempt->item->mail;
    static const enum transport_event_kind kinds[] = {
        [QUEUE_OPEN] = TRANSPORT_DEFERRED,
        [QUEUE_DELIVERED] = TRANSPORT_DELIVERED,
        [QUEUE_RELAYED] = TRANSPORT_DELIVERED,
        [QUEUE_FAILED] = TRANSPORT_BOUNCED,
    };
    struct transport_event event = {
        .kind = kinds[result->outcome],
        .id = mail->id,
        .time = time_wall_seconds(),
        .account = queue_mail_text(mail, mail->account),
        .sender = queue_mail_text(mail, mail->sender),
        .recipient = queue_mail_text(mail, mail->recipients[result->recipient].address),
        .host = slice_from_string(attempt->host),
        .code = result->code,
        .text = slice_from_string(result->text),
        .size = mail->content->size + mail->prefix.size,
        .attempts = attempt->item->attempts,
    };
    memcpy(event.enhanced, result->enhanced, sizeof event.enhanced);
    transport_event(&event);
}

static void tell(const struct queue_attempt *attempt, const struct queue_result *result)
{
    count(attempt->item->mail, result->outcome);
    tell_log(attempt, result);
    if (result->outcome != QUEUE_DELETED)
        tell_event(attempt, result);
}

/* "host: 451 4.7.1 text", for operators, warnings and the bounce that may come of it. */
static void remember_answer(const struct queue_attempt *attempt, const struct queue_result *result)
{
    char text[QUEUE_RESPONSE_SIZE_MAX], code[16] = "", status[40] = "";
    if (result->code)
        snprintf(code, sizeof code, "%d ", result->code);
    if (result->enhanced[0])
        snprintf(status, sizeof status, "%d.%d.%d ", result->enhanced[0], result->enhanced[1],
                 result->enhanced[2]);
    snprintf(text, sizeof text, "%s%s%s%s%s", attempt->host, attempt->host[0] ? ": " : "", code,
             status, result->text ? result->text : "no answer");
    queue_item_remember(attempt->item, slice_from_string(text));
}

/* ---- Reports ---- */

static struct report_recipient report_of(const struct queue_attempt *attempt,
                                         const struct queue_result *result)
{
    struct report_recipient line = {
        .recipient = result->recipient,
        .code = result->code,
        .text = result->text,
        .host = attempt->host[0] ? attempt->host : NULL,
        .tried = attempt->item->tried,
    };
    memcpy(line.enhanced, result->enhanced, sizeof line.enhanced);
    return line;
}

static const struct queue_mail_recipient *recipient_of(const struct queue_attempt *attempt,
                                                       const struct queue_result *result)
{
    return &attempt->item->mail->recipients[result->recipient];
}

static bool is_open(const struct queue_mail_recipient *recipient)
{
    return recipient->outcome == QUEUE_OPEN;
}

/* WAITS. About those results of the attempt whose recipients `wanted` picks; of failures, those
 * that failed. */
static error report(const struct queue_attempt *attempt, enum report_kind kind,
                    bool (*wanted)(const struct queue_mail_recipient *recipient))
{
    struct report_recipient *lines = calloc(attempt->result_count, sizeof *lines);
    TRY_MEMORY(lines);
    unsigned lines_count = 0;
    for (unsigned i = 0; i < attempt->result_count; i++) {
        const struct queue_result *result = &attempt->results[i];
        if (kind == REPORT_FAILED && result->outcome != QUEUE_FAILED)
            continue;
        if (wanted(recipient_of(attempt, result)))
            lines[lines_count++] = report_of(attempt, result);
    }
    error problem = OK;
    if (lines_count > 0) {
        queue_hand_step_aside();
        problem = report_send(attempt->item->mail, kind, lines, lines_count);
    }
    free(lines);
    return problem;
}

static bool owes(const struct queue_mail_recipient *recipient)
{
    bool taken = recipient->outcome == QUEUE_DELIVERED || recipient->outcome == QUEUE_RELAYED;
    return taken && !recipient->reported;
}

static bool owes_report_delivered(const struct queue_mail_recipient *recipient)
{
    return owes(recipient) && recipient->outcome == QUEUE_DELIVERED;
}

static bool owes_report_relayed(const struct queue_mail_recipient *recipient)
{
    return owes(recipient) && recipient->outcome == QUEUE_RELAYED && !recipient->expanded;
}

static bool owes_report_expanded(const struct queue_mail_recipient *recipient)
{
    return owes(recipient) && recipient->outcome == QUEUE_RELAYED && recipient->expanded;
}

/* Which kinds of success are told of whom. */
static const struct {
    enum report_kind kind;
    bool (*owes)(const struct queue_mail_recipient *recipient);
} successes[] = {
    {REPORT_DELIVERED, owes_report_delivered},
    {REPORT_RELAYED, owes_report_relayed},
    {REPORT_EXPANDED, owes_report_expanded},
};
enum { SUCCESSES = sizeof successes / sizeof *successes };

bool queue_result_owes(const struct queue_item *item)
{
    for (uint32_t i = 0; i < item->count; i++)
        if (owes(&item->mail->recipients[item->first + i]))
            return true;
    return false;
}

static error report_success(const struct queue_attempt *attempt)
{
    for (unsigned i = 0; i < SUCCESSES; i++)
        TRY(report(attempt, successes[i].kind, successes[i].owes));
    for (unsigned i = 0; i < attempt->result_count; i++) {
        struct queue_mail_recipient *recipient =
            &attempt->item->mail->recipients[attempt->results[i].recipient];
        if (owes(recipient))
            recipient->reported = true;
    }
    queue_keep_outcomes(attempt->item->mail, attempt->item); /* not once more after a crash */
    return OK;
}

/* ---- Outcomes ---- */

static void close_recipient(struct queue_mail *mail, uint32_t recipient, enum queue_outcome outcome,
                            bool reported)
{
    mail->recipients[recipient].outcome = (uint8_t)outcome;
    mail->recipients[recipient].reported = reported;
    mail->open_count--;
}

/* RFC 3461 5.2.2, 5.2.3, 5.3; RFC 2852 4.1.4. A recipient that is owed a report stays so over a
 * crash, by `reported`. */
static bool owes_for(const struct queue_mail_recipient *recipient,
                     const struct queue_result *result)
{
    if (recipient->notify & SMTP_NOTIFY_NEVER)
        return false;
    return result->by_relayed || (!result->dsn_passed && (recipient->notify & SMTP_NOTIFY_SUCCESS));
}

/* At once, before anything that may take time: what was taken must not be sent again. */
static bool record_taken(const struct queue_attempt *attempt)
{
    struct queue_mail *mail = attempt->item->mail;
    bool any = false, owed = false;
    for (unsigned i = 0; i < attempt->result_count; i++) {
        const struct queue_result *result = &attempt->results[i];
        const struct queue_mail_recipient *recipient = &mail->recipients[result->recipient];
        if (recipient->outcome != QUEUE_OPEN ||
            (result->outcome != QUEUE_DELIVERED && result->outcome != QUEUE_RELAYED))
            continue;
        bool reported = !owes_for(recipient, result);
        close_recipient(mail, result->recipient, result->outcome, reported);
        mail->recipients[result->recipient].expanded = result->expanded;
        tell(attempt, result);
        any = true;
        owed = owed || !reported;
    }
    if (any)
        queue_keep_outcomes(mail, attempt->item);
    return owed;
}

/* WAITS. The sender knows before the queue forgets. */
static error record_failed(const struct queue_attempt *attempt, enum queue_outcome outcome)
{
    struct queue_mail *mail = attempt->item->mail;
    bool any = false;
    if (outcome == QUEUE_FAILED)
        TRY(report(attempt, REPORT_FAILED, is_open));
    for (unsigned i = 0; i < attempt->result_count; i++) {
        const struct queue_result *result = &attempt->results[i];
        if (result->outcome != outcome || mail->recipients[result->recipient].outcome != QUEUE_OPEN)
            continue;
        close_recipient(mail, result->recipient, outcome, true);
        tell(attempt, result);
        any = true;
    }
    if (any)
        queue_keep_outcomes(mail, attempt->item);
    return OK;
}

static void record_open(struct queue_attempt *attempt)
{
    for (unsigned i = 0; i < attempt->result_count; i++) {
        struct queue_result *result = &attempt->results[i];
        if (recipient_of(attempt, result)->outcome != QUEUE_OPEN)
            continue;
        result->outcome = QUEUE_OPEN; /* also where a bounce could not be made */
        tell(attempt, result);
        remember_answer(attempt, result);
    }
}

void queue_result_apply(struct queue_attempt **attempt_)
{
    struct queue_attempt *attempt = *attempt_;
    struct queue_item *item = attempt->item;
    metric_observe(&attempt_time, attempt->took_ns > 0 ? (uint64_t)attempt->took_ns : 0);
    item->tried = time_wall_seconds();
    if (!attempt->more && item->attempts < UINT16_MAX)
        item->attempts++;
    bool owed = record_taken(attempt);
    error problem = record_failed(attempt, QUEUE_FAILED);
    if (failed(problem))
        log_event(LOG_WARNING, "queue.report", problem, SLICE("a bounce will be tried again"));
    record_open(attempt);
    if (owed)
        problem = report_success(attempt);
    if (owed && failed(problem))
        log_event(LOG_WARNING, "queue.report", problem, SLICE("a report will be tried again"));
    queue_attempt_free(attempt_);
}

/* ---- Without an attempt ---- */

/* "host: 451 4.7.1 text" taken apart into the attempt: what was heard last. */
static void recall_answer(struct queue_attempt *attempt, const char *response, slice *out_text)
{
    slice rest = slice_from_string(response), host, text;
    ptrdiff_t at = slice_find(rest, SLICE(": "));
    *out_text = rest;
    if (at <= 0 || (size_t)at >= sizeof attempt->host ||
        slice_find_byte(slice_sub(rest, 0, (size_t)at), ' ') >= 0)
        return;
    host = slice_sub(rest, 0, (size_t)at);
    text = slice_from(rest, (size_t)at + 2);
    memcpy(attempt->host, host.data, host.size);
    *out_text = text;
}

/* In the largest unit of which there are two at least. */
static void explain_expiry(const struct queue_attempt *attempt, slice last, char *out, size_t size)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"days", 86400}, {"hours", 3600}, {"minutes", 60}, {"seconds", 1}};
    int64_t age = time_wall_seconds() - attempt->item->mail->arrived;
    size_t unit = 0;
    while (unit < 3 && age < 2 * units[unit].seconds)
        unit++;
    snprintf(out, size, "Not delivered within %lld %s%s%.*s",
             (long long)(age / units[unit].seconds), units[unit].name,
             last.size > 0 ? "; last answer: " : "", SLICE_ARG(last));
}

error queue_result_give_up(struct queue_item *item, enum queue_outcome outcome,
                           const int enhanced[3], slice why)
{
    char text[QUEUE_RESPONSE_SIZE_MAX];
    slice last;
    struct queue_attempt *attempt = queue_attempt_make(item);
    TRY_MEMORY(attempt);
    recall_answer(attempt, item->response, &last);
    if (why.size == 0) {
        explain_expiry(attempt, last, text, sizeof text);
        why = slice_from_string(text);
    }
    queue_attempt_fill(attempt, outcome, 0, enhanced, why);
    error problem = record_failed(attempt, outcome);
    queue_attempt_free(&attempt);
    return problem;
}

/* WAITS. A report on recipients of one item, or of the whole mail. */
static error report_on(struct queue_item *item, enum report_kind kind, uint32_t first,
                       uint32_t count_, bool (*wanted)(const struct queue_mail_recipient *))
{
    const struct queue_mail *mail = item->mail;
    struct report_recipient *lines = calloc(count_, sizeof *lines);
    TRY_MEMORY(lines);
    unsigned lines_count = 0;
    for (uint32_t i = first; i < first + count_; i++)
        if (wanted(&mail->recipients[i]))
            lines[lines_count++] = (struct report_recipient){.recipient = i};
    error problem = OK;
    if (lines_count > 0)
        problem = report_send(mail, kind, lines, lines_count);
    free(lines);
    return problem;
}

/* The last answers lie with the items: each line gets that of its own. */
static error report_delay(struct queue_mail *mail)
{
    struct report_recipient *lines = calloc(mail->recipient_count, sizeof *lines);
    TRY_MEMORY(lines);
    unsigned lines_count = 0;
    for (uint32_t i = 0; i < mail->item_count; i++) {
        const struct queue_item *item = &mail->items[i];
        for (uint32_t j = item->first; j < item->first + item->count; j++)
            if (is_open(&mail->recipients[j]))
                lines[lines_count++] = (struct report_recipient){
                    .recipient = j,
                    .enhanced = {4, 4,
                                 7}, /* RFC 3463: delivery time expired, persistent transient */
                    .text = item->response ? strdup(item->response) : NULL,
                    .tried = item->tried,
                };
    }
    error problem = OK;
    if (lines_count > 0)
        problem = report_send(mail, REPORT_DELAYED, lines, lines_count);
    for (unsigned i = 0; i < lines_count; i++)
        free((char *)(uintptr_t)lines[i].text);
    free(lines);
    return problem;
}

error queue_result_warn(struct queue_item *item)
{
    struct queue_mail *mail = item->mail;
    mail->warned = true; /* now: other items of the mail ask meanwhile */
    queue_hand_step_aside();
    error problem = report_delay(mail);
    if (!failed(problem))
        queue_keep_state(mail, item);
    else
        mail->warned = false;
    return problem;
}

error queue_result_report_owed(struct queue_item *item)
{
    queue_hand_step_aside();
    for (unsigned i = 0; i < SUCCESSES; i++)
        TRY(report_on(item, successes[i].kind, item->first, item->count, successes[i].owes));
    for (uint32_t i = item->first; i < item->first + item->count; i++)
        if (owes(&item->mail->recipients[i]))
            item->mail->recipients[i].reported = true;
    queue_keep_outcomes(item->mail, item);
    return OK;
}
