/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls_set.h"

#include <stdlib.h>

static const char system_authorities[] = "/etc/ssl/certs/ca-certificates.crt";

struct tls_client {
    WOLFSSL_CTX *context;
    bool verify;
};

static error load_authorities(WOLFSSL_CTX *context, const char *path)
{
    char *pem;
    size_t size;
    TRY(tls_read_file(path, &pem, &size));
    int result = wolfSSL_CTX_load_verify_buffer_ex(
        context, (const unsigned char *)pem, (long)size, WOLFSSL_FILETYPE_PEM, 0,
        /* an expired root among 140 is no reason to trust none */
        WOLFSSL_LOAD_FLAG_IGNORE_ERR | WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY);
    free(pem);
    return result == WOLFSSL_SUCCESS
               ? OK
               : error_make(ERROR_MALFORMED, "no certificate authorities in the file");
}

/* The first is the one a key is made for before the server has spoken: X25519 costs both ends less
 * than P-256, and nearly all servers take it; one that does not asks again (RFC 8446 4.1.4). */
static error choose_groups(WOLFSSL_CTX *context)
{
    int groups[] = {WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_SECP384R1,
                    WOLFSSL_ECC_SECP521R1};
    return wolfSSL_CTX_set_groups(context, groups, sizeof groups / sizeof *groups) ==
                   WOLFSSL_SUCCESS
               ? OK
               : error_make(ERROR_PERMANENT, "this wolfSSL lacks a group of TLS");
}

static error configure(struct tls_client *client, const struct tls_client_options *options)
{
    TRY(tls_configure(client->context, options->version_min));
    TRY(choose_groups(client->context));
    wolfSSL_CTX_UseSessionTicket(client->context);
    /* Sessions are kept by net/tls_resume, per core; the library's table has locks. */
    wolfSSL_CTX_set_session_cache_mode(client->context, WOLFSSL_SESS_CACHE_OFF);
    client->verify = options->verify;
    if (!options->verify) {
        wolfSSL_CTX_set_verify(client->context, WOLFSSL_VERIFY_NONE, NULL);
        return OK;
    }
    wolfSSL_CTX_set_verify(client->context, WOLFSSL_VERIFY_PEER, NULL);
    return load_authorities(client->context,
                            options->authority ? options->authority : system_authorities);
}

error tls_client_create(const struct tls_client_options *options, struct tls_client **out_client)
{
    TRY(tls_start());
    struct tls_client *client = calloc(1, sizeof *client);
    TRY_MEMORY(client);
    client->context = wolfSSL_CTX_new(wolfSSLv23_client_method());
    error problem =
        client->context ? configure(client, options) : error_make(ERROR_LIMIT, "out of memory");
    if (failed(problem))
        tls_client_destroy(&client);
    else
        *out_client = client;
    return problem;
}

void tls_client_destroy(struct tls_client **client)
{
    if (!*client)
        return;
    if ((*client)->context)
        wolfSSL_CTX_free((*client)->context);
    free(*client);
    *client = NULL;
}

WOLFSSL_CTX *tls_client_context(struct tls_client *client)
{
    return client->context;
}

bool tls_client_verifies(const struct tls_client *client)
{
    return client->verify;
}
