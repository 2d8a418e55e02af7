/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a connection to a server that is ready for mail: greeting, EHLO (HELO where that is not
 * known), STARTTLS and EHLO again, login.
 */
#include "format/text/base64.h"
#include "transport/deliver/remote_state.h"
#include "transport/deliver/remote_tls.h"

/* WAITS. One command, one reply. */
static error command(struct remote *remote, slice verb, slice argument, int64_t timeout)
{
    TRY(remote_check_step(remote));
    const slice parts[] = {verb, argument.size ? SLICE(" ") : SLICE_EMPTY, argument, SLICE("\r\n")};
    error problem = stream_writev(remote->stream, parts, 4);
    return failed(problem) ? remote_break(remote, problem) : remote_read_reply(remote, timeout);
}

static bool positive(const struct remote *remote)
{
    return remote->response.code / 100 == 2;
}

/* Everything below: OK to go on; else out_answer says why not, and the error's kind is its class.
 */
static error refuse(const struct remote *remote, enum remote_stage stage, struct arena *arena,
                    struct remote_answer *out_answer)
{
    int class = remote->response.code / 100;
    *out_answer = remote_answer_of(remote, stage, arena);
    if (class < 4) { /* 250 for a greeting, 354 for an EHLO: another protocol, or out of step */
        out_answer->enhanced[0] = 4;
        out_answer->enhanced[1] = 5;
        out_answer->enhanced[2] = 0;
    }
    out_answer->problem =
        error_make(class == 5 ? ERROR_PERMANENT : ERROR_TEMPORARY, "the server refuses");
    return out_answer->problem;
}

static error lose(enum remote_stage stage, error problem, struct remote_answer *out_answer)
{
    *out_answer = remote_answer_problem(stage, problem);
    return problem;
}

static error say_no(struct remote_answer answer, struct remote_answer *out_answer)
{
    *out_answer = answer;
    return answer.problem;
}

static error read_greeting(struct remote *remote, struct arena *arena,
                           struct remote_answer *out_answer)
{
    error problem = remote_read_reply(remote, remote->settings->greeting_timeout);
    if (failed(problem))
        return lose(REMOTE_STAGE_GREETING, problem, out_answer);
    if (remote->response.code != 220)
        return refuse(remote, REMOTE_STAGE_GREETING, arena, out_answer);
    return OK;
}

/* RFC 5321 2.3.5: a name of ours in the mouth of another is ourselves. Only where everybody is
 * called, on port 25: on other ports a machine may well talk to itself. */
static bool is_ourselves(const struct remote *remote)
{
    slice name, rest;
    (void)slice_cut(buffer_slice(&remote->response.text), '\n', &name, &rest);
    (void)slice_cut(name, ' ', &name, &rest);
    return remote->route->kind == ROUTE_SMTP && stream_peer(remote->stream)->port == 25 &&
           slice_equal_nocase(name, remote->hostname);
}

static error say_hello(struct remote *remote, struct arena *arena, struct remote_answer *out_answer)
{
    bool lmtp = remote->route->kind == ROUTE_LMTP;
    remote->offer = (struct smtp_offer){0};
    int64_t timeout = remote->settings->helo_timeout;
    error problem =
        command(remote, lmtp ? SLICE("LHLO") : SLICE("EHLO"), remote->hostname, timeout);
    if (failed(problem))
        return lose(REMOTE_STAGE_HELO, problem, out_answer);
    if (positive(remote)) {
        smtp_offer_read(buffer_slice(&remote->response.text), &remote->offer);
    } else if (remote->response.code >= 500 && !lmtp && !remote->broken) {
        /* RFC 5321 3.2: a server without extensions. */
        problem = command(remote, SLICE("HELO"), remote->hostname, timeout);
        if (failed(problem))
            return lose(REMOTE_STAGE_HELO, problem, out_answer);
    }
    if (!positive(remote))
        return refuse(remote, REMOTE_STAGE_HELO, arena, out_answer);
    if (is_ourselves(remote))
        return say_no(
            remote_answer_own(5, 4, 6, "the mail loops: the destination's server is ourselves"),
            out_answer);
    return OK;
}

static error start_tls(struct remote *remote, struct arena *arena, struct remote_answer *out_answer)
{
    error problem = command(remote, SLICE("STARTTLS"), SLICE_EMPTY, remote->settings->helo_timeout);
    if (failed(problem)) {
        remote->tls_failed = true;
        return lose(REMOTE_STAGE_TLS, problem, out_answer);
    }
    if (remote->response.code != 220) {
        remote_tls_note_refusal(remote);
        if (!remote->broken && !remote_tls_is_needed(remote))
            return OK; /* RFC 3207 4: it may go on without */
        error_ignore(refuse(remote, REMOTE_STAGE_TLS, arena, out_answer)); /* but only for now: */
        out_answer->enhanced[0] = 4;
        out_answer->problem = error_make(ERROR_TEMPORARY, "the server refuses TLS");
        remote->tls_failed = true;
        return out_answer->problem;
    }
    /* RFC 3207 4.2 the other way round: what came in clear behind the reply is nobody's. */
    if (stream_drop_input(remote->stream)) {
        problem = error_make(ERROR_MALFORMED, "clear text was sent ahead of TLS");
        remote->tls_failed = true;
        return lose(REMOTE_STAGE_TLS, remote_break(remote, problem), out_answer);
    }
    return remote_tls_start(remote, out_answer);
}

/* ---- Login at a smart host (RFC 4954) ---- */

static error encode(struct arena *arena, slice bytes, slice *out_text)
{
    char *text = arena_alloc_bytes(arena, base64_encoded_size(bytes.size));
    TRY_MEMORY(text);
    base64_encode_into(text, bytes);
    *out_text = slice_of(text, base64_encoded_size(bytes.size));
    return OK;
}

static error auth_plain(struct remote *remote)
{
    const struct route *route = remote->route;
    slice secret, text, argument;
    TRY(arena_format(&remote->arena, &secret, "%c%.*s%c%.*s", 0, SLICE_ARG(route->user), 0,
                     SLICE_ARG(route->password)));
    TRY(encode(&remote->arena, secret, &text));
    TRY(arena_format(&remote->arena, &argument, "PLAIN %.*s", SLICE_ARG(text)));
    return command(remote, SLICE("AUTH"), argument, remote->settings->helo_timeout);
}

static error auth_login(struct remote *remote)
{
    slice user, password;
    int64_t timeout = remote->settings->helo_timeout;
    TRY(encode(&remote->arena, remote->route->user, &user));
    TRY(encode(&remote->arena, remote->route->password, &password));
    TRY(command(remote, SLICE("AUTH"), SLICE("LOGIN"), timeout));
    if (remote->response.code == 334)
        TRY(command(remote, user, SLICE_EMPTY, timeout));
    if (remote->response.code == 334)
        TRY(command(remote, password, SLICE_EMPTY, timeout));
    return OK;
}

static error log_in(struct remote *remote, struct arena *arena, struct remote_answer *out_answer)
{
    if (!stream_is_tls(remote->stream) && !remote->settings->auth_clear)
        return say_no(remote_answer_own(4, 7, 11, "the smart host offers no TLS for the login"),
                      out_answer);
    error problem;
    if (remote->offer.extensions & SMTP_OFFERS_AUTH_PLAIN)
        problem = auth_plain(remote);
    else if (remote->offer.extensions & SMTP_OFFERS_AUTH_LOGIN)
        problem = auth_login(remote);
    else
        return say_no(remote_answer_own(4, 7, 4, "the smart host offers no login that we know"),
                      out_answer);
    if (failed(problem))
        return lose(REMOTE_STAGE_AUTH, problem, out_answer);
    if (positive(remote))
        return OK;
    error_ignore(refuse(remote, REMOTE_STAGE_AUTH, arena, out_answer)); /* said otherwise: */
    /* A wrong password is the operator's to mend, and no fault of the mail. */
    out_answer->enhanced[0] = 4;
    out_answer->problem = error_make(ERROR_TEMPORARY, "the smart host refuses the login");
    return out_answer->problem;
}

error remote_greet(struct remote *remote, struct arena *arena, struct remote_answer *out_answer)
{
    const struct route *route = remote->route;
    if (route->implicit_tls)
        TRY(remote_tls_start(remote, out_answer));
    TRY(read_greeting(remote, arena, out_answer));
    TRY(say_hello(remote, arena, out_answer));
    if (!stream_is_tls(remote->stream) && remote_tls_is_wanted(remote)) {
        TRY(start_tls(remote, arena, out_answer));
        if (stream_is_tls(remote->stream)) /* RFC 3207 4.2: what was said before is void */
            TRY(say_hello(remote, arena, out_answer));
    }
    TRY(remote_tls_check(remote, out_answer));
    return route->user.size ? log_in(remote, arena, out_answer) : OK;
}
