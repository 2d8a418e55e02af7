/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/ring_core.h"

#include "base/assert.h"
#include "base/log.h"
#include "runtime/ring.h"

#include <errno.h>
#include <string.h>

enum {
    ENTRIES_DEFAULT = 4096,
    ENTRIES_MAX = 32768, /* the kernel's own bound */
    /* Completions come in bursts (multishot, many cancels); past this the kernel keeps the rest in
     * a list, which is slower but loses nothing. */
    COMPLETIONS_PER_ENTRY = 4,
    RECEIVE_BUFFERS_DEFAULT = 1024,
    RECEIVE_BUFFER_SIZE_DEFAULT = 16 * 1024,
};

static _Thread_local struct {
    struct io_uring ring;
    struct ring_counts counts;
    bool alive;
} core_ring;

static error why_not(int result)
{
    switch (-result) {
    case ENOSYS:
        return (error){ERROR_PERMANENT, ENOSYS,
                       "io_uring is missing: Linux 6.1 or newer with CONFIG_IO_URING is needed"};
    case EPERM:
    case EACCES:
        return (error){ERROR_PERMANENT, -result,
                       "io_uring is forbidden here: see sysctl kernel.io_uring_disabled, the "
                       "container's seccomp profile or the service's SystemCallFilter"};
    case EINVAL:
        return (error){ERROR_PERMANENT, EINVAL,
                       "io_uring is too old: Linux 6.1 or newer is needed (SINGLE_ISSUER, "
                       "DEFER_TASKRUN)"};
    case ENOMEM:
        return (error){ERROR_PERMANENT, ENOMEM,
                       "no memory for io_uring: raise the locked-memory limit (ulimit -l, "
                       "LimitMEMLOCK) or lower the number of cores"};
    default:
        return (error){ERROR_PERMANENT, -result, "io_uring could not be set up"};
    }
}

static error probe(struct io_uring *ring)
{
    static const int needed[] = {
        IORING_OP_NOP,      IORING_OP_READ,     IORING_OP_WRITE,   IORING_OP_WRITEV,
        IORING_OP_FSYNC,    IORING_OP_POLL_ADD, IORING_OP_SENDMSG, IORING_OP_ACCEPT,
        IORING_OP_SEND,     IORING_OP_RECV,     IORING_OP_CONNECT, IORING_OP_ASYNC_CANCEL,
        IORING_OP_OPENAT,   IORING_OP_CLOSE,    IORING_OP_STATX,   IORING_OP_SHUTDOWN,
        IORING_OP_MSG_RING,
    };
    struct io_uring_probe *answers = io_uring_get_probe_ring(ring);
    if (!answers)
        return error_make(ERROR_PERMANENT, "io_uring does not tell what it can do");
    bool all = true;
    for (unsigned i = 0; i < sizeof needed / sizeof *needed; i++)
        all = all && io_uring_opcode_supported(answers, needed[i]);
    io_uring_free_probe(answers);
    return all ? OK : why_not(-EINVAL);
}

static error set_up(struct io_uring *ring, unsigned entries)
{
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
        .cq_entries = entries * COMPLETIONS_PER_ENTRY,
    };
    int result = io_uring_queue_init_params(entries, ring, &parameters);
    if (result < 0)
        return why_not(result);
    unsigned wanted = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP |
                      IORING_FEAT_FAST_POLL | IORING_FEAT_SUBMIT_STABLE;
    error problem = (parameters.features & wanted) == wanted ? probe(ring) : why_not(-EINVAL);
    if (failed(problem))
        io_uring_queue_exit(ring);
    return problem;
}

error ring_begin(const struct core_options *options)
{
    ASSERT(!core_ring.alive);
    unsigned entries = options->ring_entries ? options->ring_entries : ENTRIES_DEFAULT;
    if (entries > ENTRIES_MAX)
        entries = ENTRIES_MAX;
    memset(&core_ring, 0, sizeof core_ring);
    TRY(set_up(&core_ring.ring, entries));
    /* Spares the kernel a descriptor look-up per entry; where it fails, all works without. */
    io_uring_register_ring_fd(&core_ring.ring);
    error problem = ring_buffers_begin(
        &core_ring.ring,
        options->receive_buffers ? options->receive_buffers : RECEIVE_BUFFERS_DEFAULT,
        options->receive_buffer_size ? options->receive_buffer_size : RECEIVE_BUFFER_SIZE_DEFAULT);
    if (failed(problem))
        io_uring_queue_exit(&core_ring.ring);
    core_ring.alive = !failed(problem);
    return problem;
}

void ring_end(void)
{
    io_uring_queue_exit(&core_ring.ring);
    ring_buffers_end(&core_ring.ring);
    core_ring.alive = false;
}

int ring_descriptor(void)
{
    return core_ring.ring.ring_fd;
}

bool ring_has_news(void)
{
    unsigned flags = IO_URING_READ_ONCE(*core_ring.ring.sq.kflags);
    return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) ||
           io_uring_cq_ready(&core_ring.ring) > 0;
}

static void hand_out(void)
{
    struct io_uring_cqe *completion;
    /* One by one: `complete` may come back here through a full queue. */
    while (io_uring_peek_cqe(&core_ring.ring, &completion) == 0) {
        struct ring_request *request = (struct ring_request *)(uintptr_t)completion->user_data;
        int result = completion->res;
        unsigned flags = completion->flags;
        io_uring_cqe_seen(&core_ring.ring, completion);
        core_ring.counts.completions++;
        if (request)
            request->complete(request, result, flags);
    }
}

static void check_entered(int result)
{
    /* EBUSY, EAGAIN: completions must be taken or memory freed first; what was not submitted stays
     * in the queue for the next time. */
    if (result >= 0 || result == -EINTR || result == -ETIME || result == -EBUSY ||
        result == -EAGAIN)
        return;
    log_event(LOG_ERROR, "core.ring", error_system(result, "io_uring_enter"), SLICE_EMPTY);
}

void ring_turn(void)
{
    unsigned prepared = io_uring_sq_ready(&core_ring.ring);
    unsigned flags = IO_URING_READ_ONCE(*core_ring.ring.sq.kflags);
    if (prepared || (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW))) {
        core_ring.counts.submissions += prepared;
        check_entered(io_uring_submit_and_get_events(&core_ring.ring));
    }
    hand_out();
}

void ring_push(void)
{
    unsigned prepared = io_uring_sq_ready(&core_ring.ring);
    if (prepared == 0)
        return;
    core_ring.counts.submissions += prepared;
    check_entered(io_uring_submit(&core_ring.ring));
}

void ring_sleep(instant until)
{
    struct io_uring_cqe *completion;
    struct __kernel_timespec timeout, *limit = NULL;
    if (until != TIME_NEVER) {
        int64_t left = until - time_now();
        if (left < 0)
            left = 0;
        timeout = (struct __kernel_timespec){left / TIME_S, left % TIME_S};
        limit = &timeout;
    }
    core_ring.counts.submissions += io_uring_sq_ready(&core_ring.ring);
    check_entered(io_uring_submit_and_wait_timeout(&core_ring.ring, &completion, 1, limit, NULL));
    hand_out();
}

struct io_uring_sqe *ring_entry(void)
{
    ASSERT(core_ring.alive); /* only core threads have a ring */
    struct io_uring_sqe *entry;
    while (!(entry = io_uring_get_sqe(&core_ring.ring)))
        ring_turn();
    return entry;
}

void ring_cancel(struct ring_request *request)
{
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_cancel(entry, request, 0);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    ring_entry_for(entry, NULL);
}

void ring_wake_other(int descriptor, struct ring_request *request)
{
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_msg_ring(entry, descriptor, 0, 0, 0);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    ring_entry_for(entry, request);
}

struct ring_counts ring_counts(void)
{
    return core_ring.counts;
}
