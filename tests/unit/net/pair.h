#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What tests of streams share: a core to run on, a stream whose other end is a bare descriptor.
 */
#include "check.h"

#include "net/stream.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static inline instant soon(void)
{
    return time_after(30 * TIME_S);
}

static inline void on_core(void (*function)(void *argument))
{
    struct core_options options = {.count = 1};
    assert_ok(core_run_here(&options, function, NULL));
}

static inline struct stream *stream_over(int fd)
{
    struct address none = {.family = ADDRESS_UNIX};
    struct stream *stream = NULL;
    assert_ok(stream_create(fd, &none, &none, &stream));
    return stream;
}

static inline struct stream *make_pair(int *out_other)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    *out_other = fds[1];
    return stream_over(fds[0]);
}

static inline void put(int fd, slice data)
{
    assert_int_equal(write(fd, data.data, data.size), data.size);
}

/* What has arrived at the other end, without waiting. */
static inline slice taken(int fd, char *room, size_t size)
{
    ssize_t got = recv(fd, room, size, MSG_DONTWAIT);
    return slice_of(room, got > 0 ? (size_t)got : 0);
}
