/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Prefix, encoding, scheme table; the plain and salted digests. The dear schemes have files of
 * their own.
 */
#include "crypto/password.h"

#include "crypto/constant.h"
#include "crypto/digest.h"
#include "crypto/password_scheme.h"

enum family {
    FAMILY_PLAIN,
    FAMILY_DIGEST, /* digest of the password, perhaps followed by a salt */
    FAMILY_CRYPT,
    FAMILY_ARGON2,
    FAMILY_PBKDF2,
    FAMILY_SCRAM,
    FAMILY_CRAM,
};

struct scheme {
    slice name;
    enum family family;
    enum digest_kind digest;
    bool salted;
    slice method; /* crypt: what the text must start with; empty: any known one */
};

#define NAME(text)                                                                                 \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }
static const struct scheme schemes[] = {
    {.name = NAME("BLF-CRYPT"), .family = FAMILY_CRYPT, .method = NAME("$2")},
    {.name = NAME("SHA512-CRYPT"), .family = FAMILY_CRYPT, .method = NAME("$6$")},
    {.name = NAME("SHA256-CRYPT"), .family = FAMILY_CRYPT, .method = NAME("$5$")},
    {.name = NAME("MD5-CRYPT"), .family = FAMILY_CRYPT, .method = NAME("$1$")},
    {.name = NAME("MD5"), .family = FAMILY_CRYPT, .method = NAME("$1$")},
    {.name = NAME("DES-CRYPT"), .family = FAMILY_CRYPT},
    {.name = NAME("CRYPT"), .family = FAMILY_CRYPT},
    {.name = NAME("ARGON2I"), .family = FAMILY_ARGON2},
    {.name = NAME("ARGON2ID"), .family = FAMILY_ARGON2},
    {.name = NAME("PBKDF2"), .family = FAMILY_PBKDF2},
    {.name = NAME("SCRAM-SHA-1"), .family = FAMILY_SCRAM, .digest = DIGEST_SHA1},
    {.name = NAME("SCRAM-SHA-256"), .family = FAMILY_SCRAM, .digest = DIGEST_SHA256},
    {.name = NAME("CRAM-MD5"), .family = FAMILY_CRAM},
    {.name = NAME("HMAC-MD5"), .family = FAMILY_CRAM},
    {.name = NAME("SSHA"), .family = FAMILY_DIGEST, .digest = DIGEST_SHA1, .salted = true},
    {.name = NAME("SSHA256"), .family = FAMILY_DIGEST, .digest = DIGEST_SHA256, .salted = true},
    {.name = NAME("SSHA512"), .family = FAMILY_DIGEST, .digest = DIGEST_SHA512, .salted = true},
    {.name = NAME("SMD5"), .family = FAMILY_DIGEST, .digest = DIGEST_MD5, .salted = true},
    {.name = NAME("SHA"), .family = FAMILY_DIGEST, .digest = DIGEST_SHA1},
    {.name = NAME("SHA1"), .family = FAMILY_DIGEST, .digest = DIGEST_SHA1},
    {.name = NAME("SHA256"), .family = FAMILY_DIGEST, .digest = DIGEST_SHA256},
    {.name = NAME("SHA512"), .family = FAMILY_DIGEST, .digest = DIGEST_SHA512},
    {.name = NAME("LDAP-MD5"), .family = FAMILY_DIGEST, .digest = DIGEST_MD5},
    {.name = NAME("PLAIN-MD5"), .family = FAMILY_DIGEST, .digest = DIGEST_MD5},
    {.name = NAME("PLAIN"), .family = FAMILY_PLAIN},
    {.name = NAME("CLEARTEXT"), .family = FAMILY_PLAIN},
    {.name = NAME("CLEAR"), .family = FAMILY_PLAIN},
};

enum encoding { ENCODING_OWN, ENCODING_HEX, ENCODING_BASE64 };

static const struct scheme *scheme_find(slice name)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (slice_equal_nocase(schemes[i].name, name))
            return &schemes[i];
    return NULL;
}

/* {SCHEME}, {SCHEME.HEX}, {SCHEME.B64}, or a hash that names itself. */
static error prefix_parse(slice hash, const struct scheme **out_scheme, enum encoding *out_encoding,
                          slice *out_text)
{
    slice name, encoding, text;
    if (hash.size == 0 || hash.size > PASSWORD_HASH_SIZE_MAX)
        return PASSWORD_MALFORMED;
    *out_encoding = ENCODING_OWN;
    if (hash.data[0] != '{') {
        bool argon2 = slice_starts(hash, SLICE("$argon2"));
        *out_scheme = scheme_find(argon2 ? SLICE("ARGON2ID") : SLICE("CRYPT"));
        *out_text = hash;
        return OK;
    }
    if (!slice_cut(slice_from(hash, 1), '}', &name, &text))
        return PASSWORD_MALFORMED;
    if (slice_cut(name, '.', &name, &encoding)) {
        if (slice_equal_nocase(encoding, SLICE("HEX")))
            *out_encoding = ENCODING_HEX;
        else if (slice_equal_nocase(encoding, SLICE("B64")) ||
                 slice_equal_nocase(encoding, SLICE("BASE64")))
            *out_encoding = ENCODING_BASE64;
        else
            return PASSWORD_MALFORMED;
    }
    *out_scheme = scheme_find(name);
    *out_text = text;
    return *out_scheme ? OK : error_make(ERROR_PERMANENT, "unknown password scheme");
}

static error verify_digest(const struct password_attempt *attempt, const struct scheme *scheme)
{
    size_t size = digest_size(scheme->digest);
    if (scheme->salted ? attempt->text.size < size : attempt->text.size != size)
        return PASSWORD_MALFORMED;
    if (attempt->only_check)
        return OK;
    uint8_t sum[DIGEST_SIZE_MAX];
    struct digest digest;
    digest_init(&digest, scheme->digest);
    digest_add(&digest, attempt->password);
    digest_add(&digest, slice_from(attempt->text, size));
    digest_finish(&digest, sum);
    return constant_equal(sum, attempt->text.data, size) ? OK : PASSWORD_WRONG;
}

static error verify_plain(const struct password_attempt *attempt)
{
    if (attempt->text.size == 0)
        return PASSWORD_MALFORMED; /* nobody logs in with nothing */
    return attempt->only_check || constant_equal_slices(attempt->text, attempt->password)
               ? OK
               : PASSWORD_WRONG;
}

/* Digest schemes hold bytes: as hexadecimal where the length says so, else as base64. */
static bool decode(const struct scheme *scheme, enum encoding encoding, slice text, uint8_t *out,
                   size_t size_max, size_t *out_size)
{
    if (encoding == ENCODING_HEX)
        return password_decode_hex(text, out, size_max, out_size);
    if (encoding == ENCODING_BASE64)
        return password_decode_base64(text, out, size_max, out_size);
    size_t size = scheme->family == FAMILY_CRAM ? 32 : digest_size(scheme->digest);
    if (!scheme->salted && text.size == 2 * size &&
        password_decode_hex(text, out, size_max, out_size))
        return true;
    return password_decode_base64(text, out, size_max, out_size);
}

static error attempt_run(slice hash, struct password_attempt *attempt)
{
    const struct scheme *scheme;
    enum encoding encoding;
    uint8_t bytes[PASSWORD_HASH_SIZE_MAX];
    TRY(prefix_parse(hash, &scheme, &encoding, &attempt->text));
    bool binary = scheme->family == FAMILY_DIGEST || scheme->family == FAMILY_CRAM;
    if (binary || encoding != ENCODING_OWN) {
        size_t size;
        if (!decode(scheme, encoding, attempt->text, bytes, sizeof bytes, &size))
            return PASSWORD_MALFORMED;
        attempt->text = slice_of(bytes, size);
    }
    switch (scheme->family) {
    case FAMILY_PLAIN:
        return verify_plain(attempt);
    case FAMILY_DIGEST:
        return verify_digest(attempt, scheme);
    case FAMILY_CRYPT:
        return password_verify_crypt(attempt, scheme->method);
    case FAMILY_ARGON2:
        return password_verify_argon2(attempt);
    case FAMILY_PBKDF2:
        return password_verify_pbkdf2(attempt);
    case FAMILY_SCRAM:
        return password_verify_scram(attempt, scheme->digest);
    case FAMILY_CRAM:
        return password_verify_cram_md5(attempt);
    }
    return error_make(ERROR_BUG, "password scheme without a family");
}

error password_verify(slice hash, slice password)
{
    if (password.size == 0 || password.size > PASSWORD_SIZE_MAX ||
        slice_find_byte(password, 0) >= 0)
        return PASSWORD_WRONG;
    struct password_attempt attempt = {.password = password};
    return attempt_run(hash, &attempt);
}

error password_check_hash(slice hash)
{
    struct password_attempt attempt = {.only_check = true};
    return attempt_run(hash, &attempt);
}

bool password_is_plain(slice hash, slice *out_password)
{
    const struct scheme *scheme;
    enum encoding encoding;
    slice text;
    if (failed(prefix_parse(hash, &scheme, &encoding, &text)) || scheme->family != FAMILY_PLAIN ||
        encoding != ENCODING_OWN || text.size == 0)
        return false;
    *out_password = text;
    return true;
}

void password_waste_time(slice password)
{
    /* doveadm pw -s BLF-CRYPT -r 10 of a random password nobody knows */
    static const char hash[] =
        "{BLF-CRYPT}$2y$10$/2KEjK5T8pGZmNJpsEC1q.mXxk7/HfLrtApb8OP7PxKY8kMWMrLyS";
    error_ignore(password_verify(SLICE(hash), password.size > 0 ? password : SLICE("-")));
}
