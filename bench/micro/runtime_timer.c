/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Setting, moving, cancelling and firing timers with many others in the wheel.
 */
#include "micro/measure.h"

#include "base/random.h"
#include "runtime/timer.h"
#include "runtime/timer_wheel.h"

enum { TIMERS = 100000, ROUNDS = 2 * 1000 * 1000 };

static struct timer timers[TIMERS];
static unsigned fired_count;

static void fired(struct timer *timer)
{
    (void)timer;
    fired_count++;
}

static int64_t distances[4096];
static instant start;

static double set_and_cancel_once(void *argument)
{
    (void)argument;
    struct timer one;
    timer_init(&one, fired);
    int64_t began = cpu_now();
    for (unsigned i = 0; i < ROUNDS; i++) {
        timer_set(&one, start + distances[i % 4096]);
        timer_cancel(&one);
    }
    return (double)(cpu_now() - began) / ROUNDS;
}

static double move_once(void *argument)
{
    (void)argument;
    int64_t began = cpu_now();
    for (unsigned i = 0; i < ROUNDS; i++)
        timer_set(&timers[(i * 7919u) % TIMERS], start + distances[i % 4096]);
    return (double)(cpu_now() - began) / ROUNDS;
}

int main(void)
{
    timers_begin();
    start = timer_now();
    for (unsigned i = 0; i < 4096; i++)
        distances[i] = (int64_t)random_below(1800) * TIME_S + 1;
    for (unsigned i = 0; i < TIMERS; i++) {
        timer_init(&timers[i], fired);
        timer_set(&timers[i], start + distances[i % 4096]);
    }
    report_best("timer_set_and_cancel", set_and_cancel_once, NULL);
    report_best("timer_move_among_100000", move_once, NULL);
    int64_t began = cpu_now();
    for (int64_t tick = 0; tick <= 1801 * 1000; tick++)
        timers_run(start + tick * TIME_MS);
    report("timer_fire_all_ticks_included", (double)(cpu_now() - began) / fired_count, "ns");
    return fired_count == TIMERS ? 0 : 1;
}
