/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/login.h"

#include "base/log.h"
#include "runtime/core.h"
#include "service/imap/reply.h"
#include "service/imap/session.h"
#include "service/login/login.h"

#include <stdlib.h>

/* The key's texts must outlive the command, and the core. */
static error remember(struct imap_session *s, const struct directory_account *account)
{
    slice path = slice_from_string(account->maildir);
    char *memory = malloc(account->address.size + path.size + 1);
    TRY_MEMORY(memory);
    memcpy(memory, account->address.data, account->address.size);
    memcpy(memory + account->address.size, path.data, path.size);
    memory[account->address.size + path.size] = '\0';
    free(s->account_memory);
    s->account_memory = memory;
    s->account_key = (struct store_account_key){
        .id = slice_of(memory, account->address.size),
        .path = slice_of(memory + account->address.size, path.size),
        .quota_bytes = account->quota_bytes,
        .quota_messages = account->quota_messages,
    };
    return OK;
}

/* RFC 5530: what a client needs to know about a refusal. */
static error refuse(struct imap_session *s, error problem)
{
    if (problem.kind == ERROR_BUSY)
        return imap_refuse(s, IMAP_CODE_UNAVAILABLE, problem);
    if (problem.kind != ERROR_DENIED)
        return problem;
    s->counts.logins++;
    if (s->counts.logins >= s->login->attempts_max) {
        imap_say(s, SLICE_EMPTY,
                 (struct imap_response){.kind = IMAP_BYE, .text = SLICE("too many failed logins")});
        s->finished = true;
    }
    return imap_refuse(s, IMAP_CODE_AUTHENTICATIONFAILED, problem);
}

struct login_party imap_session_login_party(const struct imap_session *s)
{
    return (struct login_party){.settings = s->login, .protocol = "imap", .stream = s->stream};
}

error imap_session_check_password(struct imap_session *s, slice name, slice password)
{
    if (!imap_session_may_login(s))
        return imap_refuse(s, IMAP_CODE_PRIVACYREQUIRED,
                           error_make(ERROR_DENIED, "start TLS first"));
    struct directory_account account;
    error problem = login_check(
        &(struct login_attempt){
            .settings = s->login,
            .protocol = "imap",
            .peer = stream_peer(s->stream),
            .name = name,
            .password = password,
        },
        &s->arena, &account);
    if (password.size)
        explicit_bzero((char *)password.data, password.size);
    return imap_session_log_in(s, problem, &account);
}

error imap_session_log_in(struct imap_session *s, error outcome,
                          const struct directory_account *account)
{
    if (failed(outcome))
        return refuse(s, outcome);
    TRY(remember(s, account));
    s->home = store_home_core(s->account_key.id);
    s->moving = s->home != core_self();
    return s->moving ? OK : imap_session_settle(s);
}

static error open_account(struct imap_session *s)
{
    TRY(account_open(&s->account_key, true, &s->account));
    if (!s->settings->create_folders)
        return OK;
    /* No room for more folders: what is there can be read, and room be made. */
    error problem = account_provision(s->account);
    if (failed(problem) && problem.kind != ERROR_CANCELLED)
        log_event(LOG_WARNING, "imap.provision", problem, s->account_key.id);
    return problem.kind == ERROR_CANCELLED ? problem : OK;
}

static error settle(struct imap_session *s)
{
    error problem = open_account(s);
    if (failed(problem)) {
        account_close(&s->account);
        s->account_key = (struct store_account_key){0};
        return problem;
    }
    s->state = IMAP_STATE_LOGGED_IN;
    session_set_account(&s->session, s->account_key.id);
    imap_session_set_limits(s);
    /* RFC 3501 7.1: the capabilities are others now; saying so saves a round trip. */
    s->response = (struct imap_response){.kind = IMAP_OK,
                                         .code = IMAP_CODE_CAPABILITY,
                                         .argument = imap_capabilities(s),
                                         .text = SLICE("logged in")};
    return OK;
}

error imap_session_settle(struct imap_session *s)
{
    if (!s->moving)
        return settle(s);
    s->moving = false;
    return imap_answer(s, settle(s));
}
