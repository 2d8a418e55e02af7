/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/remote_tls.h"

#include "base/metric.h"
#include "net/tls.h"
#include "runtime/worker.h"
#include "transport/route/tls_report.h"
#include "transport/route/tlsa.h"

#include <stdatomic.h>

METRIC_COUNTER(clear_total, "ringmail_remote_tls_total", "level=\"clear\"",
               "Connections to other servers ready for mail, by how private they are");
METRIC_COUNTER(encrypted_total, "ringmail_remote_tls_total", "level=\"encrypted\"",
               "Connections to other servers ready for mail, by how private they are");
METRIC_COUNTER(verified_total, "ringmail_remote_tls_total", "level=\"verified\"",
               "Connections to other servers ready for mail, by how private they are");
METRIC_COUNTER(dane_total, "ringmail_remote_tls_total", "level=\"dane\"",
               "Connections to other servers ready for mail, by how private they are");
METRIC_COUNTER(bad_certificate_total, "ringmail_remote_tls_failed_total", "why=\"certificate\"",
               "TLS with other servers that failed");
METRIC_COUNTER(handshake_total, "ringmail_remote_tls_failed_total", "why=\"handshake\"",
               "TLS with other servers that failed");
METRIC_COUNTER(refused_total, "ringmail_remote_tls_failed_total", "why=\"refused\"",
               "TLS with other servers that failed");
METRIC_COUNTER(bogus_total, "ringmail_remote_tls_failed_total", "why=\"dnssec\"",
               "TLS with other servers that failed");
METRIC_COUNTER(less_total, "ringmail_remote_tls_given_up_total", "",
               "Servers whose TLS failed and that were asked for less");

/* ---- The client ---- */

/* Made with the first connection that needs it, shared by all cores, kept to the end. */
static _Atomic(struct tls_client *) shared_client;

struct making {
    struct tls_client_options options;
    struct tls_client *client;
};

static error make_client(void *argument)
{
    struct making *making = argument;
    return tls_client_create(&making->options, &making->client);
}

/* WAITS. */
static error find_client(const char *authority, enum tls_version version,
                         struct tls_client **out_client)
{
    struct tls_client *client = atomic_load_explicit(&shared_client, memory_order_acquire);
    if (!client) {
        struct making making = {
            .options = {.verify = true, .authority = authority, .version_min = version},
        };
        TRY(worker_run(WORKER_FILE, make_client, &making));
        if (atomic_compare_exchange_strong_explicit(&shared_client, &client, making.client,
                                                    memory_order_acq_rel, memory_order_acquire))
            client = making.client;
        else
            tls_client_destroy(&making.client); /* another core was faster */
    }
    *out_client = client;
    return OK;
}

error remote_start(const struct remote_settings *settings, slice authority)
{
    char path[SETTING_PATH_SIZE_MAX + 1];
    struct tls_client *client;
    if (authority.size >= sizeof path)
        return error_make(ERROR_LIMIT, "the path of the authorities is too long");
    memcpy(path, authority.data ? authority.data : "", authority.size);
    path[authority.size] = '\0';
    return find_client(authority.size ? path : NULL, (enum tls_version)settings->tls_version_min,
                       &client);
}

void remote_forget_authority(void)
{
    struct tls_client *client = atomic_exchange(&shared_client, NULL);
    tls_client_destroy(&client);
}

/* ---- Reports (RFC 8460) ---- */

static slice write_records(const struct remote_tls_plan *plan, struct arena *arena)
{
    struct buffer out;
    slice text = SLICE_EMPTY;
    buffer_init(&out, TLS_REPORT_POLICY_SIZE_MAX);
    for (unsigned i = 0; i < plan->record_count; i++) {
        const struct dns_record *record = &plan->records[i];
        buffer_format(&out, "%s%u %u %u ", i ? "\n" : "", record->tlsa.usage, record->tlsa.selector,
                      record->tlsa.matching);
        for (size_t b = 0; b < record->tlsa.data.size; b++)
            buffer_format(&out, "%02x", (unsigned char)record->tlsa.data.data[b]);
    }
    if (!failed(buffer_check(&out)))
        error_ignore(arena_copy(arena, buffer_slice(&out), &text)); /* a report without it */
    buffer_close(&out);
    return text;
}

static void note(const struct remote *remote, enum tls_report_result result, const char *reason)
{
    const struct remote_tls_plan *plan = &remote->plan;
    struct tls_report_session session = {
        .domain = remote->route->domain,
        .policy = plan->record_count ? TLS_REPORT_TLSA : tls_report_policy_of(remote->route),
        .result = result,
        .policy_text = plan->policy_text,
        .host = remote->name,
        .reason = slice_from_string(reason),
    };
    if (remote->route->domain.size == 0 || remote->route->kind != ROUTE_SMTP)
        return;
    if (remote->stream) {
        session.local = *stream_local(remote->stream);
        session.peer = *stream_peer(remote->stream);
    }
    tls_report_note(&session);
}

void remote_tls_note_refusal(const struct remote *remote)
{
    metric_add(&refused_total, 1);
    note(remote, TLS_REPORT_STARTTLS_NOT_SUPPORTED, NULL);
}

static void note_verdict(const struct remote *remote, enum tls_verdict verdict, error problem)
{
    static const enum tls_report_result results[] = {
        [TLS_VERDICT_UNCHECKED] = TLS_REPORT_VALIDATION_FAILURE,
        [TLS_VERDICT_GOOD] = TLS_REPORT_VALIDATION_FAILURE, /* of the handshake */
        [TLS_VERDICT_WRONG_NAME] = TLS_REPORT_CERTIFICATE_HOST_MISMATCH,
        [TLS_VERDICT_EXPIRED] = TLS_REPORT_CERTIFICATE_EXPIRED,
        [TLS_VERDICT_UNTRUSTED] = TLS_REPORT_CERTIFICATE_NOT_TRUSTED,
        [TLS_VERDICT_NO_TLSA] = TLS_REPORT_TLSA_INVALID,
    };
    if (failed(problem)) {
        metric_add(problem.kind == ERROR_DENIED ? &bad_certificate_total : &handshake_total, 1);
        note(remote, results[verdict], problem.text);
    } else if (remote->plan.unnamed) {
        note(remote, TLS_REPORT_VALIDATION_FAILURE, "the policy does not name this host");
    } else {
        note(remote, TLS_REPORT_SUCCESS, NULL);
    }
}

/* ---- The plan ---- */

static void add_name(struct remote_tls_plan *plan, slice name)
{
    for (unsigned i = 0; i < plan->name_count; i++)
        if (slice_equal_nocase(plan->names[i], name))
            return;
    if (name.size)
        plan->names[plan->name_count++] = name;
}

/* RFC 7672 2.2: records that DNSSEC vouches for make TLS a must; usable ones say whose. */
static void plan_dane(struct remote *remote, const struct route_tlsa *tlsa, struct arena *arena)
{
    struct remote_tls_plan *plan = &remote->plan;
    bool usable = false;
    for (unsigned i = 0; i < tlsa->count; i++)
        usable |= tls_dane_is_usable(&tlsa->records[i]);
    plan->records = tlsa->records;
    plan->record_count = tlsa->count;
    plan->policy_text = write_records(plan, arena);
    if (usable) {
        plan->level = REMOTE_TLS_DANE;
        plan->testing = false;
        plan->name_count = 0;
        add_name(plan, tlsa->base); /* RFC 7672 3.2.2 */
        add_name(plan, remote->name);
        add_name(plan, remote->route->domain);
    } else if (plan->level < REMOTE_TLS_ENCRYPT || plan->testing) {
        plan->level = REMOTE_TLS_ENCRYPT; /* a policy in testing mode takes nothing from it */
        plan->testing = false;
    }
}

/* RFC 8689 2 (9) has REQUIRETLS for LMTP as for SMTP, and 4.2.1 asks for TLS of sessions over a
 * network. A Unix socket is none, and what goes to a loopback address that the operator wrote down
 * never leaves the machine: there LMTP is how a mailbox is filled, and the LMTP server does not
 * relay. SMTP on loopback does: it is asked like any other. */
static bool is_hand_over(const struct remote *remote, const struct route_host *host)
{
    return remote->route->kind == ROUTE_LMTP && address_is_loopback(&host->address);
}

error remote_tls_plan(struct remote *remote, const struct route_host *host, struct arena *arena,
                      instant deadline, struct remote_answer *out_answer)
{
    static const enum remote_tls_level levels[] = {
        [ROUTE_TLS_NONE] = REMOTE_TLS_CLEAR,
        [ROUTE_TLS_MAY] = REMOTE_TLS_MAY,
        [ROUTE_TLS_ENCRYPT] = REMOTE_TLS_ENCRYPT,
        [ROUTE_TLS_VERIFY] = REMOTE_TLS_VERIFY,
    };
    const struct route *route = remote->route;
    struct remote_tls_plan *plan = &remote->plan;
    struct route_tlsa tlsa = {.state = ROUTE_TLSA_NONE};
    *plan = (struct remote_tls_plan){.level = levels[route->tls], .unnamed = host->sts_unnamed};
    if (route->implicit_tls && plan->level < REMOTE_TLS_ENCRYPT)
        plan->level = REMOTE_TLS_ENCRYPT;
    remote->hand_over = is_hand_over(remote, host);
    if (remote->require_tls && !remote->hand_over) {
        plan->level = REMOTE_TLS_VERIFY;
    } else if (route->sts_testing && plan->level == REMOTE_TLS_MAY) {
        plan->level = REMOTE_TLS_VERIFY; /* RFC 8461 5.2: found wanting, it is delivered to */
        plan->testing = true;
    }
    add_name(plan, host->name); /* RFC 8461 4.1 */
    if (!route->dane || plan->level == REMOTE_TLS_CLEAR)
        return OK;
    error problem = route_tlsa_find(host, arena, deadline, &tlsa);
    if (tlsa.state == ROUTE_TLSA_BOGUS) {
        metric_add(&bogus_total, 1);
        note(remote, TLS_REPORT_DNSSEC_INVALID, NULL);
        *out_answer = remote_answer_own(4, 7, 5, "the server's TLSA records cannot be looked up");
        return out_answer->problem;
    }
    if (failed(problem)) {
        *out_answer = remote_answer_problem(REMOTE_STAGE_ROUTE, problem);
        return problem;
    }
    if (tlsa.state == ROUTE_TLSA_SECURE)
        plan_dane(remote, &tlsa, arena);
    return OK;
}

bool remote_tls_ask_less(struct remote *remote)
{
    struct remote_tls_plan *plan = &remote->plan;
    if (plan->testing) {
        plan->testing = false;
        plan->level = REMOTE_TLS_MAY;
    } else if (plan->level == REMOTE_TLS_MAY && remote->settings->clear_fallback) {
        plan->level = REMOTE_TLS_CLEAR;
    } else {
        return false;
    }
    metric_add(&less_total, 1);
    return true;
}

bool remote_tls_is_wanted(const struct remote *remote)
{
    return remote->plan.level != REMOTE_TLS_CLEAR &&
           (remote->offer.extensions & SMTP_OFFERS_STARTTLS);
}

bool remote_tls_is_needed(const struct remote *remote)
{
    return remote->plan.level >= REMOTE_TLS_ENCRYPT && !remote->plan.testing;
}

/* ---- Doing it ---- */

static error describe(struct remote *remote)
{
    static const char *const how[] = {
        [REMOTE_TLS_VERIFY] = " verified",
        [REMOTE_TLS_DANE] = " dane",
    };
    struct tls_information information;
    if (!stream_tls_information(remote->stream, &information))
        return OK;
    return arena_format(&remote->arena, &remote->tls, "%s %s%s", information.protocol,
                        information.cipher, remote->verified ? how[remote->plan.level] : "");
}

error remote_tls_start(struct remote *remote, struct remote_answer *out_answer)
{
    const struct remote_tls_plan *plan = &remote->plan;
    const struct tls_peer_options options = {
        .server_name = plan->name_count ? plan->names[0] : remote->name,
        .proof = plan->level == REMOTE_TLS_DANE     ? TLS_PROOF_DANE
                 : plan->level == REMOTE_TLS_VERIFY ? TLS_PROOF_AUTHORITY
                                                    : TLS_PROOF_NONE,
        .names = plan->names,
        .name_count = plan->name_count,
        .records = plan->records,
        .record_count = plan->level == REMOTE_TLS_DANE ? plan->record_count : 0,
        .resume = true,
    };
    struct tls_client *client;
    enum tls_verdict verdict = TLS_VERDICT_UNCHECKED;
    instant deadline = time_after(remote->settings->tls_timeout);
    error problem = find_client(NULL, (enum tls_version)remote->settings->tls_version_min, &client);
    if (!failed(problem))
        problem = stream_start_tls_peer(remote->stream, client, &options, deadline, &verdict);
    note_verdict(remote, verdict, problem);
    if (failed(problem)) {
        *out_answer = remote_answer_problem(REMOTE_STAGE_TLS, problem);
        remote->tls_failed = true;
        return remote_break(remote, problem);
    }
    remote->verified = plan->level >= REMOTE_TLS_VERIFY;
    return describe(remote);
}

static error refuse(struct remote_answer answer, struct remote_answer *out_answer)
{
    *out_answer = answer;
    return answer.problem;
}

error remote_tls_check(struct remote *remote, struct remote_answer *out_answer)
{
    bool tls = stream_is_tls(remote->stream);
    if (remote_tls_is_needed(remote) && !tls) {
        if (!(remote->offer.extensions & SMTP_OFFERS_STARTTLS))
            remote_tls_note_refusal(remote);
        /* RFC 8689 4.2.1: the sender would rather have it back. */
        return refuse(remote->require_tls
                          ? remote_answer_own(5, 7, 10,
                                              "the mail requires TLS, which the server "
                                              "does not offer")
                          : remote_answer_own(4, 7, 4,
                                              "TLS is needed, and the server does not "
                                              "offer it"),
                      out_answer);
    }
    if (remote->require_tls && !remote->hand_over &&
        !(remote->offer.extensions & SMTP_OFFERS_REQUIRETLS))
        return refuse(remote_answer_own(5, 7, 30,
                                        "the mail requires TLS, which the server does "
                                        "not promise to require in turn"),
                      out_answer);
    if (!tls && remote->plan.level >= REMOTE_TLS_MAY &&
        !(remote->offer.extensions & SMTP_OFFERS_STARTTLS))
        remote_tls_note_refusal(remote); /* an MTA-STS policy in testing mode, or none */
    metric_add(!tls                                    ? &clear_total
               : !remote->verified                     ? &encrypted_total
               : remote->plan.level == REMOTE_TLS_DANE ? &dane_total
                                                       : &verified_total,
               1);
    return OK;
}
