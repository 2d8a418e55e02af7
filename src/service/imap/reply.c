/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/reply.h"

#include "base/metric.h"
#include "service/imap/session.h"
#include "service/user/login.h"

METRIC_COUNTER(imap_bad, "ringmail_imap_bad_commands_total", "",
               "Commands that were no valid IMAP or not allowed at that point");

struct rule {
    enum imap_status_kind kind;
    enum imap_code code;
    const char *text; /* NULL: the error's own */
};

/* CLOSED, TIMEOUT and CANCELLED come from the work here, not from the connection: those are in
 * s->base.lost and never answered. */
static const struct rule RULES[ERROR_KINDS] = {
    [ERROR_CLOSED] = {IMAP_NO, IMAP_CODE_UNAVAILABLE, "try again later"},
    [ERROR_TIMEOUT] = {IMAP_NO, IMAP_CODE_UNAVAILABLE, "try again later"},
    [ERROR_CANCELLED] = {IMAP_NO, IMAP_CODE_UNAVAILABLE, "try again later"},
    [ERROR_LIMIT] = {IMAP_NO, IMAP_CODE_LIMIT, NULL},
    [ERROR_MALFORMED] = {IMAP_BAD, IMAP_CODE_NONE, NULL},
    [ERROR_DENIED] = {IMAP_NO, IMAP_CODE_NOPERM, NULL},
    [ERROR_NOT_FOUND] = {IMAP_NO, IMAP_CODE_NONEXISTENT, NULL},
    [ERROR_EXISTS] = {IMAP_NO, IMAP_CODE_ALREADYEXISTS, NULL},
    [ERROR_BUSY] = {IMAP_NO, IMAP_CODE_INUSE, NULL},
    [ERROR_TEMPORARY] = {IMAP_NO, IMAP_CODE_UNAVAILABLE, "try again later"},
    [ERROR_PERMANENT] = {IMAP_NO, IMAP_CODE_CANNOT, NULL},
    [ERROR_SYSTEM] = {IMAP_NO, IMAP_CODE_UNAVAILABLE, "try again later"},
    [ERROR_BUG] = {IMAP_NO, IMAP_CODE_SERVERBUG, "internal error"},
};

void imap_say(struct imap_session *s, slice tag, struct imap_response response)
{
    imap_response_write(tag, &response, &s->base.out);
}

error imap_refuse(struct imap_session *s, enum imap_code code, error problem)
{
    s->response.code = code;
    s->response.argument = SLICE_EMPTY;
    return problem;
}

static struct imap_response response_to(struct imap_session *s, error outcome)
{
    const struct rule *rule = &RULES[outcome.kind];
    struct imap_response response = {.kind = rule->kind, .code = rule->code};
    const char *text = rule->text ? rule->text : outcome.text;
    response.text = slice_from_string(text ? text : "failed");
    if (s->response.code != IMAP_CODE_NONE) {
        response.code = s->response.code;
        response.argument = s->response.argument;
        if (outcome.text)
            response.text = slice_from_string(outcome.text);
    }
    return response;
}

void imap_answer(struct user_session *base, error outcome)
{
    struct imap_session *s = imap_session_of(base);
    struct imap_response response = failed(outcome) ? response_to(s, outcome) : s->response;
    metric_add(&imap_bad, response.kind == IMAP_BAD);
    imap_say(s, s->command.tag, response);
}

#define EVERYWHERE "IMAP4rev1 SASL-IR ID ENABLE "
#define LOGGED_IN                                                                                  \
    EVERYWHERE "LITERAL+ IDLE NAMESPACE CHILDREN UIDPLUS MOVE UNSELECT SPECIAL-USE "               \
               "LIST-EXTENDED LIST-STATUS WITHIN"

/* What a client may log in by, as login_mechanism_is_offered has it; static, because a greeting has
 * no memory of its own yet. */
#define BY(before, scram) SLICE(EVERYWHERE "LITERAL- " before scram "AUTH=PLAIN AUTH=LOGIN")
#define SHA_1 "AUTH=SCRAM-SHA-1 "
#define SHA_256 "AUTH=SCRAM-SHA-256 "
#define SHA_1_PLUS "AUTH=SCRAM-SHA-1-PLUS "
#define SHA_256_PLUS "AUTH=SCRAM-SHA-256-PLUS "
#define BY_EACH(before, sha_1, sha_256)                                                            \
    {                                                                                              \
        [LOGIN_SCRAM_OFF] = BY(before, ""), [LOGIN_SCRAM_ON] = BY(before, sha_256 sha_1),          \
        [LOGIN_SCRAM_SHA_1] = BY(before, sha_1), [LOGIN_SCRAM_SHA_256] = BY(before, sha_256),      \
    }

static slice login_capabilities(const struct imap_session *s, bool starttls)
{
    static const slice unbound[] = BY_EACH("", SHA_1, SHA_256);
    static const slice before_tls[] = BY_EACH("STARTTLS ", SHA_1, SHA_256);
    static const slice bound_to_tls[] = BY_EACH("", SHA_1_PLUS SHA_1, SHA_256_PLUS SHA_256);
    enum login_scram scram = s->base.login->scram;
    const struct login_party party = user_login_party(&s->base);
    bool bound = login_mechanism_is_offered(LOGIN_MECHANISM_SCRAM_SHA_256_PLUS, &party) ||
                 login_mechanism_is_offered(LOGIN_MECHANISM_SCRAM_SHA_1_PLUS, &party);
    return starttls ? before_tls[scram] : bound ? bound_to_tls[scram] : unbound[scram];
}

slice imap_capabilities(const struct imap_session *s)
{
    bool starttls = s->base.tls && !stream_is_tls(s->base.stream);
    if (s->base.state != IMAP_STATE_STRANGER)
        return SLICE(LOGGED_IN);
    /* RFC 3501 6.2.1, 6.2.3; RFC 7888 5 */
    if (failed(user_check_privacy(&s->base)))
        return starttls ? SLICE(EVERYWHERE "LITERAL- STARTTLS LOGINDISABLED")
                        : SLICE(EVERYWHERE "LITERAL- LOGINDISABLED");
    return login_capabilities(s, starttls);
}
