/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_pair(int ends[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

CORE_TEST(test_files)
{
    char path[] = "/tmp/ringmail-test-ring-XXXXXX";
    int made = mkstemp(path);
    assert_true(made >= 0);
    close(made);
    int fd;
    size_t size;
    assert_ok(ring_open(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0, &fd));
    assert_ok(ring_write(fd, SLICE("hello world"), 0, &size));
    assert_int_equal(size, 11);
    struct iovec parts[] = {{"HELLO", 5}, {"-", 1}};
    assert_ok(ring_writev(fd, parts, 2, 0, &size));
    assert_int_equal(size, 6);
    assert_ok(ring_fsync(fd, false));
    assert_ok(ring_fsync(fd, true));
    char text[32];
    assert_ok(ring_read(fd, text, sizeof text, 0, &size));
    assert_slice(slice_of(text, size), "HELLO-world");
    assert_ok(ring_read(fd, text, sizeof text, 11, &size));
    assert_int_equal(size, 0); /* the end is no failure here */
    assert_ok(ring_read(fd, text, 5, -1, &size));
    assert_ok(ring_read(fd, text, 5, -1, &size));
    assert_slice(slice_of(text, size), "-worl"); /* -1: from where the last one ended */
    struct statx facts;
    assert_ok(ring_statx(AT_FDCWD, path, 0, STATX_SIZE, &facts));
    assert_int_equal(facts.stx_size, 11);
    assert_ok(ring_close(fd));
    error problem = ring_read(fd, text, 5, 0, &size);
    assert_int_equal(problem.os, EBADF);
    unlink(path);
    assert_error(ring_open(AT_FDCWD, path, O_RDONLY, 0, &fd), ERROR_NOT_FOUND);
    assert_error(ring_statx(AT_FDCWD, path, 0, STATX_SIZE, &facts), ERROR_NOT_FOUND);
}

CORE_TEST(test_sockets)
{
    int ends[2];
    make_pair(ends);
    char text[32];
    size_t size;
    assert_ok(ring_send(ends[0], SLICE("one"), TIME_NEVER));
    struct iovec parts[] = {{"", 0}, {"tw", 2}, {"o", 1}, {"", 0}};
    assert_ok(ring_sendv(ends[0], parts, 4, TIME_NEVER));
    assert_ok(ring_receive(ends[1], text, sizeof text, TIME_NEVER, &size));
    assert_slice(slice_of(text, size), "onetwo");
    short events;
    assert_ok(ring_poll(ends[1], POLLIN | POLLOUT, TIME_NEVER, &events));
    assert_int_equal(events, POLLOUT);
    assert_error(ring_receive(ends[1], text, sizeof text, time_after(2 * TIME_MS), &size),
                 ERROR_TIMEOUT);
    assert_error(ring_poll(ends[1], POLLIN, time_after(2 * TIME_MS), &events), ERROR_TIMEOUT);
    assert_ok(ring_shutdown(ends[0], SHUT_WR));
    assert_error(ring_receive(ends[1], text, sizeof text, TIME_NEVER, &size), ERROR_CLOSED);
    assert_ok(ring_close(ends[1]));
    assert_error(ring_send(ends[0], SLICE("x"), TIME_NEVER), ERROR_CLOSED); /* and no SIGPIPE */
    assert_ok(ring_close(ends[0]));
}

struct stream {
    int fd;
    size_t total;
    bool vector;
    error ended;
};

static char pattern_at(size_t i)
{
    return (char)(i * 31 + i / 251);
}

static void send_much(void *argument)
{
    struct stream *stream = argument;
    char *data = malloc(stream->total);
    for (size_t i = 0; i < stream->total; i++)
        data[i] = pattern_at(i);
    if (stream->vector) {
        enum { PARTS = 3000 }; /* more than one call takes */
        struct iovec *parts = calloc(PARTS, sizeof *parts);
        for (size_t i = 0; i < PARTS; i++) {
            size_t low = stream->total * i / PARTS, high = stream->total * (i + 1) / PARTS;
            parts[i] = (struct iovec){data + low, high - low};
        }
        stream->ended = ring_sendv(stream->fd, parts, PARTS, TIME_NEVER);
        free(parts);
    } else {
        stream->ended = ring_send(stream->fd, slice_of(data, stream->total), TIME_NEVER);
    }
    free(data);
    error_ignore(ring_close(stream->fd));
}

/* Far more than a socket buffers: sends are short inside and complete outside. */
CORE_TEST(test_sends_all_of_it)
{
    for (unsigned vector = 0; vector < 2; vector++) {
        int ends[2];
        make_pair(ends);
        struct stream stream = {.fd = ends[0], .total = 3000017, .vector = vector};
        assert_ok(fiber_start(NULL, "sender", send_much, &stream));
        char text[8192];
        size_t done = 0, size;
        error ended;
        while (!failed(ended = ring_receive(ends[1], text, sizeof text, TIME_NEVER, &size)))
            for (size_t i = 0; i < size; i++)
                assert_true(text[i] == pattern_at(done++));
        assert_error(ended, ERROR_CLOSED);
        assert_int_equal(done, stream.total);
        assert_ok(stream.ended);
        assert_ok(ring_close(ends[1]));
    }
}

CORE_TEST(test_send_meets_its_deadline)
{
    int ends[2];
    make_pair(ends);
    char *much = calloc(1, 1 << 22);
    instant began = time_now();
    assert_error(ring_send(ends[0], slice_of(much, 1 << 22), time_after(10 * TIME_MS)),
                 ERROR_TIMEOUT);
    assert_true(time_now() - began >= 10 * TIME_MS);
    struct iovec part = {much, 1 << 22};
    assert_error(ring_sendv(ends[0], &part, 1, time_after(2 * TIME_MS)), ERROR_TIMEOUT);
    free(much); /* the kernel let go of it */
    close(ends[0]);
    close(ends[1]);
}

/* --- cancellation in the middle of each kind of request --- */

struct victim {
    void (*act)(struct victim *victim);
    int fd;
    int other; /* the far end, for what must fill it first */
    error ended;
    error again; /* the same once more, by now cancelled */
};

static void act_receive(struct victim *victim)
{
    char text[16];
    size_t size;
    victim->ended = ring_receive(victim->fd, text, sizeof text, TIME_NEVER, &size);
    victim->again = ring_receive(victim->fd, text, sizeof text, TIME_NEVER, &size);
}

static void act_receive_pooled(struct victim *victim)
{
    struct ring_buffer buffer;
    victim->ended = ring_receive_pooled(victim->fd, TIME_NEVER, &buffer);
    victim->again = ring_receive_pooled(victim->fd, TIME_NEVER, &buffer);
}

static void act_send(struct victim *victim)
{
    static char much[1 << 22];
    victim->ended = ring_send(victim->fd, slice_of(much, sizeof much), TIME_NEVER);
    victim->again = ring_send(victim->fd, slice_of(much, sizeof much), TIME_NEVER);
}

static void act_sendv(struct victim *victim)
{
    static char much[1 << 22];
    struct iovec part = {much, sizeof much};
    victim->ended = ring_sendv(victim->fd, &part, 1, TIME_NEVER);
    part = (struct iovec){much, sizeof much};
    victim->again = ring_sendv(victim->fd, &part, 1, TIME_NEVER);
}

static void act_poll(struct victim *victim)
{
    short events;
    victim->ended = ring_poll(victim->fd, POLLIN, TIME_NEVER, &events);
    victim->again = ring_poll(victim->fd, POLLIN, TIME_NEVER, &events);
}

static void act_read(struct victim *victim)
{
    char text[16];
    size_t size;
    victim->ended = ring_read(victim->fd, text, sizeof text, -1, &size);
    victim->again = ring_read(victim->fd, text, sizeof text, -1, &size);
}

static void act_accept(struct victim *victim)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
    struct sockaddr address = {.sa_family = AF_UNIX}; /* autobind */
    assert_int_equal(bind(listener, &address, sizeof(sa_family_t)), 0);
    assert_int_equal(listen(listener, 8), 0);
    struct ring_acceptor *acceptor;
    assert_ok(ring_acceptor_create(listener, &acceptor));
    victim->ended = ring_accept(acceptor, TIME_NEVER, &fd);
    victim->again = ring_accept(acceptor, TIME_NEVER, &fd);
    ring_acceptor_destroy(&acceptor);
    assert_null(acceptor);
    assert_ok(ring_close(listener));
}

static void victim_main(void *argument)
{
    struct victim *victim = argument;
    victim->act(victim);
}

CORE_TEST(test_cancels_every_kind)
{
    void (*const acts[])(struct victim *) = {
        act_receive, act_receive_pooled, act_send, act_sendv, act_poll, act_read, act_accept,
    };
    for (unsigned i = 0; i < sizeof acts / sizeof *acts; i++) {
        for (unsigned turns = 0; turns < 4; turns++) { /* before, at and after the submission */
            int ends[2];
            make_pair(ends);
            struct victim victim = {.act = acts[i], .fd = ends[0], .other = ends[1]};
            struct crew crew;
            crew_init(&crew, NULL);
            assert_ok(fiber_start(&crew, "victim", victim_main, &victim));
            for (unsigned t = 0; t < turns; t++)
                assert_ok(fiber_yield());
            if (turns == 3)
                assert_ok(fiber_sleep(2 * TIME_MS));
            crew_close(&crew);
            assert_error(victim.ended, ERROR_CANCELLED);
            assert_error(victim.again, ERROR_CANCELLED);
            close(ends[0]);
            close(ends[1]);
        }
    }
}

/* A stranger's address: nobody answers, so the connection attempt hangs. */
static void connect_to_nobody(void *argument)
{
    struct victim *victim = argument;
    struct sockaddr_un {
        sa_family_t family;
        char path[108];
    } address;
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(victim->other, (struct sockaddr *)&address, &size), 0);
    victim->ended =
        ring_connect(victim->fd, (struct sockaddr *)&address, size, time_after(5 * TIME_MS));
    victim->again = ring_connect(victim->fd, (struct sockaddr *)&address, size, TIME_NEVER);
}

CORE_TEST(test_connect_meets_deadline_and_cancellation)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr any = {.sa_family = AF_UNIX};
    assert_int_equal(bind(listener, &any, sizeof(sa_family_t)), 0);
    assert_int_equal(listen(listener, 0), 0);
    /* Fill the backlog, so that further connects have to wait. */
    int fillers[8];
    char address[128];
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(listener, (struct sockaddr *)(void *)address, &size), 0);
    unsigned filled = 0;
    for (; filled < 8; filled++) {
        fillers[filled] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(fillers[filled], (struct sockaddr *)(void *)address, size) != 0)
            break;
    }
    assert_true(filled < 8);
    struct victim victim = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
                            .other = listener};
    struct crew crew;
    crew_init(&crew, NULL);
    assert_ok(fiber_start(&crew, "connects", connect_to_nobody, &victim));
    instant patience = time_after(30 * TIME_S);
    while (!failed(victim.ended) && time_now() < patience)
        assert_ok(fiber_sleep(TIME_MS));
    crew_close(&crew);
    assert_error(victim.ended, ERROR_TIMEOUT);
    assert_error(victim.again, ERROR_CANCELLED);
    for (unsigned i = 0; i <= filled; i++)
        close(fillers[i]);
    close(victim.fd);
    close(listener);
}

/* What ends by itself is done even for a cancelled fiber: it can write what it owes, close what it
 * holds, and say goodbye. */
static void owes(void *argument)
{
    struct victim *victim = argument;
    assert_error(fiber_sleep(TIME_S), ERROR_CANCELLED);
    char path[] = "/tmp/ringmail-test-ring-XXXXXX";
    int made = mkstemp(path), fd;
    size_t size;
    assert_ok(ring_open(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0, &fd));
    assert_ok(ring_write(fd, SLICE("owed"), 0, &size));
    assert_ok(ring_fsync(fd, false));
    assert_ok(ring_close(fd));
    assert_ok(ring_close(made));
    unlink(path);
    assert_ok(ring_send(victim->fd, SLICE("bye"), TIME_NEVER));
    assert_ok(ring_shutdown(victim->fd, SHUT_WR));
    victim->ended = OK;
}

CORE_TEST(test_a_cancelled_fiber_can_finish)
{
    int ends[2];
    make_pair(ends);
    struct victim victim = {.fd = ends[0], .ended = error_make(ERROR_BUG, "did not run")};
    struct crew crew;
    crew_init(&crew, NULL);
    assert_ok(fiber_start(&crew, "owes", owes, &victim));
    assert_ok(fiber_yield());
    crew_close(&crew);
    assert_ok(victim.ended);
    char text[8];
    size_t size;
    assert_ok(ring_receive(ends[1], text, sizeof text, TIME_NEVER, &size));
    assert_slice(slice_of(text, size), "bye");
    close(ends[0]);
    close(ends[1]);
}

/* --- more fibers than the ring has entries --- */

static unsigned received;

static void receive_one(void *argument)
{
    char byte;
    size_t size;
    assert_ok(ring_receive((int)(intptr_t)argument, &byte, 1, TIME_NEVER, &size));
    assert_int_equal(byte, 'x');
    received++;
}

static void crowd(void *argument)
{
    (void)argument;
    enum { COUNT = 400 };
    static int ends[COUNT][2];
    received = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        make_pair(ends[i]);
        assert_ok(fiber_start(NULL, "one", receive_one, (void *)(intptr_t)ends[i][0]));
    }
    assert_ok(fiber_sleep(5 * TIME_MS));
    assert_int_equal(received, 0);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(write(ends[i][1], "x", 1), 1); /* all complete at once */
    instant patience = time_after(30 * TIME_S);
    while (received < COUNT && time_now() < patience)
        assert_ok(fiber_sleep(TIME_MS));
    assert_int_equal(received, COUNT);
    /* And all cancelled at once. */
    struct crew crew;
    crew_init(&crew, NULL);
    for (unsigned i = 0; i < COUNT; i++) {
        static struct victim victims[COUNT];
        victims[i] = (struct victim){.act = act_receive, .fd = ends[i][0]};
        assert_ok(fiber_start(&crew, "victim", victim_main, &victims[i]));
    }
    assert_ok(fiber_sleep(5 * TIME_MS));
    crew_close(&crew);
    for (unsigned i = 0; i < COUNT; i++) {
        close(ends[i][0]);
        close(ends[i][1]);
    }
}

static void test_many_fibers_share_a_small_ring(void **state)
{
    (void)state;
    struct core_options options = {.ring_entries = 8};
    assert_ok(core_run_here(&options, crowd, NULL));
}

static void leave_everything_waiting(void *argument)
{
    (void)argument;
    static int ends[64][2];
    static struct victim victims[64];
    void (*const acts[])(struct victim *) = {act_receive, act_receive_pooled, act_send, act_poll,
                                             act_read};
    for (unsigned i = 0; i < 64; i++) {
        make_pair(ends[i]);
        victims[i] = (struct victim){.act = acts[i % 5], .fd = ends[i][0], .other = ends[i][1]};
        assert_ok(fiber_start(NULL, "victim", victim_main, &victims[i]));
    }
    assert_ok(fiber_yield());
}

static void test_the_core_ends_with_requests_in_flight(void **state)
{
    (void)state;
    assert_ok(core_run_here(NULL, leave_everything_waiting, NULL));
}

static void read_late(void *argument)
{
    assert_ok(fiber_sleep(3 * TIME_MS));
    assert_int_equal(write(*(int *)argument, "late", 4), 4);
}

CORE_TEST(test_non_blocking_pipes_wait_too)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    assert_ok(fiber_start(NULL, "late", read_late, &ends[1]));
    char text[8];
    size_t size;
    assert_ok(ring_read(ends[0], text, sizeof text, -1, &size));
    assert_slice(slice_of(text, size), "late");
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_sends_all_of_it),
        cmocka_unit_test(test_send_meets_its_deadline),
        cmocka_unit_test(test_cancels_every_kind),
        cmocka_unit_test(test_connect_meets_deadline_and_cancellation),
        cmocka_unit_test(test_a_cancelled_fiber_can_finish),
        cmocka_unit_test(test_many_fibers_share_a_small_ring),
        cmocka_unit_test(test_the_core_ends_with_requests_in_flight),
        cmocka_unit_test(test_non_blocking_pipes_wait_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
