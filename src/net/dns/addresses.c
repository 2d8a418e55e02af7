/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns/addresses.h"

#include "net/dns/hosts.h"

static struct address address_of_record(const struct dns_record *record, uint8_t family,
                                        uint16_t port)
{
    struct address address = {.family = family, .port = port};
    memcpy(address.ip, record->ip, family == ADDRESS_IPV4 ? 4 : 16);
    return address;
}

static error make_room(struct arena *arena, size_t count, struct dns_addresses *addresses)
{
    if (count > DNS_ADDRESSES_MAX)
        count = DNS_ADDRESSES_MAX;
    addresses->items = ARENA_ARRAY(arena, struct address, count ? count : 1);
    TRY_MEMORY(addresses->items);
    return OK;
}

static void add(struct dns_addresses *addresses, struct address address)
{
    if (addresses->count < DNS_ADDRESSES_MAX)
        addresses->items[addresses->count++] = address;
}

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]" */
static bool is_address(slice name, uint16_t port, struct address *out_address)
{
    struct address address;
    if (failed(address_parse_ip(name, &address)))
        return false;
    address.port = port;
    *out_address = address;
    return true;
}

/* RFC 6761 6.3: never asked of DNS. */
static bool is_localhost(slice name)
{
    if (slice_ends(name, SLICE(".")))
        name.size--;
    return slice_equal_nocase(name, SLICE("localhost")) ||
           (name.size > 10 &&
            slice_equal_nocase(slice_from(name, name.size - 10), SLICE(".localhost")));
}

/* What needs no DNS; false where it does. */
static bool find_here(slice name, uint16_t port, struct arena *arena,
                      struct dns_addresses *addresses, error *out_problem)
{
    struct address address;
    const struct dns_hosts *hosts = resolver_hosts();
    const struct dns_host *host = hosts ? dns_hosts_find(hosts, name) : NULL;
    bool literal = is_address(name, port, &address);
    if (!literal && !host && !is_localhost(name))
        return false;
    addresses->owner = name;
    *out_problem = make_room(arena, DNS_ADDRESSES_MAX, addresses);
    if (failed(*out_problem))
        return true;
    if (literal) {
        add(addresses, address);
    } else if (host) {
        for (; host; host = host->next) {
            address = host->address;
            address.port = port;
            add(addresses, address);
        }
    } else {
        add(addresses, (struct address){.family = ADDRESS_IPV6, .port = port, .ip[15] = 1});
        add(addresses,
            (struct address){.family = ADDRESS_IPV4, .port = port, .ip = {127, 0, 0, 1}});
    }
    return true;
}

/* By turns, so that a host whose IPv6 is broken costs one attempt, not all. */
static error join(const struct dns_answer *six, const struct dns_answer *four, uint16_t port,
                  struct arena *arena, struct dns_addresses *addresses)
{
    TRY(make_room(arena, (size_t)six->count + four->count, addresses));
    unsigned most = six->count > four->count ? six->count : four->count;
    for (unsigned i = 0; i < most; i++) {
        if (i < six->count)
            add(addresses, address_of_record(&six->records[i], ADDRESS_IPV6, port));
        if (i < four->count)
            add(addresses, address_of_record(&four->records[i], ADDRESS_IPV4, port));
    }
    return OK;
}

static bool is_answer(error problem)
{
    return !failed(problem) || problem.kind == ERROR_NOT_FOUND;
}

error dns_addresses_find(slice name, uint16_t port, struct arena *arena, instant deadline,
                         struct dns_addresses *out_addresses)
{
    struct dns_addresses addresses = {0};
    struct dns_answer four = {0}, six = {0};
    error problem;
    if (find_here(name, port, arena, &addresses, &problem)) {
        TRY(problem);
        *out_addresses = addresses;
        return OK;
    }
    resolver_prefetch(name, DNS_AAAA); /* both are on their way while we wait for one */
    problem = resolver_query(name, DNS_A, arena, deadline, &four);
    if (!is_answer(problem) && problem.kind != ERROR_TEMPORARY && problem.kind != ERROR_TIMEOUT)
        return problem;
    error other = resolver_query(name, DNS_AAAA, arena, deadline, &six);
    if (!is_answer(other) && other.kind != ERROR_TEMPORARY && other.kind != ERROR_TIMEOUT)
        return other;
    if (!is_answer(problem) && six.count == 0)
        return problem;
    if (!is_answer(other) && four.count == 0)
        return other;
    if (failed(problem) && failed(other) && is_answer(problem) && is_answer(other))
        return problem; /* no such name */
    TRY(join(&six, &four, port, arena, &addresses));
    addresses.incomplete = !is_answer(problem) || !is_answer(other);
    addresses.authentic = !addresses.incomplete && four.authentic && six.authentic;
    addresses.owner = is_answer(problem) ? four.owner : six.owner;
    *out_addresses = addresses;
    return OK;
}
