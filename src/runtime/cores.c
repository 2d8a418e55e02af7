/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Starting, stopping and joining the cores of the process.
 */
#include "base/assert.h"
#include "base/metric.h"
#include "runtime/core_state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SPIN_NS_DEFAULT = 20 * 1000,
    WORKERS_DEFAULT = 2,
    START_HOOKS_MAX = 64,
    /* core_run_here: small, since tests make and end hundreds of them */
    HERE_ENTRIES = 256,
    HERE_RECEIVE_BUFFERS = 32,
};

struct machine machine = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static struct {
    error (*start)(void);
    void (*end)(void);
} start_hooks[START_HOOKS_MAX];
static unsigned start_hook_count;
static _Thread_local unsigned start_hooks_done;

void core_on_start(error (*start)(void), void (*end)(void))
{
    for (unsigned i = 0; i < start_hook_count; i++)
        if (start_hooks[i].start == start && start_hooks[i].end == end)
            return;
    ASSERT(start_hook_count < START_HOOKS_MAX && !machine.cores);
    start_hooks[start_hook_count].start = start;
    start_hooks[start_hook_count].end = end;
    start_hook_count++;
}

error hooks_start(void)
{
    for (start_hooks_done = 0; start_hooks_done < start_hook_count; start_hooks_done++)
        if (start_hooks[start_hooks_done].start)
            TRY(start_hooks[start_hooks_done].start());
    return OK;
}

void hooks_end(void)
{
    while (start_hooks_done > 0)
        if (start_hooks[--start_hooks_done].end)
            start_hooks[start_hooks_done].end();
}

static void note(error problem)
{
    pthread_mutex_lock(&machine.lock);
    if (failed(problem) && !failed(machine.problem))
        machine.problem = problem;
    pthread_mutex_unlock(&machine.lock);
}

void core_booted(error problem)
{
    note(problem);
    if (atomic_fetch_add(&machine.booted, 1) + 1 < machine.count)
        return;
    for (unsigned i = 0; i < machine.count; i++)
        core_post(i, &machine.cores[i].begin);
}

static error machine_make(const struct core_options *options, void (*main)(void *argument),
                          void *argument)
{
    ASSERT(!machine.cores); /* one set of cores at a time */
    machine.options = options ? *options : (struct core_options){.pin = true};
    if (sched_getaffinity(0, sizeof machine.allowed, &machine.allowed) != 0)
        return error_system(errno, "sched_getaffinity");
    struct core_options *o = &machine.options;
    if (o->count == 0)
        o->count = (unsigned)CPU_COUNT(&machine.allowed);
    if (o->count > CORE_COUNT_MAX)
        o->count = CORE_COUNT_MAX;
    if (o->workers == 0)
        o->workers = WORKERS_DEFAULT;
    if (o->spin_ns == 0)
        o->spin_ns = SPIN_NS_DEFAULT;
    else if (o->spin_ns < 0)
        o->spin_ns = 0;
    machine.cores = aligned_alloc(_Alignof(struct core), o->count * sizeof(struct core));
    TRY_MEMORY(machine.cores);
    memset(machine.cores, 0, o->count * sizeof(struct core));
    machine.count = o->count;
    machine.main = main;
    machine.argument = argument;
    machine.problem = OK;
    machine.ready = machine.begun = 0;
    machine.unable = false;
    machine.booted = machine.drained = machine.ended = 0;
    for (unsigned i = 0; i < machine.count; i++) {
        machine.cores[i].number = i;
        machine.cores[i].event = -1;
    }
    return OK;
}

static void machine_free(void)
{
    for (unsigned i = 0; i < machine.count; i++)
        if (machine.cores[i].event >= 0)
            close(machine.cores[i].event);
    free(machine.cores);
    machine.cores = NULL;
    machine.count = 0;
}

/* The n-th CPU that this process may use. */
static int cpu_at(unsigned n)
{
    n %= (unsigned)CPU_COUNT(&machine.allowed);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &machine.allowed) && n-- == 0)
            return cpu;
    return 0;
}

static void settle(const struct core *core)
{
    static char names[CORE_COUNT_MAX][16];
    char *name = names[core->number];
    snprintf(name, sizeof names[0], "core%u", core->number);
    metric_name_thread(name);
    pthread_setname_np(pthread_self(), name);
    if (!machine.options.pin)
        return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu_at(core->number), &one);
    /* A core that may not be pinned works all the same. */
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

static void *core_thread(void *argument)
{
    struct core *core = argument;
    settle(core);
    error problem = core_thread_begin(core);
    note(problem);
    pthread_mutex_lock(&machine.lock);
    machine.ready++;
    machine.unable = machine.unable || failed(problem);
    pthread_cond_broadcast(&machine.changed);
    while (machine.ready < machine.count)
        pthread_cond_wait(&machine.changed, &machine.lock);
    bool all_well = !machine.unable; /* not `problem`: a faster core's start hook may have set it */
    pthread_mutex_unlock(&machine.lock);
    if (all_well)
        core_thread_run();
    else if (!failed(problem))
        core_thread_end();
    return NULL;
}

void signals_block(sigset_t *out_before)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigset_t mask;
    sigfillset(&mask);
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&mask, faults[i]);
    pthread_sigmask(SIG_SETMASK, &mask, out_before);
}

/* Signals are for the thread that called cores_start. */
static unsigned start_threads(void)
{
    sigset_t before;
    signals_block(&before);
    unsigned started = 0;
    int result = 0;
    for (; started < machine.count && result == 0; started++) {
        struct core *core = &machine.cores[started];
        result = pthread_create(&core->thread, NULL, core_thread, core);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result == 0)
        return started;
    note(error_system(result, "start a core's thread"));
    pthread_mutex_lock(&machine.lock);
    machine.ready += machine.count - (started - 1); /* those that will never be */
    machine.unable = true;
    pthread_cond_broadcast(&machine.changed);
    pthread_mutex_unlock(&machine.lock);
    return started - 1;
}

error cores_start(const struct core_options *options, void (*main)(void *argument), void *argument)
{
    TRY(machine_make(options, main, argument));
    unsigned started = start_threads();
    pthread_mutex_lock(&machine.lock);
    while (machine.ready < machine.count ||
           (!failed(machine.problem) && machine.begun < machine.count))
        pthread_cond_wait(&machine.changed, &machine.lock);
    error problem = machine.problem;
    pthread_mutex_unlock(&machine.lock);
    if (!failed(problem))
        return OK;
    /* Whether they never ran or are stopping by themselves: they end. */
    for (unsigned i = 0; i < started; i++)
        pthread_join(machine.cores[i].thread, NULL);
    machine_free();
    return problem;
}

void cores_stop(void)
{
    for (unsigned i = 0; i < machine.count; i++)
        if (!atomic_exchange(&machine.cores[i].stop_asked, true))
            core_post(i, &machine.cores[i].stop);
}

void cores_join(void)
{
    for (unsigned i = 0; i < machine.count; i++)
        pthread_join(machine.cores[i].thread, NULL);
    machine_free();
}

struct main_here {
    void (*main)(void *argument);
    void *argument;
};

static void run_main_here(void *argument)
{
    struct main_here *here = argument;
    here->main(here->argument);
    cores_stop();
}

error core_run_here(const struct core_options *options, void (*main)(void *argument),
                    void *argument)
{
    struct core_options small = options ? *options : (struct core_options){0};
    small.count = 1;
    if (small.ring_entries == 0)
        small.ring_entries = HERE_ENTRIES;
    if (small.receive_buffers == 0)
        small.receive_buffers = HERE_RECEIVE_BUFFERS;
    struct main_here here = {main, argument};
    TRY(machine_make(&small, run_main_here, &here));
    error problem = core_thread_begin(&machine.cores[0]);
    if (!failed(problem)) {
        core_thread_run();
        problem = machine.problem;
    }
    machine_free();
    return problem;
}
