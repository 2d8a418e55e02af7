/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns/zone.h"

#include "net/dns/addresses.h"
#include "net/dns/hosts.h"

#include <stdlib.h>

static struct arena arena;

static error find(const char *name, struct dns_addresses *out)
{
    return dns_addresses_find(slice_from_string(name), 25, &arena, soon(), out);
}

static const char *text(const struct dns_addresses *found, unsigned index)
{
    static char room[ADDRESS_TEXT_SIZE];
    assert_true(index < found->count);
    address_format(&found->items[index], room);
    return room;
}

static void from_dns(void *argument)
{
    (void)argument;
    struct dns_addresses found;
    arena_init(&arena, 1 << 20);
    zone_start(true, NULL);
    zone_a("both.test", "192.0.2.1");
    zone_a("both.test", "192.0.2.2");
    zone_a("both.test", "2001:db8::1");
    zone_a("four.test", "192.0.2.3");
    zone_cname("alias.test", "both.test");
    zone_txt("bare.test", "nothing else");
    zone_flags("signed.test", ZONE_SIGNED);
    zone_a("signed.test", "192.0.2.4");
    assert_ok(find("both.test", &found));
    assert_int_equal(found.count, 3);
    assert_string_equal(text(&found, 0), "[2001:db8::1]:25");
    assert_string_equal(text(&found, 1), "192.0.2.1:25");
    assert_string_equal(text(&found, 2), "192.0.2.2:25");
    assert_false(found.authentic);
    assert_int_equal(zone.questions, 2);
    assert_ok(find("four.test", &found));
    assert_int_equal(found.count, 1);
    assert_ok(find("alias.test", &found));
    assert_int_equal(found.count, 3);
    assert_slice(found.owner, "both.test");
    assert_ok(find("bare.test", &found));
    assert_int_equal(found.count, 0);
    assert_error(find("none.test", &found), ERROR_NOT_FOUND);
    assert_ok(find("signed.test", &found));
    assert_true(found.authentic);
    zone_stop();
    arena_close(&arena);
}

static void troubles(void *argument)
{
    (void)argument;
    struct dns_addresses found;
    arena_init(&arena, 1 << 20);
    zone.patience = 500;
    zone_start(true, NULL);
    zone_flags("silent.test", ZONE_SILENT);
    zone_flags("broken.test", ZONE_BROKEN);
    assert_error(find("silent.test", &found), ERROR_TEMPORARY);
    assert_error(find("broken.test", &found), ERROR_TEMPORARY);
    assert_error(find("a..b", &found), ERROR_MALFORMED);
    /* past DNS_ADDRESSES_MAX, and too large for UDP */
    for (int i = 0; i < 200; i++) {
        char ip[32];
        snprintf(ip, sizeof ip, "192.0.2.%d", i);
        zone_a("many.test", ip);
    }
    assert_ok(find("many.test", &found));
    assert_int_equal(found.count, DNS_ADDRESSES_MAX);
    assert_int_equal(zone.tcp_questions, 1);
    zone_stop();
    arena_close(&arena);
}

static void without_dns(void *argument)
{
    (void)argument;
    struct dns_addresses found;
    char path[] = "/tmp/ringmail-hosts-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    put(fd,
        SLICE("# ours\n192.0.2.9 Relay.Test relay # old\n2001:db8::9\trelay.test.\nnonsense x\n"));
    close(fd);
    arena_init(&arena, 1 << 20);
    zone_start(true, path);
    assert_ok(find("relay.test", &found));
    assert_int_equal(found.count, 2);
    assert_string_equal(text(&found, 0), "192.0.2.9:25");
    assert_string_equal(text(&found, 1), "[2001:db8::9]:25");
    assert_false(found.authentic);
    assert_ok(find("RELAY", &found));
    assert_int_equal(found.count, 1);
    assert_ok(find("localhost", &found));
    assert_string_equal(text(&found, 1), "127.0.0.1:25");
    assert_ok(find("192.0.2.77", &found));
    assert_string_equal(text(&found, 0), "192.0.2.77:25");
    assert_ok(find("[2001:db8::2]", &found));
    assert_string_equal(text(&found, 0), "[2001:db8::2]:25");
    assert_int_equal(zone.questions, 0);
    zone_stop();
    unlink(path);
    arena_close(&arena);
}

static void test_hosts_limit(void **state)
{
    (void)state;
    struct dns_hosts hosts;
    char line[64];
    dns_hosts_init(&hosts);
    for (int i = 0; i <= DNS_HOSTS_MAX; i++) {
        snprintf(line, sizeof line, "192.0.2.1 n%d\n", i);
        assert_ok(dns_hosts_add(&hosts, slice_from_string(line)));
    }
    assert_int_equal(hosts.count, DNS_HOSTS_MAX);
    assert_non_null(dns_hosts_find(&hosts, SLICE("N0.")));
    assert_null(dns_hosts_find(&hosts, slice_from_string("n10000")));
    dns_hosts_close(&hosts);
}

static void test_from_dns(void **state)
{
    (void)state;
    on_core(from_dns);
}
static void test_troubles(void **state)
{
    (void)state;
    on_core(troubles);
}
static void test_without_dns(void **state)
{
    (void)state;
    on_core(without_dns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_dns),
        cmocka_unit_test(test_troubles),
        cmocka_unit_test(test_without_dns),
        cmocka_unit_test(test_hosts_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
