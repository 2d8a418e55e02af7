/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"
#include "service/managesieve/login.h"
#include "service/managesieve/reply.h"

static error ask(struct managesieve_session *s, const struct login_exchange *exchange,
                 slice *out_response)
{
    managesieve_write_string(login_exchange_challenge(exchange), &s->out);
    buffer_add(&s->out, SLICE("\r\n"));
    return managesieve_read_string(s, LOGIN_RESPONSE_SIZE_MAX, out_response);
}

static error converse(struct managesieve_session *s, struct login_exchange *exchange)
{
    slice response = s->command.strings[1];
    bool done = false;
    if (s->command.count < 2)
        TRY(ask(s, exchange, &response));
    for (;;) {
        TRY(login_exchange_respond(exchange, response, &s->arena, &done));
        if (done)
            return OK;
        TRY(ask(s, exchange, &response));
    }
}

/* RFC 5804 2.1 */
error managesieve_command_authenticate(struct managesieve_session *s)
{
    const struct login_party party = managesieve_session_login_party(s);
    enum login_mechanism mechanism;
    if (!managesieve_session_may_login(s))
        return managesieve_refuse(s, MANAGESIEVE_CODE_ENCRYPT_NEEDED,
                                  error_make(ERROR_DENIED, "start TLS first"));
    if (!login_mechanism_find(s->command.strings[0], &party, &mechanism))
        return managesieve_refuse(s, MANAGESIEVE_CODE_NONE,
                                  error_make(ERROR_PERMANENT, "unknown authentication mechanism"));
    struct login_exchange exchange;
    struct directory_account account;
    login_exchange_init(&exchange, mechanism, &party);
    error problem = converse(s, &exchange);
    if (problem.kind == ERROR_CANCELLED && !failed(s->lost)) /* "*" (RFC 5804 2.1) */
        problem = error_make(ERROR_MALFORMED, "cancelled by the client");
    if (!failed(problem)) {
        problem = login_exchange_finish(&exchange, &s->arena, &account);
        problem = managesieve_session_log_in(s, problem, &account);
    }
    login_exchange_wipe(&exchange);
    if (s->command.strings[1].size) /* it lies in the frame or the arena */
        explicit_bzero((char *)(uintptr_t)s->command.strings[1].data, s->command.strings[1].size);
    return problem;
}
