/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/proxy/header.h"

#include <string.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"

/* Feeds just as many bytes as are wanted, as a connection would; the whole must be used. */
static error read_all(slice input, struct proxy_header *header)
{
    size_t size = 0, wanted;
    for (;;) {
        TRY(proxy_header_parse(slice_sub(input, 0, size), header, &wanted));
        if (wanted == 0)
            break;
        assert_true(wanted > size);
        if (wanted > input.size)
            return error_make(ERROR_CLOSED, "more is wanted");
        size = wanted;
    }
    assert_int_equal(size, input.size);
    return OK;
}

static void test_reads_version_1(void **state)
{
    (void)state;
    struct proxy_header header;
    assert_ok(read_all(SLICE("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n"), &header));
    assert_int_equal(header.version, 1);
    assert_int_equal(header.family, PROXY_IPV4);
    assert_memory_equal(header.source_ip, "\xc0\0\2\1", 4);
    assert_memory_equal(header.destination_ip, "\xc6\x33\x64\2", 4);
    assert_int_equal(header.source_port, 56324);
    assert_int_equal(header.destination_port, 25);
    assert_ok(read_all(SLICE("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"), &header));
    assert_int_equal(header.family, PROXY_IPV6);
    assert_ok(read_all(SLICE("PROXY UNKNOWN\r\n"), &header));
    assert_int_equal(header.family, PROXY_NONE);
    assert_ok(read_all(SLICE("PROXY UNKNOWN ffff::1 ffff::1 65535 65535\r\n"), &header));
    assert_int_equal(header.family, PROXY_NONE);
}

static void test_refuses_wrong_version_1(void **state)
{
    (void)state;
    static const slice wrong[] = {
        SLICE("EHLO example.org\r\n"),
        SLICE("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\n"),
        SLICE("PROXY TCP4 192.0.2.1 198.51.100.2 56324 65536\r\n"),
        SLICE("PROXY TCP4 192.0.2.1 198.51.100.2 056324 25\r\n"),
        SLICE("PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n"),
        SLICE("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25 \r\n"),
        SLICE("PROXY TCP4 ::1 ::1 56324 25\r\n"),
        SLICE("PROXY TCP6 192.0.2.1 198.51.100.2 56324 25\r\n"),
        SLICE("PROXY TCP4  192.0.2.1 198.51.100.2 56324 25\r\n"),
        SLICE("PROXY UDP4 192.0.2.1 198.51.100.2 56324 25\r\n"),
        SLICE("PROXY UNKNOWNS TO US\r\n"),
        SLICE("PROXY TCP4 192.0.2.1\0 198.51.100.2 56324 25\r\n"),
    };
    struct proxy_header header;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_error(read_all(wrong[i], &header), ERROR_MALFORMED);
    char long_line[200] = "PROXY UNKNOWN ";
    memset(long_line + 14, 'x', sizeof long_line - 14);
    assert_error(read_all(slice_of(long_line, sizeof long_line), &header), ERROR_LIMIT);
    memcpy(long_line + PROXY_V1_SIZE_MAX - 1, "\r\n", 2);
    assert_error(read_all(slice_of(long_line, PROXY_V1_SIZE_MAX + 1), &header), ERROR_LIMIT);
    memcpy(long_line + PROXY_V1_SIZE_MAX - 2, "\r\n", 2);
    assert_ok(read_all(slice_of(long_line, PROXY_V1_SIZE_MAX), &header));
}

static void test_reads_version_2(void **state)
{
    (void)state;
    struct proxy_header header;
    assert_ok(read_all(SLICE(V2 "\x21\x11\0\x0c"
                                "\xc0\0\2\1"
                                "\xc6\x33\x64\2"
                                "\xdc\x04\0\x19"),
                       &header));
    assert_int_equal(header.version, 2);
    assert_int_equal(header.family, PROXY_IPV4);
    assert_int_equal(header.source_port, 56324);
    assert_int_equal(header.destination_port, 25);
    assert_memory_equal(header.destination_ip, "\xc6\x33\x64\2", 4);
    assert_ok(read_all(SLICE(V2 "\x20\0\0\0"), &header)); /* LOCAL */
    assert_int_equal(header.family, PROXY_NONE);
    assert_ok(read_all(SLICE(V2 "\x20\x11\0\3abc"), &header)); /* its content is ignored */
    assert_int_equal(header.family, PROXY_NONE);
    assert_ok(read_all(SLICE(V2 "\x21\0\0\0"), &header)); /* AF_UNSPEC */
    assert_int_equal(header.family, PROXY_NONE);
}

static void test_reads_type_length_values(void **state)
{
    (void)state;
    struct proxy_header header;
    assert_ok(read_all(SLICE(V2 "\x21\x11\0\x2b"
                                "\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\0\x19"
                                "\x02\0\x0bmx.test.org"
                                "\x20\0\x0e\1\0\0\0\0\x21\0\6TLSv1."),
                       &header));
    assert_slice(header.authority, "mx.test.org");
    assert_true(header.tls);
    assert_slice(header.tls_version, "TLSv1.");
    /* a value that says it is longer than the header */
    assert_error(read_all(SLICE(V2 "\x21\x11\0\x10"
                                   "\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\0\x19"
                                   "\x02\0\x0bm"),
                          &header),
                 ERROR_MALFORMED);
}

static void test_refuses_wrong_version_2(void **state)
{
    (void)state;
    struct proxy_header header;
    assert_error(read_all(SLICE(V2 "\x11\x11\0\x0c"), &header), ERROR_MALFORMED);
    assert_error(read_all(SLICE(V2 "\x22\x11\0\0"), &header), ERROR_MALFORMED);
    assert_error(read_all(SLICE(V2 "\x21\x11\0\x04\1\2\3\4"), &header), ERROR_MALFORMED);
    assert_error(read_all(SLICE(V2 "\x21\x51\0\0"), &header), ERROR_MALFORMED);
    assert_error(read_all(SLICE(V2 "\x21\x11\xff\xff"), &header), ERROR_LIMIT);
    assert_error(read_all(SLICE("\r\n\r\n\r\nQUITS\n1234567890"), &header), ERROR_MALFORMED);
    assert_error(read_all(SLICE(V2 "\x21\x11\0\x0c\1\2"), &header), ERROR_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_version_1),
        cmocka_unit_test(test_refuses_wrong_version_1),
        cmocka_unit_test(test_reads_version_2),
        cmocka_unit_test(test_reads_type_length_values),
        cmocka_unit_test(test_refuses_wrong_version_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
