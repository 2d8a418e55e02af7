/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/serve.h"

#include "service/imap/reply.h"
#include "service/imap/session.h"
#include "service/user/login.h"

#include <stdlib.h>

METRIC_COUNTER(imap_sessions, "ringmail_imap_sessions_total", "", "IMAP connections accepted");
METRIC_GAUGE(imap_sessions_open, "ringmail_imap_sessions", "", "IMAP connections now open");
METRIC_COUNTER(imap_moves, "ringmail_imap_moves_total", "",
               "Sessions that moved to their account's home core after login");
METRIC_COUNTER(imap_commands, "ringmail_imap_commands_total", "", "IMAP commands received");
METRIC_COUNTER(imap_failed, "ringmail_imap_failed_commands_total", "",
               "Commands answered NO because of trouble on this side");

slice imap_refusal(enum listener_refusal reason, void *service)
{
    (void)service;
    switch (reason) {
    case LISTENER_REFUSE_ADDRESS:
        return SLICE("* BYE [LIMIT] too many connections from your address\r\n");
    case LISTENER_REFUSE_STOPPING:
        return SLICE("* BYE [UNAVAILABLE] the server is going down\r\n");
    default:
        return SLICE("* BYE [UNAVAILABLE] too many connections, try again later\r\n");
    }
}

static error greet(struct user_session *base)
{
    struct imap_session *s = imap_session_of(base);
    imap_session_set_limits(s);
    imap_say(s, SLICE_EMPTY,
             (struct imap_response){.kind = IMAP_OK,
                                    .code = IMAP_CODE_CAPABILITY,
                                    .argument = imap_capabilities(s),
                                    .text = s->settings->greeting});
    return user_send(base);
}

static void say_goodbye(struct user_session *base, slice text, bool later)
{
    (void)later;
    imap_say(imap_session_of(base), SLICE_EMPTY,
             (struct imap_response){.kind = IMAP_BYE, .text = text});
}

static const char *command_name(const struct user_session *base)
{
    return imap_verb_name(imap_session_of(base)->command.verb);
}

/* RFC 5530: what a client needs to know about a refusal. */
static error refuse(struct user_session *base, error problem)
{
    struct imap_session *s = imap_session_of(base);
    if (problem.kind == ERROR_BUSY)
        return imap_refuse(s, IMAP_CODE_UNAVAILABLE, problem);
    if (base->finished)
        imap_say(s, SLICE_EMPTY,
                 (struct imap_response){.kind = IMAP_BYE, .text = SLICE("too many failed logins")});
    return imap_refuse(s, IMAP_CODE_AUTHENTICATIONFAILED, problem);
}

static error open_account(struct imap_session *s)
{
    TRY(account_open(&s->base.account, true, &s->account));
    if (!s->settings->create_folders)
        return OK;
    /* No room for more folders: what is there can be read, and room be made. */
    error problem = account_provision(s->account);
    if (failed(problem) && problem.kind != ERROR_CANCELLED)
        log_event(LOG_WARNING, "imap.provision", problem, s->base.account.id);
    return problem.kind == ERROR_CANCELLED ? problem : OK;
}

static error settle(struct user_session *base)
{
    struct imap_session *s = imap_session_of(base);
    error problem = open_account(s);
    if (failed(problem)) {
        account_close(&s->account);
        return problem;
    }
    base->state = IMAP_STATE_LOGGED_IN;
    imap_session_set_limits(s);
    /* RFC 3501 7.1: the capabilities are others now; saying so saves a round trip. */
    s->response = (struct imap_response){.kind = IMAP_OK,
                                         .code = IMAP_CODE_CAPABILITY,
                                         .argument = imap_capabilities(s),
                                         .text = SLICE("logged in")};
    return OK;
}

static void rest(struct user_session *base)
{
    imap_frame_close(&imap_session_of(base)->frame);
}

static void log_counts(const struct user_session *base, struct log_line *line)
{
    const struct imap_counts *counts = &imap_session_of(base)->counts;
    if (counts->fetched)
        log_number(line, "fetched", counts->fetched);
    if (counts->appended)
        log_number(line, "appended", counts->appended);
    if (counts->expunged)
        log_number(line, "expunged", counts->expunged);
}

static void destroy(struct user_session *base)
{
    struct imap_session *s = imap_session_of(base);
    imap_view_close(&s->view);
    account_close(&s->account);
    free(s);
}

static const struct user_protocol protocol = {
    .name = "imap",
    .event = "imap.session",
    .trouble_event = "imap.command",
    .arena_size_max = IMAP_ARENA_SIZE_MAX,
    .output_size_max = IMAP_RESPONSE_SIZE_MAX,
    .command_timeout = IMAP_COMMAND_TIMEOUT_S * TIME_S,
    .commands_before_login_max = IMAP_COMMANDS_BEFORE_LOGIN_MAX,
    .bad_commands_max = IMAP_BAD_COMMANDS_MAX,
    .sessions = &imap_sessions,
    .sessions_open = &imap_sessions_open,
    .moves = &imap_moves,
    .commands = &imap_commands,
    .failed = &imap_failed,
    .greet = greet,
    .serve_command = imap_serve_command,
    .answer = imap_answer,
    .say_goodbye = say_goodbye,
    .command_name = command_name,
    .ask = user_ask,
    .refuse = refuse,
    .settle = settle,
    .rest = rest,
    .log = log_counts,
    .destroy = destroy,
};

void imap_serve(struct stream **stream, void *argument)
{
    const struct imap_service *service = argument;
    struct imap_session *s = calloc(1, sizeof *s);
    if (!s)
        return;
    s->settings = atomic_load_explicit(&service->settings, memory_order_acquire);
    imap_frame_init(&s->frame, &(struct imap_frame_limits){0});
    s->base.protocol = &protocol;
    s->base.tls = service->tls;
    s->base.login = atomic_load_explicit(&service->login, memory_order_acquire);
    s->base.login_timeout = s->settings->login_timeout;
    s->base.idle_timeout = s->settings->idle_timeout;
    s->base.plaintext_login = s->settings->plaintext_login;
    user_session_serve(&s->base, stream);
}
