#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sections "http" and "sts" of the configuration. Durations in ns.
 */
#include "base/setting.h"
#include "format/mail/mta_sts.h"

#include <stdint.h>

struct http_settings {
    bool redirect;           /* clear text to HTTPS */
    int64_t idle_timeout;    /* ns, between requests */
    int64_t request_timeout; /* ns, from a request's first byte to its last; the same to answer */
};

/* The MTA-STS policy of our own domains (RFC 8461). */
struct sts_settings {
    enum mta_sts_mode mode;
    struct setting_list mx; /* empty: server.hostname */
    int64_t max_age;        /* ns */
};

extern const struct setting_table http_setting_table;
extern const struct setting_table sts_setting_table;

/* The policy as served, and its id for the TXT record: another text has another id. */
enum { STS_ID_SIZE = 16 };
void sts_policy_write(const struct sts_settings *settings, slice hostname, struct buffer *out);
void sts_policy_id(slice policy, char out_id[STS_ID_SIZE]);
