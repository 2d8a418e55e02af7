/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts of what accounts have sent, over restarts: on as many cores, on others, after a kill.
 */
#include "cores.h"
#include "scratch.h"

#include "base/log.h"
#include "base/metric.h"
#include "base/time.h"
#include "runtime/fiber.h"
#include "service/smtp/sending.h"

enum { ACCOUNTS = 50, DAY_MAX = 10 };
static const struct smtp_settings LIMITS = {.messages_per_day = DAY_MAX,
                                            .recipients_per_day = 1000};

static const struct smtp_settings MANY = {.messages_per_day = 1000};

static struct scratch scratch;
static int64_t save_interval;
static void (*body_now)(void);

static int set_up(void **state)
{
    (void)state;
    scratch_make(&scratch);
    save_interval = 3600 * TIME_S;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static void main_of_each(void *argument)
{
    (void)argument;
    if (core_self() != 0)
        return;
    const struct smtp_sending_options options = {.path = scratch.path,
                                                 .save_interval = save_interval};
    assert_ok(smtp_sending_start(&options));
    body_now();
    smtp_sending_stop();
    if (core_count() > 1)
        cores_stop();
}

static void run(unsigned cores, void (*body)(void))
{
    body_now = body;
    on_cores(cores, main_of_each);
}

static slice account(unsigned number)
{
    static char name[40];
    int size = snprintf(name, sizeof name, "user%u@example.org", number);
    return slice_of(name, (size_t)size);
}

/* Account n has sent n % DAY_MAX messages, to two recipients each. */
static void send_some(void)
{
    for (unsigned n = 0; n < ACCOUNTS; n++)
        for (unsigned i = 0; i < n % DAY_MAX; i++)
            assert_false(smtp_sending_take(account(n), &LIMITS, 2).refused);
}

static void expect_some(void)
{
    for (unsigned n = 0; n < ACCOUNTS; n++) {
        struct smtp_sending answer = smtp_sending_ask(account(n), &LIMITS);
        assert_int_equal(answer.left.messages, DAY_MAX - n % DAY_MAX);
        assert_int_equal(answer.left.recipients, 1000 - 2 * (n % DAY_MAX));
    }
}

static void send_the_rest(void)
{
    expect_some();
    for (unsigned n = 0; n < ACCOUNTS; n++)
        for (unsigned i = n % DAY_MAX; i < DAY_MAX; i++)
            assert_false(smtp_sending_take(account(n), &LIMITS, 2).refused);
}

static void expect_refusal(void)
{
    for (unsigned n = 0; n < ACCOUNTS; n++)
        assert_true(smtp_sending_ask(account(n), &LIMITS).refused);
}

static unsigned count_files(void)
{
    DIR *listing = opendir(scratch.path);
    unsigned count = 0;
    assert_non_null(listing);
    for (struct dirent *entry; (entry = readdir(listing));)
        count += strncmp(entry->d_name, "core-", 5) == 0;
    closedir(listing);
    return count;
}

/* Of one core alone. What was counted until now is written down without being asked to: by the
 * second save that ends from here on, as the first may have begun before; both find a change. */
static void wait_for_save(void)
{
    const struct metric *saves = metric_find(SLICE("ringmail_sending_saves_total"), SLICE_EMPTY);
    instant deadline = time_after(30 * TIME_S);
    assert_int_equal(core_count(), 1);
    for (unsigned round = 0; round < 2; round++) {
        int64_t before = metric_value(saves);
        assert_false(smtp_sending_take(SLICE("more@example.org"), &MANY, 1).refused);
        while (metric_value(saves) == before && time_now() < deadline)
            assert_ok(fiber_sleep(save_interval / 4));
        assert_int_not_equal(metric_value(saves), before);
    }
}

static void test_restart(void **state)
{
    (void)state;
    run(2, send_some);
    run(2, expect_some);
    run(2, send_the_rest);
    run(2, expect_refusal);
}

/* Up, down, up: every account finds its count on its new home, once. */
static void test_other_cores(void **state)
{
    (void)state;
    run(1, send_some);
    assert_int_equal(count_files(), 1);
    run(4, expect_some);
    assert_int_equal(count_files(), 4);
    run(3, expect_some);
    assert_int_equal(count_files(), 3);
    run(1, send_the_rest);
    assert_int_equal(count_files(), 1);
    run(2, expect_refusal);
}

static void send_and_die(void)
{
    send_some();
    wait_for_save();
    _exit(0);
}

static void run_and_die(void)
{
    save_interval = 20 * TIME_MS;
    run(1, send_and_die);
}

static void test_killed(void **state)
{
    (void)state;
    in_killed_process(run_and_die);
    run(3, expect_some);
}

/* What was given back is not counted after a restart either. */
static void give_back(void)
{
    expect_some();
    for (unsigned n = 0; n < ACCOUNTS; n++)
        for (unsigned i = 0; i < n % DAY_MAX; i++)
            smtp_sending_give(account(n), &LIMITS, 2);
}

static void expect_none(void)
{
    for (unsigned n = 0; n < ACCOUNTS; n++)
        assert_int_equal(smtp_sending_ask(account(n), &LIMITS).left.messages, DAY_MAX);
}

static void test_given_back(void **state)
{
    (void)state;
    run(2, send_some);
    run(2, give_back);
    run(2, expect_none);
}

/* Damage costs the accounts it hits, a foreign file nothing but itself. */
static void test_damage(void **state)
{
    (void)state;
    char path[160];
    run(1, send_some);
    snprintf(path, sizeof path, "%s/core-000-of-001", scratch.path);
    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, "!", 1, 0), 1);
    close(fd);
    run(1, expect_none);
    char name[64];
    assert_true(scratch_find(&scratch, "core-000-of-001.damaged-", name));
}

/* A file of a few accounts that send all day does not grow for ever, and says the same. */
enum { BUSY = 3000, ROUNDS = 20 };

static void keep_sending(void)
{
    struct stat status;
    char path[160];
    snprintf(path, sizeof path, "%s/core-000-of-001", scratch.path);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned n = 0; n < BUSY; n++)
            assert_false(smtp_sending_take(account(n), &MANY, 1).refused);
        wait_for_save();
        assert_int_equal(stat(path, &status), 0);
        assert_in_range(status.st_size, round == 0 ? 32 : BUSY * 64, 2 << 20);
    }
}

static void expect_rounds(void)
{
    for (unsigned n = 0; n < BUSY; n++)
        assert_int_equal(smtp_sending_ask(account(n), &MANY).left.messages, 1000 - ROUNDS);
}

static void test_rewritten(void **state)
{
    (void)state;
    save_interval = 10 * TIME_MS;
    run(1, keep_sending);
    run(1, expect_rounds);
}

/* A disk that refuses for a while: what was counted meanwhile is written later. */
static void disk_again(void)
{
    char path[160];
    snprintf(path, sizeof path, "%s/core-000-of-001.new", scratch.path);
    assert_int_equal(rmdir(path), 0);
    send_some();
    wait_for_save();
    expect_some();
}

static void test_refusing_disk(void **state)
{
    (void)state;
    char path[160];
    snprintf(path, sizeof path, "%s/core-000-of-001.new", scratch.path);
    assert_int_equal(mkdir(path, 0700), 0);
    save_interval = 10 * TIME_MS;
    run(1, disk_again); /* it serves though nothing could be written at its start */
    run(1, expect_some);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_restart), TEST(test_other_cores), TEST(test_killed),        TEST(test_given_back),
        TEST(test_damage),  TEST(test_rewritten),   TEST(test_refusing_disk),
    };
    log_configure(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
