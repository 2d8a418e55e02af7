/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/session.h"

#include "base/log.h"
#include "base/metric.h"
#include "service/smtp/answer.h"
#include "service/smtp/command.h"

#include <stdio.h>

METRIC_COUNTER(sessions_total, "ringmail_smtp_sessions_total", "", "SMTP sessions begun");
METRIC_GAUGE(sessions_open, "ringmail_smtp_sessions", "", "SMTP sessions open now");
METRIC_COUNTER(commands_total, "ringmail_smtp_commands_total", "", "Commands read");
METRIC_COUNTER(early_total, "ringmail_smtp_early_talkers_total", "",
               "Clients that spoke before they may");
METRIC_HISTOGRAM(command_time, "ringmail_smtp_command_seconds", "",
                 "From a command read to its reply written");

slice smtp_session_helo(const struct smtp_session *s)
{
    return slice_of(s->helo, s->helo_size);
}

slice smtp_session_peer(const struct smtp_session *s, char text[ADDRESS_TEXT_SIZE + 8])
{
    char ip[ADDRESS_TEXT_SIZE];
    const struct address *peer = stream_peer(s->stream);
    slice plain = address_format_ip(peer, ip);
    int size = snprintf(text, ADDRESS_TEXT_SIZE + 8, "%s%.*s",
                        peer->family == ADDRESS_IPV6 ? "IPv6:" : "", SLICE_ARG(plain));
    return slice_of(text, (size_t)size);
}

void smtp_session_finish(struct smtp_session *s, const char *why)
{
    s->finished = true;
    s->end = why;
}

unsigned smtp_session_parameters(const struct smtp_session *s)
{
    if (!s->esmtp)
        return 0;
    unsigned offered =
        SMTP_PARAMETER_SIZE | SMTP_PARAMETER_BODY | SMTP_PARAMETER_SMTPUTF8 | SMTP_PARAMETER_DSN;
    if (stream_is_tls(s->stream)) /* RFC 8689 2 */
        offered |= SMTP_PARAMETER_REQUIRETLS;
    if (!smtp_session_is_submission(s))
        return offered | SMTP_PARAMETER_BINARYMIME;
    if (s->settings->hold_max)
        offered |= SMTP_PARAMETER_FUTURERELEASE;
    return offered | SMTP_PARAMETER_AUTH | SMTP_PARAMETER_DELIVERBY | SMTP_PARAMETER_MT_PRIORITY;
}

struct login_party smtp_session_login_party(const struct smtp_session *s)
{
    return (struct login_party){
        .settings = s->login, .protocol = "submission", .stream = s->stream};
}

bool smtp_session_may_login(const struct smtp_session *s)
{
    return stream_is_tls(s->stream) || !s->settings->tls_required;
}

/* Where a delay is set: who speaks before the greeting is no mail server (RFC 5321 3.1). */
static error greet(struct smtp_session *s)
{
    if (s->settings->greeting_delay) {
        error waited = stream_wait_input(s->stream, time_after(s->settings->greeting_delay));
        if (!failed(waited)) {
            metric_add(&early_total, 1);
            smtp_session_finish(s, "spoke before the greeting");
            return smtp_answer(s, SMTP_REPLY_TALKS_TOO_EARLY);
        }
        if (waited.kind != ERROR_TIMEOUT && waited.kind != ERROR_BUSY)
            return waited;
    }
    slice line;
    TRY(arena_format(&s->command_arena, &line, "%.*s ESMTP Ringmail",
                     SLICE_ARG(s->service->hostname)));
    return smtp_answer_lines(s, 220, NULL, line);
}

/* WAITS for what the client says next while holding nothing. NONE: there is input. A server that is
 * about to stop lets the transaction in hand finish (RFC 5321 3.8 asks for 421 where it does not).
 */
static error wait_input(struct smtp_session *s, enum smtp_reply *out_reply)
{
    instant deadline = time_after(s->settings->command_timeout);
    error waited;
    do {
        if (session_must_end() && !s->transaction.open) {
            *out_reply = SMTP_REPLY_SHUTTING_DOWN;
            return OK;
        }
        waited = stream_wait_input(s->stream, deadline);
    } while (waited.kind == ERROR_BUSY);
    if (waited.kind != ERROR_TIMEOUT)
        return waited;
    *out_reply = SMTP_REPLY_IDLE_TOO_LONG;
    return OK;
}

error smtp_session_read_line(struct smtp_session *s, size_t size_max, slice *out_line,
                             enum smtp_reply *out_reply)
{
    *out_reply = SMTP_REPLY_NONE;
    if (!stream_has_input(s->stream))
        TRY(wait_input(s, out_reply));
    if (*out_reply != SMTP_REPLY_NONE)
        return OK;
    error problem = stream_read_line(s->stream, STREAM_LINE_STRICT, size_max,
                                     time_after(s->settings->command_timeout), out_line);
    switch (problem.kind) {
    case ERROR_LIMIT:
        *out_reply = SMTP_REPLY_LINE_TOO_LONG;
        return OK;
    case ERROR_MALFORMED: /* a bare CR or LF: the two sides may not agree on where commands end */
        smtp_session_finish(s, "bare line end");
        *out_reply = SMTP_REPLY_BAD_LINE;
        return OK;
    case ERROR_TIMEOUT:
        *out_reply = SMTP_REPLY_IDLE_TOO_LONG;
        return OK;
    default:
        return problem;
    }
}

/* May this command come now? */
static enum smtp_reply check_order(struct smtp_session *s, const struct smtp_row *row,
                                   enum smtp_verb verb)
{
    const struct smtp_settings *settings = s->settings;
    if (s->commands > settings->commands_max)
        return SMTP_REPLY_TOO_MANY_COMMANDS;
    if (session_must_end() && !s->transaction.open && verb != SMTP_VERB_QUIT)
        return SMTP_REPLY_SHUTTING_DOWN;
    if (!row->run || !(row->roles & s->service->role))
        return verb == SMTP_VERB_UNKNOWN ? SMTP_REPLY_UNKNOWN_COMMAND : SMTP_REPLY_NOT_IMPLEMENTED;
    bool ahead = (row->flags & SMTP_ROW_LAST) || (!s->esmtp && verb != SMTP_VERB_QUIT);
    if (ahead && stream_has_input(s->stream)) { /* RFC 2920 3.1; without EHLO not at all */
        metric_add(&early_total, 1);
        smtp_session_finish(s, "unauthorised pipelining");
        return SMTP_REPLY_NOT_AFTER_PIPELINING;
    }
    if (!(row->flags & SMTP_ROW_ANYTIME) && s->helo_size == 0)
        return SMTP_REPLY_HELO_FIRST;
    if (settings->tls_required && !stream_is_tls(s->stream) && !(row->flags & SMTP_ROW_PLAIN) &&
        verb != SMTP_VERB_BDAT)
        return SMTP_REPLY_TLS_FIRST;
    if (smtp_session_is_submission(s) && !s->account.data && !(row->flags & SMTP_ROW_PLAIN) &&
        verb != SMTP_VERB_BDAT) /* RFC 6409 4.3; BDAT reads its chunk and then says so */
        return SMTP_REPLY_LOGIN_FIRST;
    if (s->transaction.chunking && !(row->flags & SMTP_ROW_CHUNKING))
        return SMTP_REPLY_BDAT_GOING_ON; /* RFC 3030 2 */
    return SMTP_REPLY_NONE;
}

static error run_line(struct smtp_session *s, slice line)
{
    struct smtp_command command;
    const struct smtp_command_options options = {.parameters = smtp_session_parameters(s),
                                                 .utf8 = s->transaction.mail.utf8};
    enum smtp_verb verb = smtp_command_verb(line);
    const struct smtp_row *row = smtp_row(verb);
    s->commands++;
    s->base.commands++;
    metric_add(&commands_total, 1);
    enum smtp_reply refusal = check_order(s, row, verb);
    if (refusal == SMTP_REPLY_NONE)
        refusal = smtp_command_parse(&s->command_arena, line, &options, &command);
    return refusal == SMTP_REPLY_NONE ? row->run(s, &command) : smtp_answer(s, refusal);
}

error smtp_session_run(struct smtp_session *s)
{
    TRY(greet(s));
    while (!s->finished) {
        slice line;
        enum smtp_reply reply;
        arena_reset(&s->command_arena);
        s->base.state = s->transaction.open ? "transaction" : "idle";
        TRY(smtp_session_read_line(s, SMTP_LINE_SIZE_MAX, &line, &reply));
        if (reply != SMTP_REPLY_NONE) {
            TRY(smtp_answer(s, reply));
            continue;
        }
        instant began = time_now();
        TRY(run_line(s, line));
        metric_observe(&command_time, (uint64_t)(time_now() - began));
    }
    return OK;
}

static void log_session(const struct smtp_session *s, error problem)
{
    char id[SESSION_ID_SIZE], peer[ADDRESS_TEXT_SIZE];
    session_id(&s->base, id);
    struct log_line line = log_begin(LOG_INFO, "smtp.session");
    log_string(&line, "id", id);
    log_text(&line, "peer", address_format(stream_peer(s->stream), peer));
    log_text(&line, "helo", smtp_session_helo(s));
    if (s->account.data)
        log_text(&line, "account", s->account);
    log_string(&line, "tls", stream_is_tls(s->stream) ? "yes" : "no");
    log_number(&line, "commands", s->commands);
    log_number(&line, "mails", s->mails);
    log_number(&line, "recipients", s->recipients);
    log_number(&line, "mail_bytes", (int64_t)s->mail_bytes);
    log_number(&line, "refusals", s->errors);
    log_number(&line, "ms", (time_now() - s->base.since) / TIME_MS);
    log_string(&line, "end", s->end ? s->end : "connection lost");
    log_error(&line, problem);
    log_end(&line);
}

void smtp_serve(struct stream **stream, void *argument)
{
    const struct smtp_service *service = argument;
    struct smtp_session session = {
        .stream = *stream,
        .service = service,
        .settings = atomic_load_explicit(&service->settings, memory_order_acquire),
        .login = atomic_load_explicit(&service->login, memory_order_acquire),
    };
    metric_add(&sessions_total, 1);
    metric_add(&sessions_open, 1);
    arena_init(&session.arena, SMTP_SESSION_MEMORY_MAX);
    arena_init(&session.command_arena, SMTP_COMMAND_MEMORY_MAX);
    smtp_transaction_init(&session.transaction);
    stream_set_timeouts(*stream, session.settings->data_timeout, session.settings->data_timeout);
    session_enter(&session.base, smtp_session_is_submission(&session) ? "submission" : "smtp",
                  *stream);
    error problem = smtp_session_run(&session);
    log_session(&session, problem);
    session_leave(&session.base);
    smtp_transaction_reset(&session.transaction);
    arena_close(&session.command_arena);
    arena_close(&session.arena);
    metric_add(&sessions_open, -1);
}

slice smtp_refusal(enum listener_refusal reason, void *service)
{
    (void)service;
    switch (reason) {
    case LISTENER_REFUSE_STOPPING:
        return SLICE("421 4.3.2 Service is shutting down, come back later\r\n");
    case LISTENER_REFUSE_ADDRESS:
        return SLICE("421 4.7.0 Too many connections from your address\r\n");
    default:
        return SLICE("421 4.3.2 Too many connections, come back later\r\n");
    }
}
