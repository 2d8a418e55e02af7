/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/http/settings.h"

#include "crypto/digest.h"

static const char *const modes[] = {
    [MTA_STS_NONE] = "none", [MTA_STS_TESTING] = "testing", [MTA_STS_ENFORCE] = "enforce", NULL};

#define S struct http_settings
static const struct setting http_rows[] = {
    SETTING_FLAG(S, redirect, true, SETTING_RELOADABLE,
                 "send browsers from HTTP to HTTPS; autoconfig is served in clear all the same"),
    SETTING_DURATION(S, idle_timeout, 60 * TIME_S, TIME_S / 10, 3600 * TIME_S, SETTING_RELOADABLE,
                     "how long a connection may wait between requests"),
    SETTING_DURATION(S, request_timeout, 30 * TIME_S, TIME_S / 10, 3600 * TIME_S,
                     SETTING_RELOADABLE,
                     "how long a client may take to send one, or to read the answer"),
};
#undef S

#define S struct sts_settings
static const struct setting sts_rows[] = {
    SETTING_CHOICE(S, mode, MTA_STS_NONE, modes, SETTING_RELOADABLE,
                   "what the MTA-STS policy of our domains asks of others: TLS with a certificate "
                   "for our MX"),
    SETTING_LIST(S, mx, "", SETTING_RELOADABLE,
                 "the MX hosts it names, \"*.example.net\" too; empty: server.hostname"),
    SETTING_DURATION(S, max_age, 7 * 86400 * TIME_S, 0, MTA_STS_AGE_MAX *TIME_S, SETTING_RELOADABLE,
                     "how long others may remember it"),
};
#undef S

const struct setting_table http_setting_table =
    SETTING_TABLE("http", struct http_settings, http_rows);
const struct setting_table sts_setting_table = SETTING_TABLE("sts", struct sts_settings, sts_rows);

/* RFC 8461 3.2 */
void sts_policy_write(const struct sts_settings *settings, slice hostname, struct buffer *out)
{
    buffer_format(out, "version: STSv1\r\nmode: %s\r\n", modes[settings->mode]);
    for (size_t i = 0; i < settings->mx.count; i++)
        buffer_format(out, "mx: %.*s\r\n", SLICE_ARG(settings->mx.items[i]));
    if (settings->mx.count == 0)
        buffer_format(out, "mx: %.*s\r\n", SLICE_ARG(hostname));
    buffer_format(out, "max_age: %lld\r\n", (long long)(settings->max_age / TIME_S));
}

void sts_policy_id(slice policy, char out_id[STS_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[DIGEST_SIZE_MAX];
    digest_of(DIGEST_SHA256, policy, sum);
    for (int i = 0; i < STS_ID_SIZE; i++)
        out_id[i] = digits[sum[i / 2] >> (i % 2 ? 0 : 4) & 15];
}
