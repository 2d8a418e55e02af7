/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each method is a fiber of its own, so that no question waits for another's answer; DKIM and ARC,
 * which compute, are done by the caller meanwhile.
 */
#include "filter/authentic/authentic.h"

#include "base/metric.h"
#include "base/random.h"
#include "format/mail/auth_results.h"
#include "format/text/idna.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"

METRIC_HISTOGRAM(check_time, "ringmail_authentic_check_seconds", "",
                 "Finding out who a mail is really from");
METRIC_COUNTER(overridden_total, "ringmail_dmarc_overridden_total", "",
               "Mails whose DMARC policy a trusted ARC chain made not apply");
METRIC_COUNTER(arc_passed, "ringmail_arc_checks_total", "result=\"pass\"", "ARC chains checked");
METRIC_COUNTER(arc_failed, "ringmail_arc_checks_total", "result=\"fail\"", "ARC chains checked");
METRIC_COUNTER(arc_unsure, "ringmail_arc_checks_total", "result=\"temperror\"",
               "ARC chains checked");

enum { NETWORKS_MEMORY_MAX = 1 << 20 };

static _Thread_local struct {
    bool running;
    struct authentic_options options;
    struct arena arena;
    struct network_list exempt;
} here;

error authentic_start(const struct authentic_options *options)
{
    authentic_stop();
    arena_init(&here.arena, NETWORKS_MEMORY_MAX);
    TRY(network_list_parse(options->settings->exempt, &here.arena, &here.exempt));
    here.options = *options;
    here.running = true;
    return OK;
}

void authentic_stop(void)
{
    if (here.running)
        arena_close(&here.arena);
    here.running = false;
}

const struct authentic_options *authentic_here(void)
{
    return here.running ? &here.options : NULL;
}

bool authentic_is_exempt(const struct address *peer)
{
    return here.running && network_list_matches(&here.exempt, peer);
}

bool authentic_is_wanted(const struct address *peer)
{
    return here.running && here.options.settings->check && !authentic_is_exempt(peer);
}

static void expect_record(slice domain)
{
    if (slice_find_byte(domain, '.') > 0 && domain.data[0] != '[')
        dns_source_expect(&dns_source_resolver, domain, DNS_TXT);
}

void authentic_expect(const struct address *peer, slice helo, slice sender_domain)
{
    char text[DNS_REVERSE_SIZE];
    if (!authentic_is_wanted(peer))
        return;
    expect_record(sender_domain);
    expect_record(helo);
    if (address_is_ip(peer))
        dns_source_expect(&dns_source_resolver,
                          dns_reverse_name(peer->ip, peer->family == ADDRESS_IPV6 ? 16 : 4, text),
                          DNS_PTR);
}

/* ---- The methods ---- */

struct checking {
    const struct authentic_question *question;
    const struct dns_source *dns;
    const struct dkim_key_source *keys;
    struct authentic *found;
    struct arena *arena;
    slice helo; /* A-labels; empty where it is no domain */
    struct spf_check helo_check;
    struct dmarc_owners owners;
    unsigned running;
    struct condition ended;
};

/* WAITS. */
static error check_sender(struct checking *c)
{
    const struct authentic_question *question = c->question;
    bool empty = question->sender_domain.size == 0;
    const struct authentic_options *options = authentic_here();
    const struct spf_question spf = {
        .peer = question->peer,
        .local = empty ? SLICE("postmaster") : question->sender_local, /* RFC 7208 2.4 */
        .domain = empty ? c->helo : question->sender_domain,
        .helo = question->helo,
        .host = question->host,
        .now = question->now,
        .explain = options && options->spf->refuse_fail,
    };
    c->found->spf_domain = spf.domain;
    return spf_check(&spf, c->dns, c->arena, question->deadline, &c->found->spf);
}

/* WAITS. */
static error check_helo(struct checking *c)
{
    const struct spf_question spf = {
        .peer = c->question->peer,
        .local = SLICE("postmaster"),
        .domain = c->helo,
        .helo = c->question->helo,
        .host = c->question->host,
        .now = c->question->now,
    };
    return spf_check(&spf, c->dns, c->arena, c->question->deadline, &c->helo_check);
}

/* WAITS. */
static error check_reverse(struct checking *c)
{
    return reverse_check(&c->question->peer, c->dns, c->arena, c->question->deadline,
                         &c->found->reverse);
}

/* WAITS. */
static error discover_policy(struct checking *c)
{
    return dmarc_discover(c->dns, c->arena, c->question->deadline, &c->owners);
}

/* WAITS. */
static error check_chain(struct checking *c, const struct arc_chain *chain)
{
    const struct authentic_question *question = c->question;
    struct authentic *found = c->found;
    error problem = arc_check_chain(chain, question->header, question->body, c->keys, c->arena,
                                    question->deadline, question->now, &found->arc_detail);
    found->arc_unsure = problem.kind == ERROR_TEMPORARY;
    if (found->arc_unsure) {
        found->arc_detail = (struct arc_check){.result = ARC_NONE, .reason = problem.text};
        problem = OK;
    }
    TRY(problem);
    found->arc = found->arc_detail.result;
    if (chain->count > 0)
        metric_add(found->arc_unsure        ? &arc_unsure
                   : found->arc == ARC_PASS ? &arc_passed
                                            : &arc_failed,
                   1);
    return OK;
}

/* RFC 8617 7.2.1: does somebody we trust say that it was fine when he got it? His seal vouches for
 * his results; one who let through what failed with him is no witness. */
static bool has_witness(const struct authentic *found, const struct arc_chain *chain)
{
    const struct authentic_options *options = authentic_here();
    if (found->arc != ARC_PASS || !options || chain->count == 0)
        return false;
    const struct setting_list *trusted = &options->dmarc->trusted_sealers;
    slice results = chain->sets[chain->count - 1].results.value;
    for (size_t i = 0; i < trusted->count; i++)
        if (slice_equal_nocase(found->arc_detail.domain, trusted->items[i]))
            return !auth_results_says(results, SLICE("dmarc"), SLICE("fail"));
    return false;
}

/* ---- All at once ---- */

struct method {
    struct checking *checking;
    error (*run)(struct checking *checking);
    error problem;
};

static void run_method(void *argument)
{
    struct method *method = argument;
    method->problem = method->run(method->checking);
    method->checking->running--;
    condition_wake_all(&method->checking->ended);
}

static void start_method(struct crew *crew, struct method *method)
{
    method->checking->running++;
    if (failed(fiber_start(crew, "authentic", run_method, method)))
        run_method(method); /* no fiber is left: one after the other, then */
}

/* WAITS. */
static error await(struct checking *c, const struct method *methods, unsigned count)
{
    while (c->running > 0)
        TRY(condition_wait(&c->ended, TIME_NEVER)); /* each of them ends by the deadline */
    for (unsigned i = 0; i < count; i++)
        TRY(methods[i].problem);
    return OK;
}

/* WAITS. */
static error run_all(struct checking *c, struct crew *crew, struct arc_chain *chain)
{
    const struct authentic_question *question = c->question;
    struct method methods[] = {
        {c, check_sender, OK},
        {c, check_reverse, OK},
        {c, discover_policy, OK},
        {c, check_helo, OK},
    };
    /* Of an empty sender the two are one. */
    unsigned count = question->sender_domain.size ? 4 : 3;
    for (unsigned i = 0; i < count; i++)
        start_method(crew, &methods[i]);
    const struct dkim_question dkim = {
        .header = question->header,
        .body = question->body,
        .source = c->keys,
        .authors = &c->owners.authors,
        .deadline = question->deadline,
        .now = question->now,
    };
    error problem = dkim_check_message(&dkim, c->arena, c->found->dkim, &c->found->dkim_count);
    if (!failed(problem))
        problem = check_chain(c, chain);
    if (!failed(problem))
        problem = await(c, methods, count);
    if (failed(problem))
        crew_cancel(crew);
    crew_close(crew); /* the methods lie on this stack */
    return problem;
}

static void conclude(struct checking *c, const struct arc_chain *chain)
{
    struct authentic *found = c->found;
    found->reverse_name = found->reverse.name;
    found->reverse_unsure = found->reverse.result == REVERSE_TEMPERROR;
    found->spf_mail = found->spf.result;
    found->spf_helo = c->question->sender_domain.size ? c->helo_check.result : found->spf.result;
    const struct dmarc_evidence evidence = {
        .spf = found->spf_mail,
        .spf_domain = found->spf_domain,
        .dkim = found->dkim,
        .dkim_count = found->dkim_count,
        .trusted_chain = has_witness(found, chain),
        .dice = (unsigned)random_below(100),
    };
    dmarc_judge(&c->owners, &evidence, &found->dmarc);
    if (found->dmarc.overridden)
        metric_add(&overridden_total, 1);
}

error authentic_check(const struct authentic_question *question, struct arena *arena,
                      struct authentic *out_authentic)
{
    instant began = time_now();
    struct crew crew;
    struct arc_chain *chain = ARENA_NEW(arena, struct arc_chain);
    struct authentic *found = ARENA_NEW(arena, struct authentic);
    struct checking *c = ARENA_NEW(arena, struct checking);
    if (!chain || !found || !c)
        return error_make(ERROR_LIMIT, "out of memory for this task");
    c->question = question;
    c->dns = question->dns ? question->dns : &dns_source_resolver;
    c->keys = question->keys ? question->keys : &dkim_keys_in_dns;
    c->found = found;
    c->arena = arena;
    condition_init(&c->ended);
    error problem = idna_to_ascii(arena, question->helo, &c->helo);
    if (problem.kind != ERROR_MALFORMED) /* a literal, or no name at all, has no record */
        TRY(problem);
    arc_chain_read(question->header, chain);
    TRY(dmarc_authors_read(question->header, arena, &c->owners.authors));
    crew_init(&crew, NULL);
    TRY(run_all(c, &crew, chain));
    conclude(c, chain);
    metric_observe(&check_time, (uint64_t)(time_now() - began));
    *out_authentic = *found;
    return OK;
}
