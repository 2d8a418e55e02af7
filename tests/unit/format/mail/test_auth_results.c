/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/mail/auth_results.h"

static struct buffer out;

static void test_writes_results(void **state)
{
    (void)state;
    struct auth_results results;
    buffer_reset(&out);
    auth_results_begin(&results, SLICE("mx.example.org"), &out);
    auth_results_add(&results, "dkim", "fail", "body hash does not match");
    auth_results_property(&results, "header.d", SLICE("a.example"));
    auth_results_property(&results, "header.s", SLICE_EMPTY);
    auth_results_add(&results, "spf", "pass", NULL);
    auth_results_property(&results, "smtp.mailfrom", SLICE("a b\"c@x.example"));
    auth_results_property(&results, "smtp.helo", SLICE("evil\r\nX-Added: 1"));
    auth_results_end(&results);
    assert_slice(buffer_slice(&out),
                 "mx.example.org;\r\n\tdkim=fail reason=\"body hash does not match\""
                 " header.d=a.example;\r\n\tspf=pass smtp.mailfrom=\"a b\\\"c@x.example\"");
}

static void test_says_none(void **state)
{
    (void)state;
    struct auth_results results;
    buffer_reset(&out);
    auth_results_begin(&results, SLICE("mx.example.org"), &out);
    auth_results_end(&results);
    assert_slice(buffer_slice(&out), "mx.example.org; none");
}

static void test_finds_methods(void **state)
{
    (void)state;
    slice value = SLICE("mx.example.org;\r\n\tdkim=pass header.d=arc.example; spf=none");
    assert_true(auth_results_mention(value, SLICE("dkim")));
    assert_true(auth_results_mention(value, SLICE("SPF")));
    assert_false(auth_results_mention(value, SLICE("arc")));
    assert_false(auth_results_mention(SLICE("dkim=x"), SLICE("dkim"))); /* that is the host */
}

int main(void)
{
    buffer_init(&out, 4096);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_results),
        cmocka_unit_test(test_says_none),
        cmocka_unit_test(test_finds_methods),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&out);
    return failures;
}
