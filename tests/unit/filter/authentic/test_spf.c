/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the public suite (test_spf_suite.c) does not ask: trouble of ours, what is asked ahead, and
 * what strangers may make us do.
 */
#include "filter/authentic/zone.h"

#include "filter/authentic/spf.h"

#include <stdio.h>

static struct arena arena;
static struct zone zone;
static struct spf_check result;

static error check_as(const struct spf_question *question)
{
    const struct dns_source source = zone_source(&zone);
    zone.asked = zone.expected = 0;
    return spf_check(question, &source, &arena, TIME_NEVER, &result);
}

static const char *check_from(const char *domain, const char *ip)
{
    struct spf_question question = {
        .local = SLICE("a"), .domain = slice_from_string(domain), .helo = SLICE("h.example")};
    assert_ok(address_parse_ip(slice_from_string(ip), &question.peer));
    assert_ok(check_as(&question));
    return spf_result_name(result.result);
}

static void test_asks_ahead(void **state)
{
    (void)state;
    zone = (struct zone){0};
    zone_text(&zone, "x.example",
              "v=spf1 ip4:203.0.113.0/24 a mx include:i.example -all exists:e.example");
    zone_address(&zone, "x.example", "198.51.100.1");
    zone_name(&zone, "x.example", DNS_MX, "m.example");
    zone_address(&zone, "m.example", "192.0.2.7");
    zone_text(&zone, "i.example", "v=spf1 ?all");
    assert_string_equal(check_from("x.example", "192.0.2.7"), "pass");
    assert_int_equal(zone.expected, 4); /* a, mx, include; then m.example; nothing behind -all */
    assert_string_equal(check_from("x.example", "203.0.113.9"), "pass");
    assert_int_equal(zone.expected, 0);
    assert_int_equal(zone.asked, 1);
    assert_string_equal(check_from("x.example", "192.0.2.8"), "fail");
}

static void test_asks_ahead_within_the_limit(void **state)
{
    (void)state;
    char text[2048] = "v=spf1", name[64];
    zone = (struct zone){0};
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, " a:n%d.example", i);
        strcat(text, name);
    }
    zone_text(&zone, "x.example", text);
    assert_string_equal(check_from("x.example", "192.0.2.7"), "permerror");
    assert_true(zone.expected <= SPF_LOOKUPS_MAX);
    assert_true(zone.asked <= SPF_LOOKUPS_MAX + 1);
    assert_non_null(result.reason);
}

static void test_names_that_do_not_exist(void **state)
{
    (void)state;
    char text[256] = "v=spf1";
    for (int i = 0; i < SPF_VOID_LOOKUPS_MAX; i++)
        strcat(text, " a:gone.example");
    zone = (struct zone){0};
    zone_text(&zone, "x.example", text);
    assert_string_equal(check_from("x.example", "192.0.2.7"), "neutral");
    strcat(text, " exists:gone.example");
    zone.records[0].data.text = slice_from_string(text);
    assert_string_equal(check_from("x.example", "192.0.2.7"), "permerror");
}

static error cancelled(void *argument, slice name, enum dns_type type, struct arena *unused,
                       instant deadline, struct dns_answer *out_answer)
{
    (void)name, (void)type, (void)unused, (void)deadline, (void)out_answer;
    return error_make(*(const enum error_kind *)argument, "test");
}

static void test_trouble(void **state)
{
    (void)state;
    struct spf_question question = {.local = SLICE("a"), .domain = SLICE("x.example")};
    enum error_kind kind = ERROR_CANCELLED;
    const struct dns_source source = {cancelled, NULL, &kind};
    assert_ok(address_parse_ip(SLICE("192.0.2.1"), &question.peer));
    assert_error(spf_check(&question, &source, &arena, TIME_NEVER, &result), ERROR_CANCELLED);
    kind = ERROR_TIMEOUT;
    assert_ok(spf_check(&question, &source, &arena, TIME_NEVER, &result));
    assert_int_equal(result.result, SPF_TEMPERROR);
    kind = ERROR_LIMIT; /* its answers are too much for SPF_MEMORY_MAX */
    assert_ok(spf_check(&question, &source, &arena, TIME_NEVER, &result));
    assert_int_equal(result.result, SPF_PERMERROR);
}

static void test_who_has_no_record(void **state)
{
    (void)state;
    static const char *const domains[] = {"", "x", "[192.0.2.1]", "x..example", ".x.example", "."};
    zone = (struct zone){0};
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++) {
        assert_string_equal(check_from(domains[i], "192.0.2.1"), "none");
        assert_int_equal(zone.asked, 0);
    }
    assert_string_equal(check_from("x.example", "192.0.2.1"), "none");
    struct spf_question question = {.domain = SLICE("x.example"), .peer.family = ADDRESS_UNIX};
    assert_ok(check_as(&question));
    assert_int_equal(result.result, SPF_NONE);
}

static void test_names_that_grow(void **state)
{
    (void)state;
    zone = (struct zone){0};
    static char text[12000] = "v=spf1 exists:";
    for (int i = 0; i < 1500; i++)
        strcat(text + 4 * i, "%{s}");
    strcat(text, ".e.example -all");
    zone_text(&zone, "x.example", text);
    assert_string_equal(check_from("x.example", "192.0.2.1"), "permerror");
}

static void test_explanation_is_one_line(void **state)
{
    (void)state;
    static char text[1000];
    struct spf_question question = {.domain = SLICE("x.example"), .explain = true};
    zone = (struct zone){0};
    zone_text(&zone, "x.example", "v=spf1 exp=e.example -all");
    zone_text(&zone, "e.example", text);
    assert_ok(address_parse_ip(SLICE("192.0.2.1"), &question.peer));
    memset(text, 'x', SPF_EXPLANATION_SIZE_MAX);
    zone.records[1].data.text = slice_from_string(text);
    assert_ok(check_as(&question));
    assert_int_equal(result.explanation.size, SPF_EXPLANATION_SIZE_MAX);
    text[SPF_EXPLANATION_SIZE_MAX] = 'x';
    zone.records[1].data.text = slice_from_string(text);
    assert_ok(check_as(&question));
    assert_int_equal(result.result, SPF_FAIL);
    assert_int_equal(result.explanation.size, 0);
    question.explain = false;
    assert_ok(check_as(&question));
    assert_int_equal(zone.asked, 1);
}

/* Macros bring in what the sender said: a reply is printable ASCII all the same. */
static void test_explanation_is_printable(void **state)
{
    (void)state;
    static const slice locals[] = {SLICE("a\xc3\xa4"), SLICE("a\x01"), SLICE("a\r\nb"),
                                   SLICE("a\x7f")};
    struct spf_question question = {.domain = SLICE("x.example"), .explain = true};
    zone = (struct zone){0};
    zone_text(&zone, "x.example", "v=spf1 exp=e.example -all");
    zone_text(&zone, "e.example", "not %{l}");
    assert_ok(address_parse_ip(SLICE("192.0.2.1"), &question.peer));
    question.local = SLICE("a b");
    assert_ok(check_as(&question));
    assert_slice(result.explanation, "not a b");
    for (size_t i = 0; i < sizeof locals / sizeof *locals; i++) {
        question.local = locals[i];
        assert_ok(check_as(&question));
        assert_int_equal(result.result, SPF_FAIL);
        assert_int_equal(result.explanation.size, 0);
    }
}

/* No more than ten names of a client are looked at, however many it has. */
static void test_client_with_many_names(void **state)
{
    (void)state;
    char names[40][32];
    zone = (struct zone){0};
    zone_text(&zone, "x.example", "v=spf1 ptr -all");
    for (int i = 0; i < 40; i++) {
        snprintf(names[i], sizeof names[i], "n%d.x.example", i);
        zone_name(&zone, "1.2.0.192.in-addr.arpa", DNS_PTR, names[i]);
    }
    zone_address(&zone, names[39], "192.0.2.1");
    assert_string_equal(check_from("x.example", "192.0.2.1"), "fail");
    assert_int_equal(zone.asked, 2 + SPF_NAMES_MAX);
    zone_address(&zone, names[9], "192.0.2.1");
    assert_string_equal(check_from("x.example", "192.0.2.1"), "pass");
}

int main(void)
{
    arena_init(&arena, 16 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asks_ahead),
        cmocka_unit_test(test_asks_ahead_within_the_limit),
        cmocka_unit_test(test_names_that_do_not_exist),
        cmocka_unit_test(test_trouble),
        cmocka_unit_test(test_who_has_no_record),
        cmocka_unit_test(test_names_that_grow),
        cmocka_unit_test(test_explanation_is_one_line),
        cmocka_unit_test(test_explanation_is_printable),
        cmocka_unit_test(test_client_with_many_names),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
