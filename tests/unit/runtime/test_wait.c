/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/wait.h"

static struct condition condition;
static struct semaphore semaphore;
static struct mutex mutex;
static unsigned order[16], arrived, inside;

static void waiter(void *argument)
{
    assert_ok(condition_wait(&condition, TIME_NEVER));
    order[arrived++] = (unsigned)(uintptr_t)argument;
}

CORE_TEST(test_condition_wakes_in_order)
{
    condition_init(&condition);
    arrived = 0;
    condition_wake_one(&condition); /* remembered by nobody */
    for (uintptr_t i = 0; i < 4; i++)
        assert_ok(fiber_start(NULL, "waiter", waiter, (void *)i));
    assert_ok(fiber_yield());
    condition_wake_one(&condition);
    assert_ok(fiber_yield());
    assert_int_equal(arrived, 1);
    condition_wake_all(&condition);
    assert_ok(fiber_yield());
    assert_int_equal(arrived, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(order[i], i);
    assert_error(condition_wait(&condition, time_after(TIME_MS)), ERROR_TIMEOUT);
    assert_true(list_is_empty(&condition.waiters));
}

static error taken[8];

static void taker(void *argument)
{
    unsigned i = (unsigned)(uintptr_t)argument;
    taken[i] = semaphore_take(&semaphore, TIME_NEVER);
    if (!failed(taken[i]))
        arrived++;
}

CORE_TEST(test_semaphore_hands_its_permit_over)
{
    semaphore_init(&semaphore, 1);
    arrived = 0;
    assert_true(semaphore_try(&semaphore));
    assert_false(semaphore_try(&semaphore));
    assert_ok(fiber_start(NULL, "taker", taker, (void *)0));
    assert_ok(fiber_yield());
    semaphore_give(&semaphore);
    assert_false(semaphore_try(&semaphore)); /* it belongs to the waiter already */
    assert_ok(fiber_yield());
    assert_int_equal(arrived, 1);
    semaphore_give(&semaphore);
    assert_int_equal(semaphore.available, 1);
    assert_ok(semaphore_take(&semaphore, time_after(0)));
    assert_error(semaphore_take(&semaphore, time_after(TIME_MS)), ERROR_TIMEOUT);
}

/* Permit and cancellation in the same turn: the permit is taken, not lost. */
CORE_TEST(test_no_permit_is_lost_by_cancellation)
{
    struct crew crew;
    for (unsigned cancel_first = 0; cancel_first < 2; cancel_first++) {
        crew_init(&crew, NULL);
        semaphore_init(&semaphore, 0);
        arrived = 0;
        for (uintptr_t i = 0; i < 2; i++)
            assert_ok(fiber_start(&crew, "taker", taker, (void *)i));
        assert_ok(fiber_yield());
        if (cancel_first)
            crew_cancel(&crew);
        semaphore_give(&semaphore);
        crew_cancel(&crew);
        assert_ok(crew_join(&crew, time_after(30 * TIME_S)));
        assert_int_equal(arrived + semaphore.available, 1);
        assert_error(taken[1], ERROR_CANCELLED);
        crew_close(&crew);
    }
}

/* Permit and deadline in the same turn. */
CORE_TEST(test_no_permit_is_lost_by_a_deadline)
{
    for (unsigned i = 0; i < 20; i++) {
        semaphore_init(&semaphore, 0);
        arrived = 0;
        assert_ok(fiber_start(NULL, "taker", taker, (void *)0));
        assert_ok(fiber_sleep(TIME_MS));
        semaphore_give(&semaphore);
        error got = semaphore_take(&semaphore, time_after(TIME_MS));
        assert_int_equal(arrived + (failed(got) ? 0 : 1) + semaphore.available, 1);
    }
}

static void user(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 10; i++) {
        assert_ok(mutex_lock(&mutex, TIME_NEVER));
        assert_int_equal(inside++, 0);
        assert_ok(fiber_yield());
        assert_int_equal(--inside, 0);
        mutex_unlock(&mutex);
    }
    arrived++;
}

CORE_TEST(test_mutex_excludes)
{
    mutex_init(&mutex);
    inside = arrived = 0;
    for (unsigned i = 0; i < 8; i++)
        assert_ok(fiber_start(NULL, "user", user, NULL));
    while (arrived < 8)
        assert_ok(fiber_yield());
    assert_ok(mutex_lock(&mutex, TIME_NEVER));
    assert_error(mutex_lock(&mutex, time_after(TIME_MS)), ERROR_TIMEOUT);
    mutex_unlock(&mutex);
    assert_ok(mutex_lock(&mutex, time_after(TIME_MS)));
}

static void steadfast(void *argument)
{
    (void)argument;
    assert_ok(condition_wait_steadfast(&condition, TIME_NEVER));
    assert_error(condition_wait(&condition, TIME_NEVER), ERROR_CANCELLED);
    assert_error(condition_wait_steadfast(&condition, time_after(TIME_MS)), ERROR_TIMEOUT);
    arrived++;
}

CORE_TEST(test_steadfast_waits_are_not_cancelled)
{
    condition_init(&condition);
    arrived = 0;
    struct crew crew;
    crew_init(&crew, NULL);
    assert_ok(fiber_start(&crew, "steadfast", steadfast, NULL));
    assert_ok(fiber_yield());
    crew_cancel(&crew);
    assert_ok(fiber_sleep(TIME_MS));
    assert_int_equal(arrived, 0);
    condition_wake_all(&condition);
    crew_close(&crew);
    assert_int_equal(arrived, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_condition_wakes_in_order),
        cmocka_unit_test(test_semaphore_hands_its_permit_over),
        cmocka_unit_test(test_no_permit_is_lost_by_cancellation),
        cmocka_unit_test(test_no_permit_is_lost_by_a_deadline),
        cmocka_unit_test(test_mutex_excludes),
        cmocka_unit_test(test_steadfast_waits_are_not_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
