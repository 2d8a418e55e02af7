#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who a mail that comes in is really from: SPF of hello and envelope (RFC 7208), DKIM (RFC 6376),
 * the ARC chain (RFC 8617), DMARC (RFC 7489) and the reverse name of the client (RFC 8601 2.7.3),
 * found out once per mail. What it says becomes the Authentication-Results field, is sealed into
 * ARC sets of mail that is forwarded, and is evidence for filter/spam.
 *
 * All in the arena; views of the message. DNS is asked with everything at once, then awaited.
 */
#include "base/arena.h"
#include "base/time.h"
#include "filter/authentic/arc.h"
#include "filter/authentic/dkim_check.h"
#include "filter/authentic/dmarc.h"
#include "filter/authentic/spf.h"
#include "net/address.h"

struct authentic_question {
    struct address peer;
    slice helo;
    slice sender_local, sender_domain; /* MAIL FROM, domain in A-labels; both empty: <> */
    slice header, body;
    slice host;  /* our name: the authserv-id */
    int64_t now; /* seconds since 1970 */
    instant deadline;
};

struct authentic {
    slice reverse_name;  /* of the peer, confirmed by a forward look-up; data NULL: none */
    bool reverse_unsure; /* DNS did not answer */
    enum spf_result spf_helo, spf_mail; /* spf_mail of <> is that of postmaster@helo (7208 2.4) */
    struct dkim_check dkim[DKIM_CHECKS_MAX];
    unsigned dkim_count;
    enum arc_result arc;
    struct dmarc_check dmarc; /* result, policy, alignment; from_domain */
};

/* WAITS. Trouble with DNS is a result (temperror); an error is ours: memory, cancelled. */
error authentic_check(const struct authentic_question *question, struct arena *arena,
                      struct authentic *out_authentic);

/* "Authentication-Results: host; spf=pass ...\r\n", folded. */
error authentic_write(const struct authentic *authentic, const struct authentic_question *question,
                      struct buffer *out);
