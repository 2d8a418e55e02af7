#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * May this host send mail for this domain? (RFC 7208) Records are parsed by spf_record.h, macros
 * replaced by spf_macro.h (both pure); here is what asks DNS. What the terms of a record will ask
 * is asked at once when the record is there, then awaited in their order.
 */
#include "base/arena.h"
#include "base/time.h"
#include "filter/authentic/dns_source.h"
#include "net/address.h"

enum spf_limits {
    SPF_LOOKUPS_MAX = 10,     /* RFC 7208 4.6.4: terms that ask DNS */
    SPF_VOID_LOOKUPS_MAX = 2, /* terms whose answer has no records */
    SPF_NAMES_MAX = 10,       /* of an mx term, and of the client */
    SPF_NAMES_SHARE = 4,      /* the client's names get a fourth of the time that is left */
    SPF_EXPANSION_SIZE_MAX = 8 << 10,
    SPF_EXPLANATION_SIZE_MAX = 400, /* bytes: one line of a reply; a longer one is left out */
    SPF_MEMORY_MAX = 4 << 20,       /* bytes of answers and records, of one check */
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

struct spf_question {
    struct address peer;
    slice local, domain; /* the sender's, or postmaster's at the hello name (RFC 7208 2.4, 4.3) */
    slice helo;
    slice host;   /* our name, for explanations */
    int64_t now;  /* seconds since 1970 */
    bool explain; /* look for the owner's explanation of a fail (6.2) */
};

struct spf_check {
    enum spf_result result;
    const char *reason; /* of a temperror or permerror */
    slice explanation;  /* of a fail, by the domain's owner, printable ASCII; may be empty */
};

/* WAITS. An error is ours: memory, cancelled. The explanation lies in the arena. */
error spf_check(const struct spf_question *question, const struct dns_source *source,
                struct arena *arena, instant deadline, struct spf_check *out_check);
