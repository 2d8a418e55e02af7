#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A queued mail in memory, as all files of the queue see it. One mail is one allocation of its
 * owner core: the struct, its recipients, its items, its texts. What is marked (fixed) never
 * changes after queue_mail_make, so that the core of a site may read it while an item is out there;
 * everything else is the owner core's alone.
 *
 * An item is what is scheduled: the recipients of one mail that share a domain. It is WAITING on
 * its owner core (a timer runs), or OUT on the core of its site, and comes back with an attempt's
 * result. Fields marked (schedule) are set by queue_schedule_add and kept nowhere.
 */
#include "base/list.h"
#include "data/journal/journal.h"
#include "runtime/timer.h"
#include "transport/queue/queue.h"

#include <stdatomic.h>

struct spool_segment;
struct queue_content;
struct queue_mail;
struct keep_waiter;

/* What a content has while it is in memory: keep's own. */
struct queue_memory {
    struct queue_content *content;
    struct body body;
    char *prefixes;               /* of all its mails, in a row; malloc'ed */
    struct journal_ticket ticket; /* settled when spooled, or when the last mail is done */
    struct list node;             /* oldest first: who goes to the spool next */
    instant since;
    bool urgent;                /* to the spool now: an attempt failed */
    bool to_sync;               /* who submitted it waits for the spool's sync */
    bool busy;                  /* being written to the spool */
    bool counted;               /* among the core's bytes */
    struct keep_waiter *waiter; /* with to_sync */
};

/* A body with the prefixes of its mails, shared by the mails of one submission: in memory, in the
 * spool, or both. Others than keep use `size` and `out`, and open it to read. */
struct queue_content {
    uint16_t references; /* mails, and keep while it writes it */
    uint16_t sharers;    /* (fixed) mails it was made for */
    uint32_t out;        /* items out on a site's core: the spool place does not move meanwhile */
    /* Who reads `memory`, on any core; -1: it is gone, read the spool. */
    _Atomic int32_t pins;
    uint32_t prefix_size;          /* (fixed) of all mails together; before the body in the spool */
    uint64_t id;                   /* (fixed) of its first mail; marks its place in the spool */
    uint64_t size;                 /* (fixed) of the body */
    struct queue_memory *memory;   /* NULL once pins is -1 */
    struct queue_mail *mails;      /* sharing it, by next_sharing */
    struct spool_segment *segment; /* NULL: not spooled yet; set before pins becomes -1 */
    uint64_t offset;               /* in the segment */
    struct list segment_node;      /* for compaction */
};

enum queue_outcome {
    QUEUE_OPEN,      /* still to be delivered */
    QUEUE_DELIVERED, /* into a mailbox, or by LMTP */
    QUEUE_RELAYED,   /* the next server took it */
    QUEUE_FAILED,    /* bounced: permanent answer, expiry or the operator */
    QUEUE_DELETED,   /* by the operator, without a word */
};

/* A text of the mail: offset from queue_mail_text. */
struct queue_text {
    uint32_t offset, size;
};

struct queue_mail_recipient {
    struct queue_text address, orcpt_type, orcpt_address; /* (fixed) */
    uint8_t notify;                                       /* (fixed) enum smtp_notify bits */
    bool final;                                           /* (fixed) */
    uint8_t outcome;                                      /* enum queue_outcome */
    bool reported;                                        /* its delivery report was submitted */
    bool expanded; /* of QUEUE_RELAYED: an alias of ours led to several */
};

enum queue_item_state {
    QUEUE_ITEM_WAITING, /* for item->due */
    QUEUE_ITEM_OUT,     /* with its site, or finding its route */
    QUEUE_ITEM_HELD,
    QUEUE_ITEM_DONE,
};

struct queue_item {
    struct queue_mail *mail; /* (fixed) */
    uint32_t first, count;   /* (fixed) recipients[first .. first + count - 1], sorted by domain */
    uint32_t site;           /* (schedule) mark of the last route's site; 0: none found yet */
    uint16_t core;           /* (schedule) while OUT: where, enum queue_place */
    uint16_t attempts;
    uint8_t state;
    bool recalled;            /* (schedule) while OUT: asked to come back untried */
    bool busy;                /* (schedule) while OUT: a fiber records results of it */
    bool response_shared;     /* (answer.h) */
    bool urgent;              /* (schedule) by an operator: ends the pause of a site */
    int64_t due;              /* seconds since 1970 */
    int64_t tried;            /* of the last attempt; 0: none yet */
    struct timer timer;       /* of the owner core */
    struct list node;         /* while OUT: in the site's line, on the site's core */
    struct line_party *party; /* (schedule) whose turn in that line it shares */
    char *response; /* last answer: "host: 451 4.7.1 greylisted" (answer.h); NULL: none yet */
};

struct queue_mail {
    queue_id id; /* (fixed), also its place in the owner's map */
    struct list node;
    struct queue_content *content;                    /* (fixed pointer) */
    struct queue_mail *next_sharing;                  /* the content */
    uint32_t owner;                                   /* (fixed) core */
    uint32_t recipient_count, item_count, open_count; /* the first two (fixed) */
    int64_t arrived, expires, hold_until, deliver_by; /* (fixed) seconds since 1970 */
    struct queue_text sender, envid, account, origin; /* (fixed) */
    struct queue_text prefix; /* (fixed) in its content, not among the texts: queue_mail_prefix */
    uint8_t body, ret;        /* (fixed) */
    int8_t priority;          /* (fixed) */
    char deliver_by_mode;     /* (fixed) */
    bool utf8, require_tls, tls_optional, deliver_by_trace; /* (fixed) */
    bool held, warned, logged;                              /* logged: the log has it */
    uint32_t log_size;                                      /* of its record there */
    uint8_t verdict;     /* (schedule) enum queue_outcome: what the operator made of the rest */
    uint32_t items_left; /* (schedule) items not DONE */
    struct queue_item *items;                /* into this allocation */
    struct queue_mail_recipient *recipients; /* " */
    char *texts;                             /* " */
};

static inline slice queue_mail_text(const struct queue_mail *mail, struct queue_text text)
{
    return slice_of(mail->texts + text.offset, text.size);
}

/* The header fields to be put before the body of this mail: while its content is open, which may
 * have filled `scratch` (queue_content_open). */
slice queue_mail_prefix(const struct queue_mail *mail, const struct body *scratch);

/* mail.c: one allocation from an envelope; recipients sorted by domain (stably, so that a sorted
 * envelope keeps its order), items made, nothing scheduled. The content gets one more reference,
 * and the mail among its own. ERROR_LIMIT past queue_limits. */
error queue_mail_make(const struct queue_envelope *envelope, struct queue_content *content,
                      queue_id id, int64_t arrived, struct queue_mail **out_mail);
/* For records: one block with room for so much, nothing said yet; the mail becomes one of the
 * content's. */
error queue_mail_allocate(uint32_t recipients, uint32_t items, size_t text_size,
                          struct queue_mail **out_mail);
void queue_mail_join(struct queue_mail *mail, struct queue_content *content);
/* Of two recipients. */
bool queue_mail_same_domain(const struct queue_mail *mail, uint32_t one, uint32_t other);
/* Leaves its content; the last one's content is the caller's to free. */
void queue_mail_free(struct queue_mail **mail);
/* The domain that the item's recipients share. */
slice queue_item_domain(const struct queue_item *item);
