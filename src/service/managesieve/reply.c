/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/reply.h"

#include "base/log.h"
#include "base/metric.h"
#include "service/managesieve/login.h"
#include "service/managesieve/script.h"
#include "service/managesieve/session.h"

METRIC_COUNTER(refused, "ringmail_managesieve_refused_commands_total", "",
               "ManageSieve commands answered NO");
METRIC_COUNTER(trouble, "ringmail_managesieve_failed_commands_total", "",
               "ManageSieve commands answered NO because of trouble on this side");

static bool is_our_trouble(enum error_kind kind)
{
    return kind == ERROR_TEMPORARY || kind == ERROR_SYSTEM || kind == ERROR_BUG ||
           kind == ERROR_TIMEOUT || kind == ERROR_CLOSED || kind == ERROR_CANCELLED;
}

static enum managesieve_code code_of(enum error_kind kind)
{
    if (is_our_trouble(kind))
        return MANAGESIEVE_CODE_TRYLATER;
    return kind == ERROR_NOT_FOUND ? MANAGESIEVE_CODE_NONEXISTENT
           : kind == ERROR_EXISTS  ? MANAGESIEVE_CODE_ALREADYEXISTS
                                   : MANAGESIEVE_CODE_NONE;
}

static void log_trouble(const struct managesieve_session *s, error problem)
{
    char id[SESSION_ID_SIZE];
    session_id(&s->session, id);
    struct log_line line = log_begin(LOG_WARNING, "managesieve.command");
    log_string(&line, "session", id);
    log_string(&line, "command", managesieve_verb_name(s->command.verb));
    log_text(&line, "user", s->account);
    log_error(&line, problem);
    log_end(&line);
}

void managesieve_say(struct managesieve_session *s, struct managesieve_response response)
{
    managesieve_response_write(&response, &s->out);
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
    struct managesieve_response response = {.status = MANAGESIEVE_NO, .code = s->response.code};
    if (response.code == MANAGESIEVE_CODE_NONE)
        response.code = code_of(outcome.kind);
    response.text = is_our_trouble(outcome.kind) ? SLICE("try again later")
                    : outcome.text               ? slice_from_string(outcome.text)
                                                 : s->response.text;
    return response;
}

error managesieve_answer(struct managesieve_session *s, error outcome)
{
    if (failed(s->lost))
        return s->lost;
    if (s->answered) {
        s->answered = false;
        return OK;
    }
    struct managesieve_response response = failed(outcome) ? response_to(s, outcome) : s->response;
    if (is_our_trouble(outcome.kind)) {
        metric_add(&trouble, 1);
        log_trouble(s, outcome);
    }
    metric_add(&refused, response.status == MANAGESIEVE_NO);
    managesieve_say(s, response);
    s->bad = outcome.kind == ERROR_MALFORMED ? s->bad + 1 : 0;
    if (s->bad >= MANAGESIEVE_BAD_COMMANDS_MAX && !s->finished) {
        managesieve_say(s, (struct managesieve_response){.status = MANAGESIEVE_BYE,
                                                         .text = SLICE("too many bad commands")});
        s->finished = true;
    }
    return managesieve_send(s);
}

static void write_capability(struct managesieve_session *s, slice name, slice value)
{
    managesieve_write_string(name, &s->out);
    if (value.data) {
        buffer_add_byte(&s->out, ' ');
        managesieve_write_string(value, &s->out);
    }
    buffer_add(&s->out, SLICE("\r\n"));
}

/* RFC 5804 1.7: empty where nobody may log in as things are. */
static void write_mechanisms(struct managesieve_session *s)
{
    const struct login_party party = managesieve_session_login_party(s);
    bool may_login = managesieve_session_may_login(s), first = true;
    buffer_add(&s->out, SLICE("\"SASL\" \""));
    for (enum login_mechanism m = 0; may_login && m < LOGIN_MECHANISM_COUNT; m++) {
        if (!login_mechanism_is_offered(m, &party))
            continue;
        buffer_format(&s->out, "%s%s", first ? "" : " ", login_mechanism_name(m));
        first = false;
    }
    buffer_add(&s->out, SLICE("\"\r\n"));
}

void managesieve_write_capabilities(struct managesieve_session *s)
{
    write_capability(s, SLICE("IMPLEMENTATION"), SLICE("Ringmail"));
    write_capability(s, SLICE("SIEVE"), managesieve_script_extensions());
    write_mechanisms(s);
    if (s->service->tls && !stream_is_tls(s->stream) && s->state == MANAGESIEVE_STATE_STRANGER)
        write_capability(s, SLICE("STARTTLS"), SLICE_EMPTY);
    if (slice_find(managesieve_script_extensions(), SLICE("enotify")) >= 0)
        write_capability(s, SLICE("NOTIFY"), SLICE("mailto"));
    buffer_format(&s->out, "\"MAXREDIRECTS\" \"%u\"\r\n", s->scripts->redirects_max);
    if (s->state == MANAGESIEVE_STATE_LOGGED_IN)
        write_capability(s, SLICE("OWNER"), s->account);
    write_capability(s, SLICE("UNAUTHENTICATE"), SLICE_EMPTY);
    write_capability(s, SLICE("VERSION"), SLICE("1.0"));
}
