/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RFC 5321 5.1: from a domain to the hosts that serve it. All hosts' addresses are asked for at
 * once; a host that has none, or only such as must not be dialled, is left out, and where we find
 * ourselves, everything not better than we.
 */
#include "base/random.h"
#include "transport/route/state.h"

#include <stdlib.h>

void route_refuse(struct route *route, int code, int subject, int detail, const char *text)
{
    route->kind = ROUTE_REFUSE;
    route->code = code;
    memcpy(route->enhanced, (int[3]){5, subject, detail}, sizeof route->enhanced);
    route->text = slice_from_string(text);
    route->host_count = 0;
}

void route_delay(struct route *route, int subject, int detail, const char *text)
{
    route_refuse(route, 451, subject, detail, text);
    route->kind = ROUTE_LATER;
    route->enhanced[0] = 4;
}

/* Trouble that is an answer of routing; false for what ends the caller too. */
static bool is_trouble(error problem)
{
    return problem.kind == ERROR_TEMPORARY || problem.kind == ERROR_TIMEOUT ||
           problem.kind == ERROR_SYSTEM;
}

/* ---- What the MX records say ---- */

/* Letters, digits, hyphens, underscores; and no IP address, which is no name of a host (RFC 5321
 * 5.1). */
static bool is_host_name(slice name)
{
    struct address address;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '_' && c != '.')
            return false;
    }
    return dns_name_is_valid(name) && failed(address_parse_ip(name, &address));
}

static int by_preference(const void *a, const void *b)
{
    const struct route_host *left = a, *right = b;
    if (left->preference != right->preference)
        return left->preference < right->preference ? -1 : 1;
    return slice_compare(left->name, right->name);
}

/* A host named twice counts once, where it is best. */
static unsigned drop_repeated(struct route_host *hosts, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned j = 0;
        while (j < kept && !slice_equal(hosts[j].name, hosts[i].name))
            j++;
        if (j == kept)
            hosts[kept++] = hosts[i];
    }
    return kept;
}

static error take_records(const struct dns_answer *answer, uint16_t port, struct arena *arena,
                          struct route *route)
{
    route->hosts = ARENA_ARRAY(arena, struct route_host, answer->count);
    TRY_MEMORY(route->hosts);
    unsigned count = 0, null = 0;
    for (unsigned i = 0; i < answer->count; i++) {
        const struct dns_record *record = &answer->records[i];
        null += record->mx.host.size == 0;
        if (record->mx.host.size && is_host_name(record->mx.host))
            route->hosts[count++] = (struct route_host){
                .name = record->mx.host,
                .port = port,
                .preference = record->mx.preference,
                .authentic = answer->authentic,
            };
    }
    if (null == answer->count) { /* RFC 7505 3 */
        route_refuse(route, 556, 1, 10, "the domain takes no mail (null MX)");
        return OK;
    }
    qsort(route->hosts, count, sizeof *route->hosts, by_preference);
    count = drop_repeated(route->hosts, count);
    route->host_count = count < ROUTE_HOSTS_MAX ? count : ROUTE_HOSTS_MAX;
    if (count == 0)
        route_refuse(route, 550, 4, 4, "the domain's MX records name no host");
    return OK;
}

/* RFC 5321 5.1: without MX records the domain itself is the host. */
static error take_domain(const struct dns_answer *answer, uint16_t port, struct arena *arena,
                         instant deadline, struct route *route)
{
    struct dns_addresses found;
    error problem = dns_addresses_find(answer->owner, port, arena, deadline, &found);
    if (is_trouble(problem)) {
        route_delay(route, 4, 3, "the domain's addresses cannot be looked up now");
        return OK;
    }
    if (problem.kind == ERROR_NOT_FOUND || (!failed(problem) && found.count == 0)) {
        route_refuse(route, 550, 1, 2, "the domain has neither MX nor address");
        return OK;
    }
    TRY(problem);
    route->hosts = ARENA_NEW(arena, struct route_host);
    TRY_MEMORY(route->hosts);
    *route->hosts = (struct route_host){
        .name = answer->owner,
        .port = port,
        .authentic = answer->authentic && found.authentic,
    };
    route->host_count = 1;
    return OK;
}

/* ---- What is left of them ---- */

struct survey {
    unsigned none, private,
        unknown; /* hosts without address; that must not be dialled; no answer */
    bool loops;
    unsigned own_preference; /* the best that is ourselves */
};

static void note_own(struct survey *survey, const struct route_host *host)
{
    if (!survey->loops || host->preference < survey->own_preference)
        survey->own_preference = host->preference;
    survey->loops = true;
}

static bool is_own_name(const struct route_host *host)
{
    return route_core.hostname.size && slice_equal_nocase(host->name, route_core.hostname);
}

/* Is the host usable, as far as is known now? */
static error look_at(const struct route *route, const struct route_host *host, struct arena *arena,
                     instant deadline, struct survey *survey, bool *out_usable)
{
    struct dns_addresses found = {0};
    error problem = dns_addresses_find(host->name, host->port, arena, deadline, &found);
    *out_usable = false;
    if (is_trouble(problem)) {
        survey->unknown++;
        *out_usable = true; /* it is asked for again when it is dialled */
        return OK;
    }
    if (failed(problem) && problem.kind != ERROR_NOT_FOUND)
        return problem;
    for (unsigned i = 0; i < found.count; i++) {
        if (route_own_is(&found.items[i])) {
            note_own(survey, host);
            return OK;
        }
        *out_usable |= !route->public_only || address_is_public(&found.items[i]);
    }
    survey->none += found.count == 0;
    survey->private += found.count > 0 && !*out_usable;
    return OK;
}

static error drop_unusable(struct route *route, struct arena *arena, instant deadline,
                           struct survey *survey)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < route->host_count; i++) {
        resolver_prefetch(route->hosts[i].name, DNS_A);
        resolver_prefetch(route->hosts[i].name, DNS_AAAA);
    }
    for (unsigned i = 0; i < route->host_count; i++) {
        bool usable = false;
        if (is_own_name(&route->hosts[i]))
            note_own(survey, &route->hosts[i]);
        else
            TRY(look_at(route, &route->hosts[i], arena, deadline, survey, &usable));
        if (usable)
            route->hosts[kept++] = route->hosts[i];
    }
    route->host_count = kept;
    return OK;
}

/* RFC 5321 5.1: where we are among the hosts, we and all that are not better are left out. */
static void drop_worse(struct route *route, unsigned preference)
{
    unsigned kept = 0;
    while (kept < route->host_count && route->hosts[kept].preference < preference)
        kept++;
    route->host_count = kept; /* they are sorted */
}

static void judge(struct route *route, const struct survey *survey)
{
    if (survey->loops)
        drop_worse(route, survey->own_preference);
    if (route->host_count > 0)
        return;
    if (survey->loops)
        route_refuse(route, 554, 4, 6, "mail for the domain comes back to this server");
    else if (survey->private)
        route_refuse(route, 550, 4, 4, "the domain's hosts have private addresses only");
    else
        route_refuse(route, 550, 4, 4, "the domain's hosts have no address");
}

/* RFC 5321 5.1: hosts of one preference in no particular order. */
static void shuffle(struct route_host *hosts, unsigned count)
{
    for (unsigned start = 0, end; start < count; start = end) {
        for (end = start; end < count && hosts[end].preference == hosts[start].preference; end++)
            ;
        for (unsigned i = end - 1; i > start; i--) {
            unsigned j = start + (unsigned)random_below(i - start + 1);
            struct route_host swapped = hosts[i];
            hosts[i] = hosts[j];
            hosts[j] = swapped;
        }
    }
}

error route_mx_find(slice domain, uint16_t port, struct arena *arena, instant deadline,
                    struct route *route)
{
    struct dns_answer answer;
    struct survey survey = {0};
    error problem = resolver_query(domain, DNS_MX, arena, deadline, &answer);
    route->kind = ROUTE_SMTP;
    if (is_trouble(problem)) {
        route_delay(route, 4, 3, "the domain's MX records cannot be looked up now");
        return OK;
    }
    if (problem.kind == ERROR_NOT_FOUND || problem.kind == ERROR_MALFORMED) {
        route_refuse(route, 550, 1, 2, "no such domain");
        return OK;
    }
    TRY(problem);
    TRY(answer.count ? take_records(&answer, port, arena, route)
                     : take_domain(&answer, port, arena, deadline, route));
    if (route->kind != ROUTE_SMTP)
        return OK;
    TRY(drop_unusable(route, arena, deadline, &survey));
    judge(route, &survey);
    if (route->kind == ROUTE_SMTP)
        shuffle(route->hosts, route->host_count);
    return OK;
}
