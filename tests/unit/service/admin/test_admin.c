/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Requests as bytes in, answers as bytes out, on one core.
 */
#include "check.h"

#include "base/log.h"
#include "format/http/request.h"
#include "net/stream.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "service/admin/admin.h"
#include "service/session.h"
#include "transport/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static char changed[256];

static error write_config(void *argument, struct buffer *out)
{
    (void)argument;
    buffer_add_string(out, "{\"smtp\":{}}");
    return OK;
}

static error change_config(void *argument, slice text, struct buffer *problems)
{
    (void)argument;
    snprintf(changed, sizeof changed, "%.*s", SLICE_ARG(text));
    if (slice_find(text, SLICE("bad")) < 0)
        return OK;
    buffer_add_string(problems, "bad is not a \"setting\"\nand more\n");
    return error_make(ERROR_MALFORMED, "mistakes");
}

static error reload(void *argument, struct buffer *problems)
{
    (void)argument, (void)problems;
    return error_make(ERROR_TEMPORARY, "not now");
}

static struct admin_options options = {
    .version = "test",
    .config_write = write_config,
    .config_change = change_config,
    .reload = reload,
};

struct talk {
    const char *request;
    char answer[1 << 20];
};

/* The whole answer to what one connection sends. */
static void converse(void *argument)
{
    struct talk *talk = argument;
    struct address none = {.family = ADDRESS_UNIX};
    struct stream *stream = NULL;
    int fds[2];
    size_t size = strlen(talk->request), filled = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    /* Nobody reads before the end. */
    int room = sizeof talk->answer;
    assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
    assert_ok(stream_create(fds[0], &none, &none, &stream));
    assert_int_equal(write(fds[1], talk->request, size), size);
    shutdown(fds[1], SHUT_WR);
    admin_serve(&stream, &options);
    stream_close(&stream);
    for (ssize_t got;
         (got = read(fds[1], talk->answer + filled, sizeof talk->answer - 1 - filled)) > 0;)
        filled += (size_t)got;
    talk->answer[filled] = '\0';
    close(fds[1]);
    assert_int_equal(session_count(), 0);
}

static void serve(void *argument)
{
    struct stream **stream = argument;
    admin_serve(stream, &options);
    stream_close(stream);
}

static const char *ask(const char *request)
{
    static struct talk talk;
    const struct core_options core = {.count = 1};
    talk.request = request;
    assert_ok(core_run_here(&core, converse, &talk));
    return talk.answer;
}

static void assert_status(const char *answer, const char *status)
{
    char expected[64];
    int size = snprintf(expected, sizeof expected, "HTTP/1.1 %s\r\n", status);
    char *line = strndup(answer, (size_t)size);
    assert_string_equal(line, expected);
    free(line);
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static void test_what_is_there(void **state)
{
    (void)state;
    const char *answer = ask(GET("/health"));
    assert_status(answer, "200 OK");
    assert_string_equal(body_of(answer), "ok\n");
    answer = ask(GET("/metrics"));
    assert_status(answer, "200 OK");
    assert_non_null(strstr(answer, "# TYPE ringmail_admin_requests_total counter\n"));
    assert_non_null(strstr(answer, "\nringmail_uptime_seconds "));
    answer = ask(GET("/stats?threads=1"));
    assert_status(answer, "200 OK");
    assert_non_null(strstr(answer, "\"version\":\"test\""));
    assert_non_null(strstr(answer, "\"admin\":{\"denied_total\":0"));
    answer = ask(GET("/sessions"));
    assert_non_null(strstr(answer, "\"protocol\":\"admin\",\"state\":\"request\""));
    answer = ask(GET("/"));
    assert_non_null(strstr(answer, "Content-Type: text/html; charset=utf-8\r\n"));
    assert_non_null(strstr(answer, "<title>Ringmail</title>"));
    answer = ask("HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_non_null(strstr(answer, "Content-Length: 3\r\n"));
    assert_string_equal(body_of(answer), "");
}

static void test_several_requests_on_one_connection(void **state)
{
    (void)state;
    const char *answer = ask(
        GET("/health") "GET /config HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" GET(
            "/health"));
    assert_status(answer, "200 OK");
    const char *second = strstr(body_of(answer), "HTTP/1.1 200 OK\r\n");
    assert_non_null(second);
    assert_string_equal(body_of(second), "{\"smtp\":{}}\n"); /* and nothing after "close" */
}

static void test_changes(void **state)
{
    (void)state;
    const char *answer = ask("PATCH /config HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                             "Content-Length: 11\r\n\r\nlog.level=x");
    assert_non_null(strstr(answer, "HTTP/1.1 100 Continue\r\n\r\n"));
    assert_non_null(strstr(answer, "{\"ok\":true,\"notes\":[]}"));
    assert_string_equal(changed, "log.level=x");
    answer = ask("PATCH /config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nbad");
    assert_status(answer, "422 Unprocessable Content");
    assert_string_equal(body_of(answer),
                        "{\"ok\":false,\"problems\":[\"bad is not a \\\"setting\\\"\","
                        "\"and more\"]}\n");
    answer = ask("POST /reload HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_status(answer, "503 Service Unavailable");
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    const char *nothing = ask(GET("/nothing"));
    assert_status(nothing, "404 Not Found");
    assert_non_null(strstr(nothing, "Content-Type: text/plain\r\n"));
    assert_non_null(strstr(nothing, "404: there is nothing here. There is: / /health /metrics "));
    assert_status(ask("POST /health HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                  "405 Method Not Allowed");
    assert_status(ask("GET / HTTP/1.1\r\n\r\n"), "400 Bad Request"); /* no Host */
    assert_status(ask("nonsense\r\n\r\n"), "400 Bad Request");
    assert_status(ask("POST /reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                      "chunked\r\n\r\n0\r\n\r\n"),
                  "501 Not Implemented");
}

/* ADMIN_BODY_SIZE_MAX: a body as large is read (and is cut off here), a larger one is not. */
static void test_limit_of_the_body(void **state)
{
    (void)state;
    char request[200];
    for (int more = 0; more < 2; more++) {
        snprintf(request, sizeof request,
                 "PATCH /config HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                 "Content-Length: %d\r\n\r\nlog.level=x",
                 ADMIN_BODY_SIZE_MAX + more);
        assert_status(ask(request), more ? "413 Content Too Large" : "100 Continue");
    }
}

/* What one connection asks, again and again; the answers are only counted. */
static void ask_often(void *argument)
{
    (void)argument;
    static const char request[] = GET("/health"), line[] = "HTTP/1.1 200 OK\r\n";
    struct address none = {.family = ADDRESS_UNIX};
    struct stream *stream = NULL;
    struct crew crew;
    int fds[2];
    unsigned asked = 0, closed = 0, count = 0;
    static char text[65536];
    size_t kept = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_ok(stream_create(fds[0], &none, &none, &stream));
    crew_init(&crew, NULL);
    assert_ok(fiber_start(&crew, "admin", serve, &stream));
    for (;;) {
        for (unsigned i = 0; i < 100 && asked < ADMIN_REQUESTS_MAX + 10; i++) {
            ssize_t sent = send(fds[1], request, sizeof request - 1, MSG_NOSIGNAL);
            assert_true(sent == sizeof request - 1 || sent == -1);
            asked += sent > 0;
            if (sent < 0)
                break;
        }
        assert_ok(fiber_yield());
        ssize_t got = read(fds[1], text + kept, sizeof text - 1 - kept);
        size_t size = kept + (got > 0 ? (size_t)got : 0);
        text[size] = '\0';
        for (const char *at = text; (at = strstr(at, line)); at++)
            count++;
        for (const char *at = text; (at = strstr(at, "Connection: close")); at++)
            closed++;
        kept = size < sizeof line - 2 ? size : sizeof line - 2;
        memmove(text, text + size - kept, kept);
        if (crew.count == 0 && got <= 0)
            break;
    }
    assert_int_equal(count, ADMIN_REQUESTS_MAX);
    assert_int_equal(closed, 1);
    close(fds[1]);
    crew_close(&crew);
}

/* ADMIN_REQUESTS_MAX on one connection: the last answer says that there is no more. */
static void test_limit_of_requests(void **state)
{
    (void)state;
    const struct core_options core = {.count = 1};
    assert_ok(core_run_here(&core, ask_often, NULL));
}

/* An order that does not say which mails, or says it wrongly, is none. */
static void test_orders_must_be_clear(void **state)
{
    (void)state;
    static const char *const unclear[] = {
        "/queue/delete",
        "/queue/bounce?max=5",
        "/queue/hold?sender=",
        "/queue/flush?id=xyz",
        "/queue/delete?everything=1",
        "/queue/delete?id=0",
        "/queue/release?held=yes",
        "/queue/delete?all=1&recipent=a@b.example",
        "/queue/delete?sender=%zz",
        "/queue/delete?all=1&max=-1",
        "/queue/bounce?all=0",
        "/queue/delete?all=1&max=1000000000000",
    };
    for (size_t i = 0; i < sizeof unclear / sizeof *unclear; i++) {
        char request[256];
        snprintf(request, sizeof request, "POST %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 unclear[i]);
        assert_status(ask(request), "400 Bad Request");
    }
    assert_status(ask(GET("/queue/delete?all=1")), "405 Method Not Allowed");
    assert_status(ask(GET("/queue/mails?color=blue")), "400 Bad Request");
    assert_status(ask(GET("/queue/mail")), "400 Bad Request");
}

static void test_limits_of_the_head(void **state)
{
    (void)state;
    static char request[ADMIN_HEAD_SIZE_MAX * 2];
    size_t size =
        (size_t)snprintf(request, sizeof request, "GET /health HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 10; i++) {
        memcpy(request + size, "A: ", 3);
        memset(request + size + 3, 'x', 8000);
        memcpy(request + size + 8003, "\r\n", 2);
        size += 8005;
    }
    memcpy(request + size, "\r\n", 3);
    assert_status(ask(request), "413 Content Too Large");
    size = (size_t)snprintf(request, sizeof request, "GET /");
    memset(request + size, 'x', HTTP_LINE_SIZE_MAX);
    snprintf(request + size + HTTP_LINE_SIZE_MAX, 64, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_status(ask(request), "413 Content Too Large");
}

static void test_token(void **state)
{
    (void)state;
    options.token = SLICE("s3cret");
    assert_status(ask(GET("/health")), "200 OK");
    const char *answer = ask(GET("/stats"));
    assert_status(answer, "401 Unauthorized");
    assert_non_null(strstr(answer, "WWW-Authenticate: Bearer\r\n"));
    assert_status(
        ask("GET /stats HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s3cre\r\n\r\n"),
        "401 Unauthorized");
    assert_status(
        ask("GET /stats HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s3crets3cret\r\n\r\n"),
        "401 Unauthorized");
    assert_status(
        ask("GET /stats HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s3cret\r\n\r\n"),
        "200 OK");
    options.token = SLICE_EMPTY;
}

/* What a page of another site could make the operator's browser ask. */
static void test_other_sites(void **state)
{
    (void)state;
    static const char *const hosts[] = {"localhost",  "localhost:9090", "127.0.0.1:9090",
                                        "[::1]:9090", "[::1]",          "LocalHost"};
    char request[256];
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        snprintf(request, sizeof request,
                 "GET /health HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\n\r\n", hosts[i],
                 hosts[i]);
        assert_status(ask(request), "200 OK");
    }
    assert_status(ask("GET /health HTTP/1.1\r\nHost: rebound.example:9090\r\n\r\n"),
                  "403 Forbidden");
    assert_status(
        ask("POST /reload HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n"),
        "403 Forbidden");
    assert_status(ask("POST /reload HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n"),
                  "403 Forbidden");
    options.token = SLICE("s3cret"); /* with a token any name will do: a page cannot know it */
    assert_status(
        ask("GET /stats HTTP/1.1\r\nHost: mx.example.org\r\nAuthorization: Bearer s3cret\r\n\r\n"),
        "200 OK");
    options.token = SLICE_EMPTY;
}

static void tell_events(void *argument)
{
    int *fd = argument;
    const enum transport_event_kind kinds[] = {TRANSPORT_BOUNCED, TRANSPORT_ACCEPTED,
                                               TRANSPORT_DEFERRED};
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(fiber_sleep(5 * TIME_MS));
        transport_event(&(struct transport_event){.kind = kinds[i], .time = 1, .attempts = i + 1});
    }
    assert_ok(fiber_sleep(5 * TIME_MS));
    shutdown(*fd, SHUT_WR); /* the client leaves */
}

/* Events come as they happen, those that were asked for, until the client leaves. */
static void watch(void *argument)
{
    char *answer = argument;
    struct address none = {.family = ADDRESS_UNIX};
    struct stream *stream = NULL;
    int fds[2];
    const char *request = GET("/events?types=mail.bounced,mail.deferred");
    size_t filled = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_ok(stream_create(fds[0], &none, &none, &stream));
    assert_int_equal(write(fds[1], request, strlen(request)), strlen(request));
    assert_ok(fiber_start(crew_root(), "tell", tell_events, &fds[1]));
    admin_serve(&stream, &options);
    stream_close(&stream);
    for (ssize_t got; (got = read(fds[1], answer + filled, 4000 - filled)) > 0;)
        filled += (size_t)got;
    answer[filled] = '\0';
    close(fds[1]);
}

/* Takes out `"id":"evt_...",`, which nobody can foretell. */
static void without_ids(char *text)
{
    for (char *at; (at = strstr(text, "\"id\":\"evt_"));) {
        const char *rest = strchr(at, ',') + 1;
        memmove(at, rest, strlen(rest) + 1);
    }
}

static void test_events(void **state)
{
    (void)state;
    static char answer[4001];
    const struct core_options core = {.count = 1};
    assert_ok(core_run_here(&core, watch, answer));
    assert_status(answer, "200 OK");
    assert_non_null(strstr(answer, "Content-Type: text/event-stream\r\n"));
    assert_null(strstr(answer, "Content-Length"));
    without_ids(answer);
    assert_string_equal(body_of(answer),
                        "data: {\"type\":\"mail.bounced\",\"timestamp\":\"1970-01-01T00:00:01Z\","
                        "\"data\":{\"sender\":\"\",\"attempts\":1}}\n\n"
                        "data: {\"type\":\"mail.deferred\",\"timestamp\":\"1970-01-01T00:00:01Z\","
                        "\"data\":{\"sender\":\"\",\"attempts\":3}}\n\n");
    assert_status(ask(GET("/events?types=mail.eaten")), "400 Bad Request");
    assert_status(ask("HEAD /events HTTP/1.1\r\nHost: localhost\r\n\r\n"), "200 OK");
    options.token = SLICE("s3cret");
    assert_status(ask(GET("/events")), "401 Unauthorized");
    options.token = SLICE_EMPTY;
}

/* A client that reads nothing: WAITING_SIZE_MAX bytes (service/admin/events.c) wait for it, and
 * what its socket takes; the rest is lost to it, and to nobody else. */
static void overfill(void *argument)
{
    enum {
        WAITING_SIZE_MAX = 1 << 20,
        EVENT_SIZE = 2000,
        EVENTS = 4 * WAITING_SIZE_MAX / EVENT_SIZE
    };
    (void)argument;
    static char sender[EVENT_SIZE], text[1 << 16];
    struct address none = {.family = ADDRESS_UNIX};
    struct stream *stream = NULL;
    struct crew crew;
    int fds[2], room = 4096;
    const char *request = GET("/events");
    size_t size = 0;
    memset(sender, 's', sizeof sender);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
    assert_ok(stream_create(fds[0], &none, &none, &stream));
    crew_init(&crew, NULL);
    assert_int_equal(write(fds[1], request, strlen(request)), strlen(request));
    assert_ok(fiber_start(&crew, "admin", serve, &stream));
    assert_ok(fiber_sleep(5 * TIME_MS));
    for (unsigned i = 0; i < EVENTS; i++) {
        transport_event(&(struct transport_event){
            .kind = TRANSPORT_DELIVERED, .time = 1, .sender = slice_of(sender, sizeof sender)});
        if (i % 50 == 0)
            assert_ok(fiber_sleep(TIME_MS / 10));
    }
    assert_ok(fiber_sleep(5 * TIME_MS));
    shutdown(fds[1], SHUT_WR);
    while (crew.count > 0) {
        ssize_t got = read(fds[1], text, sizeof text);
        size += got > 0 ? (size_t)got : 0;
        assert_ok(fiber_yield());
    }
    for (ssize_t got; (got = read(fds[1], text, sizeof text)) > 0;)
        size += (size_t)got;
    assert_in_range(size, WAITING_SIZE_MAX * 9 / 10, 2 * WAITING_SIZE_MAX);
    close(fds[1]);
    crew_close(&crew);
}

static void test_slow_watchers_have_a_limit(void **state)
{
    (void)state;
    const struct core_options core = {.count = 1};
    assert_ok(core_run_here(&core, overfill, NULL));
}

int main(void)
{
    log_configure(STDERR_FILENO, LOG_ERROR, LOG_LOGFMT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_of_the_body),
        cmocka_unit_test(test_limit_of_requests),
        cmocka_unit_test(test_slow_watchers_have_a_limit),
        cmocka_unit_test(test_what_is_there),
        cmocka_unit_test(test_several_requests_on_one_connection),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_orders_must_be_clear),
        cmocka_unit_test(test_limits_of_the_head),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_other_sites),
        cmocka_unit_test(test_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
