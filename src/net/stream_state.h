#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a stream is made of: for the files of src/net only. Everything here is plain memory of the
 * process, nothing belongs to a core, so a stream can move as it is.
 */
#include "base/buffer.h"
#include "net/admission.h"
#include "net/stream.h"
#include "runtime/fiber.h"
#include "runtime/ring.h"
#include "runtime/timer.h"

struct tls_session;

enum {
    STREAM_DIRECT_SIZE = 4096,     /* reads of at least this go straight to their destination */
    STREAM_PIECE_SIZE = 128 << 10, /* of large writes and files */
    STREAM_INPUT_STEP = 512,       /* the input buffer's size is a multiple of this */
};

struct stream {
    int fd;
    bool ended;       /* the peer will send no more */
    bool finished;    /* and said so under TLS: close_notify */
    bool lost;        /* nothing can be sent any more */
    bool interrupted; /* stream_interrupt came */
    /* Decoded input not yet consumed: input[input_start..input_end). NULL while there is none. */
    char *input;
    uint32_t input_start, input_end, input_capacity;
    struct buffer output; /* gathered, in clear */
    struct tls_session *tls;
    struct fiber *waiting; /* in stream_wait_input */
    int64_t read_timeout, write_timeout;
    uint64_t bytes_read, bytes_written;
    instant opened_at;
    struct address peer, local;
    struct address *proxy;
    struct admission_ticket ticket; /* its place in the listener's counts */
};

static inline slice stream_input(const struct stream *stream)
{
    return slice_of(stream->input + stream->input_start, stream->input_end - stream->input_start);
}

/* A wait without progress ends at the nearer of the two. */
static inline instant stream_deadline(instant deadline, int64_t timeout)
{
    instant limit = timeout < 0 ? TIME_NEVER : timer_now() + timeout;
    return deadline < limit ? deadline : limit;
}

/* Room for size more bytes behind input_end; ERROR_LIMIT when out of memory. */
error stream_input_reserve(struct stream *stream, size_t size);
/* Frees the input buffer where it is empty. */
void stream_input_release(struct stream *stream);
void stream_input_consume(struct stream *stream, size_t size);
/* Copies it behind input_end. */
error stream_input_take(struct stream *stream, slice data);

/* WAITS: flushes, then adds at least one byte of input behind what is there. */
error stream_fill(struct stream *stream, instant deadline);
/* WAITS: flushes, then at least one byte into data. Only while no input is buffered. */
error stream_receive(struct stream *stream, void *data, size_t room, instant deadline,
                     size_t *out_size);
/* WAITS: flushes, then receives into a buffer of the core's pool. In clear text, while no input is
 * buffered; the caller releases the buffer. */
error stream_receive_pooled(struct stream *stream, instant deadline,
                            struct ring_buffer *out_buffer);

/* WAITS: sends bytes as they are, past the output buffer and TLS. */
error stream_send_raw(struct stream *stream, slice data, instant deadline);

/* The same under TLS; `until` bounds the wait for input. ERROR_BUSY from stream_interrupt. */
error tls_fill(struct stream *stream, instant until);
error tls_receive(struct stream *stream, void *data, size_t room, instant until, size_t *out_size);
/* WAITS: encrypts and sends. */
error tls_send(struct stream *stream, slice data, instant deadline);
/* Encrypted bytes that the engine wants sent (close_notify): for the last flush. Does not wait. */
slice tls_farewell(struct stream *stream);
void tls_session_destroy(struct tls_session **session);

/* Frees the stream but leaves the descriptor open, to whoever called. */
void stream_disown(struct stream **stream);
