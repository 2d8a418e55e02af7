#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the store writes into the journal: deliveries, links (copies within an account) and
 * tombstones (messages expunged, deliveries given up). Everything that recovery needs is in the
 * record: names and content. Pure; views into the payload.
 *
 * Numbers are little-endian by machine; strings have a 16-bit size before them.
 */
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include "data/store/delivery.h"

struct record_place {
    slice account, path, mailbox; /* mailbox: UTF-8 */
};

/* Appends the header of a delivery; the content follows as parts of the journal record. */
void record_delivery_write(struct buffer *out, const struct store_delivery *delivery, slice base,
                           uint64_t content_size);
struct record_delivery {
    int64_t internal_date;
    uint64_t object_id;
    slice base, cache, content;
    unsigned recipient_count;
    struct cursor recipients; /* record_recipient_next */
};
struct record_recipient {
    struct record_place place;
    uint8_t flags;
    unsigned keyword_count;
    struct cursor keywords; /* record_keyword_next */
};
error record_delivery_read(slice payload, struct record_delivery *out_delivery);
bool record_recipient_next(struct record_delivery *delivery, struct record_recipient *out);
bool record_keyword_next(struct record_recipient *recipient, slice *out_name);

/* Links: from one mailbox into another of the same account. */
struct record_link {
    slice base, target_base;
    uint8_t flags;
    int64_t internal_date;
    uint64_t object_id;
};
void record_links_begin(struct buffer *out, struct record_place from, slice target_mailbox,
                        uint32_t count);
void record_link_add(struct buffer *out, const struct record_link *link);
struct record_links {
    struct record_place from;
    slice target_mailbox;
    uint32_t left;
    struct cursor rest;
};
error record_links_read(slice payload, struct record_links *out_links);
bool record_link_next(struct record_links *links, struct record_link *out_link);

void record_tombstones_begin(struct buffer *out, struct record_place place, uint32_t count);
void record_tombstone_add(struct buffer *out, slice base);
struct record_tombstones {
    struct record_place place;
    uint32_t left;
    struct cursor rest;
};
error record_tombstones_read(slice payload, struct record_tombstones *out_tombstones);
bool record_tombstone_next(struct record_tombstones *tombstones, slice *out_base);
