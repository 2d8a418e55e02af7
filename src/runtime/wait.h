#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What fibers of one core wait for from each other. No locks: one core only. First come, first
 * served.
 */
#include "base/error.h"
#include "base/list.h"
#include "base/time.h"

/* Something changed: waiters look again. */
struct condition {
    struct list waiters;
};
void condition_init(struct condition *condition);
/* WAITS until woken: OK, ERROR_TIMEOUT or ERROR_CANCELLED. A wake before the wait is not
 * remembered. */
error condition_wait(struct condition *condition, instant deadline);
/* The same, not ended by cancellation. */
error condition_wait_steadfast(struct condition *condition, instant deadline);
void condition_wake_one(struct condition *condition);
void condition_wake_all(struct condition *condition);

/* A counted permit. */
struct semaphore {
    struct condition freed;
    unsigned available;
};
void semaphore_init(struct semaphore *semaphore, unsigned available);
/* WAITS until a permit is free: OK, ERROR_TIMEOUT or ERROR_CANCELLED. */
error semaphore_take(struct semaphore *semaphore, instant deadline);
bool semaphore_try(struct semaphore *semaphore);
void semaphore_give(struct semaphore *semaphore);

/* A semaphore of one, for a resource that must be used across waits. */
struct mutex {
    struct semaphore permit;
};
void mutex_init(struct mutex *mutex);
error mutex_lock(struct mutex *mutex, instant deadline); /* WAITS */
void mutex_unlock(struct mutex *mutex);
