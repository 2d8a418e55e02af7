/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/stream_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_GATHER_SIZE = 16 << 10, /* files up to this travel with the replies around them */
    GATHER_SMALL = 4 << 10,
    GATHER_SIZE = STREAM_OUTPUT_MAX + FILE_GATHER_SIZE,
};

/* What cannot be sent now cannot be sent later: half a reply may be out. */
static error note_loss(struct stream *stream, error problem)
{
    if (failed(problem))
        stream->lost = true;
    return problem;
}

error stream_send_raw(struct stream *stream, slice data, instant deadline)
{
    if (stream->lost)
        return error_make(ERROR_CLOSED, "the connection is broken");
    while (data.size) {
        slice piece = slice_sub(data, 0, STREAM_PIECE_SIZE);
        instant until = stream_deadline(deadline, stream->write_timeout);
        TRY(note_loss(stream, ring_send(stream->fd, piece, until)));
        data = slice_from(data, piece.size);
    }
    return OK;
}

static error send_out(struct stream *stream, slice data, instant deadline)
{
    if (data.size == 0)
        return OK;
    if (stream->lost)
        return error_make(ERROR_CLOSED, "the connection is broken");
    TRY(note_loss(stream, stream->tls ? tls_send(stream, data, deadline)
                                      : stream_send_raw(stream, data, deadline)));
    stream->bytes_written += data.size;
    return OK;
}

/* The buffer stays until the next wait for input: much output goes through it again and again. */
error stream_flush(struct stream *stream, instant deadline)
{
    TRY(send_out(stream, buffer_slice(&stream->output), deadline));
    stream->output.size = 0;
    return OK;
}

/* Room for `size` more bytes of output. Past a few replies there will be many: the whole room at
 * once, rather than by doubling and copying. */
static char *gather(struct stream *stream, size_t size)
{
    struct buffer *output = &stream->output;
    if (output->size + size > GATHER_SMALL && output->capacity < GATHER_SIZE)
        buffer_reserve(output, GATHER_SIZE - output->size);
    return buffer_reserve(output, size);
}

void stream_drop_output(struct stream *stream)
{
    buffer_reset(&stream->output);
}

error stream_write(struct stream *stream, slice data)
{
    if (data.size > STREAM_OUTPUT_MAX)
        return stream_send(stream, data, TIME_NEVER);
    char *room = gather(stream, data.size);
    TRY_MEMORY(room);
    if (data.size)
        memcpy(room, data.data, data.size);
    buffer_commit(&stream->output, data.size);
    return stream->output.size > STREAM_OUTPUT_MAX ? stream_flush(stream, TIME_NEVER) : OK;
}

error stream_writev(struct stream *stream, const slice *parts, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        TRY(stream_write(stream, parts[i]));
    return OK;
}

error stream_format(struct stream *stream, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size >= 0 && (size_t)size < sizeof text)
        return stream_write(stream, slice_of(text, (size_t)size));
    if (size < 0 || size >= STREAM_OUTPUT_MAX)
        return error_make(ERROR_LIMIT, "the formatted text is too long");
    char *room = buffer_reserve(&stream->output, (size_t)size + 1);
    TRY_MEMORY(room);
    va_start(arguments, format);
    vsnprintf(room, (size_t)size + 1, format, arguments);
    va_end(arguments);
    buffer_commit(&stream->output, (size_t)size);
    return stream->output.size > STREAM_OUTPUT_MAX ? stream_flush(stream, TIME_NEVER) : OK;
}

error stream_send(struct stream *stream, slice data, instant deadline)
{
    if (data.size <= FILE_GATHER_SIZE)
        return stream_write(stream, data);
    if (stream->tls || stream->lost || data.size > STREAM_PIECE_SIZE) {
        TRY(stream_flush(stream, deadline));
        return send_out(stream, data, deadline);
    }
    struct iovec parts[2] = {
        {stream->output.data, stream->output.size},
        {(void *)data.data, data.size},
    };
    bool gathered = stream->output.size > 0;
    size_t total = stream->output.size + data.size;
    instant until = stream_deadline(deadline, stream->write_timeout);
    TRY(note_loss(stream,
                  ring_sendv(stream->fd, gathered ? parts : parts + 1, gathered ? 2 : 1, until)));
    stream->bytes_written += total;
    stream->output.size = 0;
    return OK;
}

static error read_piece(struct stream *stream, int fd, char *data, size_t size, off_t offset)
{
    while (size) {
        size_t got;
        TRY(note_loss(stream, ring_read(fd, data, size, offset, &got)));
        if (got == 0)
            return note_loss(stream, error_make(ERROR_CLOSED, "the file is shorter than promised"));
        data += got;
        offset += (off_t)got;
        size -= got;
    }
    return OK;
}

error stream_send_file(struct stream *stream, int fd, off_t offset, uint64_t size, instant deadline)
{
    if (size <= FILE_GATHER_SIZE) {
        char *room = gather(stream, (size_t)size);
        TRY_MEMORY(room);
        TRY(read_piece(stream, fd, room, (size_t)size, offset));
        buffer_commit(&stream->output, (size_t)size);
        return stream->output.size > STREAM_OUTPUT_MAX ? stream_flush(stream, deadline) : OK;
    }
    size_t capacity = size < STREAM_PIECE_SIZE ? (size_t)size : STREAM_PIECE_SIZE;
    char *piece = malloc(capacity);
    TRY_MEMORY(piece);
    error problem = stream_flush(stream, deadline);
    while (size && !failed(problem)) {
        size_t part = size < capacity ? (size_t)size : capacity;
        problem = read_piece(stream, fd, piece, part, offset);
        if (!failed(problem))
            problem = send_out(stream, slice_of(piece, part), deadline);
        offset += (off_t)part;
        size -= part;
    }
    free(piece);
    return problem;
}
