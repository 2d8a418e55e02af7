#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is the domain of the From field the one that SPF or DKIM vouch for, and what does its owner want
 * done otherwise? (RFC 7489) Organizational domains by the public suffix list (psl.h).
 *
 * In two steps, because policies can be looked for while SPF and DKIM are still being found out.
 */
#include "base/arena.h"
#include "base/time.h"
#include "filter/authentic/dkim_check.h"
#include "filter/authentic/dmarc_author.h"
#include "filter/authentic/dmarc_record.h"
#include "filter/authentic/dns_source.h"
#include "filter/authentic/spf.h"

enum dmarc_result {
    DMARC_NONE, /* no policy */
    DMARC_PASS,
    DMARC_FAIL,
    DMARC_TEMPERROR,
    DMARC_PERMERROR, /* no From domain to speak of */
};
const char *dmarc_result_name(enum dmarc_result result);

/* ---- First: what the owners want ---- */

enum dmarc_discovery { DMARC_NO_POLICY, DMARC_HAS_POLICY, DMARC_UNSURE };

/* Of one author domain. */
struct dmarc_owner {
    enum dmarc_discovery discovery;
    struct dmarc_record record;
    slice policy_domain; /* where the record was found */
    bool missing;        /* the author domain does not exist; looked at where the record has np= */
};

struct dmarc_owners {
    struct dmarc_authors authors;
    struct dmarc_owner owners[DMARC_AUTHORS_MAX]; /* one per domain */
};

/* WAITS. Of the authors in it (dmarc_authors_read). RFC 7489 6.6.3: the author domain's record,
 * else its organization's. Of several authors none takes the time of all: one who names a domain of
 * his own, whose DNS does not answer, beside another's. An error is ours. */
error dmarc_discover(const struct dns_source *source, struct arena *arena, instant deadline,
                     struct dmarc_owners *owners);

/* ---- Then: whether they vouch for it ---- */

struct dmarc_evidence {
    enum spf_result spf; /* of the sender; of hello where that is empty */
    slice spf_domain;    /* A-labels */
    const struct dkim_check *dkim;
    unsigned dkim_count;
    bool trusted_chain; /* a sealer we trust says it was fine on arrival (RFC 8617 7.2.1) */
    unsigned dice;      /* 0 to 99, for pct= */
};

struct dmarc_check {
    enum dmarc_result result;
    enum dmarc_policy policy; /* that applies: p=, sp= or np=, lowered by pct= (6.6.4); NONE where
                                 it was overridden */
    slice from_domain;        /* A-labels; empty where there is none */
    slice policy_domain;      /* where the record was found */
    bool spf_aligned, dkim_aligned; /* and passed */
    enum dmarc_policy published;    /* what the owner asks for, before pct= and ARC */
    bool overridden;                /* failed, but a trusted ARC chain made the policy not apply */
    const char *reason;             /* of a permerror */
    struct dmarc_record record;     /* where there is one */
};

/* Pure. Of several author domains the one with the strictest policy among those that fail (6.6.1).
 */
void dmarc_judge(const struct dmarc_owners *owners, const struct dmarc_evidence *evidence,
                 struct dmarc_check *out_check);
