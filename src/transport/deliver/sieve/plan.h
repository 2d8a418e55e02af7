#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an account's Sieve scripts decided about one mail: made on the account's home core (run.h),
 * carried out on the core that delivers (perform.h). Everything lies in the delivery's arena.
 */
#include "data/directory/directory.h"
#include "data/scripts/scripts.h"
#include "data/store/account.h"

enum sieve_plan_limits {
    SIEVE_PLACES_MAX = 32,
    SIEVE_OUTGOING_MAX = 128,    /* redirects and answers; settings bound them lower */
    SIEVE_REASON_SIZE_MAX = 400, /* of a refusal, in the dialogue */
};

struct sieve_place {
    slice mailbox; /* empty: where mail goes that nobody sorts: INBOX, or that for junk */
    bool create;
    uint8_t flags; /* enum mail_flag */
    const slice *keywords;
    unsigned keyword_count;
    slice header; /* edited (RFC 5293), the fields put before it included, with its empty line; data
                     NULL: as it came */
};

/* Mail that is sent on or said in answer; submitted to the queue, then remembered. */
struct sieve_outgoing {
    enum sieve_outgoing_kind {
        SIEVE_REDIRECT,
        SIEVE_VACATION,
        SIEVE_NOTIFY,
        SIEVE_SEEN, /* nothing is sent: `duplicate` remembers the mail, once it is delivered */
    } kind;
    slice sender; /* reverse path; redirect: the mail's, rewritten */
    slice recipient;
    slice header;            /* redirect: as sieve_place */
    slice message;           /* answers: the whole; redirect: empty */
    slice notify;            /* redirect: what reports are wanted (RFC 6009); empty: not said */
    bool has_copy;           /* answers: */
    struct sieve_place copy; /* and where it goes (RFC 8580) */
    slice memory[3];         /* the key of data/scripts/memory.h */
    int64_t memory_seconds;  /* 0: nothing to remember */
};

struct sieve_plan {
    bool ran; /* false: nobody has a script here; the rest is empty */
    bool refused;
    slice refusal; /* text of reject (RFC 5429) */
    struct sieve_place *places;
    unsigned place_count;
    struct sieve_outgoing *outgoing;
    unsigned outgoing_count;
    const char *memory_path, *log_path;
};
