#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * TLSA records of a host that mail goes to (DANE, RFC 7672 2.2). Only for hosts whose
 * route_host.authentic says that their name came by DNSSEC, of routes whose `dane` is set.
 */
#include "net/dns/resolver.h"
#include "transport/route/route.h"

enum route_tlsa_state {
    ROUTE_TLSA_NONE,   /* no record, or not by DNSSEC: TLS as the route says */
    ROUTE_TLSA_SECURE, /* records: TLS is a must; verify where one of them is usable (RFC 7672 3.1),
                          else any certificate will do (2.2) */
    ROUTE_TLSA_BOGUS,  /* asking failed: somebody may be hiding them. Not this host, not now */
};

struct route_tlsa {
    enum route_tlsa_state state;
    slice base; /* host name that the records were found under, in A-labels: a reference identifier
                   beside the host's own name and the recipients' domain (RFC 7672 3.2.2) */
    const struct dns_record *records; /* .tlsa; held by the arena */
    unsigned count;
};

/* WAITS. Asks for the host's addresses first: where they do not come by DNSSEC nor do TLSA records
 * count (2.2.2). Errors only where the arena is full or the fiber was cancelled. */
error route_tlsa_find(const struct route_host *host, struct arena *arena, instant deadline,
                      struct route_tlsa *out_tlsa);
