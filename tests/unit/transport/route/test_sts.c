/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Policies from an HTTPS server of the test's own, named by a DNS server of the test's own.
 */
#include "net/dns/zone.h"
#include "net/http/web.h"
#include "scratch.h"

#include "runtime/message.h"
#include "transport/route/settings.h"
#include "transport/route/sts.h"
#include "transport/route/sts_cache.h"
#include "transport/route/tls_report.h"

static struct arena arena, settings_arena;
static struct route_settings settings;
static struct scratch folder;

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
#define POLICY(mode, mx) HEAD "\r\nversion: STSv1\nmode: " mode "\nmax_age: 100\nmx: " mx "\n"

static void begin(void)
{
    static const slice names[] = {{"mta-sts.good.test", 17}, {"mta-sts.two.test", 16}};
    arena_init(&arena, 4 << 20);
    arena_init(&settings_arena, 1 << 20);
    scratch_make(&folder);
    web_start(names, 2);
    zone_start(true, NULL);
    assert_ok(settings_default(&route_setting_table, &settings_arena, &settings));
    settings.private_addresses = true;
    settings.sts_port = web.address.port;
    zone_a("mta-sts.good.test", "127.0.0.1");
    zone_txt("_mta-sts.good.test", "v=STSv1; id=1");
    assert_ok(tls_report_start());
}

static void start(void)
{
    assert_ok(sts_start(&(struct sts_options){
        .settings = &settings,
        .authority = slice_from_string(web.certificate),
        .state_path = slice_from_string(folder.path),
    }));
}

static void end(void)
{
    sts_stop();
    tls_report_stop();
    zone_stop();
    web_stop();
    scratch_remove(&folder);
    arena_close(&arena);
    arena_close(&settings_arena);
}

static enum mta_sts_mode mode_of(const char *domain)
{
    struct mta_sts_policy policy;
    assert_ok(sts_find(slice_from_string(domain), &arena, soon(), &policy));
    return policy.mode;
}

static enum tls_report_result failure(void)
{
    struct tls_report_day *day = tls_report_take();
    struct tls_report_entry *entry = day ? map_get(&day->entries, SLICE("1good.test")) : NULL;
    enum tls_report_result result = entry && entry->details ? entry->details->result : 0;
    tls_report_day_destroy(&day);
    return result;
}

static void finds(void *argument)
{
    (void)argument;
    struct mta_sts_policy policy;
    begin();
    start();
    web.answer = SLICE(POLICY("enforce", "*.mx.test"));
    assert_int_equal(mode_of("none.test"), MTA_STS_NONE);
    assert_int_equal(web.connections, 0);
    assert_ok(sts_find(SLICE("good.test"), &arena, soon(), &policy));
    assert_int_equal(policy.mode, MTA_STS_ENFORCE);
    assert_slice(policy.mx[0], "*.mx.test");
    assert_true(strstr(web.request, "GET /.well-known/mta-sts.txt HTTP/1.1\n") != NULL);
    assert_int_equal(mode_of("good.test"), MTA_STS_ENFORCE);
    assert_int_equal(web.requests, 1); /* known */
    /* another id: another policy */
    web.answer = SLICE(POLICY("testing", "*.mx.test"));
    zone_remove("_mta-sts.good.test");
    zone_txt("_mta-sts.good.test", "v=STSv1; id=2");
    resolver_flush();
    assert_int_equal(mode_of("good.test"), MTA_STS_TESTING);
    assert_int_equal(web.requests, 2);
    /* the record is gone, the policy host too: what is known counts */
    zone_remove("_mta-sts.good.test");
    resolver_flush();
    assert_int_equal(mode_of("good.test"), MTA_STS_TESTING);
    zone_txt("_mta-sts.good.test", "v=STSv1; id=3");
    web.answer = SLICE("HTTP/1.1 500 Broken\r\n\r\n");
    resolver_flush();
    assert_int_equal(mode_of("good.test"), MTA_STS_TESTING);
    assert_int_equal(failure(), TLS_REPORT_STS_POLICY_FETCH_ERROR);
    assert_int_equal(web.requests, 3);
    assert_int_equal(mode_of("good.test"), MTA_STS_TESTING);
    assert_int_equal(web.requests, 3); /* not asked again at once */
    /* two records are none */
    zone_txt("_mta-sts.two.test", "v=STSv1; id=1");
    zone_txt("_mta-sts.two.test", "v=STSv1; id=2");
    assert_int_equal(mode_of("two.test"), MTA_STS_NONE);
    assert_int_equal(web.requests, 3);
    end();
}

/* What must not be believed. */
static void doubts(void *argument)
{
    (void)argument;
    static char large[MTA_STS_POLICY_SIZE_MAX + 200];
    static const struct {
        const char *answer;
        enum tls_report_result result;
    } cases[] = {
        {"HTTP/1.1 404 Not Found\r\n\r\nversion: STSv1\nmode: enforce\nmax_age: 9\nmx: a\n",
         TLS_REPORT_STS_POLICY_FETCH_ERROR},
        {"HTTP/1.1 301 Moved\r\nLocation: https://other.test/\r\n\r\n",
         TLS_REPORT_STS_POLICY_FETCH_ERROR},
        {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nversion: STSv1\nmode: enforce\n"
         "max_age: 9\nmx: a\n",
         TLS_REPORT_STS_POLICY_INVALID},
        {HEAD "\r\nnonsense", TLS_REPORT_STS_POLICY_INVALID},
        {HEAD "Content-Length: 1000\r\n\r\nversion: STSv1\nmode: enforce\nmax_age: 9\nmx: a\n",
         TLS_REPORT_STS_POLICY_FETCH_ERROR},
        {large, TLS_REPORT_STS_POLICY_FETCH_ERROR},
    };
    begin();
    memset(large, '\n', sizeof large - 1);
    memcpy(large, POLICY("enforce", "a"), sizeof POLICY("enforce", "a") - 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start();
        web.answer = slice_from_string(cases[i].answer);
        assert_int_equal(mode_of("good.test"), MTA_STS_NONE);
        assert_int_equal(failure(), cases[i].result);
        sts_stop();
    }
    web.answer = SLICE(POLICY("enforce", "a"));
    /* a certificate of another name */
    start();
    zone_a("mta-sts.evil.test", "127.0.0.1");
    zone_txt("_mta-sts.evil.test", "v=STSv1; id=1");
    assert_int_equal(mode_of("evil.test"), MTA_STS_NONE);
    sts_stop();
    /* authorities that do not know it */
    assert_ok(sts_start(&(struct sts_options){.settings = &settings}));
    assert_int_equal(mode_of("good.test"), MTA_STS_NONE);
    assert_int_equal(failure(), TLS_REPORT_STS_WEBPKI_INVALID);
    sts_stop();
    /* a policy host that never answers */
    web.silent = true;
    settings.sts_timeout = 100 * TIME_MS;
    start();
    assert_int_equal(mode_of("good.test"), MTA_STS_NONE);
    sts_stop();
    web.silent = false;
    /* at an address that strangers may not send us to */
    settings.private_addresses = false;
    unsigned before = web.connections;
    start();
    assert_int_equal(mode_of("good.test"), MTA_STS_NONE);
    assert_int_equal(web.connections, before);
    end();
}

static void survives(void *argument)
{
    (void)argument;
    begin();
    start();
    web.answer = SLICE(POLICY("enforce", "*.mx.test"));
    assert_int_equal(mode_of("good.test"), MTA_STS_ENFORCE);
    sts_stop();
    zone_remove("_mta-sts.good.test"); /* somebody hides it */
    resolver_flush();
    start();
    assert_int_equal(mode_of("good.test"), MTA_STS_ENFORCE);
    assert_int_equal(web.requests, 1);
    end();
}

/* In the background, before it ends; a failed one keeps the old. */
static void refreshes(void *argument)
{
    (void)argument;
    struct mta_sts_policy policy;
    begin();
    settings.sts_refresh = TIME_S;
    start();
    web.answer = SLICE(POLICY("enforce", "old.test"));
    assert_int_equal(mode_of("good.test"), MTA_STS_ENFORCE);
    web.answer = SLICE(POLICY("enforce", "new.test"));
    policy.mx_count = 0;
    for (instant until = soon(); time_now() < until;) {
        assert_ok(sts_find(SLICE("good.test"), &arena, soon(), &policy));
        if (policy.mx_count && slice_equal(policy.mx[0], SLICE("new.test")))
            break;
        assert_ok(fiber_sleep(50 * TIME_MS));
    }
    assert_slice(policy.mx[0], "new.test");
    web.answer = SLICE("HTTP/1.1 500 Broken\r\n\r\n");
    unsigned before = web.requests;
    for (instant until = soon(); web.requests == before && time_now() < until;)
        assert_ok(fiber_sleep(50 * TIME_MS));
    assert_ok(fiber_sleep(100 * TIME_MS));
    assert_int_equal(mode_of("good.test"), MTA_STS_ENFORCE);
    end();
}

/* ---- Limits ---- */

static unsigned stalled, settled;

static void stall(void *argument)
{
    struct mta_sts_policy policy;
    struct arena own;
    char name[32];
    arena_init(&own, 1 << 20);
    snprintf(name, sizeof name, "d%d.test", (int)(intptr_t)argument);
    stalled++;
    error problem = sts_find(slice_from_string(name), &own, soon(), &policy);
    settled += !failed(problem);
    arena_close(&own);
}

/* So many policy hosts that never answer are waited for; a domain more goes without, at once. */
static void fetches(void *argument)
{
    (void)argument;
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof own;
    struct crew crew;
    unsigned connections = 0;
    begin();
    int deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(deaf, (void *)&own, size), 0);
    assert_int_equal(listen(deaf, 4 * STS_FETCHES_MAX), 0);
    assert_int_equal(getsockname(deaf, (void *)&own, &size), 0);
    settings.sts_port = ntohs(own.sin_port);
    settings.sts_timeout = 20 * TIME_S;
    crew_init(&crew, NULL);
    start();
    stalled = settled = 0;
    for (int i = 0; i < STS_FETCHES_MAX + 1; i++) {
        char name[64];
        snprintf(name, sizeof name, "_mta-sts.d%d.test", i);
        zone_txt(name, "v=STSv1; id=1");
        snprintf(name, sizeof name, "mta-sts.d%d.test", i);
        zone_a(name, "127.0.0.1");
    }
    for (int i = 0; i < STS_FETCHES_MAX; i++)
        assert_ok(fiber_start(&crew, "stall", stall, (void *)(intptr_t)i));
    for (instant until = soon(); connections < STS_FETCHES_MAX && time_now() < until;) {
        int fd = accept4(deaf, NULL, NULL, SOCK_CLOEXEC); /* kept open, and silent */
        connections += fd >= 0;
        if (fd < 0)
            assert_ok(fiber_sleep(TIME_MS));
    }
    assert_int_equal(connections, STS_FETCHES_MAX);
    instant began = time_now();
    stall((void *)(intptr_t)STS_FETCHES_MAX); /* returns, though nobody answered */
    assert_true(time_now() - began < 10 * TIME_S);
    assert_int_equal(settled, 1);
    assert_int_equal(stalled, STS_FETCHES_MAX + 1);
    assert_ok(fiber_sleep(50 * TIME_MS));
    assert_true(accept4(deaf, NULL, NULL, SOCK_CLOEXEC) < 0);
    crew_close(&crew);
    close(deaf);
    end();
}

/* A file of STS_FILE_SIZE_MAX bytes is read up to where it makes no sense; a larger one is not. */
static void file_size(void *argument)
{
    (void)argument;
    char path[128];
    begin();
    start();
    web.answer = SLICE(POLICY("enforce", "*.mx.test"));
    assert_int_equal(mode_of("good.test"), MTA_STS_ENFORCE);
    sts_stop();
    zone_remove("_mta-sts.good.test");
    resolver_flush();
    snprintf(path, sizeof path, "%s/mta-sts", folder.path);
    assert_int_equal(truncate(path, STS_FILE_SIZE_MAX), 0);
    start();
    assert_int_equal(mode_of("good.test"), MTA_STS_ENFORCE);
    sts_stop();
    assert_int_equal(truncate(path, (off_t)STS_FILE_SIZE_MAX + 1), 0);
    start();
    assert_int_equal(mode_of("good.test"), MTA_STS_NONE);
    end();
}

/* What routes make of policies. */
static void routes(void *argument)
{
    (void)argument;
    struct route route;
    const struct route_request request = {.domain = SLICE("good.test")};
    const struct route_request optional = {.domain = SLICE("good.test"), .tls_optional = true};
    begin();
    const struct route_options with = {.settings = &settings,
                                       .authority = slice_from_string(web.certificate)};
    static const slice everybody = {"*=encrypt", 9};
    settings.tls_policies = (struct setting_list){&everybody, 1};
    zone_mx("good.test", 10, "a.mx.test");
    zone_mx("good.test", 20, "b.test");
    zone_a("a.mx.test", "198.51.100.1");
    zone_a("b.test", "198.51.100.2");
    web.answer = SLICE(POLICY("enforce", "*.mx.test"));
    assert_ok(route_start(&with));
    assert_ok(route_find(&request, &arena, soon(), &route));
    assert_int_equal(route.host_count, 1);
    assert_slice(route.hosts[0].name, "a.mx.test");
    assert_int_equal(route.tls, ROUTE_TLS_VERIFY);
    assert_true(route.sts);
    assert_slice(route.site, "a.mx.test/verify+sts");
    struct route_request required = request; /* REQUIRETLS by the policy, RFC 8689 4.2.1 */
    required.require_tls = true;
    assert_ok(route_find(&required, &arena, soon(), &route));
    assert_int_equal(route.kind, ROUTE_SMTP);
    assert_ok(route_find(&optional, &arena, soon(), &route));
    assert_int_equal(route.tls, ROUTE_TLS_ENCRYPT);
    assert_int_equal(route.host_count, 2);
    route_stop();
    web.answer = SLICE(POLICY("testing", "*.mx.test"));
    assert_ok(route_start(&with));
    assert_ok(route_find(&request, &arena, soon(), &route));
    assert_int_equal(route.host_count, 2);
    assert_int_equal(route.tls, ROUTE_TLS_ENCRYPT);
    assert_true(route.sts_testing && !route.sts);
    assert_true(!route.hosts[0].sts_unnamed && route.hosts[1].sts_unnamed);
    route_stop();
    web.answer = SLICE(POLICY("enforce", "other.test"));
    assert_ok(route_start(&with));
    assert_ok(route_find(&request, &arena, soon(), &route));
    assert_int_equal(route.kind, ROUTE_LATER);
    assert_int_equal(route.code, 451);
    assert_memory_equal(route.enhanced, ((int[3]){4, 7, 5}), sizeof route.enhanced);
    assert_int_equal(failure(), TLS_REPORT_VALIDATION_FAILURE);
    route_stop();
    end();
}

/* What one core fetched the others know. */
static error start_there(void *argument)
{
    const struct resolver_options *options = argument;
    assert_ok(resolver_start(options));
    start();
    return OK;
}

static error find_there(void *argument)
{
    struct mta_sts_policy policy;
    struct arena there;
    arena_init(&there, 1 << 20);
    error problem = sts_find(SLICE("good.test"), &there, soon(), &policy);
    *(enum mta_sts_mode *)argument = policy.mode;
    arena_close(&there);
    return problem;
}

static error stop_there(void *argument)
{
    (void)argument;
    sts_stop();
    resolver_stop();
    return OK;
}

static void on_both(void *argument)
{
    (void)argument;
    if (core_self() != 0)
        return;
    begin();
    start();
    struct resolver_options options = {.servers = zone.address, .timeout_ms = 10000, .tries = 2};
    assert_ok(core_call(1, start_there, &options));
    web.answer = SLICE(POLICY("enforce", "*.mx.test"));
    assert_int_equal(mode_of("good.test"), MTA_STS_ENFORCE);
    enum mta_sts_mode there = MTA_STS_NONE;
    assert_ok(core_call(1, find_there, &there));
    assert_int_equal(there, MTA_STS_ENFORCE);
    assert_int_equal(web.requests, 1);
    assert_ok(core_call(1, stop_there, NULL));
    end();
    cores_stop();
}

static void test_cores(void **state)
{
    (void)state;
    const struct core_options options = {.count = 2};
    assert_ok(cores_start(&options, on_both, NULL));
    cores_join();
}

/* Of so many policies as route.sts_policies_max says those last used are remembered. */
static void test_cache(void **state)
{
    (void)state;
    struct sts_cache cache;
    struct sts_known *known;
    struct buffer text, copy;
    slice policy = SLICE("version: STSv1\nmode: enforce\nmax_age: 100\nmx: a.test\n");
    buffer_init(&text, 1 << 20);
    buffer_init(&copy, 1 << 20);
    sts_cache_init(&cache, 3);
    for (int i = 0; i < 5; i++) {
        char name[] = "0.test";
        name[0] = (char)('0' + i);
        assert_ok(sts_known_make(slice_from_string(name), SLICE("id"), policy, 1000 + i, &known));
        sts_cache_put(&cache, known);
    }
    assert_int_equal(cache.entries.count, 3);
    assert_null(sts_cache_find(&cache, SLICE("0.test")));
    assert_error(sts_known_make(SLICE("x"), SLICE("id"), SLICE("nonsense"), 0, &known),
                 ERROR_MALFORMED);
    sts_cache_write(&cache, 1103, &text); /* that of 1002 and 1003 are over */
    sts_cache_close(&cache);
    sts_cache_init(&cache, 10);
    assert_ok(sts_cache_read(&cache, buffer_slice(&text), 1103));
    assert_int_equal(cache.entries.count, 1);
    assert_slice(sts_cache_find(&cache, SLICE("4.test"))->known->policy.mx[0], "a.test");
    sts_cache_write(&cache, 1103, &copy);
    assert_true(slice_equal(buffer_slice(&text), buffer_slice(&copy)));
    /* damaged wherever it may be: no crash, and never a policy that was not there */
    for (size_t i = 0; i < text.size; i++)
        if (i > 19)
            error_ignore(sts_cache_read(&cache, slice_sub(buffer_slice(&text), 0, i), 1103));
    assert_error(sts_cache_read(&cache, SLICE("something else"), 0), ERROR_MALFORMED);
    assert_int_equal(cache.entries.count, 1);
    sts_cache_close(&cache);
    buffer_close(&text);
    buffer_close(&copy);
}

#define ON_CORE(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        on_core(name);                                                                             \
    }
ON_CORE(finds)
ON_CORE(doubts)
ON_CORE(survives)
ON_CORE(refreshes)
ON_CORE(fetches)
ON_CORE(file_size)
ON_CORE(routes)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cache),     cmocka_unit_test(test_finds),
        cmocka_unit_test(test_doubts),    cmocka_unit_test(test_survives),
        cmocka_unit_test(test_refreshes), cmocka_unit_test(test_routes),
        cmocka_unit_test(test_cores),     cmocka_unit_test(test_fetches),
        cmocka_unit_test(test_file_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
