/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls_set.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/hash.h>

/* AES-128 first: as safe, and faster. The CBC suites at the end are for old mail servers that would
 * fall back to clear text; forward secrecy throughout. */
static const char cipher_list[] = "TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384:"
                                  "TLS13-CHACHA20-POLY1305-SHA256:"
                                  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
                                  "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256";

static pthread_once_t start_once = PTHREAD_ONCE_INIT;
static int start_result;

static void start(void)
{
    start_result = wolfSSL_Init();
}

error tls_start(void)
{
    pthread_once(&start_once, start);
    return start_result == WOLFSSL_SUCCESS ? OK
                                           : error_make(ERROR_PERMANENT, "wolfSSL does not start");
}

error tls_read_file(const char *path, char **out_data, size_t *out_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_system(errno, "cannot open a certificate or key file");
    char *data = malloc(TLS_FILE_SIZE_MAX + 1);
    size_t size = 0;
    ssize_t got = 1;
    while (data && got > 0 && size <= TLS_FILE_SIZE_MAX) {
        got = read(fd, data + size, TLS_FILE_SIZE_MAX + 1 - size);
        size += got > 0 ? (size_t)got : 0;
    }
    int problem = errno;
    close(fd);
    TRY_MEMORY(data);
    if (got >= 0 && size <= TLS_FILE_SIZE_MAX) {
        data[size] = 0;
        *out_data = data;
        *out_size = size;
        return OK;
    }
    free(data);
    if (got < 0)
        return error_system(problem, "cannot read a certificate or key file");
    return error_make(ERROR_LIMIT, "a certificate or key file is larger than 1 MiB");
}

error tls_configure(WOLFSSL_CTX *context, enum tls_version version_min)
{
    wolfSSL_CTX_SetIORecv(context, tls_take_cipher);
    wolfSSL_CTX_SetIOSend(context, tls_give_cipher);
    int version = version_min == TLS_1_3 ? WOLFSSL_TLSV1_3 : WOLFSSL_TLSV1_2;
    if (wolfSSL_CTX_SetMinVersion(context, version) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_cipher_list(context, cipher_list) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_SetMinRsaKey_Sz(context, 2048) != WOLFSSL_SUCCESS)
        return error_make(ERROR_PERMANENT, "this wolfSSL lacks what TLS needs");
    return OK;
}

/* ---- Building ---- */

static error add_name(struct tls_set *set, const char *text,
                      const struct tls_certificate *certificate)
{
    struct tls_name *name = map_get(&set->names, slice_from_string(text));
    if (!name) {
        name = calloc(1, sizeof *name);
        TRY_MEMORY(name);
        name->name = strdup(text);
        if (!name->name || failed(map_put(&set->names, slice_from_string(name->name), name))) {
            free(name->name);
            free(name);
            return error_make(ERROR_LIMIT, "out of memory");
        }
    }
    const struct tls_certificate **kind = certificate->ecdsa ? &name->ecdsa : &name->rsa;
    if (!*kind)
        *kind = certificate;
    return OK;
}

static error add_names(struct tls_set *set, WOLFSSL_X509 *x509,
                       const struct tls_certificate *certificate)
{
    char text[256];
    const char *name = wolfSSL_X509_get_next_altname(x509);
    /* RFC 6125 6.4.4: the common name counts only without alternative names. */
    if (!name)
        name = wolfSSL_X509_get_subjectCN(x509);
    for (; name; name = wolfSSL_X509_get_next_altname(x509)) {
        size_t size = strlen(name);
        if (size == 0 || size >= sizeof text)
            continue;
        for (size_t i = 0; i <= size; i++)
            text[i] = ascii_lower(name[i]);
        TRY(add_name(set, text, certificate));
    }
    return OK;
}

/* RFC 5929 4.1: the hash of the certificate's signature, but SHA-256 in place of MD5 and SHA-1. */
static error take_fingerprint(WOLFSSL_X509 *x509, struct tls_certificate *certificate)
{
    int der_size;
    const unsigned char *der = wolfSSL_X509_get_der(x509, &der_size);
    int signature = wolfSSL_X509_get_signature_type(x509);
    enum wc_HashType hash = WC_HASH_TYPE_SHA256;
    if (signature == CTC_SHA384wRSA || signature == CTC_SHA384wECDSA)
        hash = WC_HASH_TYPE_SHA384;
    else if (signature == CTC_SHA512wRSA || signature == CTC_SHA512wECDSA)
        hash = WC_HASH_TYPE_SHA512;
    int size = wc_HashGetDigestSize(hash);
    if (!der || wc_Hash(hash, der, (word32)der_size, certificate->fingerprint, (word32)size) != 0)
        return error_make(ERROR_PERMANENT, "the certificate cannot be hashed");
    certificate->fingerprint_size = (uint8_t)size;
    return OK;
}

static error describe(struct tls_set *set, const char *pem, size_t size,
                      struct tls_certificate *certificate)
{
    WOLFSSL_X509 *x509 = wolfSSL_X509_load_certificate_buffer((const unsigned char *)pem, (int)size,
                                                              WOLFSSL_FILETYPE_PEM);
    if (!x509)
        return error_make(ERROR_MALFORMED, "no certificate in PEM form in the certificate file");
    certificate->ecdsa = wolfSSL_X509_get_pubkey_type(x509) == ECDSAk;
    error problem = take_fingerprint(x509, certificate);
    if (!failed(problem))
        problem = add_names(set, x509, certificate);
    wolfSSL_X509_free(x509);
    return problem;
}

static error load_pair(struct tls_set *set, const char *chain, size_t chain_size, const char *key,
                       size_t key_size, struct tls_certificate *certificate)
{
    WOLFSSL_CTX *context = certificate->context;
    if (wolfSSL_CTX_use_certificate_chain_buffer(context, (const unsigned char *)chain,
                                                 (long)chain_size) != WOLFSSL_SUCCESS)
        return error_make(ERROR_MALFORMED, "the certificate file holds no usable PEM chain");
    if (wolfSSL_CTX_use_PrivateKey_buffer(context, (const unsigned char *)key, (long)key_size,
                                          WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
        return error_make(ERROR_MALFORMED, "the key file holds no usable PEM private key");
    if (wolfSSL_CTX_check_private_key(context) != WOLFSSL_SUCCESS)
        return error_make(ERROR_MALFORMED, "the private key is not the certificate's");
    return describe(set, chain, chain_size, certificate);
}

static error load(struct tls_set *set, const struct tls_files *files,
                  struct tls_certificate *certificate)
{
    char *chain, *key;
    size_t chain_size, key_size;
    TRY(tls_read_file(files->certificate, &chain, &chain_size));
    error problem = tls_read_file(files->key, &key, &key_size);
    if (!failed(problem)) {
        problem = load_pair(set, chain, chain_size, key, key_size, certificate);
        explicit_bzero(key, key_size);
        free(key);
    }
    free(chain);
    return problem;
}

static error build(struct tls_set *set, const struct tls_server_options *options, unsigned *out_bad)
{
    for (unsigned i = 0; i < options->file_count; i++) {
        struct tls_certificate *certificate = &set->certificates[i];
        *out_bad = i;
        certificate->context = wolfSSL_CTX_new(wolfSSLv23_server_method());
        TRY_MEMORY(certificate->context);
        set->count = i + 1;
        TRY(tls_configure(certificate->context, options->version_min));
        wolfSSL_CTX_set_verify(certificate->context, WOLFSSL_VERIFY_NONE, NULL);
        /* Resumption is by tickets alone: no table of sessions, no lock around it. */
        wolfSSL_CTX_set_session_cache_mode(certificate->context, WOLFSSL_SESS_CACHE_OFF);
        wolfSSL_CTX_set_TicketEncCb(certificate->context, tls_ticket_crypt);
        wolfSSL_CTX_set_TicketHint(certificate->context, TLS_TICKET_KEY_S);
        TRY(load(set, &options->files[i], certificate));
        const struct tls_certificate **kind =
            certificate->ecdsa ? &set->fallback.ecdsa : &set->fallback.rsa;
        if (!*kind)
            *kind = certificate;
    }
    return OK;
}

error tls_set_create(const struct tls_server_options *options, struct tls_set **out_set,
                     unsigned *out_bad)
{
    unsigned bad = 0;
    if (options->file_count == 0 || options->file_count > TLS_CERTIFICATES_MAX)
        return error_make(ERROR_LIMIT, "TLS needs 1 to 10,000 certificates");
    struct tls_set *set = calloc(1, sizeof *set);
    TRY_MEMORY(set);
    atomic_init(&set->references, 1);
    map_init(&set->names);
    set->certificates = calloc(options->file_count, sizeof *set->certificates);
    error problem =
        set->certificates ? build(set, options, &bad) : error_make(ERROR_LIMIT, "out of memory");
    if (failed(problem)) {
        tls_set_unref(&set);
        if (out_bad)
            *out_bad = bad;
        return problem;
    }
    *out_set = set;
    return OK;
}

struct tls_set *tls_set_ref(struct tls_set *set)
{
    atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

void tls_set_unref(struct tls_set **set)
{
    struct tls_set *s = *set;
    *set = NULL;
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    size_t position = 0;
    slice key;
    void *value;
    while (map_next(&s->names, &position, &key, &value)) {
        free(((struct tls_name *)value)->name);
        free(value);
    }
    map_close(&s->names);
    for (unsigned i = 0; i < s->count; i++)
        wolfSSL_CTX_free(s->certificates[i].context);
    free(s->certificates);
    free(s);
}

/* ---- Choosing ---- */

static const struct tls_certificate *pick(const struct tls_name *name,
                                          const struct tls_client_hello *hello)
{
    if (name && name->ecdsa && hello->ecdsa)
        return name->ecdsa;
    return name && hello->rsa ? name->rsa : NULL;
}

const struct tls_certificate *tls_set_choose(const struct tls_set *set,
                                             const struct tls_client_hello *hello)
{
    char text[256];
    slice name = {text, hello->server_name.size};
    const struct tls_certificate *found = NULL;
    if (name.size && name.size < sizeof text) {
        for (size_t i = 0; i < name.size; i++)
            text[i] = ascii_lower(hello->server_name.data[i]);
        found = pick(map_get(&set->names, name), hello);
        ptrdiff_t dot = slice_find_byte(name, '.');
        if (!found && dot > 0) {
            /* RFC 6125 6.4.3: a wildcard stands for the whole leftmost label. */
            text[dot - 1] = '*';
            found = pick(map_get(&set->names, slice_from(name, (size_t)dot - 1)), hello);
        }
    }
    if (!found)
        found = pick(&set->fallback, hello);
    /* Nothing fits what it says it can: the library decides whether that is the end. */
    return found ? found : &set->certificates[0];
}
