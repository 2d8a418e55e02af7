#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SCRAM without a directory, for session tests: every name has the same salt and keys that no
 * password gives, so that a client gets as far as its proof and is refused; and TLS that binds
 * nothing. Include in one file of a program.
 */
#include "crypto/scram.h"
#include "net/tls.h"
#include "service/login/login.h"

error login_scram_begin(const struct login_attempt *attempt, struct arena *arena,
                        struct login_scram_secret *scram)
{
    struct scram_keys *keys = &scram->keys;
    (void)attempt;
    (void)arena;
    keys->rounds = 4096;
    keys->salt_size = 4;
    for (size_t i = 0; i < keys->salt_size; i++)
        keys->salt[i] = (uint8_t)('a' + i);
    return OK;
}

error login_scram_derive(struct login_scram_secret *scram)
{
    (void)scram;
    return OK;
}

error login_scram_end(const struct login_attempt *attempt, struct login_scram_secret *scram,
                      error proof, struct arena *arena, struct directory_account *out_account)
{
    (void)attempt;
    (void)scram;
    (void)arena;
    (void)out_account;
    return failed(proof) ? proof : error_make(ERROR_DENIED, "wrong name or password");
}

error stream_tls_exporter(const struct stream *stream, uint8_t out_binding[32])
{
    (void)stream;
    (void)out_binding;
    return error_make(ERROR_NOT_FOUND, "nothing to bind to");
}

error stream_tls_end_point(const struct stream *stream, uint8_t out_binding[64], size_t *out_size)
{
    (void)stream;
    (void)out_binding;
    (void)out_size;
    return error_make(ERROR_NOT_FOUND, "nothing to bind to");
}
