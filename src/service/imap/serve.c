/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/serve.h"

#include "base/log.h"
#include "base/metric.h"
#include "data/directory/directory.h"
#include "net/tls.h"
#include "runtime/core.h"
#include "runtime/fiber.h"
#include "service/imap/reply.h"
#include "service/imap/session.h"

#include <stdlib.h>

METRIC_COUNTER(imap_sessions, "ringmail_imap_sessions_total", "", "IMAP connections accepted");
METRIC_GAUGE(imap_sessions_open, "ringmail_imap_sessions", "", "IMAP connections now open");
METRIC_COUNTER(imap_moves, "ringmail_imap_moves_total", "",
               "Sessions that moved to their account's home core after login");

slice imap_refusal(enum listener_refusal reason, void *service)
{
    (void)service;
    switch (reason) {
    case LISTENER_REFUSE_ADDRESS:
        return SLICE("* BYE [LIMIT] too many connections from your address\r\n");
    case LISTENER_REFUSE_STOPPING:
        return SLICE("* BYE [UNAVAILABLE] the server is going down\r\n");
    default:
        return SLICE("* BYE [UNAVAILABLE] too many connections, try again later\r\n");
    }
}

static struct imap_session *create(struct stream *stream, struct imap_service *service)
{
    struct imap_session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->stream = stream;
    s->service = service;
    s->settings = atomic_load_explicit(&service->settings, memory_order_acquire);
    s->login = atomic_load_explicit(&service->login, memory_order_acquire);
    s->state = IMAP_STATE_STRANGER;
    s->session.state = "greeting";
    arena_init(&s->arena, IMAP_ARENA_SIZE_MAX);
    buffer_init(&s->out, IMAP_RESPONSE_SIZE_MAX);
    imap_frame_init(&s->frame, &(struct imap_frame_limits){0});
    imap_session_set_limits(s);
    return s;
}

static void destroy(struct imap_session *s)
{
    imap_view_close(&s->view);
    account_close(&s->account);
    imap_session_rest(s);
    free(s->account_memory);
    free(s);
}

/* The one line a session leaves. */
static void log_session(const struct imap_session *s, error outcome)
{
    char id[SESSION_ID_SIZE], peer[ADDRESS_TEXT_SIZE];
    struct tls_information tls;
    session_id(&s->session, id);
    struct log_line line = log_begin(LOG_INFO, "imap.session");
    log_string(&line, "session", id);
    log_text(&line, "peer", address_format_ip(stream_peer(s->stream), peer));
    if (s->account_key.id.size)
        log_text(&line, "user", s->account_key.id);
    if (stream_tls_information(s->stream, &tls))
        log_string(&line, "tls", tls.protocol);
    log_number(&line, "ms", (time_now() - s->session.since) / TIME_MS);
    log_number(&line, "commands", (int64_t)s->session.commands);
    log_number(&line, "bytes_in", (int64_t)stream_bytes_read(s->stream));
    log_number(&line, "bytes_out", (int64_t)stream_bytes_written(s->stream));
    if (s->counts.fetched)
        log_number(&line, "fetched", s->counts.fetched);
    if (s->counts.appended)
        log_number(&line, "appended", s->counts.appended);
    if (s->counts.expunged)
        log_number(&line, "expunged", s->counts.expunged);
    if (s->counts.logins)
        log_number(&line, "failed_logins", s->counts.logins);
    log_error(&line, outcome);
    log_end(&line);
}

static void finish(struct imap_session *s, error outcome)
{
    log_session(s, outcome);
    session_leave(&s->session);
    metric_add(&imap_sessions_open, -1);
}

/* On the home core, as a fiber of its own. */
static void continue_at_home(void *argument)
{
    struct imap_session *s = argument;
    stream_attach(s->stream);
    session_enter(&s->session, "imap", s->stream);
    fiber_set_context(s);
    metric_add(&imap_moves, 1);
    error outcome = imap_session_settle(s);
    if (!failed(outcome))
        outcome = imap_session_run(s);
    struct stream *stream = s->stream;
    finish(s, outcome);
    destroy(s);
    stream_close(&stream);
}

static void arrive(struct message *message)
{
    struct imap_session *s = CONTAINER_OF(message, struct imap_session, move);
    error problem = fiber_start(session_crew(), "imap", continue_at_home, s);
    if (!failed(problem))
        return;
    /* No fiber to be had, or the core is stopping: the client sees a closed connection. */
    stream_attach(s->stream);
    finish(s, problem);
    stream_abort(&s->stream);
    destroy(s);
}

/* Hands the session over. What it holds goes along; this core forgets it. */
static error move(struct imap_session *s)
{
    TRY(stream_detach(s->stream, imap_deadline(s)));
    session_leave(&s->session);
    s->move.run = arrive;
    core_post(s->home, &s->move);
    return OK;
}

void imap_serve(struct stream **stream, void *service)
{
    struct imap_session *s = create(*stream, service);
    if (!s)
        return;
    metric_add(&imap_sessions, 1);
    metric_add(&imap_sessions_open, 1);
    session_enter(&s->session, "imap", *stream);
    fiber_set_context(s);
    error outcome = imap_session_greet(s);
    if (!failed(outcome))
        outcome = imap_session_run(s);
    if (s->moving && !failed(outcome)) {
        outcome = move(s);
        if (!failed(outcome)) {
            *stream = NULL;
            return;
        }
    }
    finish(s, outcome);
    destroy(s);
}
