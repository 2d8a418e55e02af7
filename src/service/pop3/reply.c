/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/reply.h"

#include "base/metric.h"
#include "service/pop3/session.h"

METRIC_COUNTER(pop3_refused, "ringmail_pop3_refused_commands_total", "",
               "POP3 commands answered -ERR");

/* RFC 3206 */
static enum pop3_code code_of(enum error_kind kind)
{
    return user_is_trouble(kind) || kind == ERROR_BUSY || kind == ERROR_LIMIT ? POP3_CODE_SYS_TEMP
           : kind == ERROR_PERMANENT                                          ? POP3_CODE_SYS_PERM
                                                                              : POP3_CODE_NONE;
}

void pop3_say(struct pop3_session *s, struct pop3_reply reply)
{
    pop3_reply_write(&reply, &s->base.out);
}

error pop3_refuse(struct pop3_session *s, enum pop3_code code, error problem)
{
    s->reply.code = code;
    return problem;
}

error pop3_end_listing(struct pop3_session *s)
{
    buffer_add(&s->base.out, SLICE(".\r\n"));
    s->base.answered = true;
    return user_send(&s->base);
}

static struct pop3_reply refusal(const struct pop3_session *s, error outcome)
{
    struct pop3_reply reply = {.failed = true, .code = s->reply.code};
    if (reply.code == POP3_CODE_NONE)
        reply.code = code_of(outcome.kind);
    reply.text = user_is_trouble(outcome.kind) ? SLICE("try again later")
                 : outcome.text                ? slice_from_string(outcome.text)
                                               : SLICE("not possible");
    return reply;
}

void pop3_answer(struct user_session *base, error outcome)
{
    struct pop3_session *s = pop3_session_of(base);
    metric_add(&pop3_refused, failed(outcome));
    pop3_say(s, failed(outcome) ? refusal(s, outcome) : s->reply);
}
