/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"
#include "service/pop3/login.h"
#include "service/pop3/reply.h"

static error ask(struct pop3_session *s, const struct login_exchange *exchange, slice *out_response)
{
    buffer_add(&s->out, SLICE("+ "));
    buffer_add(&s->out, login_exchange_challenge(exchange));
    buffer_add(&s->out, SLICE("\r\n"));
    return pop3_read_response(s, LOGIN_RESPONSE_SIZE_MAX, out_response);
}

static error converse(struct pop3_session *s, struct login_exchange *exchange)
{
    slice response = s->command.texts[1];
    bool done = false;
    if (s->command.count < 2)
        TRY(ask(s, exchange, &response));
    else if (slice_equal(response, SLICE("="))) /* RFC 5034 4: an empty one */
        response = SLICE_EMPTY;
    for (;;) {
        TRY(login_exchange_respond(exchange, response, &s->arena, &done));
        if (response.size) /* it lies in the arena, and may be a password */
            explicit_bzero((char *)(uintptr_t)response.data, response.size);
        if (done)
            return OK;
        TRY(ask(s, exchange, &response));
    }
}

/* Clients from before CAPA ask so (RFC 1734's successor never said it; all servers answer). */
static error list_mechanisms(struct pop3_session *s)
{
    const struct login_party party = pop3_session_login_party(s);
    pop3_say(s, (struct pop3_reply){0});
    for (enum login_mechanism m = 0; m < LOGIN_MECHANISM_COUNT; m++)
        if (login_mechanism_is_offered(m, &party))
            buffer_format(&s->out, "%s\r\n", login_mechanism_name(m));
    return pop3_end_listing(s);
}

/* RFC 5034 4 */
error pop3_command_auth(struct pop3_session *s)
{
    const struct login_party party = pop3_session_login_party(s);
    enum login_mechanism mechanism;
    TRY(pop3_session_check_privacy(s));
    if (s->command.count == 0)
        return list_mechanisms(s);
    if (!login_mechanism_find(s->command.texts[0], &party, &mechanism))
        return error_make(ERROR_MALFORMED, "unknown authentication mechanism");
    struct login_exchange exchange;
    struct directory_account account;
    login_exchange_init(&exchange, mechanism, &party);
    error problem = converse(s, &exchange);
    if (problem.kind == ERROR_CANCELLED && !failed(s->lost)) /* "*" (RFC 5034 4) */
        problem = error_make(ERROR_MALFORMED, "cancelled by the client");
    if (!failed(problem)) {
        problem = login_exchange_finish(&exchange, &s->arena, &account);
        problem = pop3_session_log_in(s, problem, &account);
    }
    login_exchange_wipe(&exchange);
    return problem;
}
