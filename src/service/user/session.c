/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/user/session.h"

#include "net/tls.h"
#include "runtime/core.h"
#include "runtime/fiber.h"
#include "service/user/login.h"

#include <stdlib.h>

enum { SEND_AT_SIZE = 48 << 10 }; /* large enough to leave without a copy */

/* ---- The loop ---- */

void user_count_command(struct user_session *s)
{
    s->session.commands++;
    s->stranger_commands += s->state == USER_STRANGER;
    metric_add(s->protocol->commands, 1);
}

static void rest(struct user_session *s)
{
    arena_release(&s->arena);
    buffer_close(&s->out);
    if (s->protocol->rest)
        s->protocol->rest(s);
}

error user_say_goodbye(struct user_session *s, slice text, bool later)
{
    s->finished = true;
    s->protocol->say_goodbye(s, text, later);
    return user_send(s);
}

/* Until there is input. The idle end of a session is an orderly one. */
static error wait_for_command(struct user_session *s, bool *out_input)
{
    *out_input = stream_has_input(s->stream);
    if (*out_input)
        return OK;
    rest(s);
    s->session.state = "waiting";
    bool stranger = s->state == USER_STRANGER;
    error waited =
        stream_wait_input(s->stream, stranger ? user_deadline(s) : time_after(s->idle_timeout));
    if (waited.kind == ERROR_BUSY)
        return session_must_end() ? user_say_goodbye(s, SLICE("the server is going down"), true)
                                  : OK;
    if (waited.kind == ERROR_TIMEOUT)
        return user_say_goodbye(
            s, stranger ? SLICE("login took too long") : SLICE("nothing happened for too long"),
            false);
    *out_input = !failed(waited);
    return user_lost(s, waited);
}

/* WAITS. Until the client leaves, the connection fails, or the session must move. OK for an orderly
 * end. */
static error run(struct user_session *s)
{
    while (!s->finished && !s->moving) {
        bool ready;
        arena_reset(&s->arena);
        TRY(wait_for_command(s, &ready));
        if (!ready)
            continue;
        TRY(s->protocol->serve_command(s));
        if (s->state == USER_STRANGER && !s->finished && !s->moving &&
            s->stranger_commands >= s->protocol->commands_before_login_max)
            TRY(user_say_goodbye(s, SLICE("too many commands before login"), false));
    }
    return OK;
}

bool user_is_trouble(enum error_kind kind)
{
    return kind == ERROR_TEMPORARY || kind == ERROR_SYSTEM || kind == ERROR_BUG ||
           kind == ERROR_TIMEOUT || kind == ERROR_CLOSED || kind == ERROR_CANCELLED;
}

static void note_trouble(const struct user_session *s, error problem)
{
    char id[SESSION_ID_SIZE];
    session_id(&s->session, id);
    metric_add(s->protocol->failed, 1);
    struct log_line line = log_begin(LOG_WARNING, s->protocol->trouble_event);
    log_string(&line, "session", id);
    log_string(&line, "command", s->protocol->command_name(s));
    log_text(&line, "user", s->account.id);
    log_error(&line, problem);
    log_end(&line);
}

error user_answer(struct user_session *s, error outcome)
{
    if (failed(s->lost))
        return s->lost;
    if (s->moving) /* at home */
        return OK;
    s->bad_commands = outcome.kind == ERROR_MALFORMED ? s->bad_commands + 1 : 0;
    if (s->answered) {
        s->answered = false;
        return OK;
    }
    if (user_is_trouble(outcome.kind))
        note_trouble(s, outcome);
    s->protocol->answer(s, outcome);
    if (s->bad_commands >= s->protocol->bad_commands_max && !s->finished)
        return user_say_goodbye(s, SLICE("too many bad commands"), false);
    return user_send(s);
}

error user_lost(struct user_session *s, error problem)
{
    if (failed(problem) && problem.kind != ERROR_LIMIT && problem.kind != ERROR_MALFORMED)
        s->lost = problem;
    return problem;
}

error user_send(struct user_session *s)
{
    error full = buffer_check(&s->out);
    if (failed(full)) { /* a line was cut off: what follows would be misread */
        s->lost = full;
        return full;
    }
    slice out = buffer_slice(&s->out);
    error problem = out.size < SEND_AT_SIZE ? stream_write(s->stream, out)
                                            : stream_send(s->stream, out, TIME_NEVER);
    s->out.size = 0; /* the memory goes when the session rests */
    return user_lost(s, problem);
}

error user_send_some(struct user_session *s)
{
    return s->out.size < SEND_AT_SIZE ? OK : user_send(s);
}

instant user_deadline(const struct user_session *s)
{
    return s->state == USER_STRANGER ? s->stranger_since + s->login_timeout
                                     : time_after(s->protocol->command_timeout);
}

error user_read_line(struct user_session *s, size_t size_max, slice *out_line)
{
    TRY(user_send(s));
    return user_lost(
        s, stream_read_line(s->stream, STREAM_LINE_TOLERANT, size_max, user_deadline(s), out_line));
}

error user_check_starttls(const struct user_session *s)
{
    if (stream_is_tls(s->stream))
        return error_make(ERROR_MALFORMED, "TLS is already there");
    return s->tls ? OK : error_make(ERROR_MALFORMED, "TLS is not offered");
}

error user_start_tls(struct user_session *s)
{
    TRY(user_send(s));
    TRY(user_lost(s, stream_flush(s->stream, user_deadline(s))));
    stream_drop_input(s->stream);
    error problem = stream_start_tls_server(s->stream, s->tls, SLICE_EMPTY, user_deadline(s));
    if (failed(problem))
        s->lost = problem; /* whatever kind: there is no dialogue any more */
    return problem;
}

/* ---- A session's life ---- */

/* The one line a session leaves. */
static void log_session(const struct user_session *s, error outcome)
{
    char id[SESSION_ID_SIZE], peer[ADDRESS_TEXT_SIZE];
    struct tls_information tls;
    session_id(&s->session, id);
    struct log_line line = log_begin(LOG_INFO, s->protocol->event);
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
    s->protocol->log(s, &line);
    if (s->failed_logins)
        log_number(&line, "failed_logins", s->failed_logins);
    log_error(&line, outcome);
    log_end(&line);
}

static void finish(struct user_session *s, error outcome)
{
    log_session(s, outcome);
    session_leave(&s->session);
    metric_add(s->protocol->sessions_open, -1);
    rest(s);
    char *account_memory = s->account_memory; /* what is to be closed may look at it */
    s->protocol->destroy(s);
    free(account_memory);
}

static void arrive(struct message *message);

/* Hands the session over. What it holds goes along; this core forgets it. */
static error move(struct user_session *s)
{
    TRY(stream_detach(s->stream, user_deadline(s)));
    session_leave(&s->session);
    s->move.run = arrive;
    core_post(s->home, &s->move);
    return OK;
}

/* WAITS. To the end, or to the next core (also from a home: who is a stranger again may log in as
 * somebody else). True: the stream is another core's now. */
static bool go_on(struct user_session *s, error outcome)
{
    if (!failed(outcome))
        outcome = run(s);
    if (s->moving && !failed(outcome)) {
        outcome = move(s);
        if (!failed(outcome))
            return true;
    }
    finish(s, outcome);
    return false;
}

/* On the home core, as a fiber of its own. */
static void continue_at_home(void *argument)
{
    struct user_session *s = argument;
    struct stream *stream = s->stream;
    stream_attach(stream);
    metric_add(s->protocol->moves, 1);
    session_enter(&s->session, s->protocol->name, stream);
    s->moving = false;
    if (!go_on(s, user_answer(s, user_settle(s))))
        stream_close(&stream);
}

static void arrive(struct message *message)
{
    struct user_session *s = CONTAINER_OF(message, struct user_session, move);
    struct stream *stream = s->stream;
    error problem = fiber_start(session_crew(), s->protocol->name, continue_at_home, s);
    if (!failed(problem))
        return;
    /* No fiber to be had, or the core is stopping: the client sees a closed connection. */
    stream_attach(stream);
    finish(s, problem);
    stream_abort(&stream);
}

void user_session_serve(struct user_session *s, struct stream **stream)
{
    s->stream = *stream;
    s->state = USER_STRANGER;
    s->stranger_since = time_now();
    s->session.state = "greeting";
    arena_init(&s->arena, s->protocol->arena_size_max);
    buffer_init(&s->out, s->protocol->output_size_max);
    metric_add(s->protocol->sessions, 1);
    metric_add(s->protocol->sessions_open, 1);
    session_enter(&s->session, s->protocol->name, *stream);
    if (go_on(s, s->protocol->greet(s)))
        *stream = NULL;
}
