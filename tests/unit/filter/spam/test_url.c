/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "filter/spam/url.h"

#include <stdio.h>

static void test_parts(void **state)
{
    (void)state;
    struct url url;
    assert_true(url_parse(SLICE(" https://user:pw@Example.COM:8443/a?b#c "), &url));
    assert_slice(url.scheme, "https");
    assert_slice(url.user, "user:pw");
    assert_slice(url.host, "Example.COM");
    assert_int_equal(url.port, 8443);
    assert_slice(url.rest, "/a?b#c");
    assert_true(url_parse(SLICE("http:\\\\host.example\\x"), &url));
    assert_slice(url.host, "host.example");
    assert_true(url_parse(SLICE("//host.example/x"), &url));
    assert_slice(url.host, "host.example");
    assert_true(url_parse(SLICE("www.host.example?x"), &url));
    assert_slice(url.host, "www.host.example");
    assert_slice(url.rest, "?x");
    assert_true(url_parse(SLICE("http://[2001:db8::1]:81/"), &url));
    assert_slice(url.host, "[2001:db8::1]");
    assert_int_equal(url.port, 81);
    assert_true(url_parse(SLICE("http://h.example:99999/"), &url));
    assert_int_equal(url.port, 0);
    assert_true(url_parse(SLICE("http://a.example#@b.example/"), &url));
    assert_slice(url.host, "a.example");
    static const char *const none[] = {
        "",      "mailto:a@b.example", "http://",    "http:///?x",   "#top", "cid:x",
        "/path", "http://[::1/",       "http://a b", "javascript:x", "text"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (url_parse(slice_from_string(none[i]), &url))
            fail_msg("%s is no link", none[i]);
}

static void find_all(slice text, char *out, size_t size)
{
    struct url_finder finder;
    struct url url;
    size_t at = 0;
    out[0] = '\0';
    url_find_begin(&finder, text);
    while (url_find_next(&finder, &url) && at + url.text.size + 2 < size)
        at += (size_t)snprintf(out + at, size - at, "%.*s ", SLICE_ARG(url.text));
}

static void test_found_in_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *links;
    } rows[] = {
        {"see https://a.example/x. And (http://b.example/y), please.",
         "https://a.example/x http://b.example/y "},
        {"www.a.example and awww.b.example", "www.a.example "},
        {"<http://a.example/>", "http://a.example/ "},
        {"http://a.example/x_(y)", "http://a.example/x_(y) "},
        {"time 10:30 a.m. no link: none", ""},
        {"ftp://f.example/a;http://g.example", "ftp://f.example/a;http://g.example "},
        {"http://http://a.example/", "http://http://a.example/ "},
        {"x:://:://..www.", ""},
        {"HTTPS://A.EXAMPLE!!!", "HTTPS://A.EXAMPLE "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[1000];
        find_all(slice_from_string(rows[i].text), out, sizeof out);
        assert_string_equal(out, rows[i].links);
    }
}

/* What looks like the start of a link again and again must not cost more than it is long. */
static void test_work_is_bounded(void **state)
{
    (void)state;
    static char text[256 << 10];
    struct url_finder finder;
    struct url url;
    static const char *const patterns[] = {"http://", "www.", ":", ".", "://", "http://a/b."};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        size_t size = strlen(patterns[i]);
        for (size_t at = 0; at < sizeof text; at++)
            text[at] = patterns[i][at % size];
        url_find_begin(&finder, slice_of(text, sizeof text));
        unsigned count = 0;
        while (url_find_next(&finder, &url))
            count++;
        assert_true(finder.tries <= URL_TRIES_MAX + 1);
        assert_true(count <= URL_TRIES_MAX);
    }
}

static void test_hosts(void **state)
{
    (void)state;
    struct arena arena;
    struct url url;
    slice host;
    arena_init(&arena, 1 << 16);
    assert_true(url_parse(SLICE("http://%57ww.Bank%2eexample./"), &url));
    assert_ok(url_host(&arena, &url, &host));
    assert_slice(host, "www.bank.example");
    assert_true(url_parse(SLICE("http://b\xc3\xbc"
                                "cher.example/"),
                          &url));
    assert_ok(url_host(&arena, &url, &host));
    assert_slice(host, "xn--bcher-kva.example");
    arena_close(&arena);
    static const char *const addresses[] = {"192.0.2.1", "0x7f000001", "2130706433", "0177.1",
                                            "[2001:db8::1]"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        assert_true(url_host_is_address(slice_from_string(addresses[i])));
    static const char *const names[] = {"a.example", "1.example", "1.2.3.4.5", "", "0xyz"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(url_host_is_address(slice_from_string(names[i])));
}

static void test_owners(void **state)
{
    (void)state;
    assert_slice(url_owner(SLICE("www.example.com")), "example.com");
    assert_slice(url_owner(SLICE("a.b.example.co.uk")), "example.co.uk");
    assert_slice(url_owner(SLICE("example.de")), "example.de");
    assert_slice(url_owner(SLICE("www.com.de")), "www.com.de");
    assert_slice(url_owner(SLICE("localhost")), "localhost");
    assert_slice(url_owner(SLICE("192.0.2.1")), "192.0.2.1");
    assert_slice(url_owner(SLICE("")), "");
}

static void test_what_people_are_shown(void **state)
{
    (void)state;
    slice host;
    assert_true(url_shown_host(SLICE(" https://bank.example/login "), &host));
    assert_slice(host, "bank.example");
    assert_true(url_shown_host(SLICE("bank.example"), &host));
    assert_slice(host, "bank.example");
    assert_true(url_shown_host(SLICE("www.bank.example/x"), &host));
    static const char *const none[] = {
        "Click here", "bert@bank.example", "3.5",        "end of it. Next", "v1.2.3", "",
        ".",          "Dr.Who said so",    "Report.pdf", "2026.Budget.XLSX"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (url_shown_host(slice_from_string(none[i]), &host))
            fail_msg("%s shows no host", none[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),           cmocka_unit_test(test_found_in_text),
        cmocka_unit_test(test_work_is_bounded), cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_owners),          cmocka_unit_test(test_what_people_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
