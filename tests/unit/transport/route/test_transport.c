/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "transport/route/transport.h"

#include <stdio.h>

static struct arena arena;

/* As one line: kind mx host address port tls, or code status text. */
static const char *shown(const char *text)
{
    static char line[512];
    char address[ADDRESS_TEXT_SIZE] = "-";
    struct route_transport t;
    arena_reset(&arena);
    if (failed(route_transport_parse(slice_from_string(text), &arena, &t)))
        return "malformed";
    static const char *const kinds[] = {"smtp", "lmtp", "local", "refuse", "later"};
    if (t.kind == ROUTE_REFUSE || t.kind == ROUTE_LATER) {
        snprintf(line, sizeof line, "%s %d %d.%d.%d %.*s", kinds[t.kind], t.code, t.enhanced[0],
                 t.enhanced[1], t.enhanced[2], SLICE_ARG(t.text));
        return line;
    }
    if (t.address.family != ADDRESS_NONE)
        address_format_ip(&t.address, address);
    snprintf(line, sizeof line, "%s%s%s %.*s %s %u", kinds[t.kind], t.mx ? " mx" : "",
             t.implicit_tls ? " tls" : "", (int)(t.host.size ? t.host.size : 1),
             t.host.size ? t.host.data : "-", address, t.port);
    return line;
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"smtp:[192.0.2.1]:25", "smtp - 192.0.2.1 25"},
        {"smtp:[192.0.2.1]", "smtp - 192.0.2.1 0"},
        {"smtp:192.0.2.1:2525", "smtp - 192.0.2.1 2525"},
        {"smtp:[relay.example.net]:587", "smtp relay.example.net - 587"},
        {" [Relay.Example.net]:587 ", "smtp relay.example.net - 587"},
        {"smtp:relay.example.net", "smtp mx relay.example.net - 0"},
        {"relay:relay.example.net:26", "smtp mx relay.example.net - 26"},
        {"relay.example.net:587", "smtp mx relay.example.net - 587"},
        {"smtp:", "smtp mx - - 0"},
        {"smtp:b\xc3\xbc"
         "cher.example",
         "smtp mx xn--bcher-kva.example - 0"},
        {"smtps:[relay.example.net]", "smtp tls relay.example.net - 465"},
        {"smtp:[2001:db8::1]:26", "smtp - 2001:db8::1 26"},
        {"smtp:[IPv6:2001:db8::1]", "smtp - 2001:db8::1 0"},
        {"lmtp:unix:/run/x", "lmtp - /run/x 0"},
        {"lmtp:/run/x", "lmtp - /run/x 0"},
        {"lmtp:host:2400", "lmtp host - 2400"},
        {"lmtp:inet:host", "lmtp host - 24"},
        {"lmtp:[::1]:24", "lmtp - ::1 24"},
        {"local:", "local - - 0"},
        {"error:5.7.1 go away", "refuse 550 5.7.1 go away"},
        {"error:", "refuse 550 5.0.0 mail for this domain is not delivered"},
        {"error:no mail here", "refuse 550 5.0.0 no mail here"},
        {"retry:4.3.0 later", "later 451 4.3.0 later"},
        {"error:4.3.0 later", "malformed"},
        {"retry:5.3.0 never", "malformed"},
        {"", "malformed"},
        {"lmtp:", "malformed"},
        {"lmtp:unix:run/x", "malformed"},
        {"smtp:[host", "malformed"},
        {"smtp:[host]25", "malformed"},
        {"smtp:[host]:", "malformed"},
        {"smtp:[host]:0", "malformed"},
        {"smtp:host:65536", "malformed"},
        {"smtp:a..b", "malformed"},
        {"local:x", "malformed"},
        {"error:a\nb", "malformed"},
    };
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(shown(cases[i].text), cases[i].shown);
    arena_close(&arena);
}

static void test_table(void **state)
{
    (void)state;
    struct route_table table;
    int exact, below, deeper, any;
    arena_init(&arena, 1 << 16);
    route_table_init(&table);
    assert_ok(route_table_add(&table, SLICE("Example.net"), &arena, &exact));
    assert_ok(route_table_add(&table, SLICE(".example.net"), &arena, &below));
    assert_ok(route_table_add(&table, SLICE("*.deep.example.net"), &arena, &deeper));
    assert_ok(route_table_add(&table, SLICE("*"), &arena, &any));
    assert_error(route_table_add(&table, SLICE("a..b"), &arena, &any), ERROR_MALFORMED);
    assert_ptr_equal(route_table_find(&table, SLICE("example.net")), &exact);
    assert_ptr_equal(route_table_find(&table, SLICE("a.example.net")), &below);
    assert_ptr_equal(route_table_find(&table, SLICE("a.b.example.net")), &below);
    assert_ptr_equal(route_table_find(&table, SLICE("a.deep.example.net")), &deeper);
    assert_ptr_equal(route_table_find(&table, SLICE("deep.example.net")), &below);
    assert_null(route_table_find(&table, SLICE("anexample.net")));
    assert_null(route_table_find(&table, SLICE("net")));
    assert_ptr_equal(table.any, &any);
    route_table_close(&table);
    arena_close(&arena);
}

static void test_levels(void **state)
{
    (void)state;
    enum route_tls tls = ROUTE_TLS_NONE;
    assert_true(route_tls_parse(SLICE("verify"), &tls));
    assert_int_equal(tls, ROUTE_TLS_VERIFY);
    assert_false(route_tls_parse(SLICE("dane"), &tls));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
