/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns/zone.h"

#include "transport/route/tlsa.h"

static struct arena arena;
static struct route_tlsa tlsa;

static void find(const char *name, bool authentic)
{
    const struct route_host host = {
        .name = slice_from_string(name), .port = 25, .authentic = authentic};
    assert_ok(route_tlsa_find(&host, &arena, soon(), &tlsa));
}

static void sign(const char *name)
{
    zone_flags(name, ZONE_SIGNED);
}

static void cases(void *argument)
{
    (void)argument;
    static const char record[35] = "\3\1\1HASHHASHHASHHASHHASHHASHHASHHASH";
    arena_init(&arena, 1 << 20);
    zone_start(true, NULL);
    sign("good.test"), zone_a("good.test", "192.0.2.1");
    sign("_25._tcp.good.test"), zone_tlsa("_25._tcp.good.test", record, sizeof record);
    find("good.test", true);
    assert_int_equal(tlsa.state, ROUTE_TLSA_SECURE);
    assert_int_equal(tlsa.count, 1);
    assert_int_equal(tlsa.records[0].tlsa.usage, 3);
    assert_slice(tlsa.base, "good.test");
    find("good.test", false); /* its name did not come by DNSSEC */
    assert_int_equal(tlsa.state, ROUTE_TLSA_NONE);
    /* addresses not by DNSSEC: TLSA is not even asked for */
    zone_a("plain.test", "192.0.2.1");
    sign("_25._tcp.plain.test"), zone_tlsa("_25._tcp.plain.test", record, sizeof record);
    unsigned before = zone.questions;
    find("plain.test", true);
    assert_int_equal(tlsa.state, ROUTE_TLSA_NONE);
    assert_int_equal(zone.questions, before + 2);
    /* TLSA not by DNSSEC */
    sign("half.test"), zone_a("half.test", "192.0.2.1");
    zone_tlsa("_25._tcp.half.test", record, sizeof record);
    find("half.test", true);
    assert_int_equal(tlsa.state, ROUTE_TLSA_NONE);
    /* no TLSA */
    sign("none.test"), zone_a("none.test", "192.0.2.1");
    find("none.test", true);
    assert_int_equal(tlsa.state, ROUTE_TLSA_NONE);
    /* somebody hides it */
    sign("bogus.test"), zone_a("bogus.test", "192.0.2.1");
    zone_flags("_25._tcp.bogus.test", ZONE_BROKEN);
    find("bogus.test", true);
    assert_int_equal(tlsa.state, ROUTE_TLSA_BOGUS);
    zone_flags("hidden.test", ZONE_BROKEN);
    find("hidden.test", true);
    assert_int_equal(tlsa.state, ROUTE_TLSA_BOGUS);
    /* an alias: records of its end come first */
    sign("alias.test"), zone_cname("alias.test", "good.test");
    find("alias.test", true);
    assert_int_equal(tlsa.state, ROUTE_TLSA_SECURE);
    assert_slice(tlsa.base, "good.test");
    /* the end has none, the alias does */
    sign("alias2.test"), zone_cname("alias2.test", "none.test");
    sign("_25._tcp.alias2.test"), zone_tlsa("_25._tcp.alias2.test", record, sizeof record);
    find("alias2.test", true);
    assert_int_equal(tlsa.state, ROUTE_TLSA_SECURE);
    assert_slice(tlsa.base, "alias2.test");
    zone_stop();
    /* a resolver that is not trusted */
    zone_start(false, NULL);
    sign("good.test"), zone_a("good.test", "192.0.2.1");
    sign("_25._tcp.good.test"), zone_tlsa("_25._tcp.good.test", record, sizeof record);
    find("good.test", true);
    assert_int_equal(tlsa.state, ROUTE_TLSA_NONE);
    zone_stop();
    arena_close(&arena);
}

static void test_cases(void **state)
{
    (void)state;
    on_core(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
