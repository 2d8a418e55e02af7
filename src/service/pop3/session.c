/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/session.h"

#include "base/metric.h"
#include "service/pop3/command/command.h"
#include "service/pop3/reply.h"

METRIC_COUNTER(pop3_commands, "ringmail_pop3_commands_total", "", "POP3 commands received");

bool pop3_session_may_login(const struct pop3_session *s)
{
    return stream_is_tls(s->stream) || s->settings->plaintext_login;
}

void pop3_session_rest(struct pop3_session *s)
{
    arena_release(&s->arena);
    buffer_close(&s->out);
}

error pop3_lost(struct pop3_session *s, error problem)
{
    if (failed(problem) && problem.kind != ERROR_LIMIT && problem.kind != ERROR_MALFORMED)
        s->lost = problem;
    return problem;
}

error pop3_send(struct pop3_session *s)
{
    error full = buffer_check(&s->out);
    if (failed(full)) { /* a line was cut off: what follows would be misread */
        s->lost = full;
        return full;
    }
    error problem = stream_write(s->stream, buffer_slice(&s->out));
    s->out.size = 0; /* the memory goes when the session rests */
    return pop3_lost(s, problem);
}

error pop3_send_some(struct pop3_session *s)
{
    return s->out.size < POP3_OUTPUT_SIZE_MAX / 2 ? OK : pop3_send(s);
}

instant pop3_deadline(const struct pop3_session *s)
{
    if (s->state == POP3_STATE_STRANGER)
        return s->session.since + s->settings->login_timeout;
    return time_after(POP3_COMMAND_TIMEOUT_S * TIME_S);
}

static error read_line(struct pop3_session *s, size_t size_max, slice *out_line)
{
    slice line;
    TRY(pop3_lost(
        s, stream_read_line(s->stream, STREAM_LINE_TOLERANT, size_max, pop3_deadline(s), &line)));
    return arena_copy(&s->arena, line, out_line);
}

error pop3_read_response(struct pop3_session *s, size_t size_max, slice *out_line)
{
    TRY(pop3_send(s));
    return read_line(s, size_max, out_line);
}

error pop3_session_greet(struct pop3_session *s)
{
    pop3_say(s, (struct pop3_reply){.text = s->settings->greeting});
    return pop3_send(s);
}

static error say_goodbye(struct pop3_session *s, enum pop3_code code, slice text)
{
    pop3_say(s, (struct pop3_reply){.failed = true, .code = code, .text = text});
    s->finished = true;
    return pop3_send(s);
}

/* Until there is input. What was marked as deleted stays where a session ends here (RFC 1939 3). */
static error wait_for_command(struct pop3_session *s, bool *out_input)
{
    *out_input = stream_has_input(s->stream);
    if (*out_input)
        return OK;
    pop3_session_rest(s);
    s->session.state = "waiting";
    bool stranger = s->state == POP3_STATE_STRANGER;
    error waited = stream_wait_input(s->stream, stranger ? pop3_deadline(s)
                                                         : time_after(s->settings->idle_timeout));
    if (waited.kind == ERROR_BUSY)
        return session_must_end()
                   ? say_goodbye(s, POP3_CODE_SYS_TEMP, SLICE("the server is going down"))
                   : OK;
    if (waited.kind == ERROR_TIMEOUT)
        return say_goodbye(s, POP3_CODE_NONE,
                           stranger ? SLICE("login took too long")
                                    : SLICE("nothing happened for too long"));
    *out_input = !failed(waited);
    return pop3_lost(s, waited);
}

static error dispatch(struct pop3_session *s, slice line)
{
    TRY(pop3_command_parse(line, &s->command));
    const struct pop3_command_row *row = &pop3_command_table[s->command.verb];
    if (!(row->states & s->state))
        return error_make(ERROR_MALFORMED, s->state == POP3_STATE_STRANGER
                                               ? "log in first"
                                               : "not possible after login");
    s->session.state = pop3_verb_name(s->command.verb);
    s->reply.text = row->done;
    instant start = time_now();
    error problem = row->run(s);
    metric_observe(row->seconds, (uint64_t)(time_now() - start));
    return problem;
}

error pop3_session_run(struct pop3_session *s)
{
    while (!s->finished) {
        bool ready;
        slice line;
        arena_reset(&s->arena);
        TRY(wait_for_command(s, &ready));
        if (!ready)
            continue;
        s->command = (struct pop3_command){.verb = POP3_VERB_UNKNOWN};
        s->reply = (struct pop3_reply){0};
        s->session.commands++;
        metric_add(&pop3_commands, 1);
        error outcome = read_line(s, POP3_LINE_SIZE_MAX, &line);
        if (failed(s->lost))
            return s->lost;
        if (outcome.kind == ERROR_LIMIT)
            outcome = error_make(ERROR_MALFORMED, "the line is too long");
        if (!failed(outcome))
            outcome = dispatch(s, line);
        if (s->moving)
            return OK;
        TRY(pop3_answer(s, outcome));
        if (s->state == POP3_STATE_STRANGER && !s->finished &&
            s->session.commands >= POP3_COMMANDS_BEFORE_LOGIN_MAX)
            TRY(say_goodbye(s, POP3_CODE_NONE, SLICE("too many commands before login")));
    }
    return OK;
}
