#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A stream in memory, for unit tests and fuzz targets of sessions: it gives what a client sent,
 * keeps what the server says, and has TLS for the asking. How lines and bodies are read is left to
 * who includes it. Include in one file of a program: the linker then takes these functions instead
 * of the library's.
 *
 * What a client sends is cut by the byte 0xfe: a session sees what follows only when it waits, as
 * with a client that waits for a reply.
 */
#include "base/assert.h"
#include "base/buffer.h"
#include "net/stream.h"
#include "net/tls.h"

enum { FAKE_PACKET_END = 0xfe };

struct stream {
    slice input;
    size_t at;
    struct buffer output;
    char *line; /* the last one read */
    size_t line_size;
    bool tls, interrupted, detached;
    struct address peer;
};

/* The includer's: the client saw what was said and goes on. */
static void fake_packet_opens(void);

static void packet_open(struct stream *s)
{
    while (s->at < s->input.size && (unsigned char)s->input.data[s->at] == FAKE_PACKET_END) {
        s->at++;
        fake_packet_opens();
    }
}

bool stream_has_input(const struct stream *s)
{
    return s->at < s->input.size && (unsigned char)s->input.data[s->at] != FAKE_PACKET_END;
}

error stream_wait_input(struct stream *s, instant deadline)
{
    ASSERT(deadline < time_after(86400 * TIME_S));
    if (!stream_has_input(s))
        packet_open(s);
    if (s->interrupted) {
        s->interrupted = false;
        return error_make(ERROR_BUSY, "interrupted");
    }
    return OK;
}

static int next_byte(struct stream *s)
{
    packet_open(s);
    return s->at < s->input.size ? (unsigned char)s->input.data[s->at++] : -1;
}

error stream_skip(struct stream *s, uint64_t size, instant deadline)
{
    (void)deadline;
    for (; size; size--)
        if (next_byte(s) < 0)
            return error_make(ERROR_CLOSED, "end of input");
    return OK;
}

error stream_write(struct stream *s, slice data)
{
    ASSERT(!s->detached);
    buffer_add(&s->output, data);
    return OK;
}

error stream_flush(struct stream *s, instant deadline)
{
    (void)s;
    (void)deadline;
    return OK;
}

size_t stream_drop_input(struct stream *s)
{
    size_t before = s->at;
    while (stream_has_input(s))
        s->at++;
    return s->at - before;
}

error stream_start_tls_server(struct stream *s, struct tls_server *server, slice alpn,
                              instant deadline)
{
    (void)server;
    (void)alpn;
    (void)deadline;
    ASSERT(!stream_has_input(s) && !s->tls);
    s->tls = true;
    return OK;
}

bool stream_is_tls(const struct stream *s)
{
    return s->tls;
}

bool stream_tls_information(const struct stream *s, struct tls_information *out)
{
    if (s->tls)
        *out = (struct tls_information){.protocol = "TLSv1.3", .cipher = "X", .bits = 128};
    return s->tls;
}

const struct address *stream_peer(const struct stream *s)
{
    return &s->peer;
}

void stream_interrupt(struct stream *s)
{
    s->interrupted = true;
}

uint64_t stream_bytes_read(const struct stream *s)
{
    return s->at;
}

uint64_t stream_bytes_written(const struct stream *s)
{
    return s->output.size;
}
