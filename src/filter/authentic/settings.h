#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sections "dkim", "authentic", "spf" and "dmarc" of the configuration (tables in settings.c).
 */
#include "base/setting.h"

#include <stdint.h>

struct dkim_settings {
    struct setting_list keys; /* "example.org=selector:/path/key.pem" */
    slice path;               /* of more keys: "/etc/ringmail/dkim/%d/%s.key"; empty: none */
    int64_t lifetime;         /* ns from signing until x=; 0: no x= */
};

struct authentic_settings {
    bool check;
    int64_t timeout; /* ns: of all that one mail asks DNS */
    slice exempt;    /* networks whose mail is not checked */
};

struct spf_settings {
    bool refuse_fail;
};

enum dmarc_enforce {
    DMARC_ENFORCE_OFF,
    DMARC_ENFORCE_QUARANTINE, /* what should be refused becomes junk as well */
    DMARC_ENFORCE_ON,
};

struct dmarc_settings {
    enum dmarc_enforce enforce;
    struct setting_list trusted_sealers; /* domains: d= of their ARC seals */
};

extern const struct setting_table dkim_setting_table;
extern const struct setting_table authentic_setting_table;
extern const struct setting_table spf_setting_table;
extern const struct setting_table dmarc_setting_table;
