#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A server that follows a script, on a loopback port of the same core: one script a connection, in
 * their order. A script is lines:
 *
 *     > 220 mx.example            says so, with CRLF
 *     >> bytes                    says so, without (\r, \n, \0 may be in the C string)
 *     < RCPT TO:<a@b.example>     the next line must be this; a final * stands for anything
 *     data                        takes a message up to the dot, unstuffed, into peer.body
 *     bdat                        takes "BDAT n LAST" and n bytes into peer.body
 *     empty                       like data, but the message must be empty
 *     some                        takes whatever comes
 *     tls                         a handshake
 *     drip                        one byte every 20 ms, never a line end
 *     flood                       bytes without a line end, without end
 *     silent                      says nothing until the client goes
 *     deaf                        does not even read, for longer than anybody waits
 *     close, reset                does so; the end of a script is "< QUIT", "> 221 bye", "close"
 */
#include "runtime/in_core.h"

#include "net/stream.h"
#include "net/tls.h"
#include "runtime/body.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/ring.h"
#include "transport/deliver/remote.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PEER_SCRIPTS_MAX = 8 };

struct peer {
    int listener;
    uint16_t port;
    struct crew crew;
    struct ring_acceptor *acceptor;
    const char *scripts[PEER_SCRIPTS_MAX];
    unsigned connections; /* so far */
    unsigned finished;    /* scripts that came to their end */
    struct tls_server *tls;
    struct body body; /* the last message */
    char server_name[256];
    bool resumed;
};

static slice peer_line(const char **script)
{
    const char *end = strchr(*script, '\n');
    slice line = slice_of(*script, end ? (size_t)(end - *script) : strlen(*script));
    *script += line.size + (end != NULL);
    return line;
}

static instant peer_soon(void)
{
    return time_after(10 * TIME_S);
}

static void peer_expect(struct stream *stream, slice expected)
{
    slice line;
    assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 10000, peer_soon(), &line));
    bool open_end = slice_ends(expected, SLICE("*"));
    slice start = slice_sub(expected, 0, expected.size - open_end);
    if (open_end ? !slice_starts(line, start) : !slice_equal(line, expected))
        fail_msg("the client said \"%.*s\", not \"%.*s\"", SLICE_ARG(line), SLICE_ARG(expected));
}

static void peer_take_chunk(struct peer *peer, struct stream *stream)
{
    slice line;
    unsigned long size;
    assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 10000, peer_soon(), &line));
    assert_true(slice_starts(line, SLICE("BDAT ")) && slice_ends(line, SLICE(" LAST")));
    size = strtoul(line.data + 5, NULL, 10);
    assert_ok(stream_read_body(stream, &peer->body, size, peer_soon()));
}

static void peer_handshake(struct peer *peer, struct stream *stream)
{
    struct tls_information information;
    /* The client may find fault with the certificate. */
    if (failed(stream_start_tls_server(stream, peer->tls, SLICE_EMPTY, peer_soon())))
        return;
    assert_true(stream_tls_information(stream, &information));
    snprintf(peer->server_name, sizeof peer->server_name, "%.*s",
             SLICE_ARG(information.server_name));
    peer->resumed = information.resumed;
}

/* Until the client has enough. */
static void peer_torment(struct stream *stream, slice bytes, int64_t pause)
{
    while (!failed(stream_write(stream, bytes)) && !failed(stream_flush(stream, peer_soon())))
        if (pause && failed(fiber_sleep(pause)))
            return;
}

static void peer_wait_end(struct stream *stream)
{
    slice rest;
    while (!failed(stream_read_some(stream, 65536, peer_soon(), &rest)))
        ;
}

/* False: the script ends here. */
static bool peer_step(struct peer *peer, struct stream *stream, slice step)
{
    static const char flood[65536] = {'2'};
    if (slice_starts(step, SLICE("> "))) {
        assert_ok(stream_write(stream, slice_from(step, 2)));
        assert_ok(stream_write(stream, SLICE("\r\n")));
    } else if (slice_starts(step, SLICE(">> "))) {
        assert_ok(stream_write(stream, slice_from(step, 3)));
    } else if (slice_starts(step, SLICE("< "))) {
        peer_expect(stream, slice_from(step, 2));
    } else if (slice_equal(step, SLICE("data"))) {
        assert_ok(stream_read_body_dot(stream, &peer->body, 100 << 20, peer_soon()));
    } else if (slice_equal(step, SLICE("empty"))) {
        size_t before = peer->body.size;
        assert_ok(stream_read_body_dot(stream, &peer->body, 100 << 20, peer_soon()));
        assert_int_equal(peer->body.size, before);
    } else if (slice_equal(step, SLICE("some"))) {
        slice some;
        assert_ok(stream_read_some(stream, 65536, peer_soon(), &some));
    } else if (slice_equal(step, SLICE("bdat"))) {
        peer_take_chunk(peer, stream);
    } else if (slice_equal(step, SLICE("tls"))) {
        assert_ok(stream_flush(stream, peer_soon()));
        peer_handshake(peer, stream);
        return stream_is_tls(stream);
    } else if (slice_equal(step, SLICE("drip"))) {
        peer_torment(stream, SLICE("2"), 20 * TIME_MS);
    } else if (slice_equal(step, SLICE("flood"))) {
        peer_torment(stream, slice_of(flood, sizeof flood), 0);
    } else if (slice_equal(step, SLICE("silent"))) {
        assert_ok(stream_flush(stream, peer_soon()));
        peer_wait_end(stream);
    } else if (slice_equal(step, SLICE("deaf"))) {
        assert_ok(stream_flush(stream, peer_soon()));
        assert_ok(fiber_sleep(TEST_SLOWER * TIME_S));
    } else if (!slice_equal(step, SLICE("close")) && !slice_equal(step, SLICE("reset"))) {
        fail_msg("no such step: %.*s", SLICE_ARG(step));
    }
    return !slice_equal(step, SLICE("close")) && !slice_equal(step, SLICE("reset"));
}

static void peer_follow(struct peer *peer, int fd, const char *script)
{
    struct stream *stream;
    struct address none = {.family = ADDRESS_UNIX};
    slice step = SLICE_EMPTY;
    assert_ok(stream_create(fd, &none, &none, &stream));
    while (*script) {
        step = peer_line(&script);
        if (!peer_step(peer, stream, step)) {
            script = "";
            break;
        }
    }
    error_ignore(stream_flush(stream, peer_soon()));
    peer->finished++;
    if (slice_equal(step, SLICE("reset")))
        stream_abort(&stream);
    else
        stream_close(&stream);
}

static void peer_serve(void *argument)
{
    struct peer *peer = argument;
    int fd;
    while (peer->scripts[peer->connections] &&
           !failed(ring_accept(peer->acceptor, TIME_NEVER, &fd)))
        peer_follow(peer, fd, peer->scripts[peer->connections++]);
    ring_acceptor_destroy(&peer->acceptor);
    close(peer->listener);
}

/* Scripts are borrowed; NULL behind the last. */
static void peer_start(struct peer *peer, const char *const scripts[], struct tls_server *tls)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof own;
    *peer = (struct peer){.tls = tls};
    for (unsigned i = 0; scripts[i]; i++)
        peer->scripts[i] = scripts[i];
    body_init(&peer->body, 200 << 20);
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(peer->listener, (void *)&own, size), 0);
    assert_int_equal(listen(peer->listener, 8), 0);
    assert_int_equal(getsockname(peer->listener, (void *)&own, &size), 0);
    peer->port = ntohs(own.sin_port);
    assert_ok(ring_acceptor_create(peer->listener, &peer->acceptor));
    crew_init(&peer->crew, NULL);
    assert_ok(fiber_start(&peer->crew, "peer", peer_serve, peer));
}

/* Every script must have been followed to its end. */
static void peer_end(struct peer *peer)
{
    unsigned scripts = 0;
    assert_ok(crew_join(&peer->crew, peer_soon()));
    while (scripts < PEER_SCRIPTS_MAX && peer->scripts[scripts])
        scripts++;
    assert_int_equal(peer->finished, scripts);
    crew_close(&peer->crew);
    body_close(&peer->body);
}
