/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pair.h"

#include <netinet/in.h>
#include <stdlib.h>

#define ON_CORE(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        on_core(name);                                                                             \
    }

struct later {
    int fd;
    slice data;
};

static void put_later(void *argument)
{
    const struct later *later = argument;
    assert_ok(fiber_sleep(TIME_MS / 10));
    put(later->fd, later->data);
}

static void dots(void *argument)
{
    (void)argument;
    int other;
    slice line;
    struct body body;
    struct stream *stream = make_pair(&other);
    put(other, SLICE("DATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n"));
    assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 100, soon(), &line));
    body_init(&body, 1000);
    assert_ok(stream_read_body_dot(stream, &body, 1000, soon()));
    assert_slice(body_slice(&body), "Subject: x\r\n\r\n.dot\r\n");
    assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 100, soon(), &line));
    assert_slice(line, "QUIT");
    body_close(&body);
    /* the same with nothing buffered: received into the body; what follows comes back */
    put(other, SLICE(".\r\n"));
    assert_ok(stream_read_body_dot(stream, &body, 1000, soon()));
    assert_int_equal(body.size, 0);
    put(other, SLICE("a\r\n...\r\n.\r\nMAIL\r\nRCPT\r\n"));
    assert_ok(stream_read_body_dot(stream, &body, 1000, soon()));
    assert_slice(body_slice(&body), "a\r\n..\r\n");
    assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 100, soon(), &line));
    assert_slice(line, "MAIL");
    assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 100, soon(), &line));
    assert_slice(line, "RCPT");
    body_close(&body);
    put(other, SLICE("never ended\r\n"));
    close(other);
    assert_error(stream_read_body_dot(stream, &body, 1000, soon()), ERROR_CLOSED);
    body_close(&body);
    stream_close(&stream);
}
ON_CORE(dots)

/* The same dropped instead of kept, cut into two arrivals at every place. */
static void dots_skipped(void *argument)
{
    (void)argument;
    static const slice data = SLICE("a\r\n..dot\r\n...\r\n. \r\n.x.\r\n.\r\nNEXT\r\n");
    static const char bare[] = "ab\r\n\n.\r\n.\r\nNEXT\r\n";
    for (size_t cut = 0; cut <= data.size; cut++) {
        int other;
        slice line;
        uint64_t size = 1;
        struct stream *stream = make_pair(&other);
        struct later later = {other, slice_from(data, cut)};
        struct crew crew;
        crew_init(&crew, NULL);
        put(other, slice_sub(data, 0, cut));
        assert_ok(fiber_start(&crew, "later", put_later, &later));
        assert_ok(stream_skip_dot(stream, soon(), &size));
        assert_ok(crew_join(&crew, soon()));
        crew_close(&crew);
        assert_int_equal(size, strlen("a\r\n.dot\r\n..\r\n \r\nx.\r\n"));
        assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 100, soon(), &line));
        assert_slice(line, "NEXT");
        put(other, SLICE(".\r\n")); /* an empty one */
        assert_ok(stream_skip_dot(stream, soon(), &size));
        assert_int_equal(size, 0);
        put(other, slice_from_string(bare));
        assert_error(stream_skip_dot(stream, soon(), &size), ERROR_MALFORMED);
        assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 100, soon(), &line));
        assert_slice(line, "NEXT");
        put(other, SLICE("never ended\r\n"));
        close(other);
        assert_error(stream_skip_dot(stream, soon(), &size), ERROR_CLOSED);
        stream_close(&stream);
    }
}
ON_CORE(dots_skipped)

/* Too much, or malformed: read to the end all the same, and the dialogue goes on in step. */
static void dots_refused(void *argument)
{
    (void)argument;
    static const struct {
        slice data;
        enum error_kind kind;
    } cases[] = {
        {SLICE("0123456789\r\n.\r\n"), ERROR_NONE},
        {SLICE("0123456789a\r\n.\r\n"), ERROR_LIMIT},
        {SLICE("0123456789a\r\nmore\r\n.more\r\n..\r\n.\r\n"), ERROR_LIMIT},
        {SLICE("bare\n.\nLF\r\n.\r\n"), ERROR_MALFORMED},
        {SLICE("a\rb\r\n.\r\n"), ERROR_MALFORMED},
        {SLICE("\n.\r\n.\r\n"), ERROR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int other;
        slice line;
        struct body body;
        struct stream *stream = make_pair(&other);
        body_init(&body, 1 << 20);
        put(other, cases[i].data);
        put(other, SLICE("NEXT\r\n"));
        assert_error(stream_read_body_dot(stream, &body, 12, soon()), cases[i].kind);
        assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 100, soon(), &line));
        assert_slice(line, "NEXT");
        body_close(&body);
        /* the body's own limit counts as well */
        body_init(&body, 12);
        put(other, cases[i].data);
        put(other, SLICE("NEXT\r\n"));
        assert_error(stream_read_body_dot(stream, &body, 1 << 20, soon()), cases[i].kind);
        assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 100, soon(), &line));
        assert_slice(line, "NEXT");
        body_close(&body);
        stream_close(&stream);
        close(other);
    }
}
ON_CORE(dots_refused)

static const char stuffed[] = "one\r\n..two\r\n...\r\n.\r\nQUIT\r\n";
static size_t cut;

static void write_in_two(void *argument)
{
    int other = *(int *)argument;
    put(other, slice_of(stuffed, cut));
    assert_ok(fiber_sleep(100 * TIME_US));
    put(other, slice_of(stuffed + cut, sizeof stuffed - 1 - cut));
}

static void every_cut(void *argument)
{
    (void)argument;
    for (cut = 1; cut < sizeof stuffed - 2; cut++) {
        int other;
        slice line;
        struct body body;
        struct stream *stream = make_pair(&other);
        body_init(&body, 1000);
        assert_ok(fiber_start(crew_root(), "writer", write_in_two, &other));
        assert_ok(stream_read_body_dot(stream, &body, 1000, soon()));
        assert_slice(body_slice(&body), "one\r\n.two\r\n..\r\n");
        assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 100, soon(), &line));
        assert_slice(line, "QUIT");
        body_close(&body);
        stream_close(&stream);
        close(other);
    }
}
ON_CORE(every_cut)

/* ---- Large ---- */

enum { LARGE = 5 << 20 };

static char *large;

static void send_large(void *argument)
{
    struct stream *stream = stream_over(*(int *)argument);
    assert_ok(stream_send(stream, slice_of(large, LARGE), soon()));
    assert_ok(stream_send(stream, SLICE(".\r\nNOOP\r\n"), soon()));
    stream_close(&stream);
}

static void large_bodies(void *argument)
{
    (void)argument;
    large = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : (char)('a' + i * 7 % 26);
    large[LARGE - 2] = '\r';
    large[LARGE - 1] = '\n';
    large[LARGE - 3] = large[LARGE - 4] = 'x';
    for (int round = 0; round < 3; round++) {
        int other;
        slice line;
        struct body body;
        struct stream *stream = make_pair(&other);
        body_init(&body, LARGE);
        assert_ok(fiber_start(crew_root(), "sender", send_large, &other));
        if (round == 0) {
            assert_ok(stream_read_body_dot(stream, &body, LARGE, soon()));
        } else if (round == 1) {
            assert_ok(stream_read_body(stream, &body, LARGE, soon()));
            assert_ok(stream_skip(stream, 3, soon()));
        } else {
            body.size_max = LARGE - 1;
            assert_error(stream_read_body(stream, &body, LARGE, soon()), ERROR_LIMIT);
            assert_ok(stream_skip(stream, 3, soon()));
        }
        if (round < 2) {
            assert_int_equal(body.size, LARGE);
            assert_memory_equal(body.data, large, LARGE);
        }
        assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 100, soon(), &line));
        assert_slice(line, "NOOP");
        body_close(&body);
        stream_close(&stream);
    }
    free(large);
    assert_int_equal(body_bytes_alive(), 0);
}
ON_CORE(large_bodies)

/* Over TCP what is skipped is not even copied; what follows is untouched. */
static void skipped_uncopied(void *argument)
{
    (void)argument;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t name_size = sizeof name;
    struct address peer;
    int acceptor = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(acceptor, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(acceptor, 1), 0);
    assert_int_equal(getsockname(acceptor, (struct sockaddr *)&name, &name_size), 0);
    assert_int_equal(connect(other, (struct sockaddr *)&name, sizeof name), 0);
    int fd = accept4(acceptor, NULL, NULL, SOCK_NONBLOCK);
    assert_true(fd >= 0);
    close(acceptor);
    address_from_sockaddr((struct sockaddr *)&name, name_size, &peer);
    struct stream *stream = NULL;
    assert_ok(stream_create(fd, &peer, &peer, &stream));

    enum { SIZE = 100000 };
    static char data[SIZE];
    slice line;
    memset(data, 'x', SIZE);
    put(other, SLICE("BDAT 100000\r\nabc"));
    assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 100, soon(), &line));
    assert_slice(line, "BDAT 100000");
    put(other, slice_of(data, SIZE - 3));
    put(other, SLICE("NEXT\r\n"));
    assert_ok(stream_skip(stream, SIZE, soon()));
    assert_ok(stream_read_line(stream, STREAM_LINE_STRICT, 100, soon(), &line));
    assert_slice(line, "NEXT");
    assert_int_equal(stream_bytes_read(stream),
                     strlen("BDAT 100000\r\n") + SIZE + strlen("NEXT\r\n"));
    put(other, slice_of(data, SIZE / 2));
    close(other);
    assert_error(stream_skip(stream, SIZE, soon()), ERROR_CLOSED);
    stream_close(&stream);
}
ON_CORE(skipped_uncopied)

/* Announcing much costs nothing; memory follows what arrives. */
static void announced(void *argument)
{
    (void)argument;
    int other;
    struct body body;
    struct stream *stream = make_pair(&other);
    body_init(&body, 100 << 20);
    put(other, SLICE("only this"));
    assert_error(stream_read_body(stream, &body, 50 << 20, time_after(20 * TIME_MS)),
                 ERROR_TIMEOUT);
    assert_true(body_bytes_alive() <= 1 << 20);
    body_close(&body);
    stream_close(&stream);
    close(other);
}
ON_CORE(announced)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dots),
        cmocka_unit_test(test_dots_refused),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_large_bodies),
        cmocka_unit_test(test_announced),
        cmocka_unit_test(test_dots_skipped),
        cmocka_unit_test(test_skipped_uncopied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
