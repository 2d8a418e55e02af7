/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where mail for domains would go, by the DNS servers named: one line each, for system tests.
 *
 *     route [--trust] SERVER:PORT DOMAIN...
 *
 *     DOMAIN smtp host/preference[/authentic][/tlsa:STATE:COUNT][=ADDRESS,...] ...
 *     DOMAIN refuse 550 5.1.2 text
 */
#include "net/dns/resolver.h"
#include "runtime/core.h"
#include "transport/route/settings.h"
#include "transport/route/tlsa.h"

#include <stdio.h>
#include <stdlib.h>

static struct {
    bool trust;
    const char *server;
    char **domains;
    struct arena arena;
} asked;

static void check(error problem)
{
    if (!failed(problem))
        return;
    fprintf(stderr, "route: %s\n", problem.text);
    exit(1);
}

static instant soon(void)
{
    return time_after(20 * TIME_S);
}

static void print_host(const struct route *route, const struct route_host *host)
{
    static const char *const states[] = {"none", "secure", "bogus"};
    struct address *addresses;
    struct route_tlsa tlsa;
    unsigned count;
    char text[ADDRESS_TEXT_SIZE];
    printf(" %.*s/%u%s", SLICE_ARG(host->name), host->preference,
           host->authentic ? "/authentic" : "");
    check(route_tlsa_find(host, &asked.arena, soon(), &tlsa));
    printf("/tlsa:%s:%u", states[tlsa.state], tlsa.count);
    error problem = route_addresses(route, host, &asked.arena, soon(), &addresses, &count);
    if (failed(problem))
        printf("=%s", error_kind_name(problem.kind));
    for (unsigned i = 0; !failed(problem) && i < count; i++)
        printf("%c%s", i ? ',' : '=', address_format_ip(&addresses[i], text).data);
}

static void print_route(const char *domain)
{
    struct route route;
    const struct route_request request = {.domain = slice_from_string(domain)};
    check(route_find(&request, &asked.arena, soon(), &route));
    printf("%s ", domain);
    if (route.kind == ROUTE_SMTP) {
        printf("smtp");
        for (unsigned i = 0; i < route.host_count; i++)
            print_host(&route, &route.hosts[i]);
    } else {
        printf("%s %d %d.%d.%d %.*s", route.kind == ROUTE_REFUSE ? "refuse" : "later", route.code,
               route.enhanced[0], route.enhanced[1], route.enhanced[2], SLICE_ARG(route.text));
    }
    printf("\n");
}

static void run(void *argument)
{
    (void)argument;
    struct route_settings settings;
    arena_init(&asked.arena, 64 << 20);
    check(settings_default(&route_setting_table, &asked.arena, &settings));
    settings.private_addresses = true;
    settings.mta_sts = false;
    const struct resolver_options options = {
        .servers = asked.server, .trust_authentic = asked.trust, .timeout_ms = 1000, .tries = 2};
    check(resolver_start(&options));
    check(
        route_start(&(struct route_options){.settings = &settings, .hostname = SLICE("me.test")}));
    for (char **domain = asked.domains; *domain; domain++)
        print_route(*domain);
    route_stop();
    resolver_stop();
    arena_close(&asked.arena);
}

int main(int count, char **arguments)
{
    int at = 1;
    asked.trust = count > 1 && strcmp(arguments[1], "--trust") == 0;
    at += asked.trust;
    if (count < at + 2)
        return 2;
    asked.server = arguments[at];
    asked.domains = arguments + at + 1;
    check(core_run_here(&(struct core_options){.count = 1}, run, NULL));
    return 0;
}
