/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "runtime/crew.h"
#include "runtime/fiber.h"

static unsigned alive, cancelled;

static void sleeper(void *argument)
{
    (void)argument;
    alive++;
    if (fiber_sleep(TIME_S * 1000).kind == ERROR_CANCELLED)
        cancelled++;
    assert_true(fiber_is_cancelled());
    alive--;
}

static void short_sleeper(void *argument)
{
    assert_ok(fiber_sleep((int64_t)(uintptr_t)argument));
}

CORE_TEST(test_joins)
{
    struct crew crew;
    crew_init(&crew, NULL);
    assert_ok(crew_join(&crew, TIME_NEVER)); /* nobody there */
    for (uintptr_t i = 1; i <= 5; i++)
        assert_ok(fiber_start(&crew, "short", short_sleeper, (void *)(i * TIME_MS)));
    assert_int_equal(crew.count, 5);
    assert_error(crew_join(&crew, time_after(TIME_MS / 2)), ERROR_TIMEOUT);
    assert_ok(crew_join(&crew, time_after(30 * TIME_S)));
    assert_int_equal(crew.count, 0);
    crew_close(&crew);
}

CORE_TEST(test_cancels_all_below)
{
    alive = cancelled = 0;
    struct crew top, middle, bottom, beside;
    crew_init(&top, NULL);
    crew_init(&middle, &top);
    crew_init(&bottom, &middle);
    crew_init(&beside, NULL);
    struct crew *crews[] = {&top, &middle, &bottom, &beside};
    for (unsigned i = 0; i < 12; i++)
        assert_ok(fiber_start(crews[i % 4], "sleeper", sleeper, NULL));
    assert_ok(fiber_yield());
    assert_int_equal(alive, 12);
    assert_int_equal(top.count, 3);
    crew_cancel(&middle);
    assert_ok(crew_join(&middle, time_after(30 * TIME_S)));
    assert_int_equal(alive, 6);
    assert_int_equal(cancelled, 6);
    /* Joining the one above waits for those below, too. */
    assert_error(crew_join(&top, time_after(2 * TIME_MS)), ERROR_TIMEOUT);
    struct crew late;
    crew_init(&late, &middle);
    assert_true(late.cancelled);
    crew_close(&late);
    crew_close(&bottom);
    crew_close(&middle);
    crew_close(&top);
    assert_int_equal(alive, 3);
    crew_close(&beside);
    assert_int_equal(alive, 0);
    assert_int_equal(cancelled, 12);
}

static void owner(void *argument)
{
    (void)argument;
    struct crew own;
    crew_init(&own, NULL);
    for (unsigned i = 0; i < 3; i++)
        assert_ok(fiber_start(&own, "sleeper", sleeper, NULL));
    assert_error(fiber_sleep(TIME_S * 1000), ERROR_CANCELLED);
    crew_close(&own); /* also from a cancelled fiber */
    assert_int_equal(alive, 0);
    cancelled += 100;
}

CORE_TEST(test_a_cancelled_owner_closes_its_crew)
{
    alive = cancelled = 0;
    struct crew crew;
    crew_init(&crew, NULL);
    assert_ok(fiber_start(&crew, "owner", owner, NULL));
    assert_ok(fiber_yield());
    assert_ok(fiber_yield());
    assert_int_equal(alive, 3);
    crew_close(&crew);
    assert_int_equal(cancelled, 103);
}

static void leave_sleepers(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 100; i++)
        assert_ok(fiber_start(NULL, "sleeper", sleeper, NULL));
    assert_ok(fiber_yield());
    assert_int_equal(alive, 100);
}

/* The end of main cancels what it left behind in the root crew. */
static void test_the_core_cancels_its_root_crew(void **state)
{
    (void)state;
    alive = cancelled = 0;
    assert_ok(core_run_here(NULL, leave_sleepers, NULL));
    assert_int_equal(alive, 0);
    assert_int_equal(cancelled, 100);
}

static void self_canceller(void *argument)
{
    crew_cancel(argument);
    assert_true(fiber_is_cancelled());
    assert_error(fiber_sleep(TIME_S), ERROR_CANCELLED);
    cancelled++;
}

CORE_TEST(test_a_fiber_may_cancel_its_own_crew)
{
    cancelled = 0;
    struct crew crew;
    crew_init(&crew, NULL);
    assert_ok(fiber_start(&crew, "self", self_canceller, &crew));
    assert_ok(crew_join(&crew, TIME_NEVER));
    assert_int_equal(cancelled, 1);
    crew_close(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joins),
        cmocka_unit_test(test_cancels_all_below),
        cmocka_unit_test(test_a_cancelled_owner_closes_its_crew),
        cmocka_unit_test(test_the_core_cancels_its_root_crew),
        cmocka_unit_test(test_a_fiber_may_cancel_its_own_crew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
