/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A connection along a route: its hosts in their order, of each host its addresses, IPv6 and IPv4
 * in turn, until one greets us and TLS stands where it must.
 */
#include "base/metric.h"
#include "net/dial.h"
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

static bool is_first(const struct address *address, int prefer)
{
    return address->family == (prefer == REMOTE_PREFER_IPV4 ? ADDRESS_IPV4 : ADDRESS_IPV6);
}

/* RFC 8305 4: one of each kind after the other, or all of one kind first. */
static void arrange(const struct address *found, unsigned count, int prefer, struct addresses *out)
{
    unsigned a = 0, b = 0;
    out->count = 0;
    while (out->count < count) {
        while (a < count && !is_first(&found[a], prefer))
            a++;
        if (a < count)
            out->items[out->count++] = found[a++];
        if (a < count && prefer != REMOTE_PREFER_BOTH)
            continue;
        while (b < count && is_first(&found[b], prefer))
            b++;
        if (b < count)
            out->items[out->count++] = found[b++];
    }
}

/* WAITS. */
static error find_addresses(struct opening *o, const struct route_host *host, struct addresses *out)
{
    struct address *found;
    unsigned count;
    TRY(route_addresses(o->route, host, o->arena, o->until, &found, &count));
    if (count > REMOTE_ADDRESSES_MAX)
        count = REMOTE_ADDRESSES_MAX;
    arrange(found, count, o->options->settings->prefer, out);
    return OK;
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

/* WAITS. Where only TLS failed and need not be: the same with less of it. */
static error try_address_with_less(struct opening *o, const struct route_host *host,
                                   const struct address *address, bool last)
{
    struct remote_tls_plan plan = o->remote->plan;
    error problem = try_address(o, host, address, last);
    while (failed(problem) && o->remote->tls_failed && remote_tls_ask_less(o->remote))
        problem = try_address(o, host, address, last);
    if (failed(problem))
        o->remote->plan = plan; /* for the next address */
    return problem;
}

/* Why the host cannot be dialled at all. */
static error note_unreachable(struct opening *o, error problem)
{
    struct remote_answer answer = remote_answer_problem(REMOTE_STAGE_ROUTE, problem);
    if (problem.kind == ERROR_NOT_FOUND)
        answer = remote_answer_own(5, 4, 4, "the host does not exist, or has no address");
    else if (problem.kind == ERROR_DENIED)
        answer = remote_answer_own(5, 4, 4, "the host's addresses are none to send mail to");
    note_failure(o, answer);
    return problem.kind == ERROR_CANCELLED ? problem : answer.problem;
}

/* WAITS. */
static error try_host(struct opening *o, const struct route_host *host, bool last_host)
{
    struct addresses addresses;
    struct remote_answer answer;
    o->remote->name = host->name;
    error problem = find_addresses(o, host, &addresses);
    if (failed(problem))
        return note_unreachable(o, problem);
    problem = remote_tls_plan(o->remote, host, o->arena, o->until, &answer);
    if (failed(problem)) {
        note_failure(o, answer);
        return problem;
    }
    problem = error_make(ERROR_TEMPORARY, "no time left for this host");
    for (unsigned i = 0; i < addresses.count; i++) {
        if (time_now() >= o->until)
            break;
        struct address address = addresses.items[i];
        if (address_is_ip(&address) && address.port == 0)
            address.port = host->port;
        bool last = last_host && i + 1 == addresses.count;
        problem = try_address_with_less(o, host, &address, last);
        if (!failed(problem) || problem.kind == ERROR_CANCELLED)
            break;
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
    buffer_init(&remote->line, REMOTE_COMMAND_SIZE_MAX);
    remote->route = route;
    remote->settings = options->settings;
    remote->hostname = options->hostname;
    remote->require_tls = options->require_tls;
    remote->no_chunking = options->no_chunking;
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
