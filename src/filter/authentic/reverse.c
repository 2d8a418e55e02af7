/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/reverse.h"

#include "base/metric.h"

#define RESULT_METRIC(variable, name)                                                              \
    METRIC_COUNTER(variable, "ringmail_iprev_checks_total", "result=\"" name "\"",                 \
                   "Reverse names of clients")
RESULT_METRIC(metric_pass, "pass");
RESULT_METRIC(metric_fail, "fail");
RESULT_METRIC(metric_temperror, "temperror");
RESULT_METRIC(metric_permerror, "permerror");

static const struct {
    const char *name;
    struct metric *metric;
} results[] = {
    [REVERSE_PASS] = {"pass", &metric_pass},
    [REVERSE_FAIL] = {"fail", &metric_fail},
    [REVERSE_TEMPERROR] = {"temperror", &metric_temperror},
    [REVERSE_PERMERROR] = {"permerror", &metric_permerror},
};

const char *reverse_result_name(enum reverse_result result)
{
    return results[result].name;
}

/* WAITS. */
static error confirm(const struct address *peer, const struct dns_answer *names,
                     const struct dns_source *source, struct arena *arena, instant deadline,
                     struct reverse_check *check)
{
    size_t size = peer->family == ADDRESS_IPV6 ? 16 : 4;
    enum dns_type type = size == 16 ? DNS_AAAA : DNS_A;
    unsigned count = names->count < REVERSE_NAMES_MAX ? names->count : REVERSE_NAMES_MAX;
    struct dns_answer answer;
    check->result = count ? REVERSE_FAIL : REVERSE_PERMERROR;
    for (unsigned i = 0; i < count; i++)
        dns_source_expect(source, names->records[i].name, type);
    for (unsigned i = 0; i < count; i++) {
        error problem =
            dns_source_ask(source, names->records[i].name, type, arena, deadline, &answer);
        if (problem.kind == ERROR_TEMPORARY) {
            check->result = REVERSE_TEMPERROR;
            continue;
        }
        TRY(problem);
        for (unsigned j = 0; j < answer.count; j++)
            if (memcmp(answer.records[j].ip, peer->ip, size) == 0) {
                *check = (struct reverse_check){REVERSE_PASS, names->records[i].name};
                return OK;
            }
    }
    return OK;
}

error reverse_check(const struct address *peer, const struct dns_source *source,
                    struct arena *arena, instant deadline, struct reverse_check *out_check)
{
    struct reverse_check check = {.result = REVERSE_PERMERROR};
    struct dns_answer names;
    char text[DNS_REVERSE_SIZE];
    if (address_is_ip(peer)) {
        slice name = dns_reverse_name(peer->ip, peer->family == ADDRESS_IPV6 ? 16 : 4, text);
        error problem = dns_source_ask(source, name, DNS_PTR, arena, deadline, &names);
        if (problem.kind == ERROR_TEMPORARY) {
            check.result = REVERSE_TEMPERROR;
        } else {
            TRY(problem);
            TRY(confirm(peer, &names, source, arena, deadline, &check));
        }
    }
    metric_add(results[check.result].metric, 1);
    *out_check = check;
    return OK;
}
