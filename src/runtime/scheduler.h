#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What fiber.c, crew.c, core.c and call.c share: the fiber and the queue of ready fibers of one
 * core. Private to runtime.
 */
#include "base/list.h"
#include "runtime/context.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/stack.h"
#include "runtime/timer.h"

#include <stdint.h>

enum {
    FIBERS_MAX_DEFAULT = 1000000,
    /* Fibers run in one turn at most before messages, timers and the ring have theirs: enough to
     * share one io_uring_enter, few enough that the first one's answer does not wait long. */
    TURN_SWITCHES_MAX = 64,
};

struct scheduler;

struct fiber {
    struct stack stack; /* first: the fiber lies at the top of its own stack */
    struct context context;
    struct fiber *next_ready; /* in the scheduler's queue */
    struct list member;       /* in crew->fibers */
    struct timer deadline;
    struct crew *crew;
    struct scheduler *home;
    const char *name;
    fiber_function *function;
    void *argument;
    void *owner;        /* fiber_set_context */
    bool parked;        /* not in the ready queue, waits for a wake */
    bool steadfast;     /* cancellation does not end the park */
    bool wake_pending;  /* fiber_wake came; the next or present park ends with OK */
    bool timed_out;     /* the present park's deadline fired */
    bool interruptible; /* ring_interrupt may end what it waits for */
    bool interrupted;   /* and did */
};

struct scheduler {
    struct fiber *first_ready, *last_ready; /* last is only valid where there is a first */
    struct fiber *current;                  /* NULL in scheduler context */
    struct context loop;                    /* the core's own flow */
    unsigned budget;                        /* switches left in this turn */
    uint32_t fibers, fibers_high, fibers_max;
    uint64_t switches;
    bool alive; /* between begin and end */
};

extern _Thread_local struct scheduler scheduler;

void scheduler_begin(uint32_t fibers_max, size_t stack_size);
/* No fiber may be left. */
void scheduler_end(void);
/* Runs ready fibers until none is ready or the turn's budget is used up. */
void scheduler_run(void);
static inline bool scheduler_is_ready(void)
{
    return scheduler.first_ready != NULL;
}

/* fiber_start that also works in a cancelled crew: what must be answered is run even then. */
error fiber_start_always(struct crew *crew, const char *name, fiber_function *function,
                         void *argument);

/* Ends the park of a fiber because its crew was cancelled. */
void fiber_cancel_park(struct fiber *fiber);

/* Crews that are not below the root crew: those of the core itself. */
void crew_init_apart(struct crew *crew);
/* A fiber joins, leaves. */
void crew_enter(struct crew *crew, struct list *member);
void crew_leave(struct crew *crew, struct list *member);
