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
#include "filter/authentic/reverse.h"
#include "filter/authentic/settings.h"
#include "filter/authentic/spf.h"
#include "net/address.h"

enum { AUTHENTIC_RESULTS_SIZE_MAX = 16 << 10 }; /* bytes of the field */

/* What the settings say, on this core. */
struct authentic_options {
    const struct authentic_settings *settings;
    const struct spf_settings *spf;
    const struct dmarc_settings *dmarc;
};
/* On each core; the settings are borrowed for good. Again on each reload. psl_open comes first, in
 * the main thread. */
error authentic_start(const struct authentic_options *options);
/* When no session is left on the core. */
void authentic_stop(void);
/* NULL: nothing was started here. */
const struct authentic_options *authentic_here(void);
/* Is the client a machine of ours (setting authentic.exempt), whose mail is not checked and whose
 * Authentication-Results fields count? */
bool authentic_is_exempt(const struct address *peer);
/* Is mail of this client checked? */
bool authentic_is_wanted(const struct address *peer);

/* Does not wait: asks for what every mail of this client and sender will need, so that it is known
 * when the message is there. */
void authentic_expect(const struct address *peer, slice helo, slice sender_domain);

struct authentic_question {
    struct address peer;
    slice helo;
    slice sender_local, sender_domain; /* MAIL FROM, domain in A-labels; both empty: <> */
    slice header, body;
    slice host;  /* our name: the authserv-id */
    int64_t now; /* seconds since 1970 */
    instant deadline;
    const struct dns_source *dns;       /* NULL: this core's resolver */
    const struct dkim_key_source *keys; /* NULL: the same */
};

struct authentic {
    slice reverse_name;  /* of the peer, confirmed by a forward look-up; data NULL: none */
    bool reverse_unsure; /* DNS did not answer */
    enum spf_result spf_helo, spf_mail; /* spf_mail of <> is that of postmaster@helo (7208 2.4) */
    struct dkim_check dkim[DKIM_CHECKS_MAX];
    unsigned dkim_count;
    enum arc_result arc;
    struct dmarc_check dmarc; /* result, policy, alignment; from_domain */

    struct reverse_check reverse;
    struct spf_check spf;        /* behind spf_mail: reason, explanation */
    slice spf_domain;            /* whose it is, in A-labels; empty: nobody's */
    struct arc_check arc_detail; /* behind arc: sets, newest sealer */
    bool arc_unsure;             /* a key could not be had: arc says ARC_NONE */
};

/* WAITS. Trouble with DNS is a result (temperror); an error is ours: memory, cancelled. */
error authentic_check(const struct authentic_question *question, struct arena *arena,
                      struct authentic *out_authentic);

/* "Authentication-Results: host; spf=pass ...\r\n", folded. */
error authentic_write(const struct authentic *authentic, const struct authentic_question *question,
                      struct buffer *out);
/* The same without the field's name and without a line end: for signer_seal. */
error authentic_write_results(const struct authentic *authentic,
                              const struct authentic_question *question, struct buffer *out);

enum authentic_action {
    AUTHENTIC_ACCEPT,
    AUTHENTIC_JUNK,
    AUTHENTIC_REFUSE,
};
/* What dmarc.enforce and spf.refuse_fail make of it; *out_text, in the arena, says why it is
 * refused: "rejected by DMARC policy of example.org". */
error authentic_enforce(const struct authentic *authentic, struct arena *arena,
                        enum authentic_action *out_action, slice *out_text);
