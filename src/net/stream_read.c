/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Input arrives in buffers that the kernel picks, and is copied at once: commands are short, and a
 * kernel's buffer must not be held by a session that goes off to wait for a database. Large reads
 * pass the buffer by.
 */
#include "net/stream_state.h"

#include "base/metric.h"

#include <stdlib.h>
#include <string.h>

METRIC_COUNTER(metric_line_limit, "ringmail_net_lines_too_long_total", "",
               "Lines refused because they were too long");

error stream_input_reserve(struct stream *stream, size_t size)
{
    size_t have = stream->input_end - stream->input_start;
    if (stream->input_capacity - stream->input_end >= size)
        return OK;
    if (stream->input_start && have) {
        memmove(stream->input, stream->input + stream->input_start, have);
    }
    stream->input_start = 0;
    stream->input_end = (uint32_t)have;
    if (stream->input_capacity - have >= size)
        return OK;
    size_t capacity = (have + size + STREAM_INPUT_STEP - 1) & ~(size_t)(STREAM_INPUT_STEP - 1);
    if (capacity < 2 * have)
        capacity = 2 * have;
    char *input = capacity <= UINT32_MAX ? realloc(stream->input, capacity) : NULL;
    TRY_MEMORY(input);
    stream->input = input;
    stream->input_capacity = (uint32_t)capacity;
    return OK;
}

void stream_input_release(struct stream *stream)
{
    if (stream->input && stream->input_start == stream->input_end) {
        free(stream->input);
        stream->input = NULL;
        stream->input_start = stream->input_end = stream->input_capacity = 0;
    }
}

void stream_input_consume(struct stream *stream, size_t size)
{
    stream->input_start += (uint32_t)size;
}

/* Before every wait for input: replies leave, and an idle stream keeps nothing. */
static error prepare_wait(struct stream *stream, instant deadline)
{
    if (stream->output.size)
        TRY(stream_flush(stream, deadline));
    buffer_close(&stream->output);
    stream_input_release(stream);
    if (stream->ended)
        return error_make(ERROR_CLOSED, "the peer closed the connection");
    return OK;
}

static error note_end(struct stream *stream, error problem)
{
    if (problem.kind == ERROR_CLOSED)
        stream->ended = true;
    return problem;
}

error stream_input_take(struct stream *stream, slice data)
{
    if (data.size == 0)
        return OK;
    TRY(stream_input_reserve(stream, data.size));
    memcpy(stream->input + stream->input_end, data.data, data.size);
    stream->input_end += (uint32_t)data.size;
    return OK;
}

static error receive_pooled(struct stream *stream, instant until, struct ring_buffer *out_buffer)
{
    TRY(note_end(stream, ring_receive_pooled(stream->fd, until, out_buffer)));
    stream->bytes_read += out_buffer->size;
    return OK;
}

error stream_receive_pooled(struct stream *stream, instant deadline, struct ring_buffer *out_buffer)
{
    TRY(prepare_wait(stream, deadline));
    return receive_pooled(stream, stream_deadline(deadline, stream->read_timeout), out_buffer);
}

static error fill_until(struct stream *stream, instant until)
{
    if (stream->tls)
        return note_end(stream, tls_fill(stream, until));
    struct ring_buffer buffer;
    TRY(receive_pooled(stream, until, &buffer));
    error problem = stream_input_take(stream, slice_of(buffer.data, buffer.size));
    ring_buffer_release(&buffer);
    return problem;
}

error stream_fill(struct stream *stream, instant deadline)
{
    TRY(prepare_wait(stream, deadline));
    return fill_until(stream, stream_deadline(deadline, stream->read_timeout));
}

error stream_receive(struct stream *stream, void *data, size_t room, instant deadline,
                     size_t *out_size)
{
    TRY(prepare_wait(stream, deadline));
    instant until = stream_deadline(deadline, stream->read_timeout);
    if (stream->tls)
        return note_end(stream, tls_receive(stream, data, room, until, out_size));
    TRY(note_end(stream, ring_receive(stream->fd, data, room, until, out_size)));
    stream->bytes_read += *out_size;
    return OK;
}

/* The rest of an overlong line, up to and with its LF. */
static error drain_line(struct stream *stream, instant deadline)
{
    metric_add(&metric_line_limit, 1);
    for (size_t drained = 0; drained < STREAM_LINE_DRAIN_MAX;) {
        slice input = stream_input(stream);
        ptrdiff_t end = slice_find_byte(input, '\n');
        if (end >= 0) {
            stream_input_consume(stream, (size_t)end + 1);
            return error_make(ERROR_LIMIT, "the line is too long");
        }
        drained += input.size;
        stream_input_consume(stream, input.size);
        TRY(stream_fill(stream, deadline));
    }
    return error_make(ERROR_CLOSED, "a line without end");
}

/* `line` ends before its LF. */
static error finish_line(enum stream_line_end end, slice line, size_t size_max, slice *out_line)
{
    bool crlf = line.size && line.data[line.size - 1] == '\r';
    line.size -= crlf;
    if (line.size > size_max) {
        metric_add(&metric_line_limit, 1);
        return error_make(ERROR_LIMIT, "the line is too long");
    }
    /* RFC 5321 2.3.8: CR and LF only together. Taking a bare one for a line's end is how mail is
     * smuggled past whoever takes it otherwise. */
    if (end == STREAM_LINE_STRICT && (!crlf || slice_find_byte(line, '\r') >= 0))
        return error_make(ERROR_MALFORMED, "a bare CR or LF");
    *out_line = line;
    return OK;
}

error stream_read_line(struct stream *stream, enum stream_line_end end, size_t size_max,
                       instant deadline, slice *out_line)
{
    for (size_t scanned = 0;;) {
        slice input = stream_input(stream);
        ptrdiff_t found = slice_find_byte(slice_from(input, scanned), '\n');
        if (found >= 0) {
            slice line = slice_sub(input, 0, scanned + (size_t)found);
            stream_input_consume(stream, line.size + 1);
            return finish_line(end, line, size_max, out_line);
        }
        scanned = input.size;
        if (scanned > size_max + 1) /* the CR may be there already */
            return drain_line(stream, deadline);
        TRY(stream_fill(stream, deadline));
    }
}

error stream_read_some(struct stream *stream, size_t size_max, instant deadline, slice *out_data)
{
    if (!stream_has_input(stream))
        TRY(stream_fill(stream, deadline));
    slice data = slice_sub(stream_input(stream), 0, size_max);
    stream_input_consume(stream, data.size);
    *out_data = data;
    return OK;
}

error stream_read_exact(struct stream *stream, void *data, size_t size, instant deadline)
{
    char *at = data;
    while (size) {
        slice input = slice_sub(stream_input(stream), 0, size);
        size_t got = input.size;
        if (got) {
            memcpy(at, input.data, got);
            stream_input_consume(stream, got);
        } else if (size >= STREAM_DIRECT_SIZE) {
            TRY(stream_receive(stream, at, size, deadline, &got));
        } else {
            TRY(stream_fill(stream, deadline));
        }
        at += got;
        size -= got;
    }
    return OK;
}

/* Straight out of the socket's buffer, while no input is buffered. */
static error discard(struct stream *stream, uint64_t size, instant deadline, size_t *out_size)
{
    TRY(prepare_wait(stream, deadline));
    instant until = stream_deadline(deadline, stream->read_timeout);
    TRY(note_end(stream, ring_discard(stream->fd, size < SIZE_MAX ? (size_t)size : SIZE_MAX, until,
                                      out_size)));
    stream->bytes_read += *out_size;
    return OK;
}

error stream_skip(struct stream *stream, uint64_t size, instant deadline)
{
    /* Behind a proxy `peer` is the one it named, over whatever socket. */
    bool tcp = !stream->tls && !stream->proxy && address_is_ip(&stream->peer);
    while (size) {
        slice input = stream_input(stream);
        size_t got = input.size < size ? input.size : (size_t)size;
        if (got)
            stream_input_consume(stream, got);
        else if (tcp && size >= STREAM_DIRECT_SIZE)
            TRY(discard(stream, size, deadline, &got));
        else
            TRY(stream_fill(stream, deadline));
        size -= got;
    }
    return OK;
}

bool stream_has_input(const struct stream *stream)
{
    return stream->input_end > stream->input_start;
}

size_t stream_drop_input(struct stream *stream)
{
    size_t dropped = stream->input_end - stream->input_start;
    stream->input_start = stream->input_end;
    stream_input_release(stream);
    return dropped;
}

error stream_wait_input(struct stream *stream, instant deadline)
{
    if (stream_has_input(stream))
        return OK;
    instant trim_at = timer_now() + STREAM_TRIM_AFTER_MS * TIME_MS;
    error problem = prepare_wait(stream, deadline);
    if (problem.kind == ERROR_CLOSED && stream->ended)
        return OK; /* the next read says so */
    TRY(problem);
    while (!stream->interrupted) {
        instant until = trim_at < deadline ? trim_at : deadline;
        stream->waiting = fiber_self();
        problem = fill_until(stream, until);
        stream->waiting = NULL;
        if (problem.kind == ERROR_TIMEOUT && until < deadline) {
            fiber_trim();
            trim_at = TIME_NEVER;
        } else if (problem.kind != ERROR_BUSY) {
            return problem.kind == ERROR_CLOSED ? OK : problem;
        }
    }
    stream->interrupted = false;
    return error_make(ERROR_BUSY, "interrupted");
}

void stream_interrupt(struct stream *stream)
{
    stream->interrupted = true;
    if (stream->waiting)
        ring_interrupt(stream->waiting);
}
