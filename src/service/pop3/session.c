/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/session.h"

#include "service/pop3/command/command.h"

static error run(struct pop3_session *s, slice line)
{
    slice text; /* of its own: a command may read more lines */
    TRY(arena_copy(&s->base.arena, line, &text));
    TRY(pop3_command_parse(text, &s->command));
    const struct pop3_command_row *row = &pop3_command_table[s->command.verb];
    if (!(row->states & s->base.state))
        return error_make(ERROR_MALFORMED, s->base.state == POP3_STATE_STRANGER
                                               ? "log in first"
                                               : "not possible after login");
    s->base.session.state = pop3_verb_name(s->command.verb);
    s->reply.text = row->done;
    instant start = time_now();
    error problem = row->run(s);
    metric_observe(row->seconds, (uint64_t)(time_now() - start));
    return problem;
}

error pop3_serve_command(struct user_session *base)
{
    struct pop3_session *s = pop3_session_of(base);
    slice line;
    s->command = (struct pop3_command){.verb = POP3_VERB_UNKNOWN};
    s->reply = (struct pop3_reply){0};
    user_count_command(base);
    error outcome = user_read_line(base, POP3_LINE_SIZE_MAX, &line);
    if (outcome.kind == ERROR_LIMIT)
        outcome = error_make(ERROR_MALFORMED, "the line is too long");
    return user_answer(base, failed(outcome) ? outcome : run(s, line));
}
