#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One evaluation of SPF records, and which of their terms match (RFC 7208 5). Inside spf.c only,
 * which knows include and redirect. Errors: ERROR_TEMPORARY is temperror, ERROR_PERMANENT
 * permerror.
 */
#include "filter/authentic/spf_macro.h"
#include "filter/authentic/spf_record.h"

struct spf_run {
    const struct spf_question *question;
    const struct dns_source *source;
    struct arena *arena; /* of this run: answers and names */
    instant deadline;
    unsigned lookups, voids; /* RFC 7208 4.6.4 */
    /* What the client is called, by its PTR records; asked for once. */
    bool names_known;
    instant names_deadline;
    unsigned name_count;
    slice names[SPF_NAMES_MAX];
    enum { SPF_NAME_UNKNOWN, SPF_NAME_VALID, SPF_NAME_WRONG } name_states[SPF_NAMES_MAX];
    slice validated; /* %{p} for the domain it was last needed for */
};

/* One more term asks DNS: ERROR_PERMANENT past SPF_LOOKUPS_MAX. */
error spf_run_count(struct spf_run *run);
struct spf_macro_values spf_run_values(const struct spf_run *run, slice domain);
/* WAITS. Finds out what %{p} stands for, where the text has one. */
error spf_run_need_names(struct spf_run *run, slice text, slice domain);
/* WAITS where there is a %{p}. A domain-spec as a name, shortened from the left where it is too
 * long for one (RFC 7208 7.3). */
error spf_run_expand(struct spf_run *run, slice spec, slice domain, slice *out_name);

/* WAITS. Not for include. */
error spf_match(struct spf_run *run, const struct spf_directive *directive, slice domain,
                bool *out_match);
/* Of ip4, ip6 and all. */
bool spf_match_at_once(const struct spf_run *run, const struct spf_directive *directive);
/* Do not wait: ask ahead. */
void spf_match_expect(struct spf_run *run, const struct spf_directive *directive, slice domain);
void spf_match_expect_text(struct spf_run *run, slice spec, slice domain);
