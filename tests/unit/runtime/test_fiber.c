/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "runtime/crew.h"
#include "runtime/fiber.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char trace[64];

static void append(const char *letter)
{
    strcat(trace, letter);
}

static void twice(void *argument)
{
    append(argument);
    error_ignore(fiber_yield());
    append(argument);
}

CORE_TEST(test_takes_turns)
{
    trace[0] = '\0';
    assert_string_equal(fiber_name(fiber_self()), "main");
    assert_ok(fiber_start(NULL, "a", twice, "a"));
    assert_ok(fiber_start(NULL, "b", twice, "b"));
    assert_string_equal(trace, ""); /* started, not yet run */
    assert_ok(fiber_yield());
    assert_string_equal(trace, "ab");
    assert_ok(fiber_yield());
    assert_string_equal(trace, "abab");
}

CORE_TEST(test_sleeps_at_least_as_long)
{
    for (int64_t wanted = 0; wanted < 12 * TIME_MS; wanted += 1700 * TIME_US) {
        instant began = time_now();
        assert_ok(fiber_sleep(wanted));
        assert_true(time_now() - began >= wanted);
    }
}

static void wake_argument(void *argument)
{
    fiber_wake(argument);
}

CORE_TEST(test_parks_and_wakes)
{
    assert_error(fiber_park(time_after(2 * TIME_MS)), ERROR_TIMEOUT);
    assert_error(fiber_park(time_after(0)), ERROR_TIMEOUT);
    assert_ok(fiber_start(NULL, "waker", wake_argument, fiber_self()));
    assert_ok(fiber_park(TIME_NEVER));
    /* a wake that comes first is not lost, two are one */
    fiber_wake(fiber_self());
    fiber_wake(fiber_self());
    assert_ok(fiber_park(TIME_NEVER));
    assert_error(fiber_park(time_after(TIME_MS)), ERROR_TIMEOUT);
    fiber_wake(fiber_self());
    assert_ok(fiber_park_steadfast(TIME_NEVER));
}

struct patient {
    struct fiber *fiber;
    error ended[4];
};

static void park_in_every_way(void *argument)
{
    struct patient *patient = argument;
    patient->fiber = fiber_self();
    patient->ended[0] = fiber_park(TIME_NEVER);           /* cancelled here */
    patient->ended[1] = fiber_park_steadfast(TIME_NEVER); /* woken by the test */
    patient->ended[2] = fiber_sleep(TIME_S);              /* at once */
    patient->ended[3] = fiber_yield();                    /* goes on, but says so */
    patient->fiber = NULL;
}

CORE_TEST(test_cancellation_ends_parks)
{
    struct crew crew;
    crew_init(&crew, NULL);
    struct patient patient;
    assert_ok(fiber_start(&crew, "patient", park_in_every_way, &patient));
    assert_ok(fiber_yield());
    assert_non_null(patient.fiber);
    crew_cancel(&crew);
    assert_ok(fiber_sleep(3 * TIME_MS));
    assert_error(patient.ended[0], ERROR_CANCELLED);
    assert_non_null(patient.fiber); /* stands fast */
    fiber_wake(patient.fiber);
    assert_ok(crew_join(&crew, time_after(30 * TIME_S)));
    assert_null(patient.fiber);
    assert_ok(patient.ended[1]);
    assert_error(patient.ended[2], ERROR_CANCELLED);
    assert_error(patient.ended[3], ERROR_CANCELLED);
    assert_error(fiber_start(&crew, "late", wake_argument, NULL), ERROR_CANCELLED);
    crew_close(&crew);
}

static void nothing(void *argument)
{
    (void)argument;
}

static void fill_the_core(void *argument)
{
    (void)argument;
    /* main is one of the four */
    for (int i = 0; i < 3; i++)
        assert_ok(fiber_start(NULL, "one", nothing, NULL));
    assert_error(fiber_start(NULL, "too many", nothing, NULL), ERROR_LIMIT);
    assert_ok(fiber_yield());
    assert_ok(fiber_start(NULL, "again", nothing, NULL));
}

static void test_keeps_its_limit(void **state)
{
    (void)state;
    struct core_options options = {.fibers_max = 4};
    assert_ok(core_run_here(&options, fill_the_core, NULL));
}

/* Registers and stack contents survive any interleaving. */
static unsigned finished;

static __attribute__((noinline)) uint64_t mix(uint64_t seed, unsigned depth)
{
    volatile uint64_t local[8];
    for (unsigned i = 0; i < 8; i++)
        local[i] = seed * (i + 1);
    double sum = (double)seed;
    if (depth > 0)
        sum += (double)mix(seed + 1, depth - 1);
    if (depth % 3 == 0)
        error_ignore(fiber_yield());
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(local[i], seed * (i + 1));
    return (uint64_t)sum;
}

static void mixer(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    uint64_t expected = 0;
    for (unsigned i = 0; i <= 12; i++)
        expected += seed + i;
    assert_int_equal(mix(seed, 12), expected);
    finished++;
}

CORE_TEST(test_thousands_keep_their_stacks)
{
    enum { COUNT = 5000 / TEST_SLOWER };
    finished = 0;
    for (unsigned round = 0; round < 2; round++) /* the second on used stacks */
        for (uintptr_t i = 0; i < COUNT; i++)
            assert_ok(fiber_start(NULL, "mixer", mixer, (void *)(i * 1000)));
    while (core_statistics().fibers > 1)
        assert_ok(fiber_yield());
    assert_int_equal(finished, 2 * COUNT);
    assert_true(core_statistics().stacks_pooled >= COUNT);
    assert_true(core_statistics().fibers_high > COUNT);
}

CORE_TEST(test_measures_stacks)
{
    for (int i = 0; i < 200; i++) {
        assert_ok(fiber_start(NULL, "small", nothing, NULL));
        assert_ok(fiber_yield());
    }
    uint32_t high = core_statistics().stack_high_bytes;
    assert_true(high >= 4096 && high % 4096 == 0);
}

static __attribute__((noinline)) void use_stack(size_t bytes)
{
    volatile char *memory = __builtin_alloca(bytes);
    for (size_t i = 0; i < bytes; i += 512)
        memory[i] = (char)i;
}

static void trims(void *argument)
{
    (void)argument;
    volatile char kept[64] = "kept";
    use_stack((size_t)40 * 1024);
    fiber_trim();
    fiber_trim();
    use_stack((size_t)30 * 1024);
    assert_string_equal((const char *)(uintptr_t)kept, "kept");
    finished = 1;
}

CORE_TEST(test_trims)
{
    finished = 0;
    assert_ok(fiber_start(NULL, "trims", trims, NULL));
    assert_ok(fiber_yield());
    assert_int_equal(finished, 1);
}

CORE_TEST(test_keeps_a_context)
{
    assert_null(fiber_context());
    fiber_set_context(&finished);
    assert_ok(fiber_yield());
    assert_ptr_equal(fiber_context(), &finished);
}

static volatile uintptr_t depth_wanted = 1 << 20;

static __attribute__((noinline)) void sink_deeper(uintptr_t depth)
{
    volatile char here[2048];
    here[0] = 1;
    if (depth < depth_wanted)
        sink_deeper(depth + (uintptr_t)here[0]);
    here[1] = 2;
}

static uintptr_t overflow_from;

static void overflow(void *argument)
{
    overflow_from = (uintptr_t)__builtin_frame_address(0);
    sink_deeper((uintptr_t)argument);
}

/* Without a guard the neighbour's stack would be overrun first, and the fault come 64 KiB later. */
static void faulted(int number, siginfo_t *facts, void *context)
{
    (void)number;
    (void)context;
    uintptr_t at = (uintptr_t)facts->si_addr;
    _exit(at < overflow_from && overflow_from - at <= 64 * 1024 ? 0 : 1);
}

static void watch_faults(void)
{
    static char alternate[16384];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_sigaction = faulted, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &action, NULL);
}

static void start_overflow(void *argument)
{
    assert_ok(fiber_start(NULL, "overflow", overflow, argument));
    error_ignore(fiber_yield());
}

/* Kernels before 6.13 do not know MADV_GUARD_INSTALL. */
static void hide_guard_pages(void)
{
    enum { GUARD_INSTALL = 102 };
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, GUARD_INSTALL, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(3);
}

/* The guard page turns an overflow into a clean death, never into another fiber's stack. */
static void test_overflow_hits_the_guard(void **state)
{
    (void)state;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    for (unsigned old_kernel = 0; old_kernel < 2; old_kernel++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            watch_faults();
            if (old_kernel)
                hide_guard_pages();
            error_ignore(core_run_here(NULL, start_overflow, NULL));
            _exit(2); /* it went through */
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
#else
    (void)start_overflow;
    (void)watch_faults;
    (void)hide_guard_pages;
#endif
}

static void many_yields(void *argument)
{
    unsigned *left = argument;
    while (*left > 0) {
        --*left;
        error_ignore(fiber_yield());
    }
}

/* More switches than a turn allows, while a timer is to fire in between. */
CORE_TEST(test_busy_fibers_do_not_starve_timers)
{
    static unsigned left = UINT32_MAX; /* the busy one outlives this fiber */
    assert_ok(fiber_start(NULL, "busy", many_yields, &left));
    assert_ok(fiber_sleep(5 * TIME_MS));
    assert_true(left > 0);
    left = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_turns),
        cmocka_unit_test(test_sleeps_at_least_as_long),
        cmocka_unit_test(test_parks_and_wakes),
        cmocka_unit_test(test_cancellation_ends_parks),
        cmocka_unit_test(test_keeps_its_limit),
        cmocka_unit_test(test_thousands_keep_their_stacks),
        cmocka_unit_test(test_measures_stacks),
        cmocka_unit_test(test_trims),
        cmocka_unit_test(test_keeps_a_context),
        cmocka_unit_test(test_overflow_hits_the_guard),
        cmocka_unit_test(test_busy_fibers_do_not_starve_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
