/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/session.h"

#include "base/metric.h"
#include "service/imap/command/command.h"

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

void imap_session_set_limits(struct imap_session *s)
{
    imap_frame_set_limits(&s->frame,
                          s->base.state == IMAP_STATE_STRANGER ? &STRANGER_LIMITS : &USER_LIMITS);
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
    TRY(user_answer(&s->base, problem));
    return in_step
               ? OK
               : user_say_goodbye(&s->base, SLICE("the connection cannot go on after this"), false);
}

/* A client that waits for "+" is told now what would be told after the literal. */
static bool is_hopeless(struct imap_session *s)
{
    struct imap_command command;
    return failed(imap_command_parse(imap_frame_text(&s->frame), &command)) ||
           command.verb == IMAP_VERB_UNKNOWN ||
           !(imap_command_table[command.verb].states & s->base.state);
}

static bool is_message_of_append(struct imap_session *s)
{
    struct imap_command command;
    struct imap_append append;
    return s->base.state != IMAP_STATE_STRANGER &&
           !failed(imap_command_parse(imap_frame_text(&s->frame), &command)) &&
           command.verb == IMAP_APPEND &&
           !failed(imap_append_parse(&command.arguments, &s->base.arena, s->name_form, &append));
}

static error read_literal(struct imap_session *s, char *room)
{
    if (s->frame.literal.sync) {
        buffer_add(&s->base.out, SLICE("+ go ahead\r\n"));
        TRY(user_send(&s->base));
    }
    TRY(user_lost(&s->base, stream_read_exact(s->base.stream, room, s->frame.literal.size,
                                              user_deadline(&s->base))));
    imap_frame_close_literal(&s->frame);
    return OK;
}

/* One command into the frame. Not ready: it was refused already, or the session ends. */
static error receive(struct imap_session *s, bool *out_ready)
{
    size_t line_max =
        s->base.state == IMAP_STATE_STRANGER ? IMAP_LINE_SIZE_BEFORE_LOGIN_MAX : IMAP_LINE_SIZE_MAX;
    *out_ready = false;
    imap_frame_reset(&s->frame);
    for (;;) {
        slice line;
        bool more;
        error problem = user_read_line(&s->base, line_max, &line);
        if (failed(s->base.lost))
            return s->base.lost;
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

static error run(struct imap_session *s)
{
    error problem = imap_command_parse(imap_frame_text(&s->frame), &s->command);
    if (failed(problem))
        return problem;
    if (s->command.verb == IMAP_VERB_UNKNOWN)
        return error_make(ERROR_MALFORMED, "unknown command");
    const struct imap_command_row *row = &imap_command_table[s->command.verb];
    if (!(row->states & s->base.state))
        return error_make(ERROR_MALFORMED, "not possible in this state");
    s->base.session.state = imap_verb_name(s->command.verb);
    s->response.text = row->done;
    instant start = time_now();
    problem = row->run(s);
    if (s->base.state == IMAP_STATE_SELECTED && !failed(s->base.lost) && !s->base.moving) {
        error synced = imap_view_tell(s, row->expunges || s->command.uid);
        if (failed(synced) && !failed(problem))
            problem = synced;
    }
    metric_observe(row->seconds, (uint64_t)(time_now() - start));
    return problem;
}

error imap_serve_command(struct user_session *base)
{
    struct imap_session *s = imap_session_of(base);
    bool ready;
    s->command = (struct imap_command){.verb = IMAP_VERB_UNKNOWN};
    s->response = (struct imap_response){.kind = IMAP_OK, .text = SLICE("done")};
    TRY(receive(s, &ready));
    if (!ready)
        return OK;
    user_count_command(base);
    return user_answer(base, run(s));
}
