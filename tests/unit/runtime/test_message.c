/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "base/list.h"
#include "base/time.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "runtime/wait.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { CORES = 3 };

/* Runs `body` in the main fiber of core 0, the others stand by; then stops all. */
static void (*body_now)(void);

static void main_of_each(void *argument)
{
    (void)argument;
    if (core_self() != 0)
        return;
    body_now();
    cores_stop();
}

static void on_cores(void (*body)(void), int64_t spin_ns)
{
    struct core_options options = {
        .count = CORES, .pin = true, .ring_entries = 64, .receive_buffers = 8, .spin_ns = spin_ns};
    body_now = body;
    assert_ok(cores_start(&options, main_of_each, NULL));
    cores_join();
}

static error answer_core(void *argument)
{
    *(unsigned *)argument = core_self();
    return OK;
}

static error answer_after_sleep(void *argument)
{
    TRY(fiber_sleep(2 * TIME_MS));
    return answer_core(argument);
}

static error fail_busy(void *argument)
{
    (void)argument;
    return error_make(ERROR_BUSY, "as asked");
}

static void call_and_visit(void)
{
    for (unsigned core = 0; core < core_count(); core++) {
        unsigned got = 99;
        assert_ok(core_call(core, answer_core, &got));
        assert_int_equal(got, core);
        assert_ok(core_visit(core, answer_core, &got));
        assert_int_equal(got, core);
        assert_ok(core_call(core, answer_after_sleep, &got));
        assert_error(core_call(core, fail_busy, NULL), ERROR_BUSY);
        assert_error(core_visit(core, fail_busy, NULL), ERROR_BUSY);
    }
}

static void test_calls_and_visits(void **state)
{
    (void)state;
    on_cores(call_and_visit, 0);
    on_cores(call_and_visit, -1);
}

static void ping_pong(void)
{
    for (unsigned i = 0; i < 4000 / TEST_SLOWER; i++) {
        unsigned got = 99, core = 1 + i % (CORES - 1);
        assert_ok(i % 2 ? core_call(core, answer_core, &got) : core_visit(core, answer_core, &got));
        assert_int_equal(got, core);
    }
}

static void test_ping_pong(void **state)
{
    (void)state;
    on_cores(ping_pong, 0);
    on_cores(ping_pong, -1); /* every hop wakes a sleeper */
}

static _Atomic unsigned ran;

static error count_and_sleep(void *argument)
{
    (void)argument;
    atomic_fetch_add(&ran, 1);
    error_ignore(fiber_sleep(TIME_MS));
    return OK;
}

static void batch(void)
{
    enum { JOBS = 64 };
    struct core_job jobs[JOBS];
    struct core_batch set;
    core_batch_init(&set);
    core_batch_join(&set); /* nothing to wait for */
    ran = 0;
    for (unsigned i = 0; i < JOBS; i++) {
        jobs[i] = (struct core_job){.function = i % 7 ? count_and_sleep : fail_busy};
        core_batch_start(&set, i % CORES, &jobs[i]);
    }
    core_batch_join(&set);
    for (unsigned i = 0; i < JOBS; i++)
        assert_error(jobs[i].result, i % 7 ? ERROR_NONE : ERROR_BUSY);
    assert_int_equal(ran, JOBS - (JOBS + 6) / 7);
}

static void test_batches(void **state)
{
    (void)state;
    on_cores(batch, 0);
}

static _Atomic unsigned visited[CORES];

static error mark(void *argument)
{
    atomic_fetch_add(&visited[core_self()], 1);
    unsigned failing = *(unsigned *)argument;
    return core_self() == failing ? error_make(ERROR_DENIED, "as asked") : OK;
}

static void broadcast(void)
{
    unsigned failing = 99;
    assert_ok(core_broadcast(mark, &failing));
    failing = 2;
    assert_error(core_broadcast(mark, &failing), ERROR_DENIED);
    for (unsigned core = 0; core < CORES; core++)
        assert_int_equal(visited[core], 2);
}

static void test_broadcast(void **state)
{
    (void)state;
    for (unsigned core = 0; core < CORES; core++)
        visited[core] = 0;
    on_cores(broadcast, 0);
}

/* --- storms: every core and a plain thread post to every core; order per sender holds --- */

enum { SENDERS = CORES + 1, STORM = 30000 / TEST_SLOWER };

struct parcel {
    struct message message;
    unsigned sender, number;
};

static struct parcel parcels[SENDERS][STORM];
static unsigned next_number[CORES][SENDERS];
static _Atomic unsigned delivered;

static void parcel_arrived(struct message *message)
{
    struct parcel *parcel = CONTAINER_OF(message, struct parcel, message);
    unsigned *expected = &next_number[core_self()][parcel->sender];
    assert_true(parcel->number >= *expected);
    *expected = parcel->number + 1;
    atomic_fetch_add(&delivered, 1);
}

static void storm_from(unsigned sender)
{
    for (unsigned i = 0; i < STORM; i++) {
        parcels[sender][i] = (struct parcel){{.run = parcel_arrived}, sender, i};
        core_post((i * 7 + i / 100) % CORES, &parcels[sender][i].message);
        if (i % 1000 == 999 && core_is_core())
            error_ignore(fiber_sleep((i / 1000 % 3) * TIME_MS));
        else if (i % 50 == 0 && core_is_core())
            error_ignore(fiber_yield());
        else if (i % 5000 == 0 && !core_is_core())
            usleep(500);
    }
}

static void *storm_thread(void *argument)
{
    (void)argument;
    storm_from(SENDERS - 1);
    return NULL;
}

static void storm_main(void *argument)
{
    (void)argument;
    storm_from(core_self());
}

static void test_storm(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        struct core_options options = {
            .count = CORES, .ring_entries = 16, .receive_buffers = 8, .spin_ns = round ? -1 : 0};
        delivered = 0;
        for (unsigned i = 0; i < CORES; i++)
            for (unsigned j = 0; j < SENDERS; j++)
                next_number[i][j] = 0;
        assert_ok(cores_start(&options, storm_main, NULL));
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, storm_thread, NULL), 0);
        pthread_join(thread, NULL);
        instant patience = time_after(20 * TIME_S);
        while (atomic_load(&delivered) < SENDERS * STORM && time_now() < patience)
            usleep(1000);
        assert_int_equal(delivered, SENDERS * STORM);
        cores_stop();
        cores_join();
    }
}

/* --- calls while the cores stop --- */

static _Atomic unsigned answered, asked;

static error slow_answer(void *argument)
{
    (void)argument;
    /* cancelled by the stop, but it ends and answers */
    error_ignore(fiber_sleep(TIME_S * 100));
    return OK;
}

static void caller(void *argument)
{
    (void)argument;
    for (unsigned i = 0; !fiber_is_cancelled(); i++) {
        atomic_fetch_add(&asked, 1);
        unsigned got;
        assert_ok(core_call(i % CORES, answer_core, &got));
        assert_int_equal(got, i % CORES);
        atomic_fetch_add(&answered, 1);
        error_ignore(fiber_yield());
    }
    /* Even now a call is carried out. */
    unsigned got = 99;
    assert_ok(core_call((core_self() + 1) % CORES, answer_core, &got));
    assert_int_equal(got, (core_self() + 1) % CORES);
}

static void slow_caller(void *argument)
{
    (void)argument;
    assert_ok(core_call((core_self() + 1) % CORES, slow_answer, NULL));
}

static void callers_main(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 10; i++) {
        assert_ok(fiber_start(NULL, "caller", caller, NULL));
        assert_ok(fiber_start(NULL, "slow", slow_caller, NULL));
    }
}

static void test_stops_while_cores_call_each_other(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        answered = asked = 0;
        struct core_options options = {.count = CORES, .ring_entries = 64, .receive_buffers = 8};
        assert_ok(cores_start(&options, callers_main, NULL));
        while (atomic_load(&answered) == 0)
            usleep(1000);
        usleep(3000);
        cores_stop();
        cores_stop(); /* twice is once */
        cores_join();
        assert_int_equal(answered, asked);
    }
}

static void post_to_self(void)
{
    static struct parcel parcel;
    delivered = 0;
    next_number[0][0] = 0;
    parcel = (struct parcel){{.run = parcel_arrived}, 0, 0};
    core_post(0, &parcel.message);
    assert_int_equal(delivered, 0); /* not at once */
    assert_ok(fiber_sleep(TIME_MS));
    assert_int_equal(delivered, 1);
}

static void test_posts_to_itself(void **state)
{
    (void)state;
    on_cores(post_to_self, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_and_visits),
        cmocka_unit_test(test_ping_pong),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_broadcast),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_stops_while_cores_call_each_other),
        cmocka_unit_test(test_posts_to_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
