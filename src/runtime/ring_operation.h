#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One request of one fiber, on the fiber's stack. Private to runtime.
 */
#include "runtime/fiber.h"
#include "runtime/ring_core.h"

struct ring_operation {
    struct ring_request request;
    struct fiber *fiber;
    int result;
    unsigned flags;
    bool done;
};

/* WAITS. Gives the prepared entry to the kernel and waits for its completion. At the deadline or
 * when the crew is cancelled the request is cancelled and its completion awaited, because until
 * then the kernel holds the caller's memory. What was finished all the same counts as success. */
error ring_operation_run(struct ring_operation *operation, struct io_uring_sqe *entry,
                         instant deadline, const char *text);
/* Between these two ring_interrupt ends this fiber's ring_operation_run with ERROR_BUSY; what waits
 * otherwise asks ring_is_interrupted. */
void ring_interruptible_begin(void);
bool ring_is_interrupted(void);
void ring_interruptible_end(void);

/* WAITS. The same for requests that end by themselves (files): neither deadline nor cancellation,
 * so that a cancelled fiber can still write what it owes and close what it holds. */
error ring_operation_finish(struct ring_operation *operation, struct io_uring_sqe *entry,
                            const char *text);
