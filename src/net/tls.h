#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * TLS 1.2 and 1.3 by wolfSSL, used as a byte engine over memory: it is fed what arrived and asked
 * what to send, and never waits inside (net/stream.h waits). A server holds any number of
 * certificates; for each handshake the ClientHello is read first (format/tls/client_hello.h) and
 * the certificate chosen by name (SNI, exact before wildcard, else the first) and by what the
 * client can verify (ECDSA before RSA).
 *
 * tls_server and tls_client are shared by all cores: what they hold never changes, a reload swaps
 * in a new set and sessions keep the one they began with. Ticket keys are shared by all cores too,
 * so that a client resumes wherever it lands; they change every TLS_TICKET_KEY_S and the one before
 * stays good for as long again. A session belongs to its stream.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "base/time.h"

#include <stdbool.h>

struct stream;
struct tls_server;
struct tls_client;

enum tls_version { TLS_1_2, TLS_1_3 };

enum {
    TLS_CERTIFICATES_MAX = 10000,
    TLS_FILE_SIZE_MAX = 1 << 20, /* a certificate chain or key file */
    TLS_TICKET_KEY_S = 6 * 3600,
};

struct tls_files {
    const char *certificate; /* PEM: the certificate, then its chain */
    const char *key;         /* PEM */
};
struct tls_server_options {
    const struct tls_files *files; /* the first is for clients that name no host we know */
    unsigned file_count;
    enum tls_version version_min;
};
/* Reads the files (blocking: at start, or on a worker). The error's text says what is wrong; the
 * file is *out_bad (index into files) where it is one file's fault; out_bad may be NULL. */
error tls_server_create(const struct tls_server_options *options, struct tls_server **out_server,
                        unsigned *out_bad);
/* The same files or others; on failure the old set stays. Open sessions keep theirs. */
error tls_server_reload(struct tls_server *server, const struct tls_server_options *options,
                        unsigned *out_bad);
/* Sessions still open keep what they need. */
void tls_server_destroy(struct tls_server **server);

struct tls_client_options {
    bool verify;           /* chain and name; off: opportunistic */
    const char *authority; /* PEM file; NULL: the system's /etc/ssl/certs/ca-certificates.crt */
    enum tls_version version_min;
};
error tls_client_create(const struct tls_client_options *options, struct tls_client **out_client);
void tls_client_destroy(struct tls_client **client);

/* ---- A client that knows whom it wants to meet ---- */

enum tls_proof {
    TLS_PROOF_NONE,      /* whoever it is */
    TLS_PROOF_AUTHORITY, /* a chain up to an authority of the client, for one of the names */
    TLS_PROOF_DANE,      /* the TLSA records: net/tls_verify.h */
};

enum tls_verdict {
    TLS_VERDICT_UNCHECKED,  /* no proof was asked for, or it did not come so far */
    TLS_VERDICT_GOOD,       /* also where a session that was good is resumed */
    TLS_VERDICT_WRONG_NAME, /* good, but not for any of the names */
    TLS_VERDICT_EXPIRED,    /* or not valid yet */
    TLS_VERDICT_UNTRUSTED,  /* signed by nobody that we trust */
    TLS_VERDICT_NO_TLSA,    /* no record fits any of its certificates */
};

struct dns_record;

struct tls_peer_options {
    slice server_name; /* SNI; empty: none */
    slice alpn;
    enum tls_proof proof; /* AUTHORITY: the client was made with `verify` */
    const slice *names;   /* host names in A-labels, any of which will do */
    unsigned name_count;
    const struct dns_record *records; /* TLSA */
    unsigned record_count;
    bool resume; /* keep the session, for the next handshake with the same options on this core */
};
/* WAITS. As stream_start_tls_client; ERROR_DENIED where the verdict is bad. *out_verdict is always
 * set. */
error stream_start_tls_peer(struct stream *stream, struct tls_client *client,
                            const struct tls_peer_options *options, instant deadline,
                            enum tls_verdict *out_verdict);
/* Is it a TLSA record that counts for mail (RFC 7672 3.1)? */
bool tls_dane_is_usable(const struct dns_record *record);

/* Of a stream under TLS. Static or owned by the session. */
struct tls_information {
    const char *protocol; /* "TLSv1.3" */
    const char *cipher;   /* "TLS_AES_128_GCM_SHA256" */
    const char *group;    /* of the key exchange: "X25519", "SECP256R1"; NULL where none was */
    unsigned bits;        /* of the cipher's key */
    slice alpn;           /* agreed upon, or empty */
    slice server_name;    /* SNI the client sent, or empty */
    bool resumed;
};
/* False in clear text. */
bool stream_tls_information(const struct stream *stream, struct tls_information *out_information);

/* RFC 9266 tls-exporter (TLS 1.3 only: ERROR_NOT_FOUND otherwise). */
error stream_tls_exporter(const struct stream *stream, uint8_t out_binding[32]);
/* RFC 5929 tls-server-end-point: the hash of the server's certificate, 32 to 64 bytes. */
error stream_tls_end_point(const struct stream *stream, uint8_t out_binding[64], size_t *out_size);

/* An ECDSA P-256 key and a certificate for these names (and 127.0.0.1, ::1 where "localhost" is
 * among them), good for ten years, written as PEM; the key file is mode 0600. For demos and tests.
 * Blocking. */
enum tls_key_kind { TLS_KEY_ECDSA, TLS_KEY_RSA };
error tls_make_self_signed(enum tls_key_kind kind, const slice *names, unsigned count,
                           const char *certificate_path, const char *key_path);

/* Once per process, before threads start; harmless when repeated. */
error tls_start(void);
