/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Messages straight into their memory: by size (BDAT, IMAP literals) and up to the dot (DATA).
 * Memory grows with what arrives, never with what was announced.
 */
#include "format/smtp/dot.h"
#include "net/stream_state.h"

#include <string.h>

enum { STEP_MIN = 16 << 10, STEP_MAX = 4 << 20 };
/* Up to here an announced size is believed, once the first step has come: growing by copies would
 * move such a message three times. Larger bodies grow without copies. */
enum { EXPECTED_MAX = 256 << 10 };

/* Room to receive into: the first step is small, then as much again as is there. */
static error grow(struct body *body, size_t useful)
{
    size_t step = body->size < STEP_MIN ? STEP_MIN : body->size < STEP_MAX ? body->size : STEP_MAX;
    size_t expected = body->size_expected < EXPECTED_MAX ? body->size_expected : EXPECTED_MAX;
    if (body->size >= STEP_MIN && expected > body->size + step)
        step = expected - body->size;
    if (step > useful)
        step = useful;
    if (step > body->size_max - body->size)
        step = body->size_max - body->size;
    return body_reserve(body, step);
}

error stream_read_body(struct stream *stream, struct body *body, size_t size, instant deadline)
{
    error verdict = size > body->size_max - body->size
                        ? error_make(ERROR_LIMIT, "the message is too large")
                        : OK;
    while (size && !failed(verdict)) {
        slice input = slice_sub(stream_input(stream), 0, size);
        size_t got = input.size;
        if (got) {
            verdict = body_append(body, input);
            stream_input_consume(stream, got);
        } else if (size < STREAM_DIRECT_SIZE) {
            TRY(stream_fill(stream, deadline));
        } else if (!failed(verdict = grow(body, size))) {
            size_t room = body->capacity - body->size;
            TRY(stream_receive(stream, body->data + body->size, room < size ? room : size, deadline,
                               &got));
            body->size += got;
        }
        size -= got;
    }
    TRY(stream_skip(stream, size, deadline));
    return verdict;
}

/* The state of one stream_read_body_dot. */
struct dot_receiver {
    struct dot_reader reader;
    struct body *body;
    size_t size_max;
    error verdict;
};

/* From here on nothing is kept. */
static void give_up(struct dot_receiver *receiver, error verdict)
{
    receiver->verdict = verdict;
    receiver->reader.discard = true;
}

static void check_size(struct dot_receiver *receiver)
{
    if (receiver->body->size > receiver->size_max && !receiver->reader.discard) {
        receiver->body->size = receiver->size_max;
        give_up(receiver, error_make(ERROR_LIMIT, "the message is too large"));
    }
}

/* What was buffered already, or arrives while nothing is kept: read in place. */
static void take_input(struct dot_receiver *receiver, struct stream *stream)
{
    char *data = stream->input + stream->input_start;
    size_t consumed, kept;
    dot_reader_feed(&receiver->reader, data, stream->input_end - stream->input_start, &consumed,
                    &kept);
    stream_input_consume(stream, consumed);
    if (receiver->reader.discard || kept == 0)
        return;
    error problem = body_append(receiver->body, slice_of(data, kept));
    if (failed(problem))
        give_up(receiver, problem);
}

/* Receives behind the body and unstuffs there; what lies behind the end goes back to the stream. */
static error receive_tail(struct dot_receiver *receiver, struct stream *stream, instant deadline)
{
    struct body *body = receiver->body;
    error problem = grow(body, SIZE_MAX);
    if (failed(problem)) {
        give_up(receiver, problem);
        return OK;
    }
    char *tail = body->data + body->size;
    size_t got, consumed, kept;
    TRY(stream_receive(stream, tail, body->capacity - body->size, deadline, &got));
    dot_reader_feed(&receiver->reader, tail, got, &consumed, &kept);
    if (consumed < got) {
        TRY(stream_input_reserve(stream, got - consumed));
        /* Under TLS more may have been decoded behind it. */
        slice behind = stream_input(stream);
        memmove(stream->input + stream->input_start + (got - consumed),
                stream->input + stream->input_start, behind.size);
        memcpy(stream->input + stream->input_start, tail + consumed, got - consumed);
        stream->input_end += (uint32_t)(got - consumed);
    }
    if (!receiver->reader.discard)
        body->size += kept;
    return OK;
}

/* Looks through what arrives in the kernel's own choice of buffer; only what lies behind the end is
 * copied out of it. */
static error skip_pooled(struct dot_reader *reader, struct stream *stream, instant deadline,
                         uint64_t *size)
{
    struct ring_buffer buffer;
    size_t consumed, kept;
    TRY(stream_receive_pooled(stream, deadline, &buffer));
    dot_reader_feed(reader, buffer.data, buffer.size, &consumed, &kept);
    *size += kept;
    error problem =
        stream_input_take(stream, slice_of(buffer.data + consumed, buffer.size - consumed));
    ring_buffer_release(&buffer);
    return problem;
}

error stream_skip_dot(struct stream *stream, instant deadline, uint64_t *out_size)
{
    struct dot_reader reader;
    dot_reader_init(&reader);
    *out_size = 0;
    while (!reader.finished) {
        if (stream_has_input(stream)) {
            size_t consumed, kept;
            dot_reader_feed(&reader, stream->input + stream->input_start,
                            stream->input_end - stream->input_start, &consumed, &kept);
            stream_input_consume(stream, consumed);
            *out_size += kept;
        } else if (stream->tls) {
            TRY(stream_fill(stream, deadline));
        } else {
            TRY(skip_pooled(&reader, stream, deadline, out_size));
        }
    }
    return reader.malformed ? error_make(ERROR_MALFORMED, "a bare CR or LF in the message") : OK;
}

error stream_read_body_dot(struct stream *stream, struct body *body, size_t size_max,
                           instant deadline)
{
    struct dot_receiver receiver = {.body = body, .size_max = size_max};
    dot_reader_init(&receiver.reader);
    if (size_max > body->size_max)
        receiver.size_max = body->size_max;
    while (!receiver.reader.finished) {
        if (stream_has_input(stream))
            take_input(&receiver, stream);
        else if (receiver.reader.discard || body->size_max - body->size < STREAM_DIRECT_SIZE)
            /* A body that is nearly full has no room for the end of the data behind it. */
            TRY(stream_fill(stream, deadline));
        else
            TRY(receive_tail(&receiver, stream, deadline));
        check_size(&receiver);
    }
    if (receiver.reader.malformed)
        return error_make(ERROR_MALFORMED, "a bare CR or LF in the message");
    return receiver.verdict;
}
