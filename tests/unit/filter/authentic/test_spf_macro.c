/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The examples of RFC 7208 7.4, and what is no macro.
 */
#include "check.h"

#include "filter/authentic/spf_macro.h"

static const char *expand(const char *text, const char *ip, enum spf_macro_place place)
{
    static char result[8192];
    struct address peer;
    struct buffer out;
    assert_ok(address_parse_ip(slice_from_string(ip), &peer));
    const struct spf_macro_values values = {
        .peer = &peer,
        .local = SLICE("strong-bad"),
        .sender_domain = SLICE("email.example.com"),
        .domain = SLICE("email.example.com"),
        .helo = SLICE("mx.example.org"),
        .host = SLICE("receiver.example"),
        .now = 1234567890,
    };
    buffer_init(&out, sizeof result - 1);
    spf_macro_expand(slice_from_string(text), place, &values, &out);
    assert_ok(buffer_check(&out));
    if (out.size)
        memcpy(result, out.data, out.size);
    result[out.size] = '\0';
    buffer_close(&out);
    return result;
}

static void test_examples(void **state)
{
    (void)state;
    static const char *const examples[][2] = {
        {"%{s}", "strong-bad@email.example.com"},
        {"%{o}", "email.example.com"},
        {"%{d}", "email.example.com"},
        {"%{d4}", "email.example.com"},
        {"%{d3}", "email.example.com"},
        {"%{d2}", "example.com"},
        {"%{d1}", "com"},
        {"%{dr}", "com.example.email"},
        {"%{d2r}", "example.email"},
        {"%{l}", "strong-bad"},
        {"%{l-}", "strong.bad"},
        {"%{lr}", "strong-bad"},
        {"%{lr-}", "bad.strong"},
        {"%{l1r-}", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
        {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
        {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
        {"%{h}", "mx.example.org"},
        {"%{p}", "unknown"},
        {"%%%_%-", "% %20"},
        {"%{D99999999999999999999}", "email.example.com"},
        {"%{S}", "strong-bad%40email.example.com"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        assert_true(spf_macro_check(slice_from_string(examples[i][0]), SPF_MACRO_IN_DOMAIN, NULL));
        assert_string_equal(expand(examples[i][0], "192.0.2.3", SPF_MACRO_IN_DOMAIN),
                            examples[i][1]);
    }
    assert_string_equal(expand("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01", SPF_MACRO_IN_DOMAIN),
                        "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf."
                        "example.com");
    assert_string_equal(expand("%{c} at %{t} by %{r}", "2001:db8::1", SPF_MACRO_IN_EXPLANATION),
                        "2001:db8::1 at 1234567890 by receiver.example");
}

static void test_what_is_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {"%",      "%a",    "%{",   "%{}",   "%{x}",   "%{d0}",
                                        "%{dr2}", "%{d|}", "%{d",  "a b",   "\x7f",   "\xc3",
                                        "%{c}",   "%{t}",  "%{r}", "%{ d}", "%{d00}", "%{drr}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(spf_macro_check(slice_from_string(wrong[i]), SPF_MACRO_IN_DOMAIN, NULL));
    assert_true(spf_macro_check(SLICE("a b %{c}"), SPF_MACRO_IN_EXPLANATION, NULL));
    assert_false(spf_macro_check(SLICE("a\tb"), SPF_MACRO_IN_EXPLANATION, NULL));
    size_t tail;
    assert_true(spf_macro_check(SLICE("a.%{d2}.b"), SPF_MACRO_IN_DOMAIN, &tail));
    assert_int_equal(tail, 7);
}

static void test_finds_letters(void **state)
{
    (void)state;
    assert_true(spf_macro_uses(SLICE("x%{P2r-}"), 'p'));
    assert_false(spf_macro_uses(SLICE("p%%p%{d}"), 'p'));
}

static void test_more_parts_than_a_name_has(void **state)
{
    (void)state;
    struct address peer;
    struct buffer out;
    char local[600];
    assert_ok(address_parse_ip(SLICE("192.0.2.1"), &peer));
    memset(local, '.', sizeof local);
    local[599] = 'x';
    const struct spf_macro_values values = {.peer = &peer, .local = slice_of(local, sizeof local)};
    buffer_init(&out, 8192);
    spf_macro_expand(SLICE("%{l}"), SPF_MACRO_IN_DOMAIN, &values, &out);
    assert_int_equal(out.size, 128);
    assert_int_equal(out.data[127], 'x');
    buffer_reset(&out);
    spf_macro_expand(SLICE("%{l128}"), SPF_MACRO_IN_DOMAIN, &values, &out);
    assert_int_equal(out.size, 128);
    buffer_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_finds_letters),
        cmocka_unit_test(test_more_parts_than_a_name_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
