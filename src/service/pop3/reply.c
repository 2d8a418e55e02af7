/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/reply.h"

#include "base/log.h"
#include "base/metric.h"
#include "service/pop3/session.h"

METRIC_COUNTER(pop3_refused, "ringmail_pop3_refused_commands_total", "",
               "POP3 commands answered -ERR");
METRIC_COUNTER(pop3_trouble, "ringmail_pop3_failed_commands_total", "",
               "POP3 commands answered -ERR because of trouble on this side");

static bool is_our_trouble(enum error_kind kind)
{
    return kind == ERROR_TEMPORARY || kind == ERROR_SYSTEM || kind == ERROR_BUG ||
           kind == ERROR_TIMEOUT || kind == ERROR_CLOSED || kind == ERROR_CANCELLED;
}

/* RFC 3206 */
static enum pop3_code code_of(enum error_kind kind)
{
    return is_our_trouble(kind) || kind == ERROR_BUSY || kind == ERROR_LIMIT ? POP3_CODE_SYS_TEMP
           : kind == ERROR_PERMANENT                                         ? POP3_CODE_SYS_PERM
                                                                             : POP3_CODE_NONE;
}

static void log_trouble(const struct pop3_session *s, error problem)
{
    char id[SESSION_ID_SIZE];
    session_id(&s->session, id);
    struct log_line line = log_begin(LOG_WARNING, "pop3.command");
    log_string(&line, "session", id);
    log_string(&line, "command", pop3_verb_name(s->command.verb));
    log_text(&line, "user", s->account.id);
    log_error(&line, problem);
    log_end(&line);
}

void pop3_say(struct pop3_session *s, struct pop3_reply reply)
{
    pop3_reply_write(&reply, &s->out);
}

error pop3_refuse(struct pop3_session *s, enum pop3_code code, error problem)
{
    s->reply.code = code;
    return problem;
}

error pop3_end_listing(struct pop3_session *s)
{
    buffer_add(&s->out, SLICE(".\r\n"));
    s->answered = true;
    s->counts.bad = 0;
    return pop3_send(s);
}

static struct pop3_reply refusal(const struct pop3_session *s, error outcome)
{
    struct pop3_reply reply = {.failed = true, .code = s->reply.code};
    if (reply.code == POP3_CODE_NONE)
        reply.code = code_of(outcome.kind);
    reply.text = is_our_trouble(outcome.kind) ? SLICE("try again later")
                 : outcome.text               ? slice_from_string(outcome.text)
                                              : SLICE("not possible");
    return reply;
}

error pop3_answer(struct pop3_session *s, error outcome)
{
    if (failed(s->lost))
        return s->lost;
    if (s->answered) {
        s->answered = false;
        return OK;
    }
    struct pop3_reply reply = failed(outcome) ? refusal(s, outcome) : s->reply;
    if (is_our_trouble(outcome.kind)) {
        metric_add(&pop3_trouble, 1);
        log_trouble(s, outcome);
    }
    metric_add(&pop3_refused, failed(outcome));
    pop3_say(s, reply);
    s->counts.bad = outcome.kind == ERROR_MALFORMED ? s->counts.bad + 1 : 0;
    if (s->counts.bad >= POP3_BAD_COMMANDS_MAX && !s->finished) {
        pop3_say(s, (struct pop3_reply){.failed = true, .text = SLICE("too many bad commands")});
        s->finished = true;
    }
    return pop3_send(s);
}
