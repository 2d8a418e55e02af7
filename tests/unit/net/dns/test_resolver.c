/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The resolver against a small DNS server in the same core: what a name is decides how it answers.
 */
#include "net/pair.h"

#include "net/dns/resolver.h"
#include "runtime/ring.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static struct {
    int socket;
    char address[32];
    unsigned questions; /* seen */
    unsigned ttl;
    bool asked_authentic;
} server;
static struct crew server_crew;
static struct arena arena;

/* One A record 192.0.2.N with the server's ttl behind the question. */
static size_t add_address(char *reply, size_t size, uint8_t last)
{
    const char record[16] = {(char)0xc0,       0x0c, 0, 1,         0, 1, 0,         0, 0,
                             (char)server.ttl, 0,    4, (char)192, 0, 2, (char)last};
    memcpy(reply + size, record, sizeof record);
    reply[7]++;
    return size + sizeof record;
}

/* Turns the question in `message` into the reply; 0: stay silent. */
static size_t answer(char *message, size_t size)
{
    /* the first label of the name tells what to do */
    slice label = slice_of(message + 13, (size_t)message[12]);
    size_t end = 12;
    while (message[end])
        end += 1 + (size_t)message[end];
    size_t reply = end + 5;
    server.questions++;
    server.asked_authentic = message[3] & 0x20;
    if (slice_equal(label, SLICE("silent")))
        return 0;
    if (size < reply)
        return 0;
    message[2] = (char)0x81; /* a reply; recursion was desired */
    message[3] = (char)0x80;
    memset(message + 6, 0, 6);
    if (slice_equal(label, SLICE("none")))
        message[3] = (char)0x83;
    else if (slice_equal(label, SLICE("broken")))
        message[3] = (char)0x82;
    else if (slice_equal(label, SLICE("garbage")))
        return message[7] = 9, reply + 3;
    else if (slice_equal(label, SLICE("signed")))
        message[3] = (char)0xa0;
    if (!slice_equal(label, SLICE("none")) && !slice_equal(label, SLICE("empty")))
        reply = add_address(message, reply, (uint8_t)server.questions);
    return reply;
}

static void serve(void *argument)
{
    (void)argument;
    short events;
    while (!failed(ring_poll(server.socket, POLLIN, TIME_NEVER, &events))) {
        char message[512 + 64];
        struct sockaddr_in from;
        socklen_t from_size = sizeof from;
        ssize_t size =
            recvfrom(server.socket, message, 512, MSG_DONTWAIT, (void *)&from, &from_size);
        if (size < 12)
            continue;
        size_t reply = answer(message, (size_t)size);
        if (reply)
            sendto(server.socket, message, reply, 0, (void *)&from, from_size);
    }
}

static void begin(const struct resolver_options *given)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof own;
    memset(&server, 0, sizeof server);
    server.ttl = 100;
    server.socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(server.socket, (void *)&own, size), 0);
    assert_int_equal(getsockname(server.socket, (void *)&own, &size), 0);
    snprintf(server.address, sizeof server.address, "127.0.0.1:%u", ntohs(own.sin_port));
    crew_init(&server_crew, NULL);
    assert_ok(fiber_start(&server_crew, "server", serve, NULL));
    arena_init(&arena, 1 << 20);
    struct resolver_options options = *given;
    options.servers = server.address;
    options.timeout_ms = 100;
    options.tries = 2;
    assert_ok(resolver_start(&options));
}

static void end(void)
{
    resolver_stop();
    resolver_stop(); /* harmless */
    crew_close(&server_crew);
    close(server.socket);
    arena_close(&arena);
}

static error ask(const char *name, struct dns_answer *out)
{
    return resolver_query(slice_from_string(name), DNS_A, &arena, soon(), out);
}

static void answers(void *argument)
{
    (void)argument;
    struct dns_answer out;
    begin(&(struct resolver_options){.trust_authentic = true});
    assert_ok(ask("one.test", &out));
    assert_int_equal(out.count, 1);
    assert_memory_equal(out.records[0].ip, "\xc0\0\2\1", 4);
    assert_true(server.asked_authentic);
    assert_false(out.authentic);
    /* the cache answers, whatever the case */
    assert_ok(ask("ONE.test.", &out));
    assert_int_equal(out.records[0].ip[3], 1);
    assert_int_equal(server.questions, 1);
    assert_ok(ask("signed.test", &out));
    assert_true(out.authentic);
    assert_error(ask("none.test", &out), ERROR_NOT_FOUND);
    assert_ok(ask("empty.test", &out));
    assert_int_equal(out.count, 0);
    assert_error(ask("a..b", &out), ERROR_MALFORMED);
    assert_error(ask("", &out), ERROR_MALFORMED);
    resolver_flush();
    unsigned before = server.questions;
    assert_ok(ask("one.test", &out));
    assert_int_equal(server.questions, before + 1);
    end();
}

static void distrusts(void *argument)
{
    (void)argument;
    struct dns_answer out;
    begin(&(struct resolver_options){.trust_authentic = false});
    assert_ok(ask("signed.test", &out));
    assert_false(out.authentic);
    end();
}

static void troubles(void *argument)
{
    (void)argument;
    struct dns_answer out;
    begin(&(struct resolver_options){});
    instant began = time_now();
    assert_error(ask("silent.test", &out), ERROR_TEMPORARY);
    assert_true(time_now() - began >= 200 * TIME_MS);
    unsigned before = server.questions;
    assert_true(before >= 2); /* it tried again */
    assert_error(ask("silent.test", &out), ERROR_TEMPORARY);
    assert_int_equal(server.questions, before); /* trouble is remembered, shortly */
    assert_error(ask("broken.test", &out), ERROR_TEMPORARY);
    assert_error(ask("garbage.test", &out), ERROR_TEMPORARY);
    /* the deadline of one who asks is not that of the question */
    assert_error(
        resolver_query(SLICE("silent.other"), DNS_A, &arena, time_after(20 * TIME_MS), &out),
        ERROR_TIMEOUT);
    assert_ok(ask("fine.test", &out));
    end(); /* with a question in flight */
}

static unsigned done;

static void ask_together(void *argument)
{
    (void)argument;
    struct dns_answer out;
    assert_ok(ask("together.test", &out));
    assert_int_equal(out.records[0].ip[3], 1);
    done++;
}

static void asks_once(void *argument)
{
    (void)argument;
    struct crew crew;
    begin(&(struct resolver_options){});
    crew_init(&crew, NULL);
    done = 0;
    for (int i = 0; i < 50; i++)
        assert_ok(fiber_start(&crew, "asking", ask_together, NULL));
    assert_ok(crew_join(&crew, soon()));
    assert_int_equal(done, 50);
    assert_int_equal(server.questions, 1);
    crew_close(&crew);
    end();
}

static void makes_room(void *argument)
{
    (void)argument;
    struct dns_answer out;
    char name[32];
    begin(&(struct resolver_options){.cache_entries_max = 10});
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 20; i++) {
            snprintf(name, sizeof name, "n%d.test", i);
            assert_ok(ask(name, &out));
        }
    assert_int_equal(server.questions, 40); /* each had been pushed out */
    assert_ok(ask("n19.test", &out));
    assert_int_equal(server.questions, 40);
    end();
}

/* A flood of names that are not pushes out names that are not, nothing else. */
static void keeps_what_is(void *argument)
{
    (void)argument;
    struct dns_answer out;
    char name[32];
    begin(&(struct resolver_options){.cache_entries_max = 40});
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "n%d.test", i);
        assert_ok(ask(name, &out));
    }
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "none.n%d.test", i);
        assert_error(ask(name, &out), ERROR_NOT_FOUND);
    }
    unsigned before = server.questions;
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "n%d.test", i);
        assert_ok(ask(name, &out));
    }
    assert_int_equal(server.questions, before);
    assert_error(ask("none.n199.test", &out), ERROR_NOT_FOUND);
    assert_int_equal(server.questions, before); /* the last ones are known */
    assert_error(ask("none.n150.test", &out), ERROR_NOT_FOUND);
    assert_int_equal(server.questions, before + 1); /* a quarter of the cache is for them */
    end();
}

static void wait_cancelled(void *argument)
{
    struct dns_answer out;
    *(error *)argument = ask("silent.test", &out);
}

static void stops(void *argument)
{
    (void)argument;
    error outcome = OK;
    struct crew crew;
    begin(&(struct resolver_options){});
    crew_init(&crew, NULL);
    assert_ok(fiber_start(&crew, "asking", wait_cancelled, &outcome));
    assert_ok(fiber_sleep(10 * TIME_MS));
    resolver_stop();
    assert_ok(crew_join(&crew, soon()));
    assert_int_equal(outcome.kind, ERROR_CANCELLED);
    crew_close(&crew);
    end();
}

#define ON_CORE(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        on_core(name);                                                                             \
    }
ON_CORE(answers)
ON_CORE(distrusts)
ON_CORE(troubles)
ON_CORE(asks_once)
ON_CORE(makes_room)
ON_CORE(keeps_what_is)
ON_CORE(stops)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),    cmocka_unit_test(test_distrusts),
        cmocka_unit_test(test_troubles),   cmocka_unit_test(test_asks_once),
        cmocka_unit_test(test_makes_room), cmocka_unit_test(test_keeps_what_is),
        cmocka_unit_test(test_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
