/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a switch from one fiber to the next costs, and the bare context switch in it.
 */
#include "micro/measure.h"

#include "runtime/context.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/wait.h"

#include <errno.h>
#include <limits.h>
#include <sys/mman.h>

enum { ROUNDS = 2 * 1000 * 1000, STACK = 64 * 1024 };

/* --- the assembly alone: there and back is two switches --- */

struct pair {
    void *here, *there;
};

/* Both sides run this, as fibers that wait in the same place do. */
static __attribute__((noinline)) void hop(void **save, void **load, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        context_swap(save, *load);
}

static void bounce(void *argument)
{
    context_entered();
    struct pair *pair = argument;
    hop(&pair->there, &pair->here, UINT_MAX);
}

static double context_once(void *argument)
{
    (void)argument;
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct context context = {0};
    struct pair pair;
    context_make(&context, stack, stack + STACK, bounce, &pair);
    pair.there = context.stack_pointer;
    int64_t began = cpu_now();
    hop(&pair.here, &pair.there, ROUNDS);
    double each = (double)(cpu_now() - began) / ROUNDS / 2;
    munmap(stack, STACK);
    return each;
}

/* --- whole fibers --- */

static unsigned left;

static void yielder(void *argument)
{
    (void)argument;
    while (left > 0) {
        left--;
        error_ignore(fiber_yield());
    }
}

/* *argument: how many fibers take turns, this one not included */
static double yield_once(void *argument)
{
    struct crew crew;
    crew_init(&crew, NULL);
    left = ROUNDS;
    for (unsigned i = 0; i < *(unsigned *)argument; i++)
        error_ignore(fiber_start(&crew, "yielder", yielder, NULL));
    int64_t began = cpu_now();
    error_ignore(crew_join(&crew, TIME_NEVER));
    double each = (double)(cpu_now() - began) / ROUNDS;
    crew_close(&crew);
    return each;
}

static struct semaphore ping, pong;

static void answer_pings(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < ROUNDS / 4; i++) {
        error_ignore(semaphore_take(&ping, TIME_NEVER));
        semaphore_give(&pong);
    }
}

static double semaphores_once(void *argument)
{
    (void)argument;
    semaphore_init(&ping, 0);
    semaphore_init(&pong, 0);
    error_ignore(fiber_start(NULL, "answer", answer_pings, NULL));
    int64_t began = cpu_now();
    for (unsigned i = 0; i < ROUNDS / 4; i++) {
        semaphore_give(&ping);
        error_ignore(semaphore_take(&pong, TIME_NEVER));
    }
    return (double)(cpu_now() - began) / (ROUNDS / 4.0);
}

static void nothing(void *argument)
{
    (void)argument;
}

static double start_once(void *argument)
{
    (void)argument;
    enum { STARTS = 200000, TOGETHER = 50 };
    int64_t began = cpu_now();
    for (unsigned i = 0; i < STARTS; i++) {
        error_ignore(fiber_start(NULL, "nothing", nothing, NULL));
        if (i % TOGETHER == TOGETHER - 1)
            error_ignore(fiber_yield());
    }
    return (double)(cpu_now() - began) / STARTS;
}

static void waits(void *argument)
{
    (void)argument;
    error_ignore(fiber_park(TIME_NEVER));
}

static double resident_bytes(void)
{
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu %lu", &total, &resident) != 2)
        give_up(error_system(errno, "read statm"));
    fclose(file);
    return (double)resident * 4096;
}

/* First of all, while no stack was ever used. */
static void measure_idle(void)
{
    enum { COUNT = 10000 };
    struct crew crew;
    crew_init(&crew, NULL);
    double before = resident_bytes();
    for (unsigned i = 0; i < COUNT; i++)
        error_ignore(fiber_start(&crew, "waits", waits, NULL));
    error_ignore(fiber_sleep(TIME_S / 10));
    report("idle_fiber_memory", (resident_bytes() - before) / COUNT, "bytes");
    crew_close(&crew);
}

static void run(void *argument)
{
    (void)argument;
    measure_idle();
    report_best("fiber_switch_2_fibers", yield_once, &(unsigned){2});
    report_best("fiber_switch_100_fibers", yield_once, &(unsigned){100});
    report_best("fiber_switch_10000_fibers", yield_once, &(unsigned){10000});
    report_best("semaphore_round_trip", semaphores_once, NULL);
    report_best("fiber_start_and_end", start_once, NULL);
}

int main(void)
{
    report_best("context_switch", context_once, NULL);
    run_on_a_core(run);
}
