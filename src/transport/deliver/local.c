/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/local.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/metric.h"
#include "data/scripts/settings.h"
#include "data/store/delivery.h"
#include "filter/spam/settings.h"
#include "filter/spam/spam.h"
#include "format/mail/header.h"
#include "format/mail/received.h"
#include "transport/deliver/junk.h"
#include "transport/deliver/sieve/log.h"
#include "transport/deliver/sieve/perform.h"
#include "transport/deliver/sieve/run.h"

METRIC_COUNTER(stored_total, "ringmail_deliveries_total", "result=\"stored\"",
               "Deliveries into mailboxes by result");
METRIC_COUNTER(full_total, "ringmail_deliveries_total", "result=\"full\"",
               "Deliveries into mailboxes by result");
METRIC_COUNTER(failed_total, "ringmail_deliveries_total", "result=\"failed\"",
               "Deliveries into mailboxes by result");
METRIC_COUNTER(refused_total, "ringmail_sieve_actions_total", "action=\"reject\"",
               "What Sieve scripts had done");
METRIC_COUNTER(discarded_total, "ringmail_sieve_actions_total", "action=\"discard\"",
               "What Sieve scripts had done");
METRIC_COUNTER(filed_total, "ringmail_sieve_actions_total", "action=\"fileinto\"",
               "What Sieve scripts had done");
METRIC_HISTOGRAM(delivery_time, "ringmail_delivery_seconds", "",
                 "Making a message durable in all its mailboxes");

enum { SCRIPTS_MEMORY = 64 << 20 }; /* plans, edited headers, answers */

/* One copy of the mail on its way into a mailbox. */
struct copy {
    unsigned target;
    const struct sieve_place *place; /* NULL: no script speaks for this account */
};

struct landing {
    struct deliver_local *delivery;
    struct arena *arena;
    struct arena scripts;     /* what they decided */
    struct body whole;        /* and what they looked at */
    slice envelope;           /* Return-Path:, Delivered-To: */
    slice header;             /* what is put before the message: these, and the trace */
    struct sieve_plan *plans; /* one a target; NULL: nobody has a script */
    struct copy *copies;      /* those for the usual mailbox, the sorted ones, the edited ones */
    unsigned usual, unedited, count;
    struct store_recipient *recipients; /* for a batch */
};

/* RFC 5321 4.4: what final delivery puts before the message. */
static error make_header(const struct deliver_local *d, struct arena *arena, slice *out_envelope,
                         slice *out_header)
{
    struct buffer header;
    buffer_init(&header, DELIVER_LOCAL_HEADER_SIZE_MAX);
    mail_return_path_write(&header, d->sender);
    if (d->count == 1)
        mail_delivered_to_write(&header, d->targets[0].account->address);
    size_t envelope = header.size;
    buffer_add(&header, d->trace);
    error problem = buffer_check(&header);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&header), out_header);
    if (!failed(problem))
        *out_envelope = slice_sub(*out_header, 0, envelope);
    buffer_close(&header);
    return problem;
}

static void log_delivery(const struct deliver_local *d, const struct deliver_local_target *target,
                         const struct store_recipient *to, int64_t took)
{
    struct log_line line = log_begin(LOG_INFO, "delivery");
    log_text(&line, "id", d->id);
    log_text(&line, "from", d->sender);
    log_text(&line, "to", target->account->address);
    if (to->mailbox.size)
        log_text(&line, "mailbox", to->mailbox);
    log_number(&line, "size", (int64_t)d->message.size);
    log_number(&line, "uid", to->uid);
    log_number(&line, "us", took / TIME_US);
    log_error(&line, to->result);
    log_end(&line);
}

static void count(error result)
{
    metric_add(!failed(result)              ? &stored_total
               : result.kind == ERROR_LIMIT ? &full_total
                                            : &failed_total,
               1);
}

static slice junk_mailbox(void)
{
    const struct spam_settings *settings = spam_settings_here();
    return settings ? settings->junk_mailbox : SLICE("Junk");
}

/* ---- What scripts say ---- */

/* WAITS. Redirects leave first: where they cannot, that account's mail is tried again later. */
static error ask_scripts(struct landing *l)
{
    struct deliver_local *d = l->delivery;
    for (unsigned i = 0; i < d->count; i++) {
        struct sieve_plan plan = {0};
        TRY(sieve_plan_make(d, &d->targets[i], &l->whole, &l->scripts, &plan));
        if (!plan.ran)
            continue;
        if (!l->plans) {
            l->plans = ARENA_ARRAY(l->arena, struct sieve_plan, d->count);
            TRY_MEMORY(l->plans);
        }
        l->plans[i] = plan;
    }
    return OK;
}

static const struct sieve_plan *plan_of(const struct landing *l, unsigned target)
{
    return l->plans && l->plans[target].ran ? &l->plans[target] : NULL;
}

/* WAITS. */
static void redirect_all(struct landing *l)
{
    struct deliver_local *d = l->delivery;
    for (unsigned i = 0; i < d->count; i++) {
        const struct sieve_plan *plan = plan_of(l, i);
        if (plan && !plan->refused)
            d->targets[i].result = sieve_redirect(d, &d->targets[i], plan);
    }
}

/* WAITS. The dialogue can refuse a mail only for all of its recipients (RFC 5429 2.1). */
static void refuse_all(struct landing *l)
{
    struct deliver_local *d = l->delivery;
    unsigned refused = 0;
    for (unsigned i = 0; i < d->count; i++)
        refused += plan_of(l, i) && l->plans[i].refused;
    for (unsigned i = 0; i < d->count; i++) {
        struct deliver_local_target *target = &d->targets[i];
        const struct sieve_plan *plan = plan_of(l, i);
        if (!plan || !plan->refused)
            continue;
        metric_add(&refused_total, 1);
        if (failed(arena_copy(l->arena, plan->refusal, &target->refusal)))
            target->refusal = SLICE_EMPTY; /* then the reply's usual words */
        target->refused = d->each || refused == d->count;
        target->result = target->refused
                             ? error_make(ERROR_DENIED, "the recipient's script refuses the mail")
                             : sieve_refuse_later(d, target);
    }
}

/* WAITS. */
static void answer_all(struct landing *l)
{
    struct deliver_local *d = l->delivery;
    for (unsigned i = 0; l->plans && i < d->count; i++) {
        const struct sieve_plan *plan = plan_of(l, i);
        if (plan && !plan->refused && !failed(d->targets[i].result))
            sieve_answer(d, &d->targets[i], plan);
    }
}

/* ---- Which copies there are ---- */

enum copy_kind { COPY_USUAL, COPY_SORTED, COPY_EDITED };

static enum copy_kind kind_of(const struct sieve_place *place)
{
    return place->header.data ? COPY_EDITED : place->mailbox.size ? COPY_SORTED : COPY_USUAL;
}

static void gather(struct landing *l, enum copy_kind kind)
{
    const struct deliver_local *d = l->delivery;
    for (unsigned i = 0; i < d->count; i++) {
        const struct sieve_plan *plan = plan_of(l, i);
        if (!plan && kind == COPY_USUAL)
            l->copies[l->count++] = (struct copy){.target = i};
        if (!plan || plan->refused || failed(d->targets[i].result))
            continue;
        for (unsigned j = 0; j < plan->place_count; j++) {
            if (kind_of(&plan->places[j]) != kind)
                continue;
            l->copies[l->count++] = (struct copy){i, &plan->places[j]};
            metric_add(&filed_total, plan->places[j].mailbox.size > 0);
        }
        if (kind == COPY_USUAL && plan->place_count == 0)
            metric_add(&discarded_total, 1);
    }
}

static error gather_all(struct landing *l)
{
    unsigned most = l->delivery->count;
    for (unsigned i = 0; l->plans && i < l->delivery->count; i++)
        most += l->plans[i].place_count;
    l->copies = ARENA_ARRAY(l->arena, struct copy, most);
    TRY_MEMORY(l->copies);
    gather(l, COPY_USUAL);
    l->usual = l->count;
    if (l->plans)
        gather(l, COPY_SORTED);
    l->unedited = l->count;
    if (l->plans)
        gather(l, COPY_EDITED);
    unsigned batch = l->count < STORE_RECIPIENTS_MAX ? l->count : STORE_RECIPIENTS_MAX;
    l->recipients = ARENA_ARRAY(l->arena, struct store_recipient, batch ? batch : 1);
    TRY_MEMORY(l->recipients);
    return OK;
}

/* ---- Storing ---- */

static struct store_recipient recipient_of(const struct landing *l, const struct copy *copy)
{
    struct store_recipient to = {
        .account = deliver_account_key(l->delivery->targets[copy->target].account),
    };
    if (copy->place) {
        to.mailbox = copy->place->mailbox;
        to.mailbox_create = copy->place->create;
        to.flags = copy->place->flags;
        to.keywords = copy->place->keywords;
        to.keyword_count = copy->place->keyword_count;
    }
    return to;
}

/* A mailbox that is not there, or whose name cannot be: the mail must not suffer from it. */
static bool is_mailbox_wrong(const struct copy *copy, error result)
{
    return copy->place && copy->place->mailbox.size &&
           (result.kind == ERROR_NOT_FOUND || result.kind == ERROR_MALFORMED ||
            result.kind == ERROR_DENIED || result.kind == ERROR_PERMANENT);
}

static void tell_owner(const struct landing *l, const struct copy *copy, slice mailbox, error why)
{
    const struct sieve_settings *settings = sieve_settings_here();
    slice text;
    if (settings && !failed(arena_format(l->arena, &text, "mailbox \"%.*s\": %s; kept in INBOX",
                                         SLICE_ARG(mailbox), why.text)))
        sieve_log_write(l->plans[copy->target].log_path, settings->log_size_max, l->delivery->id,
                        text);
}

/* WAITS. */
static error store(struct landing *l, const slice parts[2], unsigned copies)
{
    return store_deliver(&(struct store_delivery){
        .parts = parts,
        .part_count = 2,
        .recipients = l->recipients,
        .recipient_count = copies,
        .deadline = l->delivery->deadline,
    });
}

/* WAITS. Into INBOX instead. Alone: it is rare. */
static void store_in_inbox(struct landing *l, const struct copy *copy, const slice parts[2],
                           struct store_recipient *to)
{
    struct store_recipient *batch = l->recipients;
    tell_owner(l, copy, to->mailbox, to->result);
    to->mailbox = SLICE_EMPTY;
    l->recipients = to;
    error problem = store(l, parts, 1);
    l->recipients = batch;
    if (failed(problem))
        to->result = problem;
}

/* WAITS. Copies first .. first + copies - 1: one journal record, one file. */
static error store_some(struct landing *l, unsigned first, unsigned copies, const slice parts[2])
{
    instant began = time_now();
    unsigned usual = 0;
    for (unsigned i = 0; i < copies; i++) {
        const struct copy *copy = &l->copies[first + i];
        l->recipients[i] = recipient_of(l, copy);
        usual += l->recipients[i].mailbox.size == 0 && usual == i;
    }
    if (l->delivery->junk && usual)
        TRY(junk_find_mailboxes(l->recipients, usual, junk_mailbox(), l->arena));
    error problem = store(l, parts, copies);
    int64_t took = time_now() - began;
    metric_observe(&delivery_time, (uint64_t)took);
    for (unsigned i = 0; i < copies; i++) {
        const struct copy *copy = &l->copies[first + i];
        struct deliver_local_target *target = &l->delivery->targets[copy->target];
        struct store_recipient *to = &l->recipients[i];
        if (failed(problem))
            to->result = problem;
        else if (is_mailbox_wrong(copy, to->result))
            store_in_inbox(l, copy, parts, to);
        if (!failed(target->result)) /* one mailbox that lacks it is enough to try again */
            target->result = to->result;
        count(to->result);
        log_delivery(l->delivery, target, to, took);
    }
    return problem;
}

static error store_all(struct landing *l)
{
    const slice parts[2] = {l->header, l->delivery->message};
    for (unsigned first = 0; first < l->unedited; first += STORE_RECIPIENTS_MAX) {
        unsigned left = l->unedited - first;
        error problem =
            store_some(l, first, left < STORE_RECIPIENTS_MAX ? left : STORE_RECIPIENTS_MAX, parts);
        if (first == 0 && l->count <= STORE_RECIPIENTS_MAX)
            TRY(problem); /* later batches: their targets' results say it */
    }
    for (unsigned i = l->unedited; i < l->count; i++) {
        slice whole,
            body = slice_from(l->delivery->message, mail_header_size(l->delivery->message));
        TRY(arena_format(&l->scripts, &whole, "%.*s%.*s", SLICE_ARG(l->envelope),
                         SLICE_ARG(l->copies[i].place->header)));
        const slice edited[2] = {whole, body};
        error_ignore(store_some(l, i, 1, edited)); /* its target's result says it */
    }
    return OK;
}

static error land(struct landing *l)
{
    TRY(ask_scripts(l));
    if (l->plans) {
        refuse_all(l);
        redirect_all(l);
    }
    TRY(gather_all(l));
    TRY(store_all(l));
    answer_all(l);
    return OK;
}

error deliver_local(struct deliver_local *d, struct arena *arena)
{
    struct landing l = {.delivery = d, .arena = arena};
    for (unsigned i = 0; i < d->count; i++)
        d->targets[i].result = OK;
    TRY(make_header(d, arena, &l.envelope, &l.header));
    body_init(&l.whole, 0);
    arena_init(&l.scripts, SCRIPTS_MEMORY);
    error problem = land(&l);
    arena_close(&l.scripts);
    body_close(&l.whole);
    return problem;
}
