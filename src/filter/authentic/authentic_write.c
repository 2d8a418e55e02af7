/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was found out, for others to read (RFC 8601), and what follows from it.
 */
#include "filter/authentic/authentic.h"

#include "base/metric.h"
#include "format/mail/address.h"
#include "format/mail/auth_results.h"

METRIC_COUNTER(refused_total, "ringmail_dmarc_enforced_total", "action=\"refuse\"",
               "Mails that DMARC policies decided about");
METRIC_COUNTER(junk_total, "ringmail_dmarc_enforced_total", "action=\"junk\"",
               "Mails that DMARC policies decided about");
METRIC_COUNTER(spf_refused_total, "ringmail_spf_refused_total", "",
               "Mails refused because of SPF alone (spf.refuse_fail)");

/* RFC 8601 2.7.3 */
static void write_reverse(struct auth_results *results, const struct authentic *authentic,
                          const struct authentic_question *question)
{
    char text[ADDRESS_TEXT_SIZE];
    if (!address_is_ip(&question->peer))
        return;
    auth_results_add(results, "iprev", reverse_result_name(authentic->reverse.result), NULL);
    auth_results_property(results, "policy.iprev", address_format_ip(&question->peer, text));
}

/* RFC 8601 2.7.2: the sender's comes first, for readers who look at one alone. */
static void write_spf(struct auth_results *results, const struct authentic *authentic,
                      const struct authentic_question *question)
{
    struct buffer sender;
    if (question->sender_domain.size) {
        buffer_init(&sender, AUTH_RESULTS_VALUE_SIZE_MAX);
        mail_address_write(&sender, question->sender_local, question->sender_domain);
        auth_results_add(results, "spf", spf_result_name(authentic->spf_mail),
                         authentic->spf.reason);
        auth_results_property(results, "smtp.mailfrom",
                              sender.overflow ? question->sender_domain : buffer_slice(&sender));
        buffer_close(&sender);
    }
    auth_results_add(results, "spf", spf_result_name(authentic->spf_helo), NULL);
    auth_results_property(results, "smtp.helo", question->helo);
}

/* RFC 8601 2.7.1 */
static void write_dkim(struct auth_results *results, const struct authentic *authentic)
{
    for (unsigned i = 0; i < authentic->dkim_count; i++)
        dkim_check_write(&authentic->dkim[i], results);
    if (authentic->dkim_count == 0)
        auth_results_add(results, "dkim", "none", NULL);
}

/* RFC 8617 10.1; there is no word for what nobody knows. */
static void write_arc(struct auth_results *results, const struct authentic *authentic,
                      const struct authentic_question *question)
{
    char text[ADDRESS_TEXT_SIZE];
    if (authentic->arc_unsure)
        return;
    auth_results_add(results, "arc", arc_result_name(authentic->arc), authentic->arc_detail.reason);
    if (authentic->arc != ARC_NONE && address_is_ip(&question->peer))
        auth_results_property(results, "smtp.remote-ip", address_format_ip(&question->peer, text));
}

/* RFC 7489 11.1; policy.dmarc: the policy after pct= and whatever overrode it. */
static void write_dmarc(struct auth_results *results, const struct dmarc_check *dmarc)
{
    const char *reason = dmarc->overridden ? "a trusted ARC chain vouches for it" : dmarc->reason;
    auth_results_add(results, "dmarc", dmarc_result_name(dmarc->result), reason);
    auth_results_property(results, "header.from", dmarc->from_domain);
    if (dmarc->policy_domain.size)
        auth_results_property(results, "policy.dmarc",
                              slice_from_string(dmarc_policy_name(
                                  dmarc->result == DMARC_FAIL ? dmarc->policy : dmarc->published)));
}

error authentic_write_results(const struct authentic *authentic,
                              const struct authentic_question *question, struct buffer *out)
{
    struct auth_results results;
    auth_results_begin(&results, question->host, out);
    write_dmarc(&results, &authentic->dmarc);
    write_spf(&results, authentic, question);
    write_dkim(&results, authentic);
    write_arc(&results, authentic, question);
    write_reverse(&results, authentic, question);
    auth_results_end(&results);
    return buffer_check(out);
}

error authentic_write(const struct authentic *authentic, const struct authentic_question *question,
                      struct buffer *out)
{
    buffer_add_string(out, "Authentication-Results: ");
    TRY(authentic_write_results(authentic, question, out));
    buffer_add_string(out, "\r\n");
    return buffer_check(out);
}

/* ---- What follows ---- */

static enum authentic_action dmarc_action(const struct dmarc_check *dmarc,
                                          enum dmarc_enforce enforce)
{
    if (enforce == DMARC_ENFORCE_OFF || dmarc->policy == DMARC_POLICY_NONE ||
        (dmarc->result != DMARC_FAIL && dmarc->result != DMARC_PERMERROR))
        return AUTHENTIC_ACCEPT;
    return dmarc->policy == DMARC_POLICY_REJECT && enforce == DMARC_ENFORCE_ON ? AUTHENTIC_REFUSE
                                                                               : AUTHENTIC_JUNK;
}

static error say_dmarc(const struct dmarc_check *dmarc, struct arena *arena, slice *out_text)
{
    if (dmarc->result == DMARC_PERMERROR)
        return arena_format(arena, out_text, "not taken: %s", dmarc->reason);
    return arena_format(arena, out_text, "rejected by DMARC policy of %.*s",
                        SLICE_ARG(dmarc->policy_domain));
}

static error say_spf(const struct authentic *authentic, struct arena *arena, slice *out_text)
{
    slice why = authentic->spf.explanation;
    if (why.size) /* RFC 7208 6.2: it must be told whose words they are */
        return arena_format(arena, out_text, "SPF check failed, %.*s says: %.*s",
                            SLICE_ARG(authentic->spf_domain), SLICE_ARG(why));
    return arena_format(arena, out_text, "SPF of %.*s does not allow mail from this host",
                        SLICE_ARG(authentic->spf_domain));
}

error authentic_enforce(const struct authentic *authentic, struct arena *arena,
                        enum authentic_action *out_action, slice *out_text)
{
    const struct authentic_options *options = authentic_here();
    enum authentic_action action = AUTHENTIC_ACCEPT;
    slice text = SLICE_EMPTY;
    if (options)
        action = dmarc_action(&authentic->dmarc, options->dmarc->enforce);
    if (action == AUTHENTIC_REFUSE)
        TRY(say_dmarc(&authentic->dmarc, arena, &text));
    if (action != AUTHENTIC_ACCEPT)
        metric_add(action == AUTHENTIC_REFUSE ? &refused_total : &junk_total, 1);
    if (options && options->spf->refuse_fail && authentic->spf_mail == SPF_FAIL &&
        action != AUTHENTIC_REFUSE) {
        TRY(say_spf(authentic, arena, &text));
        action = AUTHENTIC_REFUSE;
        metric_add(&spf_refused_total, 1);
    }
    *out_action = action;
    *out_text = text;
    return OK;
}
