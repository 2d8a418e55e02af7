/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/serve.h"

#include "service/pop3/reply.h"
#include "service/pop3/session.h"
#include "service/user/login.h"

#include <stdlib.h>

METRIC_COUNTER(pop3_sessions, "ringmail_pop3_sessions_total", "", "POP3 connections accepted");
METRIC_GAUGE(pop3_sessions_open, "ringmail_pop3_sessions", "", "POP3 connections now open");
METRIC_COUNTER(pop3_moves, "ringmail_pop3_moves_total", "",
               "Sessions that moved to their account's home core after login");
METRIC_COUNTER(pop3_commands, "ringmail_pop3_commands_total", "", "POP3 commands received");
METRIC_COUNTER(pop3_trouble, "ringmail_pop3_failed_commands_total", "",
               "POP3 commands answered -ERR because of trouble on this side");

slice pop3_refusal(enum listener_refusal reason, void *service)
{
    (void)service;
    switch (reason) {
    case LISTENER_REFUSE_ADDRESS:
        return SLICE("-ERR [SYS/TEMP] too many connections from your address\r\n");
    case LISTENER_REFUSE_STOPPING:
        return SLICE("-ERR [SYS/TEMP] the server is going down\r\n");
    default:
        return SLICE("-ERR [SYS/TEMP] too many connections, try again later\r\n");
    }
}

static error greet(struct user_session *base)
{
    struct pop3_session *s = pop3_session_of(base);
    pop3_say(s, (struct pop3_reply){.text = s->settings->greeting});
    return user_send(base);
}

static void say_goodbye(struct user_session *base, slice text, bool later)
{
    pop3_say(pop3_session_of(base),
             (struct pop3_reply){.failed = true,
                                 .code = later ? POP3_CODE_SYS_TEMP : POP3_CODE_NONE,
                                 .text = text});
}

static const char *command_name(const struct user_session *base)
{
    return pop3_verb_name(pop3_session_of(base)->command.verb);
}

/* RFC 3206: [AUTH] where the credentials are at fault, [SYS/TEMP] where anything else is. */
static error refuse(struct user_session *base, error problem)
{
    return pop3_refuse(pop3_session_of(base),
                       problem.kind == ERROR_DENIED ? POP3_CODE_AUTH : POP3_CODE_NONE, problem);
}

static error open_maildrop(struct pop3_session *s)
{
    slice account = s->base.account.id;
    error problem =
        pop3_presence_enter(&s->presence, account, s->settings->sessions_per_account_max);
    if (problem.kind == ERROR_LIMIT)
        return pop3_refuse(s, POP3_CODE_IN_USE, problem);
    TRY(problem);
    problem = pop3_presence_login(account, time_now(), s->settings->login_delay);
    if (problem.kind == ERROR_BUSY)
        return pop3_refuse(s, POP3_CODE_LOGIN_DELAY, problem);
    TRY(problem);
    problem = pop3_maildrop_open(&s->drop, &s->base.account, s->settings->messages_max);
    if (problem.kind == ERROR_NOT_FOUND || problem.kind == ERROR_DENIED)
        return pop3_refuse(s, POP3_CODE_SYS_PERM, problem);
    TRY(problem);
    s->reply = (struct pop3_reply){0};
    return arena_format(&s->base.arena, &s->reply.text, "%u messages, %llu octets", s->drop.count,
                        (unsigned long long)s->drop.size);
}

static void leave_maildrop(struct pop3_session *s)
{
    pop3_maildrop_close(&s->drop);
    pop3_presence_leave(&s->presence);
}

static error settle(struct user_session *base)
{
    struct pop3_session *s = pop3_session_of(base);
    error problem = open_maildrop(s);
    if (failed(problem)) {
        leave_maildrop(s);
        return problem;
    }
    base->state = POP3_STATE_TRANSACTION;
    free(s->name);
    s->name = NULL;
    return OK;
}

static void log_counts(const struct user_session *base, struct log_line *line)
{
    const struct pop3_session *s = pop3_session_of(base);
    if (s->retrieved)
        log_number(line, "retrieved", s->retrieved);
    if (s->deleted)
        log_number(line, "deleted", s->deleted);
}

static void destroy(struct user_session *base)
{
    struct pop3_session *s = pop3_session_of(base);
    leave_maildrop(s);
    free(s->name);
    free(s);
}

static const struct user_protocol protocol = {
    .name = "pop3",
    .event = "pop3.session",
    .trouble_event = "pop3.command",
    .arena_size_max = POP3_ARENA_SIZE_MAX,
    .output_size_max = POP3_OUTPUT_SIZE_MAX,
    .command_timeout = POP3_COMMAND_TIMEOUT_S * TIME_S,
    .commands_before_login_max = POP3_COMMANDS_BEFORE_LOGIN_MAX,
    .bad_commands_max = POP3_BAD_COMMANDS_MAX,
    .sessions = &pop3_sessions,
    .sessions_open = &pop3_sessions_open,
    .moves = &pop3_moves,
    .commands = &pop3_commands,
    .failed = &pop3_trouble,
    .greet = greet,
    .serve_command = pop3_serve_command,
    .answer = pop3_answer,
    .say_goodbye = say_goodbye,
    .command_name = command_name,
    .ask = user_ask,
    .refuse = refuse,
    .settle = settle,
    .log = log_counts,
    .destroy = destroy,
};

void pop3_serve(struct stream **stream, void *argument)
{
    const struct pop3_service *service = argument;
    struct pop3_session *s = calloc(1, sizeof *s);
    if (!s)
        return;
    s->settings = atomic_load_explicit(&service->settings, memory_order_acquire);
    s->base.protocol = &protocol;
    s->base.tls = service->tls;
    s->base.login = atomic_load_explicit(&service->login, memory_order_acquire);
    s->base.login_timeout = s->settings->login_timeout;
    s->base.idle_timeout = s->settings->idle_timeout;
    s->base.plaintext_login = s->settings->plaintext_login;
    user_session_serve(&s->base, stream);
}
