/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A connection along a route: its hosts in their order, of each host its addresses, IPv6 and IPv4
 * in turn, until one greets us and TLS stands where it must.
 */
#include "base/metric.h"
#include "net/dial.h"
#include "net/dns/resolver.h"
#include "transport/deliver/remote_state.h"
#include "transport/deliver/remote_tls.h"

#include <stdlib.h>

METRIC_COUNTER(opened_total, "ringmail_remote_connections_total", "result=\"opened\"",
               "Connections to other servers");
METRIC_COUNTER(refused_total, "ringmail_remote_connections_total", "result=\"refused\"",
               "Connections to other servers");
METRIC_COUNTER(unreachable_total, "ringmail_remote_connections_total", "result=\"unreachable\"",
               "Connections to other servers");
METRIC_COUNTER(tls_failed_total, "ringmail_remote_connections_total", "result=\"tls\"",
               "Connections to other servers");
METRIC_COUNTER(broken_total, "ringmail_remote_connections_total", "result=\"broken\"",
               "Connections to other servers");
METRIC_COUNTER(clear_total, "ringmail_remote_tls_given_up_total", "",
               "Servers whose TLS failed and that were given mail in clear text");
METRIC_HISTOGRAM(connect_time, "ringmail_remote_connect_seconds", "", "Connecting to a server");
METRIC_HISTOGRAM(greet_time, "ringmail_remote_greeting_seconds", "",
                 "From the connection to a server ready for mail");

struct addresses {
    struct address items[REMOTE_ADDRESSES_MAX];
    unsigned count;
};

/* What the attempts of one remote_open share. */
struct opening {
    const struct route *route;
    const struct remote_options *options;
    struct arena *arena;
    instant until; /* no further address after it */
    struct remote *remote;
    struct remote_answer answer; /* of the last failure; a mild one stays before a final one */
    bool failed_mildly;          /* some host may take the mail later */
};

/* ---- Addresses of a host ---- */

/* WAITS. */
static error look_up(slice name, enum dns_type type, struct opening *o, struct addresses *out)
{
    struct dns_answer answer;
    TRY(resolver_query(name, type, o->arena, o->until, &answer));
    for (unsigned i = 0; i < answer.count && out->count < ROUTE_ADDRESSES_MAX; i++) {
        struct address *address = &out->items[out->count++];
        *address = (struct address){.family = type == DNS_A ? ADDRESS_IPV4 : ADDRESS_IPV6};
        memcpy(address->ip, answer.records[i].ip, type == DNS_A ? 4 : 16);
    }
    return OK;
}

/* RFC 8305 4: one of each kind after the other. */
static void merge(const struct addresses *first, const struct addresses *second, bool in_turn,
                  struct addresses *out)
{
    unsigned a = 0, b = 0;
    while (a < first->count || b < second->count) {
        if (a < first->count)
            out->items[out->count++] = first->items[a++];
        if (b < second->count && (in_turn || a == first->count))
            out->items[out->count++] = second->items[b++];
    }
}

/* WAITS. ERROR_NOT_FOUND: the host does not exist or has no address. */
static error find_addresses(struct opening *o, const struct route_host *host, struct addresses *out)
{
    struct addresses ipv4 = {.count = 0}, ipv6 = {.count = 0};
    int prefer = o->options->settings->prefer;
    out->count = 0;
    if (host->address.family != ADDRESS_NONE) {
        out->items[out->count++] = host->address;
        return OK;
    }
    error four = look_up(host->name, DNS_A, o, &ipv4);
    if (four.kind == ERROR_CANCELLED)
        return four;
    error six = look_up(host->name, DNS_AAAA, o, &ipv6);
    if (prefer == REMOTE_PREFER_IPV4)
        merge(&ipv4, &ipv6, false, out);
    else
        merge(&ipv6, &ipv4, prefer == REMOTE_PREFER_BOTH, out);
    if (out->count)
        return OK;
    if (failed(four) && four.kind != ERROR_NOT_FOUND)
        return four;
    if (failed(six) && six.kind != ERROR_NOT_FOUND)
        return six;
    return error_make(ERROR_NOT_FOUND, "the host has no address");
}

/* ---- One address ---- */

static error source_for(const struct remote_settings *settings, const struct address *to,
                        struct address *out_source)
{
    slice text = to->family == ADDRESS_IPV4   ? settings->source_ipv4
                 : to->family == ADDRESS_IPV6 ? settings->source_ipv6
                                              : SLICE_EMPTY;
    *out_source = (struct address){.family = ADDRESS_NONE};
    return text.size ? address_parse_ip(text, out_source) : OK;
}

static error describe(struct remote *remote, const struct route_host *host,
                      const struct address *address)
{
    char text[ADDRESS_TEXT_SIZE];
    if (host->name.size == 0 || !address_is_ip(address))
        return arena_copy(&remote->arena, address_format(address, text), &remote->host);
    slice ip = address_format_ip(address, text);
    return arena_format(&remote->arena, &remote->host, "%.*s[%.*s]:%u", SLICE_ARG(host->name),
                        SLICE_ARG(ip), address->port);
}

/* WAITS. */
static error connect_to(struct opening *o, const struct route_host *host,
                        const struct address *address, bool last)
{
    const struct remote_settings *settings = o->options->settings;
    struct dial_options from;
    struct remote *remote = o->remote;
    error problem = source_for(settings, address, &from.source);
    if (failed(problem))
        return problem;
    instant began = time_now();
    instant deadline =
        time_after(last ? settings->connect_timeout : settings->connect_first_timeout);
    TRY(dial(address, &from, deadline, &remote->stream));
    metric_observe(&connect_time, (uint64_t)(time_now() - began));
    stream_set_timeouts(remote->stream, -1, settings->block_timeout);
    remote->broken = false;
    remote->tls_failed = false;
    remote->verified = false;
    remote->tls = SLICE_EMPTY;
    return describe(remote, host, address);
}

static void note_failure(struct opening *o, struct remote_answer answer)
{
    bool final = answer.enhanced[0] == 5;
    if (!final || !o->failed_mildly)
        o->answer = answer;
    o->failed_mildly |= !final;
}

static struct metric *counter_of(const struct remote_answer *answer, error problem)
{
    if (answer->code)
        return &refused_total;
    if (answer->enhanced[1] == 7)
        return &tls_failed_total;
    return problem.kind == ERROR_NONE ? &unreachable_total : &broken_total;
}

/* WAITS. OK: the remote is open. */
static error try_address(struct opening *o, const struct route_host *host,
                         const struct address *address, bool last)
{
    struct remote *remote = o->remote;
    struct remote_answer answer = {0};
    error problem = connect_to(o, host, address, last);
    if (failed(problem)) {
        stream_close(&remote->stream);
        metric_add(&unreachable_total, 1);
        note_failure(o, remote_answer_problem(REMOTE_STAGE_CONNECT, problem));
        return problem;
    }
    instant began = time_now();
    problem = remote_greet(remote, o->arena, &answer);
    metric_observe(&greet_time, (uint64_t)(time_now() - began));
    if (!failed(problem))
        return OK;
    metric_add(counter_of(&answer, problem), 1);
    note_failure(o, answer);
    if (!remote->broken)
        remote_say_quit(remote);
    stream_close(&remote->stream);
    return problem;
}

static bool tls_was_optional(const struct opening *o)
{
    return o->route->tls == ROUTE_TLS_MAY && !o->options->require_tls && !o->route->implicit_tls &&
           o->options->settings->clear_fallback;
}

/* WAITS. The same once more in clear text where only TLS failed and it need not be. */
static error try_address_twice(struct opening *o, const struct route_host *host,
                               const struct address *address, bool last)
{
    o->remote->clear = false;
    error problem = try_address(o, host, address, last);
    if (!failed(problem) || !o->remote->tls_failed || !tls_was_optional(o))
        return problem;
    metric_add(&clear_total, 1);
    o->remote->clear = true;
    return try_address(o, host, address, last);
}

/* WAITS. */
static error try_host(struct opening *o, const struct route_host *host, bool last_host)
{
    struct addresses addresses;
    o->remote->name = host->name;
    error problem = find_addresses(o, host, &addresses);
    if (failed(problem)) {
        struct remote_answer answer = remote_answer_problem(REMOTE_STAGE_ROUTE, problem);
        if (problem.kind == ERROR_NOT_FOUND) {
            answer = remote_answer_own(5, 4, 4, problem.text);
            problem = answer.problem;
        }
        note_failure(o, answer);
    }
    for (unsigned i = 0; i < addresses.count; i++) {
        if (time_now() >= o->until || problem.kind == ERROR_CANCELLED)
            break;
        struct address address = addresses.items[i];
        if (address_is_ip(&address))
            address.port = host->port;
        bool last = last_host && i + 1 == addresses.count;
        problem = try_address_twice(o, host, &address, last);
        if (!failed(problem))
            return OK;
    }
    return problem;
}

/* WAITS. */
static error try_hosts(struct opening *o)
{
    error problem = error_make(ERROR_TEMPORARY, "no host could be tried");
    for (unsigned i = 0; i < o->route->host_count; i++) {
        if (i && time_now() >= o->until)
            break;
        problem = try_host(o, &o->route->hosts[i], i + 1 == o->route->host_count);
        if (!failed(problem) || problem.kind == ERROR_CANCELLED)
            return problem;
    }
    return problem;
}

static error create(const struct route *route, const struct remote_options *options,
                    struct remote **out_remote)
{
    struct remote *remote = calloc(1, sizeof *remote);
    TRY_MEMORY(remote);
    arena_init(&remote->arena, REMOTE_MEMORY_MAX);
    smtp_response_init(&remote->response);
    remote->route = route;
    remote->settings = options->settings;
    remote->hostname = options->hostname;
    remote->require_tls = options->require_tls;
    *out_remote = remote;
    return OK;
}

error remote_open(const struct route *route, const struct remote_options *options,
                  struct arena *arena, struct remote **out_remote, struct remote_answer *out_answer)
{
    struct opening o = {
        .route = route,
        .options = options,
        .arena = arena,
        .until = time_after(options->settings->open_timeout),
        .answer = remote_answer_own(4, 4, 1, "no host could be tried"),
    };
    if (route->kind != ROUTE_SMTP && route->kind != ROUTE_LMTP)
        return error_make(ERROR_BUG, "a route that leads to no server");
    TRY(create(route, options, &o.remote));
    error problem = try_hosts(&o);
    if (!failed(problem)) {
        metric_add(&opened_total, 1);
        *out_remote = o.remote;
        return OK;
    }
    remote_close(&o.remote);
    *out_answer = o.answer;
    if (problem.kind == ERROR_CANCELLED)
        return problem;
    return error_make(o.answer.enhanced[0] == 5 ? ERROR_PERMANENT : ERROR_TEMPORARY,
                      o.answer.problem.text ? o.answer.problem.text : "the server refuses");
}
