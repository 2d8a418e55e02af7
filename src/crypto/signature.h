#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Signatures over SHA-256 digests as DKIM and ARC make them: RSA PKCS#1 v1.5 (RFC 8017 8.2, as
 * rsa-sha256 of RFC 6376) and Ed25519 over the digest's bytes (RFC 8463). Long computing: an
 * RSA-2048 signature takes some 0.7 ms; call on a worker where that matters. A signing key may be
 * used by any thread that no other uses at the same time.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdint.h>

enum signature_algorithm { SIGNATURE_RSA_SHA256, SIGNATURE_ED25519_SHA256 };

enum {
    SIGNATURE_SIZE_MAX = 512,      /* bytes: RSA-4096 */
    SIGNATURE_RSA_BITS_MIN = 1024, /* RFC 8301 3.2: shorter keys do not count */
    SIGNATURE_RSA_BITS_MAX = 4096,
    SIGNATURE_RSA_EXPONENT_BITS_MAX = 33, /* of public keys: 65537 has 17 */
    SIGNATURE_KEY_TEXT_SIZE_MAX = 16 * 1024,
};

struct signing_key;

/* A private key: PEM ("PRIVATE KEY", "RSA PRIVATE KEY") or DER (PKCS#8, PKCS#1). ERROR_MALFORMED
 * where it is none, ERROR_LIMIT where its size is out of bounds. */
error signing_key_parse(slice text, struct signing_key **out_key);
/* A new key. bits: RSA only (2048 is the field's choice). */
error signing_key_make(enum signature_algorithm algorithm, unsigned bits,
                       struct signing_key **out_key);
void signing_key_destroy(struct signing_key **key);
enum signature_algorithm signing_key_algorithm(const struct signing_key *key);
/* RSA: DER SubjectPublicKeyInfo; Ed25519: the 32 bytes (RFC 8463 4.2): what the p= tag carries,
 * before base64. */
error signing_key_public(const struct signing_key *key, struct buffer *out_bytes);
/* PEM, PKCS#1 for RSA and PKCS#8 for Ed25519. */
error signing_key_write(const struct signing_key *key, struct buffer *out_pem);

error signing_key_sign(struct signing_key *key, const uint8_t digest[32],
                       uint8_t out_signature[SIGNATURE_SIZE_MAX], size_t *out_size);

/* OK where the signature is this key's over this digest; ERROR_DENIED where it is not;
 * ERROR_MALFORMED where the public key is none (RSA: SubjectPublicKeyInfo or the bare RSAPublicKey;
 * Ed25519: 32 bytes); ERROR_LIMIT for RSA keys out of bounds. */
error signature_verify(enum signature_algorithm algorithm, slice public_key,
                       const uint8_t digest[32], slice signature);
