/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Routes against a DNS server of the test's own.
 */
#include "net/dns/zone.h"

#include "base/random.h"
#include "data/directory/directory.h"
#include "data/directory/settings.h"
#include "transport/queue/owner.h"
#include "transport/route/settings.h"
#include "transport/route/state.h"

#include <sqlite3.h>
#include <stdlib.h>

static struct arena arena;
static struct route_settings settings;
static struct arena settings_arena;
static struct setting_list listening;
static struct route route;

/* Space between items. */
static struct setting_list list_of(const char *text)
{
    static slice room[8][16];
    static unsigned lists;
    slice rest = slice_from_string(text), item;
    struct setting_list list = {room[lists++ % 8], 0};
    while (rest.size) {
        slice_cut(rest, ';', &item, &rest);
        ((slice *)list.items)[list.count++] = item;
    }
    return list;
}

static void begin(void)
{
    static const slice own = {"127.0.0.1:2525", 14};
    arena_init(&arena, 4 << 20);
    arena_init(&settings_arena, 1 << 20);
    assert_ok(settings_default(&route_setting_table, &settings_arena, &settings));
    settings.mta_sts = false;
    listening = (struct setting_list){&own, 1};
    zone_start(true, NULL);
}

static void start(void)
{
    assert_ok(route_start(&(struct route_options){
        .settings = &settings, .hostname = SLICE("me.test"), .listen = &listening}));
}

static void restart(void)
{
    route_stop();
    start();
}

static void end(void)
{
    route_stop();
    route_stop(); /* harmless */
    zone_stop();
    arena_close(&arena);
    arena_close(&settings_arena);
}

static void find_request(const struct route_request *request)
{
    memset(&route, 0xa5, sizeof route);
    arena_reset(&arena);
    assert_ok(route_find(request, &arena, soon(), &route));
}

static void find(const char *domain)
{
    find_request(&(struct route_request){.domain = slice_from_string(domain)});
}

/* "host host" in the order to try. */
static const char *hosts(void)
{
    static char text[4096];
    size_t size = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < route.host_count; i++) {
        char ip[ADDRESS_TEXT_SIZE];
        slice name = route.hosts[i].name;
        if (route.hosts[i].address.family != ADDRESS_NONE)
            name = address_format(&route.hosts[i].address, ip);
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%.*s", i ? " " : "",
                                 SLICE_ARG(name));
    }
    return text;
}

#define assert_none(kind_, code_, status)                                                          \
    do {                                                                                           \
        char text_[32];                                                                            \
        snprintf(text_, sizeof text_, "%d %d.%d.%d", route.code, route.enhanced[0],                \
                 route.enhanced[1], route.enhanced[2]);                                            \
        assert_int_equal(route.kind, kind_);                                                       \
        assert_string_equal(text_, #code_ " " status);                                             \
        assert_true(route.text.size > 0);                                                          \
        assert_int_equal(route.host_count, 0);                                                     \
    } while (0)
#define assert_refused(code_, status) assert_none(ROUTE_REFUSE, code_, status)

static void mx(void *argument)
{
    (void)argument;
    begin();
    zone_mx("two.test", 20, "b.host.test");
    zone_mx("two.test", 10, "a.host.test");
    zone_mx("two.test", 30, "A.host.test"); /* named twice: the better counts */
    zone_mx("same.test", 20, "b.host.test");
    zone_mx("same.test", 5, "a.host.test");
    zone_mx("other.test", 10, "b.host.test");
    zone_a("a.host.test", "198.51.100.1");
    zone_a("b.host.test", "198.51.100.2");
    zone_a("bare.test", "198.51.100.3");
    zone_cname("alias.test", "two.test");
    zone_mx("xn--bcher-kva.test", 1, "a.host.test");
    start();
    find("two.test");
    assert_int_equal(route.kind, ROUTE_SMTP);
    assert_string_equal(hosts(), "a.host.test b.host.test");
    assert_int_equal(route.hosts[0].port, 25);
    assert_int_equal(route.tls, ROUTE_TLS_MAY);
    assert_slice(route.domain, "two.test");
    assert_slice(route.site, "a.host.test;b.host.test");
    find("same.test"); /* the same hosts by rank: the same site */
    assert_slice(route.site, "a.host.test;b.host.test");
    find("other.test");
    assert_slice(route.site, "b.host.test");
    find("bare.test"); /* RFC 5321 5.1: no MX, but an address */
    assert_string_equal(hosts(), "bare.test");
    find("ALIAS.test");
    assert_string_equal(hosts(), "a.host.test b.host.test");
    find("b\xc3\xbc"
         "cher.test");
    assert_string_equal(hosts(), "a.host.test");
    assert_slice(route.domain, "xn--bcher-kva.test");
    settings.port = 2600;
    restart();
    find("other.test");
    assert_int_equal(route.hosts[0].port, 2600);
    assert_slice(route.site, "b.host.test:2600");
    end();
}

static void nowhere(void *argument)
{
    (void)argument;
    zone.patience = 500;
    begin();
    zone_mx("null.test", 0, ".");
    zone_mx("deadhost.test", 10, "nothing.test");
    zone_txt("bare.test", "no address");
    zone_flags("broken.test", ZONE_BROKEN);
    zone_flags("silent.test", ZONE_SILENT);
    zone_mx("deadhost2.test", 10, "broken.test");
    zone_mx("ip.test", 10, "198.51.100.1");
    zone_flags("wrong.test", ZONE_WRONG);
    zone_flags("circle.test", ZONE_LOOP);
    start();
    find("null.test"); /* RFC 7505 3 */
    assert_refused(556, "5.1.10");
    find("none.test");
    assert_refused(550, "5.1.2");
    find("a..b");
    assert_refused(550, "5.1.2");
    find("bare.test");
    assert_refused(550, "5.1.2");
    find("deadhost.test");
    assert_refused(550, "5.4.4");
    find("ip.test");
    assert_refused(550, "5.4.4");
    find("broken.test");
    assert_none(ROUTE_LATER, 451, "4.4.3");
    find("silent.test");
    assert_none(ROUTE_LATER, 451, "4.4.3");
    find("wrong.test");
    assert_none(ROUTE_LATER, 451, "4.4.3");
    find("circle.test");
    assert_none(ROUTE_LATER, 451, "4.4.3");
    find("deadhost2.test"); /* its address may be known when it is dialled */
    assert_int_equal(route.kind, ROUTE_SMTP);
    assert_int_equal(route.host_count, 1);
    end();
}

static void ourselves(void *argument)
{
    (void)argument;
    begin();
    settings.port = 2525;
    settings.private_addresses = true;
    zone_mx("backup.test", 10, "a.test");
    zone_mx("backup.test", 20, "ME.test");
    zone_mx("backup.test", 20, "b.test");
    zone_mx("backup.test", 30, "c.test");
    zone_mx("first.test", 10, "me.test");
    zone_mx("first.test", 20, "a.test");
    zone_mx("address.test", 10, "a.test");
    zone_mx("address.test", 20, "own.test");
    zone_mx("address.test", 30, "c.test");
    zone_mx("near.test", 10, "neighbour.test");
    zone_a("own.test", "127.0.0.1");
    zone_a("neighbour.test", "127.0.0.2");
    zone_a("a.test", "198.51.100.1");
    zone_a("b.test", "198.51.100.2");
    zone_a("c.test", "198.51.100.3");
    start();
    find("backup.test");
    assert_string_equal(hosts(), "a.test");
    find("first.test");
    assert_refused(554, "5.4.6");
    find("address.test");
    assert_string_equal(hosts(), "a.test");
    find("own.test");
    assert_refused(554, "5.4.6");
    find("[127.0.0.1]");
    assert_refused(554, "5.4.6");
    find("near.test"); /* another address of this machine, and nobody of ours listens there */
    assert_string_equal(hosts(), "neighbour.test");
    settings.own_addresses = list_of("198.51.100.1;2001:db8::1");
    restart();
    find("near.test");
    assert_int_equal(route.host_count, 1);
    find("address.test"); /* the better host is ourselves, behind a translator */
    assert_refused(554, "5.4.6");
    settings.own_addresses = list_of("");
    settings.port = 2526; /* the same address, another port: not we */
    restart();
    find("address.test");
    assert_string_equal(hosts(), "a.test own.test c.test");
    end();
}

/* ROUTE_LISTENING_MAX addresses of our own are known. */
static void many_own_addresses(void *argument)
{
    (void)argument;
    enum { OWN = ROUTE_LISTENING_MAX + 1 };
    static char texts[OWN][16];
    static slice own[OWN];
    begin();
    listening = (struct setting_list){0};
    for (unsigned i = 0; i < OWN; i++) {
        char name[32], mx[32];
        snprintf(texts[i], sizeof *texts, "198.51.100.%u", i + 1);
        own[i] = slice_from_string(texts[i]);
        snprintf(name, sizeof name, "own%u.test", i);
        snprintf(mx, sizeof mx, "to%u.test", i);
        zone_a(name, texts[i]);
        zone_mx(mx, 10, name);
    }
    settings.own_addresses = (struct setting_list){own, OWN};
    start();
    find("to0.test");
    assert_refused(554, "5.4.6");
    char last[32];
    snprintf(last, sizeof last, "to%u.test", ROUTE_LISTENING_MAX - 1);
    find(last);
    assert_refused(554, "5.4.6");
    snprintf(last, sizeof last, "to%u.test", ROUTE_LISTENING_MAX);
    find(last);
    assert_int_equal(route.kind, ROUTE_SMTP);
    end();
}

static void private_addresses(void *argument)
{
    (void)argument;
    static const char *const ips[] = {"127.0.0.1",   "10.1.2.3",   "172.16.0.1", "192.168.1.1",
                                      "169.254.1.1", "100.64.0.1", "0.0.0.0",    "224.0.0.1",
                                      "::1",         "fe80::1",    "fd00::1",    "64:ff9b::a00:1"};
    char name[32];
    struct address *addresses;
    unsigned count;
    begin();
    for (unsigned i = 0; i < sizeof ips / sizeof *ips; i++) {
        snprintf(name, sizeof name, "p%u.test", i);
        zone_a(name, ips[i]);
    }
    zone_mx("local.test", 10, "localhost");
    zone_mx("mixed.test", 10, "p0.test");
    zone_mx("mixed.test", 20, "both.test");
    zone_a("both.test", "10.0.0.1");
    zone_a("both.test", "198.51.100.1");
    start();
    for (unsigned i = 0; i < sizeof ips / sizeof *ips; i++) {
        snprintf(name, sizeof name, "p%u.test", i);
        find(name);
        assert_refused(550, "5.4.4");
    }
    find("local.test");
    assert_refused(550, "5.4.4");
    find("[127.0.0.1]");
    assert_refused(550, "5.4.4");
    find("mixed.test");
    assert_string_equal(hosts(), "both.test");
    assert_true(route.public_only);
    assert_ok(route_addresses(&route, &route.hosts[0], &arena, soon(), &addresses, &count));
    assert_int_equal(count, 1);
    assert_int_equal(addresses[0].ip[0], 198);
    struct route_host inner = {.name = SLICE("p1.test"), .port = 25};
    assert_error(route_addresses(&route, &inner, &arena, soon(), &addresses, &count), ERROR_DENIED);
    inner.name = SLICE("none.test");
    assert_error(route_addresses(&route, &inner, &arena, soon(), &addresses, &count),
                 ERROR_NOT_FOUND);
    settings.private_addresses = true;
    restart();
    find("local.test");
    assert_string_equal(hosts(), "localhost");
    find("[127.0.0.1]");
    assert_string_equal(hosts(), "127.0.0.1:25");
    find("[IPv6:::1]");
    assert_string_equal(hosts(), "[::1]:25");
    find("[nonsense]");
    assert_refused(550, "5.1.2");
    end();
}

static void transports(void *argument)
{
    (void)argument;
    begin();
    zone_mx("relay.test", 10, "a.test");
    zone_mx("free.test", 10, "b.test");
    zone_a("a.test", "198.51.100.1");
    zone_a("b.test", "198.51.100.2");
    settings.transports = list_of("one.test=smtp:[192.0.2.1]:26;two.test=lmtp:unix:/run/x;"
                                  ".two.test=lmtp:host.test;no.test=error:5.7.1 not here;"
                                  "later.test=retry:;mx.test=smtp:relay.test;"
                                  "free.test=smtp:;in.test=local:;*=smtp:[any.test]:587");
    settings.tls_policies = list_of("one.test=encrypt;any.test=verify;free.test=none");
    start();
    find("one.test");
    assert_string_equal(hosts(), "192.0.2.1:26");
    assert_int_equal(route.hosts[0].port, 26);
    assert_int_equal(route.tls, ROUTE_TLS_ENCRYPT);
    assert_false(route.public_only);
    assert_slice(route.site, "[192.0.2.1]:26/encrypt");
    find("two.test");
    assert_int_equal(route.kind, ROUTE_LMTP);
    assert_int_equal(route.hosts[0].address.family, ADDRESS_UNIX);
    assert_int_equal(route.tls, ROUTE_TLS_NONE);
    find("x.two.test");
    assert_string_equal(hosts(), "host.test");
    assert_int_equal(route.hosts[0].port, 24);
    find("no.test");
    assert_refused(550, "5.7.1");
    assert_slice(route.text, "not here");
    bool refused;
    assert_ok(route_refuses(SLICE("No.TEST"), &arena, &route, &refused));
    assert_true(refused);
    assert_refused(550, "5.7.1");
    assert_slice(route.text, "not here");
    for (unsigned i = 0; i < 4; i++) {
        const char *others[] = {"one.test", "later.test", "anybody.test", "not a domain"};
        assert_ok(route_refuses(slice_from_string(others[i]), &arena, &route, &refused));
        assert_false(refused);
    }
    find("later.test");
    assert_none(ROUTE_LATER, 451, "4.0.0");
    find("mx.test");
    assert_string_equal(hosts(), "a.test");
    find("free.test");
    assert_string_equal(hosts(), "b.test");
    assert_int_equal(route.tls, ROUTE_TLS_NONE);
    assert_false(route.dane);
    find("in.test");
    assert_int_equal(route.kind, ROUTE_LOCAL);
    find("whoever.test");
    assert_string_equal(hosts(), "any.test");
    assert_int_equal(route.tls, ROUTE_TLS_VERIFY);
    assert_int_equal(route.hosts[0].port, 587);
    /* mistakes are told at start */
    settings.transports = list_of("one.test");
    route_stop();
    assert_error(route_start(&(struct route_options){.settings = &settings}), ERROR_MALFORMED);
    settings.transports = list_of("");
    settings.tls_policies = list_of("*=encrypt;relay.test=verify;lax.test=may");
    settings.transports = list_of("mx.test=smtp:relay.test;lax.test=smtp:relay.test");
    start();
    find("free.test");
    assert_int_equal(route.tls, ROUTE_TLS_ENCRYPT);
    find("mx.test"); /* of the next hop */
    assert_int_equal(route.tls, ROUTE_TLS_VERIFY);
    find("lax.test"); /* of the recipients' domain, before that */
    assert_int_equal(route.tls, ROUTE_TLS_MAY);
    find("[198.51.100.1]");
    assert_int_equal(route.tls, ROUTE_TLS_ENCRYPT);
    route_stop();
    settings.tls_policies = list_of("one.test=dane");
    assert_error(route_start(&(struct route_options){.settings = &settings}), ERROR_MALFORMED);
    end();
}

/* What the directory says, and that "*" is not meant for our own domains. */
static void directory(void *argument)
{
    (void)argument;
    static const char sql[] =
        "CREATE TABLE virtual_domains (id INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TABLE virtual_transports (domain TEXT, transport TEXT);"
        "INSERT INTO virtual_domains (name) VALUES ('ours.test'), ('moved.test');"
        "INSERT INTO virtual_transports VALUES ('moved.test', 'lmtp:unix:/run/x'),"
        " ('broken.test', 'lmtp:'), ('far.test', 'smtp:[192.0.2.7]:26');";
    struct directory_settings directory_settings;
    struct directory *opened = NULL;
    sqlite3 *database;
    char path[] = "/tmp/ringmail-route-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    begin();
    assert_ok(settings_default(&directory_setting_table, &settings_arena, &directory_settings));
    directory_settings.path = slice_from_string(path);
    directory_settings.transport_query =
        SLICE("SELECT domain, transport FROM virtual_transports WHERE domain = ?");
    settings.transports = list_of("*=smtp:[any.test]");
    assert_ok(directory_open(&directory_settings, &opened));
    start();
    find("OURS.test");
    assert_int_equal(route.kind, ROUTE_LOCAL);
    assert_slice(route.site, "local");
    find("moved.test");
    assert_int_equal(route.kind, ROUTE_LMTP);
    find("far.test");
    assert_string_equal(hosts(), "192.0.2.7:26");
    find("broken.test");
    assert_none(ROUTE_LATER, 451, "4.3.5");
    find("whoever.test");
    assert_string_equal(hosts(), "any.test");
    directory_close(&opened);
    end();
    unlink(path);
}

static void smart_host(void *argument)
{
    (void)argument;
    begin();
    settings.smart_host = SLICE("[relay.test]:587");
    start();
    find("whoever.test");
    assert_string_equal(hosts(), "relay.test");
    assert_int_equal(route.tls, ROUTE_TLS_MAY);
    settings.user = SLICE("alice");
    settings.password = SLICE("secret");
    restart();
    find("whoever.test");
    assert_int_equal(route.tls, ROUTE_TLS_ENCRYPT); /* a password never goes in clear */
    assert_slice(route.user, "alice");
    assert_slice(route.password, "secret");
    assert_slice(route.site, "relay.test:587/encrypt+user=alice");
    settings.smart_host = SLICE("smtps:[relay.test]");
    settings.smart_host_tls = ROUTE_TLS_VERIFY;
    restart();
    find("whoever.test");
    assert_true(route.implicit_tls);
    assert_int_equal(route.hosts[0].port, 465);
    assert_int_equal(route.tls, ROUTE_TLS_VERIFY);
    end();
}

static void shuffles(void *argument)
{
    (void)argument;
    unsigned first_seen[3] = {0};
    char name[32], orders[2][20][64] = {0};
    begin();
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "h%d.test", i);
        zone_mx("equal.test", 10, name);
        zone_a(name, "198.51.100.1");
    }
    zone_mx("equal.test", 20, "last.test");
    zone_a("last.test", "198.51.100.2");
    start();
    for (int seed = 0; seed < 2; seed++) {
        random_seed(4711);
        for (int i = 0; i < 20; i++) {
            find("equal.test");
            assert_int_equal(route.host_count, 4);
            snprintf(orders[seed][i], sizeof orders[seed][i], "%s", hosts());
            assert_slice(route.hosts[3].name, "last.test");
            first_seen[route.hosts[0].name.data[1] - '0']++;
            assert_slice(route.site, "h0.test,h1.test,h2.test;last.test");
        }
    }
    for (int i = 0; i < 3; i++)
        assert_true(first_seen[i] > 0);
    assert_memory_equal(orders[0], orders[1], sizeof orders[0]); /* from the same seed the same */
    end();
}

/* The largest routes find room in what the queue has for one (QUEUE_WAY_ARENA_SIZE_MAX). */
static void giant(void *argument)
{
    (void)argument;
    char name[32];
    begin();
    arena_close(&arena);
    arena_init(&arena, QUEUE_WAY_ARENA_SIZE_MAX);
    for (unsigned i = 0; i < 120; i++) {
        snprintf(name, sizeof name, "host%03u.giant.test", i);
        zone_mx("giant.test", 200 - i, name);
        zone_a(name, "198.51.100.1");
        zone_mx("giant2.test", 200 - i, name);
    }
    zone_mx("giant2.test", 999, "host000.giant.test");
    for (unsigned i = 0; i < DNS_RECORDS_MAX + 1; i++) {
        snprintf(name, sizeof name, "host%03u.test", i);
        zone_mx("endless.test", i, name);
    }
    zone_flags("cut.test", ZONE_TRUNCATED);
    zone_mx("cut.test", 10, "host000.giant.test");
    start();
    find("giant.test");
    assert_int_equal(route.host_count, ROUTE_HOSTS_MAX);
    assert_slice(route.hosts[0].name, "host119.giant.test"); /* the best are kept */
    assert_true(route.site.size <= ROUTE_SITE_SIZE_MAX);
    char site[ROUTE_SITE_SIZE_MAX];
    size_t size = route.site.size;
    memcpy(site, route.site.data, size);
    find("giant2.test");
    assert_true(slice_equal(route.site, slice_of(site, size)));
    find("endless.test");
    assert_none(ROUTE_LATER, 451, "4.4.3");
    unsigned before = zone.tcp_questions;
    find("cut.test");
    assert_string_equal(hosts(), "host000.giant.test");
    assert_int_equal(zone.tcp_questions, before + 1);
    end();
}

static void require_tls(void *argument)
{
    (void)argument;
    begin();
    zone_mx("plain.test", 10, "a.test");
    zone_mx("signed.test", 10, "a.test");
    zone_flags("signed.test", ZONE_SIGNED);
    zone_a("a.test", "198.51.100.1");
    start();
    find_request(&(struct route_request){.domain = SLICE("plain.test"), .require_tls = true});
    assert_refused(550, "5.7.30");
    find_request(&(struct route_request){.domain = SLICE("signed.test"), .require_tls = true});
    assert_int_equal(route.tls, ROUTE_TLS_VERIFY);
    assert_true(route.hosts[0].authentic);
    assert_true(route.dane);
    find_request(&(struct route_request){.domain = SLICE("signed.test"), .tls_optional = true});
    assert_int_equal(route.tls, ROUTE_TLS_MAY);
    assert_false(route.dane);
    find_request(&(struct route_request){.domain = SLICE("[198.51.100.1]"), .require_tls = true});
    assert_refused(550, "5.7.30");
    end();
}

#define ON_CORE(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        on_core(name);                                                                             \
    }
ON_CORE(mx)
ON_CORE(nowhere)
ON_CORE(ourselves)
ON_CORE(many_own_addresses)
ON_CORE(private_addresses)
ON_CORE(transports)
ON_CORE(directory)
ON_CORE(smart_host)
ON_CORE(shuffles)
ON_CORE(giant)
ON_CORE(require_tls)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_own_addresses),
        cmocka_unit_test(test_mx),
        cmocka_unit_test(test_nowhere),
        cmocka_unit_test(test_ourselves),
        cmocka_unit_test(test_private_addresses),
        cmocka_unit_test(test_transports),
        cmocka_unit_test(test_directory),
        cmocka_unit_test(test_smart_host),
        cmocka_unit_test(test_shuffles),
        cmocka_unit_test(test_giant),
        cmocka_unit_test(test_require_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
