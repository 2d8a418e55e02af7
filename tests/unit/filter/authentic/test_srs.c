/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "filter/authentic/srs.h"

static struct arena arena;
static const slice secret = {"0123456789abcdef", 16};
static const int64_t day = 86400, now = 20000 * 86400LL + 4711;

static slice forward(slice sender, const char *domain)
{
    slice address = SLICE_EMPTY;
    assert_ok(srs_forward(secret, sender, slice_from_string(domain), now, &arena, &address));
    return address;
}

static slice reverse(slice address)
{
    slice original = SLICE_EMPTY;
    assert_ok(srs_reverse(secret, address, now, &arena, &original));
    return original;
}

/* The shapes of the published scheme: tag, hash, day, host, local. */
static void test_rewrites_a_fresh_sender(void **state)
{
    (void)state;
    slice address = forward(SLICE("alice@a.example"), "b.example");
    assert_true(slice_starts(address, SLICE("SRS0=")));
    assert_int_equal(address.data[5 + SRS_HASH_CHARACTERS], '=');
    /* 20000 days since 1970 are 544 in the circle of 1024: 17 and 0, "RA" in base32. */
    assert_slice(slice_from(address, 5 + SRS_HASH_CHARACTERS), "=RA=a.example=alice@b.example");
    assert_slice(reverse(address), "alice@a.example");
    assert_int_equal(forward(SLICE_EMPTY, "b.example").size, 0);
}

/* SRS1 names the first forwarder and carries its words; further hops only put another hash. */
static void test_makes_shortcuts(void **state)
{
    (void)state;
    slice first = SLICE("SRS0=HHHH=TT=a.example=alice@b.example");
    slice second = forward(first, "c.example"), third = forward(second, "d.example");
    assert_slice(slice_from(second, 5 + SRS_HASH_CHARACTERS),
                 "=b.example==HHHH=TT=a.example=alice@c.example");
    assert_slice(slice_from(third, 5 + SRS_HASH_CHARACTERS),
                 "=b.example==HHHH=TT=a.example=alice@d.example");
    assert_slice(reverse(second), "SRS0=HHHH=TT=a.example=alice@b.example");
    assert_slice(reverse(third), "SRS0=HHHH=TT=a.example=alice@b.example");
    /* Other separators are kept (SRS 2004, "separator"). */
    assert_slice(reverse(forward(SLICE("srs0+HHHH=TT=a.example=alice@b.example"), "c.example")),
                 "SRS0+HHHH=TT=a.example=alice@b.example");
    assert_slice(reverse(forward(SLICE("SRS1-HH=x.example=-H=T=y=z@b.example"), "c.example")),
                 "SRS0-H=T=y=z@x.example");
}

static void test_survives_changed_case(void **state)
{
    (void)state;
    slice address = forward(SLICE("Alice@A.example"), "b.example");
    char *lower = arena_alloc_bytes(&arena, address.size);
    for (size_t i = 0; i < address.size; i++)
        lower[i] = ascii_lower(address.data[i]);
    assert_slice(reverse(slice_of(lower, address.size)), "alice@a.example");
}

static void test_refuses_strangers(void **state)
{
    (void)state;
    slice original, address = forward(SLICE("alice@a.example"), "b.example"), changed;
    slice other = SLICE("another secret, as long");
    assert_error(srs_reverse(other, address, now, &arena, &original), ERROR_DENIED);
    assert_ok(arena_format(&arena, &changed, "%.*s=mallory@b.example",
                           (int)(address.size - sizeof "=alice@b.example" + 1), address.data));
    assert_error(srs_reverse(secret, changed, now, &arena, &original), ERROR_DENIED);
    assert_error(srs_reverse(secret, SLICE("SRS0=AAAA=TT=a.example=alice@b.example"), now, &arena,
                             &original),
                 ERROR_DENIED);
    assert_error(srs_reverse(secret, SLICE("SRS1=AAAA=b.example==H=T=a=l@c.example"), now, &arena,
                             &original),
                 ERROR_DENIED);
    static const char *const not_srs[] = {"alice@a.example",
                                          "SRS0",
                                          "SRS0@x",
                                          "SRS0=@x",
                                          "@x",
                                          "",
                                          "SRS0=AAAA@x",
                                          "SRS0=AAAA=TT=a@x",
                                          "SRS0=A=TTT=a=b@x",
                                          "SRS1=A=b@x",
                                          "SRS1=A=b=x@x",
                                          "SRS2=A=T=a=b@x",
                                          "srs0x=A=TT=a=b@x"};
    for (size_t i = 0; i < sizeof not_srs / sizeof *not_srs; i++)
        assert_error(srs_reverse(secret, slice_from_string(not_srs[i]), now, &arena, &original),
                     ERROR_NOT_FOUND);
}

static void test_ages(void **state)
{
    (void)state;
    slice original, address = forward(SLICE("alice@a.example"), "b.example");
    assert_ok(srs_reverse(secret, address, now + SRS_AGE_DAYS_MAX * day, &arena, &original));
    assert_error(
        srs_reverse(secret, address, now + (SRS_AGE_DAYS_MAX + 1) * day, &arena, &original),
        ERROR_DENIED);
    assert_ok(srs_reverse(secret, address, now - day, &arena, &original)); /* another's clock */
    assert_error(srs_reverse(secret, address, now - 2 * day, &arena, &original), ERROR_DENIED);
}

static void test_quotes(void **state)
{
    (void)state;
    slice address = forward(SLICE("\"a b\\\"c@d\"@a.example"), "b.example");
    assert_true(slice_starts(address, SLICE("\"SRS0=")));
    assert_true(slice_ends(address, SLICE("=a.example=a b\\\"c@d\"@b.example")));
    assert_slice(reverse(address), "\"a b\\\"c@d\"@a.example");
    /* Quotes nobody needs go. */
    assert_slice(reverse(forward(SLICE("\"alice\"@a.example"), "b.example")), "alice@a.example");
    assert_slice(reverse(forward(SLICE("a=b+c-d@a.example"), "b.example")), "a=b+c-d@a.example");
}

static void test_limits(void **state)
{
    (void)state;
    static char long_address[SRS_ADDRESS_SIZE_MAX + 1];
    slice address;
    memset(long_address, 'a', sizeof long_address);
    memcpy(long_address + sizeof long_address - 4, "@x.y", 4);
    assert_error(srs_forward(secret, slice_of(long_address, sizeof long_address), SLICE("b"), now,
                             &arena, &address),
                 ERROR_LIMIT);
    assert_error(srs_forward(secret, slice_of(long_address + 1, sizeof long_address - 1),
                             SLICE("b"), now, &arena, &address),
                 ERROR_LIMIT); /* what comes out would be too long */
    assert_error(srs_forward(secret, SLICE("nobody"), SLICE("b"), now, &arena, &address),
                 ERROR_MALFORMED);
    assert_error(srs_forward(secret, SLICE("a@b=c"), SLICE("b"), now, &arena, &address),
                 ERROR_MALFORMED);
    /* A host that is none makes no SRS address: it is a local part like others. */
    assert_slice(reverse(forward(SLICE("\"SRS1=H=l@c==H=T=a=b\"@c.example"), "d.example")),
                 "\"SRS1=H=l@c==H=T=a=b\"@c.example");
    assert_error(srs_forward(secret, SLICE("\"a@b"), SLICE("b"), now, &arena, &address),
                 ERROR_MALFORMED);
}

int main(void)
{
    arena_init(&arena, 1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rewrites_a_fresh_sender),
        cmocka_unit_test(test_makes_shortcuts),
        cmocka_unit_test(test_survives_changed_case),
        cmocka_unit_test(test_refuses_strangers),
        cmocka_unit_test(test_ages),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_limits),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
