/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/http/response.h"

static void assert_head(const struct http_response *response, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 4096);
    http_response_write(response, 784111777, &out); /* RFC 9110 5.6.7's own example */
    buffer_add_byte(&out, '\0');
    assert_string_equal(out.data, expected);
    buffer_close(&out);
}

static void test_heads(void **state)
{
    (void)state;
    assert_head(&(struct http_response){.status = 200, .content_type = "text/plain", .length = 5},
                "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                "Content-Type: text/plain\r\nContent-Length: 5\r\n"
                "X-Content-Type-Options: nosniff\r\n\r\n");
    assert_head(
        &(struct http_response){
            .status = 405, .close = true, .private = true, .fields = "Allow: GET\r\n"},
        "HTTP/1.1 405 Method Not Allowed\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Length: 0\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\nAllow: GET\r\n\r\n");
    assert_head(&(struct http_response){.status = 204},
                "HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                "X-Content-Type-Options: nosniff\r\n\r\n");
    assert_string_equal(http_status_text(299), "Unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_heads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
