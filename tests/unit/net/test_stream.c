/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pair.h"

#include <errno.h>

#include "runtime/message.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_TEST = 16 };

static error read_line(struct stream *stream, enum stream_line_end end, slice *line)
{
    return stream_read_line(stream, end, LINE_MAX_TEST, soon(), line);
}

static void lines(void *argument)
{
    (void)argument;
    int other;
    struct stream *stream = make_pair(&other);
    slice line;
    put(other, SLICE("EHLO x\r\n\r\nbare\nin\rside\r\nlast\r\n"));
    assert_ok(read_line(stream, STREAM_LINE_STRICT, &line));
    assert_slice(line, "EHLO x");
    assert_true(stream_has_input(stream));
    assert_ok(read_line(stream, STREAM_LINE_STRICT, &line));
    assert_int_equal(line.size, 0);
    assert_error(read_line(stream, STREAM_LINE_STRICT, &line), ERROR_MALFORMED);
    assert_error(read_line(stream, STREAM_LINE_STRICT, &line), ERROR_MALFORMED);
    assert_ok(read_line(stream, STREAM_LINE_STRICT, &line));
    assert_slice(line, "last");
    assert_false(stream_has_input(stream));
    put(other, SLICE("unix\ndos\r\n"));
    assert_ok(read_line(stream, STREAM_LINE_TOLERANT, &line));
    assert_slice(line, "unix");
    assert_ok(read_line(stream, STREAM_LINE_TOLERANT, &line));
    assert_slice(line, "dos");
    put(other, SLICE("cut off"));
    close(other);
    assert_error(read_line(stream, STREAM_LINE_TOLERANT, &line), ERROR_CLOSED);
    assert_error(read_line(stream, STREAM_LINE_TOLERANT, &line), ERROR_CLOSED);
    assert_int_equal(stream_bytes_read(stream), 30 + 10 + 7);
    stream_close(&stream);
    assert_null(stream);
}

static void limits(void *argument)
{
    (void)argument;
    int other;
    struct stream *stream = make_pair(&other);
    slice line;
    put(other, SLICE("0123456789abcdef\r\n0123456789abcdefg\r\nnext\r\n"));
    assert_ok(read_line(stream, STREAM_LINE_STRICT, &line));
    assert_int_equal(line.size, LINE_MAX_TEST);
    assert_error(read_line(stream, STREAM_LINE_STRICT, &line), ERROR_LIMIT);
    assert_ok(read_line(stream, STREAM_LINE_STRICT, &line));
    assert_slice(line, "next");
    /* a line in many pieces, far past the limit, is read to its end */
    for (int i = 0; i < 100; i++)
        put(other, SLICE("more and more of the same without end, "));
    put(other, SLICE("\r\nafter\r\n"));
    assert_error(read_line(stream, STREAM_LINE_STRICT, &line), ERROR_LIMIT);
    assert_ok(read_line(stream, STREAM_LINE_STRICT, &line));
    assert_slice(line, "after");
    close(other);
    stream_close(&stream);
}

static void endless_writer(void *argument)
{
    int other = *(int *)argument;
    static char junk[65536];
    struct stream *stream = stream_over(other);
    memset(junk, 'x', sizeof junk);
    for (size_t i = 0; i < 2 * STREAM_LINE_DRAIN_MAX / sizeof junk; i++)
        if (failed(stream_send(stream, slice_of(junk, sizeof junk), soon())))
            break;
    stream_close(&stream);
}

static void endless_line(void *argument)
{
    (void)argument;
    int other;
    slice line;
    struct stream *stream = make_pair(&other);
    assert_ok(fiber_start(crew_root(), "writer", endless_writer, &other));
    assert_error(read_line(stream, STREAM_LINE_STRICT, &line), ERROR_CLOSED);
    assert_true(stream_bytes_read(stream) < STREAM_LINE_DRAIN_MAX + 100000);
    stream_abort(&stream);
    assert_ok(fiber_yield());
}

static const char dialogue[] = "MAIL FROM:<a>\r\n0123456789\r\nQUIT\r\n";
static size_t cut;

static void write_in_two(void *argument)
{
    int other = *(int *)argument;
    put(other, slice_of(dialogue, cut));
    assert_ok(fiber_sleep(100 * TIME_US));
    put(other, slice_of(dialogue + cut, sizeof dialogue - 1 - cut));
}

/* However the kernel cuts what was sent, it reads the same. */
static void every_cut(void *argument)
{
    (void)argument;
    for (cut = 1; cut < sizeof dialogue - 2; cut++) {
        int other;
        slice line;
        char exact[10];
        struct stream *stream = make_pair(&other);
        assert_ok(fiber_start(crew_root(), "writer", write_in_two, &other));
        assert_ok(read_line(stream, STREAM_LINE_STRICT, &line));
        assert_slice(line, "MAIL FROM:<a>");
        assert_ok(stream_read_exact(stream, exact, sizeof exact, soon()));
        assert_memory_equal(exact, "0123456789", 10);
        assert_ok(read_line(stream, STREAM_LINE_STRICT, &line));
        assert_int_equal(line.size, 0);
        assert_ok(read_line(stream, STREAM_LINE_STRICT, &line));
        assert_slice(line, "QUIT");
        stream_close(&stream);
        close(other);
    }
}

static void batching(void *argument)
{
    (void)argument;
    int other;
    char room[200];
    slice line;
    struct stream *stream = make_pair(&other);
    put(other, SLICE("A\r\nB\r\n"));
    assert_ok(read_line(stream, STREAM_LINE_STRICT, &line));
    assert_ok(stream_write(stream, SLICE("250 a\r\n")));
    assert_ok(read_line(stream, STREAM_LINE_STRICT, &line));
    assert_ok(stream_format(stream, "250 %s\r\n", "b"));
    assert_int_equal(taken(other, room, sizeof room).size, 0); /* input was there: not yet */
    assert_error(stream_read_line(stream, STREAM_LINE_STRICT, 10, time_after(20 * TIME_MS), &line),
                 ERROR_TIMEOUT);
    assert_slice(taken(other, room, sizeof room), "250 a\r\n250 b\r\n");
    assert_int_equal(stream_bytes_written(stream), 14);
    assert_ok(stream_write(stream, SLICE("221 bye\r\n")));
    stream_close(&stream); /* the last words leave too */
    assert_slice(taken(other, room, sizeof room), "221 bye\r\n");
    assert_int_equal(read(other, room, 1), 0);
    close(other);
}

/* CLOSE_DRAIN_MAX (net/stream.c): what came in and was not read is read away before a close, so
 * that the last words arrive; from who sends without end the close is a reset. */
static void closing(void *argument)
{
    enum { CLOSE_DRAIN_MAX = 256 << 10, STEP = 16384 };
    (void)argument;
    static char junk[STEP];
    for (size_t size = CLOSE_DRAIN_MAX; size <= CLOSE_DRAIN_MAX + STEP; size += STEP) {
        int other, room = 4 * CLOSE_DRAIN_MAX;
        char last[16];
        struct stream *stream = make_pair(&other);
        if (setsockopt(other, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) != 0) {
            print_message("skipped: a socket's buffer as large needs CAP_NET_ADMIN\n");
            stream_close(&stream);
            close(other);
            return;
        }
        for (size_t sent = 0; sent < size; sent += STEP)
            put(other, slice_of(junk, STEP));
        assert_ok(stream_write(stream, SLICE("bye")));
        stream_close(&stream);
        bool all = size == CLOSE_DRAIN_MAX;
        ssize_t got = recv(other, last, sizeof last, MSG_DONTWAIT);
        if (all)
            assert_int_equal(got, 3);
        if (got > 0)
            got = recv(other, last, sizeof last, MSG_DONTWAIT);
        assert_int_equal(got, all ? 0 : -1);
        assert_true(all || errno == ECONNRESET);
        close(other);
    }
}

static void dropping(void *argument)
{
    (void)argument;
    int other;
    slice line, data;
    struct stream *stream = make_pair(&other);
    put(other, SLICE("STARTTLS\r\nMAIL FROM:<injected>\r\n"));
    assert_ok(read_line(stream, STREAM_LINE_STRICT, &line));
    assert_int_equal(stream_drop_input(stream), 22);
    assert_false(stream_has_input(stream));
    put(other, SLICE("0123456789"));
    assert_ok(stream_skip(stream, 3, soon()));
    assert_ok(stream_read_some(stream, 4, soon(), &data));
    assert_slice(data, "3456");
    assert_ok(stream_read_some(stream, 100, soon(), &data));
    assert_slice(data, "789");
    close(other);
    assert_true(stream_peer_is_gone(stream));
    stream_close(&stream);
}

static void interrupt_later(void *argument)
{
    assert_ok(fiber_sleep(20 * TIME_MS));
    stream_interrupt(argument);
}

static void put_later(void *argument)
{
    assert_ok(fiber_sleep(20 * TIME_MS));
    put(*(int *)argument, SLICE("DONE\r\n"));
}

static void idling(void *argument)
{
    (void)argument;
    int other;
    slice line;
    struct stream *stream = make_pair(&other);
    assert_error(stream_wait_input(stream, time_after(20 * TIME_MS)), ERROR_TIMEOUT);
    assert_ok(fiber_start(crew_root(), "news", interrupt_later, stream));
    assert_error(stream_wait_input(stream, soon()), ERROR_BUSY);
    stream_interrupt(stream); /* before the wait: remembered, once */
    assert_error(stream_wait_input(stream, soon()), ERROR_BUSY);
    /* past the moment when the stack is given back */
    assert_error(stream_wait_input(stream, time_after(1200 * TIME_MS)), ERROR_TIMEOUT);
    assert_ok(fiber_start(crew_root(), "client", put_later, &other));
    assert_ok(stream_wait_input(stream, soon()));
    assert_true(stream_has_input(stream));
    assert_ok(read_line(stream, STREAM_LINE_TOLERANT, &line));
    assert_slice(line, "DONE");
    close(other);
    assert_ok(stream_wait_input(stream, soon()));
    assert_error(read_line(stream, STREAM_LINE_TOLERANT, &line), ERROR_CLOSED);
    stream_close(&stream);
}

static void timeouts(void *argument)
{
    (void)argument;
    int other;
    slice line;
    static char much[1 << 20];
    struct stream *stream = make_pair(&other);
    stream_set_timeouts(stream, 20 * TIME_MS, 20 * TIME_MS);
    instant started = time_now();
    assert_error(read_line(stream, STREAM_LINE_STRICT, &line), ERROR_TIMEOUT);
    /* nobody reads the other end: the socket fills */
    assert_error(stream_send(stream, slice_of(much, sizeof much), TIME_NEVER), ERROR_TIMEOUT);
    assert_error(stream_write(stream, slice_of(much, STREAM_OUTPUT_MAX)), ERROR_NONE);
    assert_error(stream_flush(stream, TIME_NEVER), ERROR_CLOSED);
    assert_true(time_now() - started < 30 * TIME_S);
    stream_close(&stream);
    close(other);
}

/* ---- Bulk ---- */

enum { BULK = 3 << 20 };

static int bulk_fd;

static void send_bulk(void *argument)
{
    struct stream *stream = argument;
    assert_ok(stream_write(stream, SLICE("literal:")));
    assert_ok(stream_send_file(stream, bulk_fd, 0, 1000, soon()));
    assert_ok(stream_write(stream, SLICE("|")));
    assert_ok(stream_send_file(stream, bulk_fd, 5, BULK - 5, soon()));
    assert_ok(stream_write(stream, SLICE("|end\r\n")));
    assert_ok(stream_flush(stream, soon()));
    assert_error(stream_send_file(stream, bulk_fd, BULK - 10, 20, soon()), ERROR_CLOSED);
    stream_close(&stream);
}

static void bulk(void *argument)
{
    (void)argument;
    int other;
    slice line;
    FILE *file = tmpfile();
    char *data = malloc(BULK), *back = malloc(BULK);
    for (size_t i = 0; i < BULK; i++)
        data[i] = (char)(i * 2654435761u >> 13);
    assert_int_equal(fwrite(data, 1, BULK, file), BULK);
    fflush(file);
    bulk_fd = fileno(file);
    struct stream *stream = make_pair(&other);
    assert_ok(fiber_start(crew_root(), "sender", send_bulk, stream));
    struct stream *reader = stream_over(other);
    assert_ok(stream_read_exact(reader, back, 8, soon()));
    assert_memory_equal(back, "literal:", 8);
    assert_ok(stream_read_exact(reader, back, 1000, soon()));
    assert_memory_equal(back, data, 1000);
    assert_ok(stream_read_exact(reader, back, 1, soon()));
    assert_ok(stream_read_exact(reader, back, BULK - 5, soon()));
    assert_memory_equal(back, data + 5, BULK - 5);
    assert_ok(read_line(reader, STREAM_LINE_STRICT, &line));
    assert_slice(line, "|end");
    assert_error(read_line(reader, STREAM_LINE_STRICT, &line), ERROR_CLOSED);
    stream_close(&reader);
    fclose(file);
    free(data);
    free(back);
}

/* ---- Between cores ---- */

static struct stream *travelling;
static int far_end;

static error continue_there(void *argument)
{
    (void)argument;
    slice line;
    assert_int_equal(core_self(), 1);
    stream_attach(travelling);
    assert_ok(read_line(travelling, STREAM_LINE_STRICT, &line));
    assert_slice(line, "second");
    assert_ok(stream_write(travelling, SLICE("there\r\n")));
    put(far_end, SLICE("third\r\n"));
    assert_ok(read_line(travelling, STREAM_LINE_STRICT, &line));
    assert_slice(line, "third");
    stream_close(&travelling);
    return OK;
}

static void move(void *argument)
{
    (void)argument;
    slice line;
    char room[100];
    if (core_self() == 0) {
        travelling = make_pair(&far_end);
        put(far_end, SLICE("first\r\nsecond\r\n"));
        assert_ok(read_line(travelling, STREAM_LINE_STRICT, &line));
        assert_ok(stream_write(travelling, SLICE("here\r\n")));
        assert_ok(stream_detach(travelling, soon()));
        assert_ok(core_call(1, continue_there, NULL));
        assert_slice(taken(far_end, room, sizeof room), "here\r\nthere\r\n");
        close(far_end);
        cores_stop();
    }
}

#define ON_CORE(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        on_core(name);                                                                             \
    }
ON_CORE(lines)
ON_CORE(limits)
ON_CORE(endless_line)
ON_CORE(every_cut)
ON_CORE(batching)
ON_CORE(closing)
ON_CORE(dropping)
ON_CORE(idling)
ON_CORE(timeouts)
ON_CORE(bulk)

static void test_moves_between_cores(void **state)
{
    (void)state;
    struct core_options options = {.count = 2};
    assert_ok(cores_start(&options, move, NULL));
    cores_join();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closing),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_endless_line),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_batching),
        cmocka_unit_test(test_dropping),
        cmocka_unit_test(test_idling),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_moves_between_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
