/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/dkim_check.h"

#include "base/metric.h"
#include "format/mail/auth_results.h"
#include "format/text/idna.h"
#include "net/dns/resolver.h"
#include "runtime/worker.h"

METRIC_COUNTER(metric_passed, "ringmail_dkim_checks_total", "result=\"pass\"",
               "DKIM signatures checked");
METRIC_COUNTER(metric_failed, "ringmail_dkim_checks_total", "result=\"fail\"",
               "DKIM signatures checked");
METRIC_COUNTER(metric_other, "ringmail_dkim_checks_total", "result=\"other\"",
               "DKIM signatures checked");

/* ---- Keys ---- */

/* RFC 6376 3.6.2.2: one record; where there are others beside it, the one that says it is a key. */
static error find_in_dns(void *argument, slice name, struct arena *arena, instant deadline,
                         slice *out_record)
{
    (void)argument;
    struct dns_answer answer = {0};
    TRY(resolver_query(name, DNS_TXT, arena, deadline, &answer));
    if (answer.count == 0)
        return error_make(ERROR_NOT_FOUND, "no key record");
    *out_record = answer.records[0].text;
    for (unsigned i = 0; i < answer.count; i++)
        if (slice_starts(answer.records[i].text, SLICE("v=DKIM1"))) {
            *out_record = answer.records[i].text;
            break;
        }
    return OK;
}

static void expect_in_dns(void *argument, slice name)
{
    (void)argument;
    resolver_prefetch(name, DNS_TXT);
}

const struct dkim_key_source dkim_keys_in_dns = {.find = find_in_dns, .expect = expect_in_dns};

static error key_name(slice selector, slice domain, struct arena *arena, slice *out_name)
{
    slice name;
    TRY(arena_format(arena, &name, "%.*s._domainkey.%.*s", SLICE_ARG(selector), SLICE_ARG(domain)));
    return idna_to_ascii(arena, name, out_name); /* RFC 8616 */
}

void dkim_key_expect(const struct dkim_key_source *source, slice selector, slice domain,
                     struct arena *arena)
{
    slice name;
    if (source->expect && !failed(key_name(selector, domain, arena, &name)))
        source->expect(source->argument, name);
}

error dkim_key_find(const struct dkim_key_source *source, slice selector, slice domain,
                    struct arena *arena, instant deadline, struct dkim_key *out_key)
{
    slice ascii, record;
    error problem = key_name(selector, domain, arena, &ascii);
    if (problem.kind == ERROR_MALFORMED)
        return error_make(ERROR_NOT_FOUND, "d= or s= is no domain name");
    if (failed(problem))
        return problem;
    problem = source->find(source->argument, ascii, arena, deadline, &record);
    switch (problem.kind) {
    case ERROR_NONE:
        return dkim_key_parse(record, arena, out_key);
    case ERROR_NOT_FOUND:
    case ERROR_CANCELLED:
        return problem;
    case ERROR_MALFORMED:
        return error_make(ERROR_NOT_FOUND, "d= or s= is no domain name");
    default:
        return error_make(ERROR_TEMPORARY, problem.text);
    }
}

/* ---- Checking ---- */

const char *dkim_result_name(enum dkim_result result)
{
    static const char *const names[] = {
        [DKIM_NONE] = "none",           [DKIM_PASS] = "pass",       [DKIM_FAIL] = "fail",
        [DKIM_POLICY] = "policy",       [DKIM_NEUTRAL] = "neutral", [DKIM_TEMPERROR] = "temperror",
        [DKIM_PERMERROR] = "permerror",
    };
    return names[result];
}

static void conclude(struct dkim_check *check, enum dkim_result result, error problem)
{
    check->result = result;
    check->reason = problem.text;
}

/* RFC 6376 6.1.2, 6.1.3: what went wrong decides what it is called. */
static enum dkim_result result_of(error problem)
{
    switch (problem.kind) {
    case ERROR_NONE:
        return DKIM_PASS;
    case ERROR_DENIED:
        return DKIM_FAIL;
    case ERROR_LIMIT:
        return DKIM_POLICY;
    case ERROR_TEMPORARY:
    case ERROR_SYSTEM:
        return DKIM_TEMPERROR;
    default:
        return DKIM_PERMERROR;
    }
}

struct checking {
    const struct dkim_question *question;
    struct arena *arena;
    struct dkim_check *checks;
    struct dkim_key keys[DKIM_CHECKS_MAX];
    bool has_key[DKIM_CHECKS_MAX];
    unsigned count;
};

static error verify_all(void *argument)
{
    struct checking *c = argument;
    for (unsigned i = 0; i < c->count; i++)
        if (c->has_key[i]) {
            error problem =
                dkim_verify_parts(c->question->header, c->question->body, &c->checks[i].signature,
                                  &c->keys[i], c->question->now);
            conclude(&c->checks[i], result_of(problem), problem);
        }
    return OK;
}

/* Reads one signature; its key is on its way then. */
static error read_signature(struct checking *c, const struct mail_header_field *field)
{
    struct dkim_check *check = &c->checks[c->count++];
    *check = (struct dkim_check){0};
    error problem = dkim_signature_parse(field->name, field->value, c->arena, &check->signature);
    if (problem.kind == ERROR_LIMIT)
        return problem;
    if (failed(problem)) {
        check->signature = (struct dkim_signature){0};
        conclude(check, problem.kind == ERROR_PERMANENT ? DKIM_PERMERROR : DKIM_NEUTRAL, problem);
        return OK;
    }
    dkim_key_expect(c->question->source, check->signature.selector, check->signature.domain,
                    c->arena);
    return OK;
}

/* WAITS. */
static error find_key(struct checking *c, unsigned i)
{
    struct dkim_check *check = &c->checks[i];
    error problem =
        dkim_key_find(c->question->source, check->signature.selector, check->signature.domain,
                      c->arena, c->question->deadline, &c->keys[i]);
    if (problem.kind == ERROR_CANCELLED || problem.kind == ERROR_LIMIT)
        return problem;
    conclude(check, result_of(problem), problem);
    c->has_key[i] = !failed(problem);
    check->testing = c->has_key[i] && c->keys[i].testing;
    return OK;
}

/* Whether strictly is the owner's to say, later. */
static bool is_of_author(const struct dkim_check *check, const struct dmarc_authors *authors)
{
    for (unsigned i = 0; authors && i < authors->count; i++)
        if (dmarc_is_aligned(check->signature.domain, authors->domains[i], false))
            return true;
    return false;
}

/* WAITS. Of those that could be read. */
static error find_keys(struct checking *c, bool of_authors)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->checks[i].signature.domain.size > 0 &&
            is_of_author(&c->checks[i], c->question->authors) == of_authors)
            TRY(find_key(c, i));
    return OK;
}

error dkim_check_message(const struct dkim_question *question, struct arena *arena,
                         struct dkim_check out_checks[DKIM_CHECKS_MAX], unsigned *out_count)
{
    struct checking checking = {.question = question, .arena = arena, .checks = out_checks};
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    mail_header_begin(&iterator, question->header);
    while (checking.count < DKIM_CHECKS_MAX && mail_header_next(&iterator, &field))
        if (slice_equal_nocase(field.name, SLICE("DKIM-Signature")))
            TRY(read_signature(&checking, &field));
    TRY(find_keys(&checking, true));
    TRY(find_keys(&checking, false));
    if (question->body.size * checking.count > DKIM_CHECK_IN_PLACE_SIZE_MAX)
        TRY(worker_run(WORKER_COMPUTE, verify_all, &checking));
    else
        TRY(verify_all(&checking));
    for (unsigned i = 0; i < checking.count; i++)
        metric_add(out_checks[i].result == DKIM_PASS   ? &metric_passed
                   : out_checks[i].result == DKIM_FAIL ? &metric_failed
                                                       : &metric_other,
                   1);
    *out_count = checking.count;
    return OK;
}

/* RFC 6008: the first characters of the signature tell which of several it was. */
void dkim_check_write(const struct dkim_check *check, struct auth_results *results)
{
    const struct dkim_signature *signature = &check->signature;
    auth_results_add(results, "dkim", dkim_result_name(check->result), check->reason);
    auth_results_property(results, "header.d", signature->domain);
    auth_results_property(results, "header.s", signature->selector);
    auth_results_property(results, "header.b", slice_sub(slice_trim(signature->hole), 0, 8));
}
