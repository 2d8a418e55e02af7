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

/* What is escaped counts as it is written, so that no line grows beyond 998 bytes (RFC 5322 2.1.1).
 */
static void test_lines_stay_short(void **state)
{
    (void)state;
    static char text[AUTH_RESULTS_VALUE_SIZE_MAX];
    struct auth_results results;
    buffer_reset(&out);
    memset(text, '"', sizeof text);
    auth_results_begin(&results, SLICE("mx.example.org"), &out);
    auth_results_add(&results, "dkim", "permerror", "d= or s= is no domain name");
    auth_results_property(&results, "header.d", slice_of(text, sizeof text));
    auth_results_property(&results, "header.s", slice_of(text, sizeof text / 2 + 1));
    auth_results_property(&results, "header.b", slice_of(text, sizeof text / 2));
    assert_true(slice_find(buffer_slice(&out), SLICE("header.d")) < 0);
    assert_true(slice_find(buffer_slice(&out), SLICE("header.s")) < 0);
    assert_true(slice_find(buffer_slice(&out), SLICE("header.b")) > 0);
    memset(text, 'x', sizeof text);
    auth_results_property(&results, "header.d", slice_of(text, sizeof text));
    assert_true(slice_find(buffer_slice(&out), SLICE("header.d")) > 0);
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

static void test_finds_results(void **state)
{
    (void)state;
    slice value = SLICE("mx.example.org;\r\n\tdmarc = Fail header.from=x; spf=failed; dkim=pass");
    assert_true(auth_results_says(value, SLICE("dmarc"), SLICE("fail")));
    assert_false(auth_results_says(value, SLICE("spf"), SLICE("fail")));
    assert_true(auth_results_says(value, SLICE("DKIM"), SLICE("pass")));
    assert_false(auth_results_says(value, SLICE("dkim"), SLICE("fail")));
    assert_false(auth_results_says(SLICE_EMPTY, SLICE("dkim"), SLICE("fail")));
}

static void test_whose_results(void **state)
{
    (void)state;
    static const char *const ours[] = {
        "mx.example.org; none",      " mx.example.org 1; none",
        "\r\n\tMX.Example.ORG;none", "(a (nested) \\) comment)mx.example.org(x); none",
        "\"mx.example.org\"; none",  "mx.example.org",
        "mx.example.org.; none",
    };
    slice host;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        assert_true(auth_results_host(slice_from_string(ours[i]), &host));
        if (slice_ends(host, SLICE(".")))
            host.size--;
        assert_true(slice_equal_nocase(host, SLICE("mx.example.org")));
    }
    static const char *const unreadable[] = {
        "",
        "; none",
        "(never closed mx.example.org; none",
        "\"mx.example.org; none",
        "\"mx\\.example.org\"; none",
        "\"\"; none",
        "(",
        "\"",
        "\"\\",
        "(\\",
    };
    for (size_t i = 0; i < sizeof unreadable / sizeof unreadable[0]; i++)
        assert_false(auth_results_host(slice_from_string(unreadable[i]), &host));
}

static void clean(const char *text, const char *expected)
{
    char copy[1024];
    size_t size = strlen(text);
    memcpy(copy, text, size);
    size = auth_results_clean(copy, size, SLICE("mx.example.org"));
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(copy, expected, size);
}

static void test_takes_out_what_is_forged(void **state)
{
    (void)state;
    clean("", "");
    clean("A: b\r\n\r\nAuthentication-Results: mx.example.org; none\r\n",
          "A: b\r\n\r\nAuthentication-Results: mx.example.org; none\r\n");
    clean(
        "A: b\r\nauthentication-RESULTS : mx.example.org;\r\n\tdmarc=pass\r\nC: d\r\n\r\nbody\r\n",
        "A: b\r\nC: d\r\n\r\nbody\r\n");
    clean("Authentication-Results: mx.example.net; none\r\nARC-Authentication-Results: i=1; "
          "mx.example.org; none\r\n\r\n",
          "Authentication-Results: mx.example.net; none\r\nARC-Authentication-Results: i=1; "
          "mx.example.org; none\r\n\r\n");
    clean("Authentication-Results: (\r\nA: b\r\nAuthentication-Results: mx.example.org\r\n\r\n",
          "A: b\r\n\r\n");
}

int main(void)
{
    buffer_init(&out, 4096);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_results),
        cmocka_unit_test(test_lines_stay_short),
        cmocka_unit_test(test_says_none),
        cmocka_unit_test(test_finds_methods),
        cmocka_unit_test(test_finds_results),
        cmocka_unit_test(test_whose_results),
        cmocka_unit_test(test_takes_out_what_is_forged),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&out);
    return failures;
}
