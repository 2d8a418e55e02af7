/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "base/time.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "runtime/ring.h"
#include "runtime/worker.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void set_to_one(void *argument)
{
    *(int *)argument = 1;
}

static void test_runs_here(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        int ran = 0;
        assert_false(core_is_core());
        assert_ok(core_run_here(NULL, set_to_one, &ran));
        assert_int_equal(ran, 1);
    }
    assert_false(core_is_core());
}

/* --- several cores --- */

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
    assert_true(core_is_core());
    assert_int_equal(core_count(), 4);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_true(sigismember(&mask, SIGTERM)); /* for the thread that started the cores */
    assert_false(sigismember(&mask, SIGSEGV));
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

static void nothing(void *argument)
{
    (void)argument;
}

/* A stop that comes before or just as main runs. */
static void test_stops_at_once(void **state)
{
    (void)state;
    struct core_options options = {.count = 3, .ring_entries = 16, .receive_buffers = 4};
    for (unsigned i = 0; i < 20; i++) {
        assert_ok(cores_start(&options, nothing, NULL));
        cores_stop();
        cores_join();
    }
}

/* --- hooks --- */

static _Thread_local char trace[32];
static _Atomic unsigned started, ended;
static _Atomic int refuse_on = -1;

static error first_start(void)
{
    trace[0] = '\0';
    strcat(trace, "1");
    TRY(fiber_sleep(TIME_MS)); /* hooks may wait */
    atomic_fetch_add(&started, 1);
    return OK;
}

static void first_end(void)
{
    assert_string_equal(trace, "12m|2");
    error_ignore(fiber_sleep(TIME_MS)); /* not cancelled */
    assert_false(fiber_is_cancelled());
    atomic_fetch_add(&ended, 1);
}

static error second_start(void)
{
    strcat(trace, "2");
    if ((int)core_self() == refuse_on)
        return error_make(ERROR_DENIED, "as asked");
    return OK;
}

static void second_end(void)
{
    strcat(trace, "2");
}

static void lingerer(void *argument)
{
    (void)argument;
    assert_error(fiber_sleep(100 * TIME_S), ERROR_CANCELLED);
    strcat(trace, "|");
}

static void traced_main(void *argument)
{
    (void)argument;
    strcat(trace, "m");
    assert_ok(fiber_start(NULL, "lingerer", lingerer, NULL));
    atomic_fetch_add(&mains, 1);
}

static void fragile_end(void)
{
    atomic_fetch_add(&ended, 1);
}

static error fragile_start(void)
{
    atomic_fetch_add(&started, 1);
    return OK;
}

static void test_start_and_end_hooks(void **state)
{
    (void)state;
    core_on_start(first_start, first_end);
    core_on_start(second_start, second_end);
    core_on_start(second_start, second_end); /* once is enough */
    started = ended = mains = 0;
    struct core_options options = {.count = 3, .ring_entries = 16, .receive_buffers = 4};
    assert_ok(cores_start(&options, traced_main, NULL));
    assert_int_equal(started, 3);
    while (atomic_load(&mains) < 3)
        usleep(1000);
    cores_stop();
    cores_join();
    assert_int_equal(ended, 3);
}

static void count_main(void *argument)
{
    (void)argument;
    atomic_fetch_add(&mains, 1);
}

/* In a child, because hooks stay registered. One core refuses: none runs main, all that started
 * end. */
static void refused_in_a_child(void)
{
    core_on_start(fragile_start, fragile_end);
    core_on_start(second_start, NULL);
    started = ended = mains = 0;
    struct core_options options = {.count = 3, .ring_entries = 16, .receive_buffers = 4};
    refuse_on = 1;
    error problem = cores_start(&options, count_main, NULL);
    bool fine = problem.kind == ERROR_DENIED && mains == 0 && started == 3 && ended == 3;
    refuse_on = 0;
    problem = core_run_here(NULL, count_main, NULL);
    _exit(fine && problem.kind == ERROR_DENIED && mains == 0 ? 0 : 1);
}

static void in_a_child(void (*body)(void))
{
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        body();
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_a_start_hook_may_refuse(void **state)
{
    (void)state;
    in_a_child(refused_in_a_child);
}

/* --- the end of the turn --- */

static struct core_hook hooks[3];
static char hook_trace[16];
static struct fiber *woken_by_hook;

static void hook_ran(struct core_hook *hook)
{
    assert_null(fiber_self());
    strcat(hook_trace, hook == &hooks[0] ? "a" : hook == &hooks[1] ? "b" : "c");
    if (hook == &hooks[1])
        core_at_turn_end(&hooks[2]); /* one more turn */
    if (hook == &hooks[2])
        fiber_wake(woken_by_hook);
}

CORE_TEST(test_runs_hooks_at_the_end_of_the_turn)
{
    hook_trace[0] = '\0';
    for (unsigned i = 0; i < 3; i++)
        hooks[i] = (struct core_hook){.function = hook_ran};
    woken_by_hook = fiber_self();
    core_at_turn_end(&hooks[0]);
    core_at_turn_end(&hooks[1]);
    core_at_turn_end(&hooks[0]); /* twice is once */
    assert_string_equal(hook_trace, "");
    assert_ok(fiber_park(time_after(5 * TIME_S)));
    assert_string_equal(hook_trace, "abc");
    assert_false(hooks[0].pending || hooks[1].pending || hooks[2].pending);
}

/* --- idling --- */

static int64_t cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * TIME_S + now.tv_nsec;
}

CORE_TEST(test_idle_costs_nothing)
{
    struct core_statistics before = core_statistics();
    int64_t cpu_before = cpu_now();
    for (unsigned i = 0; i < 20; i++)
        assert_ok(fiber_sleep(10 * TIME_MS));
    struct core_statistics after = core_statistics();
    assert_true(cpu_now() - cpu_before < 20 * TIME_MS);
    assert_true(after.idle_ns - before.idle_ns > 150 * TIME_MS);
    assert_in_range(after.sleeps - before.sleeps, 20, 100);
    assert_in_range(after.switches - before.switches, 20, 100);
    assert_int_equal(after.fibers, 1);
}

/* --- where io_uring is not to be had --- */

static int forbidden_with;

static void without_io_uring(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)forbidden_with),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(3);
    error here = core_run_here(NULL, nothing, NULL);
    struct core_options options = {.count = 2};
    error there = cores_start(&options, nothing, NULL);
    bool fine = here.kind == ERROR_PERMANENT && here.os == forbidden_with &&
                there.kind == ERROR_PERMANENT && strstr(here.text, "io_uring");
    _exit(fine ? 0 : 1);
}

static void test_says_why_it_cannot_run(void **state)
{
    (void)state;
    static const int answers[] = {EPERM, ENOSYS, EINVAL, ENOMEM};
    for (unsigned i = 0; i < 4; i++) {
        forbidden_with = answers[i];
        in_a_child(without_io_uring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_here),
        cmocka_unit_test(test_runs_on_many_cores),
        cmocka_unit_test(test_stops_at_once),
        cmocka_unit_test(test_runs_hooks_at_the_end_of_the_turn),
        cmocka_unit_test(test_idle_costs_nothing),
        cmocka_unit_test(test_says_why_it_cannot_run),
        cmocka_unit_test(test_a_start_hook_may_refuse),
        cmocka_unit_test(test_start_and_end_hooks), /* last: hooks stay registered */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
