#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the queue writes about mails: into the journal (ADD, OUTCOMES; JOURNAL_KIND_QUEUE) and, with
 * the same words, into its log (log_record.h). Pure; what is read are views of the payload.
 *
 * Numbers are in the byte order of the machine; texts have a 16-bit size before them. Recipients
 * stand as sorted by queue_mail_make, so that their indexes in OUTCOMES are those of the mail.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "transport/queue/mail.h"

enum record_type {
    RECORD_ADD = 1,      /* the mails of one content, their prefixes, the body */
    RECORD_OUTCOMES = 2, /* what became of some recipients of a mail */
};

enum { RECORD_OUTCOME_LAST = QUEUE_DELETED };

/* One mail with the state that it has now. */
void record_mail_write(struct buffer *out, const struct queue_mail *mail);
struct record_mail {
    queue_id id;
    int64_t arrived, expires;
    uint32_t prefix_offset, prefix_size;
    bool held, warned;
    struct queue_envelope envelope; /* recipients in the arena; its prefix is empty */
    slice outcomes;                 /* a byte for each recipient */
    uint32_t item_count;
    struct cursor items; /* checked */
};
error record_mail_read(struct cursor *c, struct arena *arena, struct record_mail *out);
/* The mail again, with its state, in `content`. */
error record_mail_make(const struct record_mail *record, struct queue_content *content,
                       struct queue_mail **out_mail);

/* The same in one step, from a record that is all of the cursor, into a content whose prefixes it
 * is checked against. */
error record_mail_load(struct cursor c, struct queue_content *content,
                       struct queue_mail **out_mail);

/* One item's state: attempts, due, tried, site, response; owned copy of the response. */
void record_item_write(struct buffer *out, const struct queue_item *item);
bool record_item_skip(struct cursor *c);
/* ERROR_MALFORMED, or no memory. */
error record_item_read(struct cursor *c, struct queue_item *item);

/* The header of an ADD: the prefixes and the body follow as parts of the journal record. */
void record_add_write(struct buffer *out, const struct queue_content *content);
struct record_add {
    uint32_t count; /* mails */
    uint64_t id;    /* of the content */
    slice prefixes, body;
    struct cursor mails;
};
error record_add_read(slice payload, struct record_add *out_add);
/* False at the end; ERROR_MALFORMED where it is none. */
error record_add_next(struct record_add *add, struct arena *arena, struct record_mail *out);

/* item NULL: all recipients. */
void record_outcomes_write(struct buffer *out, const struct queue_mail *mail,
                           const struct queue_item *item);
struct record_outcomes {
    queue_id id;
    uint32_t left;
    struct cursor rest;
};
struct record_outcome {
    uint32_t recipient;
    uint8_t outcome;
    bool reported, expanded;
};
error record_outcomes_read(slice payload, struct record_outcomes *out_outcomes);
bool record_outcomes_next(struct record_outcomes *outcomes, struct record_outcome *out);
/* As the record says, where the mail has such a recipient. */
void record_outcome_apply(struct queue_mail *mail, struct record_outcome outcome);
