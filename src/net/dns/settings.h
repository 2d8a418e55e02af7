#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Section "dns" of the configuration.
 */
#include "base/setting.h"
#include "net/dns/resolver.h"

struct dns_settings {
    struct setting_list servers; /* empty: those of /etc/resolv.conf */
    bool trust_authentic;
    slice hosts;     /* a file; empty: none */
    int64_t timeout; /* ns: of the first try; later ones wait longer */
    unsigned tries;  /* of each server */
    unsigned cache_entries;
    size_t cache_bytes;
};

extern const struct setting_table dns_setting_table;

/* May `text` stand in dns.servers: an IP address, a port may follow? */
bool dns_server_is_valid(slice text);
/* What resolver_start wants; texts live in the arena. */
error dns_resolver_options(const struct dns_settings *settings, struct arena *arena,
                           struct resolver_options *out_options);
