/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who decides, in this order: the directory's transport table, route.transports for the domain or
 * one above it, our own domains, "*" in route.transports, the smart host, MX records.
 */
#include "transport/route/route.h"

#include "base/log.h"
#include "base/metric.h"
#include "data/directory/directory.h"
#include "format/text/idna.h"
#include "transport/route/state.h"
#include "transport/route/sts.h"

METRIC_COUNTER(metric_smtp, "ringmail_routes_total", "kind=\"smtp\"", "Routes found, by kind");
METRIC_COUNTER(metric_lmtp, "ringmail_routes_total", "kind=\"lmtp\"", "Routes found, by kind");
METRIC_COUNTER(metric_local, "ringmail_routes_total", "kind=\"local\"", "Routes found, by kind");
METRIC_COUNTER(metric_refuse, "ringmail_routes_total", "kind=\"refuse\"", "Routes found, by kind");
METRIC_COUNTER(metric_later, "ringmail_routes_total", "kind=\"later\"", "Routes found, by kind");
METRIC_HISTOGRAM(metric_duration, "ringmail_route_seconds", "", "Time to find a route");

_Thread_local struct route_core route_core;

/* ---- Life ---- */

static error complain(const char *setting, slice item, error problem)
{
    struct log_line line = log_begin(LOG_ERROR, "route.setting");
    log_string(&line, "setting", setting);
    log_text(&line, "value", item);
    log_error(&line, problem);
    log_end(&line);
    return problem;
}

static error add_transport(slice item)
{
    slice pattern, text;
    struct route_transport *transport = ARENA_NEW(&route_core.arena, struct route_transport);
    TRY_MEMORY(transport);
    if (!slice_cut(item, '=', &pattern, &text))
        return error_make(ERROR_MALFORMED, "\"domain=transport\" is wanted");
    TRY(route_transport_parse(text, &route_core.arena, transport));
    return route_table_add(&route_core.transports, pattern, &route_core.arena, transport);
}

static error add_tls(slice item)
{
    slice pattern, text;
    enum route_tls *tls = ARENA_NEW(&route_core.arena, enum route_tls);
    TRY_MEMORY(tls);
    if (!slice_cut(item, '=', &pattern, &text) || !route_tls_parse(slice_trim(text), tls))
        return error_make(ERROR_MALFORMED, "\"domain=level\" is wanted");
    return route_table_add(&route_core.tls, pattern, &route_core.arena, tls);
}

static error add_all(const char *setting, const struct setting_list *list, error (*add)(slice item))
{
    for (size_t i = 0; i < list->count; i++) {
        error problem = add(list->items[i]);
        if (failed(problem))
            return complain(setting, list->items[i], problem);
    }
    return OK;
}

static error set_smart_host(slice text)
{
    if (text.size == 0)
        return OK;
    struct route_transport *transport = ARENA_NEW(&route_core.arena, struct route_transport);
    TRY_MEMORY(transport);
    error problem = route_transport_parse(text, &route_core.arena, transport);
    if (!failed(problem) && transport->mx && transport->host.size == 0)
        problem = error_make(ERROR_MALFORMED, "a smart host needs a name");
    if (failed(problem))
        return complain("route.smart_host", text, problem);
    route_core.smart_host = transport;
    return OK;
}

static error fill(const struct route_options *options)
{
    const struct route_settings *settings = options->settings;
    TRY(add_all("route.transports", &settings->transports, add_transport));
    TRY(add_all("route.tls_policies", &settings->tls_policies, add_tls));
    TRY(set_smart_host(settings->smart_host));
    TRY(route_own_find(options->listen, &settings->own_addresses));
    struct sts_options sts = {
        .settings = settings,
        .authority = options->authority,
        .state_path = slice_from_string(settings->state_path),
    };
    if (sts.state_path.size == 0 && options->store_path.size)
        TRY(arena_format(&route_core.arena, &sts.state_path, "%.*s/route",
                         SLICE_ARG(options->store_path)));
    return sts_start(&sts);
}

error route_start(const struct route_options *options)
{
    route_core = (struct route_core){.settings = options->settings, .hostname = options->hostname};
    arena_init(&route_core.arena, ROUTE_MEMORY_MAX);
    route_table_init(&route_core.transports);
    route_table_init(&route_core.tls);
    route_core.running = true;
    error problem = fill(options);
    if (failed(problem))
        route_stop();
    return problem;
}

void route_stop(void)
{
    if (!route_core.running)
        return;
    sts_stop();
    route_core.running = false;
    route_table_close(&route_core.transports);
    route_table_close(&route_core.tls);
    arena_close(&route_core.arena);
}

/* ---- Finding ---- */

struct finding {
    const struct route_request *request;
    slice domain; /* in A-labels */
    struct arena *arena;
    instant deadline;
    struct route *route;
};

static uint16_t port_or_default(uint16_t port)
{
    return port ? port : (uint16_t)route_core.settings->port;
}

/* The operator's word on how private the way must be, for the recipients' domain or the next hop;
 * false where it is only what holds for everybody. */
static bool find_tls(slice domain, slice next_hop, enum route_tls *out_tls)
{
    const enum route_tls *tls = route_table_find(&route_core.tls, domain);
    if (!tls && next_hop.size)
        tls = route_table_find(&route_core.tls, next_hop);
    const enum route_tls *any = route_core.tls.any;
    *out_tls = tls ? *tls : any ? *any : route_core.settings->tls;
    return tls != NULL;
}

static error use_one_host(const struct finding *f, struct route_host host)
{
    struct route *route = f->route;
    route->hosts = ARENA_NEW(f->arena, struct route_host);
    TRY_MEMORY(route->hosts);
    *route->hosts = host;
    route->host_count = 1;
    return OK;
}

/* RFC 8461 5: hosts that the policy does not name are left out. */
static error obey_sts(const struct finding *f)
{
    struct route *route = f->route;
    struct mta_sts_policy policy;
    TRY(sts_find(f->domain, f->arena, f->deadline, &policy));
    if (policy.mode == MTA_STS_NONE)
        return OK;
    unsigned kept = 0;
    for (unsigned i = 0; i < route->host_count; i++) {
        bool named = mta_sts_names(&policy, route->hosts[i].name);
        if (!named && policy.mode == MTA_STS_ENFORCE)
            continue;
        route->hosts[kept] = route->hosts[i];
        route->hosts[kept++].sts_unnamed = !named;
    }
    if (policy.mode == MTA_STS_TESTING) {
        route->sts_testing = true;
        return OK;
    }
    if (kept == 0) {
        sts_report_unnamed(f->domain, route->hosts[0].name);
        route_delay(route, 7, 5, "the domain's MTA-STS policy names none of its MX hosts");
        return OK;
    }
    route->host_count = kept;
    route->sts = true;
    route->tls = ROUTE_TLS_VERIFY;
    return OK;
}

/* RFC 8689 4.2.1: hosts by DNSSEC, or named by a policy; with a good certificate. */
static void require_tls(const struct finding *f, bool trusted)
{
    struct route *route = f->route;
    unsigned kept = 0;
    for (unsigned i = 0; i < route->host_count; i++)
        if (trusted || route->sts || route->hosts[i].authentic)
            route->hosts[kept++] = route->hosts[i];
    route->host_count = kept;
    route->tls = ROUTE_TLS_VERIFY;
    if (kept == 0)
        route_refuse(route, 550, 7, 30,
                     "REQUIRETLS: the domain's hosts are secured by neither DNSSEC nor MTA-STS");
}

static error use_mx(const struct finding *f, slice domain, uint16_t port, bool asked_for)
{
    struct route *route = f->route;
    enum route_tls tls;
    bool has_order = find_tls(f->domain, domain, &tls);
    route->public_only = asked_for && !route_core.settings->private_addresses;
    TRY(route_mx_find(domain, port_or_default(port), f->arena, f->deadline, route));
    if (route->kind != ROUTE_SMTP)
        return OK;
    route->tls = tls;
    route->dane =
        route_core.settings->dane && !f->request->tls_optional && route->tls != ROUTE_TLS_NONE;
    if (route_core.settings->mta_sts && !f->request->tls_optional && !has_order && asked_for)
        TRY(obey_sts(f));
    if (route->kind == ROUTE_SMTP && f->request->require_tls)
        require_tls(f, !asked_for);
    return OK;
}

/* Through what the operator named. */
static error use_transport(const struct finding *f, const struct route_transport *transport)
{
    struct route *route = f->route;
    route->kind = transport->kind;
    route->implicit_tls = transport->implicit_tls;
    if (transport->kind == ROUTE_REFUSE || transport->kind == ROUTE_LATER) {
        route->code = transport->code;
        memcpy(route->enhanced, transport->enhanced, sizeof route->enhanced);
        return arena_copy(f->arena, transport->text, &route->text);
    }
    if (transport->kind == ROUTE_LOCAL)
        return OK;
    if (transport->mx)
        return use_mx(f, transport->host.size ? transport->host : f->domain, transport->port,
                      transport->host.size == 0);
    struct route_host host = {
        .name = transport->host,
        .address = transport->address,
        .port = transport->address.family == ADDRESS_UNIX ? 0 : port_or_default(transport->port),
    };
    host.address.port = host.port;
    TRY(use_one_host(f, host));
    if (!find_tls(f->domain, transport->host, &route->tls) && transport->kind == ROUTE_LMTP)
        route->tls = ROUTE_TLS_NONE; /* beside us, mostly */
    if (f->request->require_tls && transport->kind == ROUTE_SMTP)
        require_tls(f, true);
    return OK;
}

static error use_smart_host(const struct finding *f)
{
    const struct route_settings *settings = route_core.settings;
    struct route *route = f->route;
    TRY(use_transport(f, route_core.smart_host));
    if (route->kind != ROUTE_SMTP)
        return OK;
    if (!f->request->require_tls)
        route->tls = settings->smart_host_tls;
    if (settings->user.size && route->tls < ROUTE_TLS_ENCRYPT)
        route->tls = ROUTE_TLS_ENCRYPT; /* a password never goes in clear */
    route->user = settings->user;
    route->password = settings->password;
    return OK;
}

/* RFC 5321 4.1.3 */
static error use_literal(const struct finding *f)
{
    struct route *route = f->route;
    slice text = slice_sub(f->domain, 1, f->domain.size - 2);
    struct route_host host = {.port = port_or_default(0)};
    if (slice_starts_nocase(text, SLICE("IPv6:")))
        text = slice_from(text, 5);
    if (!slice_ends(f->domain, SLICE("]")) || failed(address_parse_ip(text, &host.address))) {
        route_refuse(route, 550, 1, 2, "not an address literal");
        return OK;
    }
    host.address.port = host.port;
    route->kind = ROUTE_SMTP;
    (void)find_tls(f->domain, SLICE_EMPTY, &route->tls);
    route->public_only = !route_core.settings->private_addresses;
    if (route_own_is(&host.address))
        route_refuse(route, 554, 4, 6, "mail for the address comes back to this server");
    else if (route->public_only && !address_is_public(&host.address))
        route_refuse(route, 550, 4, 4, "mail is not sent to private addresses");
    else if (f->request->require_tls)
        route_refuse(route, 550, 7, 30, "REQUIRETLS: an address literal is secured by nothing");
    else
        return use_one_host(f, host);
    return OK;
}

/* The directory's transport for the domain. ERROR_NOT_FOUND: it has none; ERROR_MALFORMED: told. */
static error ask_directory_transport(const struct finding *f, struct route_transport *out_transport)
{
    struct directory *directory = directory_here();
    slice text;
    if (!directory)
        return error_make(ERROR_NOT_FOUND, "no directory");
    TRY(directory_transport(directory, f->domain, f->arena, &text));
    error problem = route_transport_parse(text, f->arena, out_transport);
    if (problem.kind == ERROR_MALFORMED)
        error_ignore(complain("directory.transport_query", text, problem));
    return problem;
}

/* What the tables say of the domain, not of all domains. ERROR_NOT_FOUND: nothing. */
static error find_transport(const struct finding *f, struct route_transport *out_transport)
{
    error problem = ask_directory_transport(f, out_transport);
    if (problem.kind != ERROR_NOT_FOUND)
        return problem;
    const struct route_transport *transport = route_table_find(&route_core.transports, f->domain);
    if (!transport)
        return problem;
    *out_transport = *transport;
    return OK;
}

static error decide(const struct finding *f)
{
    bool ours = false;
    struct route_transport transport;
    error problem = find_transport(f, &transport);
    if (problem.kind == ERROR_MALFORMED) { /* somebody will mend it */
        route_delay(f->route, 3, 5, "the directory's transport for the domain makes no sense");
        return OK;
    }
    if (problem.kind != ERROR_NOT_FOUND) {
        TRY(problem);
        return use_transport(f, &transport);
    }
    if (directory_here())
        TRY(directory_domain(directory_here(), f->domain, &ours));
    if (ours) {
        f->route->kind = ROUTE_LOCAL;
        return OK;
    }
    if (route_core.transports.any)
        return use_transport(f, route_core.transports.any);
    if (route_core.smart_host)
        return use_smart_host(f);
    return slice_starts(f->domain, SLICE("[")) ? use_literal(f) : use_mx(f, f->domain, 0, true);
}

static error domain_to_ascii(slice domain, struct arena *arena, slice *out_domain)
{
    return slice_starts(domain, SLICE("[")) ? arena_copy(arena, domain, out_domain)
                                            : idna_to_ascii(arena, domain, out_domain);
}

static error find(const struct route_request *request, struct arena *arena, instant deadline,
                  struct route *route)
{
    struct finding f = {.request = request, .arena = arena, .deadline = deadline, .route = route};
    error problem = domain_to_ascii(request->domain, arena, &f.domain);
    if (problem.kind == ERROR_MALFORMED) {
        route_refuse(route, 550, 1, 2, "not a domain name");
        return OK;
    }
    TRY(problem);
    route->domain = f.domain;
    problem = decide(&f);
    if (problem.kind == ERROR_TEMPORARY || problem.kind == ERROR_TIMEOUT) {
        route_delay(route, 3, 0, "the directory does not answer");
        return OK;
    }
    return problem;
}

static void count(enum route_kind kind)
{
    struct metric *const metrics[] = {
        [ROUTE_SMTP] = &metric_smtp,   [ROUTE_LMTP] = &metric_lmtp,
        [ROUTE_LOCAL] = &metric_local, [ROUTE_REFUSE] = &metric_refuse,
        [ROUTE_LATER] = &metric_later,
    };
    metric_add(metrics[kind], 1);
}

error route_find(const struct route_request *request, struct arena *arena, instant deadline,
                 struct route *out_route)
{
    struct route route = {0};
    instant began = time_now();
    if (!route_core.running)
        return error_make(ERROR_BUG, "routing was not started on this core");
    TRY(find(request, arena, deadline, &route));
    TRY(route_site_name(&route, arena));
    count(route.kind);
    metric_observe(&metric_duration, (uint64_t)(time_now() - began));
    *out_route = route;
    return OK;
}

error route_refuses(slice domain, struct arena *arena, struct route *out_route, bool *out_refused)
{
    struct finding f = {.arena = arena, .route = out_route};
    struct route_transport transport;
    *out_route = (struct route){0};
    *out_refused = false;
    if (!route_core.running)
        return OK;
    error problem = domain_to_ascii(domain, arena, &f.domain);
    if (!failed(problem))
        problem = find_transport(&f, &transport);
    if (problem.kind == ERROR_NOT_FOUND && route_core.transports.any) {
        transport = *(const struct route_transport *)route_core.transports.any;
        problem = OK;
    }
    if (problem.kind == ERROR_LIMIT || problem.kind == ERROR_CANCELLED)
        return problem;
    if (failed(problem) || transport.kind != ROUTE_REFUSE) /* the queue will find out */
        return OK;
    *out_refused = true;
    return use_transport(&f, &transport);
}
