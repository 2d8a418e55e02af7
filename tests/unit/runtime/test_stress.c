/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Everything at once, at random, for some seconds: cores that start and stop, crews cancelled in
 * the middle of whatever their fibers do, small rings, few buffers. What is checked: each call ends
 * in one of the ways its contract allows, data arrives whole, and nothing is left over at the end.
 * SEED=n repeats a run (as far as threads can be repeated).
 */
#include "runtime/in_core.h"

#include "base/random.h"
#include "base/time.h"
#include "runtime/body.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "runtime/ring.h"
#include "runtime/wait.h"
#include "runtime/worker.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CORES = 3, CREWS = 6, FIBERS_PER_CREW = 8, DURATION_MS = 4000 };

static _Atomic uint64_t actions, cancelled, timeouts;
static _Atomic int64_t alive;
static uint64_t seed;

/* What a wait may answer while crews are cancelled at will. */
static bool may_end_so(error e)
{
    atomic_fetch_add(&actions, 1);
    if (e.kind == ERROR_CANCELLED)
        atomic_fetch_add(&cancelled, 1);
    if (e.kind == ERROR_TIMEOUT)
        atomic_fetch_add(&timeouts, 1);
    return e.kind == ERROR_NONE || e.kind == ERROR_CANCELLED || e.kind == ERROR_TIMEOUT;
}

#define ENDS_WELL(expression) assert_true(may_end_so(expression))

static instant soon(void)
{
    return time_after((int64_t)random_below(3 * TIME_MS));
}

/* --- the actions --- */

static void act_sleep(void)
{
    ENDS_WELL(fiber_sleep((int64_t)random_below(2 * TIME_MS)));
}

static void act_yield(void)
{
    for (uint64_t i = random_below(20); i > 0; i--)
        ENDS_WELL(fiber_yield());
}

struct far_end {
    int fd;
    bool pooled;
    bool done;
    struct condition finished;
};

/* Echoes until the other side is gone or it is cancelled. */
static void echo(void *argument)
{
    struct far_end *far = argument;
    atomic_fetch_add(&alive, 1);
    char text[300];
    size_t size;
    struct ring_buffer buffer = {0};
    while (true) {
        slice got;
        if (far->pooled) {
            if (failed(ring_receive_pooled(far->fd, TIME_NEVER, &buffer)))
                break;
            got = slice_of(buffer.data, buffer.size);
        } else {
            if (failed(ring_receive(far->fd, text, sizeof text, TIME_NEVER, &size)))
                break;
            got = slice_of(text, size);
        }
        struct iovec halves[2] = {
            {(void *)(uintptr_t)got.data, got.size / 2},
            {(void *)(uintptr_t)(got.data + got.size / 2), got.size - got.size / 2}};
        error sent = ring_sendv(far->fd, halves, 2, TIME_NEVER);
        ring_buffer_release(&buffer);
        if (failed(sent))
            break;
    }
    assert_ok(ring_close(far->fd));
    far->done = true;
    condition_wake_all(&far->finished);
    atomic_fetch_sub(&alive, 1);
}

static void act_socket(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return;
    struct far_end far = {.fd = ends[1], .pooled = random_below(2)};
    condition_init(&far.finished);
    if (failed(fiber_start(NULL, "echo", echo, &far))) {
        close(ends[1]);
        far.done = true;
    }
    char sent[256], got[256];
    bool whole = !far.done;
    for (uint64_t rounds = random_below(6); rounds > 0 && whole; rounds--) {
        size_t size = 1 + random_below(sizeof sent), arrived = 0;
        for (size_t i = 0; i < size; i++)
            sent[i] = (char)random_u64();
        whole = !failed(ring_send(ends[0], slice_of(sent, size), TIME_NEVER));
        while (whole && arrived < size) {
            size_t some;
            error e = ring_receive(ends[0], got + arrived, size - arrived, soon(), &some);
            assert_true(e.kind == ERROR_CLOSED || may_end_so(e));
            whole = !failed(e);
            arrived += whole ? some : 0;
        }
        if (whole)
            assert_memory_equal(sent, got, size);
    }
    assert_ok(ring_close(ends[0]));
    while (!far.done)
        error_ignore(condition_wait_steadfast(&far.finished, TIME_NEVER));
}

static void act_poll(void)
{
    int ends[2];
    short events;
    if (pipe2(ends, O_CLOEXEC | (random_below(2) ? O_NONBLOCK : 0)) != 0)
        return;
    ENDS_WELL(ring_poll(ends[0], POLLIN, soon(), &events));
    size_t size;
    char byte;
    assert_int_equal(write(ends[1], "x", 1), 1);
    error e = ring_read(ends[0], &byte, 1, -1, &size);
    ENDS_WELL(e);
    assert_true(failed(e) || (size == 1 && byte == 'x'));
    assert_ok(ring_close(ends[0]));
    assert_ok(ring_close(ends[1]));
}

static _Thread_local struct semaphore permits;
static _Thread_local unsigned inside;

static void act_semaphore(void)
{
    error e = semaphore_take(&permits, random_below(2) ? soon() : TIME_NEVER);
    ENDS_WELL(e);
    if (failed(e))
        return;
    assert_true(++inside <= 2);
    error_ignore(fiber_yield());
    inside--;
    semaphore_give(&permits);
}

static error job(void *argument)
{
    *(unsigned *)argument += 1;
    return OK;
}

static void act_worker(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < 3; i++)
        assert_ok(worker_run(random_below(2) ? WORKER_FILE : WORKER_COMPUTE, job, &count));
    assert_int_equal(count, 3);
    atomic_fetch_add(&actions, 3);
}

struct errand {
    unsigned hops;
    unsigned done;
};

/* Goes from core to core and waits a little here and there. */
static error run_errand(void *argument)
{
    struct errand *errand = argument;
    errand->done++;
    if (random_below(3) == 0)
        error_ignore(fiber_sleep((int64_t)random_below(TIME_MS)));
    if (errand->done < errand->hops)
        return core_call((unsigned)random_below(core_count()), run_errand, errand);
    return OK;
}

static void act_call(void)
{
    struct errand errand = {.hops = 1 + (unsigned)random_below(4)};
    assert_ok(core_call((unsigned)random_below(core_count()), run_errand, &errand));
    assert_int_equal(errand.done, errand.hops);
    struct core_batch batch;
    struct core_job jobs[4];
    unsigned counts[4] = {0};
    core_batch_init(&batch);
    for (unsigned i = 0; i < 4; i++) {
        jobs[i] = (struct core_job){.function = job, .argument = &counts[i]};
        core_batch_start(&batch, (unsigned)random_below(core_count()), &jobs[i]);
    }
    core_batch_join(&batch);
    for (unsigned i = 0; i < 4; i++) {
        assert_ok(jobs[i].result);
        assert_int_equal(counts[i], 1);
    }
    atomic_fetch_add(&actions, 5);
}

static void act_body(void)
{
    struct body body;
    body_init(&body, 1 << 22);
    for (unsigned i = 0; i < 3; i++) {
        size_t more = random_below(400000);
        assert_ok(body_reserve(&body, more));
        memset(body.data + body.size, 'b', more);
        body.size += more;
    }
    error_ignore(fiber_yield());
    body_close(&body);
}

static void act_trim(void)
{
    fiber_trim();
    act_sleep();
}

static void act_crew(void);

static void wander(void *argument)
{
    static void (*const all[])(void) = {act_sleep,  act_yield, act_socket, act_poll, act_semaphore,
                                        act_worker, act_call,  act_body,   act_trim, act_crew};
    uintptr_t steps = (uintptr_t)argument;
    atomic_fetch_add(&alive, 1);
    while (steps-- > 0 && !fiber_is_cancelled())
        all[random_below(sizeof all / sizeof *all)]();
    atomic_fetch_sub(&alive, 1);
}

/* A crew of its own below another's, cancelled or left to itself, always joined. */
static void act_crew(void)
{
    struct crew crew;
    crew_init(&crew, NULL);
    for (uint64_t i = random_below(3); i > 0; i--)
        error_ignore(fiber_start(&crew, "wander", wander, (void *)(uintptr_t)2));
    if (random_below(2))
        act_sleep();
    if (random_below(2))
        ENDS_WELL(crew_join(&crew, soon()));
    crew_close(&crew);
}

/* Fills crews and cancels them at random moments. */
static void ringleader(void *argument)
{
    (void)argument;
    random_seed(seed * CORES + core_self());
    semaphore_init(&permits, 2);
    inside = 0;
    struct crew crews[CREWS];
    for (unsigned i = 0; i < CREWS; i++)
        crew_init(&crews[i], NULL);
    while (!fiber_is_cancelled()) {
        unsigned chosen = (unsigned)random_below(CREWS);
        for (unsigned i = 0; i < FIBERS_PER_CREW; i++)
            error_ignore(fiber_start(&crews[chosen], "wander", wander, (void *)(uintptr_t)10));
        act_sleep();
        chosen = (unsigned)random_below(CREWS);
        if (random_below(3) > 0)
            continue;
        crew_close(&crews[chosen]);
        crew_init(&crews[chosen], NULL);
    }
    for (unsigned i = 0; i < CREWS; i++)
        crew_close(&crews[i]);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void test_everything_at_once(void **state)
{
    (void)state;
    seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : (uint64_t)time_now();
    printf("SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    random_seed(seed);
    instant end = time_after(DURATION_MS * TIME_MS);
    unsigned descriptors = open_descriptors(), rounds = 0;
    for (; time_now() < end; rounds++, seed++) {
        struct core_options options = {
            .count = CORES,
            .pin = random_below(2),
            .ring_entries = 8u << random_below(5),
            .receive_buffers = 2u << random_below(4),
            .receive_buffer_size = 4096,
            .spin_ns = random_below(2) ? -1 : 0,
        };
        assert_ok(cores_start(&options, ringleader, NULL));
        usleep((useconds_t)random_below(400000));
        cores_stop();
        cores_join();
        assert_int_equal(alive, 0);
        assert_int_equal(open_descriptors(), descriptors);
    }
    printf("%u rounds, %llu actions, %llu cancelled, %llu timed out\n", rounds,
           (unsigned long long)actions, (unsigned long long)cancelled,
           (unsigned long long)timeouts);
    assert_true(actions > 100 && cancelled > 0 && timeouts > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_everything_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
