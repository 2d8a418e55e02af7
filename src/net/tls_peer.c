/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Handshakes of clients: whom they want to meet, and whether it was him.
 */
#include "net/tls_state.h"
#include "net/tls_verify.h"

#include "crypto/digest.h"

#include <stdlib.h>
#include <string.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

enum { WEAK_RSA_BITS = 1024 };

/* What the engine's callback knows while a handshake lasts. */
struct check {
    const struct tls_peer_options *options;
    enum tls_verdict verdict;
};

static enum tls_verdict verdict_of_chain(int code)
{
    return code == ASN_AFTER_DATE_E || code == ASN_BEFORE_DATE_E ? TLS_VERDICT_EXPIRED
                                                                 : TLS_VERDICT_UNTRUSTED;
}

/* Called where a certificate of the chain is bad, and for the server's own in any case. */
static int check_certificate(int good, WOLFSSL_X509_STORE_CTX *store)
{
    struct check *check = store->userCtx;
    if (!check) /* after the handshake no certificate is wanted */
        return 0;
    const struct tls_peer_options *options = check->options;
    struct tls_chain chain = {.count = 0};
    if (options->proof == TLS_PROOF_AUTHORITY && !good) {
        check->verdict = verdict_of_chain(store->error);
        return 0;
    }
    if (store->error_depth != 0)
        return good;
    for (int i = 0; i < store->totalCerts && chain.count < TLS_CHAIN_MAX; i++)
        chain.certificates[chain.count++] =
            slice_of(store->certs[i].buffer, store->certs[i].length);
    check->verdict = options->proof == TLS_PROOF_DANE
                         ? tls_verify_dane(&chain, options->records, options->record_count,
                                           options->names, options->name_count)
                         : tls_verify_names(&chain, options->names, options->name_count);
    return check->verdict == TLS_VERDICT_GOOD;
}

static void set_check(WOLFSSL *ssl, struct check *check)
{
    if (check->options->proof == TLS_PROOF_AUTHORITY)
        wolfSSL_set_verify(ssl, WOLFSSL_VERIFY_PEER, check_certificate);
    else if (check->options->proof == TLS_PROOF_DANE)
        /* The library must not judge: a chain of nobody we know is as it should be. It would also
         * take the authorities of any stranger's chain among those of the client. */
        wolfSSL_set_verify(ssl, WOLFSSL_VERIFY_NONE, check_certificate);
    else
        wolfSSL_set_verify(ssl, WOLFSSL_VERIFY_NONE, NULL);
    /* Where no authority vouches for the key a weak one is still better than clear text. */
    if (check->options->proof != TLS_PROOF_AUTHORITY)
        (void)wolfSSL_SetMinRsaKey_Sz(ssl, WEAK_RSA_BITS);
    wolfSSL_SetCertCbCtx(ssl, check);
}

/* Who was met, and how it was made sure: a session is resumed for nothing else. */
static void make_resume_key(struct tls_session *session, const struct tls_client *client,
                            const struct tls_peer_options *options)
{
    struct digest digest;
    digest_init(&digest, DIGEST_SHA256);
    digest_add(&digest, slice_of(&client, sizeof client));
    digest_add(&digest, slice_of(&options->proof, sizeof options->proof));
    digest_add(&digest, slice_of(&options->server_name.size, sizeof(size_t)));
    digest_add(&digest, options->server_name);
    for (unsigned i = 0; i < options->name_count; i++) {
        digest_add(&digest, slice_of(&options->names[i].size, sizeof(size_t)));
        digest_add(&digest, options->names[i]);
    }
    for (unsigned i = 0; i < options->record_count; i++) {
        const struct dns_record *record = &options->records[i];
        const uint8_t head[3] = {record->tlsa.usage, record->tlsa.selector, record->tlsa.matching};
        digest_add(&digest, slice_of(head, sizeof head));
        digest_add(&digest, slice_of(&record->tlsa.data.size, sizeof(size_t)));
        digest_add(&digest, record->tlsa.data);
    }
    digest_finish(&digest, session->resume_key);
    session->resume = true;
}

static error name_server(struct tls_session *session, slice name)
{
    struct address address;
    if (name.size == 0)
        return OK;
    session->server_name = strndup(name.data, name.size);
    TRY_MEMORY(session->server_name);
    /* RFC 6066 3: no IP addresses in SNI */
    if (failed(address_parse_ip(name, &address)) &&
        wolfSSL_UseSNI(session->ssl, WOLFSSL_SNI_HOST_NAME, session->server_name,
                       (unsigned short)name.size) != WOLFSSL_SUCCESS)
        return error_make(ERROR_LIMIT, "out of memory for a TLS session");
    return OK;
}

static error judge(struct tls_session *session, struct check *check, error problem)
{
    static const char *const words[] = {
        [TLS_VERDICT_UNCHECKED] = "the server shows no certificate",
        [TLS_VERDICT_WRONG_NAME] = "the certificate is for another name",
        [TLS_VERDICT_EXPIRED] = "the certificate is not valid now",
        [TLS_VERDICT_UNTRUSTED] = "the certificate is signed by nobody known",
        [TLS_VERDICT_NO_TLSA] = "the certificate is not the one of the TLSA records",
    };
    if (check->options->proof == TLS_PROOF_NONE)
        return problem;
    /* It was good when it began: the key says so. */
    if (!failed(problem) && wolfSSL_session_reused(session->ssl))
        check->verdict = TLS_VERDICT_GOOD;
    if (check->verdict == TLS_VERDICT_GOOD ||
        (check->verdict == TLS_VERDICT_UNCHECKED && failed(problem)))
        return problem;
    session->established = false;
    return error_make(ERROR_DENIED, words[check->verdict]);
}

static error connect_session(struct stream *stream, struct tls_client *client, struct check *check,
                             instant deadline)
{
    const struct tls_peer_options *options = check->options;
    TRY(tls_session_create(tls_client_context(client), &stream->tls));
    struct tls_session *session = stream->tls;
    TRY(name_server(session, options->server_name));
    set_check(session->ssl, check);
    if (options->resume) {
        make_resume_key(session, client, options);
        tls_resume_apply(session->resume_key, session->ssl);
    } else if (tls_client_resume) {
        wolfSSL_set_session(session->ssl, tls_client_resume);
    }
    slice alpn = options->alpn;
    if (alpn.size && wolfSSL_UseALPN(session->ssl, (char *)alpn.data, (unsigned)alpn.size,
                                     WOLFSSL_ALPN_CONTINUE_ON_MISMATCH) != WOLFSSL_SUCCESS)
        return error_make(ERROR_LIMIT, "out of memory for a TLS session");
    error problem = tls_handshake(stream, wolfSSL_connect, SLICE_EMPTY, deadline);
    wolfSSL_SetCertCbCtx(session->ssl, NULL);
    TRY(judge(session, check, problem));
    char *agreed;
    unsigned short agreed_size;
    if (alpn.size &&
        wolfSSL_ALPN_GetProtocol(session->ssl, &agreed, &agreed_size) == WOLFSSL_SUCCESS)
        session->alpn = slice_of(agreed, agreed_size);
    return OK;
}

error stream_start_tls_peer(struct stream *stream, struct tls_client *client,
                            const struct tls_peer_options *options, instant deadline,
                            enum tls_verdict *out_verdict)
{
    struct check check = {.options = options, .verdict = TLS_VERDICT_UNCHECKED};
    *out_verdict = TLS_VERDICT_UNCHECKED;
    if (options->proof == TLS_PROOF_AUTHORITY && !tls_client_verifies(client))
        return error_make(ERROR_BUG, "a client without authorities cannot verify");
    TRY(tls_prepare(stream, deadline));
    instant started = time_now();
    error problem = connect_session(stream, client, &check, deadline);
    if (failed(problem) && stream->tls && options->resume)
        tls_resume_forget(stream->tls->resume_key);
    *out_verdict = check.verdict;
    return tls_finish_start(stream, problem, started);
}

error stream_start_tls_client(struct stream *stream, struct tls_client *client, slice name,
                              slice alpn, instant deadline)
{
    enum tls_verdict verdict; /* the error says as much */
    const struct tls_peer_options options = {
        .server_name = name,
        .alpn = alpn,
        .proof = tls_client_verifies(client) ? TLS_PROOF_AUTHORITY : TLS_PROOF_NONE,
        .names = &name,
        .name_count = 1,
    };
    return stream_start_tls_peer(stream, client, &options, deadline, &verdict);
}
