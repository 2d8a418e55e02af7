/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/event.h"

#include "base/log.h"
#include "base/metric.h"
#include "crypto/random.h"
#include "format/json/write.h"
#include "format/mail/date.h"
#include "runtime/core.h"
#include "runtime/fiber.h"
#include "transport/event_sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

METRIC_COUNTER(dropped_total, "ringmail_events_dropped_total", "",
               "Events that a webhook or a watcher was too slow for");
METRIC_COUNTER(told_total, "ringmail_events_total", "", "Events given to a webhook or a watcher");

/* Which sinks there are, as this core knows. */
static _Thread_local struct {
    struct event_sink *sinks[EVENT_SINKS_MAX];
    unsigned count;
    unsigned kinds;  /* of all of them */
    uint64_t origin; /* of this core, in this run; 0: not chosen yet */
    uint64_t told;   /* events since then */
} known;

/* ---- Telling ---- */

static void member(struct json_writer *json, const char *name, slice text)
{
    if (text.size > 0)
        json_member_text(json, name, slice_sub(text, 0, EVENT_VALUE_SIZE_MAX));
}

static void write_data(const struct transport_event *event, struct json_writer *json)
{
    char text[48];
    if (event->id != 0) {
        snprintf(text, sizeof text, "%016" PRIx64, event->id);
        json_member_string(json, "id", text);
    }
    member(json, "account", event->account);
    if (event->kind != TRANSPORT_LIMITED) /* "" is <> */
        json_member_text(json, "sender", slice_sub(event->sender, 0, EVENT_VALUE_SIZE_MAX));
    member(json, "recipient", event->recipient);
    member(json, "host", event->host);
    if (event->code != 0)
        json_member_number(json, "code", event->code);
    if (event->enhanced[0] != 0) {
        snprintf(text, sizeof text, "%d.%d.%d", event->enhanced[0], event->enhanced[1],
                 event->enhanced[2]);
        json_member_string(json, "status", text);
    }
    member(json, "text", event->text);
    if (event->size != 0)
        json_member_number(json, "size", (int64_t)event->size);
    if (event->attempts != 0)
        json_member_number(json, "attempts", event->attempts);
}

/* No other event has it: not of another core, not of another run. */
static void next_id(char out_id[EVENT_ID_SIZE + 1])
{
    while (known.origin == 0)
        random_bytes(&known.origin, sizeof known.origin);
    snprintf(out_id, EVENT_ID_SIZE + 1, "evt_%016" PRIx64 "%012" PRIx64, known.origin,
             ++known.told & 0xffffffffffff);
}

static void write_event(const struct transport_event *event, struct buffer *out)
{
    struct json_writer json;
    struct mail_date_fields date;
    char timestamp[64], id[EVENT_ID_SIZE + 1];
    mail_date_split(event->time ? event->time : time_wall_seconds(), 0, &date);
    snprintf(timestamp, sizeof timestamp, "%04d-%02d-%02dT%02d:%02d:%02dZ", date.year, date.month,
             date.day, date.hour, date.minute, date.second);
    json_begin(&json, out);
    next_id(id);
    json_object_open(&json);
    json_member_string(&json, "id", id);
    json_member_string(&json, "type", transport_event_name(event->kind));
    json_member_string(&json, "timestamp", timestamp);
    json_member_object_open(&json, "data");
    write_data(event, &json);
    json_object_close(&json);
    json_object_close(&json);
}

static void count_drop(struct event_sink *sink)
{
    metric_add(&dropped_total, 1);
    if (sink->dropped++ > 0)
        return;
    struct log_line line = log_begin(LOG_WARNING, "events.drop");
    log_string(&line, "sink", sink->name);
    log_text(&line, "to", sink->label);
    log_number(&line, "waiting", sink->count);
    log_end(&line);
}

/* On the sink's core, scheduler context. */
static void arrive(struct message *message)
{
    struct event_record *record = CONTAINER_OF(message, struct event_record, message);
    struct event_sink *sink = record->sink;
    while (sink->count > 0 && sink->size + record->size > sink->size_max) {
        struct event_record *oldest = event_sink_take(sink);
        count_drop(sink);
        free(oldest);
    }
    list_append(&sink->waiting, &record->node);
    sink->size += record->size;
    sink->count++;
    condition_wake_all(&sink->arrived);
    if (sink->notify)
        sink->notify(sink);
}

static void tell(struct event_sink *sink, slice text)
{
    struct event_record *record = malloc(sizeof *record + text.size);
    if (!record) {
        metric_add(&dropped_total, 1);
        return;
    }
    *record = (struct event_record){.message.run = arrive, .sink = sink, .size = text.size};
    memcpy(record->text, text.data, text.size);
    metric_add(&told_total, 1);
    core_post(sink->core, &record->message);
}

void transport_event(const struct transport_event *event)
{
    if (!(known.kinds & 1U << event->kind))
        return;
    struct buffer text;
    buffer_init(&text, EVENT_SIZE_MAX);
    write_event(event, &text);
    if (!failed(buffer_check(&text)))
        for (unsigned i = 0; i < known.count; i++)
            if (known.sinks[i]->kinds & 1U << event->kind)
                tell(known.sinks[i], buffer_slice(&text));
    buffer_close(&text);
}

/* ---- Sinks ---- */

static error add_sink(void *argument)
{
    if (known.count == EVENT_SINKS_MAX)
        return error_make(ERROR_LIMIT, "too many watch the events");
    struct event_sink *sink = argument;
    known.sinks[known.count++] = sink;
    known.kinds |= sink->kinds;
    return OK;
}

static error remove_sink(void *argument)
{
    unsigned kept = 0;
    known.kinds = 0;
    for (unsigned i = 0; i < known.count; i++) {
        if (known.sinks[i] == argument)
            continue;
        known.sinks[kept++] = known.sinks[i];
        known.kinds |= known.sinks[i]->kinds;
    }
    known.count = kept;
    return OK;
}

/* One core after the other: nothing is allocated, so that closing cannot fail. */
static error visit_all(error (*function)(void *argument), struct event_sink *sink)
{
    error first = OK;
    for (unsigned core = 0; core < core_count(); core++) {
        error problem = core_visit(core, function, sink);
        if (!failed(first))
            first = problem;
    }
    return first;
}

error event_sink_open(struct event_sink *sink)
{
    sink->core = core_self();
    list_init(&sink->waiting);
    condition_init(&sink->arrived);
    sink->size = 0;
    sink->count = 0;
    sink->dropped = 0;
    error problem = visit_all(add_sink, sink);
    if (failed(problem))
        event_sink_close(sink);
    return problem;
}

struct marker {
    struct message message;
    struct fiber *fiber;
    bool passed;
};

static void pass(struct message *message)
{
    struct marker *marker = CONTAINER_OF(message, struct marker, message);
    marker->passed = true;
    fiber_wake(marker->fiber);
}

void event_sink_detach(struct event_sink *sink)
{
    error_ignore(visit_all(remove_sink, sink)); /* cannot fail */
    /* No core posts to it any more; what was posted stands before this in our inbox. */
    struct marker marker = {.message.run = pass, .fiber = fiber_self()};
    core_post(sink->core, &marker.message);
    while (!marker.passed)
        error_ignore(fiber_park_steadfast(TIME_NEVER)); /* `passed` decides */
}

void event_sink_close(struct event_sink *sink)
{
    event_sink_detach(sink);
    struct event_record *record;
    while ((record = event_sink_take(sink)))
        free(record);
}

error event_sink_wait(struct event_sink *sink, instant deadline)
{
    while (sink->count == 0)
        TRY(condition_wait(&sink->arrived, deadline));
    return OK;
}

struct event_record *event_sink_take(struct event_sink *sink)
{
    if (sink->count == 0)
        return NULL;
    struct event_record *record = CONTAINER_OF(sink->waiting.next, struct event_record, node);
    list_remove(&record->node);
    sink->size -= record->size;
    if (--sink->count == 0 && sink->dropped > 0) {
        struct log_line line = log_begin(LOG_WARNING, "events.dropped");
        log_string(&line, "sink", sink->name);
        log_text(&line, "to", sink->label);
        log_number(&line, "count", (int64_t)sink->dropped);
        log_end(&line);
        sink->dropped = 0;
    }
    return record;
}
