/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/session.h"

#include "base/metric.h"
#include "service/login/mechanism.h"
#include "service/managesieve/command/command.h"
#include "service/managesieve/reply.h"

METRIC_COUNTER(limits, "ringmail_managesieve_limits_total", "",
               "Commands refused because a limit of size was met");

void managesieve_session_set_limits(struct managesieve_session *s)
{
    struct imap_frame_limits frame = {.literals_max = MANAGESIEVE_LITERALS_MAX};
    if (s->base.state == MANAGESIEVE_STATE_STRANGER) {
        frame.literal_size_max = MANAGESIEVE_LITERAL_SIZE_BEFORE_LOGIN_MAX;
        frame.command_size_max = MANAGESIEVE_COMMAND_SIZE_BEFORE_LOGIN_MAX;
    } else {
        frame.literal_size_max = s->scripts->script_size_max;
        frame.command_size_max = s->scripts->script_size_max + MANAGESIEVE_LINE_SIZE_MAX * 2;
    }
    frame.nonsync_size_max = frame.literal_size_max;
    imap_frame_set_limits(&s->frame, &frame);
    s->base.out.size_max = s->scripts->script_size_max * 2 + (1 << 20);
}

/* One string of the client's inside a command; valid until the next. */
static error read_string(struct managesieve_session *s, size_t size_max, slice *out_string)
{
    slice line;
    struct imap_literal literal;
    TRY(user_read_line(&s->base, size_max, &line));
    if (!imap_literal_announced(line, &literal) || line.data[0] != '{')
        return managesieve_string_parse(line, &s->base.arena, out_string);
    if (literal.sync)
        return error_make(ERROR_MALFORMED, "literals are announced with {n+} here");
    if (literal.size > size_max) { /* what follows is out of step */
        s->base.lost = error_make(ERROR_LIMIT, "a response is too large");
        return s->base.lost;
    }
    char *bytes = arena_alloc_bytes(&s->base.arena, literal.size);
    TRY_MEMORY(bytes);
    TRY(user_lost(&s->base,
                  stream_read_exact(s->base.stream, bytes, literal.size, user_deadline(&s->base))));
    *out_string = slice_of(bytes, literal.size);
    TRY(user_read_line(&s->base, size_max, &line));
    return line.size == 0 ? OK : error_make(ERROR_MALFORMED, "text behind a literal");
}

error managesieve_ask(struct user_session *base, slice challenge, slice *out_response)
{
    managesieve_write_string(challenge, &base->out);
    buffer_add(&base->out, SLICE("\r\n"));
    return read_string(managesieve_session_of(base), LOGIN_RESPONSE_SIZE_MAX, out_response);
}

/* The client is told; where it goes on sending all the same there is no way to keep step. */
static error refuse_size(struct managesieve_session *s, error problem, bool in_step)
{
    metric_add(&limits, 1);
    problem.kind = ERROR_MALFORMED;
    TRY(user_answer(&s->base, problem));
    return in_step
               ? OK
               : user_say_goodbye(&s->base, SLICE("the connection cannot go on after this"), false);
}

/* RFC 5804 2.6: a script that is too large is no reason to lose the connection. */
static error pass_over(struct managesieve_session *s)
{
    uint64_t size = s->frame.literal.size;
    slice line;
    if (s->base.state == MANAGESIEVE_STATE_STRANGER ||
        size / MANAGESIEVE_SKIP_FACTOR > s->scripts->script_size_max)
        return refuse_size(s, error_make(ERROR_LIMIT, "the literal is too large"), false);
    TRY(user_lost(&s->base, stream_skip(s->base.stream, size, user_deadline(&s->base))));
    TRY(user_read_line(&s->base, MANAGESIEVE_LINE_SIZE_MAX, &line));
    metric_add(&limits, 1);
    s->response.code = MANAGESIEVE_CODE_QUOTA_MAXSIZE;
    return user_answer(&s->base, error_make(ERROR_LIMIT, "the script is too large"));
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
        error problem = user_read_line(&s->base, MANAGESIEVE_LINE_SIZE_MAX, &line);
        if (failed(s->base.lost))
            return s->base.lost;
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
        TRY(user_lost(&s->base, stream_read_exact(s->base.stream, room, s->frame.literal.size,
                                                  user_deadline(&s->base))));
        imap_frame_close_literal(&s->frame);
    }
}

static error run(struct managesieve_session *s)
{
    TRY(managesieve_command_parse(imap_frame_text(&s->frame), &s->base.arena, &s->command));
    const struct managesieve_command_row *row = &managesieve_command_table[s->command.verb];
    if (!(row->states & s->base.state))
        return error_make(ERROR_MALFORMED, s->base.state == MANAGESIEVE_STATE_STRANGER
                                               ? "log in first"
                                               : "not possible after login");
    s->base.session.state = managesieve_verb_name(s->command.verb);
    s->response.text = row->done;
    instant start = time_now();
    error problem = row->run(s);
    metric_observe(row->seconds, (uint64_t)(time_now() - start));
    return problem;
}

error managesieve_serve_command(struct user_session *base)
{
    struct managesieve_session *s = managesieve_session_of(base);
    bool ready;
    s->command = (struct managesieve_command){.verb = MANAGESIEVE_VERB_UNKNOWN};
    s->response = (struct managesieve_response){.status = MANAGESIEVE_OK};
    TRY(receive(s, &ready));
    if (!ready)
        return OK;
    user_count_command(base);
    return user_answer(base, run(s));
}
