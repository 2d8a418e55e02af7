#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DMARC policy records (RFC 7489 6.3, 6.4; np= by RFC 9091). Pure; views of the text.
 */
#include "base/error.h"
#include "base/slice.h"

enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };
/* "none", "quarantine", "reject" */
const char *dmarc_policy_name(enum dmarc_policy policy);

struct dmarc_record {
    enum dmarc_policy policy;    /* p= */
    enum dmarc_policy subdomain; /* sp=, else p= */
    enum dmarc_policy missing;   /* np=, else sp=: for subdomains that do not exist */
    bool has_missing;            /* there is an np= */
    bool dkim_strict, spf_strict;
    unsigned percent;         /* pct=: 0 to 100 */
    slice aggregate, failure; /* rua=, ruf=: lists of URIs; empty: none */
};

/* ERROR_NOT_FOUND: no DMARC record. ERROR_MALFORMED: it is one, but without a policy to obey. Tags
 * nobody knows are nobody's business; values that make no sense are as if they were not there
 * (6.3). */
error dmarc_record_parse(slice text, struct dmarc_record *out_record);

/* The policy with pct= applied (RFC 7489 6.6.4): the share above it gets the next milder one.
 * dice: 0 to 99. */
enum dmarc_policy dmarc_policy_sample(enum dmarc_policy policy, unsigned percent, unsigned dice);
