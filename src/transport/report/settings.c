/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/report/settings.h"

#define S struct tls_report_settings
static const struct setting rows[] = {
    SETTING_TEXT(
        S, contact, "", 0,
        "address that reports about TLS (RFC 8460) come from, as \"postmaster@example.org\"; "
        "empty: none are sent"),
    SETTING_TEXT(S, organization, "", 0, "who reports; empty: the server's name"),
    SETTING_DURATION(S, interval, 86400 * TIME_S, TIME_S, 7 * 86400 * TIME_S, 0,
                     "what one report is about, from midnight UTC; shorter ones are for tests"),
    SETTING_DURATION(S, save_interval, 10 * TIME_S, 100 * TIME_MS, 3600 * TIME_S, 0,
                     "how often the counts are written down: what a crash may forget"),
};
const struct setting_table tls_report_setting_table = SETTING_TABLE("tls_report", S, rows);
#undef S
