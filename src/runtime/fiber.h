#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A fiber is a session or a job written as a plain loop that looks blocking. It lives on the core
 * that started it and never leaves; it runs until it waits, so between two WAITS calls nothing else
 * on the core changes. Its stack is pooled, has a guard page, and its high-water mark is a metric.
 * Every fiber belongs to a crew (runtime/crew.h).
 */
#include "base/error.h"
#include "base/time.h"

#include <stddef.h>

struct crew;
struct fiber;

typedef void fiber_function(void *argument);

/* Starts a fiber on this core; it first runs after the caller waits. `name` must be static.
 * ERROR_LIMIT past fibers_max or without stack memory; ERROR_CANCELLED where the crew is cancelled.
 */
error fiber_start(struct crew *crew, const char *name, fiber_function *function, void *argument);

/* The running fiber; NULL in scheduler context (timer and message callbacks). */
struct fiber *fiber_self(void);
const char *fiber_name(const struct fiber *fiber);

/* WAITS. Lets the others run once. ERROR_CANCELLED where the crew was cancelled. */
error fiber_yield(void);
/* WAITS. ERROR_CANCELLED when the crew is cancelled meanwhile. */
error fiber_sleep(int64_t duration_ns);

/* WAITS. Parks until fiber_wake or the deadline: OK, ERROR_TIMEOUT or ERROR_CANCELLED. A wake that
 * came before the park is not lost: the park returns at once. Building block for condition,
 * semaphore and the like. */
error fiber_park(instant deadline);
/* The same, but not ended by cancellation: for waits whose memory the kernel or another core still
 * holds. */
error fiber_park_steadfast(instant deadline);
/* From this core only (fiber or scheduler context). Waking a fiber that is not parked makes its
 * next park return. */
void fiber_wake(struct fiber *fiber);

/* True once the fiber's crew (or an ancestor) was cancelled. */
bool fiber_is_cancelled(void);

/* Gives the stack pages below the present frame back to the kernel; call before a long idle wait.
 * One system call, and the pages fault in again on use, so only after some idle time (a second or
 * more). */
void fiber_trim(void);

/* Fiber-local pointer for the owner of the fiber (the session it runs), for /sessions and for logs.
 */
void fiber_set_context(void *context);
void *fiber_context(void);
