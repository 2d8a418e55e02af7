/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls_verify.h"

#include "crypto/digest.h"
#include "format/tls/x509.h"

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

enum tls_verdict tls_verify_names(const struct tls_chain *chain, const slice *names,
                                  unsigned name_count)
{
    struct x509 own;
    if (chain->count == 0 || failed(x509_parse(chain->certificates[0], &own)))
        return TLS_VERDICT_UNTRUSTED;
    for (unsigned i = 0; i < name_count; i++)
        if (x509_is_for(&own, names[i], false))
            return TLS_VERDICT_GOOD;
    return TLS_VERDICT_WRONG_NAME;
}

/* ---- TLSA records ---- */

enum { USAGE_TA = 2, USAGE_EE = 3 };
enum { SELECTOR_CERTIFICATE = 0, SELECTOR_KEY = 1 };
enum { MATCHING_FULL = 0, MATCHING_SHA256 = 1, MATCHING_SHA512 = 2 };

bool tls_dane_is_usable(const struct dns_record *record)
{
    uint8_t usage = record->tlsa.usage, matching = record->tlsa.matching;
    size_t size = record->tlsa.data.size;
    return (usage == USAGE_TA || usage == USAGE_EE) && record->tlsa.selector <= SELECTOR_KEY &&
           (matching == MATCHING_SHA256   ? size == 32
            : matching == MATCHING_SHA512 ? size == 64
                                          : matching == MATCHING_FULL && size > 0);
}

/* RFC 6698 2.1.2 to 2.1.4 */
static bool record_matches(const struct dns_record *record, slice certificate)
{
    uint8_t sum[DIGEST_SIZE_MAX];
    slice selected = certificate;
    struct x509 x509;
    if (record->tlsa.selector == SELECTOR_KEY) {
        if (failed(x509_parse(certificate, &x509)))
            return false;
        selected = x509.key;
    }
    if (record->tlsa.matching != MATCHING_FULL) {
        enum digest_kind kind =
            record->tlsa.matching == MATCHING_SHA256 ? DIGEST_SHA256 : DIGEST_SHA512;
        digest_of(kind, selected, sum);
        selected = slice_of(sum, digest_size(kind));
    }
    return slice_equal(selected, record->tlsa.data);
}

/* ---- From a trust anchor down ---- */

static enum tls_verdict verdict_of(int result)
{
    if (result == WOLFSSL_SUCCESS)
        return TLS_VERDICT_GOOD;
    if (result == ASN_AFTER_DATE_E || result == ASN_BEFORE_DATE_E)
        return TLS_VERDICT_EXPIRED;
    return TLS_VERDICT_UNTRUSTED;
}

static bool add_authority(WOLFSSL_CERT_MANAGER *manager, slice certificate)
{
    struct x509 x509;
    return !failed(x509_parse(certificate, &x509)) && x509.authority &&
           wolfSSL_CertManagerLoadCABuffer(manager, (const unsigned char *)certificate.data,
                                           (long)certificate.size,
                                           WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS;
}

static enum tls_verdict verify_one(WOLFSSL_CERT_MANAGER *manager, slice certificate)
{
    return verdict_of(
        wolfSSL_CertManagerVerifyBuffer(manager, (const unsigned char *)certificate.data,
                                        (long)certificate.size, WOLFSSL_FILETYPE_ASN1));
}

/* Every certificate below `anchor` must be signed by the one above it, up to the anchor itself
 * which is trusted as it is: at chain->certificates[depth], or not in the chain (depth == count).
 */
static enum tls_verdict verify_below(const struct tls_chain *chain, slice anchor, unsigned depth)
{
    WOLFSSL_CERT_MANAGER *manager = wolfSSL_CertManagerNew();
    enum tls_verdict verdict = TLS_VERDICT_UNTRUSTED;
    if (!manager)
        return verdict;
    bool known = add_authority(manager, anchor);
    for (unsigned i = depth; known && i-- > 0;) {
        verdict = verify_one(manager, chain->certificates[i]);
        known = verdict == TLS_VERDICT_GOOD &&
                (i == 0 || add_authority(manager, chain->certificates[i]));
        if (verdict == TLS_VERDICT_GOOD && !known)
            verdict = TLS_VERDICT_UNTRUSTED; /* no authority, and yet it signed */
    }
    wolfSSL_CertManagerFree(manager);
    return verdict;
}

static enum tls_verdict verify_anchor(const struct tls_chain *chain,
                                      const struct dns_record *record, const slice *names,
                                      unsigned name_count)
{
    enum tls_verdict verdict = TLS_VERDICT_UNTRUSTED;
    for (unsigned i = 1; i < chain->count && verdict == TLS_VERDICT_UNTRUSTED; i++)
        if (record_matches(record, chain->certificates[i]))
            verdict = verify_below(chain, chain->certificates[i], i);
    /* RFC 7671 5.2.2: a whole certificate in DNS need not be in the chain. */
    if (verdict == TLS_VERDICT_UNTRUSTED && record->tlsa.matching == MATCHING_FULL &&
        record->tlsa.selector == SELECTOR_CERTIFICATE)
        verdict = verify_below(chain, record->tlsa.data, chain->count);
    return verdict == TLS_VERDICT_GOOD ? tls_verify_names(chain, names, name_count) : verdict;
}

enum tls_verdict tls_verify_dane(const struct tls_chain *chain, const struct dns_record *records,
                                 unsigned record_count, const slice *names, unsigned name_count)
{
    enum tls_verdict worst = TLS_VERDICT_NO_TLSA;
    for (unsigned i = 0; i < record_count && chain->count; i++) {
        const struct dns_record *record = &records[i];
        if (!tls_dane_is_usable(record))
            continue;
        /* RFC 7672 3.1.1: a match is all. */
        if (record->tlsa.usage == USAGE_EE && record_matches(record, chain->certificates[0]))
            return TLS_VERDICT_GOOD;
        if (record->tlsa.usage != USAGE_TA)
            continue;
        enum tls_verdict verdict = verify_anchor(chain, record, names, name_count);
        if (verdict == TLS_VERDICT_GOOD)
            return verdict;
        if (verdict != TLS_VERDICT_UNTRUSTED)
            worst = verdict; /* the anchor is right, something else is wrong */
    }
    return worst;
}
