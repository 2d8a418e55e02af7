/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside, an evaluation that ends early is an error: ERROR_TEMPORARY is temperror, ERROR_PERMANENT
 * permerror, its text the reason.
 */
#include "filter/authentic/spf.h"

#include "base/metric.h"
#include "filter/authentic/spf_macro.h"
#include "filter/authentic/spf_match.h"
#include "filter/authentic/spf_record.h"

#define RESULT_METRIC(variable, name)                                                              \
    METRIC_COUNTER(variable, "ringmail_spf_checks_total", "result=\"" name "\"",                   \
                   "SPF of hello names and senders")
RESULT_METRIC(metric_none, "none");
RESULT_METRIC(metric_neutral, "neutral");
RESULT_METRIC(metric_pass, "pass");
RESULT_METRIC(metric_fail, "fail");
RESULT_METRIC(metric_softfail, "softfail");
RESULT_METRIC(metric_temperror, "temperror");
RESULT_METRIC(metric_permerror, "permerror");

static const struct {
    const char *name;
    struct metric *metric;
} results[] = {
    [SPF_NONE] = {"none", &metric_none},
    [SPF_NEUTRAL] = {"neutral", &metric_neutral},
    [SPF_PASS] = {"pass", &metric_pass},
    [SPF_FAIL] = {"fail", &metric_fail},
    [SPF_SOFTFAIL] = {"softfail", &metric_softfail},
    [SPF_TEMPERROR] = {"temperror", &metric_temperror},
    [SPF_PERMERROR] = {"permerror", &metric_permerror},
};

const char *spf_result_name(enum spf_result result)
{
    return results[result].name;
}

/* What one domain's records say. */
struct outcome {
    enum spf_result result;
    slice domain, explanation; /* whose exp= applies, and its domain-spec; data NULL: none */
};

static error check_domain(struct spf_run *run, slice domain, struct outcome *out);

/* ---- Finding the record ---- */

/* WAITS. RFC 7208 4.4, 4.5. *out_text.data NULL: none. */
static error find_record(struct spf_run *run, slice domain, slice *out_text)
{
    struct dns_answer answer;
    slice found = SLICE_EMPTY;
    TRY(dns_source_ask(run->source, domain, DNS_TXT, run->arena, run->deadline, &answer));
    for (unsigned i = 0; i < answer.count; i++) {
        if (!spf_record_is(answer.records[i].text))
            continue;
        if (found.data)
            return error_make(ERROR_PERMANENT, "the domain has several SPF records");
        found = answer.records[i].text;
    }
    *out_text = found;
    return OK;
}

/* Asks ahead what the terms will ask, as far as they may; what an earlier term makes needless is
 * not asked where one can tell. */
static void expect_terms(struct spf_run *run, const struct spf_record *record, slice domain)
{
    unsigned left = SPF_LOOKUPS_MAX - run->lookups;
    bool decided = false;
    if (!run->source->prefetch)
        return;
    for (unsigned i = 0; i < record->count && left > 0 && !decided; i++) {
        const struct spf_directive *directive = &record->directives[i];
        if (spf_mechanism_asks(directive->mechanism)) {
            spf_match_expect(run, directive, domain);
            left--;
        } else {
            decided = spf_match_at_once(run, directive);
        }
    }
    if (record->redirect.data && left > 0 && !decided)
        spf_match_expect_text(run, record->redirect, domain);
}

/* ---- Evaluation ---- */

/* WAITS. RFC 7208 5.2: only a pass of the other record is a match. */
static error match_include(struct spf_run *run, const struct spf_directive *directive, slice domain,
                           bool *out_match)
{
    struct outcome outcome;
    slice target;
    TRY(spf_run_expand(run, directive->domain, domain, &target));
    TRY(check_domain(run, target, &outcome));
    if (outcome.result == SPF_NONE)
        return error_make(ERROR_PERMANENT, "an included domain has no SPF record");
    *out_match = outcome.result == SPF_PASS;
    return OK;
}

/* WAITS. The first term that matches decides (RFC 7208 4.6.2). */
static error match_terms(struct spf_run *run, const struct spf_record *record, slice domain,
                         bool *out_decided, enum spf_result *out_result)
{
    for (unsigned i = 0; i < record->count; i++) {
        const struct spf_directive *directive = &record->directives[i];
        bool match = false;
        if (spf_mechanism_asks(directive->mechanism))
            TRY(spf_run_count(run));
        if (directive->mechanism == SPF_INCLUDE)
            TRY(match_include(run, directive, domain, &match));
        else
            TRY(spf_match(run, directive, domain, &match));
        if (match) {
            *out_decided = true;
            *out_result = directive->result;
            return OK;
        }
    }
    *out_decided = false;
    return OK;
}

/* WAITS. The record of `domain`, and of those it redirects to (RFC 7208 6.1). Bounded by
 * SPF_LOOKUPS_MAX, in depth, too. */
static error check_domain(struct spf_run *run, slice domain, struct outcome *out)
{
    for (bool redirected = false;; redirected = true) {
        struct spf_record record;
        slice text;
        bool decided;
        TRY(find_record(run, domain, &text));
        if (!text.data && redirected)
            return error_make(ERROR_PERMANENT, "a domain redirected to has no SPF record");
        *out = (struct outcome){SPF_NONE, domain, SLICE_EMPTY};
        if (!text.data)
            return OK;
        TRY(spf_record_parse(text, run->arena, &record));
        expect_terms(run, &record, domain);
        TRY(match_terms(run, &record, domain, &decided, &out->result));
        out->explanation = record.explanation;
        if (decided)
            return OK;
        out->result = SPF_NEUTRAL; /* RFC 7208 4.7 */
        if (!record.redirect.data)
            return OK;
        TRY(spf_run_count(run));
        TRY(spf_run_expand(run, record.redirect, domain, &domain));
    }
}

/* ---- Explanation ---- */

/* RFC 7208 6.2: macros may bring in anything that the sender said. */
static bool is_printable(slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    return true;
}

/* WAITS. RFC 7208 6.2: whatever is wrong with it, there is none then. */
static error explain(struct spf_run *run, const struct outcome *outcome, struct arena *arena,
                     slice *out_text)
{
    struct dns_answer answer;
    struct buffer text;
    slice name;
    TRY(spf_run_expand(run, outcome->explanation, outcome->domain, &name));
    TRY(dns_source_ask(run->source, name, DNS_TXT, run->arena, run->deadline, &answer));
    if (answer.count != 1 ||
        !spf_macro_check(answer.records[0].text, SPF_MACRO_IN_EXPLANATION, NULL))
        return OK;
    TRY(spf_run_need_names(run, answer.records[0].text, outcome->domain));
    buffer_init(&text, SPF_EXPLANATION_SIZE_MAX);
    struct spf_macro_values values = spf_run_values(run, outcome->domain);
    spf_macro_expand(answer.records[0].text, SPF_MACRO_IN_EXPLANATION, &values, &text);
    error problem = buffer_check(&text);
    if (!failed(problem) && is_printable(buffer_slice(&text)))
        problem = arena_copy(arena, buffer_slice(&text), out_text);
    buffer_close(&text);
    return problem;
}

/* RFC 7208 4.3: a name of at least two labels; anything else has no record. */
static bool is_fully_qualified(slice domain)
{
    if (slice_ends(domain, SLICE(".")))
        domain.size--;
    return slice_find_byte(domain, '.') > 0 && domain.data[0] != '[' && dns_name_is_valid(domain);
}

static error run_check(struct spf_run *run, struct arena *arena, struct spf_check *check)
{
    struct outcome outcome;
    error problem = check_domain(run, run->question->domain, &outcome);
    switch (problem.kind) {
    case ERROR_NONE:
        check->result = outcome.result;
        break;
    case ERROR_CANCELLED:
        return problem;
    case ERROR_TEMPORARY:
        check->result = SPF_TEMPERROR;
        break;
    default: /* ERROR_LIMIT: what its records and answers hold is too much for SPF_MEMORY_MAX */
        check->result = SPF_PERMERROR;
    }
    check->reason = problem.text;
    if (check->result != SPF_FAIL || !run->question->explain || !outcome.explanation.data)
        return OK;
    problem = explain(run, &outcome, arena, &check->explanation);
    return problem.kind == ERROR_CANCELLED ? problem : OK;
}

error spf_check(const struct spf_question *question, const struct dns_source *source,
                struct arena *arena, instant deadline, struct spf_check *out_check)
{
    struct spf_check check = {.result = SPF_NONE};
    struct arena scratch;
    error problem = OK;
    if (address_is_ip(&question->peer) && is_fully_qualified(question->domain)) {
        arena_init(&scratch, SPF_MEMORY_MAX);
        struct spf_run run = {
            .question = question, .source = source, .arena = &scratch, .deadline = deadline};
        problem = run_check(&run, arena, &check);
        arena_close(&scratch);
    }
    TRY(problem);
    metric_add(results[check.result].metric, 1);
    *out_check = check;
    return OK;
}
