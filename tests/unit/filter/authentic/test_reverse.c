/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/zone.h"

#include "filter/authentic/reverse.h"

static struct arena arena;
static struct zone zone;
static struct reverse_check result;

static const char *check(const char *ip)
{
    struct address peer;
    const struct dns_source source = zone_source(&zone);
    assert_ok(address_parse_ip(slice_from_string(ip), &peer));
    assert_ok(reverse_check(&peer, &source, &arena, TIME_NEVER, &result));
    return reverse_result_name(result.result);
}

static void test_names(void **state)
{
    (void)state;
    static const char six[] =
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    zone_name(&zone, "1.2.0.192.in-addr.arpa", DNS_PTR, "other.example");
    zone_name(&zone, "1.2.0.192.in-addr.arpa", DNS_PTR, "mx.example");
    zone_name(&zone, "2.2.0.192.in-addr.arpa", DNS_PTR, "mx.example");
    zone_name(&zone, six, DNS_PTR, "mx.example");
    zone_address(&zone, "mx.example", "192.0.2.1");
    zone_address(&zone, "mx.example", "2001:db8::1");
    assert_string_equal(check("192.0.2.1"), "pass");
    assert_slice(result.name, "mx.example");
    assert_string_equal(check("2001:db8::1"), "pass");
    assert_string_equal(check("192.0.2.2"), "fail");
    assert_int_equal(result.name.size, 0);
    assert_string_equal(check("192.0.2.3"), "permerror");
    zone_dead(&zone, "4.2.0.192.in-addr.arpa");
    assert_string_equal(check("192.0.2.4"), "temperror");
    zone_name(&zone, "5.2.0.192.in-addr.arpa", DNS_PTR, "away.example");
    zone_dead(&zone, "away.example");
    assert_string_equal(check("192.0.2.5"), "temperror");
}

static void test_looks_at_so_many(void **state)
{
    (void)state;
    memset(&zone, 0, sizeof zone);
    for (int i = 0; i < REVERSE_NAMES_MAX; i++)
        zone_name(&zone, "1.2.0.192.in-addr.arpa", DNS_PTR, "wrong.example");
    zone_name(&zone, "1.2.0.192.in-addr.arpa", DNS_PTR, "right.example");
    zone_address(&zone, "right.example", "192.0.2.1");
    assert_string_equal(check("192.0.2.1"), "fail");
    assert_int_equal(zone.asked, 1 + REVERSE_NAMES_MAX);
}

int main(void)
{
    arena_init(&arena, 1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_looks_at_so_many),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
