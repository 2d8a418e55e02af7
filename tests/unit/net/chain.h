#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Certificates made for tests: authorities, what they sign, and what they should not have signed.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>

struct made {
    ecc_key key;
    unsigned char der[2048];
    int size;
};

struct make {
    const char *name;          /* common name, and the DNS name of one that is no authority */
    const struct made *issuer; /* NULL: signs itself */
    bool authority;
    bool expired;
};

static WC_RNG made_random;

/* UTCTime elements, as the library wants them. */
static void made_dates(Cert *certificate)
{
    static const char before[] = "\x17\x0d"
                                 "200101000000Z",
                      after[] = "\x17\x0d"
                                "210101000000Z";
    memcpy(certificate->beforeDate, before, certificate->beforeDateSz = sizeof before - 1);
    memcpy(certificate->afterDate, after, certificate->afterDateSz = sizeof after - 1);
}

static inline void make_certificate(const struct make *make, struct made *out)
{
    static bool started;
    Cert certificate;
    if (!started)
        assert_int_equal(wc_InitRng(&made_random), 0);
    started = true;
    assert_int_equal(wc_ecc_init(&out->key), 0);
    assert_int_equal(wc_ecc_make_key_ex(&made_random, 32, &out->key, ECC_SECP256R1), 0);
    assert_int_equal(wc_InitCert(&certificate), 0);
    snprintf(certificate.subject.commonName, sizeof certificate.subject.commonName, "%s",
             make->name);
    certificate.isCA = make->authority;
    certificate.sigType = CTC_SHA256wECDSA;
    certificate.daysValid = 1000;
    if (make->expired)
        made_dates(&certificate);
    if (make->authority) {
        assert_int_equal(wc_SetKeyUsage(&certificate, "keyCertSign,cRLSign"), 0);
    } else {
        size_t size = strlen(make->name);
        certificate.altNames[0] = 0x30;
        certificate.altNames[1] = (unsigned char)(size + 2);
        certificate.altNames[2] = 0x82;
        certificate.altNames[3] = (unsigned char)size;
        memcpy(certificate.altNames + 4, make->name, size);
        certificate.altNamesSz = (int)size + 4;
    }
    assert_int_equal(wc_SetSubjectKeyIdFromPublicKey_ex(&certificate, ECC_TYPE, (void *)&out->key),
                     0);
    const struct made *issuer = make->issuer ? make->issuer : out;
    assert_int_equal(
        wc_SetAuthKeyIdFromPublicKey_ex(&certificate, ECC_TYPE, (void *)(uintptr_t)&issuer->key),
        0);
    if (make->issuer) {
        assert_int_equal(wc_SetIssuerBuffer(&certificate, issuer->der, issuer->size), 0);
    } else {
        certificate.selfSigned = 1;
        certificate.issuer = certificate.subject;
    }
    assert_true(wc_MakeCert_ex(&certificate, out->der, sizeof out->der, ECC_TYPE, &out->key,
                               &made_random) > 0);
    out->size = wc_SignCert_ex(certificate.bodySz, CTC_SHA256wECDSA, out->der, sizeof out->der,
                               ECC_TYPE, (void *)(uintptr_t)&issuer->key, &made_random);
    assert_true(out->size > 0);
}

static inline slice made_der(const struct made *made)
{
    return slice_of(made->der, (size_t)made->size);
}

/* PEM files: the chain, server's own first; the own key. */
static inline void made_write(const struct made *const *chain, unsigned count,
                              const char *certificate_path, const char *key_path)
{
    unsigned char pem[4096], key[512];
    FILE *file = fopen(certificate_path, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < count; i++) {
        int size = wc_DerToPem(chain[i]->der, (word32)chain[i]->size, pem, sizeof pem, CERT_TYPE);
        assert_true(size > 0 && fwrite(pem, 1, (size_t)size, file) == (size_t)size);
    }
    fclose(file);
    int key_size = wc_EccKeyToDer((ecc_key *)(uintptr_t)&chain[0]->key, key, sizeof key);
    assert_true(key_size > 0);
    int size = wc_DerToPem(key, (word32)key_size, pem, sizeof pem, ECC_PRIVATEKEY_TYPE);
    file = fopen(key_path, "w");
    assert_true(size > 0 && file && fwrite(pem, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
}
