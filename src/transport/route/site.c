/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A site's name says what makes two routes the same: hosts by rank (the shuffle does not count, nor
 * do the numbers of preference), port, and how private the way is.
 *
 *     mx1.example.net,mx2.example.net;backup.example.net:2525/verify+sts
 */
#include "base/buffer.h"
#include "transport/route/state.h"

#include <stdlib.h>

enum { SITE_TEXT_MAX = ROUTE_HOSTS_MAX * 300, SITE_HEAD_SIZE = 400 };

static int by_name(const void *a, const void *b)
{
    const struct route_host *left = *(const struct route_host *const *)a;
    const struct route_host *right = *(const struct route_host *const *)b;
    if (left->preference != right->preference)
        return left->preference < right->preference ? -1 : 1;
    return slice_compare(left->name, right->name);
}

static void add_host(const struct route_host *host, struct buffer *text)
{
    char room[ADDRESS_TEXT_SIZE];
    if (host->address.family == ADDRESS_UNIX)
        buffer_add(text, address_format(&host->address, room));
    else if (host->address.family != ADDRESS_NONE)
        buffer_format(text, "[%.*s]", SLICE_ARG(address_format_ip(&host->address, room)));
    else
        buffer_add(text, host->name);
}

static void add_hosts(const struct route *route, struct buffer *text)
{
    const struct route_host *sorted[ROUTE_HOSTS_MAX];
    for (unsigned i = 0; i < route->host_count; i++)
        sorted[i] = &route->hosts[i];
    qsort(sorted, route->host_count, sizeof *sorted, by_name);
    for (unsigned i = 0; i < route->host_count; i++) {
        if (i)
            buffer_add_byte(text, sorted[i]->preference == sorted[i - 1]->preference ? ',' : ';');
        add_host(sorted[i], text);
    }
}

static void add_manner(const struct route *route, struct buffer *text)
{
    static const char *const levels[] = {
        [ROUTE_TLS_NONE] = "/none",
        [ROUTE_TLS_MAY] = "",
        [ROUTE_TLS_ENCRYPT] = "/encrypt",
        [ROUTE_TLS_VERIFY] = "/verify",
    };
    bool dane = false;
    for (unsigned i = 0; i < route->host_count; i++)
        dane |= route->dane && route->hosts[i].authentic;
    if (route->hosts->port && route->hosts->port != 25)
        buffer_format(text, ":%u", route->hosts->port);
    buffer_add_string(text, levels[route->tls]);
    buffer_add_string(text, route->implicit_tls ? "+smtps" : "");
    buffer_add_string(text, dane ? "+dane" : "");
    buffer_add_string(text, route->sts ? "+sts" : route->sts_testing ? "+sts-testing" : "");
    buffer_add_string(text, route->kind == ROUTE_LMTP ? "+lmtp" : "");
    if (route->user.size)
        buffer_format(text, "+user=%.*s", SLICE_ARG(route->user));
}

error route_site_name(struct route *route, struct arena *arena)
{
    struct buffer text, manner;
    if (route->kind != ROUTE_SMTP && route->kind != ROUTE_LMTP) {
        route->site = route->kind == ROUTE_LOCAL ? SLICE("local") : SLICE("none");
        return OK;
    }
    buffer_init(&text, SITE_TEXT_MAX);
    buffer_init(&manner, SITE_TEXT_MAX);
    add_hosts(route, &text);
    add_manner(route, &manner);
    /* Many hosts: the first of them, and a number made of all. */
    if (text.size + manner.size > ROUTE_SITE_SIZE_MAX) {
        uint64_t hash = slice_hash_stable(buffer_slice(&text));
        hash ^= slice_hash_stable(buffer_slice(&manner)) * 3;
        buffer_truncate(&text, SITE_HEAD_SIZE);
        buffer_format(&text, "...%016llx", (unsigned long long)hash);
        buffer_truncate(&manner, manner.size < ROUTE_SITE_SIZE_MAX - text.size
                                     ? manner.size
                                     : ROUTE_SITE_SIZE_MAX - text.size);
    }
    buffer_add(&text, buffer_slice(&manner));
    error problem = buffer_check(&text);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&text), &route->site);
    buffer_close(&text);
    buffer_close(&manner);
    return problem;
}
