/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/mail/address.h"

#include <stdio.h>
#include <stdlib.h>

/* One line per address: name|route|local|domain with "-" for what is not there; groups as G:name
 * and E. */
static void render(slice value, struct buffer *out)
{
    struct arena arena;
    struct mail_address *address;
    arena_init(&arena, 1 << 20);
    assert_false(failed(mail_address_parse(&arena, value, &address)));
    for (; address; address = address->next) {
        slice parts[] = {address->name, address->route, address->local, address->domain};
        if (out->size)
            buffer_add_byte(out, ' ');
        if (address->kind == MAIL_ADDRESS_GROUP_END) {
            buffer_add_string(out, "E");
            continue;
        }
        if (address->kind == MAIL_ADDRESS_GROUP_START) {
            buffer_format(out, "G:%.*s", SLICE_ARG(address->local));
            continue;
        }
        for (int i = 0; i < 4; i++) {
            buffer_add_string(out, i ? "|" : "");
            buffer_add(out, parts[i].data ? parts[i] : SLICE("-"));
        }
        buffer_add_string(out, address->incomplete ? "!" : "");
    }
    arena_close(&arena);
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"a@b", "-|-|a|b"},
        {"<a@b>", "-|-|a|b"},
        {"John Doe <jdoe@machine.example>", "John Doe|-|jdoe|machine.example"},
        {"\"Joe Q. Public\" <john.q.public@example.com>",
         "Joe Q. Public|-|john.q.public|example.com"},
        {"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
         "Mary Smith|-|mary|x.test -|-|jdoe|example.org Who?|-|one|y.test"},
        {"<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
         "-|-|boss|nil.test Giant; \"Big\" Box|-|sysservices|example.net"},
        /* RFC 5322 A.1.3 */
        {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
         "G:A Group Ed Jones|-|c|a.test -|-|joe|where.test John|-|jdoe|one.test E"},
        {"Undisclosed recipients:;", "G:Undisclosed recipients E"},
        {"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
         "G:Hidden recipients E"},
        /* RFC 5322 A.5 */
        {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
         "Pete|-|pete|silly.test"},
        {"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
         "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the "
         "group)",
         "G:A Group Chris Jones|-|c|public.example -|-|joe|example.org John|-|jdoe|one.test E"},
        /* RFC 5322 A.6.1: obsolete routes, empty members, phrases with dots */
        {"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public|-|john.q.public|example.com"},
        {"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
         "Mary Smith|@node.test|mary|example.net -|-|jdoe|test.example"},
        {"john . doe @ example.org", "-|-|john.doe|example.org"},
        {"foo@bar.com (Foo Bar)", "Foo Bar|-|foo|bar.com"},
        {"foo@bar.com (Foo \\(Jr\\) (x))", "Foo (Jr) (x)|-|foo|bar.com"},
        {"\"a b\"@c", "-|-|a b|c"},
        {"\"a\".b@c", "-|-|a.b|c"},
        {"user@[192.0.2.1]", "-|-|user|[192.0.2.1]"},
        {"user@[IPv6:2001:db8::1]", "-|-|user|[IPv6:2001:db8::1]"},
        {"=?UTF-8?Q?J=C3=BCrgen?= <j@x.de>", "=?UTF-8?Q?J=C3=BCrgen?=|-|j|x.de"},
        {"J\xc3\xbcrgen <j\xc3\xbc@\xc3\xbc.de>", "J\xc3\xbcrgen|-|j\xc3\xbc|\xc3\xbc.de"},
        /* Garbage, as it comes */
        {"<>", "-|-||!"},
        {"root", "-|-|root|MISSING_DOMAIN!"},
        {"@b", "-|-|MISSING_MAILBOX|b!"},
        {"<@b>", "-|-|MISSING_MAILBOX|b!"},
        {"a@", "-|-|a|MISSING_DOMAIN!"},
        {"Foo <a", "Foo|-|a|MISSING_DOMAIN!"},
        {"Foo <a@b", "Foo|-|a|b"},
        {"\"Foo <a@b>", "-|-|Foo <a@b>|MISSING_DOMAIN!"},
        {"a@b <a@b>", "a@b|-|a|b"},
        {"a@b c d <e@f>, g@h", "a@b c d|-|e|f -|-|g|h"},
        {"Foo [Bar] (baz) <a@b>", "Foo [Bar]|-|a|b"},
        {"a@b@c, d@e", "-|-|a|b -|-|d|e"},
        {"<a@b> junk, <c@d>", "-|-|a|b -|-|c|d"},
        {"<a@b><c@d>", "-|-|a|b -|-|c|d"},
        {"<<a@b>>", "-|-||! -|-|a|b"},
        {",,;,>", ""},
        {":", ""},
        {"g: a@b", "G:g -|-|a|b E"},
        {"(((((", ""},
        {"foo bar@x.y", "foo|-|bar|x.y"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out;
        buffer_init(&out, 10000);
        render(slice_from_string(cases[i].in), &out);
        if (!slice_equal(buffer_slice(&out), slice_from_string(cases[i].out)))
            fail_msg("%s: got %.*s", cases[i].in, SLICE_ARG(buffer_slice(&out)));
        buffer_close(&out);
    }
}

static void test_limit_of_addresses(void **state)
{
    (void)state;
    size_t count = MAIL_ADDRESS_COUNT_MAX + 5;
    char *text = malloc(count * 4);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * 4, "a@b,", 4);
    struct arena arena;
    struct mail_address *address;
    arena_init(&arena, 16 << 20);
    assert_false(failed(mail_address_parse(&arena, slice_of(text, count * 4), &address)));
    size_t seen = 0;
    for (; address; address = address->next)
        seen++;
    assert_int_equal(seen, MAIL_ADDRESS_COUNT_MAX);
    arena_close(&arena);
    arena_init(&arena, 1000);
    assert_int_equal(mail_address_parse(&arena, slice_of(text, count * 4), &address).kind,
                     ERROR_LIMIT);
    arena_close(&arena);
    free(text);
}

static void test_comment_depth(void **state)
{
    (void)state;
    char text[1000];
    int size = 0;
    for (int i = 0; i < 200; i++)
        text[size++] = '(';
    size += snprintf(text + size, sizeof text - (size_t)size, "x");
    for (int i = 0; i < MAIL_ADDRESS_COMMENT_DEPTH_MAX; i++)
        text[size++] = ')';
    memcpy(text + size, " a@b", 4);
    struct buffer out;
    buffer_init(&out, 1000);
    render(slice_of(text, (size_t)size + 4), &out);
    assert_true(slice_equal(buffer_slice(&out), SLICE("-|-|a|b")));
    buffer_close(&out);
}

static void test_writes(void **state)
{
    (void)state;
    static const struct {
        const char *local, *out;
    } cases[] = {{"a.b", "a.b@c"},
                 {"a b", "\"a b\"@c"},
                 {".a", "\".a\"@c"},
                 {"a..b", "\"a..b\"@c"},
                 {"a.", "\"a.\"@c"},
                 {"", "\"\"@c"},
                 {"a\"\\", "\"a\\\"\\\\\"@c"},
                 {"\xc3\xbc", "\xc3\xbc@c"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out;
        buffer_init(&out, 100);
        mail_address_write(&out, slice_from_string(cases[i].local), SLICE("c"));
        assert_true(slice_equal(buffer_slice(&out), slice_from_string(cases[i].out)));
        buffer_close(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_limit_of_addresses),
        cmocka_unit_test(test_comment_depth),
        cmocka_unit_test(test_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
