#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two texts of MTA-STS (RFC 8461): the TXT record at _mta-sts.DOMAIN, which only says that
 * there is a policy and which, and the policy itself, as the policy host serves it. Pure.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

enum {
    MTA_STS_POLICY_SIZE_MAX = 64 << 10, /* RFC 8461 3.3 suggests it */
    MTA_STS_MX_MAX = 100,               /* patterns of one policy */
    MTA_STS_AGE_MAX = 31557600,         /* seconds, RFC 8461 3.2: larger ones are cut to this */
    MTA_STS_ID_SIZE_MAX = 32,
};

enum mta_sts_mode { MTA_STS_NONE, MTA_STS_TESTING, MTA_STS_ENFORCE };

struct mta_sts_policy {
    enum mta_sts_mode mode;
    uint32_t max_age; /* seconds */
    unsigned mx_count;
    const slice *mx; /* "mail.example.net", "*.example.net" */
};

/* RFC 8461 3.1. ERROR_NOT_FOUND: not such a record at all (other TXT records may lie there);
 * ERROR_MALFORMED. The id is a view. */
error mta_sts_record_parse(slice text, slice *out_id);
/* RFC 8461 3.2. ERROR_MALFORMED; ERROR_LIMIT. Patterns are views of the text. */
error mta_sts_policy_parse(slice text, struct arena *arena, struct mta_sts_policy *out_policy);
/* RFC 8461 4.1: is the host (A-labels) among the patterns? */
bool mta_sts_names(const struct mta_sts_policy *policy, slice host);
