/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Items for domains of ours: aliases are followed and mailboxes filled on the owner core. One
 * recipient with one mailbox has that mailbox's result. Where an alias leads to several, or away
 * from here, what is not in a mailbox afterwards becomes a mail of its own, so that a full mailbox
 * or a slow server makes nobody get it twice.
 */
#include "data/directory/directory.h"
#include "runtime/fiber.h"
#include "transport/deliver/local.h"
#include "transport/queue/keep.h"
#include "transport/queue/owner.h"

enum { ARENA_SIZE_MAX = 16 << 20 }; /* of one item: what the directory says of its recipients */

/* A recipient and where it leads. */
struct addressee {
    const struct queue_mail_recipient *recipient;
    struct queue_result *result;
    bool decided; /* nowhere to go: the result says why */
    bool sent_on; /* its targets outside are a mail of their own */
    unsigned count;
    const struct directory_target *targets;
    unsigned *places; /* of each target in the delivery; unset where outside */
};

struct landing {
    struct queue_item *item;
    struct queue_attempt *attempt;
    struct arena arena;
    struct addressee *addressees;
    struct deliver_local_target *places;
    unsigned place_count, place_room;
    slice prefix, body;
};

static void deliver_all(void *argument);

static void answer(struct queue_result *result, enum queue_outcome outcome, int code, int subject,
                   int detail, slice text)
{
    result->outcome = (uint8_t)outcome;
    result->code = code;
    result->enhanced[0] = code / 100;
    result->enhanced[1] = subject;
    result->enhanced[2] = detail;
    result->text = queue_result_text(text);
}

/* ---- Who ---- */

static error account_of(slice address, struct arena *arena, struct directory_resolution *out)
{
    struct directory_target *target = ARENA_NEW(arena, struct directory_target);
    TRY_MEMORY(target);
    error problem = directory_account(directory_here(), address, arena, &target->account);
    *out = (struct directory_resolution){.answer = DIRECTORY_FOUND, .count = 1, .targets = target};
    if (problem.kind != ERROR_NOT_FOUND)
        return problem;
    out->answer = DIRECTORY_NO_SUCH_USER;
    out->count = 0;
    return OK;
}

static void decide(struct addressee *a, enum directory_answer answered)
{
    a->decided = true;
    if (answered == DIRECTORY_ALIAS_LOOP)
        answer(a->result, QUEUE_FAILED, 550, 4, 6, SLICE("The recipient's alias goes in circles"));
    else if (answered == DIRECTORY_NO_SUCH_USER)
        answer(a->result, QUEUE_FAILED, 550, 1, 1, SLICE("There is no such mailbox here"));
    else /* the domain was ours a moment ago */
        answer(a->result, QUEUE_OPEN, 451, 3, 0, SLICE("The domain is not served here any more"));
}

static error resolve(struct landing *l, struct addressee *a)
{
    const struct queue_mail *mail = l->item->mail;
    slice address = queue_mail_text(mail, a->recipient->address);
    struct directory_resolution resolution = {0};
    error problem = a->recipient->final
                        ? account_of(address, &l->arena, &resolution)
                        : directory_resolve(directory_here(), address, &l->arena, &resolution);
    if (problem.kind == ERROR_TEMPORARY || problem.kind == ERROR_BUSY ||
        problem.kind == ERROR_TIMEOUT) {
        a->decided = true;
        answer(a->result, QUEUE_OPEN, 451, 3, 0, SLICE("The directory cannot be asked now"));
        return OK;
    }
    TRY(problem);
    if (resolution.answer != DIRECTORY_FOUND) {
        decide(a, resolution.answer);
        return OK;
    }
    a->count = resolution.count;
    a->targets = resolution.targets;
    a->places = ARENA_ARRAY(&l->arena, unsigned, a->count);
    TRY_MEMORY(a->places);
    for (unsigned i = 0; i < a->count; i++)
        l->place_room += !a->targets[i].outside;
    return OK;
}

static error resolve_all(struct landing *l)
{
    unsigned count = l->attempt->result_count;
    l->addressees = ARENA_ARRAY(&l->arena, struct addressee, count);
    TRY_MEMORY(l->addressees);
    for (unsigned i = 0; i < count; i++) {
        struct queue_result *result = &l->attempt->results[i];
        l->addressees[i] = (struct addressee){
            .recipient = &l->item->mail->recipients[result->recipient],
            .result = result,
        };
        TRY(resolve(l, &l->addressees[i]));
    }
    return OK;
}

/* ---- Where: every mailbox once ---- */

static error find_places(struct landing *l)
{
    struct map by_address;
    error problem = OK;
    l->places = ARENA_ARRAY(&l->arena, struct deliver_local_target, l->place_room + 1);
    TRY_MEMORY(l->places);
    map_init(&by_address);
    for (unsigned i = 0; i < l->attempt->result_count && !failed(problem); i++) {
        struct addressee *a = &l->addressees[i];
        for (unsigned j = 0; j < a->count && !failed(problem); j++) {
            const struct directory_target *target = &a->targets[j];
            if (target->outside)
                continue;
            struct deliver_local_target *place = map_get(&by_address, target->account.address);
            if (!place) {
                place = &l->places[l->place_count++];
                place->account = &target->account;
                place->detail = target->detail;
                problem = map_put(&by_address, target->account.address, place);
            }
            a->places[j] = (unsigned)(place - l->places);
        }
    }
    map_close(&by_address);
    return problem;
}

static void fill_mailboxes(struct landing *l)
{
    const struct queue_mail *mail = l->item->mail;
    char id[QUEUE_ID_TEXT_SIZE];
    queue_id_format(mail->id, id);
    struct deliver_local delivery = {
        .id = slice_from_string(id),
        .sender = queue_mail_text(mail, mail->sender),
        .trace = l->prefix,
        .message = l->body,
        .deadline = time_after(QUEUE_LOCAL_TIMEOUT_S * TIME_S),
        .targets = l->places,
        .count = l->place_count,
    };
    error problem = l->place_count > 0 ? deliver_local(&delivery, &l->arena) : OK;
    for (unsigned i = 0; failed(problem) && i < l->place_count; i++)
        l->places[i].result = problem;
}

/* ---- Results ---- */

static void judge_one(const struct landing *l, struct addressee *a)
{
    error result = l->places[a->places[0]].result;
    if (!failed(result))
        answer(a->result, QUEUE_DELIVERED, 250, 1, 5, SLICE("Delivered"));
    else if (result.kind == ERROR_LIMIT)
        answer(a->result, QUEUE_OPEN, 452, 2, 2, SLICE("The mailbox is full"));
    else
        answer(a->result, QUEUE_OPEN, 451, 3, 0, slice_from_string(result.text));
}

/* What is to be sent on: the targets outside, or those here whose mailboxes did not take it. */
static error gather_rest(struct landing *l, const struct addressee *a, bool outside,
                         struct queue_recipient **out_rest, unsigned *out_count)
{
    const struct queue_mail *mail = l->item->mail;
    struct queue_recipient *rest = ARENA_ARRAY(&l->arena, struct queue_recipient, a->count);
    unsigned count = 0;
    TRY_MEMORY(rest);
    for (unsigned i = 0; i < a->count; i++) {
        const struct directory_target *target = &a->targets[i];
        if (target->outside != outside)
            continue;
        if (!outside && !failed(l->places[a->places[i]].result))
            continue;
        rest[count++] = (struct queue_recipient){
            .address = target->outside ? target->address : target->account.address,
            .final = !target->outside,
            /* RFC 3461 5.2.7.1: with one target the request goes along; with several the sender
             * hears of success from here */
            .notify = a->count == 1 ? a->recipient->notify
                                    : a->recipient->notify & ~(unsigned)SMTP_NOTIFY_SUCCESS,
            .orcpt_type = queue_mail_text(mail, a->recipient->orcpt_type),
            .orcpt_address = queue_mail_text(mail, a->recipient->orcpt_address),
        };
        if (a->recipient->notify == SMTP_NOTIFY_SUCCESS && a->count > 1)
            rest[count - 1].notify = SMTP_NOTIFY_NEVER;
    }
    *out_rest = rest;
    *out_count = count;
    return OK;
}

/* WAITS. The same mail, for others. */
static error send_on(struct landing *l, const struct queue_recipient *rest, unsigned count)
{
    const struct queue_mail *mail = l->item->mail;
    struct body body;
    body_init(&body, l->body.size);
    struct queue_envelope envelope = {
        .sender = queue_mail_text(mail, mail->sender),
        .prefix = l->prefix,
        .recipients = rest,
        .recipient_count = count,
        .body = (enum smtp_body)mail->body,
        .utf8 = mail->utf8,
        .ret = (enum smtp_return)mail->ret,
        .envid = queue_mail_text(mail, mail->envid),
        .require_tls = mail->require_tls,
        .tls_optional = mail->tls_optional,
        .priority = mail->priority,
        .deliver_by = mail->deliver_by,
        .deliver_by_mode = mail->deliver_by_mode,
        .deliver_by_trace = mail->deliver_by_trace,
        .account = queue_mail_text(mail, mail->account),
        .origin = queue_mail_text(mail, mail->origin),
    };
    struct queue_submission submission = {.envelopes = &envelope, .count = 1, .body = &body};
    error problem = body_append(&body, l->body);
    if (!failed(problem))
        problem = queue_submit(&submission);
    body_close(&body);
    return problem;
}

/* WAITS. Those outside first: where that fails, no mailbox has it yet, and all are tried again. */
static void send_outside(struct landing *l, struct addressee *a)
{
    struct queue_recipient *rest = NULL;
    unsigned count = 0;
    error problem = gather_rest(l, a, true, &rest, &count);
    if (!failed(problem) && count > 0)
        problem = send_on(l, rest, count);
    a->sent_on = count > 0;
    if (!failed(problem))
        return;
    answer(a->result, QUEUE_OPEN, 451, 3, 0, slice_from_string(problem.text));
    a->decided = true;
    a->count = 0;
}

static void judge_several(struct landing *l, struct addressee *a)
{
    struct queue_recipient *rest = NULL;
    unsigned count = 0;
    error problem = gather_rest(l, a, false, &rest, &count);
    if (!failed(problem) && count > 0)
        problem = send_on(l, rest, count);
    if (failed(problem)) {
        answer(a->result, QUEUE_OPEN, 451, 3, 0, slice_from_string(problem.text));
        return;
    }
    bool sent_on = a->sent_on || count > 0;
    answer(a->result, sent_on ? QUEUE_RELAYED : QUEUE_DELIVERED, 250, 1, 5,
           sent_on ? SLICE("Sent on") : SLICE("Delivered"));
    a->result->dsn_relayed = sent_on && a->count == 1;
}

static error land(struct landing *l)
{
    TRY(resolve_all(l));
    for (unsigned i = 0; i < l->attempt->result_count; i++)
        if (!l->addressees[i].decided)
            send_outside(l, &l->addressees[i]);
    TRY(find_places(l));
    fill_mailboxes(l);
    for (unsigned i = 0; i < l->attempt->result_count; i++) {
        struct addressee *a = &l->addressees[i];
        if (a->decided)
            continue;
        if (a->count == 1 && !a->targets[0].outside)
            judge_one(l, a);
        else
            judge_several(l, a);
    }
    return OK;
}

static void deliver(struct queue_item *item)
{
    struct queue_content *content = item->mail->content;
    struct landing l = {.item = item, .attempt = queue_attempt_make(item)};
    struct body scratch;
    if (!l.attempt) {
        queue_item_wait(item, QUEUE_PRESSED_PAUSE_S * TIME_S);
        return;
    }
    arena_init(&l.arena, ARENA_SIZE_MAX);
    body_init(&scratch, content->size + content->prefix_size);
    error problem = queue_content_open(content, &scratch, &l.body);
    if (failed(problem)) {
        bool lost = problem.kind == ERROR_PERMANENT;
        queue_attempt_fill(l.attempt, lost ? QUEUE_FAILED : QUEUE_OPEN, 0,
                           lost ? (const int[]){5, 3, 0} : (const int[]){4, 3, 0},
                           slice_from_string(problem.text));
    } else {
        l.prefix = queue_mail_prefix(item->mail, &scratch);
        problem = land(&l);
        queue_content_release(content, &scratch);
        if (failed(problem))
            queue_attempt_fill(l.attempt, QUEUE_OPEN, 451, (const int[]){4, 3, 0},
                               slice_from_string(problem.text));
    }
    arena_close(&l.arena);
    l.attempt->took_ns = time_now() - l.attempt->began_ns;
    queue_schedule_result(l.attempt);
}

static void deliver_all(void *argument)
{
    (void)argument;
    struct queue_item *item;
    while ((item = LIST_FIRST(&queue_owner.locals, struct queue_item, node))) {
        list_remove(&item->node);
        deliver(item);
    }
    queue_owner.local_fibers--;
}

void queue_mailbox_deliver(struct queue_item *item)
{
    struct queue_owner *owner = &queue_owner;
    list_append(&owner->locals, &item->node);
    if (owner->local_fibers >= QUEUE_LOCALS_MAX)
        return;
    if (!failed(fiber_start(&owner->crew, "queue.mailbox", deliver_all, NULL))) {
        owner->local_fibers++;
    } else if (owner->local_fibers == 0) {
        list_remove(&item->node);
        queue_item_wait(item, QUEUE_PRESSED_PAUSE_S * TIME_S);
    }
}
