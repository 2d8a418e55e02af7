/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Items for domains of ours: aliases are followed and mailboxes filled on the owner core. A
 * recipient with one mailbox has that mailbox's result. Where an alias leads away from here, or to
 * several, all it leads to becomes recipients of a mail of their own before any mailbox is filled,
 * each with an outcome of its own from then on: no failure, and none after it, makes anybody get it
 * twice.
 */
#include "data/directory/directory.h"
#include "filter/spam/fields.h"
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
    unsigned count;
    const struct directory_target *targets;
    unsigned place; /* of its one mailbox in the delivery */
};

struct landing {
    struct queue_item *item;
    struct queue_attempt *attempt;
    struct arena arena;
    struct addressee *addressees;
    struct deliver_local_target *places;
    unsigned place_count;
    struct map by_address; /* mailboxes: their places; who is sent to: its recipient */
    struct queue_envelope *envelopes;
    struct queue_recipient *onward; /* of the last envelope */
    unsigned envelope_count, onward_room;
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
    error problem = directory_mailbox(directory_here(), address, arena, target);
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

static bool is_sent_on(const struct addressee *a)
{
    return !a->decided && (a->count > 1 || a->targets[0].outside);
}

static error find_places(struct landing *l)
{
    l->places = ARENA_ARRAY(&l->arena, struct deliver_local_target, l->attempt->result_count);
    TRY_MEMORY(l->places);
    for (unsigned i = 0; i < l->attempt->result_count; i++) {
        struct addressee *a = &l->addressees[i];
        if (a->decided || is_sent_on(a))
            continue;
        const struct directory_account *account = &a->targets[0].account;
        struct deliver_local_target *place = map_get(&l->by_address, account->address);
        if (!place) {
            place = &l->places[l->place_count++];
            place->account = account;
            place->detail = a->targets[0].detail;
            place->recipient = a->recipient->orcpt_address.size
                                   ? queue_mail_text(l->item->mail, a->recipient->orcpt_address)
                                   : queue_mail_text(l->item->mail, a->recipient->address);
            TRY(map_put(&l->by_address, account->address, place));
        }
        a->place = (unsigned)(place - l->places);
    }
    return OK;
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
        .junk = spam_fields_say_junk(l->prefix),
        .each = true,
        .deadline = time_after(QUEUE_LOCAL_TIMEOUT_S * TIME_S),
        .targets = l->places,
        .count = l->place_count,
    };
    error problem = l->place_count > 0 ? deliver_local(&delivery, &l->arena) : OK;
    for (unsigned i = 0; failed(problem) && i < l->place_count; i++)
        l->places[i].result = problem;
}

/* ---- Onward: one submission for all that is sent on, durable before any mailbox is filled ---- */

static error add_envelope(struct landing *l)
{
    const struct queue_mail *mail = l->item->mail;
    if (l->envelope_count == QUEUE_ENVELOPES_MAX)
        return error_make(ERROR_LIMIT, "its aliases lead to too many");
    l->onward = ARENA_ARRAY(&l->arena, struct queue_recipient, l->onward_room);
    TRY_MEMORY(l->onward);
    l->envelopes[l->envelope_count++] = (struct queue_envelope){
        .sender = queue_mail_text(mail, mail->sender),
        .prefix = l->prefix,
        .recipients = l->onward,
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
    return OK;
}

/* RFC 3461 5.2.7.1: with one target the request goes along; with several the sender hears of
 * success from here. */
static unsigned notify_of(const struct addressee *a)
{
    unsigned notify = a->recipient->notify;
    if (a->count == 1)
        return notify;
    return notify == SMTP_NOTIFY_SUCCESS ? SMTP_NOTIFY_NEVER
                                         : notify & ~(unsigned)SMTP_NOTIFY_SUCCESS;
}

static error add_onward(struct landing *l, const struct addressee *a,
                        const struct directory_target *target)
{
    const struct queue_mail *mail = l->item->mail;
    slice address = target->outside ? target->address : target->account.address;
    if (a->count > 1 && map_get(&l->by_address, address))
        return OK; /* in another's list, or a recipient itself */
    struct queue_envelope *envelope = &l->envelopes[l->envelope_count - 1];
    if (l->envelope_count == 0 || envelope->recipient_count == l->onward_room) {
        TRY(add_envelope(l));
        envelope = &l->envelopes[l->envelope_count - 1];
    }
    struct queue_recipient *to = &l->onward[envelope->recipient_count++];
    *to = (struct queue_recipient){
        .address = target->outside || target->extended.size == 0 ? address : target->extended,
        .final = !target->outside,
        .notify = notify_of(a),
        .orcpt_type = queue_mail_text(mail, a->recipient->orcpt_type),
        .orcpt_address = queue_mail_text(mail, a->recipient->orcpt_address),
    };
    return a->count > 1 ? map_put(&l->by_address, address, to) : OK;
}

/* WAITS. The account's, whatever detail the mail came with; one that is gone is as it was named. */
static error address_of_mailbox(struct landing *l, slice named, slice *out_address)
{
    struct directory_target target;
    if (!failed(directory_mailbox(directory_here(), named, &l->arena, &target))) {
        *out_address = target.address;
        return OK;
    }
    char *folded = arena_alloc_bytes(&l->arena, named.size);
    TRY_MEMORY(folded);
    for (size_t i = 0; i < named.size; i++)
        folded[i] = ascii_lower(named.data[i]);
    *out_address = slice_of(folded, named.size);
    return OK;
}

/* WAITS. Whoever had the mail in an earlier attempt has it. */
static error note_delivered(struct landing *l)
{
    const struct queue_item *item = l->item;
    for (uint32_t i = item->first; i < item->first + item->count; i++) {
        const struct queue_mail_recipient *to = &item->mail->recipients[i];
        slice address;
        if (to->outcome != QUEUE_DELIVERED)
            continue;
        TRY(address_of_mailbox(l, queue_mail_text(item->mail, to->address), &address));
        if (!map_get(&l->by_address, address))
            TRY(map_put(&l->by_address, address, l->item));
    }
    return OK;
}

/* WAITS. */
static error gather_onward(struct landing *l)
{
    unsigned targets = 0;
    TRY(note_delivered(l));
    l->envelopes = ARENA_ARRAY(&l->arena, struct queue_envelope, QUEUE_ENVELOPES_MAX);
    TRY_MEMORY(l->envelopes);
    for (unsigned i = 0; i < l->attempt->result_count; i++)
        targets += is_sent_on(&l->addressees[i]) ? l->addressees[i].count : 0;
    l->onward_room = targets < QUEUE_RECIPIENTS_MAX ? targets : QUEUE_RECIPIENTS_MAX;
    for (unsigned i = 0; i < l->attempt->result_count; i++) {
        const struct addressee *a = &l->addressees[i];
        for (unsigned j = 0; is_sent_on(a) && j < a->count; j++)
            TRY(add_onward(l, a, &a->targets[j]));
    }
    return OK;
}

/* WAITS. */
static error submit_onward(struct landing *l)
{
    struct body body;
    TRY(gather_onward(l));
    if (l->envelope_count == 0)
        return OK;
    body_init(&body, l->body.size);
    struct queue_submission submission = {
        .envelopes = l->envelopes, .count = l->envelope_count, .body = &body};
    error problem = body_append(&body, l->body);
    if (!failed(problem))
        problem = queue_submit(&submission);
    body_close(&body);
    return problem;
}

/* WAITS. Their results are known before those of mailboxes are: they are recorded with them. */
static void send_on(struct landing *l)
{
    error problem = submit_onward(l);
    for (unsigned i = 0; i < l->attempt->result_count; i++) {
        struct addressee *a = &l->addressees[i];
        if (!is_sent_on(a))
            continue;
        if (failed(problem)) {
            answer(a->result, QUEUE_OPEN, 451, 3, 0, slice_from_string(problem.text));
        } else {
            answer(a->result, QUEUE_RELAYED, 250, 1, 5, SLICE("Sent on"));
            a->result->dsn_passed = a->count == 1;
            a->result->expanded = a->count > 1;
        }
        a->decided = true;
    }
}

/* ---- Results ---- */

static void judge(const struct landing *l, struct addressee *a)
{
    error result = l->places[a->place].result;
    if (!failed(result))
        answer(a->result, QUEUE_DELIVERED, 250, 1, 5, SLICE("Delivered"));
    else if (l->places[a->place].refused) /* RFC 5429: the report bears its words */
        answer(a->result, QUEUE_FAILED, 550, 7, 1,
               l->places[a->place].refusal.size ? l->places[a->place].refusal
                                                : SLICE("The recipient does not take this mail"));
    else if (result.kind == ERROR_LIMIT)
        answer(a->result, QUEUE_OPEN, 452, 2, 2, SLICE("The mailbox is full"));
    else
        answer(a->result, QUEUE_OPEN, 451, 3, 0, slice_from_string(result.text));
}

static error land(struct landing *l)
{
    TRY(resolve_all(l));
    TRY(find_places(l));
    send_on(l);
    fill_mailboxes(l);
    for (unsigned i = 0; i < l->attempt->result_count; i++)
        if (!l->addressees[i].decided)
            judge(l, &l->addressees[i]);
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
    map_init(&l.by_address);
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
    map_close(&l.by_address);
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
