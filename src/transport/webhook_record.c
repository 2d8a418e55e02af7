/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/webhook_record.h"

#include "transport/event_sink.h"

#define MALFORMED error_make(ERROR_MALFORMED, "not a record of a webhook's log")

struct event_head {
    uint64_t number;
    int64_t time;
};
_Static_assert(sizeof(struct event_head) == 16, "kept on disk");

void webhook_event_write(struct buffer *out, uint32_t salt, const struct webhook_event *event)
{
    const struct event_head head = {event->number, event->time};
    size_t begin = frame_begin(out);
    buffer_add(out, slice_of(&head, sizeof head));
    buffer_add(out, event->json);
    frame_end(out, begin, WEBHOOK_EVENT, salt);
}

void webhook_taken_write(struct buffer *out, uint32_t salt, uint64_t number)
{
    size_t begin = frame_begin(out);
    buffer_add(out, slice_of(&number, sizeof number));
    frame_end(out, begin, WEBHOOK_TAKEN, salt);
}

error webhook_event_read(slice payload, struct webhook_event *out_event)
{
    struct event_head head;
    if (payload.size < sizeof head)
        return MALFORMED;
    memcpy(&head, payload.data, sizeof head);
    slice json = slice_from(payload, sizeof head);
    if (head.number == 0 || head.number == UINT64_MAX || head.time < 0 ||
        head.time > INT64_MAX / 2 || json.size < 2 || json.size > EVENT_SIZE_MAX ||
        json.data[0] != '{' || json.data[json.size - 1] != '}')
        return MALFORMED;
    *out_event = (struct webhook_event){head.number, head.time, json};
    return OK;
}

error webhook_taken_read(slice payload, uint64_t *out_number)
{
    uint64_t number;
    if (payload.size != sizeof number)
        return MALFORMED;
    memcpy(&number, payload.data, sizeof number);
    if (number == UINT64_MAX)
        return MALFORMED;
    *out_number = number;
    return OK;
}
