#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a mail's record begins, and its texts: for record.c and record_load.c only.
 */
#include "transport/queue/record.h"

#define RECORD_MALFORMED error_make(ERROR_MALFORMED, "not a record of the queue")

enum mail_flag {
    MAIL_UTF8 = 1,
    MAIL_REQUIRE_TLS = 2,
    MAIL_TLS_OPTIONAL = 4,
    MAIL_DELIVER_BY_TRACE = 8,
    MAIL_HELD = 16,
    MAIL_WARNED = 32,
};

enum recipient_flag {
    RECIPIENT_FINAL = 1,
    RECIPIENT_REPORTED = 2,
    RECIPIENT_EXPANDED = 4,
    RECIPIENT_OUTCOME_SHIFT = 4,
};

/* What has one size, in one piece. */
struct mail_head {
    uint64_t id;
    int64_t arrived, expires, hold_until, deliver_by;
    uint32_t prefix_offset, prefix_size, recipient_count, item_count;
    uint8_t flags, body, ret;
    int8_t priority;
    char deliver_by_mode;
    uint8_t reserved[3];
};
_Static_assert(sizeof(struct mail_head) == 64, "kept on disk");

static inline bool mail_head_is_sound(const struct mail_head *head)
{
    return head->id != 0 && head->recipient_count > 0 &&
           head->recipient_count <= QUEUE_RECIPIENTS_MAX && head->item_count > 0 &&
           head->item_count <= head->recipient_count &&
           head->prefix_size <= QUEUE_PREFIX_SIZE_MAX && head->body <= SMTP_BODY_BINARYMIME &&
           head->ret <= SMTP_RETURN_HEADERS;
}

static inline bool record_take(struct cursor *c, void *out, size_t size)
{
    if ((size_t)(c->end - c->at) < size)
        return false;
    memcpy(out, c->at, size);
    c->at += size;
    return true;
}

static inline bool record_take_text(struct cursor *c, slice *out)
{
    uint16_t size;
    if (!record_take(c, &size, sizeof size) || (size_t)(c->end - c->at) < size)
        return false;
    *out = slice_of(c->at, size);
    c->at += size;
    return true;
}
