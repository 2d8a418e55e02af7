#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Section "dkim" of the configuration (table in settings.c).
 */
#include "base/setting.h"

#include <stdint.h>

struct dkim_settings {
    struct setting_list keys; /* "example.org=selector:/path/key.pem" */
    slice path;               /* of more keys: "/etc/ringmail/dkim/%d/%s.key"; empty: none */
    int64_t lifetime;         /* ns from signing until x=; 0: no x= */
};

extern const struct setting_table dkim_setting_table;
