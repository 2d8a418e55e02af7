/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/web.h"

#include "format/http/answer.h"
#include "net/http/client.h"

static struct arena arena;
static struct http_client_answer answer;
static struct http_client_request request;

static error ask(const char *says)
{
    web.answer = slice_from_string(says);
    return http_client_ask(&request, &arena, &answer);
}

static void begin(bool tls)
{
    static const slice names[] = {{"good.test", 9}};
    arena_init(&arena, 8 << 20);
    web_start(names, tls);
    request = (struct http_client_request){
        .method = "GET",
        .url = tls ? SLICE("https://good.test/a?b=c") : SLICE("http://good.test/a?b=c"),
        .size_max = 100,
        .address = web.address,
        .deadline = soon(),
    };
}

static void end(void)
{
    web_stop();
    arena_close(&arena);
}

/* A body that is too large, where only the status counts: whatever tells its size. */
static void status_counts(void *argument)
{
    (void)argument;
    static const char *const heads[] = {"Content-Length: 101\r\n\r\n",
                                        "Transfer-Encoding: chunked\r\n\r\n65\r\n", "\r\n"};
    begin(false);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char text[400];
        snprintf(text, sizeof text, "HTTP/1.1 202 Accepted\r\n%s%0101d", heads[i], 1);
        request.status_counts = false;
        assert_error(ask(text), ERROR_LIMIT);
        request.status_counts = true;
        assert_ok(ask(text));
        assert_int_equal(answer.status, 202);
        assert_true(answer.body.size <= request.size_max);
    }
    end();
}

static void bodies(void *argument)
{
    (void)argument;
    begin(false);
    assert_ok(ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain; "
                  "charset=x\r\n\r\nhello and more"));
    assert_int_equal(answer.status, 200);
    assert_slice(answer.content_type, "text/plain; charset=x");
    assert_slice(answer.body, "hello");
    assert_string_equal(web.request, "GET /a?b=c HTTP/1.1\nHost: good.test\nConnection: "
                                     "close\nUser-Agent: Ringmail\n\n");
    assert_ok(ask("HTTP/1.1 404 Not Found\nTransfer-Encoding: chunked\n\n"
                  "4;x=y\r\nhell\r\n1\r\no\r\n0\r\nTrailer: x\r\n\r\n"));
    assert_int_equal(answer.status, 404);
    assert_slice(answer.body, "hello");
    assert_ok(ask("HTTP/1.0 200 OK\r\n\r\nto the end"));
    assert_slice(answer.body, "to the end");
    assert_ok(ask("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nnothing"));
    assert_int_equal(answer.status, 204);
    assert_slice(answer.body, "");
    assert_ok(ask("HTTP/1.1 301 Moved\r\nLocation: http://evil.test/\r\nContent-Length: "
                  "0\r\n\r\n"));
    assert_int_equal(answer.status, 301); /* not followed */
    assert_int_equal(web.connections, 5);
    request.method = "HEAD";
    assert_ok(ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
    assert_slice(answer.body, "");
    end();
}

static void posts(void *argument)
{
    (void)argument;
    static const struct http_client_field fields[] = {{{"X-Signature", 11}, {"abc", 3}}};
    begin(false);
    request.method = "POST";
    request.url = SLICE("http://[::1]:8080");
    request.fields = fields;
    request.field_count = 1;
    request.content_type = SLICE("application/json");
    request.body = SLICE("{\"a\": 1}");
    assert_ok(ask("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"));
    assert_int_equal(answer.status, 201);
    assert_string_equal(web.request, "POST / HTTP/1.1\nHost: [::1]:8080\nConnection: close\n"
                                     "User-Agent: Ringmail\nContent-Type: application/json\n"
                                     "Content-Length: 8\nX-Signature: abc\n\n{\"a\": 1}");
    end();
}

/* Each limit, and each way to be wrong. */
static void troubles(void *argument)
{
    (void)argument;
    static char large[HTTP_CLIENT_HEAD_SIZE_MAX + 200];
    begin(false);
    assert_error(ask("nonsense\r\n\r\n"), ERROR_MALFORMED);
    assert_error(ask("HTTP/1.1 200 OK\r\nbroken field\r\n\r\n"), ERROR_MALFORMED);
    assert_error(ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
                 ERROR_MALFORMED);
    assert_error(ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), ERROR_MALFORMED);
    assert_error(ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
                 ERROR_MALFORMED);
    assert_error(ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n"),
                 ERROR_MALFORMED);
    assert_error(ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"), ERROR_CLOSED);
    assert_error(ask("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"), ERROR_LIMIT);
    assert_error(ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "ffffffffffffff\r\n"),
                 ERROR_LIMIT);
    memset(large, 'x', sizeof large - 1);
    memcpy(large, "HTTP/1.0 200 OK\r\n\r\n", 19);
    assert_error(ask(large), ERROR_LIMIT); /* a body without an end */
    memcpy(large, "HTTP/1.0 200 OK\r\nA:", 19);
    assert_error(ask(large), ERROR_CLOSED); /* a line without an end */
    large[sizeof large - 2] = '\n';
    assert_error(ask(large), ERROR_LIMIT);
    for (size_t i = 19; i < sizeof large - 1; i++)
        large[i] = "a:b\n"[i % 4];
    assert_error(ask(large), ERROR_LIMIT); /* fields without an end */
    web.silent = true;
    request.deadline = time_after(50 * TIME_MS);
    assert_error(ask(""), ERROR_TIMEOUT);
    request.deadline = soon();
    request.url = SLICE("ftp://good.test/");
    assert_error(ask(""), ERROR_PERMANENT);
    request.url = SLICE("https://good.test/"); /* and no TLS to do it with */
    assert_error(ask(""), ERROR_PERMANENT);
    request.url = SLICE("http://good.test/");
    request.content_type = SLICE("a\r\nX: y");
    assert_error(ask(""), ERROR_PERMANENT);
    end();
}

/* A head of so many bytes, its end included, before a body. */
static const char *head_of(size_t size)
{
    static char head[HTTP_CLIENT_HEAD_SIZE_MAX + 100];
    const size_t field = 400; /* bytes: far fewer than HTTP_ANSWER_FIELDS_MAX of them */
    size_t at = (size_t)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n");
    memset(head + at, 'y', size - at);
    while (at < size - 2) {
        size_t line = size - 2 - at < 2 * field ? size - 2 - at : field;
        memcpy(head + at, "X: ", 3);
        memcpy(head + at + line - 2, "\r\n", 2);
        at += line;
    }
    memcpy(head + at, "\r\nbody", sizeof "\r\nbody");
    return head;
}

static void limits_of_answers(void *argument)
{
    (void)argument;
    char interim[4096] = "";
    begin(false);
    assert_ok(ask(head_of(HTTP_CLIENT_HEAD_SIZE_MAX)));
    assert_slice(answer.body, "body");
    assert_error(ask(head_of(HTTP_CLIENT_HEAD_SIZE_MAX + 1)), ERROR_LIMIT);
    for (int i = 0; i < HTTP_CLIENT_INTERIM_MAX; i++)
        strcat(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    strcat(interim, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_ok(ask(interim));
    assert_int_equal(answer.status, 204);
    memmove(interim + 25, interim, strlen(interim) + 1);
    memcpy(interim, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    assert_error(ask(interim), ERROR_MALFORMED); /* one more than HTTP_CLIENT_INTERIM_MAX */
    /* size_max of the caller, however the body is framed */
    char text[300];
    for (size_t size = request.size_max; size <= request.size_max + 1; size++) {
        enum error_kind expected = size > request.size_max ? ERROR_LIMIT : ERROR_NONE;
        static char body[200];
        memset(body, 'b', size);
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n\r\n%.*s", (int)size, body);
        assert_error(ask(text), expected);
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%.*s", size,
                 (int)size, body);
        assert_error(ask(text), expected);
        snprintf(text, sizeof text,
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n%.*s\r\n0\r\n\r\n",
                 size, (int)size, body);
        assert_error(ask(text), expected);
    }
    /* the line before a chunk */
    static char chunked[HTTP_CHUNK_LINE_SIZE_MAX + 200];
    for (size_t size = HTTP_CHUNK_LINE_SIZE_MAX; size <= HTTP_CHUNK_LINE_SIZE_MAX + 1; size++) {
        size_t at = (size_t)snprintf(chunked, sizeof chunked,
                                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        memset(chunked + at, 'x', size);
        memcpy(chunked + at, "2;", 2);
        strcpy(chunked + at + size, "\r\nab\r\n0\r\n\r\n");
        assert_error(ask(chunked), size > HTTP_CHUNK_LINE_SIZE_MAX ? ERROR_LIMIT : ERROR_NONE);
    }
    end();
}

static void requests_too_large(void *argument)
{
    (void)argument;
    static struct http_client_field fields[HTTP_CLIENT_FIELDS_MAX + 1];
    static char url[HTTP_CLIENT_URL_SIZE_MAX + 2] = "http://good.test/";
    const char *const no_content = "HTTP/1.1 204 No Content\r\n\r\n";
    begin(false);
    for (unsigned i = 0; i <= HTTP_CLIENT_FIELDS_MAX; i++)
        fields[i] = (struct http_client_field){SLICE("X"), SLICE("y")};
    request.fields = fields;
    request.field_count = HTTP_CLIENT_FIELDS_MAX;
    assert_ok(ask(no_content));
    request.field_count++;
    assert_error(ask(no_content), ERROR_PERMANENT);
    request.field_count = 0;
    memset(url + strlen(url), 'a', sizeof url - 1 - strlen(url));
    request.url = slice_of(url, HTTP_CLIENT_URL_SIZE_MAX);
    assert_ok(ask(no_content));
    request.url.size++;
    assert_error(ask(no_content), ERROR_PERMANENT);
    end();
}

static void privately(void *argument)
{
    (void)argument;
    struct tls_client *strict, *lax;
    begin(true);
    assert_ok(tls_client_create(
        &(struct tls_client_options){.verify = true, .authority = web.certificate}, &strict));
    assert_ok(tls_client_create(&(struct tls_client_options){.verify = true}, &lax));
    request.tls = strict;
    assert_ok(ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
    assert_slice(answer.body, "hello");
    request.url = SLICE("https://other.test/"); /* another name */
    assert_error(ask("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), ERROR_DENIED);
    request.url = SLICE("https://good.test/");
    request.tls = lax; /* the system's authorities do not know it */
    assert_error(ask("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), ERROR_DENIED);
    assert_int_equal(web.requests, 1);
    tls_client_destroy(&strict);
    tls_client_destroy(&lax);
    end();
}

/* RFC 9112 9.8: under TLS an answer to the end of the connection is whole only with close_notify.
 */
static void cut_short(void *argument)
{
    (void)argument;
    struct tls_client *client;
    begin(true);
    assert_ok(tls_client_create(
        &(struct tls_client_options){.verify = true, .authority = web.certificate}, &client));
    request.tls = client;
    assert_ok(ask("HTTP/1.1 200 OK\r\n\r\nto the end"));
    assert_slice(answer.body, "to the end");
    web.cut = true;
    assert_error(ask("HTTP/1.1 200 OK\r\n\r\nto the"), ERROR_CLOSED);
    /* a length or chunks tell as well */
    assert_ok(ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"));
    assert_ok(ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"));
    assert_slice(answer.body, "whole");
    tls_client_destroy(&client);
    end();
    begin(false); /* in clear text nobody can tell */
    web.cut = true;
    assert_ok(ask("HTTP/1.0 200 OK\r\n\r\nto the"));
    end();
}

#define ON_CORE(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        on_core(name);                                                                             \
    }
ON_CORE(status_counts)
ON_CORE(bodies)
ON_CORE(posts)
ON_CORE(troubles)
ON_CORE(limits_of_answers)
ON_CORE(requests_too_large)
ON_CORE(cut_short)
ON_CORE(privately)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_counts),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_posts),
        cmocka_unit_test(test_troubles),
        cmocka_unit_test(test_limits_of_answers),
        cmocka_unit_test(test_requests_too_large),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_privately),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
