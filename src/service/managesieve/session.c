/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/session.h"

#include "base/metric.h"
#include "service/managesieve/command/command.h"
#include "service/managesieve/reply.h"

METRIC_COUNTER(commands, "ringmail_managesieve_commands_total", "",
               "ManageSieve commands received");
METRIC_COUNTER(limits, "ringmail_managesieve_limits_total", "",
               "Commands refused because a limit of size was met");

bool managesieve_session_may_login(const struct managesieve_session *s)
{
    return stream_is_tls(s->stream) || s->settings->plaintext_login;
}

void managesieve_session_set_limits(struct managesieve_session *s)
{
    struct imap_frame_limits frame = {.literals_max = MANAGESIEVE_LITERALS_MAX};
    if (s->state == MANAGESIEVE_STATE_STRANGER) {
        frame.literal_size_max = MANAGESIEVE_LITERAL_SIZE_BEFORE_LOGIN_MAX;
        frame.command_size_max = MANAGESIEVE_COMMAND_SIZE_BEFORE_LOGIN_MAX;
    } else {
        frame.literal_size_max = s->scripts->script_size_max;
        frame.command_size_max = s->scripts->script_size_max + MANAGESIEVE_LINE_SIZE_MAX * 2;
    }
    frame.nonsync_size_max = frame.literal_size_max;
    imap_frame_set_limits(&s->frame, &frame);
    s->out.size_max = s->scripts->script_size_max * 2 + (1 << 20);
}

void managesieve_session_rest(struct managesieve_session *s)
{
    arena_release(&s->arena);
    imap_frame_close(&s->frame);
    buffer_close(&s->out);
}

error managesieve_lost(struct managesieve_session *s, error problem)
{
    if (failed(problem) && problem.kind != ERROR_LIMIT && problem.kind != ERROR_MALFORMED)
        s->lost = problem;
    return problem;
}

error managesieve_send(struct managesieve_session *s)
{
    error full = buffer_check(&s->out);
    if (failed(full)) { /* a line was cut off: what follows would be misread */
        s->lost = full;
        return full;
    }
    error problem = stream_write(s->stream, buffer_slice(&s->out));
    s->out.size = 0; /* the memory goes when the session rests */
    return managesieve_lost(s, problem);
}

instant managesieve_deadline(const struct managesieve_session *s)
{
    if (s->state == MANAGESIEVE_STATE_STRANGER)
        return s->stranger_since + s->settings->login_timeout;
    return time_after(MANAGESIEVE_COMMAND_TIMEOUT_S * TIME_S);
}

static error read_line(struct managesieve_session *s, size_t size_max, slice *out_line)
{
    TRY(managesieve_send(s));
    return managesieve_lost(s, stream_read_line(s->stream, STREAM_LINE_TOLERANT, size_max,
                                                managesieve_deadline(s), out_line));
}

error managesieve_read_string(struct managesieve_session *s, size_t size_max, slice *out_string)
{
    slice line;
    struct imap_literal literal;
    TRY(read_line(s, size_max, &line));
    if (!imap_literal_announced(line, &literal) || line.data[0] != '{') {
        slice copy;
        TRY(arena_copy(&s->arena, line, &copy));
        return managesieve_string_parse(copy, &s->arena, out_string);
    }
    if (literal.sync)
        return error_make(ERROR_MALFORMED, "literals are announced with {n+} here");
    if (literal.size > size_max) { /* what follows is out of step */
        s->lost = error_make(ERROR_LIMIT, "a response is too large");
        return s->lost;
    }
    char *bytes = arena_alloc_bytes(&s->arena, literal.size);
    TRY_MEMORY(bytes);
    TRY(managesieve_lost(
        s, stream_read_exact(s->stream, bytes, literal.size, managesieve_deadline(s))));
    *out_string = slice_of(bytes, literal.size);
    TRY(read_line(s, size_max, &line));
    return line.size == 0 ? OK : error_make(ERROR_MALFORMED, "text behind a literal");
}

error managesieve_session_greet(struct managesieve_session *s)
{
    managesieve_write_capabilities(s);
    managesieve_say(
        s, (struct managesieve_response){.status = MANAGESIEVE_OK, .text = s->settings->greeting});
    return managesieve_send(s);
}

static error say_bye(struct managesieve_session *s, enum managesieve_code code, slice text)
{
    managesieve_say(
        s, (struct managesieve_response){.status = MANAGESIEVE_BYE, .code = code, .text = text});
    s->finished = true;
    return managesieve_send(s);
}

/* Until there is input. The idle end of a session is an orderly one. */
static error wait_for_command(struct managesieve_session *s, bool *out_input)
{
    *out_input = stream_has_input(s->stream);
    if (*out_input)
        return OK;
    managesieve_session_rest(s);
    s->session.state = "waiting";
    bool stranger = s->state == MANAGESIEVE_STATE_STRANGER;
    error waited = stream_wait_input(s->stream, stranger ? managesieve_deadline(s)
                                                         : time_after(s->settings->idle_timeout));
    if (waited.kind == ERROR_BUSY)
        return session_must_end()
                   ? say_bye(s, MANAGESIEVE_CODE_TRYLATER, SLICE("the server is going down"))
                   : OK;
    if (waited.kind == ERROR_TIMEOUT)
        return say_bye(s, MANAGESIEVE_CODE_NONE,
                       stranger ? SLICE("login took too long")
                                : SLICE("nothing happened for too long"));
    *out_input = !failed(waited);
    return managesieve_lost(s, waited);
}

/* The client is told; where it goes on sending all the same there is no way to keep step. */
static error refuse_size(struct managesieve_session *s, error problem, bool in_step)
{
    metric_add(&limits, 1);
    problem.kind = ERROR_MALFORMED;
    TRY(managesieve_answer(s, problem));
    return in_step
               ? OK
               : say_bye(s, MANAGESIEVE_CODE_NONE, SLICE("the connection cannot go on after this"));
}

/* RFC 5804 2.6: a script that is too large is no reason to lose the connection. */
static error pass_over(struct managesieve_session *s)
{
    uint64_t size = s->frame.literal.size;
    slice line;
    if (s->state == MANAGESIEVE_STATE_STRANGER ||
        size / MANAGESIEVE_SKIP_FACTOR > s->scripts->script_size_max)
        return refuse_size(s, error_make(ERROR_LIMIT, "the literal is too large"), false);
    TRY(managesieve_lost(s, stream_skip(s->stream, size, managesieve_deadline(s))));
    TRY(read_line(s, MANAGESIEVE_LINE_SIZE_MAX, &line));
    metric_add(&limits, 1);
    s->response.code = MANAGESIEVE_CODE_QUOTA_MAXSIZE;
    return managesieve_answer(s, error_make(ERROR_LIMIT, "the script is too large"));
}

/* One command into the frame. Not ready: it was refused already, or the session ends. */
static error receive(struct managesieve_session *s, bool *out_ready)
{
    *out_ready = false;
    imap_frame_reset(&s->frame);
    for (;;) {
        slice line;
        bool more = false;
        char *room;
        error problem = read_line(s, MANAGESIEVE_LINE_SIZE_MAX, &line);
        if (failed(s->lost))
            return s->lost;
        if (!failed(problem))
            problem = imap_frame_add_line(&s->frame, line, &more);
        if (failed(problem))
            return refuse_size(s, problem, true);
        if (!more) {
            *out_ready = true;
            return OK;
        }
        if (s->frame.literal.sync || s->frame.literal.binary) /* RFC 5804 4: literal-c2s */
            return refuse_size(s,
                               error_make(ERROR_MALFORMED, "literals are announced with {n+} here"),
                               s->frame.literal.sync);
        if (s->frame.literal.size > s->frame.limits.literal_size_max)
            return pass_over(s);
        problem = imap_frame_open_literal(&s->frame, &room);
        if (failed(problem))
            return refuse_size(s, problem, false);
        TRY(managesieve_lost(
            s, stream_read_exact(s->stream, room, s->frame.literal.size, managesieve_deadline(s))));
        imap_frame_close_literal(&s->frame);
    }
}

static error dispatch(struct managesieve_session *s)
{
    TRY(managesieve_command_parse(imap_frame_text(&s->frame), &s->arena, &s->command));
    const struct managesieve_command_row *row = &managesieve_command_table[s->command.verb];
    if (!(row->states & s->state))
        return error_make(ERROR_MALFORMED, s->state == MANAGESIEVE_STATE_STRANGER
                                               ? "log in first"
                                               : "not possible after login");
    s->session.state = managesieve_verb_name(s->command.verb);
    s->response.text = row->done;
    instant start = time_now();
    error problem = row->run(s);
    metric_observe(row->seconds, (uint64_t)(time_now() - start));
    return problem;
}

error managesieve_session_run(struct managesieve_session *s)
{
    while (!s->finished) {
        bool ready;
        arena_reset(&s->arena);
        TRY(wait_for_command(s, &ready));
        if (!ready)
            continue;
        s->command = (struct managesieve_command){.verb = MANAGESIEVE_VERB_UNKNOWN};
        s->response = (struct managesieve_response){.status = MANAGESIEVE_OK};
        TRY(receive(s, &ready));
        if (!ready)
            continue;
        s->session.commands++;
        metric_add(&commands, 1);
        s->stranger_commands += s->state == MANAGESIEVE_STATE_STRANGER;
        error outcome = dispatch(s);
        if (s->moving)
            return OK;
        TRY(managesieve_answer(s, outcome));
        if (s->state == MANAGESIEVE_STATE_STRANGER &&
            s->stranger_commands >= MANAGESIEVE_COMMANDS_BEFORE_LOGIN_MAX && !s->finished)
            TRY(say_bye(s, MANAGESIEVE_CODE_NONE, SLICE("too many commands before login")));
    }
    return OK;
}
