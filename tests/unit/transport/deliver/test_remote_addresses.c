/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * In which order the addresses of a host are dialled, and from where: without a network.
 */
#include "check.h"
#include "transport/deliver/fakes.h"

static struct arena arena;
static struct remote_settings settings;

/* `text` is letters: a digit is an IPv4 address ending in it, a letter an IPv6 address. */
static struct address address_of(char letter)
{
    struct address address = {.family = ascii_is_digit(letter) ? ADDRESS_IPV4 : ADDRESS_IPV6};
    address.ip[ascii_is_digit(letter) ? 3 : 15] = (uint8_t)letter;
    return address;
}

static void assert_order(int prefer, const char *found, const char *expected)
{
    struct address addresses[ROUTE_ADDRESSES_MAX + 4];
    struct route_host host = {.name = SLICE("mx.b.example"), .port = 26};
    struct route route = {.kind = ROUTE_SMTP, .hosts = &host, .host_count = 1};
    struct remote_options options = {.settings = &settings, .hostname = SLICE("a.example")};
    struct remote *remote;
    struct remote_answer answer;
    settings.prefer = prefer;
    world = (struct fake_world){.addresses = addresses, .address_count = (unsigned)strlen(found)};
    for (unsigned i = 0; found[i]; i++)
        addresses[i] = address_of(found[i]);
    assert_error(remote_open(&route, &options, &arena, &remote, &answer), ERROR_TEMPORARY);
    assert_int_equal(answer.enhanced[0], 4);
    assert_int_equal(world.dials, strlen(expected));
    for (unsigned i = 0; i < world.dials; i++) {
        struct address wanted = address_of(expected[i]);
        wanted.port = 26;
        assert_true(address_equal(&world.dialled[i], &wanted));
    }
}

static void test_order(void **state)
{
    (void)state;
    assert_order(REMOTE_PREFER_BOTH, "12ab", "a1b2");
    assert_order(REMOTE_PREFER_BOTH, "ab12", "a1b2");
    assert_order(REMOTE_PREFER_BOTH, "123a", "a123");
    assert_order(REMOTE_PREFER_BOTH, "abc1", "a1bc");
    assert_order(REMOTE_PREFER_BOTH, "12", "12");
    assert_order(REMOTE_PREFER_BOTH, "ab", "ab");
    assert_order(REMOTE_PREFER_IPV6, "1a2b", "ab12");
    assert_order(REMOTE_PREFER_IPV4, "a1b2", "12ab");
    assert_order(REMOTE_PREFER_IPV4, "ab", "ab");
    assert_order(REMOTE_PREFER_BOTH, "", "");
    /* no more than REMOTE_ADDRESSES_MAX of them */
    assert_order(REMOTE_PREFER_IPV4, "11112222333344445555", "1111222233334444");
}

static void test_source(void **state)
{
    (void)state;
    settings.source_ipv4 = SLICE("192.0.2.7");
    settings.source_ipv6 = SLICE("2001:db8::7");
    assert_order(REMOTE_PREFER_BOTH, "1", "1");
    assert_int_equal(world.source.family, ADDRESS_IPV4);
    assert_int_equal(world.source.ip[3], 7);
    assert_order(REMOTE_PREFER_BOTH, "a", "a");
    assert_int_equal(world.source.family, ADDRESS_IPV6);
    assert_int_equal(world.source.ip[15], 7);
    settings.source_ipv4 = SLICE_EMPTY;
    assert_order(REMOTE_PREFER_BOTH, "1", "1");
    assert_int_equal(world.source.family, ADDRESS_NONE);
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return settings_default(&remote_setting_table, &arena, &settings).kind;
}

static int tear_down(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_source, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
