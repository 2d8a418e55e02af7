/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/log_record.h"

#define MALFORMED error_make(ERROR_MALFORMED, "not a record of the queue's log")

enum { STATE_HELD = 1, STATE_WARNED = 2, STATE_ITEM = 4 };

struct state_head {
    uint64_t id;
    uint32_t item;
    uint8_t flags, reserved[3];
};
_Static_assert(sizeof(struct state_head) == 16, "kept on disk");

struct move {
    uint64_t id, offset;
    uint32_t segment, reserved;
};
_Static_assert(sizeof(struct move) == 24, "kept on disk");

/* ---- Writing ---- */

void log_mail_write(struct buffer *out, uint32_t salt, const struct queue_mail *mail,
                    const struct log_place *place)
{
    size_t begin = frame_begin(out);
    buffer_add(out, slice_of(place, sizeof *place));
    record_mail_write(out, mail);
    frame_end(out, begin, LOG_MAIL, salt);
}

void log_state_write(struct buffer *out, uint32_t salt, const struct queue_mail *mail,
                     const struct queue_item *item)
{
    size_t begin = frame_begin(out);
    struct state_head head = {
        .id = mail->id,
        .item = item ? (uint32_t)(item - mail->items) : 0,
        .flags = (uint8_t)((mail->held ? STATE_HELD : 0) | (mail->warned ? STATE_WARNED : 0) |
                           (item ? STATE_ITEM : 0)),
    };
    buffer_add(out, slice_of(&head, sizeof head));
    if (item)
        record_item_write(out, item);
    frame_end(out, begin, LOG_STATE, salt);
}

void log_outcomes_write(struct buffer *out, uint32_t salt, const struct queue_mail *mail,
                        const struct queue_item *item)
{
    size_t begin = frame_begin(out);
    record_outcomes_write(out, mail, item);
    frame_end(out, begin, LOG_OUTCOMES, salt);
}

void log_move_write(struct buffer *out, uint32_t salt, queue_id id, uint32_t segment,
                    uint64_t offset)
{
    size_t begin = frame_begin(out);
    struct move move = {.id = id, .offset = offset, .segment = segment};
    buffer_add(out, slice_of(&move, sizeof move));
    frame_end(out, begin, LOG_MOVE, salt);
}

void log_done_write(struct buffer *out, uint32_t salt, queue_id id)
{
    size_t begin = frame_begin(out);
    buffer_add(out, slice_of(&id, sizeof id));
    frame_end(out, begin, LOG_DONE, salt);
}

/* ---- Reading ---- */

error log_mail_begin(slice payload, struct log_place *out_place, queue_id *out_id,
                     struct cursor *out_mail)
{
    struct log_place place;
    struct cursor c = cursor_over(payload);
    if (payload.size < sizeof place + sizeof *out_id)
        return MALFORMED;
    memcpy(&place, payload.data, sizeof place);
    if (place.content == 0 || place.segment == 0 || place.sharers == 0 ||
        place.sharers > QUEUE_ENVELOPES_MAX ||
        place.prefix_size > QUEUE_PREFIX_SIZE_MAX * QUEUE_ENVELOPES_MAX)
        return MALFORMED;
    c.at += sizeof place;
    memcpy(out_id, c.at, sizeof *out_id); /* a mail's record begins with it */
    *out_place = place;
    *out_mail = c;
    return OK;
}

error log_state_read(slice payload, struct log_state *out_state)
{
    struct state_head head;
    if (payload.size < sizeof head)
        return MALFORMED;
    memcpy(&head, payload.data, sizeof head);
    struct cursor c = cursor_over(slice_from(payload, sizeof head)), item = c;
    if (head.id == 0 || ((head.flags & STATE_ITEM) && !record_item_skip(&c)) || !cursor_done(&c))
        return MALFORMED;
    *out_state = (struct log_state){
        .id = head.id,
        .held = head.flags & STATE_HELD,
        .warned = head.flags & STATE_WARNED,
        .has_item = head.flags & STATE_ITEM,
        .item = head.item,
        .at_item = item,
    };
    return OK;
}

error log_move_read(slice payload, queue_id *out_id, uint32_t *out_segment, uint64_t *out_offset)
{
    struct move move;
    if (payload.size != sizeof move)
        return MALFORMED;
    memcpy(&move, payload.data, sizeof move);
    if (move.id == 0 || move.segment == 0)
        return MALFORMED;
    *out_id = move.id;
    *out_segment = move.segment;
    *out_offset = move.offset;
    return OK;
}

error log_done_read(slice payload, queue_id *out_id)
{
    queue_id id;
    if (payload.size != sizeof id)
        return MALFORMED;
    memcpy(&id, payload.data, sizeof id);
    if (id == 0)
        return MALFORMED;
    *out_id = id;
    return OK;
}
