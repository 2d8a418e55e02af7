#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One connection as bytes in order, in clear text or under TLS. Owned by one fiber at a time; it
 * may move to another core at a quiet moment (stream_detach, stream_attach).
 *
 * Reading waits; before it waits it flushes what was written, so that the replies to pipelined
 * commands leave together and a session never flushes by hand between commands. Every wait is
 * bounded by the deadline given and by the stream's own limits on a wait without progress
 * (stream_set_timeouts). An idle stream holds no buffer: the struct is below 512 bytes in clear
 * text; input and output buffers exist only while bytes are in them.
 *
 * After ERROR_CLOSED, ERROR_TIMEOUT (of a write), ERROR_CANCELLED or ERROR_SYSTEM the only thing
 * left to do is stream_close. ERROR_LIMIT and ERROR_MALFORMED of the readers leave the stream in
 * step: the offending line or body was read to its end.
 */
#include "base/error.h"
#include "base/slice.h"
#include "base/time.h"
#include "net/address.h"
#include "runtime/body.h"

#include <sys/types.h>

struct stream;
struct tls_server;
struct tls_client;

enum {
    STREAM_OUTPUT_MAX = 64 << 10,    /* gathered output past this is flushed by the writer */
    STREAM_LINE_DRAIN_MAX = 1 << 20, /* bytes of an overlong line read in search of its end */
    STREAM_TRIM_AFTER_MS = 1000,     /* an idle wait gives its stack back after this */
    STREAM_CLOSE_TIMEOUT_MS = 2000,  /* the last flush and close_notify */
    STREAM_READ_TIMEOUT_S = 300,     /* defaults of stream_set_timeouts */
    STREAM_WRITE_TIMEOUT_S = 300,
};

/* Takes over a connected, non-blocking socket. ERROR_LIMIT when out of memory (fd is then still the
 * caller's). */
error stream_create(int fd, const struct address *peer, const struct address *local,
                    struct stream **out_stream);
/* WAITS, at most STREAM_CLOSE_TIMEOUT_MS: flushes, says close_notify under TLS, closes and frees.
 * NULL is fine. */
void stream_close(struct stream **stream);
/* Closes at once: no flush, no close_notify, a reset where input is unread. Does not wait. */
void stream_abort(struct stream **stream);

/* Longest wait without a byte of progress; -1: only the deadline counts. */
void stream_set_timeouts(struct stream *stream, int64_t read_ns, int64_t write_ns);

/* ---- Reading. All WAIT. ---- */

enum stream_line_end {
    STREAM_LINE_STRICT,   /* SMTP: only CRLF. A bare LF ends the line too, but as ERROR_MALFORMED,
                             as does a bare CR inside it: never a command, never a hang */
    STREAM_LINE_TOLERANT, /* IMAP, POP3: CRLF or LF */
};
/* One line without its end; valid until the next reading call. ERROR_LIMIT when longer than
 * size_max (read to its end), ERROR_CLOSED at the end of the input. */
error stream_read_line(struct stream *stream, enum stream_line_end end, size_t size_max,
                       instant deadline, slice *out_line);
/* Whatever is there, at least one byte and at most size_max; valid until the next reading call. */
error stream_read_some(struct stream *stream, size_t size_max, instant deadline, slice *out_data);
/* Exactly size bytes into the caller's memory; ERROR_CLOSED where fewer came. */
error stream_read_exact(struct stream *stream, void *data, size_t size, instant deadline);
/* Exactly size bytes, received straight into the body. ERROR_LIMIT (of the body or the core's
 * memory) with all size bytes read and dropped. */
error stream_read_body(struct stream *stream, struct body *body, size_t size, instant deadline);
/* SMTP DATA up to CRLF.CRLF, received straight into the body and unstuffed there, without the
 * terminator's "." line; what follows stays input. Reads to the end in any case, then: ERROR_LIMIT
 * past size_max or the body's own limit, ERROR_MALFORMED where a bare CR or LF was in it. */
error stream_read_body_dot(struct stream *stream, struct body *body, size_t size_max,
                           instant deadline);
/* Reads size bytes and drops them; what is large and in clear text is not even copied. */
error stream_skip(struct stream *stream, uint64_t size, instant deadline);
/* SMTP DATA up to CRLF.CRLF, dropped as it comes; what follows stays input. *out_size: its bytes,
 * unstuffed, without the terminator's "." line. ERROR_MALFORMED, at the end all the same, where a
 * bare CR or LF was in it; *out_size is then what came before. */
error stream_skip_dot(struct stream *stream, instant deadline, uint64_t *out_size);

/* Is decoded input waiting in memory? Does not wait. */
bool stream_has_input(const struct stream *stream);
/* Forgets input that came with what was read last: for STARTTLS, where plaintext sent ahead must
 * never be taken for protected commands. Returns the bytes dropped. stream_start_tls_* insist on
 * it.
 */
size_t stream_drop_input(struct stream *stream);
/* WAITS for input while holding nothing: buffers are released, after STREAM_TRIM_AFTER_MS the stack
 * too. OK when there is input (or the end of it, which the next read reports), ERROR_TIMEOUT,
 * ERROR_BUSY when stream_interrupt was called. The read timeout does not count, only the deadline.
 */
error stream_wait_input(struct stream *stream, instant deadline);
/* Ends the stream's present stream_wait_input, or the next one, with ERROR_BUSY: for IDLE, where
 * news for the session must wake it. From the stream's core, any fiber or callback. */
void stream_interrupt(struct stream *stream);

/* ---- Writing. ---- */

/* WAITS only where gathered output passes STREAM_OUTPUT_MAX. The bytes are copied. */
error stream_write(struct stream *stream, slice data);
error stream_writev(struct stream *stream, const slice *parts, unsigned count);
error stream_format(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* WAITS until the kernel has it all. A write behind stands for the flush before each wait for
 * input; call it where a long job comes between. */
error stream_flush(struct stream *stream, instant deadline);
/* Forgets gathered output. After a write was ERROR_CLOSED this makes way to read what the peer said
 * before it went: a refusal, often. */
void stream_drop_output(struct stream *stream);
/* WAITS. Gathered output first, then size bytes of the file from offset. ERROR_CLOSED also where
 * the file is shorter (the caller cannot repair the dialogue then). */
error stream_send_file(struct stream *stream, int fd, off_t offset, uint64_t size,
                       instant deadline);
/* WAITS. Large data straight from the caller's memory, gathered output first, nothing copied in
 * clear text. */
error stream_send(struct stream *stream, slice data, instant deadline);

/* ---- TLS (net/tls.h). All WAIT. ---- */

/* Handshakes. `alpn`: names this service speaks, in order of preference, separated by commas
 * ("h2,http/1.1"), or empty; a client that offers only others is refused where alpn is not empty.
 * Plain input still buffered is ERROR_BUG: drop it first. */
error stream_start_tls_server(struct stream *stream, struct tls_server *server, slice alpn,
                              instant deadline);
/* `name`: for SNI and for verification, which knows names only: an IP address never verifies. */
error stream_start_tls_client(struct stream *stream, struct tls_client *client, slice name,
                              slice alpn, instant deadline);
bool stream_is_tls(const struct stream *stream);
/* After ERROR_CLOSED: did the peer mean to end here? In clear text nobody can tell, so any end will
 * do; under TLS only close_notify says so (RFC 8446 6.1), and whoever cuts the connection cannot.
 */
bool stream_is_finished(const struct stream *stream);

/* ---- About it. ---- */

const struct address *stream_peer(const struct stream *stream);
const struct address *stream_local(const struct stream *stream);
/* Where the PROXY protocol named the client: peer and local are the named ones; this is the
 * proxy's. Else ADDRESS_NONE. */
const struct address *stream_proxy(const struct stream *stream);
int stream_fd(const struct stream *stream);
/* Bytes of the protocol (after decryption) so far. */
uint64_t stream_bytes_read(const struct stream *stream);
uint64_t stream_bytes_written(const struct stream *stream);
instant stream_opened_at(const struct stream *stream);
/* Has the peer closed or reset, as far as the kernel knows now? Does not wait, reads nothing. */
bool stream_peer_is_gone(const struct stream *stream);

/* ---- Moving between cores. ---- */

/* WAITS (flushes). Then the stream belongs to no core: pass the pointer to another and call
 * stream_attach there before anything else. Buffered input and TLS state travel along. */
error stream_detach(struct stream *stream, instant deadline);
void stream_attach(struct stream *stream);
