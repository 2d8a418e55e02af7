/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pair.h"

#include "base/metric.h"
#include "net/dial.h"
#include "net/listener.h"
#include "net/tls.h"
#include "runtime/message.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define ON_CORE(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        on_core(name);                                                                             \
    }

static struct crew sessions;

/* Says which core serves and whom, then echoes lines until the client goes. */
static void serve(struct stream **stream, void *argument)
{
    slice line;
    char peer[ADDRESS_TEXT_SIZE];
    (void)argument;
    address_format_ip(stream_peer(*stream), peer);
    if (stream_peer(*stream)->family != ADDRESS_UNIX) {
        int on = 0, idle = 0;
        socklen_t size = sizeof on;
        assert_int_equal(getsockopt(stream_fd(*stream), IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
        assert_true(on);
        assert_int_equal(getsockopt(stream_fd(*stream), IPPROTO_TCP, TCP_KEEPIDLE, &idle, &size),
                         0);
        assert_int_equal(idle, 120);
        assert_int_equal(getsockopt(stream_fd(*stream), SOL_SOCKET, SO_KEEPALIVE, &on, &size), 0);
        assert_true(on);
    }
    if (failed(stream_format(*stream, "220 %u %s\r\n", core_self(), peer)))
        return;
    while (!failed(stream_read_line(*stream, STREAM_LINE_STRICT, 1000, TIME_NEVER, &line)))
        if (failed(stream_write(*stream, line)) || failed(stream_write(*stream, SLICE("\r\n"))))
            return;
}

static slice refusal(enum listener_refusal reason, void *argument)
{
    (void)argument;
    static const slice texts[] = {
        [LISTENER_REFUSE_CONNECTIONS] = SLICE("421 full\r\n"),
        [LISTENER_REFUSE_ADDRESS] = SLICE("421 too many\r\n"),
        [LISTENER_REFUSE_RESOURCES] = SLICE("421 resources\r\n"),
        [LISTENER_REFUSE_STOPPING] = SLICE("421 stopping\r\n"),
    };
    return texts[reason];
}

static struct listener_options options_for(const char *address)
{
    struct listener_options options = {.name = "test", .serve = serve, .refusal = refusal};
    assert_ok(address_parse(slice_from_string(address), &options.address));
    return options;
}

static struct listener *begin(const struct listener_options *options)
{
    struct listener *listener;
    crew_init(&sessions, NULL);
    assert_ok(listener_bind(options, 1, &listener));
    assert_ok(listener_start(listener, &sessions));
    return listener;
}

static void end(struct listener **listener)
{
    listener_stop(*listener);
    crew_close(&sessions);
    assert_int_equal(listener_connections(*listener), 0);
    listener_destroy(listener);
}

static struct stream *reach(const struct listener *listener)
{
    struct stream *stream;
    struct address to = *listener_address(listener);
    if (address_is_any(&to))
        assert_ok(address_parse_ip(SLICE("127.0.0.1"), &to));
    to.port = listener_address(listener)->port;
    assert_ok(dial(&to, NULL, soon(), &stream));
    return stream;
}

static void expect(struct stream *stream, const char *text)
{
    slice line;
    assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 1000, soon(), &line));
    assert_int_equal(line.size, strlen(text));
    assert_memory_equal(line.data, text, line.size);
}

static void expect_end(struct stream *stream)
{
    slice line;
    assert_error(stream_read_line(stream, STREAM_LINE_STRICT, 1000, soon(), &line), ERROR_CLOSED);
}

static void wait_for_connections(const struct listener *listener, uint32_t count)
{
    instant deadline = soon();
    while (listener_connections(listener) != count) {
        assert_true(time_now() < deadline);
        assert_ok(fiber_sleep(TIME_MS));
    }
}

static void serves(void *argument)
{
    (void)argument;
    static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0", "*:0"};
    for (size_t i = 0; i < 3; i++) {
        struct listener_options options = options_for(addresses[i]);
        struct listener *listener = begin(&options);
        assert_int_not_equal(listener_address(listener)->port, 0);
        struct stream *one = reach(listener), *two = reach(listener);
        expect(one, i == 1 ? "220 0 ::1" : "220 0 127.0.0.1");
        expect(two, i == 1 ? "220 0 ::1" : "220 0 127.0.0.1");
        assert_ok(stream_write(one, SLICE("hello\r\n")));
        expect(one, "hello");
        assert_int_equal(listener_connections(listener), 2);
        stream_close(&one);
        wait_for_connections(listener, 1);
        stream_close(&two);
        end(&listener);
    }
}
ON_CORE(serves)

static void unix_sockets(void *argument)
{
    (void)argument;
    char path[64];
    struct stat status;
    snprintf(path, sizeof path, "/tmp/ringmail-test-%d.sock", (int)getpid());
    struct listener_options options = options_for(path);
    options.unix_mode = 0600;
    for (int round = 0; round < 2; round++) { /* the second finds a stale file */
        struct listener *listener = begin(&options), *second;
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        struct stream *stream = reach(listener);
        expect(stream, "220 0 unix");
        assert_error(listener_bind(&options, 1, &second), ERROR_EXISTS);
        stream_close(&stream);
        end(&listener);
        assert_int_equal(stat(path, &status), -1);
        if (round == 0) {
            int fd = socket(AF_UNIX, SOCK_STREAM, 0);
            struct sockaddr_storage storage;
            socklen_t size;
            assert_ok(address_to_sockaddr(&options.address, &storage, &size));
            assert_int_equal(bind(fd, (struct sockaddr *)&storage, size), 0);
            close(fd);
        }
    }
    FILE *file = fopen(path, "w");
    fclose(file);
    struct listener *listener;
    assert_error(listener_bind(&options, 1, &listener), ERROR_EXISTS);
    unlink(path);
}
ON_CORE(unix_sockets)

static void limits(void *argument)
{
    (void)argument;
    struct listener_options options = options_for("127.0.0.1:0");
    options.connections_max = 2;
    struct listener *listener = begin(&options);
    struct stream *one = reach(listener), *two = reach(listener);
    expect(one, "220 0 127.0.0.1");
    expect(two, "220 0 127.0.0.1");
    struct stream *three = reach(listener);
    expect(three, "421 full");
    expect_end(three);
    stream_close(&three);
    stream_close(&one);
    wait_for_connections(listener, 1);
    three = reach(listener);
    expect(three, "220 0 127.0.0.1");
    stream_close(&two);
    stream_close(&three);
    end(&listener);
}
ON_CORE(limits)

static struct stream *reach_from(const struct listener *listener, const char *source)
{
    struct stream *stream;
    struct dial_options options = {0};
    assert_ok(address_parse_ip(slice_from_string(source), &options.source));
    assert_ok(dial(listener_address(listener), &options, soon(), &stream));
    return stream;
}

static void limits_per_address(void *argument)
{
    (void)argument;
    struct listener_options options = options_for("127.0.0.1:0");
    options.per_address_max = 2;
    struct listener *listener = begin(&options);
    struct stream *one = reach_from(listener, "127.0.0.2");
    struct stream *two = reach_from(listener, "127.0.0.2");
    expect(one, "220 0 127.0.0.2");
    expect(two, "220 0 127.0.0.2");
    struct stream *three = reach_from(listener, "127.0.0.2");
    expect(three, "421 too many");
    expect_end(three);
    stream_close(&three);
    struct stream *other = reach_from(listener, "127.0.0.3");
    expect(other, "220 0 127.0.0.3");
    stream_close(&one);
    wait_for_connections(listener, 2);
    three = reach_from(listener, "127.0.0.2");
    expect(three, "220 0 127.0.0.2");
    stream_close(&two);
    stream_close(&three);
    stream_close(&other);
    end(&listener);
}
ON_CORE(limits_per_address)

/* ---- PROXY ---- */

static void proxied(void *argument)
{
    (void)argument;
    struct arena arena;
    struct network_list proxies;
    arena_init(&arena, 4096);
    assert_ok(network_list_parse(SLICE("127.0.0.2"), &arena, &proxies));
    struct listener_options options = options_for("127.0.0.1:0");
    options.proxies = &proxies;
    options.per_address_max = 1;
    struct listener *listener = begin(&options);
    struct stream *one = reach_from(listener, "127.0.0.2");
    assert_ok(stream_write(one, SLICE("PROXY TCP4 192.0.2.7 192.0.2.1 1000 25\r\nfirst\r\n")));
    assert_ok(stream_flush(one, soon()));
    expect(one, "220 0 192.0.2.7");
    expect(one, "first"); /* what came with the header is the session's */
    /* the limit counts clients, not their proxy */
    struct stream *two = reach_from(listener, "127.0.0.2");
    assert_ok(stream_write(two, SLICE("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
                                      "\xc0\0\2\x08\xc0\0\2\1\3\xe8\0\x19")));
    assert_ok(stream_flush(two, soon()));
    expect(two, "220 0 192.0.2.8");
    struct stream *three = reach_from(listener, "127.0.0.2");
    assert_ok(stream_write(three, SLICE("PROXY TCP4 192.0.2.7 192.0.2.1 1001 25\r\n")));
    assert_ok(stream_flush(three, soon()));
    expect(three, "421 too many");
    stream_close(&three);
    /* a trusted proxy that says nothing sensible is not served */
    three = reach_from(listener, "127.0.0.2");
    assert_ok(stream_write(three, SLICE("EHLO example.org\r\n")));
    assert_ok(stream_flush(three, soon()));
    expect_end(three);
    stream_close(&three);
    /* from elsewhere the header is just input */
    three = reach_from(listener, "127.0.0.3");
    assert_ok(stream_write(three, SLICE("PROXY TCP4 192.0.2.9 192.0.2.1 1001 25\r\n")));
    expect(three, "220 0 127.0.0.3");
    expect(three, "PROXY TCP4 192.0.2.9 192.0.2.1 1001 25");
    stream_close(&one);
    stream_close(&two);
    stream_close(&three);
    end(&listener);
    arena_close(&arena);
}
ON_CORE(proxied)

/* ---- Implicit TLS ---- */

static void implicit_tls(void *argument)
{
    (void)argument;
    char folder[] = "/tmp/ringmail-test-listener-XXXXXX", certificate[128], key[128];
    slice name = SLICE("localhost");
    struct tls_server *server;
    struct tls_client *client;
    assert_non_null(mkdtemp(folder));
    snprintf(certificate, sizeof certificate, "%s/crt", folder);
    snprintf(key, sizeof key, "%s/key", folder);
    assert_ok(tls_make_self_signed(TLS_KEY_ECDSA, &name, 1, certificate, key));
    struct tls_files files = {certificate, key};
    assert_ok(tls_server_create(&(struct tls_server_options){&files, 1, TLS_1_2}, &server, NULL));
    assert_ok(tls_client_create(
        &(struct tls_client_options){.verify = true, .authority = certificate}, &client));
    struct listener_options options = options_for("127.0.0.1:0");
    options.tls_implicit = server;
    options.connections_max = 1;
    struct listener *listener = begin(&options);
    struct stream *stream = reach(listener);
    assert_ok(stream_start_tls_client(stream, client, SLICE("localhost"), SLICE_EMPTY, soon()));
    expect(stream, "220 0 127.0.0.1");
    struct stream *second = reach(listener); /* no clear text where TLS is spoken */
    expect_end(second);
    stream_close(&second);
    stream_close(&stream);
    wait_for_connections(listener, 0);
    stream = reach(listener);
    assert_ok(stream_write(stream, SLICE("EHLO in clear\r\n")));
    assert_ok(stream_flush(stream, soon()));
    slice answer;
    error_ignore(stream_read_some(stream, 100, soon(), &answer)); /* an alert, perhaps */
    stream_close(&stream);
    end(&listener);
    tls_server_destroy(&server);
    tls_client_destroy(&client);
    unlink(certificate);
    unlink(key);
    rmdir(folder);
}
ON_CORE(implicit_tls)

/* ---- Stopping ---- */

static void stops(void *argument)
{
    (void)argument;
    struct listener_options options = options_for("127.0.0.1:0");
    struct listener *listener = begin(&options);
    struct stream *old = reach(listener), *late;
    expect(old, "220 0 127.0.0.1");
    listener_stop(listener);
    listener_stop(listener); /* harmless */
    assert_ok(stream_write(old, SLICE("still here\r\n")));
    expect(old, "still here");
    assert_true(failed(dial(listener_address(listener), NULL, soon(), &late)));
    stream_close(&old);
    end(&listener);
}
ON_CORE(stops)

/* ---- Out of descriptors ---- */

static int hog[64];
static unsigned hogged;

static void exhaust(void)
{
    int fd;
    while (hogged < 64 && (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        hog[hogged++] = fd;
    assert_in_range(hogged, 1, 63);
}

static void release(unsigned count)
{
    while (count-- && hogged)
        close(hog[--hogged]);
}

static void out_of_descriptors(void *argument)
{
    (void)argument;
    struct rlimit before, low;
    struct listener_options options = options_for("127.0.0.1:0");
    /* The limit is taken when accepting starts: the kernel notes it with the request. */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(0);
    close(next);
    low = (struct rlimit){.rlim_cur = (rlim_t)next + 30, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    struct listener *listener = begin(&options);
    struct stream *old = reach(listener);
    expect(old, "220 0 127.0.0.1");
    /* The clients' sockets must exist before descriptors run out. */
    struct stream *late[3];
    int fds[3];
    struct sockaddr_storage to;
    socklen_t size;
    assert_ok(address_to_sockaddr(listener_address(listener), &to, &size));
    for (int i = 0; i < 3; i++)
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    exhaust();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(connect(fds[i], (struct sockaddr *)&to, size), 0);
        assert_int_equal(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
        late[i] = stream_over(fds[i]);
    }
    for (int i = 0; i < 3; i++) {
        expect(late[i], "421 resources");
        stream_close(&late[i]);
        exhaust(); /* what the test closed must not help */
    }
    assert_ok(stream_write(old, SLICE("unharmed\r\n")));
    expect(old, "unharmed");
    release(64);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    struct stream *again = reach(listener);
    expect(again, "220 0 127.0.0.1");
    stream_close(&again);
    stream_close(&old);
    end(&listener);
}
ON_CORE(out_of_descriptors)

/* ---- Several cores ---- */

static struct listener *shared;
static atomic_uint served[2];
static struct crew crews[2];

static void serve_counting(struct stream **stream, void *argument)
{
    (void)argument;
    atomic_fetch_add(&served[core_self()], 1);
    error_ignore(stream_write(*stream, SLICE("220\r\n"))); /* the client looks */
}

static error start_here(void *argument)
{
    (void)argument;
    crew_init(&crews[core_self()], NULL);
    return listener_start(shared, &crews[core_self()]);
}

static error stop_here(void *argument)
{
    (void)argument;
    listener_stop(shared);
    crew_close(&crews[core_self()]);
    return OK;
}

static void many_cores(void *argument)
{
    enum { CLIENTS = 200 };
    if (core_self() != 0)
        return;
    struct listener_options options = options_for(argument);
    options.serve = serve_counting;
    options.per_address_max = CLIENTS;
    assert_ok(listener_bind(&options, 2, &shared));
    assert_ok(core_broadcast(start_here, NULL));
    for (int i = 0; i < CLIENTS; i++) {
        struct stream *stream = reach(shared);
        expect(stream, "220");
        stream_close(&stream);
    }
    assert_ok(core_broadcast(stop_here, NULL));
    assert_int_equal(listener_connections(shared), 0);
    assert_int_equal(served[0] + served[1], CLIENTS);
    listener_destroy(&shared);
    cores_stop();
}

static void test_many_cores(void **state)
{
    (void)state;
    struct core_options options = {.count = 2};
    assert_ok(cores_start(&options, many_cores, "127.0.0.1:0"));
    cores_join();
    /* the kernel spreads by hash: neither core is left out */
    assert_true(served[0] > 20 && served[1] > 20);
    served[0] = served[1] = 0;
    assert_ok(cores_start(&options, many_cores, "@ringmail-test-many-cores"));
    cores_join();
}

/* ---- Handed over by systemd ---- */

static void inherits(void *argument)
{
    (void)argument;
    char number[32];
    struct sockaddr_storage to;
    socklen_t size;
    struct address address, unused;
    assert_ok(address_parse(SLICE("127.0.0.1:0"), &address));
    assert_ok(address_to_sockaddr(&address, &to, &size));
    int kept = dup(3), other = dup(4);
    for (int fd = 3; fd < 5; fd++) {
        int made = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind(made, (struct sockaddr *)&to, size), 0);
        assert_int_equal(listen(made, 10), 0);
        assert_int_equal(dup2(made, fd), fd);
        if (made != fd)
            close(made);
    }
    snprintf(number, sizeof number, "%d", (int)getpid());
    setenv("LISTEN_PID", number, 1);
    setenv("LISTEN_FDS", "2", 1);
    assert_int_equal(listener_inherit(), 2);
    assert_null(getenv("LISTEN_FDS"));
    size = sizeof to;
    assert_int_equal(getsockname(3, (struct sockaddr *)&to, &size), 0);
    address_from_sockaddr((struct sockaddr *)&to, size, &address);
    struct listener_options options = options_for("127.0.0.1:0");
    options.address = address;
    struct listener *listener = begin(&options);
    struct stream *stream = reach(listener);
    expect(stream, "220 0 127.0.0.1");
    stream_close(&stream);
    assert_true(listener_inherited_unused(0, &unused));
    assert_int_not_equal(unused.port, address.port);
    assert_false(listener_inherited_unused(1, &unused));
    end(&listener);
    close(4);
    if (kept >= 0)
        close(kept);
    if (other >= 0)
        close(other);
}

/* Before any core runs, so that 3 and 4 are free. */
static void test_inherits(void **state)
{
    (void)state;
    int low[2] = {dup(0), dup(0)};
    on_core(inherits);
    close(low[0]);
    close(low[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inherits),           cmocka_unit_test(test_serves),
        cmocka_unit_test(test_unix_sockets),       cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limits_per_address), cmocka_unit_test(test_proxied),
        cmocka_unit_test(test_implicit_tls),       cmocka_unit_test(test_stops),
        cmocka_unit_test(test_out_of_descriptors), cmocka_unit_test(test_many_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
