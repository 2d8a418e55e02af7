/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "crypto/digest.h"
#include "crypto/signature.h"
#include "format/text/base64.h"

#include <stdlib.h>

/* RFC 8463 A.2: the seed of brisbane's key, as PKCS#8, and its public half. */
static const char ed25519_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
static const uint8_t ed25519_public[] = {
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
};

static void check_round_trip(struct signing_key *key)
{
    struct buffer public, pem;
    uint8_t digest[32], signature[SIGNATURE_SIZE_MAX];
    size_t size;
    buffer_init(&public, 4096);
    buffer_init(&pem, 16384);
    digest_of(DIGEST_SHA256, SLICE("hello"), digest);
    assert_ok(signing_key_public(key, &public));
    assert_ok(signing_key_sign(key, digest, signature, &size));
    enum signature_algorithm algorithm = signing_key_algorithm(key);
    assert_ok(
        signature_verify(algorithm, buffer_slice(&public), digest, slice_of(signature, size)));
    signature[size / 2] ^= 1;
    assert_error(
        signature_verify(algorithm, buffer_slice(&public), digest, slice_of(signature, size)),
        ERROR_DENIED);
    signature[size / 2] ^= 1;
    digest[0] ^= 1;
    assert_error(
        signature_verify(algorithm, buffer_slice(&public), digest, slice_of(signature, size)),
        ERROR_DENIED);
    digest[0] ^= 1;
    assert_error(signature_verify(algorithm, buffer_slice(&public), digest, SLICE_EMPTY),
                 ERROR_DENIED);
    assert_error(signature_verify(algorithm, SLICE("no key"), digest, slice_of(signature, size)),
                 ERROR_MALFORMED);

    /* The written key signs what the first one's public half verifies. */
    struct signing_key *again;
    assert_ok(signing_key_write(key, &pem));
    assert_ok(signing_key_parse(buffer_slice(&pem), &again));
    assert_ok(signing_key_sign(again, digest, signature, &size));
    assert_ok(
        signature_verify(algorithm, buffer_slice(&public), digest, slice_of(signature, size)));
    signing_key_destroy(&again);
    buffer_close(&public);
    buffer_close(&pem);
}

static void test_rsa(void **state)
{
    (void)state;
    struct signing_key *key;
    assert_ok(signing_key_make(SIGNATURE_RSA_SHA256, 2048, &key));
    check_round_trip(key);
    signing_key_destroy(&key);
    assert_error(signing_key_make(SIGNATURE_RSA_SHA256, 512, &key), ERROR_LIMIT);
    assert_error(signing_key_make(SIGNATURE_RSA_SHA256, 8192, &key), ERROR_LIMIT);
}

static void test_ed25519(void **state)
{
    (void)state;
    struct signing_key *key;
    assert_ok(signing_key_make(SIGNATURE_ED25519_SHA256, 0, &key));
    check_round_trip(key);
    signing_key_destroy(&key);
}

static void test_known_ed25519_key(void **state)
{
    (void)state;
    struct signing_key *key;
    struct buffer public;
    buffer_init(&public, 64);
    assert_ok(signing_key_parse(SLICE(ed25519_pem), &key));
    assert_int_equal(signing_key_algorithm(key), SIGNATURE_ED25519_SHA256);
    assert_ok(signing_key_public(key, &public));
    assert_int_equal(public.size, 32);
    assert_memory_equal(public.data, ed25519_public, 32);
    check_round_trip(key);
    signing_key_destroy(&key);
    buffer_close(&public);
}

/* A key in DNS with an exponent as long as its modulus: each look at a signature would cost what
 * making one does. */
static void test_refuses_dear_exponents(void **state)
{
    (void)state;
    static const char key[] =
        "MIICITANBgkqhkiG9w0BAQEFAAOCAg4AMIICCQKCAQEA7jQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhev"
        "oB1L9RIvNEVUxTveLruM0rfj0WAK1jHDhaXXzOI8d4VFmtvBtMkA/+SNV1tdpcY4BAEl9l2w/j4kSUt26phk"
        "V9mGCE/tCLl4r019GWp0RqhrWACeY2thHbFiEbZamq3/KcXlLZxQjFAjRzRNjAetkcvWBor8df9ikvBioJyj"
        "gcieced7mprp4wsNvbb1EKJk753ngVAde2uSronrBZxat0PbZ1humPrSfaC5lovAOaHvNMk5ubjlI6i++J1H"
        "hgjF7PbKNYdY9tJ+bPRScpN5d6dI/Yg5HbZ5ztp9x78fAF7oeQKCAQAsSfF/LCBWRNOg0kLrWoLsIi7QH72P"
        "1rVdDy9u9lHkhBLC/Ff9P5Nr1TBy29OjbNAVgbJc/7XqjTukRyaxPIYfIGyLqTVi143Ni0fOtPbfkzrlmhqZ"
        "0TCP/3oOnNXfsAjcR83laehnWlFgbwoMfCJPWW+IXzGhRgweXiNzS45q2edJAUnVaw2ovAlVQhnjCW8rGdH2"
        "lHa7wN+lfQpF70QtYAg2RiM1eriPmIpudKXLf6IFomlYwFr3FXMgKsGbnTMWEZzsDJvQ7lJ7wSfKs1nI1jlj"
        "+S/Zis80jmUqkSM9wtN57TGRxzVBk2ieFcXn+SAwD9nJDklo9DuXRmziAqib";
    struct arena arena;
    slice public;
    uint8_t digest[32] = {1}, signature[256] = {0, 1};
    arena_init(&arena, 1 << 16);
    assert_ok(base64_decode(&arena, SLICE(key), &public));
    assert_error(signature_verify(SIGNATURE_RSA_SHA256, public, digest,
                                  slice_of(signature, sizeof signature)),
                 ERROR_LIMIT);
    /* The same modulus with exponents of SIGNATURE_RSA_EXPONENT_BITS_MAX bits and of one more. */
    enum { MODULUS_AT = 28, MODULUS_SIZE = 261, EXPONENT_SIZE = 7 };
    uint8_t der[MODULUS_AT + MODULUS_SIZE + EXPONENT_SIZE];
    static const uint8_t exponent[EXPONENT_SIZE] = {2, 5, 0, 0, 0, 0, 1};
    memcpy(der, public.data, MODULUS_AT + MODULUS_SIZE);
    memcpy(der + MODULUS_AT + MODULUS_SIZE, exponent, EXPONENT_SIZE);
    memcpy(der + 2, "\x01\x24", 2); /* sizes: of all, of the key as bits, of the key */
    memcpy(der + 21, "\x01\x11", 2);
    memcpy(der + 26, "\x01\x0c", 2);
    for (unsigned more = 0; more < 2; more++) {
        der[sizeof der - 5] = (uint8_t)(1 << (SIGNATURE_RSA_EXPONENT_BITS_MAX - 33 + more));
        assert_error(signature_verify(SIGNATURE_RSA_SHA256, slice_of(der, sizeof der), digest,
                                      slice_of(signature, sizeof signature)),
                     more ? ERROR_LIMIT : ERROR_DENIED);
    }
    arena_close(&arena);
}

static void test_refuses_what_is_no_key(void **state)
{
    (void)state;
    struct signing_key *key;
    static char large[SIGNATURE_KEY_TEXT_SIZE_MAX + 1];
    assert_error(signing_key_parse(SLICE(""), &key), ERROR_MALFORMED);
    assert_error(signing_key_parse(SLICE("-----BEGIN PRIVATE KEY-----\nAAAA\n"), &key),
                 ERROR_MALFORMED);
    assert_error(signing_key_parse(
                     SLICE("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), &key),
                 ERROR_MALFORMED);
    assert_error(signing_key_parse(
                     SLICE("-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n"), &key),
                 ERROR_MALFORMED);
    assert_error(signing_key_parse(slice_of(large, sizeof large), &key), ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rsa),
        cmocka_unit_test(test_ed25519),
        cmocka_unit_test(test_known_ed25519_key),
        cmocka_unit_test(test_refuses_dear_exponents),
        cmocka_unit_test(test_refuses_what_is_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
