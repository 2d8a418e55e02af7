#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the micro-benchmarks share: one `name value unit` line for each figure.
 */
#include "base/log.h"
#include "base/time.h"
#include "runtime/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void report(const char *name, double value, const char *unit)
{
    printf("%s %.1f %s\n", name, value, unit);
    fflush(stdout);
}

/* The calling thread's CPU time in nanoseconds: what is measured on one thread alone is measured by
 * this, so that other programs on the machine disturb it little. */
static inline int64_t cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * TIME_S + now.tv_nsec;
}

/* The best of several runs of `once`, which gives nanoseconds per step. */
enum { REPEATS = 5 };
static inline void report_best(const char *name, double (*once)(void *argument), void *argument)
{
    double best = once(argument);
    for (unsigned i = 1; i < REPEATS; i++) {
        double again = once(argument);
        best = again < best ? again : best;
    }
    report(name, best, "ns");
}

static inline void give_up(error problem)
{
    log_event(LOG_ERROR, "bench", problem, SLICE_EMPTY);
    exit(1);
}

/* `body` in the main fiber of one core on this thread. */
static inline void run_on_a_core(void (*body)(void *argument))
{
    error problem = core_run_here(NULL, body, NULL);
    if (failed(problem))
        give_up(problem);
}
