#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The queue's log as bytes: a header, then records, 8-byte aligned:
 *
 *     u32 crc32c   u32 kind << 24 | size   payload   zeros to the next 8
 *
 * The sum begins with the file's salt, which no stranger knows: an address that looks like a record
 * is never taken for one when the reader looks for the next good record behind damage. Pure.
 */
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

enum { LOG_ALIGN = 8, LOG_FRAME_SIZE = 8, LOG_RECORD_SIZE_MAX = (1 << 24) - 1 };

struct log_header {
    char magic[8];
    uint32_t crc; /* CRC-32C of the 32 bytes with this field zero */
    uint32_t salt;
    uint64_t generation; /* rises with each rewriting */
    uint32_t core;
    uint32_t reserved;
};
_Static_assert(sizeof(struct log_header) == 32, "kept on disk");

/* Fills magic and crc. */
void log_header_write(struct log_header header, char out[sizeof(struct log_header)]);
bool log_header_read(slice bytes, struct log_header *out_header);

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

/* Walks records in a window of the file. */
struct log_scan {
    slice window;
    size_t at; /* in the window; aligned as the file is */
    uint32_t salt;
    bool last;        /* the window ends where the file ends */
    bool skipping;    /* over something broken */
    uint64_t damaged; /* places with damage that were followed by good records */
};
enum log_scan_result {
    LOG_SCAN_RECORD,
    LOG_SCAN_MORE, /* the window ends within a record: go on with one that begins at `at` */
    LOG_SCAN_END,  /* `at`: behind the last good record, where skipping is false */
};
enum log_scan_result log_scan_next(struct log_scan *scan, enum log_kind *out_kind,
                                   slice *out_payload);

/* Reading payloads; ERROR_MALFORMED. */
error log_mail_read(slice payload, struct arena *arena, struct log_place *out_place,
                    struct record_mail *out_mail);
struct log_state {
    queue_id id;
    bool held, warned, has_item;
    uint32_t item;         /* index */
    struct cursor at_item; /* record_item_read */
};
error log_state_read(slice payload, struct log_state *out_state);
error log_move_read(slice payload, queue_id *out_id, uint32_t *out_segment, uint64_t *out_offset);
error log_done_read(slice payload, queue_id *out_id);
