#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An HTTP server of the test's own, on the test's core: says web.answer to whoever asks, over TLS
 * where it has a certificate, and closes.
 */
#include "net/pair.h"

#include "net/tls.h"
#include "runtime/ring.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int fd;
    struct address address;
    struct crew crew;
    struct tls_server *tls;
    char folder[64], certificate[128], key[128];
    /* What it says; a NUL pauses until the client is gone. */
    slice answer;
    bool silent;   /* never answers */
    bool cut;      /* ends without close_notify */
    unsigned more; /* answers after the first one on the same connection, then it is closed */
    unsigned connections, requests;
    char request[8192]; /* the last one, body included */
} web;

static inline void web_make_certificate(const slice *names, unsigned count)
{
    snprintf(web.folder, sizeof web.folder, "/tmp/ringmail-web-XXXXXX");
    assert_non_null(mkdtemp(web.folder));
    snprintf(web.certificate, sizeof web.certificate, "%s/c", web.folder);
    snprintf(web.key, sizeof web.key, "%s/k", web.folder);
    assert_ok(tls_make_self_signed(TLS_KEY_ECDSA, names, count, web.certificate, web.key));
    struct tls_files files = {web.certificate, web.key};
    assert_ok(tls_server_create(&(struct tls_server_options){&files, 1, TLS_1_2}, &web.tls, NULL));
}

static inline error web_read(struct stream *stream)
{
    size_t size = 0, length = 0;
    slice line;
    do {
        TRY(stream_read_line(stream, STREAM_LINE_STRICT, 4096, soon(), &line));
        if (slice_starts_nocase(line, SLICE("content-length: ")))
            length = (size_t)atoi(line.data + 16);
        size += (size_t)snprintf(web.request + size, sizeof web.request - size, "%.*s\n",
                                 SLICE_ARG(line));
    } while (line.size);
    assert_true(size + length < sizeof web.request);
    TRY(stream_read_exact(stream, web.request + size, length, soon()));
    web.request[size + length] = '\0';
    return OK;
}

static inline void web_serve(void *argument)
{
    struct stream *stream = stream_over((int)(intptr_t)argument);
    error problem =
        web.tls ? stream_start_tls_server(stream, web.tls, SLICE("http/1.1"), soon()) : OK;
    for (unsigned left = web.more + 1; left > 0 && !failed(problem); left--) {
        problem = web_read(stream);
        if (failed(problem))
            break;
        web.requests++;
        if (web.silent)
            error_ignore(fiber_sleep(30 * TIME_S));
        else
            error_ignore(stream_write(stream, web.answer));
    }
    if (web.cut) {
        error_ignore(stream_flush(stream, soon()));
        shutdown(stream_fd(stream), SHUT_WR); /* a reset would take with it what was said */
        error_ignore(stream_wait_input(stream, soon()));
        stream_abort(&stream);
    } else {
        stream_close(&stream);
    }
}

static inline void web_accept(void *argument)
{
    (void)argument;
    short events;
    while (!failed(ring_poll(web.fd, POLLIN, TIME_NEVER, &events))) {
        int fd = accept4(web.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        web.connections++;
        assert_ok(fiber_start(&web.crew, "web", web_serve, (void *)(intptr_t)fd));
    }
}

/* With a certificate for these names; none: in clear. */
static inline void web_start(const slice *names, unsigned count)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof own;
    memset(&web, 0, sizeof web);
    if (count)
        web_make_certificate(names, count);
    web.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(web.fd, (void *)&own, size), 0);
    assert_int_equal(listen(web.fd, 64), 0);
    assert_int_equal(getsockname(web.fd, (void *)&own, &size), 0);
    address_from_sockaddr((void *)&own, size, &web.address);
    crew_init(&web.crew, NULL);
    assert_ok(fiber_start(&web.crew, "web accept", web_accept, NULL));
}

static inline void web_stop(void)
{
    crew_close(&web.crew);
    close(web.fd);
    if (!web.tls)
        return;
    tls_server_destroy(&web.tls);
    unlink(web.certificate);
    unlink(web.key);
    rmdir(web.folder);
}
