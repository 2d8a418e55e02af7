#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one session has been told of its selected mailbox: the message sequence numbers (RFC 3501
 * 2.3.1.2), a list of UIDs that changes only when the client is told so. Four bytes a message.
 * imap_view_tell brings it up to date and writes EXPUNGE, EXISTS, RECENT, FLAGS and FETCH lines;
 * expunges only at moments when the client may be told.
 */
#include "data/store/mailbox.h"
#include "format/imap/set.h"

struct imap_session;

enum {
    IMAP_VIEW_PENDING_MAX = 64, /* changes remembered one by one; past it the view is compared */
    IMAP_VIEW_RECENT_MAX = 16,  /* runs of recent UIDs remembered */
};

struct imap_view_pending {
    uint32_t *uids;
    uint32_t count;
    bool overflow; /* more than are listed: look at all messages */
};

struct imap_view {
    struct mailbox *mailbox; /* NULL: none is selected */
    struct mailbox_watch watch;
    bool read_only;
    bool idling;    /* news interrupt the wait for input */
    uint32_t *uids; /* ascending: sequence number n is uids[n - 1] */
    uint32_t count;
    uint32_t capacity;
    struct imap_view_pending expunged; /* gone, not yet told */
    struct imap_view_pending changed;  /* flags */
    uint64_t modseq_told;              /* flags up to here are known to the client */
    unsigned keywords_told;            /* how many were listed in FLAGS */
    uint32_t recent_count;
    struct imap_range recent[IMAP_VIEW_RECENT_MAX]; /* UIDs that are \Recent here */
};

/* Takes the mailbox over and fills the view; tells nothing. */
error imap_view_open(struct imap_session *s, struct mailbox *mailbox, bool read_only);
/* Harmless when nothing is open. */
void imap_view_close(struct imap_view *view);

/* WAITS where there is much to say. Writes what changed since the last time. Ends the session with
 * BYE where the mailbox was deleted. */
error imap_view_tell(struct imap_session *s, bool expunges);
/* Takes in what happened, without telling: what others did becomes pending. */
void imap_view_gather(struct imap_view *view);
/* The same, but changes of flags are our own doing and are told by the caller. */
void imap_view_gather_own(struct imap_view *view);
/* Whether there are expunged messages that the client was not told of: [EXPUNGEISSUED]. */
bool imap_view_is_behind(const struct imap_view *view);

/* Sequence number of a UID; 0 where the view does not have it. */
uint32_t imap_view_number(const struct imap_view *view, uint32_t uid);
/* Index of the first message with a UID not below this one; count where there is none. */
uint32_t imap_view_find(const struct imap_view *view, uint32_t uid);
bool imap_view_is_recent(const struct imap_view *view, uint32_t uid);
uint32_t imap_view_recent_total(const struct imap_view *view);

/* Resolves "*" and gives the indexes (from 0) of the messages named, ascending, in the arena.
 * ERROR_MALFORMED for a message number that is not there; UIDs not there are skipped (RFC 3501
 * 6.4.8). */
error imap_view_select(struct imap_session *s, struct imap_set *set, bool uid,
                       uint32_t **out_indexes, uint32_t *out_count);

/* "* FLAGS (...)" and, where `permanent`, PERMANENTFLAGS. */
void imap_view_write_flags(struct imap_session *s, bool permanent);
/* "FLAGS (\Seen ...)" of one message. */
void imap_view_write_message_flags(struct imap_session *s, const struct mail *mail);
