#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * MTA-STS policies of other domains (RFC 8461): found by their TXT record, fetched over HTTPS,
 * remembered on every core as long as they say. Whichever core fetches one gives copies to the
 * others; core 0 keeps them in a file over restarts and fetches them again before they end. A
 * policy that was known stays known until its end, whatever DNS and the policy host say meanwhile.
 *
 * Bounds: route.sts_policies_max policies per core; MTA_STS_POLICY_SIZE_MAX bytes of one;
 * route.sts_timeout for fetching.
 */
#include "base/time.h"
#include "format/mail/mta_sts.h"
#include "transport/route/settings.h"

enum sts_limits {
    STS_FETCH_PAUSE_S = 300, /* after a failed fetch, RFC 8461 3.3 */
    STS_FETCHES_MAX = 64,    /* of one core at once; more domains go without a policy meanwhile */
    STS_FILE_SIZE_MAX = 256 << 20,
};

struct sts_options {
    const struct route_settings *settings; /* borrowed */
    slice authority;                       /* PEM file; empty: the system's */
    slice state_path;                      /* a folder; empty: nothing survives a restart */
};

/* WAITS. On each core. */
error sts_start(const struct sts_options *options);
void sts_stop(void);

/* WAITS. The policy in force for a domain (A-labels); mode MTA_STS_NONE where there is none. In the
 * arena. Errors only as route_find has them. */
error sts_find(slice domain, struct arena *arena, instant deadline,
               struct mta_sts_policy *out_policy);
/* The text of a known policy, for reports; empty where there is none. Valid until the next wait. */
slice sts_text(slice domain);
/* Tells the report that a policy in force does not name this host. */
void sts_report_unnamed(slice domain, slice host);
