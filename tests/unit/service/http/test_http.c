/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Requests as bytes in, answers as bytes out, on one core; the service's limits.
 */
#include "runtime/in_core.h"

#include "base/log.h"
#include "format/http/request.h"
#include "net/stream.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "service/http/http.h"
#include "service/session.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct http_settings settings = {
    .redirect = true,
    .idle_timeout = 60 * TIME_S,
    .request_timeout = 30 * TIME_S,
};
static const struct sts_settings sts = {.mode = MTA_STS_ENFORCE, .max_age = 86400 * TIME_S};
static struct http_service service = {
    .settings = &settings, .sts = &sts, .hostname = {"mail.example.org", 16}};

enum { TALK_SIZE_MAX = 1 << 20 };
static char sent[TALK_SIZE_MAX], answer[TALK_SIZE_MAX];
static size_t sent_size;

static void say(const char *text)
{
    size_t size = strlen(text);
    assert_true(sent_size + size < sizeof sent);
    memcpy(sent + sent_size, text, size);
    sent_size += size;
}

static void serve(void *argument)
{
    struct stream **stream = argument;
    http_serve(stream, &service);
    stream_close(stream);
}

/* All that was said, and all that comes back. */
static void converse(void)
{
    struct address none = {.family = ADDRESS_UNIX};
    struct stream *stream = NULL;
    struct crew crew;
    int fds[2];
    size_t at = 0, filled = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_ok(stream_create(fds[0], &none, &none, &stream));
    crew_init(&crew, NULL);
    assert_ok(fiber_start(&crew, "http", serve, &stream));
    while (crew.count > 0) {
        ssize_t put = at < sent_size ? write(fds[1], sent + at, sent_size - at) : 0;
        at += put > 0 ? (size_t)put : 0;
        if (at == sent_size)
            shutdown(fds[1], SHUT_WR);
        ssize_t got = read(fds[1], answer + filled, sizeof answer - 1 - filled);
        filled += got > 0 ? (size_t)got : 0;
        assert_ok(fiber_sleep(TIME_MS / 10));
    }
    for (ssize_t got; (got = read(fds[1], answer + filled, sizeof answer - 1 - filled)) > 0;)
        filled += (size_t)got;
    answer[filled] = '\0';
    close(fds[1]);
    crew_close(&crew);
    sent_size = 0;
    assert_int_equal(session_count(), 0);
}

static unsigned answers(const char *line)
{
    unsigned count = 0;
    for (const char *at = answer; (at = strstr(at, line)); at++)
        count++;
    return count;
}

CORE_TEST(test_unknown_paths)
{
    say("GET / HTTP/1.1\r\nHost: x\r\n\r\nHEAD /y HTTP/1.1\r\nHost: x\r\n\r\n");
    say("GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n");
    converse();
    assert_int_equal(answers("HTTP/1.1 404 Not Found\r\n"), 3);
    assert_int_equal(answers("\r\n\r\n404\n"), 2); /* none behind HEAD */
}

CORE_TEST(test_redirects)
{
    service.has_tls = true;
    service.tls_port = 443;
    say("GET /a?b=c HTTP/1.1\r\nHost: x.example:8080\r\n\r\n");
    say("GET /a HTTP/1.1\r\nHost: x\"y\r\n\r\n");
    say("GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: x\r\n\r\n"); /* never redirected */
    converse();
    service.has_tls = false;
    assert_int_equal(answers("HTTP/1.1 301 Moved Permanently\r\n"), 1);
    assert_int_equal(answers("\r\nLocation: https://x.example/a?b=c\r\n"), 1);
    assert_int_equal(answers("HTTP/1.1 404 "), 2);
}

/* LOCATION_SIZE_MAX (service/http/session.c): a path as long is led on, a longer one leads nowhere.
 */
CORE_TEST(test_limit_of_redirects)
{
    enum { LOCATION_SIZE_MAX = 4096 };
    static char request[LOCATION_SIZE_MAX + 100], path[LOCATION_SIZE_MAX + 2];
    service.has_tls = true;
    service.tls_port = 443;
    memset(path, 'p', sizeof path - 1);
    path[0] = '/';
    for (int more = 0; more < 2; more++) {
        snprintf(request, sizeof request, "GET %.*s HTTP/1.1\r\nHost: x\r\n\r\n",
                 LOCATION_SIZE_MAX + more, path);
        say(request);
    }
    converse();
    service.has_tls = false;
    assert_int_equal(answers("HTTP/1.1 301 "), 1);
    assert_int_equal(answers("HTTP/1.1 404 "), 1);
    path[LOCATION_SIZE_MAX] = '\0';
    assert_int_equal(answers(path), 1);
}

/* HTTP_HEAD_SIZE_MAX: all fields together. */
CORE_TEST(test_border_of_the_head)
{
    for (int more = 0; more < 2; more++) {
        static char field[HTTP_LINE_SIZE_MAX];
        size_t left = HTTP_HEAD_SIZE_MAX + (size_t)more - strlen("Host: x");
        say("GET / HTTP/1.1\r\nHost: x\r\n");
        while (left > 0) {
            size_t size = left > 8000 ? 8000 : left;
            memset(field, 'y', size);
            memcpy(field, "X: ", 3);
            memcpy(field + size, "\r\n", 3);
            say(field);
            left -= size;
        }
        say("\r\n");
        converse();
        assert_int_equal(answers(more ? "HTTP/1.1 413 " : "HTTP/1.1 404 "), 1);
    }
}

CORE_TEST(test_limit_of_the_head)
{
    say("GET / HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 5; i++) {
        static char line[8000];
        memset(line, 'y', sizeof line - 1);
        memcpy(line, "X: ", 3);
        say(line);
        say("\r\n");
    }
    say("\r\n");
    converse();
    assert_int_equal(answers("HTTP/1.1 413 "), 1);
    assert_int_equal(answers("Connection: close\r\n"), 1);
}

CORE_TEST(test_limit_of_the_body)
{
    char head[200];
    snprintf(
        head, sizeof head,
        "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
        HTTP_BODY_SIZE_MAX + 1);
    say(head);
    converse();
    assert_int_equal(answers("HTTP/1.1 413 "), 1);
    say("POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n");
    converse();
    assert_int_equal(answers("HTTP/1.1 501 "), 1);
}

CORE_TEST(test_limit_of_requests)
{
    for (int i = 0; i < HTTP_REQUESTS_MAX + 10; i++)
        say("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    converse();
    assert_int_equal(answers("HTTP/1.1 404 "), HTTP_REQUESTS_MAX);
    assert_int_equal(answers("Connection: close\r\n"), 1); /* the last one says so */
}

/* A client that is slow: it says `first`, then a byte each so often, and never leaves by itself.
 * Returns after how long the server left it. */
static int64_t dawdle(const struct http_settings *slow, const char *first, int64_t pause)
{
    struct address none = {.family = ADDRESS_UNIX};
    struct stream *stream = NULL;
    struct crew crew;
    int fds[2];
    ssize_t got;
    size_t filled = 0;
    service.settings = slow;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_ok(stream_create(fds[0], &none, &none, &stream));
    crew_init(&crew, NULL);
    assert_int_equal(write(fds[1], first, strlen(first)), strlen(first));
    instant began = time_now(), next = began + pause;
    assert_ok(fiber_start(&crew, "http", serve, &stream));
    while (crew.count > 0 && time_now() - began < 20 * TIME_S) {
        if (time_now() >= next && pause > 0) {
            error_ignore(write(fds[1], "x", 1) == 1 ? OK : error_make(ERROR_CLOSED, "gone"));
            next += pause;
        }
        assert_ok(fiber_sleep(TIME_MS));
    }
    int64_t took = time_now() - began;
    while ((got = read(fds[1], answer + filled, sizeof answer - 1 - filled)) > 0)
        filled += (size_t)got;
    answer[filled] = '\0';
    close(fds[1]);
    crew_close(&crew);
    service.settings = &settings;
    return took;
}

CORE_TEST(test_limit_of_idle_time)
{
    const struct http_settings slow = {.idle_timeout = 200 * TIME_MS,
                                       .request_timeout = 20 * TIME_S};
    int64_t took = dawdle(&slow, "", 0);
    assert_true(took >= slow.idle_timeout && took < 10 * TIME_S);
    assert_int_equal(answers("HTTP/1.1 "), 0); /* nothing was asked */
    took = dawdle(&slow, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n", 0);
    assert_true(took >= slow.idle_timeout && took < 10 * TIME_S);
    assert_int_equal(answers("HTTP/1.1 404 "), 1);
}

/* From its first byte to its last: bytes now and then do not make it longer. */
CORE_TEST(test_limit_of_request_time)
{
    const struct http_settings slow = {.idle_timeout = 20 * TIME_S,
                                       .request_timeout = 300 * TIME_MS};
    const char *const begun[] = {
        "G",
        "GET / HTTP/1.1\r\nHost: ",
        "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n",
    };
    for (int i = 0; i < 3; i++) {
        int64_t took = dawdle(&slow, begun[i], 20 * TIME_MS);
        assert_true(took >= slow.request_timeout && took < 10 * TIME_S);
        assert_int_equal(answers("HTTP/1.1 408 "), 1);
        assert_int_equal(answers("Connection: close\r\n"), 1);
    }
}

static void test_policy_and_id(void **state)
{
    (void)state;
    struct buffer out;
    char one[STS_ID_SIZE], two[STS_ID_SIZE];
    buffer_init(&out, 4096);
    sts_policy_write(&sts, SLICE("mail.example.org"), &out);
    assert_slice(buffer_slice(&out),
                 "version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\nmax_age: 86400\r\n");
    sts_policy_id(buffer_slice(&out), one);
    sts_policy_id(SLICE("other"), two);
    assert_memory_not_equal(one, two, STS_ID_SIZE);
    const slice mx[] = {SLICE("a.example"), SLICE("*.b.example")};
    const struct sts_settings more = {.mode = MTA_STS_TESTING, .mx = {mx, 2}};
    buffer_reset(&out);
    sts_policy_write(&more, SLICE("mail.example.org"), &out);
    assert_slice(buffer_slice(&out), "version: STSv1\r\nmode: testing\r\nmx: a.example\r\n"
                                     "mx: *.b.example\r\nmax_age: 0\r\n");
    buffer_close(&out);
}

int main(void)
{
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_of_redirects),    cmocka_unit_test(test_border_of_the_head),
        cmocka_unit_test(test_unknown_paths),         cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_limit_of_the_head),     cmocka_unit_test(test_limit_of_the_body),
        cmocka_unit_test(test_limit_of_requests),     cmocka_unit_test(test_limit_of_idle_time),
        cmocka_unit_test(test_limit_of_request_time), cmocka_unit_test(test_policy_and_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
