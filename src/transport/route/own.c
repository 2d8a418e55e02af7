/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which addresses are ourselves, and which must not be dialled.
 */
#include "transport/route/state.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

static void add(const struct address *address, uint16_t port)
{
    if (route_core.own_count == ROUTE_LISTENING_MAX)
        return;
    struct address own = *address;
    own.port = port;
    own.scope = 0;
    if (!route_own_is(&own))
        route_core.own[route_core.own_count++] = own;
}

/* Machines have few addresses and they change rarely: as they are at start. */
static void add_all(uint16_t port)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
        struct address address;
        if (!one->ifa_addr || !(one->ifa_flags & IFF_UP))
            continue;
        if (one->ifa_addr->sa_family == AF_INET)
            address_from_sockaddr(one->ifa_addr, sizeof(struct sockaddr_in), &address);
        else if (one->ifa_addr->sa_family == AF_INET6)
            address_from_sockaddr(one->ifa_addr, sizeof(struct sockaddr_in6), &address);
        else
            continue;
        add(&address, port);
    }
    freeifaddrs(all);
}

/* From outside they are reached at the port that MX records mean. */
static error add_more(const struct setting_list *more)
{
    for (size_t i = 0; i < more->count; i++) {
        struct address address;
        TRY(address_parse_ip(more->items[i], &address));
        add(&address, (uint16_t)route_core.settings->port);
    }
    return OK;
}

error route_own_find(const struct setting_list *listen, const struct setting_list *more)
{
    route_core.own_count = 0;
    TRY(add_more(more));
    for (size_t i = 0; listen && i < listen->count; i++) {
        struct address address;
        TRY(address_parse(listen->items[i], &address));
        if (address_is_any(&address))
            add_all(address.port);
        else if (address_is_ip(&address))
            add(&address, address.port);
    }
    return OK;
}

bool route_own_is(const struct address *address)
{
    for (unsigned i = 0; i < route_core.own_count; i++)
        if (address_same_host(&route_core.own[i], address) &&
            route_core.own[i].port == address->port)
            return true;
    return false;
}

/* ---- What may be dialled ---- */

static bool may_dial(const struct route *route, const struct address *address)
{
    if (address->family == ADDRESS_UNIX)
        return true;
    if (route_own_is(address) || address_is_any(address))
        return false;
    return !route->public_only || address_is_public(address);
}

error route_addresses(const struct route *route, const struct route_host *host, struct arena *arena,
                      instant deadline, struct address **out_addresses, unsigned *out_count)
{
    struct dns_addresses found = {.items = ARENA_NEW(arena, struct address), .count = 1};
    TRY_MEMORY(found.items);
    if (host->address.family != ADDRESS_NONE) {
        *found.items = host->address;
        found.items->port = host->port;
    } else {
        TRY(dns_addresses_find(host->name, host->port, arena, deadline, &found));
    }
    unsigned count = 0, usable = 0;
    for (unsigned i = 0; i < found.count; i++) {
        const struct address *address = &found.items[i];
        if (address->family == ADDRESS_IPV6 && route_core.running && !route_core.settings->ipv6)
            continue;
        usable++;
        if (may_dial(route, address) && count < ROUTE_ADDRESSES_MAX)
            found.items[count++] = *address;
    }
    if (usable == 0)
        return error_make(ERROR_NOT_FOUND, "the host has no address");
    if (count == 0)
        return error_make(ERROR_DENIED, "the host's addresses must not be dialled");
    *out_addresses = found.items;
    *out_count = count;
    return OK;
}
