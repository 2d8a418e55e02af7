/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "filter/authentic/spf_record.h"

static struct arena arena;
static struct spf_record record;

static enum error_kind parse(const char *text)
{
    return spf_record_parse(slice_from_string(text), &arena, &record).kind;
}

static void test_reads_all_terms(void **state)
{
    (void)state;
    assert_int_equal(parse("v=spf1 +a -mx:m.example/24//64 ~ip4:192.0.2.0/28 ?ip6:2001:db8::/32 "
                           "INCLUDE:i.example exists:%{ir}.l.example ptr redirect=r.example "
                           "exp=e.example x=%{d} -all"),
                     ERROR_NONE);
    assert_int_equal(record.count, 8);
    const struct spf_directive *d = record.directives;
    assert_int_equal(d[0].mechanism, SPF_A);
    assert_int_equal(d[0].result, SPF_PASS);
    assert_int_equal(d[0].ip4_bits, 32);
    assert_int_equal(d[0].ip6_bits, 128);
    assert_int_equal(d[0].domain.size, 0);
    assert_int_equal(d[1].mechanism, SPF_MX);
    assert_int_equal(d[1].result, SPF_FAIL);
    assert_slice(d[1].domain, "m.example");
    assert_int_equal(d[1].ip4_bits, 24);
    assert_int_equal(d[1].ip6_bits, 64);
    assert_int_equal(d[2].result, SPF_SOFTFAIL);
    assert_int_equal(d[2].ip4_bits, 28);
    assert_memory_equal(d[2].ip, "\xc0\x00\x02\x00", 4);
    assert_int_equal(d[3].result, SPF_NEUTRAL);
    assert_int_equal(d[3].ip6_bits, 32);
    assert_memory_equal(d[3].ip, "\x20\x01\x0d\xb8", 4);
    assert_int_equal(d[4].mechanism, SPF_INCLUDE);
    assert_slice(d[5].domain, "%{ir}.l.example");
    assert_int_equal(d[6].mechanism, SPF_PTR);
    assert_int_equal(d[7].mechanism, SPF_ALL);
    assert_slice(record.redirect, "r.example");
    assert_slice(record.explanation, "e.example");
}

static void test_a_mistake_is_one_of_the_record(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "v=spf1 -all moo",      "v=spf1 a/33",
        "v=spf1 a//129",        "v=spf1 a/024",
        "v=spf1 a/24/64",       "v=spf1 a:museum",
        "v=spf1 a:x.123",       "v=spf1 a:",
        "v=spf1 include",       "v=spf1 exists",
        "v=spf1 exists:",       "v=spf1 ip4:1.2.3",
        "v=spf1 ip4",           "v=spf1 ip4:1.2.3.4//32",
        "v=spf1 ip6:1.2.3.4",   "v=spf1 ip4:::1",
        "v=spf1 ip4:1.2.3.4/",  "v=spf1 all:x",
        "v=spf1 -all.",         "v=spf1 ptr/0",
        "v=spf1 redirect=",     "v=spf1 redirect=a.b redirect=a.b",
        "v=spf1 exp=-all",      "v=spf1 =all",
        "v=spf1 1up=foo",       "v=spf1 x=%abc",
        "v=spf1 ip4:[1.2.3.4]", "v=spf1 a\tmx",
        "v=spf1 +redirect=a.b", "v=spf1 a:x.y-",
        "v=spf1 --all",         "v=spf1 include:a.b/24",
        "v=spf1 a:%{c}.x.y",    "v=spf1 ip6:[::1]",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(parse(wrong[i]), ERROR_PERMANENT);
    }
}

static void test_which_text_is_one(void **state)
{
    (void)state;
    assert_true(spf_record_is(SLICE("v=spf1")));
    assert_true(spf_record_is(SLICE("V=SPF1 -all")));
    assert_false(spf_record_is(SLICE("v=spf10 -all")));
    assert_false(spf_record_is(SLICE(" v=spf1")));
    assert_int_equal(parse("v=spf1"), ERROR_NONE);
    assert_int_equal(record.count, 0);
    assert_int_equal(parse("v=spf1   a   -all   "), ERROR_NONE);
    assert_int_equal(record.count, 2);
}

static void test_so_many_terms(void **state)
{
    (void)state;
    static char text[SPF_TERMS_MAX * 2 + 16] = "v=spf1";
    for (int i = 0; i < SPF_TERMS_MAX; i++)
        strcat(text + 2 * i, " a");
    assert_int_equal(parse(text), ERROR_NONE);
    assert_int_equal(record.count, SPF_TERMS_MAX);
    strcat(text, " a");
    assert_int_equal(parse(text), ERROR_PERMANENT);
    struct arena small;
    arena_init(&small, 64);
    assert_error(spf_record_parse(SLICE("v=spf1 a a a a"), &small, &record), ERROR_LIMIT);
    arena_close(&small);
}

int main(void)
{
    arena_init(&arena, 1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_all_terms),
        cmocka_unit_test(test_a_mistake_is_one_of_the_record),
        cmocka_unit_test(test_which_text_is_one),
        cmocka_unit_test(test_so_many_terms),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
