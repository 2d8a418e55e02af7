#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who wants to know of events: a webhook, a client of the admin endpoint. A sink lives on the core
 * that opened it; events of all cores travel there as finished JSON, those of one core in order.
 * What waits is bounded: beyond it the oldest are dropped, counted, and told in the log. While
 * there is no sink an event costs one comparison.
 *
 * An event is one object:
 *
 *     {"id":"evt_6d1f0f3f5b2c7a98000000000001","type":"mail.bounced",
 *      "timestamp":"2026-11-22T18:00:00Z","data":{"id":"00000000000004d2",
 *      "account":"alice@example.org","sender":"alice@example.org","recipient":"bob@example.net",
 *      "host":"mx.example.net","code":550,"status":"5.1.1","text":"no such user","size":2048,
 *      "attempts":1}}
 *
 * The outer "id" is the event's own: whoever may hear of one twice tells by it. The inner is the
 * mail's. Members that are not known are left out. Types: mail.accepted, mail.delivered,
 * mail.deferred, mail.bounced, mail.complaint, mail.reported, account.limited.
 */
#include "base/error.h"
#include "base/list.h"
#include "base/time.h"
#include "runtime/message.h"
#include "runtime/wait.h"
#include "transport/event.h"

enum event_sink_limits {
    EVENT_SINKS_MAX = 64,        /* open at once */
    EVENT_VALUE_SIZE_MAX = 1000, /* bytes of one text of an event; longer ones are cut */
    EVENT_SIZE_MAX = 64 << 10,   /* bytes of one event as JSON */
    EVENT_ID_SIZE = 4 + 28,      /* "evt_" and digits */
};

struct event_sink {
    /* Set by the owner before event_sink_open. */
    const char *name; /* static, for logs: "webhook" */
    slice label;      /* which one; borrowed */
    unsigned kinds;   /* bits: 1 << enum transport_event_kind */
    size_t size_max;  /* bytes of events waiting */
    /* Called when an event arrives, on the sink's core, scheduler context; may be NULL. */
    void (*notify)(struct event_sink *sink);

    /* The sink's own core. */
    unsigned core;
    struct list waiting; /* struct event_record, oldest first */
    size_t size;
    unsigned count;
    uint64_t dropped; /* since the last line about it */
    struct condition arrived;
};

struct event_record {
    struct message message;
    struct event_sink *sink;
    struct list node;
    size_t size;
    char text[]; /* JSON, no line end */
};

/* WAITS: every core must know. ERROR_LIMIT past EVENT_SINKS_MAX. */
error event_sink_open(struct event_sink *sink);
/* WAITS. When it returns no event is on its way any more; those waiting can still be taken. */
void event_sink_detach(struct event_sink *sink);
/* WAITS. The same, and those waiting are freed. */
void event_sink_close(struct event_sink *sink);

/* WAITS until an event is there: OK, ERROR_TIMEOUT, ERROR_CANCELLED. */
error event_sink_wait(struct event_sink *sink, instant deadline);
/* The oldest, or NULL; the caller's to free(). */
struct event_record *event_sink_take(struct event_sink *sink);

/* "mail.bounced"; and back: false where it is no type of event. */
const char *transport_event_name(enum transport_event_kind kind);
bool transport_event_parse(slice name, enum transport_event_kind *out_kind);
