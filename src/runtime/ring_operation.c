/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/ring_operation.h"

#include "base/assert.h"
#include "runtime/ring.h"
#include "runtime/scheduler.h"

#include <errno.h>

static void complete(struct ring_request *request, int result, unsigned flags)
{
    struct ring_operation *operation = (struct ring_operation *)request;
    operation->result = result;
    operation->flags = flags;
    operation->done = true;
    fiber_wake(operation->fiber);
}

static void start(struct ring_operation *operation, struct io_uring_sqe *entry)
{
    *operation = (struct ring_operation){.request.complete = complete, .fiber = fiber_self()};
    ASSERT(operation->fiber);
    ring_entry_for(entry, &operation->request);
}

static void await(struct ring_operation *operation)
{
    while (!operation->done)
        error_ignore(fiber_park_steadfast(TIME_NEVER)); /* `done` decides */
}

error ring_operation_run(struct ring_operation *operation, struct io_uring_sqe *entry,
                         instant deadline, const char *text)
{
    start(operation, entry);
    error ended = OK;
    while (!operation->done && !failed(ended)) {
        ended = fiber_park(deadline);
        if (operation->fiber->interrupted)
            ended = error_make(ERROR_BUSY, "interrupted");
    }
    if (!operation->done) {
        ring_cancel(&operation->request);
        await(operation);
    } else {
        ended = OK;
    }
    if (operation->result >= 0)
        return OK;
    if (failed(ended) && (operation->result == -ECANCELED || operation->result == -EINTR))
        return ended;
    return error_system(operation->result, text);
}

void ring_interruptible_begin(void)
{
    struct fiber *fiber = fiber_self();
    ASSERT(fiber && !fiber->interruptible);
    fiber->interruptible = true;
}

bool ring_is_interrupted(void)
{
    return fiber_self()->interrupted;
}

void ring_interruptible_end(void)
{
    struct fiber *fiber = fiber_self();
    fiber->interruptible = fiber->interrupted = false;
}

void ring_interrupt(struct fiber *fiber)
{
    if (!fiber->interruptible)
        return;
    fiber->interrupted = true;
    fiber_wake(fiber);
    ring_buffers_retry(); /* it may be waiting for a buffer */
}

error ring_operation_finish(struct ring_operation *operation, struct io_uring_sqe *entry,
                            const char *text)
{
    start(operation, entry);
    await(operation);
    return operation->result >= 0 ? OK : error_system(operation->result, text);
}
