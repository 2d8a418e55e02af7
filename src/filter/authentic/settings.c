/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/settings.h"

#define OWNER struct dkim_settings
static const struct setting rows[] = {
    SETTING_LIST(OWNER, keys, "", SETTING_RELOADABLE,
                 "keys that sign: \"example.org=selector:/path/key.pem\""),
    SETTING_PATH(OWNER, path, "/etc/ringmail/dkim/%d/%s.key", SETTING_RELOADABLE,
                 "where more keys lie; %d is the domain, %s the selector, each in a name of its "
                 "own; empty: nowhere"),
    SETTING_DURATION(OWNER, lifetime, 0, 0, 365 * 86400 * TIME_S, SETTING_RELOADABLE,
                     "how long a signature counts; 0: for good"),
};

const struct setting_table dkim_setting_table = SETTING_TABLE("dkim", OWNER, rows);
