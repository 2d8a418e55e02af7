/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct sockaddr_in address;

static int make_listener(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof address;
    address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1024), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return fd;
}

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_ok(
        ring_connect(fd, (struct sockaddr *)&address, sizeof address, time_after(30 * TIME_S)));
    return fd;
}

CORE_TEST(test_accepts_in_order)
{
    enum { COUNT = 600 }; /* past the bound at which accepting pauses */
    static int dialled[COUNT];
    int listener = make_listener();
    struct ring_acceptor *acceptor;
    assert_ok(ring_acceptor_create(listener, &acceptor));
    int fd;
    assert_error(ring_accept(acceptor, time_after(2 * TIME_MS), &fd), ERROR_TIMEOUT);
    for (unsigned i = 0; i < COUNT; i++) {
        dialled[i] = dial();
        assert_int_equal(write(dialled[i], &i, sizeof i), sizeof i);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        assert_ok(ring_accept(acceptor, time_after(30 * TIME_S), &fd));
        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        unsigned number;
        size_t size;
        assert_ok(ring_receive(fd, &number, sizeof number, time_after(30 * TIME_S), &size));
        assert_int_equal(number, i);
        assert_ok(ring_close(fd));
        assert_ok(ring_close(dialled[i]));
    }
    assert_error(ring_accept(acceptor, time_after(2 * TIME_MS), &fd), ERROR_TIMEOUT);
    ring_acceptor_destroy(&acceptor);
    ring_acceptor_destroy(&acceptor); /* NULL is fine */
    close(listener);
}

/* Connections that nobody asked for are closed with the acceptor. */
CORE_TEST(test_destroy_closes_what_waits)
{
    int listener = make_listener();
    struct ring_acceptor *acceptor;
    assert_ok(ring_acceptor_create(listener, &acceptor));
    int first = dial(), fd;
    assert_ok(ring_accept(acceptor, time_after(30 * TIME_S), &fd));
    int second = dial(), third = dial();
    assert_ok(fiber_sleep(3 * TIME_MS)); /* accepted meanwhile */
    ring_acceptor_destroy(&acceptor);
    close(listener);
    char byte;
    size_t size;
    assert_error(ring_receive(second, &byte, 1, time_after(30 * TIME_S), &size), ERROR_CLOSED);
    assert_error(ring_receive(third, &byte, 1, time_after(30 * TIME_S), &size), ERROR_CLOSED);
    close(first);
    close(second);
    close(third);
    close(fd);
}

CORE_TEST(test_descriptors_run_out)
{
    int listener = make_listener();
    struct ring_acceptor *acceptor;
    assert_ok(ring_acceptor_create(listener, &acceptor));
    int fd;
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct rlimit before, tight;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int lowest = dup(client);
    tight = (struct rlimit){(rlim_t)lowest, before.rlim_max};
    close(lowest);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    assert_ok(
        ring_connect(client, (struct sockaddr *)&address, sizeof address, time_after(30 * TIME_S)));
    error full = ring_accept(acceptor, time_after(30 * TIME_S), &fd);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_error(full, ERROR_TEMPORARY);
    assert_int_equal(full.os, EMFILE);
    assert_ok(ring_accept(acceptor, time_after(30 * TIME_S), &fd)); /* it was not lost */
    close(fd);
    close(client);
    ring_acceptor_destroy(&acceptor);
    close(listener);
}

static unsigned served;

static void serve(void *argument)
{
    int fd;
    while (!failed(ring_accept(argument, TIME_NEVER, &fd))) {
        served++;
        error_ignore(ring_close(fd));
    }
}

CORE_TEST(test_several_fibers_may_accept)
{
    int listener = make_listener();
    struct ring_acceptor *acceptor;
    assert_ok(ring_acceptor_create(listener, &acceptor));
    struct crew crew;
    crew_init(&crew, NULL);
    served = 0;
    for (unsigned i = 0; i < 3; i++)
        assert_ok(fiber_start(&crew, "serve", serve, acceptor));
    for (unsigned i = 0; i < 50; i++)
        assert_ok(ring_close(dial()));
    instant patience = time_after(30 * TIME_S);
    while (served < 50 && time_now() < patience)
        assert_ok(fiber_sleep(TIME_MS));
    assert_int_equal(served, 50);
    crew_close(&crew);
    ring_acceptor_destroy(&acceptor);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_in_order),
        cmocka_unit_test(test_destroy_closes_what_waits),
        cmocka_unit_test(test_descriptors_run_out),
        cmocka_unit_test(test_several_fibers_may_accept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
