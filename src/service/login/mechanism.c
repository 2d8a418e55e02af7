/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/login/mechanism.h"

#include "format/text/base64.h"

static const char *const NAMES[] = {
    [LOGIN_MECHANISM_PLAIN] = "PLAIN",
    [LOGIN_MECHANISM_LOGIN] = "LOGIN",
};

bool login_mechanism_find(slice name, enum login_mechanism *out_mechanism)
{
    for (enum login_mechanism mechanism = 0; mechanism < LOGIN_MECHANISM_COUNT; mechanism++) {
        if (slice_equal_nocase(name, slice_from_string(NAMES[mechanism]))) {
            *out_mechanism = mechanism;
            return true;
        }
    }
    return false;
}

const char *login_mechanism_name(enum login_mechanism mechanism)
{
    return NAMES[mechanism];
}

void login_exchange_init(struct login_exchange *exchange, enum login_mechanism mechanism)
{
    *exchange = (struct login_exchange){.mechanism = mechanism};
}

slice login_exchange_challenge(const struct login_exchange *exchange)
{
    if (exchange->mechanism == LOGIN_MECHANISM_PLAIN)
        return SLICE("");
    return exchange->step == 0 ? SLICE("VXNlcm5hbWU6") : SLICE("UGFzc3dvcmQ6"); /* "Username:" */
}

/* message = [authzid] NUL authcid NUL passwd (RFC 4616 2) */
static error respond_plain(struct login_exchange *exchange, slice message)
{
    slice rest;
    if (!slice_cut(message, '\0', &exchange->authorization, &rest) ||
        !slice_cut(rest, '\0', &exchange->name, &exchange->password) ||
        slice_find_byte(exchange->password, '\0') >= 0 || exchange->name.size == 0)
        return error_make(ERROR_MALFORMED, "invalid PLAIN response");
    return OK;
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
    if (exchange->mechanism == LOGIN_MECHANISM_PLAIN) {
        TRY(respond_plain(exchange, message));
        *out_done = true;
        return OK;
    }
    if (exchange->step == 1)
        exchange->name = message;
    else
        exchange->password = message;
    *out_done = exchange->step == 2;
    return OK;
}

void login_exchange_wipe(struct login_exchange *exchange)
{
    if (exchange->password.size)
        explicit_bzero((char *)exchange->password.data, exchange->password.size);
    exchange->password = SLICE_EMPTY;
}
