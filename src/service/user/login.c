/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/user/login.h"

#include "runtime/core.h"
#include "service/login/login.h"
#include "service/user/session.h"

#include <stdlib.h>

struct login_party user_login_party(const struct user_session *s)
{
    return (struct login_party){
        .settings = s->login, .protocol = s->protocol->name, .stream = s->stream};
}

error user_check_privacy(const struct user_session *s)
{
    return stream_is_tls(s->stream) || s->plaintext_login
               ? OK
               : error_make(ERROR_DENIED, "start TLS first");
}

static void forget(struct user_session *s)
{
    free(s->account_memory);
    s->account_memory = NULL;
    s->account = (struct store_account_key){0};
}

/* The key's texts must outlive the command, and the core. */
static error remember(struct user_session *s, const struct directory_account *account)
{
    slice path = slice_from_string(account->maildir);
    char *memory = malloc(account->address.size + path.size + 1);
    TRY_MEMORY(memory);
    memcpy(memory, account->address.data, account->address.size);
    memcpy(memory + account->address.size, path.data, path.size);
    memory[account->address.size + path.size] = '\0';
    forget(s);
    s->account_memory = memory;
    s->account = (struct store_account_key){
        .id = slice_of(memory, account->address.size),
        .path = slice_of(memory + account->address.size, path.size),
        .quota_bytes = account->quota_bytes,
        .quota_messages = account->quota_messages,
    };
    return s->protocol->remember ? s->protocol->remember(s, account) : OK;
}

static error refuse(struct user_session *s, error problem)
{
    if (problem.kind == ERROR_DENIED && ++s->failed_logins >= s->login->attempts_max)
        s->finished = true;
    return problem.kind == ERROR_DENIED || problem.kind == ERROR_BUSY
               ? s->protocol->refuse(s, problem)
               : problem;
}

static error conclude(struct user_session *s, error outcome,
                      const struct directory_account *account)
{
    if (failed(outcome))
        return refuse(s, outcome);
    outcome = remember(s, account);
    if (failed(outcome)) {
        forget(s);
        return outcome;
    }
    s->home = store_home_core(s->account.id);
    s->moving = s->home != core_self();
    return s->moving ? OK : user_settle(s);
}

/* It lies in the command's memory, or in the stream's. */
static void wipe(slice secret)
{
    if (secret.size)
        explicit_bzero((char *)(uintptr_t)secret.data, secret.size);
}

error user_log_in(struct user_session *s, slice name, slice password)
{
    struct directory_account account;
    error problem = login_check(
        &(struct login_attempt){
            .settings = s->login,
            .protocol = s->protocol->name,
            .peer = stream_peer(s->stream),
            .name = name,
            .password = password,
        },
        &s->arena, &account);
    wipe(password);
    return conclude(s, problem, &account);
}

error user_ask(struct user_session *s, slice challenge, slice *out_response)
{
    buffer_add(&s->out, SLICE("+ "));
    buffer_add(&s->out, challenge);
    buffer_add(&s->out, SLICE("\r\n"));
    return user_read_line(s, LOGIN_RESPONSE_SIZE_MAX, out_response);
}

static error converse(struct user_session *s, struct login_exchange *exchange, const slice *initial)
{
    slice response = initial ? *initial : SLICE_EMPTY;
    bool ask = !initial, done = false;
    while (!done) {
        if (ask)
            TRY(s->protocol->ask(s, login_exchange_challenge(exchange), &response));
        ask = true;
        error problem = login_exchange_respond(exchange, response, &s->arena, &done);
        wipe(response);
        if (problem.kind == ERROR_CANCELLED) /* "*", no trouble of ours */
            problem.kind = ERROR_MALFORMED;
        TRY(problem);
    }
    return OK;
}

error user_authenticate(struct user_session *s, enum login_mechanism mechanism,
                        const slice *initial)
{
    const struct login_party party = user_login_party(s);
    struct login_exchange exchange;
    struct directory_account account;
    login_exchange_init(&exchange, mechanism, &party);
    error problem = converse(s, &exchange, initial);
    if (!failed(problem)) {
        problem = login_exchange_finish(&exchange, &s->arena, &account);
        problem = conclude(s, problem, &account);
    }
    login_exchange_wipe(&exchange);
    return problem;
}

error user_settle(struct user_session *s)
{
    error problem = s->protocol->settle(s);
    if (failed(problem)) { /* a stranger again */
        forget(s);
        return problem;
    }
    session_set_account(&s->session, s->account.id);
    return OK;
}

void user_log_out(struct user_session *s)
{
    forget(s);
    s->state = USER_STRANGER;
    s->stranger_since = time_now();
    s->stranger_commands = 0;
    session_set_account(&s->session, SLICE_EMPTY);
}
