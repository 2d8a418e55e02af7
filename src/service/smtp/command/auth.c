/* SPDX-License-Identifier: GPL-3.0-or-later
 * AUTH (RFC 4954): who is it? On submission nothing is sent without.
 */
#include "service/login/mechanism.h"
#include "service/smtp/answer.h"
#include "service/smtp/command.h"

static enum smtp_reply reply_to_response(error problem)
{
    switch (problem.kind) {
    case ERROR_NONE:
        return SMTP_REPLY_NONE;
    case ERROR_CANCELLED:
        return SMTP_REPLY_LOGIN_CANCELLED; /* 4: "*" */
    case ERROR_LIMIT:
        return SMTP_REPLY_RESPONSE_TOO_LONG;
    default:
        return SMTP_REPLY_BAD_RESPONSE;
    }
}

/* WAITS. Challenges and responses until name and password are there, or a reply that ends it. */
static error converse(struct smtp_session *s, struct login_exchange *exchange, slice initial,
                      enum smtp_reply *out_reply)
{
    slice response = initial;
    bool given = initial.data != NULL, done = false;
    *out_reply = SMTP_REPLY_NONE;
    if (slice_equal(initial, SLICE("="))) /* 4: an empty one */
        response = SLICE("");
    while (!done && *out_reply == SMTP_REPLY_NONE) {
        if (!given) {
            TRY(smtp_answer_lines(s, 334, NULL, login_exchange_challenge(exchange)));
            TRY(smtp_session_read_line(s, LOGIN_RESPONSE_SIZE_MAX, &response, out_reply));
            if (*out_reply == SMTP_REPLY_LINE_TOO_LONG)
                *out_reply = SMTP_REPLY_RESPONSE_TOO_LONG;
            if (*out_reply != SMTP_REPLY_NONE)
                return OK;
        }
        given = false;
        *out_reply =
            reply_to_response(login_exchange_respond(exchange, response, &s->command_arena, &done));
    }
    return OK;
}

/* WAITS. */
static enum smtp_reply check(struct smtp_session *s, struct login_exchange *exchange)
{
    struct directory_account account;
    error problem = login_exchange_finish(exchange, &s->command_arena, &account);
    if (problem.kind == ERROR_DENIED)
        return ++s->login_failures >= s->login->attempts_max ? SMTP_REPLY_TOO_MANY_LOGINS
                                                             : SMTP_REPLY_LOGIN_DENIED;
    if (!failed(problem))
        problem = arena_copy(&s->arena, account.address, &s->account);
    if (failed(problem))
        return SMTP_REPLY_LOGIN_TROUBLE;
    session_set_account(&s->base, s->account);
    return SMTP_REPLY_LOGGED_IN;
}

error smtp_command_auth(struct smtp_session *s, const struct smtp_command *command)
{
    const struct login_party party = smtp_session_login_party(s);
    enum login_mechanism mechanism;
    struct login_exchange exchange;
    enum smtp_reply reply;
    if (s->account.data) /* 4: once a session; so none comes within a transaction */
        return smtp_answer(s, SMTP_REPLY_ALREADY_LOGGED_IN);
    if (!smtp_session_may_login(s))
        return smtp_answer(s, SMTP_REPLY_LOGIN_NEEDS_TLS);
    if (!login_mechanism_find(command->auth.mechanism, &party, &mechanism))
        return smtp_answer(s, SMTP_REPLY_UNKNOWN_MECHANISM);
    s->base.state = "login";
    login_exchange_init(&exchange, mechanism, &party);
    error problem = converse(s, &exchange, command->auth.initial, &reply);
    if (!failed(problem) && reply == SMTP_REPLY_NONE)
        reply = check(s, &exchange);
    login_exchange_wipe(&exchange);
    TRY(problem);
    return smtp_answer(s, reply);
}
