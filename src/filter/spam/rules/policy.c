/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What filter/authentic found out. A failure of SPF says little where the author's domain is proved
 * by a signature: forwarded mail looks so; it counts half then.
 */
#include "filter/spam/rules.h"

/* Is `domain` the author's, or does it stand above or below it? */
static bool is_authors(const struct spam_scan *scan, slice domain)
{
    return domain.size > 0 && scan->from_domain.size > 0 &&
           slice_equal_nocase(url_owner(domain), url_owner(scan->from_domain));
}

static bool signed_by_author(const struct spam_scan *scan)
{
    const struct authentic *authentic = scan->mail->authentic;
    for (unsigned i = 0; i < authentic->dkim_count; i++)
        if (authentic->dkim[i].result == DKIM_PASS && !authentic->dkim[i].testing &&
            is_authors(scan, authentic->dkim[i].signature.domain))
            return true;
    return false;
}

error spam_rule_spf(struct spam_scan *scan)
{
    const struct authentic *authentic = scan->mail->authentic;
    if (!authentic)
        return OK;
    slice sender = scan->mail->sender.size > 0 ? scan->mail->sender : scan->mail->helo;
    double times = signed_by_author(scan) ? 0.5 : 1;
    switch (authentic->spf_mail) {
    case SPF_PASS:
        SPAM_ADD(scan, SPF_PASS, sender);
        break;
    case SPF_FAIL:
        spam_scan_add(scan, SPAM_SPF_FAIL_FOUND, times, sender);
        break;
    case SPF_SOFTFAIL:
        spam_scan_add(scan, SPAM_SPF_SOFTFAIL_FOUND, times, sender);
        break;
    case SPF_NONE:
    case SPF_NEUTRAL:
        SPAM_ADD(scan, SPF_NONE, sender);
        break;
    case SPF_PERMERROR:
        SPAM_ADD(scan, SPF_BROKEN, sender);
        break;
    case SPF_TEMPERROR: /* nobody's fault */
        break;
    }
    if (authentic->spf_helo == SPF_FAIL && authentic->spf_mail != SPF_FAIL)
        SPAM_ADD(scan, SPF_HELO_FAIL, scan->mail->helo);
    return OK;
}

error spam_rule_dkim(struct spam_scan *scan)
{
    const struct authentic *authentic = scan->mail->authentic;
    if (!authentic || authentic->dkim_count == 0)
        return OK;
    slice passed = SLICE_EMPTY;
    unsigned bad = 0, keyless = 0, unsure = 0;
    for (unsigned i = 0; i < authentic->dkim_count; i++) {
        const struct dkim_check *check = &authentic->dkim[i];
        if (check->result == DKIM_PASS && !check->testing &&
            (passed.size == 0 || is_authors(scan, check->signature.domain)))
            passed = check->signature.domain;
        bad += check->result == DKIM_FAIL || check->result == DKIM_POLICY;
        keyless += check->result == DKIM_PERMERROR;
        unsure += check->result == DKIM_TEMPERROR;
    }
    if (passed.size > 0 && is_authors(scan, passed))
        SPAM_ADD(scan, DKIM_PASS, passed);
    else if (passed.size > 0)
        SPAM_ADD(scan, DKIM_OTHER_PASS, passed);
    else if (unsure == 0 && bad > 0)
        SPAM_ADD(scan, DKIM_FAIL, authentic->dkim[0].signature.domain);
    else if (unsure == 0 && keyless > 0)
        SPAM_ADD(scan, DKIM_NO_KEY, authentic->dkim[0].signature.domain);
    return OK;
}

static void judge_failure(struct spam_scan *scan, const struct dmarc_check *dmarc)
{
    if (dmarc->policy == DMARC_POLICY_REJECT)
        SPAM_ADD(scan, DMARC_FAIL_REJECT, dmarc->from_domain);
    else if (dmarc->policy == DMARC_POLICY_QUARANTINE)
        SPAM_ADD(scan, DMARC_FAIL_QUARANTINE, dmarc->from_domain);
    else
        SPAM_ADD(scan, DMARC_FAIL, dmarc->from_domain);
}

/* ARC passing is only said: whom to believe over the author's domain is the operator's to say, in a
 * composite. */
error spam_rule_dmarc(struct spam_scan *scan)
{
    const struct authentic *authentic = scan->mail->authentic;
    if (!authentic)
        return OK;
    if (authentic->dmarc.result == DMARC_PASS)
        SPAM_ADD(scan, DMARC_PASS, authentic->dmarc.from_domain);
    else if (authentic->dmarc.result == DMARC_FAIL)
        judge_failure(scan, &authentic->dmarc);
    if (authentic->arc == ARC_PASS)
        SPAM_ADD(scan, ARC_PASS, SLICE_EMPTY);
    else if (authentic->arc == ARC_FAIL)
        SPAM_ADD(scan, ARC_FAIL, SLICE_EMPTY);
    bool unsure = authentic->spf_mail == SPF_TEMPERROR;
    for (unsigned i = 0; i < authentic->dkim_count; i++)
        unsure |= authentic->dkim[i].result == DKIM_TEMPERROR;
    if (!unsure && !SPAM_HAS(scan, SPF_PASS) && !SPAM_HAS(scan, DKIM_PASS) &&
        !SPAM_HAS(scan, DKIM_OTHER_PASS) && authentic->dmarc.result != DMARC_PASS)
        SPAM_ADD(scan, UNAUTHENTIC, scan->from_domain);
    return OK;
}
