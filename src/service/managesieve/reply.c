/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/reply.h"

#include "base/metric.h"
#include "service/managesieve/script.h"
#include "service/managesieve/session.h"
#include "service/user/login.h"

METRIC_COUNTER(refused, "ringmail_managesieve_refused_commands_total", "",
               "ManageSieve commands answered NO");

static enum managesieve_code code_of(enum error_kind kind)
{
    if (user_is_trouble(kind))
        return MANAGESIEVE_CODE_TRYLATER;
    return kind == ERROR_NOT_FOUND ? MANAGESIEVE_CODE_NONEXISTENT
           : kind == ERROR_EXISTS  ? MANAGESIEVE_CODE_ALREADYEXISTS
                                   : MANAGESIEVE_CODE_NONE;
}

void managesieve_say(struct managesieve_session *s, struct managesieve_response response)
{
    managesieve_response_write(&response, &s->base.out);
}

error managesieve_refuse(struct managesieve_session *s, enum managesieve_code code, error problem)
{
    s->response.code = code;
    s->response.argument = SLICE_EMPTY;
    s->response.text = SLICE_EMPTY;
    return problem;
}

error managesieve_refuse_text(struct managesieve_session *s, enum managesieve_code code, slice text)
{
    s->response = (struct managesieve_response){.code = code, .text = text};
    return error_make(ERROR_PERMANENT, NULL);
}

static struct managesieve_response response_to(const struct managesieve_session *s, error outcome)
{
    struct managesieve_response response = {
        .status = s->response.status == MANAGESIEVE_BYE ? MANAGESIEVE_BYE : MANAGESIEVE_NO,
        .code = s->response.code};
    if (response.code == MANAGESIEVE_CODE_NONE)
        response.code = code_of(outcome.kind);
    response.text = user_is_trouble(outcome.kind) ? SLICE("try again later")
                    : outcome.text                ? slice_from_string(outcome.text)
                                                  : s->response.text;
    return response;
}

void managesieve_answer(struct user_session *base, error outcome)
{
    struct managesieve_session *s = managesieve_session_of(base);
    struct managesieve_response response = failed(outcome) ? response_to(s, outcome) : s->response;
    metric_add(&refused, response.status == MANAGESIEVE_NO);
    managesieve_say(s, response);
}

static void write_capability(struct managesieve_session *s, slice name, slice value)
{
    managesieve_write_string(name, &s->base.out);
    if (value.data) {
        buffer_add_byte(&s->base.out, ' ');
        managesieve_write_string(value, &s->base.out);
    }
    buffer_add(&s->base.out, SLICE("\r\n"));
}

/* RFC 5804 1.7: empty where nobody may log in as things are. */
static void write_mechanisms(struct managesieve_session *s)
{
    const struct login_party party = user_login_party(&s->base);
    bool may_login = !failed(user_check_privacy(&s->base)), first = true;
    buffer_add(&s->base.out, SLICE("\"SASL\" \""));
    for (enum login_mechanism m = 0; may_login && m < LOGIN_MECHANISM_COUNT; m++) {
        if (!login_mechanism_is_offered(m, &party))
            continue;
        buffer_format(&s->base.out, "%s%s", first ? "" : " ", login_mechanism_name(m));
        first = false;
    }
    buffer_add(&s->base.out, SLICE("\"\r\n"));
}

void managesieve_write_capabilities(struct managesieve_session *s)
{
    write_capability(s, SLICE("IMPLEMENTATION"), SLICE("Ringmail"));
    write_capability(s, SLICE("SIEVE"), managesieve_script_extensions());
    write_mechanisms(s);
    if (s->base.tls && !stream_is_tls(s->base.stream) &&
        s->base.state == MANAGESIEVE_STATE_STRANGER)
        write_capability(s, SLICE("STARTTLS"), SLICE_EMPTY);
    if (slice_find(managesieve_script_extensions(), SLICE("enotify")) >= 0)
        write_capability(s, SLICE("NOTIFY"), SLICE("mailto"));
    buffer_format(&s->base.out, "\"MAXREDIRECTS\" \"%u\"\r\n", s->scripts->redirects_max);
    if (s->base.state == MANAGESIEVE_STATE_LOGGED_IN)
        write_capability(s, SLICE("OWNER"), s->base.account.id);
    write_capability(s, SLICE("UNAUTHENTICATE"), SLICE_EMPTY);
    write_capability(s, SLICE("VERSION"), SLICE("1.0"));
}
