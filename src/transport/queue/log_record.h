#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the records of the queue's log say; how they are framed: data/frame.h. Pure.
 */
#include "data/frame.h"
#include "transport/queue/record.h"

#define LOG_MAGIC "RMQLOG1\n"

enum log_kind {
    LOG_MAIL = 1, /* a mail as it is: replaces what was known of it */
    LOG_STATE,    /* held, warned; attempts, due, last answer of an item */
    LOG_OUTCOMES, /* as in the journal */
    LOG_MOVE,     /* its content lies elsewhere */
    LOG_DONE,     /* forget it */
    LOG_KIND_LAST = LOG_DONE,
};

/* Where a content lies, and what it is. */
struct log_place {
    uint64_t content; /* its id */
    uint64_t size;    /* of the body */
    uint64_t offset;
    uint32_t segment;
    uint32_t prefix_size;
    uint32_t sharers; /* mails of one submission: 1 needs no look at who shares it */
    uint32_t reserved;
};
_Static_assert(sizeof(struct log_place) == 40, "kept on disk");

/* Each appends one record; its size is how much the buffer grew. */
void log_mail_write(struct buffer *out, uint32_t salt, const struct queue_mail *mail,
                    const struct log_place *place);
void log_state_write(struct buffer *out, uint32_t salt, const struct queue_mail *mail,
                     const struct queue_item *item); /* item NULL: of the mail only */
void log_outcomes_write(struct buffer *out, uint32_t salt, const struct queue_mail *mail,
                        const struct queue_item *item);
void log_move_write(struct buffer *out, uint32_t salt, queue_id id, uint32_t segment,
                    uint64_t offset);
void log_done_write(struct buffer *out, uint32_t salt, queue_id id);

/* Reading payloads; ERROR_MALFORMED. */
/* Its place and id, and where the mail stands (record_mail_load). */
error log_mail_begin(slice payload, struct log_place *out_place, queue_id *out_id,
                     struct cursor *out_mail);
struct log_state {
    queue_id id;
    bool held, warned, has_item;
    uint32_t item;         /* index */
    struct cursor at_item; /* record_item_read */
};
error log_state_read(slice payload, struct log_state *out_state);
error log_move_read(slice payload, queue_id *out_id, uint32_t *out_segment, uint64_t *out_offset);
error log_done_read(slice payload, queue_id *out_id);
