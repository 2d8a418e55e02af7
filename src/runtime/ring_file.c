/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/ring.h"
#include "runtime/ring_operation.h"
#include "runtime/sanitizer.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { TRANSFER_MAX = 1 << 30 }; /* lengths are 32-bit; a short transfer is allowed */

static unsigned bounded(size_t size)
{
    return size > TRANSFER_MAX ? (unsigned)TRANSFER_MAX : (unsigned)size;
}

error ring_open(int directory, const char *path, int flags, mode_t mode, int *out_fd)
{
    struct ring_operation operation;
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_openat(entry, directory, path, flags, mode);
    TRY(ring_operation_finish(&operation, entry, "open"));
    *out_fd = operation.result;
    return OK;
}

error ring_close(int fd)
{
#ifdef RUNTIME_TSAN
    /* ThreadSanitizer follows descriptors from thread to thread and would miss this close. */
    return close(fd) == 0 ? OK : error_system(errno, "close");
#endif
    struct ring_operation operation;
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_close(entry, fd);
    return ring_operation_finish(&operation, entry, "close");
}

/* How an entry is filled, so that it can be filled again. */
struct transfer {
    int fd;
    bool write;
    void *data;
    unsigned size;
    const struct iovec *parts; /* instead of data */
    off_t offset;
};

static struct io_uring_sqe *prepare(const struct transfer *transfer)
{
    struct io_uring_sqe *entry = ring_entry();
    uint64_t offset = (uint64_t)transfer->offset;
    if (transfer->parts)
        io_uring_prep_writev(entry, transfer->fd, transfer->parts, transfer->size, offset);
    else if (transfer->write)
        io_uring_prep_write(entry, transfer->fd, transfer->data, transfer->size, offset);
    else
        io_uring_prep_read(entry, transfer->fd, transfer->data, transfer->size, offset);
    return entry;
}

static error run(const struct transfer *transfer, size_t *out_size)
{
    const char *text = transfer->write ? "write" : "read";
    struct ring_operation operation;
    /* What has a position is a file or a disk, and ends by itself. */
    if (transfer->offset >= 0) {
        TRY(ring_operation_finish(&operation, prepare(transfer), text));
        *out_size = (size_t)operation.result;
        return OK;
    }
    while (true) {
        if (fiber_is_cancelled())
            return error_make(ERROR_CANCELLED, "cancelled");
        error problem = ring_operation_run(&operation, prepare(transfer), TIME_NEVER, text);
        if (!failed(problem)) {
            *out_size = (size_t)operation.result;
            return OK;
        }
        /* A pipe or the like that is marked non-blocking does not wait in the kernel. */
        if (problem.os != EAGAIN)
            return problem;
        short events;
        TRY(ring_poll(transfer->fd, transfer->write ? POLLOUT : POLLIN, TIME_NEVER, &events));
    }
}

error ring_read(int fd, void *data, size_t size, off_t offset, size_t *out_size)
{
    struct transfer transfer = {.fd = fd, .data = data, .size = bounded(size), .offset = offset};
    return run(&transfer, out_size);
}

error ring_write(int fd, slice data, off_t offset, size_t *out_size)
{
    struct transfer transfer = {
        .fd = fd,
        .write = true,
        .data = (void *)(uintptr_t)data.data,
        .size = bounded(data.size),
        .offset = offset,
    };
    return run(&transfer, out_size);
}

error ring_writev(int fd, const struct iovec *parts, unsigned count, off_t offset, size_t *out_size)
{
    struct transfer transfer = {
        .fd = fd, .write = true, .parts = parts, .size = count, .offset = offset};
    return run(&transfer, out_size);
}

error ring_fsync(int fd, bool data_only)
{
    struct ring_operation operation;
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_fsync(entry, fd, data_only ? IORING_FSYNC_DATASYNC : 0);
    return ring_operation_finish(&operation, entry, "fsync");
}

error ring_statx(int directory, const char *path, int flags, unsigned mask, struct statx *out)
{
    struct ring_operation operation;
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_statx(entry, directory, path, flags, mask, out);
    return ring_operation_finish(&operation, entry, "statx");
}
