/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/ring.h"
#include "runtime/ring_operation.h"

#include "base/assert.h"

#include <errno.h>
#include <netinet/in.h>

enum { TRANSFER_MAX = 1 << 30 };

/* A cancelled fiber receives nothing more, or a busy peer could keep it alive. It may still send:
 * what fits into the socket's buffer at once goes out, so that a session can say goodbye. */
static error refuse_when_cancelled(void)
{
    return fiber_is_cancelled() ? error_make(ERROR_CANCELLED, "cancelled") : OK;
}

error ring_connect(int fd, const struct sockaddr *address, socklen_t size, instant deadline)
{
    TRY(refuse_when_cancelled());
    struct ring_operation operation;
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_connect(entry, fd, address, size);
    return ring_operation_run(&operation, entry, deadline, "connect");
}

static error receive(int fd, void *data, size_t size, int flags, instant deadline, size_t *out_size)
{
    ASSERT(size > 0);
    TRY(refuse_when_cancelled());
    struct ring_operation operation;
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_recv(entry, fd, data, size < TRANSFER_MAX ? size : TRANSFER_MAX, flags);
    TRY(ring_operation_run(&operation, entry, deadline, "receive"));
    if (operation.result == 0)
        return error_make(ERROR_CLOSED, "closed by the other side");
    *out_size = (size_t)operation.result;
    return OK;
}

error ring_receive(int fd, void *data, size_t size, instant deadline, size_t *out_size)
{
    return receive(fd, data, size, 0, deadline, out_size);
}

/* tcp(7): with MSG_TRUNC what is received is dropped, and the buffer is not looked at. */
error ring_discard(int fd, size_t size, instant deadline, size_t *out_size)
{
    return receive(fd, NULL, size, MSG_TRUNC, deadline, out_size);
}

/* Why a transfer that is not complete must not be taken up again. */
static error out_of_time(instant deadline)
{
    TRY(refuse_when_cancelled());
    if (deadline != TIME_NEVER && deadline <= time_now())
        return error_make(ERROR_TIMEOUT, "deadline passed");
    return OK;
}

error ring_send(int fd, slice data, instant deadline)
{
    while (data.size) {
        struct ring_operation operation;
        struct io_uring_sqe *entry = ring_entry();
        io_uring_prep_send(entry, fd, data.data,
                           data.size < TRANSFER_MAX ? data.size : TRANSFER_MAX,
                           MSG_NOSIGNAL | MSG_WAITALL);
        TRY(ring_operation_run(&operation, entry, deadline, "send"));
        data = slice_from(data, (size_t)operation.result);
        if (data.size)
            TRY(out_of_time(deadline));
    }
    return OK;
}

static void use_up(struct iovec **parts, unsigned *count, size_t size)
{
    while (*count && size >= (*parts)->iov_len) {
        size -= (*parts)->iov_len;
        ++*parts;
        --*count;
    }
    if (size) {
        (*parts)->iov_base = (char *)(*parts)->iov_base + size;
        (*parts)->iov_len -= size;
    }
}

error ring_sendv(int fd, struct iovec *parts, unsigned count, instant deadline)
{
    enum { PARTS_MAX = 1024 }; /* UIO_MAXIOV */
    use_up(&parts, &count, 0);
    while (count) {
        struct msghdr header = {.msg_iov = parts,
                                .msg_iovlen = count < PARTS_MAX ? count : PARTS_MAX};
        struct ring_operation operation;
        struct io_uring_sqe *entry = ring_entry();
        io_uring_prep_sendmsg(entry, fd, &header, MSG_NOSIGNAL | MSG_WAITALL);
        TRY(ring_operation_run(&operation, entry, deadline, "send"));
        use_up(&parts, &count, (size_t)operation.result);
        if (count)
            TRY(out_of_time(deadline));
    }
    return OK;
}

error ring_poll(int fd, short events, instant deadline, short *out_events)
{
    TRY(refuse_when_cancelled());
    struct ring_operation operation;
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_poll_add(entry, fd, (unsigned short)events);
    ring_interruptible_begin();
    error problem = ring_operation_run(&operation, entry, deadline, "poll");
    ring_interruptible_end();
    TRY(problem);
    *out_events = (short)operation.result;
    return OK;
}

error ring_shutdown(int fd, int how)
{
    struct ring_operation operation;
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_shutdown(entry, fd, how);
    return ring_operation_finish(&operation, entry, "shutdown");
}
