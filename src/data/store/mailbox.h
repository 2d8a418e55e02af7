#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An opened mailbox on its account's home core: a Maildir and its index, shared by all sessions and
 * deliveries. What a session sees of it (sequence numbers, expunges not told yet) is the session's
 * own view: it keeps its list of UIDs and walks mailbox_changes_* to bring it up to date.
 *
 * Pointers to struct mail and slices in it are valid until the next WAITS or the next call that
 * changes the mailbox.
 */
#include "data/store/account.h"

struct mailbox;

enum mail_flag { /* on disk: never renumber */
                 MAIL_ANSWERED = 1 << 0,
                 MAIL_FLAGGED = 1 << 1,
                 MAIL_DELETED = 1 << 2,
                 MAIL_SEEN = 1 << 3,
                 MAIL_DRAFT = 1 << 4,
                 MAIL_FLAGS = 31,
};

/* One message as the index has it; read-only outside the store. */
struct mail {
    uint32_t uid;
    uint8_t flags;    /* enum mail_flag */
    uint8_t internal; /* the store's own */
    uint16_t base_name_size;
    uint64_t modseq;
    uint64_t keywords;     /* bits: mailbox_keyword_name */
    uint64_t size;         /* bytes of the file */
    uint64_t virtual_size; /* with CRLF line ends, RFC822.SIZE; equal to size where the file has
                            * only CRLF; 0: not known yet (mailbox_virtual_size) */
    int64_t internal_date; /* seconds since 1970 */
    int64_t save_date;     /* seconds: when it came into this mailbox */
    uint64_t object_id;    /* the same for copies (RFC 8474 EMAILID) */
    uint64_t thread_id;    /* 0: none yet */
    uint64_t base_name_at; /* where the index keeps the name: mail_base_name */
    uint64_t cache_at;     /* and the blob: mailbox_cache */
    uint32_t cache_size;
    uint32_t name_flags; /* what the file name says at present */
};

struct mailbox_status {
    uint32_t uid_validity, uid_next;
    uint32_t messages, unseen, deleted;
    uint32_t recent;           /* not yet claimed by any session */
    uint32_t first_unseen_uid; /* 0: none; only by mailbox_first_unseen */
    uint64_t modseq_highest;
    uint64_t bytes;
    uint64_t mailbox_id; /* RFC 8474 MAILBOXID */
};

/* WAITS. ERROR_NOT_FOUND; INBOX is made when asked for. Reads the index (and the Maildir, where
 * other programs changed it). */
error mailbox_open(struct account *account, slice name, struct mailbox **out_mailbox);
struct mailbox *mailbox_ref(struct mailbox *mailbox);
void mailbox_close(struct mailbox **mailbox);

struct account *mailbox_account(const struct mailbox *mailbox);
slice mailbox_name(const struct mailbox *mailbox);
/* Deleted since it was opened, or its disk failed: every other call gives ERROR_NOT_FOUND. */
bool mailbox_is_gone(const struct mailbox *mailbox);
/* Kept up to date: costs nothing. */
struct mailbox_status mailbox_status(const struct mailbox *mailbox);
/* Looks for changes made by other programs (two stat calls where there are none). WAITS. Called by
 * mailbox_open, and by the store itself every poll_interval while somebody watches. */
error mailbox_sync(struct mailbox *mailbox);

/* Messages by UID. NULL where it is expunged or never was. */
const struct mail *mailbox_find(struct mailbox *mailbox, uint32_t uid);
/* Walks: the first message with uid >= `uid`; NULL past the end. mailbox_next_from(m, 1) is the
 * first. */
const struct mail *mailbox_next_from(struct mailbox *mailbox, uint32_t uid);
/* Copies up to `max` UIDs >= uid; how many. For a session's view. */
size_t mailbox_uids(struct mailbox *mailbox, uint32_t uid, uint32_t *out_uids, size_t max);
slice mail_base_name(const struct mailbox *mailbox, const struct mail *message);
/* WAITS where it is not known yet (a file with bare LF from another server): counts and keeps it.
 */
error mailbox_virtual_size(struct mailbox *mailbox, uint32_t uid, uint64_t *out_size);

/* Flags and keywords. */
enum flag_mode { FLAGS_REPLACE, FLAGS_ADD, FLAGS_REMOVE };
struct flag_change {
    enum flag_mode mode;
    uint8_t flags;
    uint64_t keywords;
    uint64_t unchanged_since; /* RFC 7162: ERROR_BUSY where modseq is greater; UINT64_MAX: always */
};
/* In the index at once (durable at the next checkpoint), in the file name soon. ERROR_NOT_FOUND
 * where the message is expunged. Nothing changes, no modseq, where the flags are so already. */
error mailbox_flags(struct mailbox *mailbox, uint32_t uid, const struct flag_change *change);
/* The bit of a keyword, compared without case; with `create` a new one. ERROR_NOT_FOUND,
 * ERROR_LIMIT. */
error mailbox_keyword(struct mailbox *mailbox, slice name, bool create, unsigned *out_bit);
/* Empty slice for a bit never used. */
slice mailbox_keyword_name(const struct mailbox *mailbox, unsigned bit);
/* How many bits are in use (0..n-1). */
unsigned mailbox_keyword_count(const struct mailbox *mailbox);

/* \Recent: UIDs from..to-1 are recent for the caller, and for no later one (claim), or only asked
 * (claim false: EXAMINE). */
void mailbox_recent(struct mailbox *mailbox, bool claim, uint32_t *out_from, uint32_t *out_to);

/* WAITS. Removes messages: index, file, quota; UIDs not there are skipped. Durable when it returns
 * (one group commit for all of them). *out_count of those removed. */
error mailbox_expunge(struct mailbox *mailbox, const uint32_t *uids, size_t count,
                      size_t *out_count);
/* WAITS. Hard links into `target` (same account; keywords by name). out_uids[i] is 0 where uids[i]
 * is gone. All or nothing otherwise: ERROR_LIMIT over quota. Durable when it returns. With `move`
 * the messages leave `mailbox` (RFC 6851) after the copies are safe. */
error mailbox_copy(struct mailbox *mailbox, const uint32_t *uids, size_t count,
                   struct mailbox *target, bool move, uint32_t *out_uids);

/* The blob kept for a message (envelope, structure: the owner's format), empty where none is. */
slice mailbox_cache(const struct mailbox *mailbox, const struct mail *message);
/* Keeps one; larger than STORE_CACHE_BLOB_SIZE_MAX is silently not kept. */
void mailbox_cache_set(struct mailbox *mailbox, uint32_t uid, slice blob);
void mailbox_thread_set(struct mailbox *mailbox, uint32_t uid, uint64_t thread_id);

/* Changes. A watcher is told of everything that happens from mailbox_watch on. */
enum mailbox_change_kind { MAILBOX_CHANGE_NEW, MAILBOX_CHANGE_FLAGS, MAILBOX_CHANGE_EXPUNGE };
struct mailbox_change {
    enum mailbox_change_kind kind;
    uint32_t uid;
    uint64_t modseq;
};
struct mailbox_watch {
    struct mailbox *mailbox;
    struct list node;
    /* Called at each change, in whatever context makes it: must not wait (it calls stream_interrupt
     * or fiber_wake). NULL: none. */
    void (*notify)(struct mailbox_watch *watch);
    uint64_t sequence; /* of the next change to be walked */
};
/* Keeps the mailbox open. */
void mailbox_watch(struct mailbox *mailbox, void (*notify)(struct mailbox_watch *watch),
                   struct mailbox_watch *watch);
void mailbox_unwatch(struct mailbox_watch *watch);
bool mailbox_has_changes(const struct mailbox_watch *watch);
/* The next change; false when there is none. ERROR-less: where the watcher fell behind the bounded
 * memory of changes, *out_lost is true once and the walk goes on at the newest: compare the view
 * with the mailbox (mailbox_uids) instead. */
bool mailbox_changes_next(struct mailbox_watch *watch, struct mailbox_change *out_change,
                          bool *out_lost);
