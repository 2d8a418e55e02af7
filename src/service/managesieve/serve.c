/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/serve.h"

#include "data/directory/directory.h"
#include "service/managesieve/reply.h"
#include "service/managesieve/session.h"

#include <stdlib.h>

METRIC_COUNTER(sessions, "ringmail_managesieve_sessions_total", "",
               "ManageSieve connections accepted");
METRIC_GAUGE(sessions_open, "ringmail_managesieve_sessions", "",
             "ManageSieve connections now open");
METRIC_COUNTER(moves, "ringmail_managesieve_moves_total", "",
               "Sessions that moved to their account's home core after login");
METRIC_COUNTER(commands, "ringmail_managesieve_commands_total", "",
               "ManageSieve commands received");
METRIC_COUNTER(trouble, "ringmail_managesieve_failed_commands_total", "",
               "ManageSieve commands answered NO because of trouble on this side");

slice managesieve_refusal(enum listener_refusal reason, void *service)
{
    (void)service;
    switch (reason) {
    case LISTENER_REFUSE_ADDRESS:
        return SLICE("BYE (TRYLATER) \"too many connections from your address\"\r\n");
    case LISTENER_REFUSE_STOPPING:
        return SLICE("BYE (TRYLATER) \"the server is going down\"\r\n");
    default:
        return SLICE("BYE (TRYLATER) \"too many connections, try again later\"\r\n");
    }
}

static error greet(struct user_session *base)
{
    struct managesieve_session *s = managesieve_session_of(base);
    managesieve_session_set_limits(s);
    managesieve_write_capabilities(s);
    managesieve_say(
        s, (struct managesieve_response){.status = MANAGESIEVE_OK, .text = s->settings->greeting});
    return user_send(base);
}

static void say_goodbye(struct user_session *base, slice text, bool later)
{
    enum managesieve_code code = later ? MANAGESIEVE_CODE_TRYLATER : MANAGESIEVE_CODE_NONE;
    managesieve_say(
        managesieve_session_of(base),
        (struct managesieve_response){.status = MANAGESIEVE_BYE, .code = code, .text = text});
}

static const char *command_name(const struct user_session *base)
{
    return managesieve_verb_name(managesieve_session_of(base)->command.verb);
}

static error refuse(struct user_session *base, error problem)
{
    struct managesieve_session *s = managesieve_session_of(base);
    if (problem.kind == ERROR_BUSY)
        return managesieve_refuse(s, MANAGESIEVE_CODE_TRYLATER, problem);
    if (base->finished) {
        s->response.status = MANAGESIEVE_BYE;
        problem.text = "too many failed logins";
    }
    return managesieve_refuse(s, MANAGESIEVE_CODE_NONE, problem);
}

static error remember(struct user_session *base, const struct directory_account *account)
{
    struct managesieve_session *s = managesieve_session_of(base);
    struct script_place place;
    TRY(script_place_make(s->scripts, account->home, &base->arena, &place));
    size_t folder = strlen(place.folder) + 1, active = strlen(place.active) + 1;
    char *memory = malloc(folder + active);
    TRY_MEMORY(memory);
    memcpy(memory, place.folder, folder);
    memcpy(memory + folder, place.active, active);
    free(s->place_memory);
    s->place_memory = memory;
    s->place = (struct script_place){memory, memory + folder};
    return OK;
}

static error settle(struct user_session *base)
{
    struct managesieve_session *s = managesieve_session_of(base);
    base->state = MANAGESIEVE_STATE_LOGGED_IN;
    managesieve_session_set_limits(s);
    s->response =
        (struct managesieve_response){.status = MANAGESIEVE_OK, .text = SLICE("logged in")};
    return OK;
}

static void rest(struct user_session *base)
{
    imap_frame_close(&managesieve_session_of(base)->frame);
}

static void log_counts(const struct user_session *base, struct log_line *line)
{
    const struct managesieve_session *s = managesieve_session_of(base);
    if (s->written)
        log_number(line, "scripts_written", s->written);
}

static void destroy(struct user_session *base)
{
    struct managesieve_session *s = managesieve_session_of(base);
    free(s->place_memory);
    free(s);
}

static const struct user_protocol protocol = {
    .name = "managesieve",
    .event = "managesieve.session",
    .trouble_event = "managesieve.command",
    .arena_size_max = MANAGESIEVE_ARENA_SIZE_MAX,
    .output_size_max = 1 << 20, /* and of scripts what they may be: session.c */
    .command_timeout = MANAGESIEVE_COMMAND_TIMEOUT_S * TIME_S,
    .commands_before_login_max = MANAGESIEVE_COMMANDS_BEFORE_LOGIN_MAX,
    .bad_commands_max = MANAGESIEVE_BAD_COMMANDS_MAX,
    .sessions = &sessions,
    .sessions_open = &sessions_open,
    .moves = &moves,
    .commands = &commands,
    .failed = &trouble,
    .greet = greet,
    .serve_command = managesieve_serve_command,
    .answer = managesieve_answer,
    .say_goodbye = say_goodbye,
    .command_name = command_name,
    .ask = managesieve_ask,
    .refuse = refuse,
    .remember = remember,
    .settle = settle,
    .rest = rest,
    .log = log_counts,
    .destroy = destroy,
};

void managesieve_serve(struct stream **stream, void *argument)
{
    const struct managesieve_service *service = argument;
    const struct sieve_settings *scripts = sieve_settings_here();
    struct managesieve_session *s = scripts ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return;
    s->settings = atomic_load_explicit(&service->settings, memory_order_acquire);
    s->scripts = scripts;
    imap_frame_init(&s->frame, &(struct imap_frame_limits){0});
    s->base.protocol = &protocol;
    s->base.tls = service->tls;
    s->base.login = atomic_load_explicit(&service->login, memory_order_acquire);
    s->base.login_timeout = s->settings->login_timeout;
    s->base.idle_timeout = s->settings->idle_timeout;
    s->base.plaintext_login = s->settings->plaintext_login;
    user_session_serve(&s->base, stream);
}
