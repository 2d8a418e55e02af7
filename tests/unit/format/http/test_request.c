/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/http/request.h"

/* The head with lines separated by '\n'. */
static error parse(const char *head, struct http_request *out)
{
    slice rest = slice_from_string(head), line;
    slice_cut(rest, '\n', &line, &rest);
    TRY(http_request_line_parse(line, out));
    while (rest.size > 0) {
        slice_cut(rest, '\n', &line, &rest);
        TRY(http_request_field_parse(line, out));
    }
    return http_request_check(out);
}

static void test_what_clients_send(void **state)
{
    (void)state;
    struct http_request request;
    assert_false(
        failed(parse("GET /stats?core=1&x=a%20b HTTP/1.1\nHost: localhost:9090\nUser-Agent: "
                     "curl/7.88.1\nAccept: */*\nauthorization: bearer  abc ",
                     &request)));
    assert_int_equal(request.method, HTTP_GET);
    assert_true(slice_equal(request.path, SLICE("/stats")));
    assert_true(slice_equal(request.query, SLICE("core=1&x=a%20b")));
    assert_true(slice_equal(request.bearer_token, SLICE("abc")));
    assert_true(request.keep_alive);
    assert_false(request.has_length);
    slice value;
    assert_true(http_query_find(request.query, SLICE("x"), &value));
    assert_true(slice_equal(value, SLICE("a%20b")));
    assert_false(http_query_find(request.query, SLICE("y"), &value));

    assert_false(
        failed(parse("PATCH /config HTTP/1.1\nHost: x\nContent-Length: 17\nExpect: "
                     "100-continue\nConnection: foo, Close\nContent-Type: application/json",
                     &request)));
    assert_int_equal(request.method, HTTP_PATCH);
    assert_int_equal(request.length, 17);
    assert_true(request.expect_continue);
    assert_false(request.keep_alive);
    assert_true(slice_equal(request.content_type, SLICE("application/json")));

    assert_false(failed(parse("GET / HTTP/1.0", &request)));
    assert_false(request.keep_alive);
    assert_false(failed(parse("BREW /pot HTTP/1.1\nHost:", &request)));
    assert_int_equal(request.method, HTTP_OTHER);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "",
        "GET",
        "GET /",
        "GET  / HTTP/1.1\nHost: x",
        "GET / HTTP/1.1",                            /* no Host */
        "GET / HTTP/1.1\nHost: x\nHost: y",          /* two */
        "GET / HTTP/1.1 \nHost: x",                  /* more than the line */
        "GET / HTTP/2.0\nHost: x",                   /* another protocol */
        "GET http://x/ HTTP/1.1\nHost: x",           /* absolute form */
        "GET /a#b HTTP/1.1\nHost: x",                /* a fragment */
        "GET /\x01 HTTP/1.1\nHost: x",               /* a control character */
        "GET / HTTP/1.1\nHost : x",                  /* blank before the colon */
        "GET / HTTP/1.1\nHost: x\n folded: line",    /* obsolete folding */
        "GET / HTTP/1.1\nHost: x\nNo colon",         /* no field */
        "GET / HTTP/1.1\nHost: x\nA: b\x01",         /* a control character */
        "GET / HTTP/1.1\nHost: x\nContent-Length: ", /* smuggling: lengths */
        "GET / HTTP/1.1\nHost: x\nContent-Length: +1",
        "GET / HTTP/1.1\nHost: x\nContent-Length: 1, 1",
        "GET / HTTP/1.1\nHost: x\nContent-Length: 99999999999999999999",
        "GET / HTTP/1.1\nHost: x\nContent-Length: 1\nContent-Length: 1",
        "GET / HTTP/1.1\nHost: x\nContent-Length: 1\nTransfer-Encoding: chunked",
        "GET / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked",
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct http_request request;
        assert_int_equal(parse(heads[i], &request).kind, ERROR_MALFORMED);
    }
    struct http_request request;
    assert_int_equal(parse("GET / HTTP/1.1\nHost: x\nTransfer-Encoding: gzip", &request).kind,
                     ERROR_PERMANENT);
}

static void test_limits(void **state)
{
    (void)state;
    struct http_request request;
    assert_false(failed(http_request_line_parse(SLICE("GET / HTTP/1.1"), &request)));
    for (unsigned i = 0; i < HTTP_FIELDS_MAX; i++)
        assert_false(failed(http_request_field_parse(SLICE("a: b"), &request)));
    assert_int_equal(http_request_field_parse(SLICE("a: b"), &request).kind, ERROR_LIMIT);

    /* The parameter after the last that is looked at is not found. */
    char query[HTTP_PARAMETERS_MAX * 2 + 4];
    for (size_t i = 0; i < HTTP_PARAMETERS_MAX; i++)
        memcpy(query + 2 * i, "a&", 2);
    memcpy(query + sizeof query - 4, "b=c", 4);
    slice value;
    assert_false(http_query_find(slice_of(query, sizeof query - 1), SLICE("b"), &value));
    assert_true(http_query_find(slice_of(query + 2, sizeof query - 3), SLICE("b"), &value));
}

static void test_percent_escapes(void **state)
{
    (void)state;
    char out[64];
    size_t size;
    assert_false(failed(http_percent_decode(SLICE("%41+b%2f%C3%a9"), true, out, &size)));
    assert_true(slice_equal(slice_of(out, size), SLICE("A b/\xc3\xa9")));
    assert_false(failed(http_percent_decode(SLICE("a+b"), false, out, &size)));
    assert_true(slice_equal(slice_of(out, size), SLICE("a+b")));
    static const char *const broken[] = {"%", "%4", "%zz", "%00", "a%1"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_int_equal(http_percent_decode(slice_from_string(broken[i]), true, out, &size).kind,
                         ERROR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_clients_send),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_percent_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
