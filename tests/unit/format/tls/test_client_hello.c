/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ClientHellos made by OpenSSL: the seeds of the fuzz target.
 */
#include "check.h"

#include "format/tls/client_hello.h"

#include <stdio.h>
#include <string.h>

static char hello_bytes[4096];
static struct buffer joined;

static slice load(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "tests/fuzz/format/tls/corpus-client_hello/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(hello_bytes, 1, sizeof hello_bytes, file);
    fclose(file);
    assert_in_range(size, 100, sizeof hello_bytes - 1);
    return slice_of(hello_bytes, size);
}

static void test_reads_a_modern_hello(void **state)
{
    (void)state;
    struct tls_client_hello hello;
    size_t wanted;
    slice name, rest;
    assert_ok(tls_client_hello_parse(load("openssl"), &joined, &hello, &wanted));
    assert_int_equal(wanted, 0);
    assert_slice(hello.server_name, "mx.example.org");
    assert_true(hello.version_1_3 && hello.version_1_2 && hello.ecdsa && hello.rsa);
    rest = hello.protocols;
    assert_true(tls_client_hello_protocol(&rest, &name));
    assert_slice(name, "h2");
    assert_true(tls_client_hello_protocol(&rest, &name));
    assert_slice(name, "http/1.1");
    assert_false(tls_client_hello_protocol(&rest, &name));
}

static void test_suites_decide_before_1_3(void **state)
{
    (void)state;
    struct tls_client_hello hello;
    size_t wanted;
    assert_ok(tls_client_hello_parse(load("openssl-1.2"), &joined, &hello, &wanted));
    assert_true(!hello.version_1_3 && hello.version_1_2 && hello.ecdsa && hello.rsa);
    assert_ok(tls_client_hello_parse(load("openssl-rsa"), &joined, &hello, &wanted));
    assert_true(!hello.version_1_3 && !hello.ecdsa && hello.rsa);
    assert_int_equal(hello.server_name.size, 0);
}

static void test_joins_fragments(void **state)
{
    (void)state;
    struct tls_client_hello hello;
    size_t wanted;
    assert_ok(tls_client_hello_parse(load("split"), &joined, &hello, &wanted));
    assert_int_equal(wanted, 0);
    assert_slice(hello.server_name, "split.example.org");
    assert_true(hello.version_1_3 && hello.ecdsa);
}

/* At each cut it asks for more than it has and never for more than there is. */
static void test_asks_for_what_is_missing(void **state)
{
    (void)state;
    static const char *const names[] = {"openssl", "split"};
    for (size_t i = 0; i < 2; i++) {
        slice whole = load(names[i]);
        struct tls_client_hello hello;
        for (size_t size = 0; size < whole.size; size++) {
            size_t wanted = 0;
            assert_ok(tls_client_hello_parse(slice_sub(whole, 0, size), &joined, &hello, &wanted));
            assert_in_range(wanted, size + 1, whole.size);
        }
    }
}

/* No byte of the input may lead out of it; sanitizers watch. */
static void test_survives_damage(void **state)
{
    (void)state;
    struct tls_client_hello hello;
    size_t wanted, refused = 0;
    slice whole = load("openssl");
    for (size_t i = 0; i < whole.size; i++) {
        char kept = hello_bytes[i];
        hello_bytes[i] = (char)(kept ^ 0x55);
        refused += failed(tls_client_hello_parse(whole, &joined, &hello, &wanted));
        hello_bytes[i] = kept;
    }
    assert_true(refused > 20);
}

static void test_refuses_other_protocols(void **state)
{
    (void)state;
    struct tls_client_hello hello;
    size_t wanted;
    static const slice wrong[] = {
        SLICE("EHLO x\r\n"),
        SLICE("\x15\3\1\0\2\1\0"),       /* an alert */
        SLICE("\x16\3\1\0\4\2\0\0\0"),   /* a ServerHello */
        SLICE("\x16\3\1\x40\1\1\0\0\0"), /* a record too large */
        SLICE("\x16\2\1\0\4\1\0\0\0"),   /* another version */
        SLICE("\x16\3\1\0\4\1\0\0\0"),   /* empty */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_error(tls_client_hello_parse(wrong[i], &joined, &hello, &wanted), ERROR_MALFORMED);
    assert_error(tls_client_hello_parse(SLICE("\x16\3\1\0\4\1\1\0\0"), &joined, &hello, &wanted),
                 ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_modern_hello),
        cmocka_unit_test(test_suites_decide_before_1_3),
        cmocka_unit_test(test_joins_fragments),
        cmocka_unit_test(test_asks_for_what_is_missing),
        cmocka_unit_test(test_survives_damage),
        cmocka_unit_test(test_refuses_other_protocols),
    };
    buffer_init(&joined, 4 * TLS_CLIENT_HELLO_SIZE_MAX);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&joined);
    return result;
}
