/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/login/mechanism.h"

#include "crypto/random.h"
#include "format/text/base64.h"
#include "net/stream.h"
#include "net/tls.h"
#include "service/login/login.h"

static const struct row {
    const char *name;
    bool scram, plus;
    enum digest_kind digest;
} rows[LOGIN_MECHANISM_COUNT] = {
    [LOGIN_MECHANISM_SCRAM_SHA_256_PLUS] = {"SCRAM-SHA-256-PLUS", true, true, DIGEST_SHA256},
    [LOGIN_MECHANISM_SCRAM_SHA_256] = {"SCRAM-SHA-256", true, false, DIGEST_SHA256},
    [LOGIN_MECHANISM_SCRAM_SHA_1_PLUS] = {"SCRAM-SHA-1-PLUS", true, true, DIGEST_SHA1},
    [LOGIN_MECHANISM_SCRAM_SHA_1] = {"SCRAM-SHA-1", true, false, DIGEST_SHA1},
    [LOGIN_MECHANISM_PLAIN] = {.name = "PLAIN"},
    [LOGIN_MECHANISM_LOGIN] = {.name = "LOGIN"},
};

/* ---- What there is ---- */

/* tls-exporter is what clients take under TLS 1.3, where they can bind (RFC 9266); without it -PLUS
 * would only make them fail. tls-server-end-point is there as well, then. */
static bool can_bind(const struct login_party *party)
{
    uint8_t binding[32];
    return party->stream && !failed(stream_tls_exporter(party->stream, binding));
}

bool login_mechanism_is_offered(enum login_mechanism mechanism, const struct login_party *party)
{
    const struct row *row = &rows[mechanism];
    enum login_scram scram = party->settings->scram;
    if (!row->scram)
        return true;
    if (row->plus && !can_bind(party))
        return false;
    return scram == LOGIN_SCRAM_ON ||
           scram == (row->digest == DIGEST_SHA1 ? LOGIN_SCRAM_SHA_1 : LOGIN_SCRAM_SHA_256);
}

bool login_mechanism_find(slice name, const struct login_party *party,
                          enum login_mechanism *out_mechanism)
{
    for (enum login_mechanism mechanism = 0; mechanism < LOGIN_MECHANISM_COUNT; mechanism++) {
        if (slice_equal_nocase(name, slice_from_string(rows[mechanism].name)) &&
            login_mechanism_is_offered(mechanism, party)) {
            *out_mechanism = mechanism;
            return true;
        }
    }
    return false;
}

const char *login_mechanism_name(enum login_mechanism mechanism)
{
    return rows[mechanism].name;
}

/* ---- The password as it is ---- */

/* message = [authzid] NUL authcid NUL passwd (RFC 4616 2) */
static error respond_plain(struct login_exchange *exchange, slice message, bool *out_done)
{
    slice rest;
    if (!slice_cut(message, '\0', &exchange->authorization, &rest) ||
        !slice_cut(rest, '\0', &exchange->name, &exchange->password) ||
        slice_find_byte(exchange->password, '\0') >= 0 || exchange->name.size == 0)
        return error_make(ERROR_MALFORMED, "invalid PLAIN response");
    *out_done = true;
    return OK;
}

static error respond_login(struct login_exchange *exchange, slice message, bool *out_done)
{
    if (exchange->step == 1)
        exchange->name = message;
    else
        exchange->password = message;
    exchange->challenge = SLICE("UGFzc3dvcmQ6"); /* "Password:" */
    *out_done = exchange->step == 2;
    return OK;
}

/* ---- SCRAM ---- */

static error set_challenge(struct login_exchange *exchange, slice message, struct arena *arena)
{
    size_t size = base64_encoded_size(message.size);
    char *text = arena_alloc_bytes(arena, size);
    TRY_MEMORY(text);
    base64_encode_into(text, message);
    exchange->challenge = slice_of(text, size);
    return OK;
}

static struct login_attempt attempt_of(const struct login_exchange *exchange)
{
    return (struct login_attempt){
        .settings = exchange->party->settings,
        .protocol = exchange->party->protocol,
        .peer = stream_peer(exchange->party->stream),
        .authorization = exchange->authorization,
        .name = exchange->name,
        .password = exchange->password,
    };
}

/* RFC 5802 6: a client that believes that we cannot bind, where we can, was lied to. */
static bool fits(const struct login_exchange *exchange)
{
    enum scram_binding binding = exchange->first.binding;
    bool bound = binding == SCRAM_BINDING_EXPORTER || binding == SCRAM_BINDING_END_POINT;
    if (rows[exchange->mechanism].plus != bound)
        return false;
    return binding != SCRAM_BINDING_UNOFFERED ||
           !login_mechanism_is_offered(exchange->mechanism - 1, exchange->party); /* its -PLUS */
}

/* WAITS. */
static error respond_scram_first(struct login_exchange *exchange, slice message,
                                 struct arena *arena, bool *out_done)
{
    char nonce[SCRAM_SERVER_NONCE_SIZE];
    TRY(scram_first_parse(message, arena, &exchange->first));
    if (!fits(exchange))
        return error_make(ERROR_MALFORMED, "wrong use of channel binding");
    exchange->name = exchange->first.name;
    exchange->authorization = exchange->first.authorization;
    struct login_attempt attempt = attempt_of(exchange);
    exchange->scram.keys.kind = rows[exchange->mechanism].digest;
    exchange->outcome = login_scram_begin(&attempt, arena, &exchange->scram);
    *out_done = failed(exchange->outcome);
    if (*out_done)
        return OK;
    random_token(nonce, sizeof nonce);
    TRY(scram_challenge_write(&exchange->first, nonce, &exchange->scram.keys, arena,
                              &exchange->server_first));
    return set_challenge(exchange, exchange->server_first, arena);
}

static error binding_of(const struct login_exchange *exchange, uint8_t room[64], slice *out_binding)
{
    size_t size = 0;
    if (exchange->first.binding == SCRAM_BINDING_EXPORTER) {
        size = 32;
        TRY(stream_tls_exporter(exchange->party->stream, room));
    } else if (exchange->first.binding == SCRAM_BINDING_END_POINT) {
        TRY(stream_tls_end_point(exchange->party->stream, room, &size));
    }
    *out_binding = slice_of(room, size);
    return OK;
}

/* WAITS. */
static error respond_scram_final(struct login_exchange *exchange, slice message,
                                 struct arena *arena, bool *out_done)
{
    struct scram_final final;
    uint8_t room[64];
    slice binding, server_final = SLICE_EMPTY;
    TRY(scram_final_parse(message, arena, &final));
    error problem = binding_of(exchange, room, &binding);
    if (problem.kind == ERROR_NOT_FOUND) /* tls-exporter, and TLS 1.2 */
        problem = error_make(ERROR_DENIED, problem.text);
    if (!failed(problem))
        problem = login_scram_derive(&exchange->scram);
    if (!failed(problem))
        problem = scram_answer_write(&exchange->first, exchange->server_first, &final, binding,
                                     &exchange->scram.keys, arena, &server_final);
    struct login_attempt attempt = attempt_of(exchange);
    exchange->outcome =
        login_scram_end(&attempt, &exchange->scram, problem, arena, &exchange->account);
    *out_done = failed(exchange->outcome);
    return *out_done ? OK : set_challenge(exchange, server_final, arena);
}

static error respond_scram(struct login_exchange *exchange, slice message, struct arena *arena,
                           bool *out_done)
{
    if (exchange->step == 1)
        return respond_scram_first(exchange, message, arena, out_done);
    if (exchange->step == 2)
        return respond_scram_final(exchange, message, arena, out_done);
    *out_done = true; /* the client has seen our own proof, and says nothing more */
    return message.size ? error_make(ERROR_MALFORMED, "invalid SCRAM message") : OK;
}

/* ---- All of them ---- */

void login_exchange_init(struct login_exchange *exchange, enum login_mechanism mechanism,
                         const struct login_party *party)
{
    *exchange = (struct login_exchange){.mechanism = mechanism, .party = party};
    if (mechanism == LOGIN_MECHANISM_LOGIN)
        exchange->challenge = SLICE("VXNlcm5hbWU6"); /* "Username:" */
}

slice login_exchange_challenge(const struct login_exchange *exchange)
{
    return exchange->challenge;
}

error login_exchange_respond(struct login_exchange *exchange, slice response, struct arena *arena,
                             bool *out_done)
{
    slice message;
    if (slice_equal(response, SLICE("*"))) /* RFC 4422 3.5 */
        return error_make(ERROR_CANCELLED, "authentication cancelled");
    if (response.size > LOGIN_RESPONSE_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the response is too long");
    TRY(base64_decode(arena, response, &message));
    exchange->step++;
    if (rows[exchange->mechanism].scram)
        return respond_scram(exchange, message, arena, out_done);
    return exchange->mechanism == LOGIN_MECHANISM_PLAIN
               ? respond_plain(exchange, message, out_done)
               : respond_login(exchange, message, out_done);
}

error login_exchange_finish(struct login_exchange *exchange, struct arena *arena,
                            struct directory_account *out_account)
{
    if (rows[exchange->mechanism].scram) {
        TRY(exchange->outcome);
        *out_account = exchange->account;
        return OK;
    }
    struct login_attempt attempt = attempt_of(exchange);
    return login_check(&attempt, arena, out_account);
}

void login_exchange_wipe(struct login_exchange *exchange)
{
    if (exchange->password.size)
        explicit_bzero((char *)exchange->password.data, exchange->password.size);
    exchange->password = SLICE_EMPTY;
    scram_keys_wipe(&exchange->scram.keys);
    if (exchange->scram.plain.size)
        explicit_bzero((char *)exchange->scram.plain.data, exchange->scram.plain.size);
    exchange->scram.plain = SLICE_EMPTY;
}
