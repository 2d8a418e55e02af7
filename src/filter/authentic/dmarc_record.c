/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/dmarc_record.h"

#include "base/cursor.h"

static const char *const policy_names[] = {
    [DMARC_POLICY_NONE] = "none",
    [DMARC_POLICY_QUARANTINE] = "quarantine",
    [DMARC_POLICY_REJECT] = "reject",
};

const char *dmarc_policy_name(enum dmarc_policy policy)
{
    return policy_names[policy];
}

static bool read_policy(slice value, enum dmarc_policy *out_policy)
{
    for (unsigned i = 0; i < sizeof policy_names / sizeof policy_names[0]; i++)
        if (slice_equal_nocase(value, slice_from_string(policy_names[i]))) {
            *out_policy = (enum dmarc_policy)i;
            return true;
        }
    return false;
}

/* "r" or "s" */
static void read_alignment(slice value, bool *strict)
{
    if (slice_equal_nocase(value, SLICE("s")))
        *strict = true;
    else if (slice_equal_nocase(value, SLICE("r")))
        *strict = false;
}

static void read_percent(slice value, unsigned *percent)
{
    struct cursor c = cursor_over(value);
    uint64_t number;
    if (cursor_take_u64(&c, 100, &number) && cursor_done(&c))
        *percent = (unsigned)number;
}

struct found {
    bool policy, subdomain;
};

static void read_tag(slice name, slice value, struct dmarc_record *record, struct found *found)
{
    if (slice_equal_nocase(name, SLICE("p")))
        found->policy |= read_policy(value, &record->policy);
    else if (slice_equal_nocase(name, SLICE("sp")))
        found->subdomain |= read_policy(value, &record->subdomain);
    else if (slice_equal_nocase(name, SLICE("np")))
        record->has_missing |= read_policy(value, &record->missing);
    else if (slice_equal_nocase(name, SLICE("adkim")))
        read_alignment(value, &record->dkim_strict);
    else if (slice_equal_nocase(name, SLICE("aspf")))
        read_alignment(value, &record->spf_strict);
    else if (slice_equal_nocase(name, SLICE("pct")))
        read_percent(value, &record->percent);
    else if (slice_equal_nocase(name, SLICE("rua")))
        record->aggregate = value;
    else if (slice_equal_nocase(name, SLICE("ruf")))
        record->failure = value;
}

/* RFC 7489 6.4 "dmarc-version": the first tag, and exactly so. */
static bool take_version(slice *text)
{
    slice item, name, value;
    slice_cut(*text, ';', &item, text);
    return slice_cut(item, '=', &name, &value) && slice_equal(slice_trim(name), SLICE("v")) &&
           slice_equal(slice_trim(value), SLICE("DMARC1"));
}

error dmarc_record_parse(slice text, struct dmarc_record *out_record)
{
    struct dmarc_record record = {.percent = 100};
    struct found found = {0};
    if (!take_version(&text))
        return error_make(ERROR_NOT_FOUND, "no DMARC record");
    while (text.size) {
        slice item, name, value;
        slice_cut(text, ';', &item, &text);
        if (slice_cut(item, '=', &name, &value))
            read_tag(slice_trim(name), slice_trim(value), &record, &found);
    }
    /* RFC 7489 6.6.3: without a valid p= it speaks of reports alone, if of anything. */
    if (!found.policy && record.aggregate.size == 0)
        return error_make(ERROR_MALFORMED, "a DMARC record without a policy");
    if (!found.policy || !found.subdomain)
        record.subdomain = record.policy;
    if (!found.policy || !record.has_missing)
        record.missing = record.subdomain;
    record.has_missing &= found.policy;
    *out_record = record;
    return OK;
}

enum dmarc_policy dmarc_policy_sample(enum dmarc_policy policy, unsigned percent, unsigned dice)
{
    if (dice < percent || policy == DMARC_POLICY_NONE)
        return policy;
    return policy == DMARC_POLICY_REJECT ? DMARC_POLICY_QUARANTINE : DMARC_POLICY_NONE;
}
