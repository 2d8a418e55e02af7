/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/settings.h"

#define R SETTING_RELOADABLE
#define OWNER struct dkim_settings
static const struct setting rows[] = {
    SETTING_LIST(OWNER, keys, "", R, "keys that sign: \"example.org=selector:/path/key.pem\""),
    SETTING_PATH(OWNER, path, "/etc/ringmail/dkim/%d/%s.key", R,
                 "where more keys lie; %d is the domain, %s the selector, each in a name of its "
                 "own; empty: nowhere"),
    SETTING_DURATION(OWNER, lifetime, 0, 0, 365 * 86400 * TIME_S, R,
                     "how long a signature counts; 0: for good"),
};
#undef OWNER

#define OWNER struct authentic_settings
static const struct setting authentic_rows[] = {
    SETTING_FLAG(OWNER, check, true, R,
                 "SPF, DKIM, ARC and DMARC of mail that comes in on port 25 are checked"),
    SETTING_DURATION(OWNER, timeout, 10 * TIME_S, 100 * TIME_MS, 60 * TIME_S, R,
                     "what DNS has not answered then is a temporary error of that check"),
    SETTING_TEXT(OWNER, exempt, "127.0.0.0/8 ::1 unix", R,
                 "networks of our own machines: their mail is not checked, their "
                 "Authentication-Results fields stay"),
};
#undef OWNER

#define OWNER struct spf_settings
static const struct setting spf_rows[] = {
    SETTING_FLAG(OWNER, refuse_fail, false, R,
                 "mail from hosts that SPF forbids is refused, whatever DMARC says (breaks "
                 "forwarding)"),
};
#undef OWNER

#define OWNER struct dmarc_settings
static const char *const enforcements[] = {[DMARC_ENFORCE_OFF] = "off",
                                           [DMARC_ENFORCE_QUARANTINE] = "quarantine",
                                           [DMARC_ENFORCE_ON] = "on",
                                           NULL};
static const struct setting dmarc_rows[] = {
    SETTING_CHOICE(OWNER, enforce, DMARC_ENFORCE_ON, enforcements, R,
                   "policies are obeyed: p=reject refuses (quarantine: becomes junk), p=quarantine "
                   "becomes junk"),
    SETTING_LIST(OWNER, trusted_sealers, "", R,
                 "domains whose ARC seals are believed: a mail that passed DMARC there needs not "
                 "pass here"),
};
#undef OWNER

const struct setting_table dkim_setting_table = SETTING_TABLE("dkim", struct dkim_settings, rows);
const struct setting_table authentic_setting_table =
    SETTING_TABLE("authentic", struct authentic_settings, authentic_rows);
const struct setting_table spf_setting_table = SETTING_TABLE("spf", struct spf_settings, spf_rows);
const struct setting_table dmarc_setting_table =
    SETTING_TABLE("dmarc", struct dmarc_settings, dmarc_rows);
