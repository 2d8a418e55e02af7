#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The io_uring instance of a core: preparing requests, entering the kernel, handing out
 * completions. Requests are gathered and submitted once per turn; if a turn makes more than the
 * queue holds, the queue is submitted in between. Private to runtime (ring_*.c, core.c,
 * message.c).
 */
#include "base/error.h"
#include "base/time.h"
#include "runtime/core.h"

#include <liburing.h>
#include <stdint.h>

/* What a completion belongs to. Lives until its last completion (no IORING_CQE_F_MORE). Completed
 * in scheduler context, or inside a ring call of any fiber when the queue was full: `complete` must
 * not wait. */
struct ring_request {
    void (*complete)(struct ring_request *request, int result, unsigned flags);
};

error ring_begin(const struct core_options *options);
/* No request of a fiber may be in flight. */
void ring_end(void);
int ring_descriptor(void);

/* An empty entry to be filled by io_uring_prep_*; never fails. */
struct io_uring_sqe *ring_entry(void);
/* Names who gets the completion. NULL: nobody cares. */
static inline void ring_entry_for(struct io_uring_sqe *entry, struct ring_request *request)
{
    entry->user_data = (uint64_t)(uintptr_t)request;
}
/* Asks the kernel to give the request up; its completion still comes. */
void ring_cancel(struct ring_request *request);
/* A wake-up for another core's ring; on failure `request` is completed here. */
void ring_wake_other(int descriptor, struct ring_request *request);

/* Submits what was prepared and hands out what is complete; enters the kernel only if there is
 * reason to. */
void ring_turn(void);
/* The same, sleeping until a completion comes or `until`. */
void ring_sleep(instant until);
/* Something is complete, or the kernel has work that only this thread can finish: no system call.
 */
bool ring_has_news(void);

struct ring_counts {
    uint64_t submissions, completions;
};
struct ring_counts ring_counts(void);

/* ring_buffers.c */
error ring_buffers_begin(struct io_uring *ring, unsigned count, unsigned size);
void ring_buffers_end(struct io_uring *ring);
/* All that wait for a buffer look again. */
void ring_buffers_retry(void);
