#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a handshake is served from: one WOLFSSL_CTX per certificate and an index by name. Never
 * changed once built, shared by all cores, counted: the server holds one reference, each session
 * one. For the files of src/net only.
 */
#include "base/map.h"
#include "format/tls/client_hello.h"
#include "net/tls.h"

#include <stdatomic.h>
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

struct tls_certificate {
    WOLFSSL_CTX *context;
    bool ecdsa;              /* else RSA (or Ed25519, offered as RSA is: last) */
    uint8_t fingerprint[64]; /* RFC 5929 4.1 */
    uint8_t fingerprint_size;
};

/* The certificates for one name: one of each kind, the first configured wins. */
struct tls_name {
    char *name; /* lower case, may begin with "*." */
    const struct tls_certificate *ecdsa, *rsa;
};

struct tls_set {
    atomic_uint references;
    struct map names; /* of struct tls_name */
    struct tls_name fallback;
    struct tls_certificate *certificates;
    unsigned count;
};

error tls_set_create(const struct tls_server_options *options, struct tls_set **out_set,
                     unsigned *out_bad);
struct tls_set *tls_set_ref(struct tls_set *set);
void tls_set_unref(struct tls_set **set);
const struct tls_certificate *tls_set_choose(const struct tls_set *set,
                                             const struct tls_client_hello *hello);

/* The set of now, counted. Any thread. */
struct tls_set *tls_server_acquire(struct tls_server *server);
WOLFSSL_CTX *tls_client_context(struct tls_client *client);
bool tls_client_verifies(const struct tls_client *client);

/* Memory callbacks of the engine (tls_session.c), ticket encryption (tls_ticket.c). */
int tls_take_cipher(WOLFSSL *ssl, char *data, int size, void *context);
int tls_give_cipher(WOLFSSL *ssl, char *data, int size, void *context);
int tls_ticket_crypt(WOLFSSL *ssl, unsigned char name[WOLFSSL_TICKET_NAME_SZ],
                     unsigned char iv[WOLFSSL_TICKET_IV_SZ],
                     unsigned char mac[WOLFSSL_TICKET_MAC_SZ], int encrypt, unsigned char *ticket,
                     int size, int *out_size, void *context);
/* The engine under a stream, and the session the next client handshake of this thread shall resume:
 * for resumption by outbound delivery's cache, and for tests. */
WOLFSSL *tls_stream_engine(const struct stream *stream);
extern _Thread_local WOLFSSL_SESSION *tls_client_resume;
/* For tests: as if so many nanoseconds had passed for the ticket keys. */
void tls_ticket_age(int64_t by_ns);

/* Limits and algorithms that servers and clients share. */
error tls_configure(WOLFSSL_CTX *context, enum tls_version version_min);
/* Whole file, NUL-terminated; ERROR_LIMIT above TLS_FILE_SIZE_MAX. Blocking; the caller frees. */
error tls_read_file(const char *path, char **out_data, size_t *out_size);
