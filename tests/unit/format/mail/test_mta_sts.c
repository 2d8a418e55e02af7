/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/mail/mta_sts.h"

#include <stdio.h>

static struct arena arena;

static void test_record(void **state)
{
    (void)state;
    slice id;
    assert_ok(mta_sts_record_parse(SLICE("v=STSv1; id=20160831085700Z;"), &id));
    assert_slice(id, "20160831085700Z");
    assert_ok(mta_sts_record_parse(SLICE("v=STSv1;id=1"), &id));
    assert_ok(mta_sts_record_parse(SLICE("v=STSv1 ; id=a1 ; other=x"), &id));
    assert_slice(id, "a1");
    assert_error(mta_sts_record_parse(SLICE("v=spf1 -all"), &id), ERROR_NOT_FOUND);
    assert_error(mta_sts_record_parse(SLICE("id=1; v=STSv1"), &id), ERROR_NOT_FOUND);
    assert_error(mta_sts_record_parse(SLICE("v=STSv11; id=1"), &id), ERROR_NOT_FOUND);
    assert_error(mta_sts_record_parse(SLICE("v=STSv1"), &id), ERROR_MALFORMED);
    assert_error(mta_sts_record_parse(SLICE("v=STSv1; id=a-b"), &id), ERROR_MALFORMED);
    assert_error(mta_sts_record_parse(SLICE("v=STSv1; id=123456789012345678901234567890123"), &id),
                 ERROR_MALFORMED);
    assert_error(mta_sts_record_parse(SLICE("v=STSv1; id=1; id=2"), &id), ERROR_MALFORMED);
}

static error parse(const char *text, struct mta_sts_policy *out)
{
    arena_reset(&arena);
    return mta_sts_policy_parse(slice_from_string(text), &arena, out);
}

static void test_policy(void **state)
{
    (void)state;
    struct mta_sts_policy policy;
    arena_init(&arena, 64 << 10);
    assert_ok(parse("version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: "
                    "*.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n",
                    &policy));
    assert_int_equal(policy.mode, MTA_STS_ENFORCE);
    assert_int_equal(policy.max_age, 604800);
    assert_int_equal(policy.mx_count, 3);
    assert_slice(policy.mx[1], "*.example.net");
    /* LF, blanks, fields to come, the first of a repeated one */
    assert_ok(parse("version:STSv1\nmode:   testing  \nmode: enforce\nnew_thing: 1\nmx:a\nmax_age: "
                    "9999999999",
                    &policy));
    assert_int_equal(policy.mode, MTA_STS_TESTING);
    assert_int_equal(policy.max_age, MTA_STS_AGE_MAX);
    assert_ok(parse("version: STSv1\nmode: none\nmax_age: 1\n", &policy));
    assert_int_equal(policy.mode, MTA_STS_NONE);
    static const char *const wrong[] = {
        "",
        "version: STSv2\nmode: none\nmax_age: 1\n",
        "mode: none\nmax_age: 1\n",
        "version: STSv1\nmax_age: 1\nmx: a\n",
        "version: STSv1\nmode: enforce\nmx: a\n",
        "version: STSv1\nmode: enforce\nmax_age: 1\n",
        "version: STSv1\nmode: strict\nmx: a\nmax_age: 1\n",
        "version: STSv1\nmode: enforce\nmx: a\nmax_age: x\n",
        "version: STSv1\nmode: enforce\nmx: a\nmax_age: 12345678901\n",
        "version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1\n",
        "version: STSv1\nmode: enforce\nmx: *\nmax_age: 1\n",
        "version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 1\n",
        "version: STSv1\nmode: enforce\nmx: a..b\nmax_age: 1\n",
        "version: STSv1\nmode: enforce\nmx: a\nmax_age: 1\nnonsense\n",
        "<html>404</html>",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_error(parse(wrong[i], &policy), ERROR_MALFORMED);
    arena_close(&arena);
}

static void test_limits(void **state)
{
    (void)state;
    struct mta_sts_policy policy;
    static char text[MTA_STS_POLICY_SIZE_MAX + 2];
    arena_init(&arena, 64 << 10);
    size_t size =
        (size_t)snprintf(text, sizeof text, "version: STSv1\nmode: enforce\nmax_age: 1\n");
    for (int i = 0; i < MTA_STS_MX_MAX; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "mx: mx%d.example.net\n", i);
    assert_ok(parse(text, &policy));
    assert_int_equal(policy.mx_count, MTA_STS_MX_MAX);
    snprintf(text + size, sizeof text - size, "mx: more.example.net\n");
    assert_error(parse(text, &policy), ERROR_LIMIT);
    memset(text, ' ', sizeof text - 1);
    assert_error(parse(text, &policy), ERROR_LIMIT);
    arena_close(&arena);
}

static void test_names(void **state)
{
    (void)state;
    static const slice mx[] = {{"mail.example.com", 16}, {"*.Example.net", 13}};
    const struct mta_sts_policy policy = {.mx_count = 2, .mx = mx};
    assert_true(mta_sts_names(&policy, SLICE("MAIL.example.com.")));
    assert_true(mta_sts_names(&policy, SLICE("a.example.net")));
    assert_false(mta_sts_names(&policy, SLICE("a.b.example.net"))); /* RFC 8461 4.1 */
    assert_false(mta_sts_names(&policy, SLICE("example.net")));
    assert_false(mta_sts_names(&policy, SLICE(".example.net")));
    assert_false(mta_sts_names(&policy, SLICE("example.com")));
    assert_false(mta_sts_names(&policy, SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
