/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "base/random.h"
#include "runtime/fiber.h"
#include "runtime/timer.h"
#include "runtime/timer_wheel.h"

#include <stdlib.h>

struct probe {
    struct timer timer;
    instant wanted;
    instant fired; /* 0: not */
};

static unsigned fired_count;

static void fired(struct timer *timer)
{
    struct probe *probe = CONTAINER_OF(timer, struct probe, timer);
    probe->fired = timer_now();
    fired_count++;
}

/* The wheel alone, driven by a clock of our own. */
static void test_fires_each_at_its_moment(void **state)
{
    (void)state;
    enum { COUNT = 20000 / TEST_SLOWER };
    struct probe *probes = calloc(COUNT, sizeof *probes);
    random_seed(7);
    timers_begin();
    instant start = timer_now();
    for (unsigned i = 0; i < COUNT; i++) {
        /* every magnitude from microseconds to a year */
        int64_t distance = (int64_t)random_below(1ULL << (10 + random_below(45)));
        timer_init(&probes[i].timer, fired);
        probes[i].wanted = start + distance;
        timer_set(&probes[i].timer, probes[i].wanted);
        assert_true(timer_is_set(&probes[i].timer));
    }
    for (unsigned i = 0; i < COUNT; i += 3)
        timer_cancel(&probes[i].timer);
    fired_count = 0;
    instant now = start;
    while (true) {
        instant next = timers_next();
        if (next == TIME_NEVER)
            break;
        assert_true(next > now);
        /* now and then late, as a busy core is */
        now = next + (int64_t)(random_below(4) ? 0 : random_below(1ULL << random_below(42)));
        timers_run(now);
    }
    unsigned expected = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % 3 == 0) {
            assert_int_equal(probes[i].fired, 0);
            continue;
        }
        expected++;
        assert_true(probes[i].fired >= probes[i].wanted);
        assert_false(timer_is_set(&probes[i].timer));
    }
    assert_int_equal(fired_count, expected);
    free(probes);
}

/* Stepping by single ticks, each fires in the very tick. */
static void test_is_exact_to_the_tick(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct probe *probes = calloc(COUNT, sizeof *probes);
    timers_begin();
    instant start = timer_now() / TIME_MS * TIME_MS + TIME_MS;
    for (unsigned i = 0; i < COUNT; i++) {
        timer_init(&probes[i].timer, fired);
        probes[i].wanted = start + (int64_t)random_below(70000) * TIME_MS / 10;
        timer_set(&probes[i].timer, probes[i].wanted);
    }
    for (int64_t tick = 0; tick <= 7001; tick++)
        timers_run(start + tick * TIME_MS);
    for (unsigned i = 0; i < COUNT; i++)
        assert_in_range(probes[i].fired - probes[i].wanted, 0, TIME_MS - 1);
    free(probes);
}

static void test_moves_and_cancels(void **state)
{
    (void)state;
    timers_begin();
    instant start = timer_now();
    struct probe probe = {0};
    fired_count = 0;
    timer_init(&probe.timer, fired);
    timer_cancel(&probe.timer); /* harmless */
    timer_set(&probe.timer, start + 5 * TIME_MS);
    timer_set(&probe.timer, start + 500 * TIME_MS);
    timers_run(start + 100 * TIME_MS);
    assert_int_equal(fired_count, 0);
    timer_set(&probe.timer, start + 120 * TIME_MS);
    timers_run(start + 121 * TIME_MS);
    assert_int_equal(fired_count, 1);
    timer_set(&probe.timer, start); /* long past: next tick */
    assert_int_equal(fired_count, 1);
    timers_run(start + 123 * TIME_MS);
    assert_int_equal(fired_count, 2);
    timer_set(&probe.timer, start + 200 * TIME_MS);
    timer_set(&probe.timer, TIME_NEVER);
    assert_false(timer_is_set(&probe.timer));
    timer_set(&probe.timer, TIME_NEVER - 1); /* as far away as can be */
    assert_true(timer_is_set(&probe.timer));
    timers_run(start + 1000000 * TIME_S);
    assert_int_equal(fired_count, 2);
    timer_cancel(&probe.timer);
    assert_int_equal(timers_next(), TIME_NEVER);
}

static struct probe pair[2];

static void cancels_the_other(struct timer *timer)
{
    fired_count++;
    timer_cancel(timer == &pair[0].timer ? &pair[1].timer : &pair[0].timer);
}

static void sets_itself(struct timer *timer)
{
    if (++fired_count < 5)
        timer_set(timer, timer_now() + TIME_MS);
}

static void test_callbacks_may_set_and_cancel(void **state)
{
    (void)state;
    timers_begin();
    instant start = timer_now();
    fired_count = 0;
    for (unsigned i = 0; i < 2; i++) {
        timer_init(&pair[i].timer, cancels_the_other);
        timer_set(&pair[i].timer, start + 10 * TIME_MS);
    }
    timers_run(start + 20 * TIME_MS);
    assert_int_equal(fired_count, 1);
    fired_count = 0;
    timer_init(&pair[0].timer, sets_itself);
    timer_set(&pair[0].timer, start + 30 * TIME_MS);
    for (int64_t tick = 20; tick < 100; tick++)
        timers_run(start + tick * TIME_MS);
    assert_int_equal(fired_count, 5);
}

CORE_TEST(test_fires_in_a_core)
{
    struct probe probe = {0};
    fired_count = 0;
    timer_init(&probe.timer, fired);
    instant began = time_now();
    timer_set(&probe.timer, began + 30 * TIME_MS);
    assert_ok(fiber_sleep(TIME_MS));
    if (time_now() < began + 30 * TIME_MS)
        assert_int_equal(fired_count, 0);
    assert_ok(fiber_sleep(40 * TIME_MS));
    assert_int_equal(fired_count, 1);
    assert_true(probe.fired >= began + 30 * TIME_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fires_each_at_its_moment),
        cmocka_unit_test(test_is_exact_to_the_tick),
        cmocka_unit_test(test_moves_and_cancels),
        cmocka_unit_test(test_callbacks_may_set_and_cancel),
        cmocka_unit_test(test_fires_in_a_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
