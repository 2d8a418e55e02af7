#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * May this host send mail for this domain? (RFC 7208) Records are parsed by spf_record.h (pure).
 */
#include "base/arena.h"
#include "base/time.h"
#include "net/address.h"

enum spf_limits {
    SPF_LOOKUPS_MAX = 10,     /* RFC 7208 4.6.4: terms that ask DNS */
    SPF_VOID_LOOKUPS_MAX = 2, /* answers without records */
    SPF_NAMES_MAX = 10,       /* of an mx or ptr term */
};

enum spf_result {
    SPF_NONE,
    SPF_NEUTRAL,
    SPF_PASS,
    SPF_FAIL,
    SPF_SOFTFAIL,
    SPF_TEMPERROR,
    SPF_PERMERROR,
};
/* "none", "pass" ... (RFC 8601 2.7.2) */
const char *spf_result_name(enum spf_result result);
