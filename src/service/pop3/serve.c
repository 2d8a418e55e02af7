/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/serve.h"

#include "base/log.h"
#include "base/metric.h"
#include "net/tls.h"
#include "runtime/core.h"
#include "runtime/fiber.h"
#include "service/pop3/reply.h"
#include "service/pop3/session.h"

#include <stdlib.h>

METRIC_COUNTER(pop3_sessions, "ringmail_pop3_sessions_total", "", "POP3 connections accepted");
METRIC_GAUGE(pop3_sessions_open, "ringmail_pop3_sessions", "", "POP3 connections now open");
METRIC_COUNTER(pop3_moves, "ringmail_pop3_moves_total", "",
               "Sessions that moved to their account's home core after login");

slice pop3_refusal(enum listener_refusal reason, void *service)
{
    (void)service;
    switch (reason) {
    case LISTENER_REFUSE_ADDRESS:
        return SLICE("-ERR [SYS/TEMP] too many connections from your address\r\n");
    case LISTENER_REFUSE_STOPPING:
        return SLICE("-ERR [SYS/TEMP] the server is going down\r\n");
    default:
        return SLICE("-ERR [SYS/TEMP] too many connections, try again later\r\n");
    }
}

static struct pop3_session *create(struct stream *stream, struct pop3_service *service)
{
    struct pop3_session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->stream = stream;
    s->service = service;
    s->settings = atomic_load_explicit(&service->settings, memory_order_acquire);
    s->login = atomic_load_explicit(&service->login, memory_order_acquire);
    s->state = POP3_STATE_STRANGER;
    s->session.state = "greeting";
    arena_init(&s->arena, POP3_ARENA_SIZE_MAX);
    buffer_init(&s->out, POP3_OUTPUT_SIZE_MAX);
    return s;
}

static void destroy(struct pop3_session *s)
{
    pop3_maildrop_close(&s->drop);
    pop3_presence_leave(&s->presence);
    pop3_session_rest(s);
    free(s->account_memory);
    free(s->name);
    free(s);
}

/* The one line a session leaves. */
static void log_session(const struct pop3_session *s, error outcome)
{
    char id[SESSION_ID_SIZE], peer[ADDRESS_TEXT_SIZE];
    struct tls_information tls;
    session_id(&s->session, id);
    struct log_line line = log_begin(LOG_INFO, "pop3.session");
    log_string(&line, "session", id);
    log_text(&line, "peer", address_format_ip(stream_peer(s->stream), peer));
    if (s->account.id.size)
        log_text(&line, "user", s->account.id);
    if (stream_tls_information(s->stream, &tls))
        log_string(&line, "tls", tls.protocol);
    log_number(&line, "ms", (time_now() - s->session.since) / TIME_MS);
    log_number(&line, "commands", (int64_t)s->session.commands);
    log_number(&line, "bytes_in", (int64_t)stream_bytes_read(s->stream));
    log_number(&line, "bytes_out", (int64_t)stream_bytes_written(s->stream));
    if (s->counts.retrieved)
        log_number(&line, "retrieved", s->counts.retrieved);
    if (s->counts.deleted)
        log_number(&line, "deleted", s->counts.deleted);
    if (s->counts.failed_logins)
        log_number(&line, "failed_logins", s->counts.failed_logins);
    log_error(&line, outcome);
    log_end(&line);
}

static void finish(struct pop3_session *s, error outcome)
{
    log_session(s, outcome);
    session_leave(&s->session);
    metric_add(&pop3_sessions_open, -1);
}

static void arrive(struct message *message);

/* Hands the session over. What it holds goes along; this core forgets it. */
static error move(struct pop3_session *s)
{
    TRY(stream_detach(s->stream, pop3_deadline(s)));
    session_leave(&s->session);
    s->move.run = arrive;
    core_post(s->home, &s->move);
    return OK;
}

/* WAITS. To the end, or to the next core (also from a home: where a mailbox was in use, somebody
 * else may log in). True: the stream is another core's now. */
static bool go_on(struct pop3_session *s, error outcome)
{
    if (!failed(outcome))
        outcome = pop3_session_run(s);
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
    struct pop3_session *s = argument;
    struct stream *stream = s->stream;
    stream_attach(stream);
    metric_add(&pop3_moves, 1);
    session_enter(&s->session, "pop3", stream);
    fiber_set_context(s);
    if (!go_on(s, pop3_session_settle(s)))
        stream_close(&stream);
}

static void arrive(struct message *message)
{
    struct pop3_session *s = CONTAINER_OF(message, struct pop3_session, move);
    error problem = fiber_start(session_crew(), "pop3", continue_at_home, s);
    if (!failed(problem))
        return;
    /* No fiber to be had, or the core is stopping: the client sees a closed connection. */
    stream_attach(s->stream);
    finish(s, problem);
    stream_abort(&s->stream);
    destroy(s);
}

void pop3_serve(struct stream **stream, void *service)
{
    struct pop3_session *s = create(*stream, service);
    if (!s)
        return;
    metric_add(&pop3_sessions, 1);
    metric_add(&pop3_sessions_open, 1);
    session_enter(&s->session, "pop3", *stream);
    fiber_set_context(s);
    if (go_on(s, pop3_session_greet(s)))
        *stream = NULL;
}
