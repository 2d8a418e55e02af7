/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A certificate that signs itself, so that a demo or a test has TLS without anyone's help. It says
 * CA:TRUE, because clients take it as their one authority.
 */
#include "net/address.h"
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>

enum { DER_SIZE_MAX = 8192, PEM_SIZE_MAX = 16384, DAYS_VALID = 3650, RSA_BITS = 2048 };

/* A key of either kind. */
struct maker {
    WC_RNG rng;
    ecc_key ecc;
    RsaKey rsa;
    Cert certificate;
    bool is_rsa, has_rng, has_key;
    unsigned char der[DER_SIZE_MAX];
    char pem[PEM_SIZE_MAX];
};

static error problem(const char *text)
{
    return error_make(ERROR_PERMANENT, text);
}

static error make_key(struct maker *maker)
{
    if (wc_InitRng(&maker->rng) != 0)
        return problem("no randomness for a key");
    maker->has_rng = true;
    int result = maker->is_rsa ? wc_InitRsaKey(&maker->rsa, NULL) : wc_ecc_init(&maker->ecc);
    maker->has_key = result == 0;
    if (result == 0)
        result = maker->is_rsa ? wc_MakeRsaKey(&maker->rsa, RSA_BITS, WC_RSA_EXPONENT, &maker->rng)
                               : wc_ecc_make_key_ex(&maker->rng, 32, &maker->ecc, ECC_SECP256R1);
    return result == 0 ? OK : problem("a key cannot be made");
}

/* GeneralNames (RFC 5280 4.2.1.6): a name or address after the other, within one SEQUENCE. */
static error add_general_name(Cert *certificate, unsigned char tag, slice value)
{
    int at = certificate->altNamesSz;
    if (value.size == 0 || value.size > 127 ||
        (size_t)at + 2 + value.size > sizeof certificate->altNames)
        return error_make(ERROR_LIMIT, "too many or too long names for a certificate");
    certificate->altNames[at] = tag;
    certificate->altNames[at + 1] = (unsigned char)value.size;
    memcpy(certificate->altNames + at + 2, value.data, value.size);
    certificate->altNamesSz = at + 2 + (int)value.size;
    return OK;
}

enum { HEADER_ROOM = 4, TAG_SEQUENCE = 0x30, TAG_DNS = 0x82, TAG_IP = 0x87 };

/* Puts the SEQUENCE before the names; DER wants its size in as few bytes as possible. */
static void finish_names(Cert *certificate)
{
    size_t content = (size_t)certificate->altNamesSz - HEADER_ROOM;
    unsigned char *names = certificate->altNames;
    unsigned char header[HEADER_ROOM] = {TAG_SEQUENCE, (unsigned char)content};
    size_t header_size = 2;
    if (content > 255) {
        header[1] = 0x82;
        header[2] = (unsigned char)(content >> 8);
        header[3] = (unsigned char)content;
        header_size = 4;
    } else if (content > 127) {
        header[1] = 0x81;
        header[2] = (unsigned char)content;
        header_size = 3;
    }
    memmove(names + header_size, names + HEADER_ROOM, content);
    memcpy(names, header, header_size);
    certificate->altNamesSz = (int)(header_size + content);
}

static error add_names(Cert *certificate, const slice *names, unsigned count)
{
    static const char loopback[4] = {127, 0, 0, 1}, loopback_6[16] = {[15] = 1};
    certificate->altNamesSz = HEADER_ROOM;
    for (unsigned i = 0; i < count; i++) {
        struct address address;
        if (!failed(address_parse_ip(names[i], &address))) {
            size_t size = address.family == ADDRESS_IPV4 ? 4 : 16;
            TRY(add_general_name(certificate, TAG_IP, slice_of(address.ip, size)));
            continue;
        }
        TRY(add_general_name(certificate, TAG_DNS, names[i]));
        if (slice_equal_nocase(names[i], SLICE("localhost"))) {
            TRY(add_general_name(certificate, TAG_IP, slice_of(loopback, sizeof loopback)));
            TRY(add_general_name(certificate, TAG_IP, slice_of(loopback_6, sizeof loopback_6)));
        }
    }
    finish_names(certificate);
    return OK;
}

static error describe(struct maker *maker, const slice *names, unsigned count)
{
    Cert *certificate = &maker->certificate;
    void *key = maker->is_rsa ? (void *)&maker->rsa : (void *)&maker->ecc;
    int kind = maker->is_rsa ? RSA_TYPE : ECC_TYPE;
    if (wc_InitCert(certificate) != 0)
        return problem("a certificate cannot be made");
    size_t size = names[0].size < CTC_NAME_SIZE - 1 ? names[0].size : CTC_NAME_SIZE - 1;
    memcpy(certificate->subject.commonName, names[0].data, size);
    memcpy(certificate->subject.org, "Ringmail self-signed", sizeof "Ringmail self-signed");
    certificate->isCA = 1;
    certificate->daysValid = DAYS_VALID;
    certificate->sigType = maker->is_rsa ? CTC_SHA256wRSA : CTC_SHA256wECDSA;
    if (wc_SetKeyUsage(certificate, "digitalSignature,keyEncipherment,keyCertSign") != 0 ||
        wc_SetExtKeyUsage(certificate, "serverAuth,clientAuth") != 0 ||
        wc_SetSubjectKeyIdFromPublicKey_ex(certificate, kind, key) != 0 ||
        wc_SetAuthKeyIdFromPublicKey_ex(certificate, kind, key) != 0)
        return problem("a certificate cannot be described");
    return add_names(certificate, names, count);
}

/* Renames into place, so that a reader never meets half a file. */
static error write_file(const char *path, mode_t mode, slice content)
{
    char temporary[4096];
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.new", path) >= sizeof temporary)
        return error_make(ERROR_LIMIT, "the path is too long");
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return error_system(errno, "cannot write a certificate or key file");
    error result = OK;
    if (fchmod(fd, mode) != 0 || write(fd, content.data, content.size) != (ssize_t)content.size)
        result = error_system(errno, "cannot write a certificate or key file");
    if (close(fd) != 0 && !failed(result))
        result = error_system(errno, "cannot write a certificate or key file");
    if (!failed(result) && rename(temporary, path) != 0)
        result = error_system(errno, "cannot put a certificate or key file in place");
    if (failed(result))
        unlink(temporary);
    return result;
}

static error write_pem(struct maker *maker, int size, int type, const char *path, mode_t mode)
{
    if (size <= 0)
        return problem("a key or certificate cannot be encoded");
    int pem_size =
        wc_DerToPem(maker->der, (word32)size, (unsigned char *)maker->pem, sizeof maker->pem, type);
    if (pem_size <= 0)
        return problem("a key or certificate cannot be encoded");
    return write_file(path, mode, slice_of(maker->pem, (size_t)pem_size));
}

static error write_pair(struct maker *maker, const char *certificate_path, const char *key_path)
{
    void *key = maker->is_rsa ? (void *)&maker->rsa : (void *)&maker->ecc;
    int kind = maker->is_rsa ? RSA_TYPE : ECC_TYPE;
    int size = maker->is_rsa ? wc_RsaKeyToDer(&maker->rsa, maker->der, sizeof maker->der)
                             : wc_EccKeyToDer(&maker->ecc, maker->der, sizeof maker->der);
    TRY(write_pem(maker, size, maker->is_rsa ? PRIVATEKEY_TYPE : ECC_PRIVATEKEY_TYPE, key_path,
                  0600));
    Cert *certificate = &maker->certificate;
    size = wc_MakeCert_ex(certificate, maker->der, sizeof maker->der, kind, key, &maker->rng);
    if (size > 0)
        size = wc_SignCert_ex(certificate->bodySz, certificate->sigType, maker->der,
                              sizeof maker->der, kind, key, &maker->rng);
    return write_pem(maker, size, CERT_TYPE, certificate_path, 0644);
}

error tls_make_self_signed(enum tls_key_kind kind, const slice *names, unsigned count,
                           const char *certificate_path, const char *key_path)
{
    if (count == 0 || names[0].size == 0)
        return error_make(ERROR_MALFORMED, "a certificate needs a name");
    TRY(tls_start());
    struct maker *maker = calloc(1, sizeof *maker);
    TRY_MEMORY(maker);
    maker->is_rsa = kind == TLS_KEY_RSA;
    error result = make_key(maker);
    if (!failed(result))
        result = describe(maker, names, count);
    if (!failed(result))
        result = write_pair(maker, certificate_path, key_path);
    if (maker->has_key && maker->is_rsa)
        wc_FreeRsaKey(&maker->rsa);
    else if (maker->has_key)
        wc_ecc_free(&maker->ecc);
    if (maker->has_rng)
        wc_FreeRng(&maker->rng);
    explicit_bzero(maker, sizeof *maker);
    free(maker);
    return result;
}
