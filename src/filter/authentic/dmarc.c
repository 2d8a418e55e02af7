/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/dmarc.h"

#include "base/metric.h"
#include "filter/authentic/psl.h"

#define RESULT_METRIC(variable, name)                                                              \
    METRIC_COUNTER(variable, "ringmail_dmarc_checks_total", "result=\"" name "\"",                 \
                   "DMARC of messages")
RESULT_METRIC(metric_none, "none");
RESULT_METRIC(metric_pass, "pass");
RESULT_METRIC(metric_fail, "fail");
RESULT_METRIC(metric_temperror, "temperror");
RESULT_METRIC(metric_permerror, "permerror");

static const struct {
    const char *name;
    struct metric *metric;
} results[] = {
    [DMARC_NONE] = {"none", &metric_none},
    [DMARC_PASS] = {"pass", &metric_pass},
    [DMARC_FAIL] = {"fail", &metric_fail},
    [DMARC_TEMPERROR] = {"temperror", &metric_temperror},
    [DMARC_PERMERROR] = {"permerror", &metric_permerror},
};

const char *dmarc_result_name(enum dmarc_result result)
{
    return results[result].name;
}

/* ---- What the owners want ---- */

static error record_name(struct arena *arena, slice domain, slice *out_name)
{
    return arena_format(arena, out_name, "_dmarc.%.*s", SLICE_ARG(domain));
}

/* WAITS. RFC 7489 6.6.3: records that are none of DMARC's are left out; of several that are, none
 * counts. */
static error find_record(const struct dns_source *source, slice domain, struct arena *arena,
                         instant deadline, struct dmarc_owner *owner)
{
    struct dns_answer answer;
    slice name;
    unsigned count = 0;
    TRY(record_name(arena, domain, &name));
    error problem = dns_source_ask(source, name, DNS_TXT, arena, deadline, &answer);
    if (problem.kind == ERROR_TEMPORARY) {
        owner->discovery = DMARC_UNSURE;
        return OK;
    }
    TRY(problem);
    for (unsigned i = 0; i < answer.count; i++) {
        struct dmarc_record record;
        problem = dmarc_record_parse(answer.records[i].text, &record);
        if (problem.kind == ERROR_NOT_FOUND)
            continue;
        owner->discovery = ++count == 1 && !failed(problem) ? DMARC_HAS_POLICY : DMARC_NO_POLICY;
        if (!failed(problem))
            owner->record = record;
    }
    if (owner->discovery == DMARC_HAS_POLICY)
        owner->policy_domain = domain;
    return OK;
}

/* WAITS. RFC 9091 2.7: neither addresses nor mail servers. */
static error find_existence(const struct dns_source *source, slice domain, struct arena *arena,
                            instant deadline, bool *out_missing)
{
    static const enum dns_type types[] = {DNS_MX, DNS_A, DNS_AAAA};
    struct dns_answer answer;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        dns_source_expect(source, domain, types[i]);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        error problem = dns_source_ask(source, domain, types[i], arena, deadline, &answer);
        if (problem.kind == ERROR_TEMPORARY)
            return OK; /* in doubt it exists */
        TRY(problem);
        if (answer.count > 0)
            return OK;
    }
    *out_missing = true;
    return OK;
}

/* WAITS. */
static error find_owner(const struct dns_source *source, slice domain, struct arena *arena,
                        instant deadline, struct dmarc_owner *owner)
{
    slice organization = psl_organization(domain);
    TRY(find_record(source, domain, arena, deadline, owner));
    if (owner->discovery != DMARC_NO_POLICY || slice_equal(organization, domain))
        return OK;
    TRY(find_record(source, organization, arena, deadline, owner));
    if (owner->discovery == DMARC_HAS_POLICY && owner->record.has_missing)
        return find_existence(source, domain, arena, deadline, &owner->missing);
    return OK;
}

error dmarc_discover(const struct dns_source *source, struct arena *arena, instant deadline,
                     struct dmarc_owners *owners)
{
    const struct dmarc_authors *authors = &owners->authors;
    slice name;
    for (unsigned i = 0; i < authors->count; i++) {
        TRY(record_name(arena, authors->domains[i], &name));
        dns_source_expect(source, name, DNS_TXT);
        TRY(record_name(arena, psl_organization(authors->domains[i]), &name));
        dns_source_expect(source, name, DNS_TXT);
    }
    for (unsigned i = 0; i < authors->count; i++)
        TRY(find_owner(source, authors->domains[i], arena, time_share(deadline, authors->count - i),
                       &owners->owners[i]));
    return OK;
}

/* ---- Whether they vouch for it ---- */

/* Sets what speaks for the domain; *out_unsure: something would, had DNS answered. */
static void look_for_support(slice domain, const struct dmarc_record *record,
                             const struct dmarc_evidence *evidence, struct dmarc_check *check,
                             bool *out_unsure)
{
    *out_unsure = false;
    if (dmarc_is_aligned(evidence->spf_domain, domain, record->spf_strict)) {
        check->spf_aligned = evidence->spf == SPF_PASS;
        *out_unsure |= evidence->spf == SPF_TEMPERROR;
    }
    for (unsigned i = 0; i < evidence->dkim_count; i++) {
        const struct dkim_check *dkim = &evidence->dkim[i];
        if (!dmarc_is_aligned(dkim->signature.domain, domain, record->dkim_strict))
            continue;
        check->dkim_aligned |= dkim->result == DKIM_PASS;
        *out_unsure |= dkim->result == DKIM_TEMPERROR;
    }
}

static enum dmarc_policy published(const struct dmarc_owner *owner, slice domain)
{
    if (slice_equal(owner->policy_domain, domain))
        return owner->record.policy;
    return owner->missing ? owner->record.missing : owner->record.subdomain;
}

static void judge_one(slice domain, const struct dmarc_owner *owner,
                      const struct dmarc_evidence *evidence, struct dmarc_check *check)
{
    bool unsure;
    *check = (struct dmarc_check){.from_domain = domain, .record = owner->record};
    if (owner->discovery != DMARC_HAS_POLICY) {
        check->result = owner->discovery == DMARC_UNSURE ? DMARC_TEMPERROR : DMARC_NONE;
        return;
    }
    check->policy_domain = owner->policy_domain;
    check->published = published(owner, domain);
    look_for_support(domain, &owner->record, evidence, check, &unsure);
    if (check->spf_aligned || check->dkim_aligned) {
        check->result = DMARC_PASS;
        return;
    }
    /* RFC 7489 6.6.2: what DNS kept from us may have been the proof. */
    check->result = unsure ? DMARC_TEMPERROR : DMARC_FAIL;
    if (unsure)
        return;
    check->overridden = evidence->trusted_chain;
    if (!check->overridden)
        check->policy =
            dmarc_policy_sample(check->published, owner->record.percent, evidence->dice);
}

/* The worse of two: what fails before what is unsure, before what nobody speaks of, before a pass.
 */
static unsigned badness(const struct dmarc_check *check)
{
    static const unsigned order[] = {[DMARC_PASS] = 0,
                                     [DMARC_NONE] = 1,
                                     [DMARC_TEMPERROR] = 2,
                                     [DMARC_FAIL] = 3,
                                     [DMARC_PERMERROR] = 7};
    return order[check->result] + (unsigned)check->policy;
}

void dmarc_judge(const struct dmarc_owners *owners, const struct dmarc_evidence *evidence,
                 struct dmarc_check *out_check)
{
    const struct dmarc_authors *authors = &owners->authors;
    struct dmarc_check check = {.result = DMARC_PERMERROR, .reason = authors->mistake};
    for (unsigned i = 0; i < authors->count; i++) {
        struct dmarc_check one;
        judge_one(authors->domains[i], &owners->owners[i], evidence, &one);
        if (i == 0 || badness(&one) > badness(&check))
            check = one;
    }
    if (authors->hostile) {
        check.result = DMARC_PERMERROR;
        check.policy = DMARC_POLICY_REJECT;
        check.reason = authors->mistake;
    }
    metric_add(results[check.result].metric, 1);
    *out_check = check;
}
