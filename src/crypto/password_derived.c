/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hashes that protocols' own mechanisms were made for: PBKDF2, SCRAM (RFC 5802, RFC 7677) and
 * CRAM-MD5, checked here against a plain-text password.
 */
#include "base/cursor.h"
#include "crypto/constant.h"
#include "crypto/hmac.h"
#include "crypto/password.h"
#include "crypto/password_scheme.h"
#include "crypto/scram.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/md5.h>

/* $1$salt$rounds$hex, SHA-1, the salt as it is written */
error password_verify_pbkdf2(const struct password_attempt *attempt)
{
    struct cursor c = cursor_over(attempt->text);
    uint8_t stored[20], made[20];
    size_t size;
    uint64_t rounds;
    slice salt;
    if (!cursor_take(&c, SLICE("$1$")) || !cursor_take_until(&c, '$', &salt) ||
        !cursor_take_byte(&c, '$') || !cursor_take_u64(&c, UINT32_MAX, &rounds) || rounds == 0 ||
        !cursor_take_byte(&c, '$') ||
        !password_decode_hex(cursor_rest(&c), stored, sizeof stored, &size) ||
        size != sizeof stored)
        return PASSWORD_MALFORMED;
    if (rounds > PASSWORD_PBKDF2_ROUNDS_MAX)
        return PASSWORD_TOO_DEAR;
    if (attempt->only_check)
        return OK;
    pbkdf2(DIGEST_SHA1, attempt->password, salt, (uint32_t)rounds, made, sizeof made);
    return constant_equal(made, stored, sizeof made) ? OK : PASSWORD_WRONG;
}

error password_verify_scram(const struct password_attempt *attempt, enum digest_kind kind)
{
    struct scram_keys stored, made;
    size_t size = digest_size(kind);
    TRY(scram_keys_parse(attempt->text, kind, &stored));
    if (attempt->only_check)
        return OK;
    scram_keys_make(kind, attempt->password, slice_of(stored.salt, stored.salt_size), stored.rounds,
                    &made);
    bool equal = constant_equal(made.stored_key, stored.stored_key, size);
    equal &= constant_equal(made.server_key, stored.server_key, size);
    scram_keys_wipe(&made);
    scram_keys_wipe(&stored);
    return equal ? OK : PASSWORD_WRONG;
}

/* The chaining values of MD5 after one block of the padded key, little-endian. */
static void md5_state_after(const uint8_t block[64], uint8_t out[16])
{
    wc_Md5 md5;
    if (wc_InitMd5(&md5) != 0 || wc_Md5Update(&md5, block, 64) != 0) {
        memset(out, 0, 16);
        return;
    }
    for (int i = 0; i < 16; i++)
        out[i] = (uint8_t)(md5.digest[i / 4] >> 8 * (i % 4));
    wc_Md5Free(&md5);
}

/* The outer and inner states of HMAC-MD5 keyed with the password: 32 bytes. */
error password_verify_cram_md5(const struct password_attempt *attempt)
{
    if (attempt->text.size != 32)
        return PASSWORD_MALFORMED;
    if (attempt->only_check)
        return OK;
    uint8_t key[64] = {0}, outer[64], inner[64], made[32];
    if (attempt->password.size > sizeof key)
        digest_of(DIGEST_MD5, attempt->password, key);
    else
        memcpy(key, attempt->password.data, attempt->password.size);
    for (int i = 0; i < 64; i++) {
        outer[i] = key[i] ^ 0x5c;
        inner[i] = key[i] ^ 0x36;
    }
    md5_state_after(outer, made);
    md5_state_after(inner, made + 16);
    constant_wipe(key, sizeof key);
    constant_wipe(outer, sizeof outer);
    constant_wipe(inner, sizeof inner);
    return constant_equal(made, attempt->text.data, sizeof made) ? OK : PASSWORD_WRONG;
}
