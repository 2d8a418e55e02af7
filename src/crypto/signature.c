/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/signature.h"

#include "crypto/constant.h"

#include <stdlib.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>

enum { DER_SIZE_MAX = 4096, DIGEST_INFO_SIZE_MAX = 64, RSA_EXPONENT = 65537 };

struct signing_key {
    enum signature_algorithm algorithm;
    WC_RNG random; /* RSA blinding */
    union {
        RsaKey rsa;
        ed25519_key ed25519;
    };
};

static error allocate(enum signature_algorithm algorithm, struct signing_key **out_key)
{
    struct signing_key *key = calloc(1, sizeof *key);
    TRY_MEMORY(key);
    key->algorithm = algorithm;
    if (wc_InitRng(&key->random) != 0) {
        free(key);
        return error_make(ERROR_SYSTEM, "no random numbers");
    }
    if (algorithm == SIGNATURE_RSA_SHA256) {
        wc_InitRsaKey(&key->rsa, NULL);
        wc_RsaSetRNG(&key->rsa, &key->random);
    } else {
        wc_ed25519_init(&key->ed25519);
    }
    *out_key = key;
    return OK;
}

void signing_key_destroy(struct signing_key **key)
{
    if (!*key)
        return;
    if ((*key)->algorithm == SIGNATURE_RSA_SHA256)
        wc_FreeRsaKey(&(*key)->rsa);
    else
        wc_ed25519_free(&(*key)->ed25519);
    wc_FreeRng(&(*key)->random);
    free(*key);
    *key = NULL;
}

enum signature_algorithm signing_key_algorithm(const struct signing_key *key)
{
    return key->algorithm;
}

static error check_rsa_size(int bytes)
{
    if (bytes * 8 < SIGNATURE_RSA_BITS_MIN || bytes * 8 > SIGNATURE_RSA_BITS_MAX)
        return error_make(ERROR_LIMIT, "RSA key is shorter than 1024 or longer than 4096 bits");
    return OK;
}

/* Of a key of strangers: what checking costs grows with the exponent, which is 3 or 65537 where
 * nobody means harm. */
static error check_rsa_exponent(const RsaKey *key)
{
    if (mp_count_bits((mp_int *)&key->e) > SIGNATURE_RSA_EXPONENT_BITS_MAX)
        return error_make(ERROR_LIMIT, "the exponent of the RSA key is too large");
    return OK;
}

/* The base64 between "-----BEGIN ...-----" and "-----END", or the text itself where it is DER. */
static error to_der(slice text, uint8_t der[DER_SIZE_MAX], size_t *out_size)
{
    ptrdiff_t begin = slice_find(text, SLICE("-----BEGIN "));
    if (begin < 0) {
        if (text.size > DER_SIZE_MAX)
            return error_make(ERROR_LIMIT, "key is too large");
        memcpy(der, text.data, text.size);
        *out_size = text.size;
        return OK;
    }
    slice rest = slice_from(text, (size_t)begin + 11), label, body;
    ptrdiff_t end = slice_find(rest, SLICE("-----\n"));
    if (end < 0)
        end = slice_find(rest, SLICE("-----\r\n"));
    ptrdiff_t close = slice_find(rest, SLICE("-----END "));
    if (end < 0 || close < end)
        return error_make(ERROR_MALFORMED, "PEM without end");
    label = slice_sub(rest, 0, (size_t)end);
    if (!slice_equal(label, SLICE("PRIVATE KEY")) && !slice_equal(label, SLICE("RSA PRIVATE KEY")))
        return error_make(ERROR_MALFORMED, "PEM is no plain private key");
    body = slice_trim(slice_sub(rest, (size_t)end + 5, (size_t)(close - end) - 5));
    word32 size = DER_SIZE_MAX;
    if (Base64_Decode((const byte *)body.data, (word32)body.size, der, &size) != 0)
        return error_make(ERROR_MALFORMED, "PEM holds no base64, or too much");
    *out_size = size;
    return OK;
}

static error decode_ed25519(struct signing_key *key, const uint8_t *der, size_t size)
{
    word32 at = 0;
    if (wc_Ed25519PrivateKeyDecode(der, &at, &key->ed25519, (word32)size) != 0)
        return error_make(ERROR_MALFORMED, "neither an RSA nor an Ed25519 private key");
    if (wc_ed25519_make_public(&key->ed25519, key->ed25519.p, ED25519_PUB_KEY_SIZE) != 0)
        return error_make(ERROR_MALFORMED, "not an Ed25519 private key");
    key->ed25519.pubKeySet = 1;
    return OK;
}

static error decode(const uint8_t *der, size_t size, struct signing_key **out_key)
{
    struct signing_key *key;
    word32 at = 0;
    TRY(allocate(SIGNATURE_RSA_SHA256, &key));
    if (wc_RsaPrivateKeyDecode(der, &at, &key->rsa, (word32)size) == 0) {
        error problem = check_rsa_size(wc_RsaEncryptSize(&key->rsa));
        if (failed(problem))
            signing_key_destroy(&key);
        else
            *out_key = key;
        return problem;
    }
    signing_key_destroy(&key);
    TRY(allocate(SIGNATURE_ED25519_SHA256, &key));
    error problem = decode_ed25519(key, der, size);
    if (failed(problem))
        signing_key_destroy(&key);
    else
        *out_key = key;
    return problem;
}

error signing_key_parse(slice text, struct signing_key **out_key)
{
    uint8_t der[DER_SIZE_MAX];
    size_t size = 0;
    if (text.size > SIGNATURE_KEY_TEXT_SIZE_MAX)
        return error_make(ERROR_LIMIT, "key is too large");
    error problem = to_der(text, der, &size);
    if (!failed(problem))
        problem = decode(der, size, out_key);
    constant_wipe(der, sizeof der);
    return problem;
}

error signing_key_make(enum signature_algorithm algorithm, unsigned bits,
                       struct signing_key **out_key)
{
    struct signing_key *key;
    if (algorithm == SIGNATURE_RSA_SHA256)
        TRY(check_rsa_size((int)bits / 8));
    TRY(allocate(algorithm, &key));
    int status = algorithm == SIGNATURE_RSA_SHA256
                     ? wc_MakeRsaKey(&key->rsa, (int)bits, RSA_EXPONENT, &key->random)
                     : wc_ed25519_make_key(&key->random, ED25519_KEY_SIZE, &key->ed25519);
    if (status != 0) {
        signing_key_destroy(&key);
        return error_make(ERROR_SYSTEM, "key could not be made");
    }
    *out_key = key;
    return OK;
}

error signing_key_public(const struct signing_key *key, struct buffer *out_bytes)
{
    uint8_t bytes[DER_SIZE_MAX];
    int size;
    if (key->algorithm == SIGNATURE_RSA_SHA256) {
        size = wc_RsaKeyToPublicDer((RsaKey *)&key->rsa, bytes, sizeof bytes);
    } else {
        word32 room = sizeof bytes;
        size = wc_ed25519_export_public((ed25519_key *)&key->ed25519, bytes, &room) == 0 ? (int)room
                                                                                         : -1;
    }
    if (size <= 0)
        return error_make(ERROR_BUG, "public key could not be written");
    buffer_add(out_bytes, slice_of(bytes, (size_t)size));
    return buffer_check(out_bytes);
}

static void add_pem(struct buffer *out, const char *label, const uint8_t *der, size_t size)
{
    uint8_t text[DER_SIZE_MAX * 2];
    word32 text_size = sizeof text;
    buffer_format(out, "-----BEGIN %s-----\n", label);
    if (Base64_Encode(der, (word32)size, text, &text_size) != 0) /* with line ends */
        out->overflow = true;
    else
        buffer_add(out, slice_of(text, text_size));
    buffer_format(out, "-----END %s-----\n", label);
    constant_wipe(text, sizeof text);
}

error signing_key_write(const struct signing_key *key, struct buffer *out_pem)
{
    uint8_t der[DER_SIZE_MAX];
    bool rsa = key->algorithm == SIGNATURE_RSA_SHA256;
    int size = rsa ? wc_RsaKeyToDer((RsaKey *)&key->rsa, der, sizeof der)
                   : wc_Ed25519PrivateKeyToDer((ed25519_key *)&key->ed25519, der, sizeof der);
    if (size > 0)
        add_pem(out_pem, rsa ? "RSA PRIVATE KEY" : "PRIVATE KEY", der, (size_t)size);
    constant_wipe(der, sizeof der);
    return size > 0 ? buffer_check(out_pem)
                    : error_make(ERROR_BUG, "private key could not be written");
}

error signing_key_sign(struct signing_key *key, const uint8_t digest[32],
                       uint8_t out_signature[SIGNATURE_SIZE_MAX], size_t *out_size)
{
    int size;
    if (key->algorithm == SIGNATURE_RSA_SHA256) {
        uint8_t info[DIGEST_INFO_SIZE_MAX];
        word32 info_size = wc_EncodeSignature(info, digest, 32, SHA256h);
        size = wc_RsaSSL_Sign(info, info_size, out_signature, SIGNATURE_SIZE_MAX, &key->rsa,
                              &key->random);
    } else {
        word32 room = SIGNATURE_SIZE_MAX;
        size = wc_ed25519_sign_msg(digest, 32, out_signature, &room, &key->ed25519) == 0 ? (int)room
                                                                                         : -1;
    }
    if (size <= 0)
        return error_make(ERROR_SYSTEM, "signing failed");
    *out_size = (size_t)size;
    return OK;
}

static error verify_rsa(slice public_key, const uint8_t digest[32], slice signature)
{
    RsaKey key;
    word32 at = 0;
    uint8_t expected[DIGEST_INFO_SIZE_MAX], actual[SIGNATURE_SIZE_MAX];
    if (wc_InitRsaKey(&key, NULL) != 0)
        return error_make(ERROR_SYSTEM, "RSA is not available");
    error problem = OK;
    if (wc_RsaPublicKeyDecode((const byte *)public_key.data, &at, &key, (word32)public_key.size) !=
        0)
        problem = error_make(ERROR_MALFORMED, "not an RSA public key");
    else
        problem = check_rsa_size(wc_RsaEncryptSize(&key));
    if (!failed(problem))
        problem = check_rsa_exponent(&key);
    if (!failed(problem)) {
        word32 size = wc_EncodeSignature(expected, digest, 32, SHA256h);
        int got = wc_RsaSSL_Verify((const byte *)signature.data, (word32)signature.size, actual,
                                   sizeof actual, &key);
        if (got != (int)size || memcmp(expected, actual, size) != 0)
            problem = error_make(ERROR_DENIED, "signature does not match");
    }
    wc_FreeRsaKey(&key);
    return problem;
}

static error verify_ed25519(slice public_key, const uint8_t digest[32], slice signature)
{
    ed25519_key key;
    int matches = 0;
    if (wc_ed25519_init(&key) != 0)
        return error_make(ERROR_SYSTEM, "Ed25519 is not available");
    error problem = OK;
    if (public_key.size != ED25519_PUB_KEY_SIZE ||
        wc_ed25519_import_public((const byte *)public_key.data, ED25519_PUB_KEY_SIZE, &key) != 0)
        problem = error_make(ERROR_MALFORMED, "not an Ed25519 public key");
    else if (wc_ed25519_verify_msg((const byte *)signature.data, (word32)signature.size, digest, 32,
                                   &matches, &key) != 0 ||
             !matches)
        problem = error_make(ERROR_DENIED, "signature does not match");
    wc_ed25519_free(&key);
    return problem;
}

error signature_verify(enum signature_algorithm algorithm, slice public_key,
                       const uint8_t digest[32], slice signature)
{
    if (signature.size == 0 || signature.size > SIGNATURE_SIZE_MAX)
        return error_make(ERROR_DENIED, "signature has an impossible size");
    return algorithm == SIGNATURE_RSA_SHA256 ? verify_rsa(public_key, digest, signature)
                                             : verify_ed25519(public_key, digest, signature);
}
