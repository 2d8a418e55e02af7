#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is kept, of one core, from inside: keep.c, content.c, keeper.c, load.c, replay.c. Nothing
 * else includes this.
 */
#include "runtime/crew.h"
#include "transport/queue/id_map.h"
#include "transport/queue/keep.h"
#include "transport/queue/log.h"
#include "transport/queue/spool.h"

enum {
    KEEP_BATCH_COUNT = 256,       /* bodies in one job of a worker */
    KEEP_BATCH_BYTES = 8 << 20,   /* about as much */
    KEEP_STAGED_BYTES = 4 << 20,  /* records of the log that a round gathers before it writes */
    KEEP_TICK_MS = 50,            /* how long records of the log wait */
    KEEP_RETRY_MS = 1000,         /* after the disk refused */
    KEEP_PATIENCE_S = 60,         /* for room: in memory, in the journal */
    KEEP_MEMORY_EXTRA = 64 << 20, /* beyond twice memory_max new mail waits */
    KEEP_CORE_BITS = 9,           /* of an id: CORE_COUNT_MAX */
    KEEP_PATH_SIZE_MAX = 1024,
};

/* Whoever waits until a content is in the spool, and that is synced. */
struct keep_waiter {
    struct list node;
    bool done;
    error result;
};

struct keep_core {
    bool loaded, open, closing;
    unsigned core, core_count;
    struct id_map mails;
    struct list all;         /* mails; once open, in the order of ids */
    struct queue_mail *walk; /* the rewriting's next */
    uint64_t promised;       /* entries of the map for mails on their way in */
    uint64_t last_time;      /* of the last id given: µs */

    struct list memory;    /* contents that lie in memory only, oldest first */
    struct list hurried;   /* the same, to be spooled in the next round */
    struct list chosen;    /* in this one */
    struct list lingering; /* spooled, but somebody reads them in memory */
    uint64_t memory_bytes;
    struct condition memory_freed;
    struct spool spool;
    struct queue_log log;
    struct journal_ticket last_outcome;

    struct crew crew;
    struct condition wanted, round_done, rewrite_wanted;
    bool sync_wanted;
    uint64_t rounds_begun, rounds_done;
    error round_result;
    struct list waiters;  /* their bodies are in the spool; the sync is to come */
    unsigned unpublished; /* contents that the log has, and `all` not yet: a rewriting would miss
                             their mails */
    instant retry_at;
    bool complained;

    /* At start only. */
    bool sweeping;
    int64_t swept;          /* mails put meanwhile */
    queue_id id_high;       /* of them */
    struct id_map done;     /* ids that the log has as done */
    struct id_map contents; /* shared ones */
    struct id_map segments;
    struct spool_segment *last_segment;
    struct id_map outcomes; /* replay: id -> struct replayed_outcome */
};
extern _Thread_local struct keep_core keep_here;
/* &keep_here, never inlined: gcc 12 with -fsanitize=null compares the address of a thread's
 * variable with 0 by the flags of a lea, which sets none. */
struct keep_core *keep_of_this_core(void);

struct keep_file { /* of the spool, found at start */
    uint32_t number;
    _Atomic bool used;
};

/* What is the same for all cores. */
struct keep_shared {
    const struct queue_settings *_Atomic settings;
    int directory; /* -1: not loaded */
    char path[KEEP_PATH_SIZE_MAX];
    _Atomic int64_t mails;
    _Atomic uint64_t time_seen; /* of any id: µs */
    /* During queue_keep_load. */
    struct keep_file *files;
    size_t file_count;
    unsigned log_cores; /* one above the highest core with a log */
    _Atomic uint64_t damaged;
};
extern struct keep_shared keep_shared;

static inline const struct queue_settings *keep_settings(void)
{
    return atomic_load_explicit(&keep_shared.settings, memory_order_acquire);
}

/* content.c */
error keep_content_make(struct queue_submission *submission, struct queue_content **out_content);
/* No mail has it any more. Gives back whatever it holds. */
void keep_content_free(struct keep_core *keep, struct queue_content *content);
/* It is in memory, to be spooled in its time. */
void keep_memory_add(struct keep_core *keep, struct queue_content *content);
/* Its body is in the spool: leaves memory now, or once nobody reads it there. */
void keep_memory_drop(struct keep_core *keep, struct queue_content *content);
/* Back to its submitter: its bytes are not the queue's. */
void keep_memory_discount(struct keep_core *keep, struct queue_content *content);
void keep_content_hurry(struct keep_core *keep, struct queue_content *content);

/* keep.c */
error keep_mail_put(struct keep_core *keep, struct queue_mail *mail);
/* Out of the map and freed; with the content, if it was the last. */
void keep_mail_forget(struct keep_core *keep, struct queue_mail **mail);
void keep_id_seen(queue_id id);
/* For the gauge; what a sweep finds is told at its end. */
void keep_count_mails(int64_t by);

/* keeper.c */
void keep_wake(struct keep_core *keep);
void keeper_run(void *keep);
void keep_rewriter_run(void *keep);
/* WAITS until the content is in the spool and the log, both synced. */
error keep_spool_now(struct keep_core *keep, struct queue_content *content);

/* load.c */
/* As core so many of so many, with nothing yet. */
void keep_begin(struct keep_core *keep, unsigned core, unsigned count);
/* Blocks: reads the logs that are this core's to read. The argument is its struct keep_core. */
error keep_sweep(void *keep);

/* replay.c */
/* What only the start needs. */
void keep_forget_start(struct keep_core *keep);
error keep_replay(const struct journal_record *record, unsigned pass);
error keep_replay_finish(void);
