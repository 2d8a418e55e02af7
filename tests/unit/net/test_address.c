/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "net/address.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static void check_round(const char *text, const char *expected, int family)
{
    struct address address, again;
    char out[ADDRESS_TEXT_SIZE];
    assert_ok(address_parse(slice_from_string(text), &address));
    assert_int_equal(address.family, family);
    address_format(&address, out);
    assert_string_equal(out, expected);
    assert_ok(address_parse(slice_from_string(out), &again));
    assert_true(address_equal(&address, &again));
}

static void test_reads_and_writes_addresses(void **state)
{
    (void)state;
    check_round("192.0.2.1:25", "192.0.2.1:25", ADDRESS_IPV4);
    check_round("[2001:DB8:0::1]:65535", "[2001:db8::1]:65535", ADDRESS_IPV6);
    check_round("*:2525", "[::]:2525", ADDRESS_IPV6);
    check_round("2525", "[::]:2525", ADDRESS_IPV6);
    check_round("[::ffff:192.0.2.1]:25", "192.0.2.1:25", ADDRESS_IPV4);
    check_round("/run/ringmail/lmtp.sock", "unix:/run/ringmail/lmtp.sock", ADDRESS_UNIX);
    check_round("unix:relative.sock", "unix:relative.sock", ADDRESS_UNIX);
    check_round("@abstract", "unix:@abstract", ADDRESS_UNIX);
    check_round("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", ADDRESS_IPV6);
}

static void test_refuses_what_is_no_address(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",      ":",       "192.0.2.1",    "192.0.2.1:65536", "192.0.2:25",  "::1:25",
        "[::1]", "[::1:25", "192.0.2.1:-1", "192.0.2.1:25 ",   "1.2.3.4.5:1", "unix:",
        "x:25",  "[]:25",   "01.2.3.4x:25",
    };
    struct address address;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_error(address_parse(slice_from_string(wrong[i]), &address), ERROR_MALFORMED);
    char path[120];
    memset(path, 'x', sizeof path);
    path[0] = '/';
    assert_error(address_parse(slice_of(path, 108), &address), ERROR_MALFORMED);
    assert_ok(address_parse(slice_of(path, 107), &address));
    assert_error(address_parse_ip(slice_of("127.0.0.1\0", 10), &address), ERROR_MALFORMED);
}

static void test_crosses_the_system_call_edge(void **state)
{
    (void)state;
    static const char *const texts[] = {"192.0.2.1:25", "[2001:db8::1]:25", "/run/x.sock"};
    for (size_t i = 0; i < 3; i++) {
        struct address address, back;
        struct sockaddr_storage storage;
        socklen_t size;
        assert_ok(address_parse(slice_from_string(texts[i]), &address));
        assert_ok(address_to_sockaddr(&address, &storage, &size));
        address_from_sockaddr((struct sockaddr *)&storage, size, &back);
        assert_true(address_equal(&address, &back));
    }
    struct address none = {.family = ADDRESS_NONE};
    struct sockaddr_storage storage;
    socklen_t size;
    assert_error(address_to_sockaddr(&none, &storage, &size), ERROR_MALFORMED);
    /* an accepted connection's peer on a Unix socket has no name */
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    address_from_sockaddr((struct sockaddr *)&un, sizeof(sa_family_t), &none);
    assert_int_equal(none.family, ADDRESS_UNIX);
    assert_int_equal(none.path.size, 0);
}

static bool in(const char *network_text, const char *ip_text)
{
    struct network network;
    struct address address;
    assert_ok(network_parse(slice_from_string(network_text), &network));
    assert_ok(address_parse_ip(slice_from_string(ip_text), &address));
    return network_matches(&network, &address);
}

static void test_matches_networks(void **state)
{
    (void)state;
    assert_true(in("192.0.2.0/24", "192.0.2.255"));
    assert_false(in("192.0.2.0/24", "192.0.3.0"));
    assert_true(in("192.0.2.128/25", "192.0.2.128"));
    assert_false(in("192.0.2.128/25", "192.0.2.127"));
    assert_true(in("0.0.0.0/0", "255.255.255.255"));
    assert_false(in("0.0.0.0/0", "::1"));
    assert_true(in("192.0.2.7", "192.0.2.7"));
    assert_false(in("192.0.2.7", "192.0.2.6"));
    assert_true(in("2001:db8::/33", "2001:db8:7fff::"));
    assert_false(in("2001:db8::/33", "2001:db8:8000::"));
    assert_true(in("::/0", "::1"));
    assert_true(in("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert_true(in("10.0.0.0/8", "::ffff:10.1.2.3"));
}

static void test_refuses_what_is_no_network(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "192.0.2.1/24", "192.0.2.0/33",   "2001:db8::/129", "192.0.2.0/",
        "/24",          "2001:db8::1/64", "10.0.0.0/8x",    "::ffff:10.0.0.0/95"};
    struct network network;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_error(network_parse(slice_from_string(wrong[i]), &network), ERROR_MALFORMED);
}

static void test_lists_of_networks(void **state)
{
    (void)state;
    struct arena arena;
    struct network_list list;
    struct address address;
    arena_init(&arena, 4096);
    assert_ok(network_list_parse(SLICE(" 127.0.0.0/8, ::1\n10.0.0.0/8,unix,"), &arena, &list));
    assert_int_equal(list.count, 4);
    assert_ok(address_parse(SLICE("[::1]:1"), &address));
    assert_true(network_list_matches(&list, &address));
    assert_ok(address_parse(SLICE("/run/x"), &address));
    assert_true(network_list_matches(&list, &address));
    assert_ok(address_parse(SLICE("11.0.0.1:1"), &address));
    assert_false(network_list_matches(&list, &address));
    assert_false(network_list_matches(NULL, &address));
    char text[ADDRESS_TEXT_SIZE];
    assert_slice(network_format(&list.networks[2], text), "10.0.0.0/8");
    assert_error(network_list_parse(SLICE("127.0.0.0/8 nonsense"), &arena, &list), ERROR_MALFORMED);
    assert_ok(network_list_parse(SLICE(""), &arena, &list));
    assert_int_equal(list.count, 0);
    arena_close(&arena);
}

static void test_knows_loopback_and_any(void **state)
{
    (void)state;
    struct address address;
    assert_ok(address_parse(SLICE("127.9.9.9:1"), &address));
    assert_true(address_is_loopback(&address));
    assert_ok(address_parse(SLICE("[::2]:1"), &address));
    assert_false(address_is_loopback(&address));
    assert_ok(address_parse(SLICE("*:1"), &address));
    assert_true(address_is_any(&address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_and_writes_addresses),
        cmocka_unit_test(test_refuses_what_is_no_address),
        cmocka_unit_test(test_crosses_the_system_call_edge),
        cmocka_unit_test(test_matches_networks),
        cmocka_unit_test(test_refuses_what_is_no_network),
        cmocka_unit_test(test_lists_of_networks),
        cmocka_unit_test(test_knows_loopback_and_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
