/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/mta_sts.h"

#include "base/cursor.h"
#include "format/mail/tag_list.h"

static error bad(const char *why)
{
    return error_make(ERROR_MALFORMED, why);
}

error mta_sts_record_parse(slice text, slice *out_id)
{
    struct mail_tag_list list;
    slice version, rest;
    slice_cut(text, ';', &version, &rest);
    if (!slice_equal(slice_trim(version), SLICE("v=STSv1")))
        return error_make(ERROR_NOT_FOUND, "not an MTA-STS record");
    if (!mail_tag_list_parse(text, &list))
        return bad("an MTA-STS record with broken fields");
    slice id = mail_tag_value(&list, SLICE("id"));
    if (id.size == 0 || id.size > MTA_STS_ID_SIZE_MAX)
        return bad("an MTA-STS record without an id");
    for (size_t i = 0; i < id.size; i++)
        if (!ascii_is_alpha(id.data[i]) && !ascii_is_digit(id.data[i]))
            return bad("an MTA-STS id that is none");
    *out_id = id;
    return OK;
}

/* ---- The policy ---- */

/* A name, or one with "*." before it. */
static bool is_pattern(slice text)
{
    size_t label = 0;
    if (slice_starts(text, SLICE("*.")))
        text = slice_from(text, 2);
    if (text.size == 0 || text.size > 253)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '.' ? label == 0
                     : !ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '_')
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0;
}

struct reading {
    struct mta_sts_policy policy;
    slice *mx;
    bool version, mode, max_age;
};

/* RFC 8461 3.2: of a field that may stand once the first counts; unknown ones are ignored. */
static error take_field(struct reading *reading, slice name, slice value, struct arena *arena)
{
    struct mta_sts_policy *policy = &reading->policy;
    if (slice_equal(name, SLICE("version")) && !reading->version) {
        reading->version = true;
        return slice_equal(value, SLICE("STSv1")) ? OK : bad("a version of MTA-STS to come");
    }
    if (slice_equal(name, SLICE("mode")) && !reading->mode) {
        reading->mode = true;
        policy->mode = slice_equal(value, SLICE("enforce"))   ? MTA_STS_ENFORCE
                       : slice_equal(value, SLICE("testing")) ? MTA_STS_TESTING
                                                              : MTA_STS_NONE;
        return policy->mode || slice_equal(value, SLICE("none")) ? OK : bad("an unknown mode");
    }
    if (slice_equal(name, SLICE("max_age")) && !reading->max_age) {
        struct cursor at = cursor_over(value);
        uint64_t seconds;
        reading->max_age = true;
        if (value.size > 10 || !cursor_take_u64(&at, UINT64_MAX, &seconds) || !cursor_done(&at))
            return bad("max_age is a number of seconds");
        policy->max_age = seconds < MTA_STS_AGE_MAX ? (uint32_t)seconds : MTA_STS_AGE_MAX;
    }
    if (slice_equal(name, SLICE("mx"))) {
        if (!is_pattern(value))
            return bad("mx is a name, or *. and a name");
        if (policy->mx_count == MTA_STS_MX_MAX)
            return error_make(ERROR_LIMIT, "too many mx in an MTA-STS policy");
        if (!reading->mx)
            reading->mx = ARENA_ARRAY(arena, slice, MTA_STS_MX_MAX);
        TRY_MEMORY(reading->mx);
        reading->mx[policy->mx_count++] = value;
    }
    return OK;
}

error mta_sts_policy_parse(slice text, struct arena *arena, struct mta_sts_policy *out_policy)
{
    struct reading reading = {0};
    if (text.size > MTA_STS_POLICY_SIZE_MAX)
        return error_make(ERROR_LIMIT, "an MTA-STS policy that is too large");
    while (text.size) {
        slice line, name, value;
        slice_cut(text, '\n', &line, &text); /* LF or CRLF */
        if (slice_trim(line).size == 0)
            continue;
        if (!slice_cut(line, ':', &name, &value))
            return bad("a line of an MTA-STS policy without a colon");
        TRY(take_field(&reading, slice_trim(name), slice_trim(value), arena));
    }
    if (!reading.version || !reading.mode || !reading.max_age)
        return bad("an MTA-STS policy without version, mode or max_age");
    if (reading.policy.mode != MTA_STS_NONE && reading.policy.mx_count == 0)
        return bad("an MTA-STS policy without mx");
    reading.policy.mx = reading.mx;
    *out_policy = reading.policy;
    return OK;
}

bool mta_sts_names(const struct mta_sts_policy *policy, slice host)
{
    if (slice_ends(host, SLICE(".")))
        host.size--;
    for (unsigned i = 0; i < policy->mx_count; i++) {
        slice pattern = policy->mx[i], label, rest;
        /* RFC 8461 4.1: the star stands for one whole label, the first */
        if (slice_starts(pattern, SLICE("*."))
                ? slice_cut(host, '.', &label, &rest) && label.size > 0 &&
                      slice_equal_nocase(rest, slice_from(pattern, 2))
                : slice_equal_nocase(host, pattern))
            return true;
    }
    return false;
}
