#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/crypto: the verifiers behind password_verify. Each gets the text after the prefix.
 * With password NULL (data and size 0, `only_check`) they say whether the hash is well formed and
 * affordable, and do no work.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "crypto/digest.h"

struct password_attempt {
    slice text;     /* the hash without its prefix: characters, or bytes of a digest scheme */
    slice password; /* no NUL in it */
    bool only_check;
};

error password_verify_crypt(const struct password_attempt *attempt, slice method);
error password_verify_argon2(const struct password_attempt *attempt);
error password_verify_pbkdf2(const struct password_attempt *attempt);
error password_verify_scram(const struct password_attempt *attempt, enum digest_kind kind);
error password_verify_cram_md5(const struct password_attempt *attempt);

/* Base64 (padding optional) and hexadecimal (either case). False for what is neither, or longer
 * than size_max. */
bool password_decode_base64(slice text, uint8_t *out, size_t size_max, size_t *out_size);
bool password_decode_hex(slice text, uint8_t *out, size_t size_max, size_t *out_size);
/* Padded. */
void password_encode_base64(slice bytes, struct buffer *out);

#define PASSWORD_MALFORMED error_make(ERROR_PERMANENT, "malformed password hash")
#define PASSWORD_TOO_DEAR error_make(ERROR_LIMIT, "password hash costs more than the limit allows")
#define PASSWORD_WRONG error_make(ERROR_DENIED, "wrong password")
