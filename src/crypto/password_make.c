/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * New hashes. bcrypt is the default: every other mail server can read it, and a login costs tens of
 * milliseconds and no memory.
 */
#include "crypto/constant.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "crypto/scram.h"

#include <argon2.h>
#include <crypt.h>
#include <stdlib.h>

enum {
    BCRYPT_COST = 10,
    SHA_ROUNDS = 100000,
    ARGON2_MEMORY_KIB = 64 * 1024,
    ARGON2_PASSES = 3,
    SALT_SIZE = 16,
    ARGON2_HASH_SIZE = 32,
};

static error make_crypt(const char *prefix, const char *method, unsigned long cost,
                        const char *phrase, struct buffer *out)
{
    char entropy[32];
    random_bytes(entropy, sizeof entropy);
    char *setting = crypt_gensalt_ra(method, cost, entropy, sizeof entropy);
    void *scratch = NULL;
    int scratch_size = 0;
    const char *made = setting ? crypt_ra(phrase, setting, &scratch, &scratch_size) : NULL;
    if (made && made[0] != '*') {
        buffer_add_string(out, prefix);
        buffer_add_string(out, made);
    }
    bool done = made && made[0] != '*';
    if (scratch) {
        constant_wipe(scratch, (size_t)scratch_size);
        free(scratch);
    }
    free(setting);
    return done ? buffer_check(out) : error_make(ERROR_PERMANENT, "crypt cannot make this hash");
}

static error make_argon2(slice password, struct buffer *out)
{
    char salt[SALT_SIZE], encoded[256];
    random_bytes(salt, sizeof salt);
    int failure =
        argon2id_hash_encoded(ARGON2_PASSES, ARGON2_MEMORY_KIB, 1, password.data, password.size,
                              salt, sizeof salt, ARGON2_HASH_SIZE, encoded, sizeof encoded);
    if (failure != ARGON2_OK)
        return error_make(ERROR_LIMIT, "out of memory for a password hash");
    buffer_add_string(out, "{ARGON2ID}");
    buffer_add_string(out, encoded);
    return buffer_check(out);
}

static error make_scram(const char *prefix, enum digest_kind kind, slice password,
                        struct buffer *out)
{
    struct scram_keys keys;
    char salt[SCRAM_SALT_SIZE];
    random_bytes(salt, sizeof salt);
    scram_keys_make(kind, password, slice_of(salt, sizeof salt), SCRAM_ROUNDS, &keys);
    buffer_add_string(out, prefix);
    scram_keys_write(&keys, out);
    scram_keys_wipe(&keys);
    return buffer_check(out);
}

static error make_plain(slice password, struct buffer *out)
{
    buffer_add_string(out, "{PLAIN}");
    buffer_add(out, password);
    return buffer_check(out);
}

error password_make(slice scheme, slice password, struct buffer *out_hash)
{
    if (password.size == 0 || slice_find_byte(password, 0) >= 0)
        return error_make(ERROR_MALFORMED, "a password must not be empty nor hold a NUL");
    if (password.size > PASSWORD_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the password is too long");
    bool long_one = password.size > PASSWORD_BCRYPT_INPUT_MAX;
    if (scheme.size == 0)
        scheme = long_one ? SLICE("SHA512-CRYPT") : SLICE("BLF-CRYPT");
    if (slice_equal_nocase(scheme, SLICE("ARGON2ID")))
        return make_argon2(password, out_hash);
    if (slice_equal_nocase(scheme, SLICE("SCRAM-SHA-256")))
        return make_scram("{SCRAM-SHA-256}", DIGEST_SHA256, password, out_hash);
    if (slice_equal_nocase(scheme, SLICE("SCRAM-SHA-1")))
        return make_scram("{SCRAM-SHA-1}", DIGEST_SHA1, password, out_hash);
    if (slice_equal_nocase(scheme, SLICE("PLAIN")))
        return make_plain(password, out_hash);
    if (slice_equal_nocase(scheme, SLICE("BLF-CRYPT")) && long_one)
        return error_make(ERROR_LIMIT, "bcrypt reads only 72 bytes of a password");

    char phrase[PASSWORD_SIZE_MAX + 1];
    memcpy(phrase, password.data, password.size);
    phrase[password.size] = 0;
    error result = error_make(ERROR_NOT_FOUND, "no such password scheme to make");
    if (slice_equal_nocase(scheme, SLICE("BLF-CRYPT")))
        result = make_crypt("{BLF-CRYPT}", "$2y$", BCRYPT_COST, phrase, out_hash);
    else if (slice_equal_nocase(scheme, SLICE("SHA512-CRYPT")))
        result = make_crypt("{SHA512-CRYPT}", "$6$", SHA_ROUNDS, phrase, out_hash);
    else if (slice_equal_nocase(scheme, SLICE("SHA256-CRYPT")))
        result = make_crypt("{SHA256-CRYPT}", "$5$", SHA_ROUNDS, phrase, out_hash);
    constant_wipe(phrase, sizeof phrase);
    return result;
}
