/* SPDX-License-Identifier: GPL-3.0-or-later
 * A queued mail in memory: made, freed, named. */
#include "transport/queue/mail.h"

#include "base/assert.h"
#include "transport/queue/answer.h"

#include <stdlib.h>

static slice domain_of(slice address)
{
    slice local, domain;
    return slice_cut_last(address, '@', &local, &domain) ? domain : SLICE_EMPTY;
}

static int domain_compare(slice a, slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < size; i++) {
        int difference = ascii_lower(a.data[i]) - ascii_lower(b.data[i]);
        if (difference)
            return difference;
    }
    return a.size < b.size ? -1 : a.size > b.size;
}

struct order {
    slice domain;
    uint32_t at; /* in the envelope */
};

static int order_compare(const void *left, const void *right)
{
    const struct order *a = left, *b = right;
    int difference = domain_compare(a->domain, b->domain);
    return difference ? difference : a->at < b->at ? -1 : 1;
}

static bool fits(slice text)
{
    return text.size <= UINT16_MAX; /* as records keep them */
}

static error measure(const struct queue_envelope *envelope, size_t *out_size)
{
    if (envelope->recipient_count == 0 || envelope->recipient_count > QUEUE_RECIPIENTS_MAX)
        return error_make(ERROR_LIMIT, "too many recipients, or none");
    if (envelope->prefix.size > QUEUE_PREFIX_SIZE_MAX || !fits(envelope->sender) ||
        !fits(envelope->envid) || !fits(envelope->account) || !fits(envelope->origin))
        return error_make(ERROR_LIMIT, "an envelope is too large");
    size_t size = envelope->sender.size + envelope->envid.size + envelope->origin.size;
    if (!slice_equal(envelope->account, envelope->sender))
        size += envelope->account.size;
    for (unsigned i = 0; i < envelope->recipient_count; i++) {
        const struct queue_recipient *to = &envelope->recipients[i];
        if (!fits(to->address) || !fits(to->orcpt_type) || !fits(to->orcpt_address))
            return error_make(ERROR_LIMIT, "a recipient is too large");
        size += to->address.size + to->orcpt_type.size;
        if (!slice_equal(to->orcpt_address, to->address))
            size += to->orcpt_address.size;
    }
    if (size > QUEUE_ENVELOPE_SIZE_MAX)
        return error_make(ERROR_LIMIT, "an envelope is too large");
    *out_size = size;
    return OK;
}

static struct queue_text take_text(struct queue_mail *mail, slice text, uint32_t *position)
{
    struct queue_text taken = {*position, (uint32_t)text.size};
    if (text.size)
        memcpy(mail->texts + *position, text.data, text.size);
    *position += taken.size;
    return taken;
}

/* What says the same again takes no room: a million mails are waiting. */
static struct queue_text take_other(struct queue_mail *mail, slice text, struct queue_text known,
                                    uint32_t *position)
{
    return slice_equal(text, queue_mail_text(mail, known)) ? known
                                                           : take_text(mail, text, position);
}

static void take_recipient(struct queue_mail *mail, uint32_t at, const struct queue_recipient *from,
                           uint32_t *position)
{
    struct queue_mail_recipient *to = &mail->recipients[at];
    to->address = take_text(mail, from->address, position);
    to->orcpt_type = take_text(mail, from->orcpt_type, position);
    to->orcpt_address = take_other(mail, from->orcpt_address, to->address, position);
    to->notify = (uint8_t)from->notify;
    to->final = from->final;
}

static void take_envelope(struct queue_mail *mail, const struct queue_envelope *envelope,
                          uint32_t *position)
{
    mail->sender = take_text(mail, envelope->sender, position);
    mail->envid = take_text(mail, envelope->envid, position);
    mail->account = take_other(mail, envelope->account, mail->sender, position);
    mail->origin = take_text(mail, envelope->origin, position);
    mail->prefix.size = (uint32_t)envelope->prefix.size;
    mail->hold_until = envelope->hold_until;
    mail->deliver_by = envelope->deliver_by;
    mail->body = (uint8_t)envelope->body;
    mail->ret = (uint8_t)envelope->ret;
    mail->priority = (int8_t)envelope->priority;
    mail->deliver_by_mode = envelope->deliver_by_mode;
    mail->utf8 = envelope->utf8;
    mail->require_tls = envelope->require_tls;
    mail->tls_optional = envelope->tls_optional;
    mail->deliver_by_trace = envelope->deliver_by_trace;
}

static void make_items(struct queue_mail *mail)
{
    uint32_t made = 0;
    for (uint32_t i = 0; i < mail->recipient_count; i++) {
        if (i > 0 && queue_mail_same_domain(mail, i - 1, i)) {
            mail->items[made - 1].count++;
            continue;
        }
        struct queue_item *item = &mail->items[made++];
        item->mail = mail;
        item->first = i;
        item->count = 1;
    }
    ASSERT(made == mail->item_count);
}

void queue_mail_join(struct queue_mail *mail, struct queue_content *content)
{
    mail->content = content;
    content->references++;
    struct queue_mail **last = &content->mails;
    while (*last)
        last = &(*last)->next_sharing;
    *last = mail;
}

error queue_mail_allocate(uint32_t recipients, uint32_t items, size_t text_size,
                          struct queue_mail **out_mail)
{
    size_t items_at = sizeof(struct queue_mail);
    size_t recipients_at = items_at + items * sizeof(struct queue_item);
    size_t texts_at = recipients_at + recipients * sizeof(struct queue_mail_recipient);
    char *block = malloc(texts_at + text_size);
    TRY_MEMORY(block);
    memset(block, 0, texts_at);
    struct queue_mail *mail = (struct queue_mail *)(void *)block;
    mail->items = (struct queue_item *)(void *)(block + items_at);
    mail->recipients = (struct queue_mail_recipient *)(void *)(block + recipients_at);
    mail->texts = block + texts_at;
    list_init(&mail->node);
    for (uint32_t i = 0; i < items; i++) {
        timer_init(&mail->items[i].timer, NULL);
        list_init(&mail->items[i].node);
    }
    *out_mail = mail;
    return OK;
}

bool queue_mail_same_domain(const struct queue_mail *mail, uint32_t one, uint32_t other)
{
    return domain_compare(domain_of(queue_mail_text(mail, mail->recipients[one].address)),
                          domain_of(queue_mail_text(mail, mail->recipients[other].address))) == 0;
}

static error make_sorted(const struct queue_envelope *envelope, const struct order *order,
                         size_t text_size, struct queue_mail **out_mail)
{
    uint32_t count = envelope->recipient_count, items = 1, position = 0;
    for (uint32_t i = 1; i < count; i++)
        items += domain_compare(order[i - 1].domain, order[i].domain) != 0;
    struct queue_mail *mail;
    TRY(queue_mail_allocate(count, items, text_size, &mail));
    mail->recipient_count = mail->open_count = count;
    mail->item_count = items;
    take_envelope(mail, envelope, &position);
    for (uint32_t i = 0; i < count; i++)
        take_recipient(mail, i, &envelope->recipients[order[i].at], &position);
    make_items(mail);
    *out_mail = mail;
    return OK;
}

error queue_mail_make(const struct queue_envelope *envelope, struct queue_content *content,
                      queue_id id, int64_t arrived, struct queue_mail **out_mail)
{
    enum { ORDER_IN_PLACE = 16 };
    struct order few[ORDER_IN_PLACE], *order = few;
    size_t text_size = 0;
    TRY(measure(envelope, &text_size));
    uint32_t count = envelope->recipient_count;
    if (count > ORDER_IN_PLACE) {
        order = malloc(count * sizeof *order);
        TRY_MEMORY(order);
    }
    for (uint32_t i = 0; i < count; i++)
        order[i] = (struct order){domain_of(envelope->recipients[i].address), i};
    if (count > 1)
        qsort(order, count, sizeof *order, order_compare);
    struct queue_mail *mail = NULL;
    error problem = make_sorted(envelope, order, text_size, &mail);
    if (order != few)
        free(order);
    TRY(problem);
    mail->id = id;
    mail->arrived = arrived;
    queue_mail_join(mail, content);
    *out_mail = mail;
    return OK;
}

void queue_mail_free(struct queue_mail **mail)
{
    struct queue_mail *gone = *mail;
    if (!gone)
        return;
    *mail = NULL;
    struct queue_content *content = gone->content;
    for (struct queue_mail **at = &content->mails; *at; at = &(*at)->next_sharing)
        if (*at == gone) {
            *at = gone->next_sharing;
            break;
        }
    ASSERT(content->references > 0);
    content->references--;
    for (uint32_t i = 0; i < gone->item_count; i++) {
        timer_cancel(&gone->items[i].timer);
        queue_item_forget(&gone->items[i]);
    }
    list_remove(&gone->node);
    free(gone);
}

slice queue_item_domain(const struct queue_item *item)
{
    const struct queue_mail *mail = item->mail;
    return domain_of(queue_mail_text(mail, mail->recipients[item->first].address));
}

void queue_id_format(queue_id id, char out_text[QUEUE_ID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < QUEUE_ID_TEXT_SIZE - 1; i++)
        out_text[i] = digits[id >> (60 - 4 * i) & 15];
    out_text[QUEUE_ID_TEXT_SIZE - 1] = '\0';
}

bool queue_id_parse(slice text, queue_id *out_id)
{
    queue_id id = 0;
    if (text.size == 0 || text.size >= QUEUE_ID_TEXT_SIZE)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = ascii_lower(text.data[i]);
        if (!ascii_is_digit(c) && (c < 'a' || c > 'f'))
            return false;
        id = id << 4 | (queue_id)(ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    *out_id = id;
    return true;
}
