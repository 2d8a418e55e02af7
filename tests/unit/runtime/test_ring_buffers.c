/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/ring.h"

#include <string.h>
#include <unistd.h>

static void make_pair(int ends[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

CORE_TEST(test_receives_into_the_pool)
{
    int ends[2];
    make_pair(ends);
    assert_ok(ring_send(ends[0], SLICE("hello"), TIME_NEVER));
    struct ring_buffer buffer;
    assert_ok(ring_receive_pooled(ends[1], TIME_NEVER, &buffer));
    assert_slice(slice_of(buffer.data, buffer.size), "hello");
    ring_buffer_release(&buffer);
    assert_null(buffer.data);
    ring_buffer_release(&buffer); /* harmless */
    assert_error(ring_receive_pooled(ends[1], time_after(TIME_MS), &buffer), ERROR_TIMEOUT);
    close(ends[0]);
    assert_error(ring_receive_pooled(ends[1], TIME_NEVER, &buffer), ERROR_CLOSED);
    close(ends[1]);
    assert_error(ring_receive_pooled(ends[1], TIME_NEVER, &buffer), ERROR_SYSTEM);
}

struct reader {
    int fd;
    struct ring_buffer buffer;
    error ended;
    bool done;
};

static void read_one(void *argument)
{
    struct reader *reader = argument;
    reader->ended = ring_receive_pooled(reader->fd, TIME_NEVER, &reader->buffer);
    reader->done = true;
}

enum { BUFFERS = 4, READERS = 24 };

static struct reader readers[READERS];
static int sockets[READERS][2];

static unsigned done_count(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < READERS; i++)
        count += readers[i].done;
    return count;
}

static void start_readers(struct crew *crew)
{
    for (unsigned i = 0; i < READERS; i++) {
        make_pair(sockets[i]);
        readers[i] = (struct reader){.fd = sockets[i][1]};
        assert_ok(fiber_start(crew, "reader", read_one, &readers[i]));
    }
    assert_ok(fiber_sleep(3 * TIME_MS));
}

/* As many as there are buffers, and after a while still no more. */
static void wait_until_dry(void)
{
    instant patience = time_after(30 * TIME_S);
    while (done_count() < BUFFERS && time_now() < patience)
        assert_ok(fiber_sleep(TIME_MS));
    assert_ok(fiber_sleep(3 * TIME_MS));
    assert_int_equal(done_count(), BUFFERS);
}

static void close_sockets(void)
{
    for (unsigned i = 0; i < READERS; i++) {
        close(sockets[i][0]);
        close(sockets[i][1]);
    }
}

/* Data for all, buffers for few: each released buffer brings exactly one more. */
static void runs_dry_with_data(void *argument)
{
    (void)argument;
    start_readers(NULL);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(write(sockets[i][0], "x", 1), 1);
    wait_until_dry();
    for (unsigned released = 0; released < READERS;) {
        unsigned before = done_count();
        for (unsigned i = 0; i < READERS; i++)
            if (readers[i].buffer.data) {
                assert_ok(readers[i].ended);
                assert_int_equal(readers[i].buffer.data[0], 'x');
                ring_buffer_release(&readers[i].buffer);
                released++;
                break;
            }
        instant patience = time_after(30 * TIME_S);
        while (done_count() < READERS && done_count() == before && time_now() < patience)
            assert_ok(fiber_yield());
        assert_true(done_count() == READERS || done_count() == before + 1);
    }
    close_sockets();
}

/* Readers that asked while the pool was dry and have no data yet must not keep the one that has
 * from its buffer. */
static void runs_dry_without_data(void *argument)
{
    (void)argument;
    int full[BUFFERS][2];
    struct ring_buffer held[BUFFERS];
    for (unsigned i = 0; i < BUFFERS; i++) {
        make_pair(full[i]);
        assert_int_equal(write(full[i][0], "y", 1), 1);
        assert_ok(ring_receive_pooled(full[i][1], TIME_NEVER, &held[i]));
    }
    start_readers(NULL); /* dry already */
    ring_buffer_release(&held[0]);
    assert_ok(fiber_sleep(3 * TIME_MS));
    assert_int_equal(done_count(), 0);
    assert_int_equal(write(sockets[READERS - 1][0], "x", 1), 1);
    instant patience = time_after(30 * TIME_S);
    while (!readers[READERS - 1].done && time_now() < patience)
        assert_ok(fiber_sleep(TIME_MS));
    assert_true(readers[READERS - 1].done);
    assert_ok(readers[READERS - 1].ended);
    for (unsigned i = 1; i < BUFFERS; i++)
        ring_buffer_release(&held[i]);
    ring_buffer_release(&readers[READERS - 1].buffer);
    for (unsigned i = 0; i < READERS - 1; i++)
        assert_int_equal(write(sockets[i][0], "x", 1), 1);
    while (done_count() < READERS && time_now() < patience) {
        for (unsigned i = 0; i < READERS; i++)
            ring_buffer_release(&readers[i].buffer);
        assert_ok(fiber_sleep(TIME_MS));
    }
    assert_int_equal(done_count(), READERS);
    close_sockets();
    for (unsigned i = 0; i < BUFFERS; i++) {
        close(full[i][0]);
        close(full[i][1]);
    }
}

static void cancelled_while_dry(void *argument)
{
    (void)argument;
    struct crew crew;
    crew_init(&crew, NULL);
    start_readers(&crew);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(write(sockets[i][0], "x", 1), 1);
    wait_until_dry();
    crew_close(&crew);
    unsigned got = 0;
    for (unsigned i = 0; i < READERS; i++) {
        got += !failed(readers[i].ended);
        assert_true(readers[i].ended.kind == ERROR_NONE ||
                    readers[i].ended.kind == ERROR_CANCELLED);
        ring_buffer_release(&readers[i].buffer);
    }
    assert_int_equal(got, BUFFERS);
    /* Nothing leaked: all buffers are there again. */
    struct ring_buffer held[BUFFERS], none;
    for (unsigned i = 0; i < BUFFERS; i++) {
        assert_int_equal(write(sockets[0][0], "z", 1), 1);
        assert_ok(ring_receive_pooled(sockets[0][1], time_after(30 * TIME_S), &held[i]));
    }
    assert_int_equal(write(sockets[0][0], "z", 1), 1);
    assert_error(ring_receive_pooled(sockets[0][1], time_after(2 * TIME_MS), &none), ERROR_TIMEOUT);
    for (unsigned i = 0; i < BUFFERS; i++)
        ring_buffer_release(&held[i]);
    close_sockets();
}

static struct fiber *interrupted;

static void read_interruptibly(void *argument)
{
    interrupted = fiber_self();
    read_one(argument);
}

/* News reach a session also while it waits for a buffer, and only it. */
static void interrupted_while_dry(void *argument)
{
    (void)argument;
    int full[BUFFERS][2];
    struct ring_buffer held[BUFFERS];
    for (unsigned i = 0; i < BUFFERS; i++) {
        make_pair(full[i]);
        assert_int_equal(write(full[i][0], "y", 1), 1);
        assert_ok(ring_receive_pooled(full[i][1], TIME_NEVER, &held[i]));
    }
    struct crew crew;
    crew_init(&crew, NULL);
    start_readers(&crew);
    int ends[2];
    make_pair(ends);
    struct reader reader = {.fd = ends[1]};
    assert_ok(fiber_start(NULL, "interrupted", read_interruptibly, &reader));
    assert_ok(fiber_sleep(3 * TIME_MS));
    ring_interrupt(interrupted);
    instant patience = time_after(30 * TIME_S);
    while (!reader.done && time_now() < patience)
        assert_ok(fiber_sleep(TIME_MS));
    assert_true(reader.done);
    assert_error(reader.ended, ERROR_BUSY);
    assert_int_equal(done_count(), 0);
    crew_close(&crew);
    close_sockets();
    close(ends[0]);
    close(ends[1]);
    for (unsigned i = 0; i < BUFFERS; i++) {
        ring_buffer_release(&held[i]);
        close(full[i][0]);
        close(full[i][1]);
    }
}

static void with_few_buffers(void (*body)(void *))
{
    struct core_options options = {.receive_buffers = BUFFERS, .receive_buffer_size = 4096};
    assert_ok(core_run_here(&options, body, NULL));
}

static void test_runs_dry_with_data(void **state)
{
    (void)state;
    with_few_buffers(runs_dry_with_data);
}

static void test_runs_dry_without_data(void **state)
{
    (void)state;
    with_few_buffers(runs_dry_without_data);
}

static void test_cancelled_while_dry(void **state)
{
    (void)state;
    with_few_buffers(cancelled_while_dry);
}

static void test_interrupted_while_dry(void **state)
{
    (void)state;
    with_few_buffers(interrupted_while_dry);
}

static void test_refuses_odd_counts(void **state)
{
    (void)state;
    struct core_options options = {.receive_buffers = 3};
    assert_error(core_run_here(&options, runs_dry_with_data, NULL), ERROR_PERMANENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receives_into_the_pool), cmocka_unit_test(test_runs_dry_with_data),
        cmocka_unit_test(test_runs_dry_without_data),  cmocka_unit_test(test_cancelled_while_dry),
        cmocka_unit_test(test_interrupted_while_dry),  cmocka_unit_test(test_refuses_odd_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
