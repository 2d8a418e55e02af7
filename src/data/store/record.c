/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store's journal records as bytes. */
#include "data/store/record.h"

#define MALFORMED error_make(ERROR_MALFORMED, "not a record of the store")

static void put_bytes(struct buffer *out, const void *data, size_t size)
{
    buffer_add(out, slice_of(data, size));
}

static void put_string(struct buffer *out, slice s)
{
    uint16_t size = (uint16_t)s.size;
    put_bytes(out, &size, sizeof size);
    buffer_add(out, s);
}

static bool take_bytes(struct cursor *c, void *out, size_t size)
{
    if ((size_t)(c->end - c->at) < size)
        return false;
    memcpy(out, c->at, size);
    c->at += size;
    return true;
}

static bool take_string(struct cursor *c, slice *out)
{
    struct cursor at = *c;
    uint16_t size;
    if (!take_bytes(&at, &size, sizeof size) || (size_t)(at.end - at.at) < size)
        return false;
    *out = slice_of(at.at, size);
    at.at += size;
    *c = at;
    return true;
}

static void put_place(struct buffer *out, struct record_place place)
{
    put_string(out, place.account);
    put_string(out, place.path);
    put_string(out, place.mailbox);
}

static bool take_place(struct cursor *c, struct record_place *out)
{
    return take_string(c, &out->account) && take_string(c, &out->path) &&
           take_string(c, &out->mailbox) && out->account.size <= STORE_ACCOUNT_ID_SIZE_MAX &&
           out->path.size <= STORE_PATH_SIZE_MAX && out->path.size > 0 && out->path.data[0] == '/';
}

void record_delivery_write(struct buffer *out, const struct store_delivery *delivery, slice base,
                           uint64_t content_size)
{
    size_t begin = out->size;
    uint32_t header_size = 0, cache_size = (uint32_t)delivery->cache.size;
    put_bytes(out, &header_size, sizeof header_size);
    put_bytes(out, &delivery->recipient_count, sizeof delivery->recipient_count);
    put_bytes(out, &delivery->internal_date, sizeof delivery->internal_date);
    put_bytes(out, &delivery->object_id, sizeof delivery->object_id);
    put_bytes(out, &content_size, sizeof content_size);
    put_bytes(out, &cache_size, sizeof cache_size);
    put_string(out, base);
    buffer_add(out, delivery->cache);
    for (unsigned i = 0; i < delivery->recipient_count; i++) {
        const struct store_recipient *to = &delivery->recipients[i];
        slice mailbox = to->mailbox.size ? to->mailbox : SLICE("INBOX");
        put_place(out, (struct record_place){to->account.id, to->account.path, mailbox});
        buffer_add_byte(out, (char)to->flags);
        buffer_add_byte(out, (char)to->keyword_count);
        for (unsigned k = 0; k < to->keyword_count; k++)
            put_string(out, to->keywords[k]);
    }
    header_size = (uint32_t)(out->size - begin);
    if (!out->overflow)
        memcpy(out->data + begin, &header_size, sizeof header_size);
}

static bool take_recipient(struct cursor *c, struct record_recipient *out)
{
    uint8_t numbers[2];
    if (!take_place(c, &out->place) || !take_bytes(c, numbers, sizeof numbers))
        return false;
    out->flags = numbers[0];
    out->keyword_count = numbers[1];
    out->keywords = *c;
    slice keyword;
    for (unsigned i = 0; i < out->keyword_count; i++)
        if (!take_string(c, &keyword))
            return false;
    return true;
}

error record_delivery_read(slice payload, struct record_delivery *out_delivery)
{
    struct record_delivery d = {0};
    struct cursor c = cursor_over(payload);
    uint32_t header_size, cache_size;
    uint64_t content_size;
    if (!take_bytes(&c, &header_size, sizeof header_size) ||
        !take_bytes(&c, &d.recipient_count, sizeof d.recipient_count) ||
        !take_bytes(&c, &d.internal_date, sizeof d.internal_date) ||
        !take_bytes(&c, &d.object_id, sizeof d.object_id) ||
        !take_bytes(&c, &content_size, sizeof content_size) ||
        !take_bytes(&c, &cache_size, sizeof cache_size) || !take_string(&c, &d.base) ||
        header_size > payload.size || content_size != payload.size - header_size ||
        cache_size > (size_t)(c.end - c.at) || cache_size > STORE_CACHE_BLOB_SIZE_MAX ||
        d.base.size == 0 || d.base.size > STORE_BASE_NAME_SIZE_MAX ||
        d.recipient_count > STORE_RECIPIENTS_MAX)
        return MALFORMED;
    d.cache = slice_of(c.at, cache_size);
    c.at += cache_size;
    if (c.at > payload.data + header_size)
        return MALFORMED;
    c.end = payload.data + header_size;
    d.recipients = c;
    struct record_recipient recipient;
    for (unsigned i = 0; i < d.recipient_count; i++)
        if (!take_recipient(&c, &recipient))
            return MALFORMED;
    d.content = slice_from(payload, header_size);
    *out_delivery = d;
    return OK;
}

bool record_recipient_next(struct record_delivery *delivery, struct record_recipient *out)
{
    return !cursor_done(&delivery->recipients) && take_recipient(&delivery->recipients, out);
}

bool record_keyword_next(struct record_recipient *recipient, slice *out_name)
{
    if (recipient->keyword_count == 0)
        return false;
    recipient->keyword_count--;
    return take_string(&recipient->keywords, out_name);
}

void record_links_begin(struct buffer *out, struct record_place from, slice target_mailbox,
                        uint32_t count)
{
    put_place(out, from);
    put_string(out, target_mailbox);
    put_bytes(out, &count, sizeof count);
}

void record_link_add(struct buffer *out, const struct record_link *link)
{
    put_string(out, link->base);
    put_string(out, link->target_base);
    put_bytes(out, &link->flags, sizeof link->flags);
    put_bytes(out, &link->internal_date, sizeof link->internal_date);
    put_bytes(out, &link->object_id, sizeof link->object_id);
}

error record_links_read(slice payload, struct record_links *out_links)
{
    struct record_links links = {.rest = cursor_over(payload)};
    if (!take_place(&links.rest, &links.from) || !take_string(&links.rest, &links.target_mailbox) ||
        !take_bytes(&links.rest, &links.left, sizeof links.left))
        return MALFORMED;
    *out_links = links;
    return OK;
}

bool record_link_next(struct record_links *links, struct record_link *out_link)
{
    struct record_link link;
    if (links->left == 0 || !take_string(&links->rest, &link.base) ||
        !take_string(&links->rest, &link.target_base) ||
        !take_bytes(&links->rest, &link.flags, sizeof link.flags) ||
        !take_bytes(&links->rest, &link.internal_date, sizeof link.internal_date) ||
        !take_bytes(&links->rest, &link.object_id, sizeof link.object_id))
        return false;
    links->left--;
    *out_link = link;
    return true;
}

void record_tombstones_begin(struct buffer *out, struct record_place place, uint32_t count)
{
    put_place(out, place);
    put_bytes(out, &count, sizeof count);
}

void record_tombstone_add(struct buffer *out, slice base)
{
    put_string(out, base);
}

error record_tombstones_read(slice payload, struct record_tombstones *out_tombstones)
{
    struct record_tombstones t = {.rest = cursor_over(payload)};
    if (!take_place(&t.rest, &t.place) || !take_bytes(&t.rest, &t.left, sizeof t.left))
        return MALFORMED;
    *out_tombstones = t;
    return OK;
}

bool record_tombstone_next(struct record_tombstones *tombstones, slice *out_base)
{
    if (tombstones->left == 0 || !take_string(&tombstones->rest, out_base))
        return false;
    tombstones->left--;
    return true;
}
