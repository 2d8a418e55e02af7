/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/serve.h"

#include "base/log.h"
#include "base/metric.h"
#include "net/tls.h"
#include "runtime/core.h"
#include "runtime/fiber.h"
#include "service/managesieve/reply.h"
#include "service/managesieve/session.h"

#include <stdlib.h>

METRIC_COUNTER(sessions, "ringmail_managesieve_sessions_total", "",
               "ManageSieve connections accepted");
METRIC_GAUGE(sessions_open, "ringmail_managesieve_sessions", "",
             "ManageSieve connections now open");

slice managesieve_refusal(enum listener_refusal reason, void *service)
{
    (void)service;
    switch (reason) {
    case LISTENER_REFUSE_ADDRESS:
        return SLICE("BYE (TRYLATER) \"too many connections from your address\"\r\n");
    case LISTENER_REFUSE_STOPPING:
        return SLICE("BYE (TRYLATER) \"the server is going down\"\r\n");
    default:
        return SLICE("BYE (TRYLATER) \"too many connections, try again later\"\r\n");
    }
}

static struct managesieve_session *create(struct stream *stream,
                                          struct managesieve_service *service)
{
    const struct sieve_settings *scripts = sieve_settings_here();
    struct managesieve_session *s = scripts ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    s->stream = stream;
    s->service = service;
    s->settings = atomic_load_explicit(&service->settings, memory_order_acquire);
    s->login = atomic_load_explicit(&service->login, memory_order_acquire);
    s->scripts = scripts;
    s->state = MANAGESIEVE_STATE_STRANGER;
    s->session.state = "greeting";
    s->stranger_since = time_now();
    arena_init(&s->arena, MANAGESIEVE_ARENA_SIZE_MAX);
    buffer_init(&s->out, 1 << 20);
    imap_frame_init(&s->frame, &(struct imap_frame_limits){0});
    managesieve_session_set_limits(s);
    return s;
}

static void destroy(struct managesieve_session *s)
{
    managesieve_session_rest(s);
    free(s->account_memory);
    free(s);
}

/* The one line a session leaves. */
static void log_session(const struct managesieve_session *s, error outcome)
{
    char id[SESSION_ID_SIZE], peer[ADDRESS_TEXT_SIZE];
    struct tls_information tls;
    session_id(&s->session, id);
    struct log_line line = log_begin(LOG_INFO, "managesieve.session");
    log_string(&line, "session", id);
    log_text(&line, "peer", address_format_ip(stream_peer(s->stream), peer));
    if (s->account.size)
        log_text(&line, "user", s->account);
    if (stream_tls_information(s->stream, &tls))
        log_string(&line, "tls", tls.protocol);
    log_number(&line, "ms", (time_now() - s->session.since) / TIME_MS);
    log_number(&line, "commands", (int64_t)s->session.commands);
    log_number(&line, "bytes_in", (int64_t)stream_bytes_read(s->stream));
    log_number(&line, "bytes_out", (int64_t)stream_bytes_written(s->stream));
    if (s->written)
        log_number(&line, "scripts_written", s->written);
    if (s->failed_logins)
        log_number(&line, "failed_logins", s->failed_logins);
    log_error(&line, outcome);
    log_end(&line);
}

static void finish(struct managesieve_session *s, error outcome)
{
    log_session(s, outcome);
    session_leave(&s->session);
    metric_add(&sessions_open, -1);
}

static void arrive(struct message *message);

/* Hands the session over. What it holds goes along; this core forgets it. */
static error move(struct managesieve_session *s)
{
    TRY(stream_detach(s->stream, managesieve_deadline(s)));
    session_leave(&s->session);
    s->move.run = arrive;
    core_post(s->home, &s->move);
    return OK;
}

/* WAITS. To the end, or to the next core (after UNAUTHENTICATE somebody else may log in). True: the
 * stream is another core's now. */
static bool go_on(struct managesieve_session *s, error outcome)
{
    if (!failed(outcome))
        outcome = managesieve_session_run(s);
    if (s->moving && !failed(outcome)) {
        outcome = move(s);
        if (!failed(outcome))
            return true;
    }
    finish(s, outcome);
    destroy(s);
    return false;
}

/* On the home core, as a fiber of its own. */
static void continue_at_home(void *argument)
{
    struct managesieve_session *s = argument;
    struct stream *stream = s->stream;
    stream_attach(stream);
    session_enter(&s->session, "managesieve", stream);
    fiber_set_context(s);
    if (!go_on(s, managesieve_session_settle(s)))
        stream_close(&stream);
}

static void arrive(struct message *message)
{
    struct managesieve_session *s = CONTAINER_OF(message, struct managesieve_session, move);
    error problem = fiber_start(session_crew(), "managesieve", continue_at_home, s);
    if (!failed(problem))
        return;
    /* No fiber to be had, or the core is stopping: the client sees a closed connection. */
    stream_attach(s->stream);
    finish(s, problem);
    stream_abort(&s->stream);
    destroy(s);
}

void managesieve_serve(struct stream **stream, void *service)
{
    struct managesieve_session *s = create(*stream, service);
    if (!s)
        return;
    metric_add(&sessions, 1);
    metric_add(&sessions_open, 1);
    session_enter(&s->session, "managesieve", *stream);
    fiber_set_context(s);
    if (go_on(s, managesieve_session_greet(s)))
        *stream = NULL;
}
