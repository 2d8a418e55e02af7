/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/ring.h"
#include "runtime/ring_operation.h"

#include "base/assert.h"
#include "base/metric.h"
#include "runtime/wait.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

METRIC_COUNTER(pool_dry, "ringmail_receive_buffers_dry_total", "",
               "Receives that found the core's buffer pool empty and waited for one");
METRIC_GAUGE(pool_taken, "ringmail_receive_buffers_taken", "", "Receive buffers held by streams");

enum { GROUP = 1, BUFFERS_MAX = 32768 /* the kernel's own bound */ };

static _Thread_local struct {
    struct io_uring_buf_ring *ring; /* shared with the kernel */
    char *memory;                   /* count × size */
    unsigned count;                 /* power of two */
    unsigned size;
    uint64_t released;       /* how often a buffer came back */
    struct condition refill; /* receives that found the pool dry */
} pool;

static size_t ring_bytes(void)
{
    return pool.count * sizeof(struct io_uring_buf);
}

static void give(unsigned id)
{
    io_uring_buf_ring_add(pool.ring, pool.memory + (size_t)id * pool.size, pool.size,
                          (unsigned short)id, io_uring_buf_ring_mask(pool.count), 0);
    io_uring_buf_ring_advance(pool.ring, 1);
}

static void unmap(void)
{
    if (pool.ring)
        munmap(pool.ring, ring_bytes());
    if (pool.memory)
        munmap(pool.memory, (size_t)pool.count * pool.size);
    pool.ring = NULL;
    pool.memory = NULL;
}

static void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

error ring_buffers_begin(struct io_uring *ring, unsigned count, unsigned size)
{
    if (count > BUFFERS_MAX || (count & (count - 1)) != 0)
        return error_make(ERROR_PERMANENT, "receive_buffers must be a power of two, at most 32768");
    memset(&pool, 0, sizeof pool);
    pool.count = count;
    pool.size = size;
    condition_init(&pool.refill);
    pool.ring = map(ring_bytes());
    pool.memory = map((size_t)count * size);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)pool.ring, .ring_entries = count, .bgid = GROUP};
    int result = -ENOMEM;
    if (pool.ring && pool.memory)
        result = io_uring_register_buf_ring(ring, &registration, 0);
    if (result < 0) {
        unmap();
        return (error){ERROR_PERMANENT, -result, "receive buffers could not be registered"};
    }
    io_uring_buf_ring_init(pool.ring);
    for (unsigned id = 0; id < count; id++)
        give(id);
    return OK;
}

void ring_buffers_end(struct io_uring *ring)
{
    (void)ring; /* closing it ended the registration */
    unmap();
}

static error receive_once(int fd, instant deadline, struct ring_buffer *out_buffer)
{
    if (fiber_is_cancelled())
        return error_make(ERROR_CANCELLED, "cancelled");
    struct ring_operation operation;
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_recv(entry, fd, NULL, pool.size, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = GROUP;
    error problem = ring_operation_run(&operation, entry, deadline, "receive");
    if (!(operation.flags & IORING_CQE_F_BUFFER))
        return failed(problem) ? problem : error_make(ERROR_CLOSED, "closed by the other side");
    struct ring_buffer buffer = {.id = operation.flags >> IORING_CQE_BUFFER_SHIFT};
    ASSERT(buffer.id < pool.count);
    buffer.data = pool.memory + (size_t)buffer.id * pool.size;
    metric_add(&pool_taken, 1);
    if (failed(problem) || operation.result == 0) {
        ring_buffer_release(&buffer);
        return failed(problem) ? problem : error_make(ERROR_CLOSED, "closed by the other side");
    }
    buffer.size = (uint32_t)operation.result;
    *out_buffer = buffer;
    return OK;
}

static error receive(int fd, instant deadline, struct ring_buffer *out_buffer)
{
    while (true) {
        uint64_t released_before = pool.released;
        error problem = receive_once(fd, deadline, out_buffer);
        if (problem.os != ENOBUFS)
            return problem;
        metric_add(&pool_dry, 1);
        /* A buffer that came back between the kernel's answer and now wakes nobody later. */
        if (pool.released == released_before)
            TRY(condition_wait(&pool.refill, deadline));
        if (ring_is_interrupted())
            return error_make(ERROR_BUSY, "interrupted");
    }
}

error ring_receive_pooled(int fd, instant deadline, struct ring_buffer *out_buffer)
{
    ring_interruptible_begin();
    error problem = receive(fd, deadline, out_buffer);
    ring_interruptible_end();
    return problem;
}

void ring_buffers_retry(void)
{
    condition_wake_all(&pool.refill);
}

void ring_buffer_release(struct ring_buffer *buffer)
{
    if (!buffer->data)
        return;
    ASSERT(buffer->data == pool.memory + (size_t)buffer->id * pool.size); /* of this core */
    give(buffer->id);
    metric_add(&pool_taken, -1);
    *buffer = (struct ring_buffer){0};
    pool.released++;
    /* All of them: a receive may merely have asked while the pool was dry, before there was data,
     * and then does not use the buffer it is woken for. */
    ring_buffers_retry();
}
