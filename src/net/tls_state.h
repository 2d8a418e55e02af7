#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a TLS session under a stream is made of, and the steps of a handshake that servers and
 * clients share: for tls_session.c and tls_peer.c only.
 */
#include "net/stream_state.h"
#include "net/tls_resume.h"
#include "net/tls_set.h"

enum { TLS_EXPORTER_SIZE = 32 }; /* RFC 9266 2 */

struct tls_session {
    WOLFSSL *ssl;
    slice cipher;           /* arrived, not yet taken by the engine */
    struct buffer outgoing; /* encrypted, not yet sent */
    struct tls_set *set;    /* of a server's session */
    const struct tls_certificate *certificate;
    char *server_name;
    slice alpn;
    bool established;
    bool has_exporter;
    uint8_t exporter[TLS_EXPORTER_SIZE]; /* the binding; its secret goes with the handshake */
    bool resume;                         /* of a client: kept under this key in the end */
    uint8_t resume_key[TLS_RESUME_KEY_SIZE];
};

error tls_session_create(WOLFSSL_CTX *context, struct tls_session **out_session);
/* WAITS: what was gathered in clear text leaves. ERROR_BUG where TLS cannot begin now. */
error tls_prepare(struct stream *stream, instant deadline);
/* WAITS. `arrived`: what the peer sent already. */
error tls_handshake(struct stream *stream, int (*step)(WOLFSSL *), slice arrived, instant deadline);
/* Counts, and gives the problem back. A handshake that failed leaves nothing to say in clear text.
 */
error tls_finish_start(struct stream *stream, error problem, instant started);
