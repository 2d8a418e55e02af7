/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a connection costs: memory while idle, CPU for a command and its reply, for a handshake, for
 * bytes in bulk. Both ends run here on one core, so a round trip pays for both.
 */
#include "micro/measure.h"

#include "net/stream.h"
#include "net/tls.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"

#include <jemalloc/jemalloc.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS = 30000, PIPELINED = 100, IDLE = 500, HANDSHAKES = 200, BULK = 8 << 20 };

static struct tls_server *server;
static struct tls_client *client;
static struct crew crew;
static bool under_tls;

static void check(error problem)
{
    if (failed(problem))
        give_up(problem);
}

static struct stream *stream_over(int fd)
{
    struct address none = {.family = ADDRESS_UNIX};
    struct stream *stream;
    check(stream_create(fd, &none, &none, &stream));
    return stream;
}

static void echo(void *argument)
{
    struct stream *stream = stream_over((int)(intptr_t)argument);
    slice line;
    if (under_tls)
        check(stream_start_tls_server(stream, server, SLICE_EMPTY, TIME_NEVER));
    while (!failed(stream_read_line(stream, STREAM_LINE_STRICT, 1000, TIME_NEVER, &line)))
        check(stream_write(stream, SLICE("250 2.1.0 OK\r\n")));
    stream_close(&stream);
}

static struct stream *begin(void (*other_end)(void *))
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
        give_up(error_make(ERROR_SYSTEM, "socketpair"));
    check(fiber_start(&crew, "other", other_end, (void *)(intptr_t)fds[1]));
    struct stream *stream = stream_over(fds[0]);
    if (under_tls)
        check(stream_start_tls_client(stream, client, SLICE("localhost"), SLICE_EMPTY, TIME_NEVER));
    return stream;
}

static void finish(struct stream **stream)
{
    stream_close(stream);
    check(crew_join(&crew, TIME_NEVER));
}

/* *argument: commands sent before the first reply is read */
static double commands(void *argument)
{
    unsigned together = *(unsigned *)argument;
    struct stream *stream = begin(echo);
    slice line;
    int64_t began = cpu_now();
    for (unsigned i = 0; i < ROUNDS / together; i++) {
        for (unsigned k = 0; k < together; k++)
            check(stream_write(stream, SLICE("RCPT TO:<someone@example.org>\r\n")));
        for (unsigned k = 0; k < together; k++)
            check(stream_read_line(stream, STREAM_LINE_STRICT, 1000, TIME_NEVER, &line));
    }
    double each = (double)(cpu_now() - began) / ROUNDS;
    finish(&stream);
    return each;
}

static double handshakes(void *argument)
{
    (void)argument;
    int64_t began = cpu_now();
    for (unsigned i = 0; i < HANDSHAKES; i++) {
        struct stream *stream = begin(echo);
        slice line;
        check(stream_write(stream, SLICE("NOOP\r\n")));
        check(stream_read_line(stream, STREAM_LINE_STRICT, 1000, TIME_NEVER, &line));
        finish(&stream);
    }
    return (double)(cpu_now() - began) / HANDSHAKES;
}

static void take_message(void *argument)
{
    struct stream *stream = stream_over((int)(intptr_t)argument);
    struct body body;
    if (under_tls)
        check(stream_start_tls_server(stream, server, SLICE_EMPTY, TIME_NEVER));
    body_init(&body, BULK + 100);
    check(stream_read_body_dot(stream, &body, BULK, TIME_NEVER));
    body_close(&body);
    stream_close(&stream);
}

/* Nanoseconds per KiB, so that report_best can take the least. */
static double message(void *argument)
{
    char *data = argument;
    struct stream *stream = begin(take_message);
    int64_t began = cpu_now();
    check(stream_send(stream, slice_of(data, BULK), TIME_NEVER));
    check(stream_send(stream, SLICE(".\r\n"), TIME_NEVER));
    finish(&stream);
    return (double)(cpu_now() - began) / (BULK / 1024);
}

static size_t allocated(void)
{
    uint64_t epoch = 1;
    size_t bytes = 0, size = sizeof epoch;
    mallctl("epoch", &epoch, &size, &epoch, size);
    size = sizeof bytes;
    mallctl("stats.allocated", &bytes, &size, NULL, 0);
    return bytes;
}

/* Both ends, each with a fiber that waits for a line or was waiting last. */
static void idle(const char *name)
{
    static struct stream *streams[IDLE];
    slice line;
    size_t before = allocated();
    for (unsigned i = 0; i < IDLE; i++) {
        streams[i] = begin(echo);
        check(stream_write(streams[i], SLICE("NOOP\r\n")));
        check(stream_read_line(streams[i], STREAM_LINE_STRICT, 1000, TIME_NEVER, &line));
        error_ignore(stream_wait_input(streams[i], time_now())); /* lets its buffers go */
    }
    report(name, (double)(allocated() - before) / (2 * IDLE), "bytes");
    for (unsigned i = 0; i < IDLE; i++)
        stream_close(&streams[i]);
    check(crew_join(&crew, TIME_NEVER));
}

static void body_of_bench(void *argument)
{
    (void)argument;
    unsigned one = 1, many = PIPELINED;
    char *data = malloc(BULK);
    for (size_t i = 0; i < BULK; i++)
        data[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : (char)('a' + i * 7 % 26);
    crew_init(&crew, NULL);
    idle("stream_idle_clear");
    report_best("stream_command_clear", commands, &one);
    report_best("stream_command_pipelined_clear", commands, &many);
    report_best("stream_message_clear_per_kib", message, data);
    under_tls = true;
    idle("stream_idle_tls");
    report_best("stream_command_tls", commands, &one);
    report_best("stream_command_pipelined_tls", commands, &many);
    report_best("stream_message_tls_per_kib", message, data);
    report_best("stream_handshake_full", handshakes, NULL);
    report("stream_stack_high", core_statistics().stack_high_bytes, "bytes");
    crew_close(&crew);
    free(data);
}

int main(void)
{
    char folder[] = "/tmp/ringmail-bench-stream-XXXXXX", certificate[64], key[64];
    slice name = SLICE("localhost");
    if (!mkdtemp(folder))
        give_up(error_make(ERROR_SYSTEM, "mkdtemp"));
    snprintf(certificate, sizeof certificate, "%s/crt", folder);
    snprintf(key, sizeof key, "%s/key", folder);
    check(tls_make_self_signed(TLS_KEY_ECDSA, &name, 1, certificate, key));
    struct tls_files files = {certificate, key};
    check(tls_server_create(&(struct tls_server_options){&files, 1, TLS_1_2}, &server, NULL));
    check(tls_client_create(&(struct tls_client_options){.verify = false}, &client));
    run_on_a_core(body_of_bench);
    tls_server_destroy(&server);
    tls_client_destroy(&client);
    unlink(certificate);
    unlink(key);
    rmdir(folder);
}
