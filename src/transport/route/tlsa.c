/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/route/tlsa.h"

#include "base/metric.h"
#include "net/dns/addresses.h"

METRIC_COUNTER(metric_secure, "ringmail_dane_lookups_total", "result=\"secure\"",
               "TLSA look-ups of hosts whose names came by DNSSEC");
METRIC_COUNTER(metric_none, "ringmail_dane_lookups_total", "result=\"none\"",
               "TLSA look-ups of hosts whose names came by DNSSEC");
METRIC_COUNTER(metric_bogus, "ringmail_dane_lookups_total", "result=\"bogus\"",
               "TLSA look-ups of hosts whose names came by DNSSEC");

static bool is_trouble(error problem)
{
    return problem.kind == ERROR_TEMPORARY || problem.kind == ERROR_TIMEOUT ||
           problem.kind == ERROR_SYSTEM;
}

static error ask(slice base, uint16_t port, struct arena *arena, instant deadline,
                 struct route_tlsa *tlsa)
{
    struct dns_answer answer;
    slice name;
    TRY(arena_format(arena, &name, "_%u._tcp.%.*s", port, SLICE_ARG(base)));
    error problem = resolver_query(name, DNS_TLSA, arena, deadline, &answer);
    tlsa->state = ROUTE_TLSA_NONE;
    if (problem.kind == ERROR_NOT_FOUND || problem.kind == ERROR_MALFORMED)
        return OK;
    if (is_trouble(problem)) { /* RFC 7672 2.1.3: not the same as "no records" */
        tlsa->state = ROUTE_TLSA_BOGUS;
        return OK;
    }
    TRY(problem);
    if (answer.count == 0 || !answer.authentic)
        return OK;
    *tlsa = (struct route_tlsa){
        .state = ROUTE_TLSA_SECURE,
        .base = base,
        .records = answer.records,
        .count = answer.count,
    };
    return OK;
}

static error find(const struct route_host *host, struct arena *arena, instant deadline,
                  struct route_tlsa *tlsa)
{
    struct dns_addresses found;
    error problem = dns_addresses_find(host->name, host->port, arena, deadline, &found);
    if (is_trouble(problem) || (!failed(problem) && found.incomplete)) {
        tlsa->state = ROUTE_TLSA_BOGUS;
        return OK;
    }
    if (problem.kind == ERROR_NOT_FOUND || problem.kind == ERROR_MALFORMED)
        return OK;
    TRY(problem);
    if (!found.authentic) /* RFC 7672 2.2.2: without secure addresses no TLSA records */
        return OK;
    /* RFC 7672 2.2.3: the end of the CNAMEs first, then the name itself. */
    if (!slice_equal_nocase(found.owner, host->name))
        TRY(ask(found.owner, host->port, arena, deadline, tlsa));
    return tlsa->state == ROUTE_TLSA_NONE ? ask(host->name, host->port, arena, deadline, tlsa) : OK;
}

error route_tlsa_find(const struct route_host *host, struct arena *arena, instant deadline,
                      struct route_tlsa *out_tlsa)
{
    struct route_tlsa tlsa = {.state = ROUTE_TLSA_NONE};
    if (host->authentic && host->address.family == ADDRESS_NONE && host->name.size) {
        TRY(find(host, arena, deadline, &tlsa));
        metric_add(tlsa.state == ROUTE_TLSA_SECURE  ? &metric_secure
                   : tlsa.state == ROUTE_TLSA_BOGUS ? &metric_bogus
                                                    : &metric_none,
                   1);
    }
    *out_tlsa = tlsa;
    return OK;
}
