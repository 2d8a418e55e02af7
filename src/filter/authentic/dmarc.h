#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is the domain of the From field the one that SPF or DKIM vouch for, and what does its owner want
 * done otherwise? (RFC 7489) Organizational domains by the public suffix list (libpsl).
 */
#include "base/arena.h"
#include "base/time.h"

enum dmarc_result {
    DMARC_NONE, /* no policy */
    DMARC_PASS,
    DMARC_FAIL,
    DMARC_TEMPERROR,
    DMARC_PERMERROR, /* no single From domain to speak of */
};
enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };
const char *dmarc_result_name(enum dmarc_result result);
const char *dmarc_policy_name(enum dmarc_policy policy);

struct dmarc_check {
    enum dmarc_result result;
    enum dmarc_policy policy; /* that applies: p= or sp=, lowered by pct= (6.6.4) */
    slice from_domain;        /* A-labels; empty where there is none */
    slice policy_domain;      /* where the record was found */
    bool spf_aligned, dkim_aligned;
};
