#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Section "tls_report" of the configuration.
 */
#include "base/setting.h"

struct tls_report_settings {
    slice contact;         /* address; empty: no reports, and nothing is noted */
    slice organization;    /* empty: the hostname */
    int64_t interval;      /* ns */
    int64_t save_interval; /* ns */
};

extern const struct setting_table tls_report_setting_table;
