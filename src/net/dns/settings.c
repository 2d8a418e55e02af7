/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns/settings.h"

#include "net/address.h"

enum { SERVERS_SIZE_MAX = 64 << 10, DNS_PORT = 53 };

#define S struct dns_settings
static const struct setting rows[] = {
    SETTING_LIST(S, servers, "", 0,
                 "recursive servers: \"192.0.2.53\", \"127.0.0.1:5353\", \"[2001:db8::53]:53\"; "
                 "empty: those of /etc/resolv.conf"),
    SETTING_FLAG(S, trust_authentic, false, 0,
                 "the servers validate DNSSEC and nobody sits between them and us (loopback): "
                 "DANE needs it"),
    SETTING_PATH(S, hosts, "/etc/hosts", 0, "names known before DNS is asked; empty: none"),
    SETTING_DURATION(S, timeout, RESOLVER_TIMEOUT_MS *TIME_MS, 10 * TIME_MS, 60 * TIME_S, 0,
                     "a server that does not answer for so long is asked again, or another"),
    SETTING_NUMBER(S, tries, RESOLVER_TRIES, 1, 10, 0, "of each server before a question fails"),
    SETTING_NUMBER(S, cache_entries, RESOLVER_CACHE_ENTRIES, 100, 100000000, 0,
                   "answers remembered, per core; a quarter of them for what does not exist"),
    SETTING_BYTES(S, cache_bytes, RESOLVER_CACHE_BYTES, 64 << 10, 1LL << 40, 0,
                  "of answers, per core"),
};
const struct setting_table dns_setting_table = SETTING_TABLE("dns", S, rows);
#undef S

bool dns_server_is_valid(slice text)
{
    struct address address;
    if (!failed(address_parse_ip(text, &address)))
        return true;
    return slice_find_byte(text, ':') > 0 && !failed(address_parse(text, &address)) &&
           address_is_ip(&address) && !address_is_any(&address) && address.port > 0;
}

/* c-ares wants IPv6 addresses in brackets. */
static void add_server(slice text, struct buffer *servers)
{
    char room[ADDRESS_TEXT_SIZE];
    struct address address;
    if (failed(address_parse_ip(text, &address)) && failed(address_parse(text, &address)))
        return; /* the configuration was checked */
    if (address.port == 0)
        address.port = DNS_PORT;
    buffer_add(servers, address_format(&address, room));
}

error dns_resolver_options(const struct dns_settings *settings, struct arena *arena,
                           struct resolver_options *out_options)
{
    struct resolver_options options = {
        .trust_authentic = settings->trust_authentic,
        .timeout_ms = (unsigned)(settings->timeout / TIME_MS),
        .tries = settings->tries,
        .cache_entries_max = settings->cache_entries,
        .cache_bytes_max = settings->cache_bytes,
    };
    if (settings->hosts.size)
        TRY(arena_string(arena, settings->hosts, &options.hosts));
    struct buffer servers;
    buffer_init(&servers, SERVERS_SIZE_MAX);
    for (size_t i = 0; i < settings->servers.count; i++) {
        if (i)
            buffer_add_byte(&servers, ',');
        add_server(settings->servers.items[i], &servers);
    }
    error problem = buffer_check(&servers);
    if (!failed(problem) && servers.size)
        problem = arena_string(arena, buffer_slice(&servers), &options.servers);
    buffer_close(&servers);
    TRY(problem);
    *out_options = options;
    return OK;
}
