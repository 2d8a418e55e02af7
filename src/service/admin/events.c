/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What happens to mail, as it happens: server-sent events (HTML 9.2) until the client leaves.
 */
#include "format/http/response.h"
#include "net/stream.h"
#include "service/admin/exchange.h"
#include "service/session.h"
#include "transport/event_sink.h"

#include <stdlib.h>

enum {
    WAITING_SIZE_MAX = 1 << 20, /* bytes of events that a slow client has not read yet */
    QUIET_S = 15,               /* then a comment shows that both are still there */
};

struct watcher {
    struct event_sink sink;
    struct stream *stream;
};

/* ?types=mail.bounced,mail.deferred; all of them where it is missing. */
static error read_types(const struct admin_exchange *exchange, unsigned *out_kinds)
{
    char text[HTTP_LINE_SIZE_MAX];
    size_t size = 0;
    slice encoded, name, rest;
    *out_kinds = (1U << TRANSPORT_EVENTS) - 1;
    if (!http_query_find(exchange->request.query, SLICE("types"), &encoded))
        return OK;
    TRY(http_percent_decode(encoded, true, text, &size));
    *out_kinds = 0;
    for (rest = slice_of(text, size); rest.size > 0;) {
        enum transport_event_kind kind;
        slice_cut(rest, ',', &name, &rest);
        if (!transport_event_parse(slice_trim(name), &kind))
            return error_make(ERROR_MALFORMED, "no such type of event");
        *out_kinds |= 1U << kind;
    }
    return OK;
}

static void arrived(struct event_sink *sink)
{
    stream_interrupt(CONTAINER_OF(sink, struct watcher, sink)->stream);
}

static error write_head(struct stream *stream)
{
    struct buffer head;
    buffer_init(&head, 1024);
    http_response_write(
        &(struct http_response){
            .status = 200,
            .content_type = "text/event-stream",
            .endless = true,
            .close = true,
            .private = true,
        },
        time_wall_seconds(), &head);
    error problem = stream_write(stream, buffer_slice(&head));
    buffer_close(&head);
    return problem;
}

/* WAITS where the client reads slowly; what comes meanwhile is bounded by the sink. */
static error write_waiting(struct watcher *watcher)
{
    struct event_record *record;
    error problem = OK;
    while (!failed(problem) && (record = event_sink_take(&watcher->sink))) {
        const slice parts[] = {SLICE("data: "), slice_of(record->text, record->size),
                               SLICE("\n\n")};
        problem = stream_writev(watcher->stream, parts, 3);
        free(record);
    }
    return problem;
}

static error watch(struct watcher *watcher)
{
    struct stream *stream = watcher->stream;
    TRY(write_head(stream));
    while (!session_must_end()) {
        TRY(write_waiting(watcher));
        TRY(stream_flush(stream, time_after(ADMIN_REQUEST_TIMEOUT_S * TIME_S)));
        error waited = stream_wait_input(stream, time_after(QUIET_S * TIME_S));
        if (waited.kind == ERROR_TIMEOUT)
            waited = stream_write(stream, SLICE(":\n\n"));
        else if (waited.kind == ERROR_BUSY) /* an event, or the server stops */
            waited = OK;
        else if (!failed(waited)) /* it says more, or is gone */
            break;
        TRY(waited);
    }
    return OK;
}

error admin_events(struct admin_exchange *exchange)
{
    struct watcher watcher = {
        .sink = {.name = "watcher", .size_max = WAITING_SIZE_MAX, .notify = arrived},
        .stream = exchange->stream,
    };
    if (failed(read_types(exchange, &watcher.sink.kinds))) {
        exchange->status = 400;
        return OK;
    }
    if (exchange->request.method == HTTP_HEAD) {
        exchange->content_type = "text/event-stream";
        return OK;
    }
    TRY(event_sink_open(&watcher.sink));
    exchange->streamed = true;
    error_ignore(watch(&watcher)); /* the client left: nothing to tell anyone */
    event_sink_close(&watcher.sink);
    return OK;
}
