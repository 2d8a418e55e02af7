/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/http/answer.h"

static void test_status(void **state)
{
    (void)state;
    struct http_answer answer;
    assert_ok(http_answer_line_parse(SLICE("HTTP/1.1 200 OK"), &answer));
    assert_int_equal(answer.status, 200);
    assert_ok(http_answer_line_parse(SLICE("HTTP/1.0 599"), &answer));
    static const char *const wrong[] = {"",
                                        "HTTP/2 200",
                                        "HTTP/1.1 20 OK",
                                        "HTTP/1.1 2000",
                                        "HTTP/1.1 099 x",
                                        "HTTP/1.1 600 x",
                                        "HTTP/1.1  200",
                                        "HTTP/1.1 +20 x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_error(http_answer_line_parse(slice_from_string(wrong[i]), &answer), ERROR_MALFORMED);
}

static void test_fields(void **state)
{
    (void)state;
    struct http_answer answer;
    assert_ok(http_answer_line_parse(SLICE("HTTP/1.1 200 OK"), &answer));
    assert_int_equal(http_answer_framing(&answer, false), HTTP_BODY_TO_END);
    assert_ok(http_answer_field_parse(SLICE("Content-Length: 5"), &answer));
    assert_ok(http_answer_field_parse(SLICE("content-length: 5"), &answer));
    assert_int_equal(http_answer_framing(&answer, false), HTTP_BODY_LENGTH);
    assert_int_equal(http_answer_framing(&answer, true), HTTP_BODY_NONE);
    assert_error(http_answer_field_parse(SLICE("Content-Length: 6"), &answer), ERROR_MALFORMED);
    assert_error(http_answer_field_parse(SLICE("Content-Length: x"), &answer), ERROR_MALFORMED);
    assert_ok(http_answer_field_parse(SLICE("Transfer-Encoding: Chunked"), &answer));
    assert_int_equal(http_answer_framing(&answer, false), HTTP_BODY_CHUNKED);
    assert_error(http_answer_field_parse(SLICE("Transfer-Encoding: chunked"), &answer),
                 ERROR_MALFORMED);
    assert_error(http_answer_field_parse(SLICE("A : b"), &answer), ERROR_MALFORMED);
    assert_error(http_answer_field_parse(SLICE(" folded"), &answer), ERROR_MALFORMED);
    assert_error(http_answer_field_parse(SLICE("A: b\x01"), &answer), ERROR_MALFORMED);
    while (answer.fields < HTTP_ANSWER_FIELDS_MAX)
        assert_ok(http_answer_field_parse(SLICE("A: b"), &answer));
    assert_error(http_answer_field_parse(SLICE("A: b"), &answer), ERROR_LIMIT);
}

static void test_chunks(void **state)
{
    (void)state;
    uint64_t size;
    assert_ok(http_chunk_size_parse(SLICE("1aF"), &size));
    assert_int_equal(size, 0x1af);
    assert_ok(http_chunk_size_parse(SLICE("0 ; name=value"), &size));
    assert_int_equal(size, 0);
    assert_error(http_chunk_size_parse(SLICE(""), &size), ERROR_MALFORMED);
    assert_error(http_chunk_size_parse(SLICE("5x"), &size), ERROR_MALFORMED);
    assert_error(http_chunk_size_parse(SLICE("11111111111111111"), &size), ERROR_MALFORMED);
}

static void test_urls(void **state)
{
    (void)state;
    struct http_url url;
    assert_ok(http_url_parse(SLICE("https://mta-sts.example.net/.well-known/mta-sts.txt"), &url));
    assert_true(url.https);
    assert_slice(url.host, "mta-sts.example.net");
    assert_int_equal(url.port, 443);
    assert_slice(url.target, "/.well-known/mta-sts.txt");
    assert_ok(http_url_parse(SLICE("HTTP://h:8080"), &url));
    assert_int_equal(url.port, 8080);
    assert_slice(url.target, "/");
    assert_ok(http_url_parse(SLICE("http://[2001:db8::1]:81/x?y"), &url));
    assert_slice(url.host, "2001:db8::1");
    assert_int_equal(url.port, 81);
    static const char *const wrong[] = {"",
                                        "example.net",
                                        "http://",
                                        "http://h:0/",
                                        "http://h:70000/",
                                        "http://u@h/",
                                        "http://h/a b",
                                        "http://h/\r\nX",
                                        "http://[::1/",
                                        "http://[::1]x/",
                                        "http://h?q",
                                        "http://h/#f",
                                        "http://h h/"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_error(http_url_parse(slice_from_string(wrong[i]), &url), ERROR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
