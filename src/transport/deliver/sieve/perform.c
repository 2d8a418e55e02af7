/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/sieve/perform.h"

#include "base/log.h"
#include "base/metric.h"
#include "data/scripts/memory.h"
#include "data/store/delivery.h"
#include "filter/authentic/signer.h"
#include "format/mail/header.h"
#include "runtime/message.h"
#include "transport/deliver/outlet.h"

METRIC_COUNTER(redirected, "ringmail_sieve_actions_total", "action=\"redirect\"",
               "What Sieve scripts had done");
METRIC_COUNTER(vacations, "ringmail_sieve_actions_total", "action=\"vacation\"",
               "What Sieve scripts had done");
METRIC_COUNTER(notified, "ringmail_sieve_actions_total", "action=\"notify\"",
               "What Sieve scripts had done");
METRIC_COUNTER(refused_later, "ringmail_sieve_actions_total", "action=\"reject_later\"",
               "What Sieve scripts had done");
METRIC_COUNTER(answers_failed, "ringmail_sieve_answers_failed_total", "",
               "Vacation replies and notifications that could not be queued");

enum { WORK_MEMORY = 1 << 20, SIGNATURES_SIZE_MAX = 16 << 10, MAIL_SIZE_MAX = 1 << 30 };

/* ---- Remembering, on the home core ---- */

struct memory_job {
    const struct sieve_plan *plan;
    const struct sieve_outgoing *outgoing;
    bool known;
};

static error look_up(void *argument)
{
    struct memory_job *job = argument;
    const struct script_memory memory = {job->plan->memory_path};
    return script_memory_has(&memory, job->outgoing->memory, 3, time_wall_seconds(), &job->known);
}

static error remember(void *argument)
{
    const struct memory_job *job = argument;
    const struct script_memory memory = {job->plan->memory_path};
    int64_t now = time_wall_seconds();
    return script_memory_add(&memory, job->outgoing->memory, 3, now,
                             now + job->outgoing->memory_seconds,
                             job->outgoing->kind == SIEVE_VACATION);
}

static void remember_at_home(const struct deliver_local_target *target,
                             const struct sieve_plan *plan, const struct sieve_outgoing *outgoing)
{
    struct memory_job job = {plan, outgoing, false};
    if (outgoing->memory_seconds <= 0)
        return;
    error problem = core_call(store_home_core(target->account->address), remember, &job);
    if (failed(problem)) /* it may be sent once more: better than not at all */
        log_event(LOG_WARNING, "sieve.memory", problem, target->account->address);
}

static bool is_known(const struct deliver_local_target *target, const struct sieve_plan *plan,
                     const struct sieve_outgoing *outgoing)
{
    struct memory_job job = {plan, outgoing, false};
    if (outgoing->memory_seconds <= 0)
        return false;
    error problem = core_call(store_home_core(target->account->address), look_up, &job);
    if (failed(problem))
        log_event(LOG_WARNING, "sieve.memory", problem, target->account->address);
    return job.known;
}

static void log_outgoing(const struct deliver_local *d, const struct deliver_local_target *target,
                         const struct sieve_outgoing *outgoing, error problem)
{
    static const char *const names[] = {"redirect", "vacation", "notify"};
    struct log_line line = log_begin(failed(problem) ? LOG_WARNING : LOG_INFO, "sieve.sent");
    log_text(&line, "id", d->id);
    log_text(&line, "account", target->account->address);
    log_string(&line, "action", names[outgoing->kind]);
    log_text(&line, "to", outgoing->recipient);
    log_error(&line, problem);
    log_end(&line);
}

/* ---- Redirects ---- */

static error submit_redirect(const struct deliver_local *d,
                             const struct deliver_local_target *target,
                             const struct sieve_outgoing *outgoing, struct arena *arena)
{
    struct buffer edited;
    struct outlet_mail mail = {
        .sender = outgoing->sender,
        .recipient = outgoing->recipient,
        .notify = outgoing->notify,
        .message = d->message,
        .origin = d->id,
    };
    slice trace = outgoing->header.data ? SLICE_EMPTY : d->trace; /* the edited one has it */
    TRY(arena_format(arena, &mail.prefix, "%.*sX-Sieve-Redirected-From: %.*s\r\n", SLICE_ARG(trace),
                     SLICE_ARG(target->account->address)));
    if (!outgoing->header.data)
        return outlet_submit(&mail);
    buffer_init(&edited, MAIL_SIZE_MAX);
    buffer_add(&edited, outgoing->header);
    buffer_add(&edited, slice_from(d->message, mail_header_size(d->message)));
    error problem = buffer_check(&edited);
    mail.message = buffer_slice(&edited);
    if (!failed(problem))
        problem = outlet_submit(&mail);
    buffer_close(&edited);
    return problem;
}

error sieve_redirect(const struct deliver_local *d, const struct deliver_local_target *target,
                     const struct sieve_plan *plan)
{
    for (unsigned i = 0; i < plan->outgoing_count; i++) {
        const struct sieve_outgoing *outgoing = &plan->outgoing[i];
        struct arena arena;
        if (outgoing->kind != SIEVE_REDIRECT || is_known(target, plan, outgoing))
            continue;
        arena_init(&arena, WORK_MEMORY);
        error problem = submit_redirect(d, target, outgoing, &arena);
        arena_close(&arena);
        log_outgoing(d, target, outgoing, problem);
        if (failed(problem)) {
            if (problem.kind == ERROR_LIMIT) /* the queue's, not the mailbox's */
                problem.kind = ERROR_TEMPORARY;
            return problem;
        }
        metric_add(&redirected, 1);
        remember_at_home(target, plan, outgoing);
    }
    return OK;
}

/* ---- Answers ---- */

/* Signed by the account's domain, as its own mail is. */
static error submit_answer(const struct deliver_local *d, const struct deliver_local_target *target,
                           const struct sieve_outgoing *outgoing, struct arena *arena)
{
    struct buffer signatures;
    buffer_init(&signatures, SIGNATURES_SIZE_MAX);
    error problem =
        signer_sign(target->account->domain, SLICE_EMPTY, outgoing->message, arena, &signatures);
    if (!failed(problem))
        problem = buffer_check(&signatures);
    if (!failed(problem))
        problem = outlet_submit(&(struct outlet_mail){
            .sender = outgoing->sender,
            .recipient = outgoing->recipient,
            .silent = true,
            .prefix = buffer_slice(&signatures),
            .message = outgoing->message,
            .origin = d->id,
        });
    buffer_close(&signatures);
    return problem;
}

/* WAITS. RFC 8580: what was sent lies in the account's mailbox, too. */
static void file_copy(const struct deliver_local_target *target,
                      const struct sieve_outgoing *outgoing)
{
    struct store_recipient to = {
        .account = deliver_account_key(target->account),
        .mailbox = outgoing->copy.mailbox,
        .mailbox_create = outgoing->copy.create,
        .flags = outgoing->copy.flags,
        .keywords = outgoing->copy.keywords,
        .keyword_count = outgoing->copy.keyword_count,
    };
    error problem = store_deliver(&(struct store_delivery){
        .parts = &outgoing->message, .part_count = 1, .recipients = &to, .recipient_count = 1});
    if (!failed(problem))
        problem = to.result;
    if (failed(problem))
        log_event(LOG_WARNING, "sieve.fcc", problem, target->account->address);
}

void sieve_answer(const struct deliver_local *d, const struct deliver_local_target *target,
                  const struct sieve_plan *plan)
{
    for (unsigned i = 0; i < plan->outgoing_count; i++) {
        const struct sieve_outgoing *outgoing = &plan->outgoing[i];
        struct arena arena;
        if (outgoing->kind == SIEVE_SEEN)
            remember_at_home(target, plan, outgoing);
        if (outgoing->kind == SIEVE_REDIRECT || outgoing->kind == SIEVE_SEEN ||
            is_known(target, plan, outgoing))
            continue;
        arena_init(&arena, WORK_MEMORY);
        error problem = submit_answer(d, target, outgoing, &arena);
        arena_close(&arena);
        log_outgoing(d, target, outgoing, problem);
        if (failed(problem)) {
            metric_add(&answers_failed, 1);
            continue;
        }
        if (outgoing->has_copy)
            file_copy(target, outgoing);
        metric_add(outgoing->kind == SIEVE_VACATION ? &vacations : &notified, 1);
        remember_at_home(target, plan, outgoing);
    }
}

error sieve_refuse_later(const struct deliver_local *d, const struct deliver_local_target *target)
{
    if (d->sender.size == 0) /* RFC 5429 2.1.1: nobody can be told */
        return OK;
    metric_add(&refused_later, 1);
    return outlet_submit(&(struct outlet_mail){
        .sender = d->sender,
        .recipient = target->account->address,
        .final = true,
        .prefix = d->trace,
        .message = d->message,
        .origin = d->id,
    });
}
