/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/log_record.h"

#include "crypto/crc32c.h"

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

static uint32_t header_crc(struct log_header header)
{
    header.crc = 0;
    return crc32c(0, slice_of(&header, sizeof header));
}

void log_header_write(struct log_header header, char out[sizeof(struct log_header)])
{
    memcpy(header.magic, LOG_MAGIC, sizeof header.magic);
    header.crc = header_crc(header);
    memcpy(out, &header, sizeof header);
}

bool log_header_read(slice bytes, struct log_header *out_header)
{
    struct log_header header;
    if (bytes.size < sizeof header)
        return false;
    memcpy(&header, bytes.data, sizeof header);
    if (memcmp(header.magic, LOG_MAGIC, sizeof header.magic) != 0 ||
        header.crc != header_crc(header))
        return false;
    *out_header = header;
    return true;
}

/* ---- Writing ---- */

static size_t frame_begin(struct buffer *out)
{
    static const char room[LOG_FRAME_SIZE];
    size_t begin = out->size;
    buffer_add(out, slice_of(room, sizeof room));
    return begin;
}

static void frame_end(struct buffer *out, size_t begin, enum log_kind kind, uint32_t salt)
{
    static const char zeros[LOG_ALIGN];
    size_t size = out->size - begin - LOG_FRAME_SIZE;
    buffer_add(out, slice_of(zeros, (LOG_ALIGN - size % LOG_ALIGN) % LOG_ALIGN));
    if (out->overflow)
        return;
    uint32_t word = (uint32_t)kind << 24 | (uint32_t)size;
    char *at = out->data + begin;
    memcpy(at + 4, &word, sizeof word);
    uint32_t crc = crc32c(salt, slice_of(at + 4, size + 4));
    memcpy(at, &crc, sizeof crc);
}

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

/* ---- Walking ---- */

/* What stands at `at`, as far as the window shows it. */
enum look { LOOK_GOOD, LOOK_BAD, LOOK_CUT };

static size_t padded(size_t size)
{
    return (size + LOG_ALIGN - 1) / LOG_ALIGN * LOG_ALIGN;
}

static enum look look_at(const struct log_scan *scan, enum log_kind *out_kind, slice *out_payload)
{
    size_t left = scan->window.size - scan->at;
    const char *at = scan->window.data + scan->at;
    uint32_t crc, word;
    if (left < LOG_FRAME_SIZE)
        return LOOK_CUT;
    memcpy(&crc, at, sizeof crc);
    memcpy(&word, at + 4, sizeof word);
    uint32_t kind = word >> 24, size = word & LOG_RECORD_SIZE_MAX;
    if (kind == 0 || kind > LOG_KIND_LAST)
        return LOOK_BAD;
    if (padded(LOG_FRAME_SIZE + (size_t)size) > left) /* what is appended next must be aligned */
        return LOOK_CUT;
    if (crc != crc32c(scan->salt, slice_of(at + 4, (size_t)size + 4)))
        return LOOK_BAD;
    *out_kind = (enum log_kind)kind;
    *out_payload = slice_of(at + LOG_FRAME_SIZE, size);
    return LOOK_GOOD;
}

enum log_scan_result log_scan_next(struct log_scan *scan, enum log_kind *out_kind,
                                   slice *out_payload)
{
    while (scan->at < scan->window.size) {
        enum look look = look_at(scan, out_kind, out_payload);
        if (look == LOOK_GOOD) {
            scan->at += padded(LOG_FRAME_SIZE + out_payload->size);
            scan->damaged += scan->skipping;
            scan->skipping = false;
            return LOG_SCAN_RECORD;
        }
        if (look == LOOK_CUT && !scan->last)
            return LOG_SCAN_MORE;
        /* Torn, or rotten: a good record behind it would tell which. */
        scan->skipping = true;
        scan->at += LOG_ALIGN;
    }
    scan->at = scan->window.size;
    return scan->last ? LOG_SCAN_END : LOG_SCAN_MORE;
}

/* ---- Reading ---- */

error log_mail_read(slice payload, struct arena *arena, struct log_place *out_place,
                    struct record_mail *out_mail)
{
    struct log_place place;
    if (payload.size < sizeof place)
        return MALFORMED;
    memcpy(&place, payload.data, sizeof place);
    if (place.content == 0 || place.segment == 0 || place.sharers == 0 ||
        place.sharers > QUEUE_ENVELOPES_MAX ||
        place.prefix_size > QUEUE_PREFIX_SIZE_MAX * QUEUE_ENVELOPES_MAX)
        return MALFORMED;
    struct cursor c = cursor_over(slice_from(payload, sizeof place));
    struct record_mail mail;
    TRY(record_mail_read(&c, arena, &mail));
    if (!cursor_done(&c) || mail.prefix_offset > place.prefix_size ||
        mail.prefix_size > place.prefix_size - mail.prefix_offset)
        return MALFORMED;
    *out_place = place;
    *out_mail = mail;
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
