/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/authenticate.h"

#include "service/imap/command/command.h"
#include "service/imap/login.h"
#include "service/imap/reply.h"
#include "service/login/mechanism.h"

static error ask(struct imap_session *s, const struct login_exchange *exchange, slice *out_response)
{
    buffer_add(&s->out, SLICE("+ "));
    buffer_add(&s->out, login_exchange_challenge(exchange));
    buffer_add(&s->out, SLICE("\r\n"));
    return imap_read_line(s, LOGIN_RESPONSE_SIZE_MAX, out_response);
}

static error converse(struct imap_session *s, struct login_exchange *exchange,
                      const struct imap_authenticate *start)
{
    slice response = start->initial;
    bool done = false;
    if (!start->initial_given)
        TRY(ask(s, exchange, &response));
    for (;;) {
        error problem = login_exchange_respond(exchange, response, &s->arena, &done);
        if (problem.kind == ERROR_CANCELLED) /* RFC 3501 6.2.2: BAD */
            problem.kind = ERROR_MALFORMED;
        TRY(problem);
        if (done)
            return OK;
        TRY(ask(s, exchange, &response));
    }
}

/* RFC 3501 6.2.2, RFC 4959 */
error imap_command_authenticate(struct imap_session *s)
{
    struct imap_authenticate start;
    const struct login_party party = imap_session_login_party(s);
    enum login_mechanism mechanism;
    TRY(imap_authenticate_parse(&s->command.arguments, &start));
    if (!imap_session_may_login(s))
        return imap_refuse(s, IMAP_CODE_PRIVACYREQUIRED,
                           error_make(ERROR_DENIED, "start TLS first"));
    if (!login_mechanism_find(start.mechanism, &party, &mechanism))
        return imap_refuse(s, IMAP_CODE_CANNOT,
                           error_make(ERROR_PERMANENT, "unknown authentication mechanism"));
    struct login_exchange exchange;
    struct directory_account account;
    login_exchange_init(&exchange, mechanism, &party);
    error problem = converse(s, &exchange, &start);
    if (!failed(problem)) {
        problem = login_exchange_finish(&exchange, &s->arena, &account);
        problem = imap_session_log_in(s, problem, &account);
    }
    login_exchange_wipe(&exchange);
    if (start.initial.size) /* it lies in the frame */
        explicit_bzero((char *)start.initial.data, start.initial.size);
    return problem;
}
