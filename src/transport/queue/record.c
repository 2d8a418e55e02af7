/* SPDX-License-Identifier: GPL-3.0-or-later
 * The queue's records as bytes. */
#include "transport/queue/record_head.h"

#include "transport/queue/answer.h"

#include <stdlib.h>

#define MALFORMED RECORD_MALFORMED

struct add_head {
    uint8_t type, reserved;
    uint16_t count;
    uint32_t header_size, prefix_size, reserved_too;
    uint64_t id, body_size;
};
_Static_assert(sizeof(struct add_head) == 32, "kept on disk");

struct outcomes_head {
    uint8_t type, reserved[3];
    uint32_t count;
    uint64_t id;
};
_Static_assert(sizeof(struct outcomes_head) == 16, "kept on disk");

static void put(struct buffer *out, const void *data, size_t size)
{
    buffer_add(out, slice_of(data, size));
}

static void put_text(struct buffer *out, slice text)
{
    uint16_t size = (uint16_t)text.size;
    put(out, &size, sizeof size);
    buffer_add(out, text);
}

/* ---- A mail ---- */

static uint8_t flags_of(const struct queue_mail *mail)
{
    return (uint8_t)((mail->utf8 ? MAIL_UTF8 : 0) | (mail->require_tls ? MAIL_REQUIRE_TLS : 0) |
                     (mail->tls_optional ? MAIL_TLS_OPTIONAL : 0) |
                     (mail->deliver_by_trace ? MAIL_DELIVER_BY_TRACE : 0) |
                     (mail->held ? MAIL_HELD : 0) | (mail->warned ? MAIL_WARNED : 0));
}

static uint8_t recipient_flags(const struct queue_mail_recipient *to)
{
    return (uint8_t)((to->final ? RECIPIENT_FINAL : 0) | (to->reported ? RECIPIENT_REPORTED : 0) |
                     (to->expanded ? RECIPIENT_EXPANDED : 0) |
                     to->outcome << RECIPIENT_OUTCOME_SHIFT);
}

void record_mail_write(struct buffer *out, const struct queue_mail *mail)
{
    struct mail_head head = {
        .id = mail->id,
        .arrived = mail->arrived,
        .expires = mail->expires,
        .hold_until = mail->hold_until,
        .deliver_by = mail->deliver_by,
        .prefix_offset = mail->prefix.offset,
        .prefix_size = mail->prefix.size,
        .recipient_count = mail->recipient_count,
        .item_count = mail->item_count,
        .flags = flags_of(mail),
        .body = mail->body,
        .ret = mail->ret,
        .priority = mail->priority,
        .deliver_by_mode = mail->deliver_by_mode,
    };
    put(out, &head, sizeof head);
    put_text(out, queue_mail_text(mail, mail->sender));
    put_text(out, queue_mail_text(mail, mail->envid));
    put_text(out, queue_mail_text(mail, mail->account));
    put_text(out, queue_mail_text(mail, mail->origin));
    for (uint32_t i = 0; i < mail->recipient_count; i++) {
        const struct queue_mail_recipient *to = &mail->recipients[i];
        buffer_add_byte(out, (char)recipient_flags(to));
        buffer_add_byte(out, (char)to->notify);
        put_text(out, queue_mail_text(mail, to->address));
        put_text(out, queue_mail_text(mail, to->orcpt_type));
        put_text(out, queue_mail_text(mail, to->orcpt_address));
    }
    for (uint32_t i = 0; i < mail->item_count; i++)
        record_item_write(out, &mail->items[i]);
}

static bool take_recipient(struct cursor *c, struct queue_recipient *to, char *outcome)
{
    uint8_t numbers[2];
    if (!record_take(c, numbers, sizeof numbers) || !record_take_text(c, &to->address) ||
        !record_take_text(c, &to->orcpt_type) || !record_take_text(c, &to->orcpt_address) ||
        numbers[0] >> RECIPIENT_OUTCOME_SHIFT > RECORD_OUTCOME_LAST)
        return false;
    to->final = numbers[0] & RECIPIENT_FINAL;
    to->notify = numbers[1];
    *outcome = (char)numbers[0];
    return true;
}

error record_mail_read(struct cursor *c, struct arena *arena, struct record_mail *out)
{
    struct mail_head head;
    struct cursor at = *c;
    struct record_mail mail = {0};
    struct queue_envelope *envelope = &mail.envelope;
    if (!record_take(&at, &head, sizeof head) || !mail_head_is_sound(&head) ||
        !record_take_text(&at, &envelope->sender) || !record_take_text(&at, &envelope->envid) ||
        !record_take_text(&at, &envelope->account) || !record_take_text(&at, &envelope->origin))
        return MALFORMED;
    if (head.recipient_count > (size_t)(at.end - at.at) / 8)
        return MALFORMED;
    struct queue_recipient *recipients =
        ARENA_ARRAY(arena, struct queue_recipient, head.recipient_count);
    char *outcomes = arena_alloc_bytes(arena, head.recipient_count);
    TRY_MEMORY(recipients);
    TRY_MEMORY(outcomes);
    for (uint32_t i = 0; i < head.recipient_count; i++)
        if (!take_recipient(&at, &recipients[i], &outcomes[i]))
            return MALFORMED;
    mail.items = at;
    for (uint32_t i = 0; i < head.item_count; i++)
        if (!record_item_skip(&at))
            return MALFORMED;
    mail.items.end = at.at;
    mail.id = head.id;
    mail.arrived = head.arrived;
    mail.expires = head.expires;
    mail.prefix_offset = head.prefix_offset;
    mail.prefix_size = head.prefix_size;
    mail.held = head.flags & MAIL_HELD;
    mail.warned = head.flags & MAIL_WARNED;
    mail.outcomes = slice_of(outcomes, head.recipient_count);
    mail.item_count = head.item_count;
    envelope->recipients = recipients;
    envelope->recipient_count = head.recipient_count;
    envelope->body = head.body;
    envelope->ret = head.ret;
    envelope->priority = head.priority;
    envelope->hold_until = head.hold_until;
    envelope->deliver_by = head.deliver_by;
    envelope->deliver_by_mode = head.deliver_by_mode;
    envelope->utf8 = head.flags & MAIL_UTF8;
    envelope->require_tls = head.flags & MAIL_REQUIRE_TLS;
    envelope->tls_optional = head.flags & MAIL_TLS_OPTIONAL;
    envelope->deliver_by_trace = head.flags & MAIL_DELIVER_BY_TRACE;
    *c = at;
    *out = mail;
    return OK;
}

static struct record_outcome outcome_of(uint32_t recipient, uint8_t flags)
{
    return (struct record_outcome){
        .recipient = recipient,
        .outcome = flags >> RECIPIENT_OUTCOME_SHIFT,
        .reported = flags & RECIPIENT_REPORTED,
        .expanded = flags & RECIPIENT_EXPANDED,
    };
}

error record_mail_make(const struct record_mail *record, struct queue_content *content,
                       struct queue_mail **out_mail)
{
    struct queue_mail *mail = NULL;
    TRY(queue_mail_make(&record->envelope, content, record->id, record->arrived, &mail));
    error problem = mail->item_count == record->item_count ? OK : MALFORMED;
    mail->expires = record->expires;
    mail->prefix = (struct queue_text){record->prefix_offset, record->prefix_size};
    mail->held = record->held;
    mail->warned = record->warned;
    for (uint32_t i = 0; i < mail->recipient_count; i++) {
        uint8_t flags = (uint8_t)record->outcomes.data[i];
        record_outcome_apply(mail, outcome_of(i, flags));
    }
    struct cursor items = record->items;
    for (uint32_t i = 0; i < mail->item_count && !failed(problem); i++)
        problem = record_item_read(&items, &mail->items[i]);
    if (failed(problem))
        queue_mail_free(&mail);
    else
        *out_mail = mail;
    return problem;
}

/* ---- An item: one byte where nothing happened yet ---- */

struct item_head {
    uint16_t attempts, response_size;
    uint32_t site;
    int64_t due, tried;
};
_Static_assert(sizeof(struct item_head) == 24, "kept on disk");

static bool take_item(struct cursor *c, struct item_head *head, slice *response)
{
    char known;
    *head = (struct item_head){0};
    *response = SLICE_EMPTY;
    if (!record_take(c, &known, 1) || (known != 0 && known != 1))
        return false;
    if (!known)
        return true;
    if (!record_take(c, head, sizeof *head) || head->response_size > QUEUE_RESPONSE_SIZE_MAX ||
        (size_t)(c->end - c->at) < head->response_size)
        return false;
    *response = slice_of(c->at, head->response_size);
    c->at += head->response_size;
    return true;
}

void record_item_write(struct buffer *out, const struct queue_item *item)
{
    bool known = item->attempts || item->due || item->tried || item->response || item->site;
    buffer_add_byte(out, known);
    if (!known)
        return;
    slice response = slice_sub(slice_from_string(item->response), 0, QUEUE_RESPONSE_SIZE_MAX);
    struct item_head head = {.attempts = item->attempts,
                             .response_size = (uint16_t)response.size,
                             .site = item->site,
                             .due = item->due,
                             .tried = item->tried};
    put(out, &head, sizeof head);
    buffer_add(out, response);
}

bool record_item_skip(struct cursor *c)
{
    struct item_head head;
    slice response;
    return take_item(c, &head, &response);
}

error record_item_read(struct cursor *c, struct queue_item *item)
{
    struct item_head head;
    slice response;
    if (!take_item(c, &head, &response))
        return MALFORMED;
    char *copy = NULL;
    if (response.size) {
        copy = malloc(response.size + 1);
        TRY_MEMORY(copy);
        memcpy(copy, response.data, response.size);
        copy[response.size] = '\0';
    }
    if (item->response)
        queue_item_forget(item);
    item->response = copy;
    item->response_shared = false;
    item->attempts = head.attempts;
    item->site = head.site;
    item->due = head.due;
    item->tried = head.tried;
    return OK;
}

/* ---- A submission ---- */

void record_add_write(struct buffer *out, const struct queue_content *content)
{
    size_t begin = out->size;
    struct add_head head = {.type = RECORD_ADD,
                            .prefix_size = content->prefix_size,
                            .id = content->id,
                            .body_size = content->size};
    put(out, &head, sizeof head);
    for (const struct queue_mail *mail = content->mails; mail; mail = mail->next_sharing) {
        record_mail_write(out, mail);
        head.count++;
    }
    head.header_size = (uint32_t)(out->size - begin);
    if (!out->overflow)
        memcpy(out->data + begin, &head, sizeof head);
}

error record_add_read(slice payload, struct record_add *out_add)
{
    struct add_head head;
    struct cursor c = cursor_over(payload);
    if (!record_take(&c, &head, sizeof head) || head.type != RECORD_ADD || head.id == 0 ||
        head.count == 0 || head.count > QUEUE_ENVELOPES_MAX || head.header_size < sizeof head ||
        head.header_size > payload.size || head.prefix_size > payload.size - head.header_size ||
        head.body_size != payload.size - head.header_size - head.prefix_size)
        return MALFORMED;
    c.end = payload.data + head.header_size;
    *out_add = (struct record_add){
        .count = head.count,
        .id = head.id,
        .prefixes = slice_sub(payload, head.header_size, head.prefix_size),
        .body = slice_from(payload, (size_t)head.header_size + head.prefix_size),
        .mails = c,
    };
    return OK;
}

error record_add_next(struct record_add *add, struct arena *arena, struct record_mail *out)
{
    if (add->count == 0)
        return error_make(ERROR_CLOSED, "no more mails");
    struct record_mail mail;
    TRY(record_mail_read(&add->mails, arena, &mail));
    if (mail.prefix_offset > add->prefixes.size ||
        mail.prefix_size > add->prefixes.size - mail.prefix_offset)
        return MALFORMED;
    add->count--;
    *out = mail;
    return OK;
}

/* ---- Outcomes ---- */

void record_outcomes_write(struct buffer *out, const struct queue_mail *mail,
                           const struct queue_item *item)
{
    uint32_t first = item ? item->first : 0, count = item ? item->count : mail->recipient_count;
    size_t begin = out->size;
    struct outcomes_head head = {.type = RECORD_OUTCOMES, .id = mail->id};
    put(out, &head, sizeof head);
    for (uint32_t i = first; i < first + count; i++) {
        const struct queue_mail_recipient *to = &mail->recipients[i];
        if (to->outcome == QUEUE_OPEN && !to->reported)
            continue;
        put(out, &i, sizeof i);
        buffer_add_byte(out, (char)recipient_flags(to));
        head.count++;
    }
    if (!out->overflow)
        memcpy(out->data + begin, &head, sizeof head);
}

error record_outcomes_read(slice payload, struct record_outcomes *out_outcomes)
{
    struct outcomes_head head;
    struct cursor c = cursor_over(payload);
    if (!record_take(&c, &head, sizeof head) || head.type != RECORD_OUTCOMES || head.id == 0 ||
        head.count > QUEUE_RECIPIENTS_MAX || (size_t)(c.end - c.at) != (size_t)head.count * 5)
        return MALFORMED;
    *out_outcomes = (struct record_outcomes){head.id, head.count, c};
    return OK;
}

bool record_outcomes_next(struct record_outcomes *outcomes, struct record_outcome *out)
{
    uint8_t flags;
    uint32_t recipient;
    if (outcomes->left == 0 || !record_take(&outcomes->rest, &recipient, sizeof recipient) ||
        !record_take(&outcomes->rest, &flags, sizeof flags))
        return false;
    outcomes->left--;
    *out = outcome_of(recipient, flags);
    return true;
}

void record_outcome_apply(struct queue_mail *mail, struct record_outcome outcome)
{
    if (outcome.recipient >= mail->recipient_count || outcome.outcome > RECORD_OUTCOME_LAST)
        return;
    struct queue_mail_recipient *to = &mail->recipients[outcome.recipient];
    to->reported |= outcome.reported;
    to->expanded |= outcome.expanded;
    if (outcome.outcome == QUEUE_OPEN)
        return;
    mail->open_count -= to->outcome == QUEUE_OPEN;
    to->outcome = outcome.outcome;
}
