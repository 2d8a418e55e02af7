/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "base/time.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

static pthread_t core_thread_id;

static error on_another_thread(void *argument)
{
    assert_false(core_is_core());
    assert_false(pthread_equal(pthread_self(), core_thread_id));
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_true(sigismember(&mask, SIGTERM));
    *(int *)argument = getpriority(PRIO_PROCESS, (id_t)gettid());
    return error_make(ERROR_EXISTS, "the job's own answer");
}

CORE_TEST(test_runs_on_a_thread)
{
    core_thread_id = pthread_self();
    int file = -1, compute = -1;
    assert_error(worker_run(WORKER_FILE, on_another_thread, &file), ERROR_EXISTS);
    assert_error(worker_run(WORKER_COMPUTE, on_another_thread, &compute), ERROR_EXISTS);
    assert_true(compute > file); /* it gives way */
}

static _Atomic unsigned running, running_high, ran;

static error job(void *argument)
{
    unsigned now = atomic_fetch_add(&running, 1) + 1, high = atomic_load(&running_high);
    while (now > high && !atomic_compare_exchange_weak(&running_high, &high, now))
        ;
    usleep((useconds_t)(uintptr_t)argument);
    atomic_fetch_sub(&running, 1);
    atomic_fetch_add(&ran, 1);
    return OK;
}

static unsigned returned;

static void ask(void *argument)
{
    enum worker_lane lane = (uintptr_t)argument % 2 ? WORKER_FILE : WORKER_COMPUTE;
    assert_ok(worker_run(lane, job, argument));
    returned++;
}

static void many(void *argument)
{
    (void)argument;
    enum { JOBS = 2000 / TEST_SLOWER };
    returned = 0;
    for (uintptr_t i = 0; i < JOBS; i++)
        assert_ok(fiber_start(NULL, "ask", ask, (void *)(i % 50)));
    instant patience = time_after(30 * TIME_S);
    while (returned < JOBS && time_now() < patience)
        assert_ok(fiber_sleep(TIME_MS));
    assert_int_equal(returned, JOBS);
    assert_int_equal(ran, JOBS);
}

static void test_many_jobs_on_few_threads(void **state)
{
    (void)state;
    ran = running_high = 0;
    struct core_options options = {.workers = 3};
    assert_ok(core_run_here(&options, many, NULL));
    assert_in_range(running_high, 2, 6);
}

static _Atomic bool gate_open;

static error wait_at_the_gate(void *argument)
{
    (void)argument;
    while (!atomic_load(&gate_open))
        usleep(1000);
    return OK;
}

static void compute_at_the_gate(void *argument)
{
    assert_ok(worker_run(WORKER_COMPUTE, wait_at_the_gate, argument));
    returned++;
}

/* The core goes on meanwhile, and a full compute lane does not hold up the file lane. */
CORE_TEST(test_lanes_are_apart)
{
    returned = 0;
    gate_open = false;
    for (unsigned i = 0; i < 20; i++)
        assert_ok(fiber_start(NULL, "slow", compute_at_the_gate, NULL));
    assert_ok(fiber_sleep(TIME_MS));
    for (unsigned i = 0; i < 10; i++)
        assert_ok(worker_run(WORKER_FILE, job, NULL));
    assert_int_equal(returned, 0);
    gate_open = true;
    while (returned < 20)
        assert_ok(fiber_sleep(TIME_MS));
}

/* A cancelled fiber's job is still awaited: it works on the fiber's stack. */
CORE_TEST(test_cancellation_waits_for_the_job)
{
    struct crew crew;
    crew_init(&crew, NULL);
    returned = 0;
    ran = 0;
    assert_ok(fiber_start(&crew, "ask", ask, (void *)(uintptr_t)5001));
    assert_ok(fiber_yield());
    crew_close(&crew);
    assert_int_equal(ran, 1);
    assert_int_equal(returned, 1);
}

static void leave_jobs(void *argument)
{
    (void)argument;
    for (uintptr_t i = 0; i < 20; i++)
        assert_ok(fiber_start(NULL, "ask", ask, (void *)(500 + i)));
    assert_ok(fiber_yield());
}

static void test_the_core_ends_after_its_jobs(void **state)
{
    (void)state;
    returned = 0;
    assert_ok(core_run_here(NULL, leave_jobs, NULL));
    assert_int_equal(returned, 20);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* too many fibers for them */
static unsigned refused;

static void ask_at_the_gate(void *argument)
{
    error answer = worker_run(WORKER_FILE, wait_at_the_gate, argument);
    refused += answer.kind == ERROR_BUSY;
    returned++;
}

static void fill_the_queue(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < WORKER_QUEUE_MAX + 3; i++)
        assert_ok(fiber_start(NULL, "gate", ask_at_the_gate, NULL));
    while (returned < 3)
        assert_ok(fiber_yield());
    assert_int_equal(refused, 3);
    atomic_store(&gate_open, true);
    while (returned < WORKER_QUEUE_MAX + 3)
        assert_ok(fiber_sleep(TIME_MS));
    assert_int_equal(refused, 3);
    assert_ok(worker_run(WORKER_FILE, wait_at_the_gate, NULL));
}

static void test_the_queue_has_an_end(void **state)
{
    (void)state;
    returned = refused = 0;
    gate_open = false;
    struct core_options options = {.stack_size = 16 * 1024};
    assert_ok(core_run_here(&options, fill_the_queue, NULL));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_on_a_thread),
        cmocka_unit_test(test_many_jobs_on_few_threads),
        cmocka_unit_test(test_lanes_are_apart),
        cmocka_unit_test(test_cancellation_waits_for_the_job),
        cmocka_unit_test(test_the_core_ends_after_its_jobs),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(test_the_queue_has_an_end),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
