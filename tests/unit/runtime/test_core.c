/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "runtime/core.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "runtime/ring.h"
#include "runtime/worker.h"

#include <stdatomic.h>
#include <unistd.h>

static void set_to_one(void *argument)
{
    *(int *)argument = 1;
}

static void test_runs_here(void **state)
{
    (void)state;
    int ran = 0;
    assert_ok(core_run_here(NULL, set_to_one, &ran));
    assert_int_equal(ran, 1);
    assert_false(core_is_core());
    ran = 0;
    assert_ok(core_run_here(NULL, set_to_one, &ran));
    assert_int_equal(ran, 1);
}

static _Atomic unsigned mains, calls;

static error called(void *argument)
{
    (void)argument;
    atomic_fetch_add(&calls, 1);
    return fiber_sleep(TIME_MS);
}

static error blocking_job(void *argument)
{
    usleep(1000);
    *(int *)argument += 1;
    return OK;
}

static void busy_main(void *argument)
{
    (void)argument;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    size_t size;
    assert_ok(ring_write(fds[1], SLICE("hello"), -1, &size));
    char text[16];
    assert_ok(ring_read(fds[0], text, sizeof text, -1, &size));
    assert_int_equal(size, 5);
    assert_ok(ring_close(fds[0]));
    assert_ok(ring_close(fds[1]));
    for (unsigned i = 0; i < core_count(); i++)
        assert_ok(core_call(i, called, NULL));
    int count = 0;
    assert_ok(worker_run(WORKER_FILE, blocking_job, &count));
    assert_int_equal(count, 1);
    atomic_fetch_add(&mains, 1);
}

static void test_runs_on_many_cores(void **state)
{
    (void)state;
    mains = calls = 0;
    struct core_options options = {.count = 4, .pin = true};
    assert_ok(cores_start(&options, busy_main, NULL));
    while (atomic_load(&mains) < 4)
        usleep(1000);
    cores_stop();
    cores_join();
    assert_int_equal(calls, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_here),
        cmocka_unit_test(test_runs_on_many_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
