#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What became of TLS with other servers (RFC 8460): counted per policy domain and day, on each
 * core. transport/deliver notes, transport/report fetches once a day and sends. Nothing is kept
 * where no reports are sent (tls_report.contact is empty).
 *
 * Bounds: TLS_REPORT_DOMAINS_MAX per core and day, TLS_REPORT_FAILURES_MAX kinds of failure per
 * domain; what is past them is counted as successes and failures only, or not at all.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "net/address.h"
#include "transport/route/route.h"

enum tls_report_limits {
    TLS_REPORT_DOMAINS_MAX = 10000,
    TLS_REPORT_FAILURES_MAX = 20,
    TLS_REPORT_POLICY_SIZE_MAX = 4096, /* bytes of a policy's text */
    TLS_REPORT_REASON_SIZE_MAX = 200,
    TLS_REPORT_DOMAIN_SIZE_MAX = 511, /* of a policy's domain, and of a host's name */
    TLS_REPORT_MEMORY_MAX = 64 << 20, /* per core and day */
};

enum tls_report_policy {
    TLS_REPORT_TLSA,
    TLS_REPORT_STS,
    TLS_REPORT_NO_POLICY,
    TLS_REPORT_POLICIES
};

/* RFC 8460 4.3 */
enum tls_report_result {
    TLS_REPORT_SUCCESS,
    TLS_REPORT_STARTTLS_NOT_SUPPORTED,
    TLS_REPORT_CERTIFICATE_HOST_MISMATCH,
    TLS_REPORT_CERTIFICATE_EXPIRED,
    TLS_REPORT_CERTIFICATE_NOT_TRUSTED,
    TLS_REPORT_VALIDATION_FAILURE,
    TLS_REPORT_TLSA_INVALID,
    TLS_REPORT_DNSSEC_INVALID,
    TLS_REPORT_DANE_REQUIRED,
    TLS_REPORT_STS_POLICY_FETCH_ERROR,
    TLS_REPORT_STS_POLICY_INVALID,
    TLS_REPORT_STS_WEBPKI_INVALID,
    TLS_REPORT_RESULTS
};

/* One TLS session with another server, or the attempt at one. */
struct tls_report_session {
    slice domain; /* route->domain */
    enum tls_report_policy policy;
    enum tls_report_result result;
    slice policy_text;    /* lines of the policy: of MTA-STS its file (may be left empty: route
                             knows it), of DANE one line per record; kept from the first session */
    slice host;           /* the MX host's name */
    struct address local; /* sending-mta-ip */
    struct address peer;  /* receiving-ip */
    slice reason;         /* failure-reason-code, may be empty */
};

/* Which kind of policy a route is under, where DANE was not what decided. */
static inline enum tls_report_policy tls_report_policy_of(const struct route *route)
{
    return route->sts || route->sts_testing ? TLS_REPORT_STS : TLS_REPORT_NO_POLICY;
}

/* Never waits, never fails; any core. */
void tls_report_note(const struct tls_report_session *session);

/* ---- For transport/report. ---- */

struct tls_report_failure {
    struct tls_report_failure *next;
    enum tls_report_result result;
    struct address local, peer;
    slice host, reason;
    uint64_t count;
};

struct tls_report_entry {
    slice key; /* domain and kind of policy */
    slice domain;
    enum tls_report_policy policy;
    slice policy_text;
    uint64_t successes, failures;
    unsigned failure_count; /* kinds of failure */
    struct tls_report_failure *details;
};

/* A day's entries of one core, or of all after tls_report_merge. */
struct tls_report_day {
    struct arena arena;
    struct map entries; /* by key */
    int64_t began;      /* seconds since 1970 */
};

/* On each core: keep from now on, or forget everything. */
error tls_report_start(void);
void tls_report_stop(void);
/* What this core has, which begins anew; NULL where nothing was noted. Does not wait. */
struct tls_report_day *tls_report_take(void);
/* NULL without memory. */
struct tls_report_day *tls_report_day_create(void);
/* One entry more; what does not fit is counted as lost. */
error tls_report_add(struct tls_report_day *into, const struct tls_report_entry *entry);
/* Adds what `from` has to `into`; for days taken from other cores. */
error tls_report_merge(struct tls_report_day *into, const struct tls_report_day *from);
void tls_report_day_destroy(struct tls_report_day **day);
/* "starttls-not-supported"; "tlsa" */
const char *tls_report_result_name(enum tls_report_result result);
const char *tls_report_policy_name(enum tls_report_policy policy);
