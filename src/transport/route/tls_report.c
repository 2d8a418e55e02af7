/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/route/tls_report.h"

#include "base/metric.h"
#include "transport/route/sts.h"

#include <stdlib.h>

METRIC_COUNTER(metric_sessions, "ringmail_tls_report_sessions_total", "",
               "TLS sessions with other servers noted for their reports");
METRIC_COUNTER(metric_failures, "ringmail_tls_report_failures_total", "",
               "Of these, such that failed");
METRIC_COUNTER(metric_lost, "ringmail_tls_report_lost_total", "",
               "Sessions that did not fit into the day's report");

static _Thread_local bool running;
static _Thread_local struct tls_report_day *today;

/* ---- A day ---- */

struct tls_report_day *tls_report_day_create(void)
{
    struct tls_report_day *day = calloc(1, sizeof *day);
    if (!day)
        return NULL;
    arena_init(&day->arena, TLS_REPORT_MEMORY_MAX);
    map_init(&day->entries);
    day->began = time_wall_seconds();
    return day;
}

void tls_report_day_destroy(struct tls_report_day **day)
{
    if (!*day)
        return;
    map_close(&(*day)->entries);
    arena_close(&(*day)->arena);
    free(*day);
    *day = NULL;
}

static error entry_of(struct tls_report_day *day, slice domain, enum tls_report_policy policy,
                      slice policy_text, struct tls_report_entry **out_entry)
{
    char room[TLS_REPORT_DOMAIN_SIZE_MAX + 1];
    if (domain.size > TLS_REPORT_DOMAIN_SIZE_MAX)
        return error_make(ERROR_LIMIT, "a domain that is too long");
    room[0] = (char)('0' + (int)policy);
    memcpy(room + 1, domain.data, domain.size);
    slice key = slice_of(room, domain.size + 1);
    struct tls_report_entry *entry = map_get(&day->entries, key);
    if (!entry) {
        if (day->entries.count >= TLS_REPORT_DOMAINS_MAX)
            return error_make(ERROR_LIMIT, "too many domains in a day");
        entry = ARENA_NEW(&day->arena, struct tls_report_entry);
        TRY_MEMORY(entry);
        TRY(arena_copy(&day->arena, key, &entry->key));
        entry->domain = slice_from(entry->key, 1);
        entry->policy = policy;
        TRY(map_put(&day->entries, entry->key, entry));
    }
    if (entry->policy_text.size == 0 && policy_text.size)
        TRY(arena_copy(&day->arena, slice_sub(policy_text, 0, TLS_REPORT_POLICY_SIZE_MAX),
                       &entry->policy_text));
    *out_entry = entry;
    return OK;
}

/* Ports differ from session to session and say nothing. */
static bool is_same(const struct tls_report_failure *a, const struct tls_report_failure *b)
{
    return a->result == b->result && address_same_host(&a->local, &b->local) &&
           address_same_host(&a->peer, &b->peer) && slice_equal(a->host, b->host) &&
           slice_equal(a->reason, b->reason);
}

static error add_failure(struct tls_report_day *day, struct tls_report_entry *entry,
                         const struct tls_report_failure *failure)
{
    struct tls_report_failure **at = &entry->details;
    while (*at && !is_same(*at, failure))
        at = &(*at)->next;
    if (*at) {
        (*at)->count += failure->count;
        return OK;
    }
    if (entry->failure_count == TLS_REPORT_FAILURES_MAX)
        return OK; /* counted with the others */
    struct tls_report_failure *made = ARENA_NEW(&day->arena, struct tls_report_failure);
    TRY_MEMORY(made);
    *made = *failure;
    made->next = NULL;
    TRY(arena_copy(&day->arena, failure->host, &made->host));
    TRY(arena_copy(&day->arena, failure->reason, &made->reason));
    *at = made;
    entry->failure_count++;
    return OK;
}

error tls_report_add(struct tls_report_day *into, const struct tls_report_entry *theirs)
{
    struct tls_report_entry *ours;
    error problem = entry_of(into, theirs->domain, theirs->policy, theirs->policy_text, &ours);
    if (failed(problem)) {
        metric_add(&metric_lost, (int64_t)(theirs->successes + theirs->failures));
        return OK;
    }
    ours->successes += theirs->successes;
    ours->failures += theirs->failures;
    for (const struct tls_report_failure *one = theirs->details; one; one = one->next)
        TRY(add_failure(into, ours, one));
    return OK;
}

error tls_report_merge(struct tls_report_day *into, const struct tls_report_day *from)
{
    size_t position = 0;
    slice key;
    void *value;
    while (map_next(&from->entries, &position, &key, &value))
        TRY(tls_report_add(into, value));
    if (from->began < into->began)
        into->began = from->began;
    return OK;
}

/* ---- This core's ---- */

error tls_report_start(void)
{
    running = true;
    return OK;
}

void tls_report_stop(void)
{
    running = false;
    tls_report_day_destroy(&today);
}

struct tls_report_day *tls_report_take(void)
{
    struct tls_report_day *day = today;
    today = NULL;
    return day;
}

static struct address without_path(const struct address *address)
{
    return address->family == ADDRESS_UNIX ? (struct address){.family = ADDRESS_NONE} : *address;
}

static error note(const struct tls_report_session *session)
{
    struct tls_report_entry *entry;
    if (!today && !(today = tls_report_day_create()))
        return error_make(ERROR_LIMIT, "out of memory");
    slice text = session->policy_text;
    if (text.size == 0 && session->policy == TLS_REPORT_STS)
        text = sts_text(session->domain);
    TRY(entry_of(today, session->domain, session->policy, text, &entry));
    if (session->result == TLS_REPORT_SUCCESS) {
        entry->successes++;
        return OK;
    }
    entry->failures++;
    const struct tls_report_failure failure = {
        .result = session->result,
        .local = without_path(&session->local),
        .peer = without_path(&session->peer),
        .host = slice_sub(session->host, 0, TLS_REPORT_DOMAIN_SIZE_MAX),
        .reason = slice_sub(session->reason, 0, TLS_REPORT_REASON_SIZE_MAX),
        .count = 1,
    };
    return add_failure(today, entry, &failure);
}

void tls_report_note(const struct tls_report_session *session)
{
    if (!running || session->domain.size == 0)
        return;
    metric_add(&metric_sessions, 1);
    metric_add(&metric_failures, session->result != TLS_REPORT_SUCCESS);
    if (failed(note(session)))
        metric_add(&metric_lost, 1);
}

/* ---- Words of RFC 8460 4.3, 4.4 ---- */

const char *tls_report_result_name(enum tls_report_result result)
{
    static const char *const names[TLS_REPORT_RESULTS] = {
        [TLS_REPORT_SUCCESS] = "success",
        [TLS_REPORT_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
        [TLS_REPORT_CERTIFICATE_HOST_MISMATCH] = "certificate-host-mismatch",
        [TLS_REPORT_CERTIFICATE_EXPIRED] = "certificate-expired",
        [TLS_REPORT_CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
        [TLS_REPORT_VALIDATION_FAILURE] = "validation-failure",
        [TLS_REPORT_TLSA_INVALID] = "tlsa-invalid",
        [TLS_REPORT_DNSSEC_INVALID] = "dnssec-invalid",
        [TLS_REPORT_DANE_REQUIRED] = "dane-required",
        [TLS_REPORT_STS_POLICY_FETCH_ERROR] = "sts-policy-fetch-error",
        [TLS_REPORT_STS_POLICY_INVALID] = "sts-policy-invalid",
        [TLS_REPORT_STS_WEBPKI_INVALID] = "sts-webpki-invalid",
    };
    return names[result];
}

const char *tls_report_policy_name(enum tls_report_policy policy)
{
    static const char *const names[TLS_REPORT_POLICIES] = {
        [TLS_REPORT_TLSA] = "tlsa",
        [TLS_REPORT_STS] = "sts",
        [TLS_REPORT_NO_POLICY] = "no-policy-found",
    };
    return names[policy];
}
