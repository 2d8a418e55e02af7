#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The addresses of a host: A and AAAA asked side by side, and before them /etc/hosts and what RFC
 * 6761 6.3 says of "localhost". An IP address in place of a name (bare or in brackets) is itself.
 */
#include "net/address.h"
#include "net/dns/resolver.h"

enum {
    DNS_ADDRESSES_MAX = 32, /* of one host; what comes after is dropped */
};

struct dns_addresses {
    struct address *items; /* with the port asked for; IPv6 and IPv4 by turns, IPv6 first */
    unsigned count;        /* 0: the name exists, but has no addresses */
    bool authentic;        /* every part of the answer was (RFC 7672 2.2): AD of A and of AAAA */
    bool incomplete;       /* one of the two questions was not answered */
    slice owner;           /* the name at the end of the CNAMEs */
};

/* WAITS. ERROR_NOT_FOUND: no such name. ERROR_TEMPORARY, ERROR_TIMEOUT where neither question was
 * answered, or one was not and the other brought nothing. ERROR_MALFORMED: no name. The answer is
 * held by the arena. */
error dns_addresses_find(slice name, uint16_t port, struct arena *arena, instant deadline,
                         struct dns_addresses *out_addresses);
