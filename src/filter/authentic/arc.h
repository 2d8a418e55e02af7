#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The Authenticated Received Chain (RFC 8617): who passed mail on, and what each saw of its
 * signatures. A chain is checked on arrival and sealed before mail is passed on. Bounds:
 * ARC_SETS_MAX sets, whose seals are checked in one go on a worker.
 */
#include "filter/authentic/dkim_check.h"

enum { ARC_SETS_MAX = 50 }; /* RFC 8617 5.2: instances 1 to 50 */

enum arc_result { ARC_NONE, ARC_PASS, ARC_FAIL };
/* "none", "pass", "fail": also as cv= says it. */
const char *arc_result_name(enum arc_result result);

struct arc_set {
    struct mail_header_field results, message, seal; /* name empty: missing */
};

/* The sets of a message, in order; views into the header. */
struct arc_chain {
    unsigned count;      /* the highest instance there is */
    const char *mistake; /* why it cannot be a valid chain; NULL: its form is fine */
    bool sealed_failed;  /* the newest seal says cv=fail: nobody adds to it any more */
    struct arc_set sets[ARC_SETS_MAX];
};
/* Pure. */
void arc_chain_read(slice header, struct arc_chain *out_chain);

struct arc_check {
    enum arc_result result;
    unsigned count;     /* sets */
    const char *reason; /* of a failure */
    slice domain;       /* d= of the newest seal */
};
/* WAITS. ERROR_TEMPORARY where a key cannot be had now; any other error where checking itself was
 * not possible. The chain is that of the header. now: seconds. */
error arc_check_chain(const struct arc_chain *chain, slice header, slice body,
                      const struct dkim_key_source *source, struct arena *arena, instant deadline,
                      int64_t now, struct arc_check *out_check);

/* Appends ARC-Seal, ARC-Message-Signature and ARC-Authentication-Results, each with CRLF, as the
 * set after those of the chain. `validity`: what checking the chain gave. `results`: what
 * auth_results wrote. ERROR_LIMIT where there is no room for another set; ERROR_PERMANENT where the
 * chain was sealed as failed before. Long computing where the key is RSA. */
error arc_seal(const struct arc_chain *chain, slice header, slice body, enum arc_result validity,
               slice results, const struct dkim_signer *signer, int64_t time,
               struct buffer *out_fields);
