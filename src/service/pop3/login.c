/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/login.h"

#include "runtime/core.h"
#include "service/login/login.h"
#include "service/pop3/reply.h"
#include "service/pop3/session.h"

#include <stdlib.h>

struct login_party pop3_session_login_party(const struct pop3_session *s)
{
    return (struct login_party){.settings = s->login, .protocol = "pop3", .stream = s->stream};
}

/* The key's texts must outlive the command, and the core. */
static error remember(struct pop3_session *s, const struct directory_account *account)
{
    slice path = slice_from_string(account->maildir);
    char *memory = malloc(account->address.size + path.size + 1);
    TRY_MEMORY(memory);
    memcpy(memory, account->address.data, account->address.size);
    memcpy(memory + account->address.size, path.data, path.size);
    memory[account->address.size + path.size] = '\0';
    free(s->account_memory);
    s->account_memory = memory;
    s->account = (struct store_account_key){
        .id = slice_of(memory, account->address.size),
        .path = slice_of(memory + account->address.size, path.size),
        .quota_bytes = account->quota_bytes,
        .quota_messages = account->quota_messages,
    };
    return OK;
}

error pop3_session_check_privacy(const struct pop3_session *s)
{
    /* RFC 3206 has no code for this: [AUTH] would make clients ask for another password */
    return pop3_session_may_login(s) ? OK : error_make(ERROR_DENIED, "start TLS first");
}

/* RFC 3206: [AUTH] where the credentials are at fault, [SYS/TEMP] where anything else is. */
static error refuse(struct pop3_session *s, error problem)
{
    if (problem.kind != ERROR_DENIED)
        return problem;
    s->counts.failed_logins++;
    if (s->counts.failed_logins >= s->login->attempts_max)
        s->finished = true;
    return pop3_refuse(s, POP3_CODE_AUTH, problem);
}

error pop3_session_check_password(struct pop3_session *s, slice name, slice password)
{
    struct directory_account account;
    error problem = login_check(
        &(struct login_attempt){
            .settings = s->login,
            .protocol = "pop3",
            .peer = stream_peer(s->stream),
            .name = name,
            .password = password,
        },
        &s->arena, &account);
    if (password.size) /* it lies in the arena */
        explicit_bzero((char *)(uintptr_t)password.data, password.size);
    return pop3_session_log_in(s, problem, &account);
}

error pop3_session_log_in(struct pop3_session *s, error outcome,
                          const struct directory_account *account)
{
    if (failed(outcome))
        return refuse(s, outcome);
    TRY(remember(s, account));
    s->home = store_home_core(s->account.id);
    s->moving = s->home != core_self();
    return s->moving ? OK : pop3_session_settle(s);
}

static error open_maildrop(struct pop3_session *s)
{
    error problem =
        pop3_presence_enter(&s->presence, s->account.id, s->settings->sessions_per_account_max);
    if (problem.kind == ERROR_LIMIT)
        return pop3_refuse(s, POP3_CODE_IN_USE, problem);
    TRY(problem);
    problem = pop3_presence_login(s->account.id, time_now(), s->settings->login_delay);
    if (problem.kind == ERROR_BUSY)
        return pop3_refuse(s, POP3_CODE_LOGIN_DELAY, problem);
    TRY(problem);
    problem = pop3_maildrop_open(&s->drop, &s->account, s->settings->messages_max);
    if (problem.kind == ERROR_NOT_FOUND || problem.kind == ERROR_DENIED)
        return pop3_refuse(s, POP3_CODE_SYS_PERM, problem);
    return problem;
}

static error settle(struct pop3_session *s)
{
    error problem = open_maildrop(s);
    if (failed(problem)) { /* a stranger again */
        pop3_maildrop_close(&s->drop);
        pop3_presence_leave(&s->presence);
        s->account = (struct store_account_key){0};
        return problem;
    }
    s->state = POP3_STATE_TRANSACTION;
    session_set_account(&s->session, s->account.id);
    free(s->name);
    s->name = NULL;
    s->reply = (struct pop3_reply){0};
    return arena_format(&s->arena, &s->reply.text, "%u messages, %llu octets", s->drop.count,
                        (unsigned long long)s->drop.size);
}

error pop3_session_settle(struct pop3_session *s)
{
    if (!s->moving)
        return settle(s);
    s->moving = false;
    return pop3_answer(s, settle(s));
}
