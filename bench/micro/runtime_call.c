/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The hop between two pinned cores: one call at a time (looking around before sleep, and sleeping
 * at once), and many together, which travel in batches.
 */
#include "micro/measure.h"

#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/message.h"

enum { ROUNDS = 20000, TOGETHER = 500000 };

static error nothing(void *argument)
{
    (void)argument;
    return OK;
}

static void measure(const char *name, error (*call)(unsigned, error (*)(void *), void *))
{
    instant began = time_now();
    for (unsigned i = 0; i < ROUNDS; i++)
        error_ignore(call(1, nothing, NULL));
    report(name, (double)(time_now() - began) / ROUNDS / 1000, "us");
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

static void measure_together(const char *name, void (*each)(void *))
{
    struct crew crew;
    crew_init(&crew, NULL);
    left = TOGETHER;
    instant began = time_now();
    for (unsigned i = 0; i < 64; i++)
        error_ignore(fiber_start(&crew, "caller", each, NULL));
    error_ignore(crew_join(&crew, TIME_NEVER));
    report(name, (double)(time_now() - began) / TOGETHER, "ns");
    crew_close(&crew);
}

static void run(void *argument)
{
    const char *const *names = argument;
    if (core_self() != 0)
        return;
    measure(names[0], core_visit);
    measure(names[1], core_call);
    measure_together(names[2], visitor);
    measure_together(names[3], caller);
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
