/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/session.h"

#include "base/metric.h"
#include "service/imap/command/command.h"
#include "service/imap/reply.h"

METRIC_COUNTER(imap_commands, "ringmail_imap_commands_total", "", "IMAP commands received");
METRIC_COUNTER(imap_limits, "ringmail_imap_limits_total", "",
               "Commands refused because a limit of size was met");

static const struct imap_frame_limits STRANGER_LIMITS = {
    .literal_size_max = IMAP_LITERAL_SIZE_BEFORE_LOGIN_MAX,
    .nonsync_size_max = IMAP_NONSYNC_BEFORE_LOGIN_MAX,
    .literals_max = IMAP_LITERALS_BEFORE_LOGIN_MAX,
    .command_size_max = IMAP_COMMAND_SIZE_BEFORE_LOGIN_MAX,
};
static const struct imap_frame_limits USER_LIMITS = {
    .literal_size_max = IMAP_LITERAL_SIZE_MAX,
    .nonsync_size_max = IMAP_LITERAL_SIZE_MAX,
    .literals_max = IMAP_LITERALS_MAX,
    .command_size_max = IMAP_COMMAND_SIZE_MAX,
};
enum { SEND_AT_SIZE = 48 << 10 }; /* large enough to leave without a copy */

void imap_session_set_limits(struct imap_session *s)
{
    imap_frame_set_limits(&s->frame,
                          s->state == IMAP_STATE_STRANGER ? &STRANGER_LIMITS : &USER_LIMITS);
}

bool imap_session_may_login(const struct imap_session *s)
{
    return stream_is_tls(s->stream) || s->settings->plaintext_login;
}

void imap_session_rest(struct imap_session *s)
{
    arena_release(&s->arena);
    imap_frame_close(&s->frame);
    buffer_close(&s->out);
}

error imap_lost(struct imap_session *s, error problem)
{
    if (failed(problem) && problem.kind != ERROR_LIMIT && problem.kind != ERROR_MALFORMED)
        s->lost = problem;
    return problem;
}

error imap_send(struct imap_session *s)
{
    error full = buffer_check(&s->out);
    if (failed(full)) {
        /* A line was cut off: what follows would be misread. */
        s->lost = full;
        return full;
    }
    slice out = buffer_slice(&s->out);
    error problem = out.size < SEND_AT_SIZE ? stream_write(s->stream, out)
                                            : stream_send(s->stream, out, TIME_NEVER);
    s->out.size = 0; /* the memory goes when the session rests */
    return imap_lost(s, problem);
}

error imap_send_some(struct imap_session *s)
{
    return s->out.size < SEND_AT_SIZE ? OK : imap_send(s);
}

instant imap_deadline(const struct imap_session *s)
{
    if (s->state == IMAP_STATE_STRANGER)
        return s->session.since + s->settings->login_timeout;
    return time_after(IMAP_COMMAND_TIMEOUT_S * TIME_S);
}

error imap_read_line(struct imap_session *s, size_t size_max, slice *out_line)
{
    TRY(imap_send(s));
    return imap_lost(
        s, stream_read_line(s->stream, STREAM_LINE_TOLERANT, size_max, imap_deadline(s), out_line));
}

error imap_session_greet(struct imap_session *s)
{
    imap_say(s, SLICE_EMPTY,
             (struct imap_response){.kind = IMAP_OK,
                                    .code = IMAP_CODE_CAPABILITY,
                                    .argument = imap_capabilities(s),
                                    .text = s->settings->greeting});
    return imap_send(s);
}

static error say_bye(struct imap_session *s, slice text)
{
    imap_say(s, SLICE_EMPTY, (struct imap_response){.kind = IMAP_BYE, .text = text});
    s->finished = true;
    return imap_send(s);
}

/* Until there is input. The idle end of a session is an orderly one. */
static error wait_for_command(struct imap_session *s, bool *out_input)
{
    *out_input = stream_has_input(s->stream);
    if (*out_input)
        return OK;
    imap_session_rest(s);
    s->session.state = "waiting";
    bool stranger = s->state == IMAP_STATE_STRANGER;
    error waited = stream_wait_input(s->stream, stranger ? imap_deadline(s)
                                                         : time_after(s->settings->idle_timeout));
    if (waited.kind == ERROR_BUSY)
        return session_must_end() ? say_bye(s, SLICE("the server is going down")) : OK;
    if (waited.kind == ERROR_TIMEOUT)
        return say_bye(s, stranger ? SLICE("login took too long")
                                   : SLICE("nothing happened for too long"));
    *out_input = !failed(waited);
    return imap_lost(s, waited);
}

/* A line and the literals in it are more than may be: the client is told, and where it goes on
 * sending all the same there is no way to keep step. */
static error refuse_size(struct imap_session *s, error problem, bool in_step)
{
    metric_add(&imap_limits, 1);
    s->response.code = problem.kind == ERROR_LIMIT ? IMAP_CODE_TOOBIG : IMAP_CODE_NONE;
    if (failed(imap_command_parse(imap_frame_text(&s->frame), &s->command)))
        s->command = (struct imap_command){.verb = IMAP_VERB_UNKNOWN};
    problem.kind = ERROR_MALFORMED;
    TRY(imap_answer(s, problem));
    return in_step ? OK : say_bye(s, SLICE("the connection cannot go on after this"));
}

/* A client that waits for "+" is told now what would be told after the literal. */
static bool is_hopeless(struct imap_session *s)
{
    struct imap_command command;
    return failed(imap_command_parse(imap_frame_text(&s->frame), &command)) ||
           command.verb == IMAP_VERB_UNKNOWN ||
           !(imap_command_table[command.verb].states & s->state);
}

static bool is_message_of_append(struct imap_session *s)
{
    struct imap_command command;
    struct imap_append append;
    return s->state != IMAP_STATE_STRANGER &&
           !failed(imap_command_parse(imap_frame_text(&s->frame), &command)) &&
           command.verb == IMAP_APPEND &&
           !failed(imap_append_parse(&command.arguments, &s->arena, s->name_form, &append));
}

static error read_literal(struct imap_session *s, char *room)
{
    if (s->frame.literal.sync) {
        buffer_add(&s->out, SLICE("+ go ahead\r\n"));
        TRY(imap_send(s));
    }
    TRY(imap_lost(s, stream_read_exact(s->stream, room, s->frame.literal.size, imap_deadline(s))));
    imap_frame_close_literal(&s->frame);
    return OK;
}

/* One command into the frame. Not ready: it was refused already, or the session ends. */
static error receive(struct imap_session *s, bool *out_ready)
{
    size_t line_max =
        s->state == IMAP_STATE_STRANGER ? IMAP_LINE_SIZE_BEFORE_LOGIN_MAX : IMAP_LINE_SIZE_MAX;
    *out_ready = false;
    imap_frame_reset(&s->frame);
    for (;;) {
        slice line;
        bool more;
        error problem = imap_read_line(s, line_max, &line);
        if (failed(s->lost))
            return s->lost;
        if (!failed(problem))
            problem = imap_frame_add_line(&s->frame, line, &more);
        if (failed(problem))
            return refuse_size(s, problem, true);
        if (!more || is_message_of_append(s)) {
            *out_ready = true;
            return OK;
        }
        char *room;
        bool sync = s->frame.literal.sync;
        problem = imap_frame_open_literal(&s->frame, &room);
        if (failed(problem))
            return refuse_size(s, problem, sync);
        if (sync && is_hopeless(s)) {
            *out_ready = true;
            return OK;
        }
        TRY(read_literal(s, room));
    }
}

static error dispatch(struct imap_session *s)
{
    error problem = imap_command_parse(imap_frame_text(&s->frame), &s->command);
    if (failed(problem))
        return problem;
    if (s->command.verb == IMAP_VERB_UNKNOWN)
        return error_make(ERROR_MALFORMED, "unknown command");
    const struct imap_command_row *row = &imap_command_table[s->command.verb];
    if (!(row->states & s->state))
        return error_make(ERROR_MALFORMED, "not possible in this state");
    s->session.state = imap_verb_name(s->command.verb);
    s->response.text = row->done;
    instant start = time_now();
    problem = row->run(s);
    if (s->state == IMAP_STATE_SELECTED && !failed(s->lost) && !s->moving) {
        error synced = imap_view_tell(s, row->expunges || s->command.uid);
        if (failed(synced) && !failed(problem))
            problem = synced;
    }
    metric_observe(row->seconds, (uint64_t)(time_now() - start));
    return problem;
}

error imap_session_run(struct imap_session *s)
{
    while (!s->finished) {
        bool ready;
        arena_reset(&s->arena);
        TRY(wait_for_command(s, &ready));
        if (!ready)
            continue;
        s->command = (struct imap_command){.verb = IMAP_VERB_UNKNOWN};
        s->response = (struct imap_response){.kind = IMAP_OK, .text = SLICE("done")};
        TRY(receive(s, &ready));
        if (!ready)
            continue;
        s->session.commands++;
        metric_add(&imap_commands, 1);
        error outcome = dispatch(s);
        if (s->moving)
            return OK;
        TRY(imap_answer(s, outcome));
        if (s->state == IMAP_STATE_STRANGER &&
            s->session.commands >= IMAP_COMMANDS_BEFORE_LOGIN_MAX && !s->finished)
            TRY(say_bye(s, SLICE("too many commands before login")));
    }
    return OK;
}
