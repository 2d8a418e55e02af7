/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A mail from its record, straight into its place in memory, with nothing in between. What
 * record_mail_read and record_mail_make do by way of an envelope, for a start with a million of
 * them.
 */
#include "transport/queue/record_head.h"

#include <stdlib.h>

/* Texts are copied as they stand in the record, sizes between them and all: from the sender to the
 * last recipient in one piece, or in two around an account that is the sender. */
struct layout {
    struct mail_head head;
    slice sender, envid, account, origin;
    const char *recipients, *items; /* where they begin; recipients end there */
    slice first, second;            /* pieces of texts */
};

struct part {
    uint8_t flags, notify;
    slice address, orcpt_type, orcpt_address;
};

static bool take_part(struct cursor *c, struct part *out)
{
    return record_take(c, &out->flags, 1) && record_take(c, &out->notify, 1) &&
           record_take_text(c, &out->address) && record_take_text(c, &out->orcpt_type) &&
           record_take_text(c, &out->orcpt_address) &&
           out->flags >> RECIPIENT_OUTCOME_SHIFT <= RECORD_OUTCOME_LAST;
}

/* *last: of the recipients. */
static bool survey(struct cursor c, struct layout *out, struct part *last)
{
    if (!record_take(&c, &out->head, sizeof out->head) || !mail_head_is_sound(&out->head))
        return false;
    const char *begin = c.at;
    if (!record_take_text(&c, &out->sender) || !record_take_text(&c, &out->envid) ||
        !record_take_text(&c, &out->account) || !record_take_text(&c, &out->origin))
        return false;
    out->recipients = c.at;
    for (uint32_t i = 0; i < out->head.recipient_count; i++)
        if (!take_part(&c, last))
            return false;
    out->items = c.at;
    out->first = slice_of(begin, (size_t)(c.at - begin));
    out->second = SLICE_EMPTY;
    if (slice_equal(out->account, out->sender)) {
        out->account = out->sender;
        out->second = slice_from(out->first, (size_t)(out->origin.data - begin));
        out->first.size = (size_t)(out->envid.data - begin) + out->envid.size;
    }
    return true;
}

static struct queue_text place(const struct layout *layout, slice text)
{
    size_t offset = (size_t)(text.data - layout->first.data);
    if (offset > layout->first.size) /* in the second piece, behind the gap */
        offset = layout->first.size + (size_t)(text.data - layout->second.data);
    return (struct queue_text){(uint32_t)offset, (uint32_t)text.size};
}

static void fill_head(struct queue_mail *mail, const struct layout *layout)
{
    const struct mail_head *head = &layout->head;
    mail->id = head->id;
    mail->arrived = head->arrived;
    mail->expires = head->expires;
    mail->hold_until = head->hold_until;
    mail->deliver_by = head->deliver_by;
    mail->prefix = (struct queue_text){head->prefix_offset, head->prefix_size};
    mail->recipient_count = mail->open_count = head->recipient_count;
    mail->item_count = head->item_count;
    mail->body = head->body;
    mail->ret = head->ret;
    mail->priority = head->priority;
    mail->deliver_by_mode = head->deliver_by_mode;
    mail->utf8 = head->flags & MAIL_UTF8;
    mail->require_tls = head->flags & MAIL_REQUIRE_TLS;
    mail->tls_optional = head->flags & MAIL_TLS_OPTIONAL;
    mail->deliver_by_trace = head->flags & MAIL_DELIVER_BY_TRACE;
    mail->held = head->flags & MAIL_HELD;
    mail->warned = head->flags & MAIL_WARNED;
    mail->sender = place(layout, layout->sender);
    mail->envid = place(layout, layout->envid);
    mail->account = place(layout, layout->account);
    mail->origin = place(layout, layout->origin);
    memcpy(mail->texts, layout->first.data, layout->first.size);
    if (layout->second.size > 0)
        memcpy(mail->texts + layout->first.size, layout->second.data, layout->second.size);
}

static void fill_recipient(struct queue_mail *mail, uint32_t index, const struct layout *layout,
                           const struct part *part)
{
    struct queue_mail_recipient *to = &mail->recipients[index];
    to->address = place(layout, part->address);
    to->orcpt_type = place(layout, part->orcpt_type);
    to->orcpt_address = place(layout, part->orcpt_address);
    to->notify = part->notify;
    to->final = part->flags & RECIPIENT_FINAL;
    to->reported = part->flags & RECIPIENT_REPORTED;
    to->expanded = part->flags & RECIPIENT_EXPANDED;
    to->outcome = part->flags >> RECIPIENT_OUTCOME_SHIFT;
    mail->open_count -= to->outcome != QUEUE_OPEN;
}

/* Recipients stand sorted; neighbours of one domain share an item. */
static error fill_items(struct queue_mail *mail, struct cursor records)
{
    uint32_t made = 0;
    for (uint32_t i = 0; i < mail->recipient_count; i++) {
        if (i > 0 && queue_mail_same_domain(mail, i - 1, i)) {
            mail->items[made - 1].count++;
            continue;
        }
        if (made == mail->item_count)
            return RECORD_MALFORMED;
        struct queue_item *item = &mail->items[made++];
        item->mail = mail;
        item->first = i;
        item->count = 1;
        TRY(record_item_read(&records, item));
    }
    return made == mail->item_count && cursor_done(&records) ? OK : RECORD_MALFORMED;
}

error record_mail_load(struct cursor c, struct queue_content *content, struct queue_mail **out_mail)
{
    struct layout layout;
    struct part part;
    struct queue_mail *mail;
    if (!survey(c, &layout, &part) || layout.head.prefix_offset > content->prefix_size ||
        layout.head.prefix_size > content->prefix_size - layout.head.prefix_offset)
        return RECORD_MALFORMED;
    TRY(queue_mail_allocate(layout.head.recipient_count, layout.head.item_count,
                            layout.first.size + layout.second.size, &mail));
    fill_head(mail, &layout);
    struct cursor at = {layout.recipients, layout.items};
    for (uint32_t i = 0; i < mail->recipient_count; i++) {
        if (mail->recipient_count > 1)
            (void)take_part(&at, &part); /* it was looked at */
        fill_recipient(mail, i, &layout, &part);
    }
    queue_mail_join(mail, content);
    error problem = fill_items(mail, (struct cursor){layout.items, c.end});
    if (failed(problem))
        queue_mail_free(&mail);
    else
        *out_mail = mail;
    return problem;
}
