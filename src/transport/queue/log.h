#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The log of one core, "log-CCC" in the queue's directory: what is known of the mails whose bodies
 * lie in the spool. Records gather in memory and are written by queue_log_flush, one write for
 * many; journal tickets that depend on them are settled then. Rewriting makes a new file of the
 * living mails beside the old one, while flushes go on, and takes its place by rename. Grammar:
 * log_record.h. Bounds: QUEUE_LOG_STAGED_MAX bytes wait; past that (a disk that refuses for long)
 * they are dropped, and the log is rewritten before any ticket is settled.
 */
#include "runtime/wait.h"
#include "transport/queue/log_record.h"

enum { QUEUE_LOG_STAGED_MAX = 256 << 20, QUEUE_LOG_REWRITE_MIN = 4 << 20 };

struct queue_log_tickets {
    struct journal_ticket *items;
    size_t count, capacity;
};

struct queue_log {
    int directory; /* not owned */
    int fd;        /* -1: not open */
    unsigned core;
    uint32_t salt;
    uint64_t generation;
    uint64_t size;                 /* of the file, without what is staged */
    uint64_t live;                 /* bytes of LOG_MAIL records of mails that are not done */
    struct buffer staged, writing; /* writing: also what a flush failed to write */
    struct queue_log_tickets staged_tickets, writing_tickets;
    struct journal_ticket last_outcome; /* staged; settled or not: to be committed before reclaim */
    struct mutex turn;                  /* flushing, or the end of rewriting */
    bool unsynced;
    bool must_rewrite; /* something was lost for the file */
    bool rewriting;
    struct buffer carry; /* written since the rewriting began */
};

/* On any one thread. Nothing is open yet. */
void queue_log_init(struct queue_log *log, int directory, unsigned core);
void queue_log_close(struct queue_log *log);

/* Blocks. Opens "log-CCC" for appending at `size` (what follows is cut off), or makes an empty one.
 */
error queue_log_open(struct queue_log *log, const struct frame_header *header, uint64_t size);
void queue_log_name(unsigned core, char out_name[16]);

/* Staging: never waits, cannot fail for the caller. */
void queue_log_mail(struct queue_log *log, struct queue_mail *mail); /* it becomes `logged` */
void queue_log_state(struct queue_log *log, const struct queue_mail *mail,
                     const struct queue_item *item);
void queue_log_outcomes(struct queue_log *log, const struct queue_mail *mail,
                        const struct queue_item *item, struct journal_ticket *ticket);
void queue_log_move(struct queue_log *log, const struct queue_mail *mail);
void queue_log_done(struct queue_log *log, const struct queue_mail *mail);
/* To be settled when what is staged so far is written. Settles at once where memory is short. */
void queue_log_ticket(struct queue_log *log, struct journal_ticket *ticket);

/* WAITS. Writes what is staged; `sync`: and makes it durable. After a failure all is kept for the
 * next call. */
error queue_log_flush(struct queue_log *log, bool sync);
static inline bool queue_log_is_clean(const struct queue_log *log)
{
    return log->staged.size == 0 && log->writing.size == 0 && log->staged_tickets.count == 0 &&
           log->writing_tickets.count == 0 && !log->staged.overflow;
}

/* More than half of it is dead, and it is not small; or it must be. */
bool queue_log_wants_rewriting(const struct queue_log *log);
/* WAITS. `next` gives the logged mails one after another (NULL at the end); it must stand changes
 * of the set meanwhile. A mail logged after the begin need not be given. */
error queue_log_rewrite(struct queue_log *log, struct queue_mail *(*next)(void *argument),
                        void *argument);
/* Blocks: the same at start, by one thread. */
error queue_log_rewrite_in_place(struct queue_log *log, struct queue_mail *(*next)(void *argument),
                                 void *argument);
