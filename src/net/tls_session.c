/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The engine under a stream: wolfSSL takes what arrived from `cipher` and leaves what it wants sent
 * in `outgoing`; only the functions here wait, and only outside of it. At rest `cipher` is empty:
 * whatever arrived has been decoded into the stream's input, so that an idle session holds no
 * buffer and a session can move to another core as it is.
 */
#include "net/stream_state.h"
#include "net/tls_state.h"

#include "base/metric.h"

#include <stdlib.h>
#include <string.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

METRIC_COUNTER(metric_full, "ringmail_tls_handshakes_total", "kind=\"full\"",
               "TLS handshakes completed");
METRIC_COUNTER(metric_resumed, "ringmail_tls_handshakes_total", "kind=\"resumed\"",
               "TLS handshakes completed");
METRIC_COUNTER(metric_failed, "ringmail_tls_handshakes_failed_total", "",
               "TLS handshakes that failed, timeouts included");
METRIC_HISTOGRAM(metric_duration, "ringmail_tls_handshake_seconds", "",
                 "Time from the wait for the ClientHello to the end of the handshake");

enum {
    ENCRYPT_PIECE = 64 << 10, /* plain bytes encrypted between two sends */
    RECORD_OVERHEAD = 64,     /* bytes a record adds at most, roughly: only sizes a buffer */
    RECORD_PLAIN_MAX = 16 << 10,
    OUTGOING_MAX = 1 << 20, /* a handshake with a long chain; a piece with its records */
    HELLO_BUFFER_MAX = 4 * TLS_CLIENT_HELLO_SIZE_MAX,
};

_Thread_local WOLFSSL_SESSION *tls_client_resume;

WOLFSSL *tls_stream_engine(const struct stream *stream)
{
    return stream->tls->ssl;
}

/* ---- The engine's callbacks ---- */

int tls_take_cipher(WOLFSSL *ssl, char *data, int size, void *context)
{
    (void)ssl;
    struct tls_session *session = context;
    slice part = slice_sub(session->cipher, 0, (size_t)size);
    if (part.size == 0)
        return WOLFSSL_CBIO_ERR_WANT_READ;
    memcpy(data, part.data, part.size);
    session->cipher = slice_from(session->cipher, part.size);
    return (int)part.size;
}

int tls_give_cipher(WOLFSSL *ssl, char *data, int size, void *context)
{
    (void)ssl;
    struct tls_session *session = context;
    buffer_add(&session->outgoing, slice_of(data, (size_t)size));
    return failed(buffer_check(&session->outgoing)) ? WOLFSSL_CBIO_ERR_GENERAL : size;
}

/* ---- Lifecycle ---- */

error tls_session_create(WOLFSSL_CTX *context, struct tls_session **out_session)
{
    struct tls_session *session = calloc(1, sizeof *session);
    TRY_MEMORY(session);
    buffer_init(&session->outgoing, OUTGOING_MAX);
    session->ssl = wolfSSL_new(context);
    if (!session->ssl) {
        free(session);
        return error_make(ERROR_LIMIT, "out of memory for a TLS session");
    }
    wolfSSL_SetIOReadCtx(session->ssl, session);
    wolfSSL_SetIOWriteCtx(session->ssl, session);
    *out_session = session;
    return OK;
}

void tls_session_destroy(struct tls_session **session)
{
    struct tls_session *s = *session;
    if (!s)
        return;
    *session = NULL;
    if (s->resume && s->established)
        tls_resume_keep(s->resume_key, s->ssl);
    wolfSSL_free(s->ssl);
    tls_set_unref(&s->set);
    buffer_close(&s->outgoing);
    free(s->server_name);
    free(s);
}

slice tls_farewell(struct stream *stream)
{
    struct tls_session *session = stream->tls;
    if (!session)
        return SLICE_EMPTY;
    if (session->established)
        wolfSSL_shutdown(session->ssl); /* writes close_notify; the peer's is not waited for */
    return buffer_slice(&session->outgoing);
}

/* ---- Bytes ---- */

static error send_outgoing(struct stream *stream, instant deadline)
{
    struct buffer *outgoing = &stream->tls->outgoing;
    if (outgoing->size == 0)
        return OK;
    error problem = stream_send_raw(stream, buffer_slice(outgoing), deadline);
    buffer_close(outgoing);
    return problem;
}

/* Decodes into data until it is full or the engine wants more. A stream that broke its TLS has
 * ended like one that was cut; only close_notify finishes it (RFC 8446 6.1). */
static void decode(struct stream *stream, char *data, size_t room, size_t *out_size)
{
    WOLFSSL *ssl = stream->tls->ssl;
    size_t got = 0;
    while (got < room) {
        size_t part = room - got < INT32_MAX ? room - got : INT32_MAX;
        int size = wolfSSL_read(ssl, data + got, (int)part);
        if (size <= 0) {
            int code = wolfSSL_get_error(ssl, size);
            stream->ended |= code != WOLFSSL_ERROR_WANT_READ;
            stream->finished |= code == WOLFSSL_ERROR_ZERO_RETURN;
            break;
        }
        got += (size_t)size;
    }
    stream->bytes_read += got;
    *out_size = got;
}

/* Decodes all that arrived into the stream's input. */
static error settle(struct stream *stream)
{
    struct tls_session *session = stream->tls;
    size_t room, got;
    do {
        int pending = wolfSSL_pending(session->ssl);
        room = session->cipher.size + (pending > 0 ? (size_t)pending : 0);
        room = room < 256 ? 256 : room < RECORD_PLAIN_MAX ? room : RECORD_PLAIN_MAX;
        TRY(stream_input_reserve(stream, room));
        room = stream->input_capacity - stream->input_end;
        decode(stream, stream->input + stream->input_end, room, &got);
        stream->input_end += (uint32_t)got;
    } while (got == room && !stream->ended);
    return OK;
}

static error closed(void)
{
    return error_make(ERROR_CLOSED, "the peer closed the connection");
}

error tls_fill(struct stream *stream, instant until)
{
    uint32_t before = stream->input_end - stream->input_start;
    while (stream->input_end - stream->input_start == before) {
        struct ring_buffer buffer;
        if (stream->ended)
            return closed();
        TRY(ring_receive_pooled(stream->fd, until, &buffer));
        stream->tls->cipher = slice_of(buffer.data, buffer.size);
        error problem = settle(stream);
        stream->tls->cipher = SLICE_EMPTY;
        ring_buffer_release(&buffer);
        TRY(problem);
        TRY(send_outgoing(stream, until)); /* the answer to a KeyUpdate, an alert */
    }
    return OK;
}

error tls_receive(struct stream *stream, void *data, size_t room, instant until, size_t *out_size)
{
    size_t got = 0;
    while (got == 0) {
        struct ring_buffer buffer;
        if (stream->ended)
            return closed();
        TRY(ring_receive_pooled(stream->fd, until, &buffer));
        stream->tls->cipher = slice_of(buffer.data, buffer.size);
        decode(stream, data, room, &got);
        error problem = got == room && !stream->ended ? settle(stream) : OK;
        stream->tls->cipher = SLICE_EMPTY;
        ring_buffer_release(&buffer);
        TRY(problem);
        TRY(send_outgoing(stream, until));
    }
    *out_size = got;
    return OK;
}

error tls_send(struct stream *stream, slice data, instant deadline)
{
    struct tls_session *session = stream->tls;
    while (data.size) {
        slice piece = slice_sub(data, 0, ENCRYPT_PIECE);
        size_t records = piece.size / RECORD_PLAIN_MAX + 1;
        if (!buffer_reserve(&session->outgoing, piece.size + records * RECORD_OVERHEAD))
            return error_make(ERROR_LIMIT, "out of memory for TLS records");
        int written = wolfSSL_write(session->ssl, piece.data, (int)piece.size);
        if (written != (int)piece.size)
            return error_make(ERROR_CLOSED, "the TLS session is broken");
        TRY(send_outgoing(stream, deadline));
        data = slice_from(data, piece.size);
    }
    return OK;
}

/* ---- Handshakes ---- */

static error handshake_problem(int code)
{
    if (code == WOLFSSL_ERROR_ZERO_RETURN || code == SOCKET_PEER_CLOSED_E)
        return closed();
    if (code == DOMAIN_NAME_MISMATCH || code == ASN_NO_SIGNER_E || code == ASN_SELF_SIGNED_E ||
        code == ASN_AFTER_DATE_E || code == ASN_BEFORE_DATE_E || code == VERIFY_CERT_ERROR ||
        code == ASN_SIG_CONFIRM_E || code == CRL_CERT_REVOKED)
        return error_make(ERROR_DENIED, wolfSSL_ERR_reason_error_string((unsigned long)code));
    return error_make(ERROR_MALFORMED, wolfSSL_ERR_reason_error_string((unsigned long)code));
}

/* `held` is a kernel's buffer that session->cipher may point into. */
static error receive_cipher(struct stream *stream, instant deadline, struct ring_buffer *held)
{
    ring_buffer_release(held);
    stream->tls->cipher = SLICE_EMPTY;
    TRY(ring_receive_pooled(stream->fd, stream_deadline(deadline, stream->read_timeout), held));
    stream->tls->cipher = slice_of(held->data, held->size);
    return OK;
}

static error drive(struct stream *stream, int (*step)(WOLFSSL *), instant deadline,
                   struct ring_buffer *held)
{
    WOLFSSL *ssl = stream->tls->ssl;
    for (;;) {
        int result = step(ssl);
        int code = result == WOLFSSL_SUCCESS ? 0 : wolfSSL_get_error(ssl, result);
        error sent = send_outgoing(stream, deadline); /* an alert, too */
        if (code && code != WOLFSSL_ERROR_WANT_READ)
            return handshake_problem(code);
        TRY(sent);
        if (!code)
            return settle(stream); /* what came behind the last message of the handshake */
        TRY(receive_cipher(stream, deadline, held));
    }
}

#ifdef HAVE_KEYING_MATERIAL
/* RFC 9266. The library forgets what it needs for this with the handshake, unless it is asked to
 * keep it: some hundred bytes a session, which are given back at once. */
static void begin_exporter(struct tls_session *session)
{
    wolfSSL_KeepArrays(session->ssl);
}

static void take_exporter(struct tls_session *session)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    session->has_exporter =
        session->established && wolfSSL_version(session->ssl) == TLS1_3_VERSION &&
        wolfSSL_export_keying_material(session->ssl, session->exporter, TLS_EXPORTER_SIZE, label,
                                       sizeof label - 1, NULL, 0, 1) == WOLFSSL_SUCCESS;
    wolfSSL_FreeArrays(session->ssl);
}
#else
static void begin_exporter(struct tls_session *session)
{
    (void)session;
}

static void take_exporter(struct tls_session *session)
{
    (void)session;
}
#endif

error tls_handshake(struct stream *stream, int (*step)(WOLFSSL *), slice arrived, instant deadline)
{
    struct tls_session *session = stream->tls;
    struct ring_buffer held = {0};
    session->cipher = arrived;
    begin_exporter(session);
    error problem = drive(stream, step, deadline, &held);
    session->cipher = SLICE_EMPTY;
    ring_buffer_release(&held);
    session->established = !failed(problem);
    take_exporter(session);
    return problem;
}

static void note_handshake(const struct stream *stream, error problem, instant started)
{
    if (failed(problem)) {
        metric_add(&metric_failed, 1);
        return;
    }
    metric_add(wolfSSL_session_reused(stream->tls->ssl) ? &metric_resumed : &metric_full, 1);
    metric_observe(&metric_duration, (uint64_t)(time_now() - started));
}

error tls_prepare(struct stream *stream, instant deadline)
{
    if (stream->tls)
        return error_make(ERROR_BUG, "TLS is running already");
    if (stream_has_input(stream))
        return error_make(ERROR_BUG, "input in clear text was kept across the start of TLS");
    TRY(stream_flush(stream, deadline));
    buffer_close(&stream->output);
    stream_input_release(stream);
    return OK;
}

/* The first of ours that the client offers (RFC 7301 3.2); the first of ours where it offers only
 * others, which the library then refuses; empty where it offers none. */
static slice choose_protocol(slice ours, slice offered)
{
    slice first, name, own, rest_own = ours;
    if (ours.size == 0 || offered.size == 0)
        return SLICE_EMPTY;
    (void)slice_cut(ours, ',', &first, &name);
    while (rest_own.size) {
        (void)slice_cut(rest_own, ',', &own, &rest_own);
        for (slice rest = offered; tls_client_hello_protocol(&rest, &name);)
            if (slice_equal(name, own))
                return own;
    }
    return first;
}

static error apply_hello(struct tls_session *session, const struct tls_client_hello *hello,
                         slice alpn)
{
    if (hello->server_name.size) {
        session->server_name = strndup(hello->server_name.data, hello->server_name.size);
        TRY_MEMORY(session->server_name);
    }
    session->alpn = choose_protocol(alpn, hello->protocols);
    if (session->alpn.size &&
        wolfSSL_UseALPN(session->ssl, (char *)session->alpn.data, (unsigned)session->alpn.size,
                        WOLFSSL_ALPN_FAILED_ON_MISMATCH) != WOLFSSL_SUCCESS)
        return error_make(ERROR_LIMIT, "out of memory for a TLS session");
    return OK;
}

/* WAITS for a whole ClientHello; out_hello points into arrived or joined. */
static error receive_hello(struct stream *stream, instant deadline, struct buffer *arrived,
                           struct buffer *joined, struct tls_client_hello *out_hello)
{
    size_t wanted = 0;
    do {
        struct ring_buffer part;
        TRY(ring_receive_pooled(stream->fd, stream_deadline(deadline, stream->read_timeout),
                                &part));
        buffer_add(arrived, slice_of(part.data, part.size));
        ring_buffer_release(&part);
        TRY(buffer_check(arrived));
        TRY(tls_client_hello_parse(buffer_slice(arrived), joined, out_hello, &wanted));
    } while (wanted);
    return OK;
}

static error accept_session(struct stream *stream, struct tls_server *server, slice alpn,
                            instant deadline, struct buffer *arrived, struct buffer *joined)
{
    struct tls_client_hello hello;
    TRY(receive_hello(stream, deadline, arrived, joined, &hello));
    struct tls_set *set = tls_server_acquire(server);
    const struct tls_certificate *certificate = tls_set_choose(set, &hello);
    error problem = tls_session_create(certificate->context, &stream->tls);
    if (failed(problem)) {
        tls_set_unref(&set);
        return problem;
    }
    stream->tls->set = set;
    stream->tls->certificate = certificate;
    TRY(apply_hello(stream->tls, &hello, alpn));
    return tls_handshake(stream, wolfSSL_accept, buffer_slice(arrived), deadline);
}

error tls_finish_start(struct stream *stream, error problem, instant started)
{
    note_handshake(stream, problem, started);
    if (failed(problem)) {
        stream->lost = true;
        stream->ended |= problem.kind == ERROR_CLOSED;
    }
    return problem;
}

error stream_start_tls_server(struct stream *stream, struct tls_server *server, slice alpn,
                              instant deadline)
{
    TRY(tls_prepare(stream, deadline));
    instant started = time_now();
    struct buffer arrived, joined;
    buffer_init(&arrived, HELLO_BUFFER_MAX);
    buffer_init(&joined, HELLO_BUFFER_MAX);
    error problem = accept_session(stream, server, alpn, deadline, &arrived, &joined);
    buffer_close(&arrived);
    buffer_close(&joined);
    return tls_finish_start(stream, problem, started);
}

/* ---- About it ---- */

bool stream_is_finished(const struct stream *stream)
{
    return stream->ended && (!stream->tls || stream->finished);
}

bool stream_tls_information(const struct stream *stream, struct tls_information *out_information)
{
    const struct tls_session *session = stream->tls;
    if (!session || !session->established)
        return false;
    int suite = wolfSSL_get_current_cipher_suite(session->ssl);
    const char *cipher =
        wolfSSL_get_cipher_name_iana_from_suite((unsigned char)(suite >> 8), (unsigned char)suite);
    *out_information = (struct tls_information){
        .protocol = wolfSSL_get_version(session->ssl),
        .cipher = cipher,
        .group = wolfSSL_get_curve_name(session->ssl),
        .bits = cipher && strstr(cipher, "_128_") ? 128 : 256,
        .alpn = session->alpn,
        .server_name = slice_from_string(session->server_name),
        .resumed = wolfSSL_session_reused(session->ssl),
    };
    return true;
}

error stream_tls_exporter(const struct stream *stream, uint8_t out_binding[32])
{
    if (!stream->tls || !stream->tls->has_exporter)
        return error_make(ERROR_NOT_FOUND, "no tls-exporter binding here");
    memcpy(out_binding, stream->tls->exporter, TLS_EXPORTER_SIZE);
    return OK;
}

error stream_tls_end_point(const struct stream *stream, uint8_t out_binding[64], size_t *out_size)
{
    if (!stream->tls || !stream->tls->certificate)
        return error_make(ERROR_NOT_FOUND, "no tls-server-end-point binding here");
    *out_size = stream->tls->certificate->fingerprint_size;
    memcpy(out_binding, stream->tls->certificate->fingerprint, *out_size);
    return OK;
}
