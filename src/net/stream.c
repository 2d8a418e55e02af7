/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/stream_state.h"

#include "base/metric.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

METRIC_GAUGE(metric_streams, "ringmail_net_streams", "", "Open connections");
METRIC_COUNTER(metric_bytes_in, "ringmail_net_received_bytes_total", "",
               "Bytes received, after decryption");
METRIC_COUNTER(metric_bytes_out, "ringmail_net_sent_bytes_total", "",
               "Bytes sent, before encryption");

enum { CLOSE_DRAIN_MAX = 256 << 10 };

error stream_create(int fd, const struct address *peer, const struct address *local,
                    struct stream **out_stream)
{
    struct stream *stream = calloc(1, sizeof *stream);
    TRY_MEMORY(stream);
    stream->fd = fd;
    stream->read_timeout = STREAM_READ_TIMEOUT_S * TIME_S;
    stream->write_timeout = STREAM_WRITE_TIMEOUT_S * TIME_S;
    stream->opened_at = time_now();
    stream->peer = *peer;
    stream->local = *local;
    /* Twice the bound: one write may be gathered on top of what was just below it. */
    buffer_init(&stream->output, 2 * STREAM_OUTPUT_MAX);
    metric_add(&metric_streams, 1);
    *out_stream = stream;
    return OK;
}

static void destroy(struct stream *stream)
{
    tls_session_destroy(&stream->tls);
    admission_leave(&stream->ticket);
    if (stream->fd >= 0)
        close(stream->fd);
    buffer_close(&stream->output);
    free(stream->input);
    free(stream->proxy);
    metric_add(&metric_streams, -1);
    metric_add(&metric_bytes_in, (int64_t)stream->bytes_read);
    metric_add(&metric_bytes_out, (int64_t)stream->bytes_written);
    free(stream);
}

/* close_notify is short: it fits the socket's buffer or the peer does not read any more. */
static void send_at_once(const struct stream *stream, slice data)
{
    while (data.size) {
        ssize_t sent = send(stream->fd, data.data, data.size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return;
        data = slice_from(data, (size_t)sent);
    }
}

/* Closing a TCP socket with input unread resets the connection, and the reset may overtake our last
 * reply: the input is read away first. */
static void drain_input(const struct stream *stream)
{
    char scrap[16384];
    size_t drained = 0;
    ssize_t size;
    shutdown(stream->fd, SHUT_WR);
    do {
        size = recv(stream->fd, scrap, sizeof scrap, MSG_DONTWAIT);
        drained += size > 0 ? (size_t)size : 0;
    } while (size > 0 && drained < CLOSE_DRAIN_MAX);
}

void stream_close(struct stream **stream)
{
    struct stream *s = *stream;
    if (!s)
        return;
    *stream = NULL;
    if (!s->lost) {
        instant deadline = time_after(STREAM_CLOSE_TIMEOUT_MS * TIME_MS);
        /* Who does not read the farewell has lost only that. */
        error_ignore(stream_flush(s, deadline));
    }
    if (!s->lost)
        send_at_once(s, tls_farewell(s));
    if (!s->ended)
        drain_input(s);
    destroy(s);
}

void stream_abort(struct stream **stream)
{
    struct stream *s = *stream;
    if (!s)
        return;
    *stream = NULL;
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none); /* best effort */
    destroy(s);
}

void stream_disown(struct stream **stream)
{
    (*stream)->fd = -1;
    destroy(*stream);
    *stream = NULL;
}

void stream_set_timeouts(struct stream *stream, int64_t read_ns, int64_t write_ns)
{
    stream->read_timeout = read_ns;
    stream->write_timeout = write_ns;
}

bool stream_is_tls(const struct stream *stream)
{
    return stream->tls != NULL;
}

const struct address *stream_peer(const struct stream *stream)
{
    return &stream->peer;
}

const struct address *stream_local(const struct stream *stream)
{
    return &stream->local;
}

const struct address *stream_proxy(const struct stream *stream)
{
    static const struct address none = {.family = ADDRESS_NONE};
    return stream->proxy ? stream->proxy : &none;
}

int stream_fd(const struct stream *stream)
{
    return stream->fd;
}

uint64_t stream_bytes_read(const struct stream *stream)
{
    return stream->bytes_read;
}

uint64_t stream_bytes_written(const struct stream *stream)
{
    return stream->bytes_written;
}

instant stream_opened_at(const struct stream *stream)
{
    return stream->opened_at;
}

bool stream_peer_is_gone(const struct stream *stream)
{
    struct pollfd poll_fd = {.fd = stream->fd, .events = POLLRDHUP};
    return stream->ended || stream->lost ||
           (poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)));
}

error stream_detach(struct stream *stream, instant deadline)
{
    TRY(stream_flush(stream, deadline));
    buffer_close(&stream->output);
    stream_input_release(stream);
    /* Bytes count where they were handled. */
    stream->waiting = NULL;
    return OK;
}

void stream_attach(struct stream *stream)
{
    stream->waiting = NULL;
    stream->interrupted = false;
}
