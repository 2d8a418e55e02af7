/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/kept.h"

#include "base/list.h"
#include "base/metric.h"
#include "net/http/converse.h"
#include "net/stream.h"
#include "runtime/wait.h"

#include <stdlib.h>

METRIC_COUNTER(metric_asked, "ringmail_http_kept_requests_total", "",
               "Requests made over kept connections");
METRIC_COUNTER(metric_opened, "ringmail_http_kept_connections_total", "",
               "Connections opened for them");
METRIC_COUNTER(metric_stale, "ringmail_http_kept_stale_total", "",
               "Kept connections that turned out to be closed");

struct idle {
    struct list node;
    struct stream *stream;
    instant since;
};

struct http_kept {
    unsigned references;
    struct semaphore permits; /* one for each connection in use */
    struct list idle;         /* used last first */
};

error http_kept_create(unsigned connections_max, struct http_kept **out_kept)
{
    struct http_kept *kept = calloc(1, sizeof *kept);
    TRY_MEMORY(kept);
    kept->references = 1;
    semaphore_init(&kept->permits, connections_max);
    list_init(&kept->idle);
    *out_kept = kept;
    return OK;
}

struct http_kept *http_kept_ref(struct http_kept *kept)
{
    kept->references++;
    return kept;
}

static void drop(struct idle *idle)
{
    list_remove(&idle->node);
    stream_abort(&idle->stream);
    free(idle);
}

void http_kept_unref(struct http_kept **kept_pointer)
{
    struct http_kept *kept = *kept_pointer;
    struct idle *idle;
    *kept_pointer = NULL;
    if (!kept || --kept->references > 0)
        return;
    LIST_EACH (&kept->idle, idle, node)
        drop(idle);
    free(kept);
}

/* NULL: there is none. */
static struct stream *take_idle(struct http_kept *kept)
{
    instant oldest = time_now() - HTTP_KEPT_IDLE_S * TIME_S;
    struct idle *idle;
    LIST_EACH (&kept->idle, idle, node) {
        struct stream *stream = idle->stream;
        bool stale = stream_peer_is_gone(stream) || stream_has_input(stream);
        if (stale || idle->since < oldest) {
            metric_add(&metric_stale, stale);
            drop(idle);
            continue;
        }
        list_remove(&idle->node);
        free(idle);
        return stream;
    }
    return NULL;
}

static void give_idle(struct http_kept *kept, struct stream *stream)
{
    struct idle *idle = malloc(sizeof *idle);
    if (!idle) {
        stream_abort(&stream);
        return;
    }
    *idle = (struct idle){.stream = stream, .since = time_now()};
    list_prepend(&kept->idle, &idle->node);
}

/* WAITS. */
static error converse(struct http_kept *kept, struct http_conversation *conversation,
                      struct arena *arena, struct http_client_answer *out_answer)
{
    bool stays = false;
    error problem = http_converse(conversation, arena, out_answer, &stays);
    if (!failed(problem) && stays)
        give_idle(kept, conversation->stream);
    else
        stream_abort(&conversation->stream);
    return problem;
}

/* WAITS. With a permit. */
static error ask(struct http_kept *kept, const struct http_client_request *request,
                 const struct http_url *url, struct arena *arena,
                 struct http_client_answer *out_answer)
{
    struct http_conversation conversation = {.request = request, .url = url, .keep = true};
    conversation.stream = take_idle(kept);
    if (conversation.stream) {
        error problem = converse(kept, &conversation, arena, out_answer);
        if (problem.kind != ERROR_CLOSED) /* RFC 9112 9.3.1 */
            return problem;
        metric_add(&metric_stale, 1);
    }
    TRY(http_client_connect(request, url, arena, &conversation.stream));
    metric_add(&metric_opened, 1);
    return converse(kept, &conversation, arena, out_answer);
}

error http_kept_ask(struct http_kept *kept, const struct http_client_request *request,
                    struct arena *arena, struct http_client_answer *out_answer)
{
    struct http_url url;
    TRY(http_client_check(request, &url));
    metric_add(&metric_asked, 1);
    struct http_kept *held = http_kept_ref(kept);
    error problem = semaphore_take(&held->permits, request->deadline);
    if (!failed(problem)) {
        problem = ask(held, request, &url, arena, out_answer);
        semaphore_give(&held->permits);
    }
    http_kept_unref(&held);
    return problem;
}
