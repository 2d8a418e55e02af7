/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The hop between two pinned cores: one call at a time (looking around before sleep, and sleeping
 * at once), and many together, which travel in batches.
 */
#include "micro/measure.h"

#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/message.h"

enum { ROUNDS = 4000, TOGETHER = 100000 };

static error nothing(void *argument)
{
    (void)argument;
    return OK;
}

/* Wall-clock time: two threads and perhaps their sleep are measured. */
static double visits_once(void *argument)
{
    (void)argument;
    instant began = time_now();
    for (unsigned i = 0; i < ROUNDS; i++)
        error_ignore(core_visit(1, nothing, NULL));
    return (double)(time_now() - began) / ROUNDS;
}

static double calls_once(void *argument)
{
    (void)argument;
    instant began = time_now();
    for (unsigned i = 0; i < ROUNDS; i++)
        error_ignore(core_call(1, nothing, NULL));
    return (double)(time_now() - began) / ROUNDS;
}

static unsigned left;

static void visitor(void *argument)
{
    (void)argument;
    while (left > 0) {
        left--;
        error_ignore(core_visit(1, nothing, NULL));
    }
}

static void caller(void *argument)
{
    (void)argument;
    while (left > 0) {
        left--;
        error_ignore(core_call(1, nothing, NULL));
    }
}

static double together_once(void *argument)
{
    fiber_function *each = argument;
    struct crew crew;
    crew_init(&crew, NULL);
    left = TOGETHER;
    instant began = time_now();
    for (unsigned i = 0; i < 64; i++)
        error_ignore(fiber_start(&crew, "caller", each, NULL));
    error_ignore(crew_join(&crew, TIME_NEVER));
    double spent = (double)(time_now() - began) / TOGETHER;
    crew_close(&crew);
    return spent;
}

static void run(void *argument)
{
    const char *const *names = argument;
    if (core_self() != 0)
        return;
    report_best(names[0], visits_once, NULL);
    report_best(names[1], calls_once, NULL);
    report_best(names[2], together_once, visitor);
    report_best(names[3], together_once, caller);
    cores_stop();
}

int main(void)
{
    static const char *const looking[] = {"core_visit_round_trip", "core_call_round_trip",
                                          "core_visit_64_at_once", "core_call_64_at_once"};
    static const char *const sleeping[] = {
        "core_visit_round_trip_sleeping", "core_call_round_trip_sleeping",
        "core_visit_64_at_once_sleeping", "core_call_64_at_once_sleeping"};
    for (unsigned i = 0; i < 2; i++) {
        struct core_options options = {.count = 2, .pin = true, .spin_ns = i ? -1 : 0};
        error problem = cores_start(&options, run, (void *)(uintptr_t)(i ? sleeping : looking));
        if (failed(problem))
            give_up(problem);
        cores_join();
    }
}
