/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/fiber.h"

#include "base/assert.h"
#include "base/metric.h"
#include "runtime/scheduler.h"

#include <string.h>

METRIC_COUNTER(fibers_started, "ringmail_fibers_started_total", "", "Fibers started");
METRIC_GAUGE(fibers_alive, "ringmail_fibers", "", "Fibers alive");
METRIC_COUNTER(fibers_refused, "ringmail_fibers_refused_total", "",
               "Fibers not started for want of stacks or by the limit");

_Static_assert(sizeof(struct fiber) <= STACK_OWNER_SIZE, "struct fiber outgrew its place");

_Thread_local struct scheduler scheduler;

void scheduler_begin(uint32_t fibers_max, size_t stack_size)
{
    ASSERT(!scheduler.alive);
    memset(&scheduler, 0, sizeof scheduler);
    scheduler.fibers_max = fibers_max ? fibers_max : FIBERS_MAX_DEFAULT;
    scheduler.alive = true;
    context_adopt_thread(&scheduler.loop);
    stacks_begin(stack_size);
}

static void forget(struct stack *stack)
{
    context_forget(&((struct fiber *)stack)->context);
}

void scheduler_end(void)
{
    ASSERT(scheduler.fibers == 0);
    stacks_end(forget);
    scheduler.alive = false;
}

static struct fiber *take_next(void)
{
    struct fiber *next = scheduler.first_ready;
    if (scheduler.budget == 0 || !next)
        return NULL;
    scheduler.budget--;
    scheduler.first_ready = next->next_ready;
    /* With thousands of fibers each lies in memory that was not touched for long. The one after
     * this is known: fetch it while this one runs. */
    if (next->next_ready) {
        __builtin_prefetch(next->next_ready->context.stack_pointer);
        __builtin_prefetch(next->next_ready->next_ready);
    }
    return next;
}

static void append_ready(struct fiber *fiber)
{
    fiber->next_ready = NULL;
    if (scheduler.first_ready)
        scheduler.last_ready->next_ready = fiber;
    else
        scheduler.first_ready = fiber;
    scheduler.last_ready = fiber;
}

void scheduler_run(void)
{
    scheduler.budget = TURN_SWITCHES_MAX;
    struct fiber *next = take_next();
    if (!next)
        return;
    scheduler.current = next;
    scheduler.switches++;
    /* Fibers switch to each other; the last one comes back here. */
    context_switch(&scheduler.loop, &next->context);
}

static struct context *choose_next(void)
{
    struct fiber *next = take_next();
    scheduler.current = next;
    scheduler.switches++;
    return next ? &next->context : &scheduler.loop;
}

static void make_ready(struct fiber *fiber)
{
    fiber->parked = false;
    append_ready(fiber);
}

static void switch_away(struct fiber *self)
{
    struct context *next = choose_next();
    if (next != &self->context)
        context_switch(&self->context, next);
}

static void deadline_fired(struct timer *timer)
{
    struct fiber *fiber = CONTAINER_OF(timer, struct fiber, deadline);
    if (!fiber->parked)
        return; /* it was woken in the same turn, before its time came */
    fiber->timed_out = true;
    make_ready(fiber);
}

static void run_fiber(void *argument)
{
    context_entered();
    struct fiber *fiber = argument;
    fiber->function(fiber->argument);
    timer_cancel(&fiber->deadline);
    crew_leave(fiber->crew, &fiber->member);
    scheduler.fibers--;
    metric_add(&fibers_alive, -1);
    /* Nobody can take the stack before the switch below: only this thread takes from the pool. */
    stack_give(&fiber->stack);
    context_leave(&fiber->context, choose_next());
}

error fiber_start_always(struct crew *crew, const char *name, fiber_function *function,
                         void *argument)
{
    ASSERT(scheduler.alive);
    struct stack *stack = NULL;
    if (scheduler.fibers < scheduler.fibers_max)
        stack = stack_take();
    if (!stack) {
        metric_add(&fibers_refused, 1);
        return error_make(ERROR_LIMIT, "too many fibers");
    }
    struct fiber *fiber = (struct fiber *)stack;
    fiber->crew = crew ? crew : crew_root();
    fiber->home = &scheduler;
    fiber->name = name;
    fiber->function = function;
    fiber->argument = argument;
    fiber->owner = NULL;
    fiber->interruptible = fiber->interrupted = false;
    fiber->steadfast = fiber->wake_pending = fiber->timed_out = false;
    list_init(&fiber->member);
    timer_init(&fiber->deadline, deadline_fired);
    context_make(&fiber->context, stack->low, stack_top(stack), run_fiber, fiber);
    crew_enter(fiber->crew, &fiber->member);
    if (++scheduler.fibers > scheduler.fibers_high)
        scheduler.fibers_high = scheduler.fibers;
    metric_add(&fibers_started, 1);
    metric_add(&fibers_alive, 1);
    make_ready(fiber);
    return OK;
}

error fiber_start(struct crew *crew, const char *name, fiber_function *function, void *argument)
{
    if ((crew ? crew : crew_root())->cancelled)
        return error_make(ERROR_CANCELLED, "the crew is cancelled");
    return fiber_start_always(crew, name, function, argument);
}

struct fiber *fiber_self(void)
{
    return scheduler.current;
}

const char *fiber_name(const struct fiber *fiber)
{
    return fiber->name;
}

static struct fiber *self(void)
{
    struct fiber *fiber = scheduler.current;
    ASSERT(fiber); /* only a fiber may wait: not the scheduler, not a worker */
    return fiber;
}

static error cancelled(void)
{
    return error_make(ERROR_CANCELLED, "cancelled");
}

error fiber_yield(void)
{
    struct fiber *fiber = self();
    append_ready(fiber);
    switch_away(fiber);
    return fiber->crew->cancelled ? cancelled() : OK;
}

static error park(instant deadline, bool steadfast)
{
    struct fiber *fiber = self();
    if (fiber->wake_pending) {
        fiber->wake_pending = false;
        return OK;
    }
    if (!steadfast && fiber->crew->cancelled)
        return cancelled();
    fiber->timed_out = false;
    fiber->steadfast = steadfast;
    fiber->parked = true;
    if (deadline != TIME_NEVER)
        timer_set(&fiber->deadline, deadline);
    switch_away(fiber);
    if (deadline != TIME_NEVER)
        timer_cancel(&fiber->deadline);
    if (fiber->wake_pending) {
        fiber->wake_pending = false;
        return OK;
    }
    return fiber->timed_out ? error_make(ERROR_TIMEOUT, "deadline passed") : cancelled();
}

error fiber_park(instant deadline)
{
    return park(deadline, false);
}

error fiber_park_steadfast(instant deadline)
{
    return park(deadline, true);
}

error fiber_sleep(int64_t duration_ns)
{
    instant until = time_after(duration_ns);
    while (true) {
        error ended = fiber_park(until);
        if (ended.kind == ERROR_TIMEOUT)
            return OK;
        if (failed(ended))
            return ended;
    }
}

void fiber_wake(struct fiber *fiber)
{
    ASSERT(fiber->home == &scheduler); /* other cores post a message */
    fiber->wake_pending = true;
    if (fiber->parked)
        make_ready(fiber);
}

void fiber_cancel_park(struct fiber *fiber)
{
    if (fiber->parked && !fiber->steadfast)
        make_ready(fiber);
}

bool fiber_is_cancelled(void)
{
    return self()->crew->cancelled;
}

void fiber_trim(void)
{
    struct stack *stack = &self()->stack;
    stack_measure(stack); /* what is dropped could not be seen later */
    stack_trim(stack, __builtin_frame_address(0));
}

void fiber_set_context(void *context)
{
    self()->owner = context;
}

void *fiber_context(void)
{
    return scheduler.current ? scheduler.current->owner : NULL;
}
