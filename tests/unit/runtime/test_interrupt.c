/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "runtime/core.h"
#include "runtime/fiber.h"
#include "runtime/ring.h"

#include <poll.h>
#include <unistd.h>

static struct fiber *waiting;
static int ends[2];

static void interrupt_it(void *argument)
{
    (void)argument;
    assert_ok(fiber_sleep(5 * TIME_MS));
    ring_interrupt(waiting);
    assert_ok(fiber_sleep(5 * TIME_MS));
    ring_interrupt(waiting); /* in a poll */
    assert_ok(fiber_sleep(5 * TIME_MS));
    ring_interrupt(waiting); /* asleep: not remembered */
    assert_ok(fiber_sleep(20 * TIME_MS));
    assert_int_equal(write(ends[1], "x", 1), 1);
}

static void wait_for_bytes(void *argument)
{
    (void)argument;
    struct ring_buffer buffer;
    short events;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    waiting = fiber_self();
    assert_ok(fiber_start(NULL, "interrupt", interrupt_it, NULL));
    assert_error(ring_receive_pooled(ends[0], TIME_NEVER, &buffer), ERROR_BUSY);
    assert_error(ring_poll(ends[0], POLLIN, TIME_NEVER, &events), ERROR_BUSY);
    assert_ok(fiber_sleep(15 * TIME_MS));
    assert_ok(ring_receive_pooled(ends[0], TIME_NEVER, &buffer));
    assert_int_equal(buffer.size, 1);
    ring_buffer_release(&buffer);
    close(ends[0]);
    close(ends[1]);
}

static void test_news_end_a_wait(void **state)
{
    (void)state;
    struct core_options options = {.ring_entries = 64, .receive_buffers = 4};
    assert_ok(core_run_here(&options, wait_for_bytes, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_news_end_a_wait)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
