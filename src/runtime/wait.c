/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/wait.h"

#include "base/assert.h"
#include "runtime/fiber.h"

struct waiter {
    struct list node;
    struct fiber *fiber;
    bool woken;
};

void condition_init(struct condition *condition)
{
    list_init(&condition->waiters);
}

/* A waiter that was chosen returns OK even when its deadline or cancellation came in the same turn:
 * what it was chosen for (a permit, the duty to look again) is not lost. */
static error wait_for(struct condition *condition, instant deadline,
                      error (*park)(instant deadline))
{
    struct waiter waiter = {.fiber = fiber_self()};
    list_append(&condition->waiters, &waiter.node);
    while (true) {
        error ended = park(deadline);
        if (waiter.woken)
            return OK;
        if (failed(ended)) {
            list_remove(&waiter.node);
            return ended;
        }
    }
}

error condition_wait(struct condition *condition, instant deadline)
{
    return wait_for(condition, deadline, fiber_park);
}

error condition_wait_steadfast(struct condition *condition, instant deadline)
{
    return wait_for(condition, deadline, fiber_park_steadfast);
}

void condition_wake_one(struct condition *condition)
{
    struct waiter *waiter = LIST_FIRST(&condition->waiters, struct waiter, node);
    if (!waiter)
        return;
    list_remove(&waiter->node);
    waiter->woken = true;
    fiber_wake(waiter->fiber);
}

void condition_wake_all(struct condition *condition)
{
    while (!list_is_empty(&condition->waiters))
        condition_wake_one(condition);
}

void semaphore_init(struct semaphore *semaphore, unsigned available)
{
    condition_init(&semaphore->freed);
    semaphore->available = available;
}

bool semaphore_try(struct semaphore *semaphore)
{
    if (semaphore->available == 0)
        return false;
    semaphore->available--;
    return true;
}

error semaphore_take(struct semaphore *semaphore, instant deadline)
{
    if (semaphore_try(semaphore))
        return OK;
    /* The giver hands its permit to the fiber it wakes, so nobody can snatch it meanwhile. */
    return condition_wait(&semaphore->freed, deadline);
}

void semaphore_give(struct semaphore *semaphore)
{
    if (list_is_empty(&semaphore->freed.waiters))
        semaphore->available++;
    else
        condition_wake_one(&semaphore->freed);
}

void mutex_init(struct mutex *mutex)
{
    semaphore_init(&mutex->permit, 1);
}

error mutex_lock(struct mutex *mutex, instant deadline)
{
    return semaphore_take(&mutex->permit, deadline);
}

void mutex_unlock(struct mutex *mutex)
{
    ASSERT(mutex->permit.available == 0);
    semaphore_give(&mutex->permit);
}
