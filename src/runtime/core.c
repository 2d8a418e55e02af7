/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loop of one core. A turn: run ready fibers, then the hooks they set, then messages, then the
 * ring (one io_uring_enter for all that was prepared and all that is complete), then due timers.
 */
#include "runtime/core.h"

#include "base/assert.h"
#include "base/list.h"
#include "base/log.h"
#include "base/metric.h"
#include "runtime/body.h"
#include "runtime/core_state.h"
#include "runtime/scheduler.h"
#include "runtime/timer_wheel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

METRIC_COUNTER(turns_total, "ringmail_core_turns_total", "", "Turns of the core loops");
METRIC_COUNTER(switches_total, "ringmail_core_switches_total", "", "Switches into fibers");
METRIC_COUNTER(submissions_total, "ringmail_core_submissions_total", "", "Ring entries submitted");
METRIC_COUNTER(completions_total, "ringmail_core_completions_total", "", "Ring completions taken");
METRIC_COUNTER(sleeps_total, "ringmail_core_sleeps_total", "", "Times a core went to sleep");
METRIC_COUNTER(busy_total, "ringmail_core_busy_nanoseconds_total", "", "Time cores did not sleep");
METRIC_COUNTER(idle_total, "ringmail_core_idle_nanoseconds_total", "", "Time cores slept");
METRIC_HISTOGRAM(turn_time, "ringmail_core_turn_seconds", "",
                 "How long turns with work took: what a ready fiber waits at most");

enum {
    /* Looking around before sleep goes on while it finds something: each success raises the luck,
     * each failure costs twice as much, and without luck one sleep in so many tries again. Where
     * the peer needs this very CPU, or answers late, it stops by itself. */
    LUCK_MAX = 8,
    LUCK_LOST = 2,
    LUCK_TRIED_EVERY = 64,
    PUBLISH_TURNS = 4096, /* statistics become metrics after so many turns, and at every sleep */
};

enum phase {
    PHASE_RUNNING,
    PHASE_DRAINED, /* stopped, no fiber of the root crew left; others may still call */
    PHASE_ENDING,  /* all cores are drained; the end hooks run */
    PHASE_ENDED,   /* waits for the other cores' end hooks, which may still call */
};

_Thread_local struct core *core_here;

static _Thread_local struct {
    struct core_hook *hooks, **hooks_end;
    struct core_statistics statistics, published;
    struct crew system; /* boot and end hooks: not cancelled by a stop */
    enum phase phase;
    bool over;
    bool begun;    /* all cores have booted */
    bool stopping; /* a stop was asked for */
    bool nudged;   /* something outside changed: take another turn before sleeping */
    unsigned luck; /* in looking around */
    unsigned sleeps_without_look;
    instant loop_began;
    int64_t waited_ns; /* in this turn */
} loop;

unsigned core_count(void)
{
    return machine.count;
}

unsigned core_self(void)
{
    ASSERT(core_here);
    return core_here->number;
}

bool core_is_core(void)
{
    return core_here != NULL;
}

void core_at_turn_end(struct core_hook *hook)
{
    ASSERT(core_here);
    if (hook->pending)
        return;
    hook->pending = true;
    hook->next = NULL;
    *loop.hooks_end = hook;
    loop.hooks_end = &hook->next;
}

static void run_turn_hooks(void)
{
    struct core_hook *hook = loop.hooks;
    loop.hooks = NULL;
    loop.hooks_end = &loop.hooks;
    while (hook) {
        struct core_hook *next = hook->next;
        hook->pending = false;
        hook->function(hook);
        hook = next;
    }
}

struct core_statistics core_statistics(void)
{
    ASSERT(core_here);
    struct core_statistics now = loop.statistics;
    struct ring_counts ring = ring_counts();
    now.submissions = ring.submissions;
    now.completions = ring.completions;
    now.switches = scheduler.switches;
    now.fibers = scheduler.fibers;
    now.fibers_high = scheduler.fibers_high;
    now.stacks_pooled = stacks_pooled();
    now.stack_high_bytes = stacks_high_bytes();
    now.busy_ns = (uint64_t)(time_now() - loop.loop_began) - now.idle_ns;
    return now;
}

static void publish(void)
{
    struct core_statistics now = core_statistics(), *last = &loop.published;
    metric_add(&turns_total, (int64_t)(now.turns - last->turns));
    metric_add(&switches_total, (int64_t)(now.switches - last->switches));
    metric_add(&submissions_total, (int64_t)(now.submissions - last->submissions));
    metric_add(&completions_total, (int64_t)(now.completions - last->completions));
    metric_add(&sleeps_total, (int64_t)(now.sleeps - last->sleeps));
    metric_add(&busy_total, (int64_t)(now.busy_ns - last->busy_ns));
    metric_add(&idle_total, (int64_t)(now.idle_ns - last->idle_ns));
    *last = now;
}

/* --- waking from outside --- */

static void watch_event(void)
{
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_poll_multishot(entry, core_here->event, POLLIN);
    ring_entry_for(entry, &core_here->event_seen);
}

/* The counter of the event descriptor is never read: each write wakes the poll anew. */
static void event_seen(struct ring_request *request, int result, unsigned flags)
{
    (void)request;
    loop.statistics.wakeups++;
    loop.nudged = true;
    if (!(flags & IORING_CQE_F_MORE) && result != -ECANCELED)
        watch_event();
}

static void wake_failed(struct ring_request *request, int result, unsigned flags)
{
    (void)result;
    (void)flags;
    core_nudge(CONTAINER_OF(request, struct core, wake_failed));
}

/* --- idling --- */

/* For a short while look, without a system call, whether something comes: a sleep and a wake-up
 * cost more than that. */
static bool look_around(instant until)
{
    instant began = time_now(), now = began;
    instant end = began + machine.options.spin_ns;
    if (end > until)
        end = until;
    bool found = false;
    while (!found && now < end) {
        for (unsigned i = 0; i < 16 && !found; i++) {
            found = messages_waiting(core_here) || ring_has_news();
#if defined(__x86_64__)
            __builtin_ia32_pause();
#elif defined(__aarch64__)
            __asm__ volatile("isb");
#endif
        }
        now = time_now();
    }
    loop.waited_ns += now - began;
    return found;
}

static void sleep_until(instant until)
{
    atomic_store_explicit(&core_here->asleep, true, memory_order_seq_cst);
    if (!messages_waiting(core_here)) {
        loop.statistics.sleeps++;
        ring_sleep(until);
    }
    atomic_store_explicit(&core_here->asleep, false, memory_order_relaxed);
}

static bool has_work(void)
{
    return scheduler_is_ready() || loop.hooks || loop.nudged || messages_waiting(core_here);
}

/* Whether something came while looking around. */
static bool finds_something(void)
{
    if (machine.options.spin_ns == 0)
        return false;
    if (loop.luck == 0 && ++loop.sleeps_without_look < LUCK_TRIED_EVERY)
        return false;
    loop.sleeps_without_look = 0;
    ring_turn();
    if (has_work())
        return true;
    bool found = look_around(timers_next());
    if (found)
        loop.luck += loop.luck < LUCK_MAX;
    else
        loop.luck -= loop.luck < LUCK_LOST ? loop.luck : LUCK_LOST;
    return found;
}

static void idle(void)
{
    if (finds_something())
        return;
    publish();
    instant began = time_now();
    sleep_until(timers_next());
    int64_t slept = time_now() - began;
    loop.waited_ns += slept;
    loop.statistics.idle_ns += (uint64_t)slept;
}

/* --- life --- */

static void main_fiber(void *argument)
{
    (void)argument;
    machine.main(machine.argument);
}

static void boot_fiber(void *argument)
{
    (void)argument;
    core_booted(hooks_start());
}

static void stop_here(void)
{
    loop.stopping = true;
    crew_cancel(crew_root());
}

/* Runs on every core once all have booted. */
static void begin(struct message *message)
{
    (void)message;
    loop.begun = true;
    if (failed(machine.problem)) {
        stop_here();
    } else {
        error problem = fiber_start(NULL, "main", main_fiber, NULL);
        ASSERT(!failed(problem) || problem.kind == ERROR_CANCELLED);
    }
    pthread_mutex_lock(&machine.lock);
    machine.begun++;
    pthread_cond_broadcast(&machine.changed);
    pthread_mutex_unlock(&machine.lock);
}

static void stop(struct message *message)
{
    (void)message;
    stop_here();
}

static void end_fiber(void *argument)
{
    (void)argument;
    hooks_end();
}

static void nudge_others(void)
{
    for (unsigned i = 0; i < machine.count; i++)
        if (&machine.cores[i] != core_here)
            core_nudge(&machine.cores[i]);
}

/* Steps towards the end, each taken together with all other cores: a core serves calls as long as
 * another one may make them. */
static bool is_over(void)
{
    bool empty = crew_root()->count_below == 0;
    if (loop.phase == PHASE_RUNNING && loop.begun && loop.stopping && empty) {
        loop.phase = PHASE_DRAINED;
        if (atomic_fetch_add(&machine.drained, 1) + 1 == machine.count)
            nudge_others();
    }
    if (loop.phase == PHASE_DRAINED && empty && atomic_load(&machine.drained) == machine.count) {
        loop.phase = PHASE_ENDING;
        error problem = fiber_start(&loop.system, "end", end_fiber, NULL);
        ASSERT(!failed(problem)); /* a stack is free: all fibers have ended */
    }
    if (loop.phase == PHASE_ENDING && loop.system.count_below == 0) {
        loop.phase = PHASE_ENDED;
        if (atomic_fetch_add(&machine.ended, 1) + 1 == machine.count)
            nudge_others();
    }
    return loop.phase == PHASE_ENDED && empty && atomic_load(&machine.ended) == machine.count &&
           !loop.hooks && !messages_waiting(core_here);
}

error core_thread_begin(struct core *core)
{
    core->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (core->event < 0)
        return error_system(errno, "eventfd");
    core->ring = -1;
    TRY(ring_begin(&machine.options));
    memset(&loop, 0, sizeof loop);
    loop.loop_began = time_now();
    loop.luck = LUCK_MAX;
    loop.hooks_end = &loop.hooks;
    core->ring = ring_descriptor();
    core->wake_failed.complete = wake_failed;
    core->event_seen.complete = event_seen;
    core->begin.run = begin;
    core->stop.run = stop;
    core_here = core;
    timers_begin();
    scheduler_begin(machine.options.fibers_max, machine.options.stack_size);
    crew_init_apart(crew_root());
    crew_init_apart(&loop.system);
    calls_begin();
    workers_begin(machine.options.workers);
    return OK;
}

static void run_turn(void)
{
    instant began = timer_now();
    uint64_t switches = scheduler.switches;
    loop.statistics.turns++;
    loop.waited_ns = 0;
    loop.nudged = false;
    scheduler_run();
    run_turn_hooks();
    messages_run();
    log_flush();
    loop.over = is_over();
    if (has_work() || loop.over)
        ring_turn();
    else
        idle();
    instant now = time_now();
    if (scheduler.switches != switches)
        metric_observe(&turn_time, (uint64_t)(now - began - loop.waited_ns));
    timers_run(now);
    if (loop.statistics.turns % PUBLISH_TURNS == 0)
        publish();
}

void core_thread_end(void)
{
    workers_end();
    ring_end();
    scheduler_end();
    body_pool_drain();
    log_flush();
    core_here = NULL;
}

void core_thread_run(void)
{
    watch_event();
    error problem = fiber_start(&loop.system, "boot", boot_fiber, NULL);
    ASSERT(!failed(problem));
    while (!loop.over)
        run_turn();
    publish();
    core_thread_end();
}
