#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the records of a webhook's log say; how they are framed: data/frame.h. The header's
 * `generation` is the number of the file's first event. Pure.
 */
#include "base/error.h"
#include "data/frame.h"

#define WEBHOOK_MAGIC "RMHOOK1\n"

enum webhook_record_kind {
    WEBHOOK_EVENT = 1, /* waits for the receiver */
    WEBHOOK_TAKEN,     /* all events up to this number are done with */
    WEBHOOK_KIND_LAST = WEBHOOK_TAKEN,
};

struct webhook_event {
    uint64_t number; /* from 1 on, rising; there may be gaps */
    int64_t time;    /* ns since 1970: when it was told of */
    slice json;      /* one object */
};

void webhook_event_write(struct buffer *out, uint32_t salt, const struct webhook_event *event);
void webhook_taken_write(struct buffer *out, uint32_t salt, uint64_t number);
/* Reading payloads; ERROR_MALFORMED. */
error webhook_event_read(slice payload, struct webhook_event *out_event);
error webhook_taken_read(slice payload, uint64_t *out_number);
