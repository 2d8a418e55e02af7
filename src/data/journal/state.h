#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One core's journal from inside: its segments, the two staging buffers, who waits for what. Used
 * by journal.c, segments.c and checkpoint.c only.
 *
 * A staging buffer is bound to a place in a segment when its first record is appended, because
 * fragments carry the segment's salt. While one buffer is written the other fills.
 */
#include "data/journal/segment.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/timer.h"
#include "runtime/wait.h"

#include <sys/types.h>

enum segment_use {
    SEGMENT_RAW, /* preallocated but never written: slow to write the first time */
    SEGMENT_FREE,
    SEGMENT_CURRENT,
    SEGMENT_SEALED, /* full, or closed for a checkpoint */
};

struct segment {
    int fd;
    enum segment_use use;
    bool preparing; /* a fiber is zeroing it */
    uint32_t unsettled;
    uint32_t buffers; /* staging buffers bound to it and not yet written */
    uint64_t generation, salt;
    instant first_append; /* oldest record in it */
};

struct staging {
    char *data; /* aligned */
    size_t filled, capacity;
    uint32_t segment; /* bound to; index */
    bool bound;
    bool has_fragment; /* of this flush */
    off_t offset;      /* in the segment */
    uint64_t flush;
};

enum {
    JOURNAL_PATH_SIZE_MAX = 1100,
    JOURNAL_FAILED_FLUSHES_KEPT = 256,
    JOURNAL_BEGIN_PATIENCE_MS = 10,
    JOURNAL_PAUSE_AFTER_FAILURE_MS = 250, /* no appends meanwhile: bounds failures per second */
};

struct journal {
    bool open, stopping;
    struct journal_options options;
    char *directory;
    unsigned core;

    struct segment *segments;
    unsigned segment_count, free_count;
    uint32_t current; /* index; valid where has_current */
    bool has_current;
    off_t position;  /* in the current segment, of the next buffer to be bound */
    uint32_t oldest; /* where the sealed ones begin in the ring */
    uint64_t generation;

    struct staging staging[2];
    unsigned filling;    /* which one takes appends */
    uint64_t flush_next; /* number of the buffer being filled */
    uint64_t flush_done; /* written, or failed */
    uint64_t failed[JOURNAL_FAILED_FLUSHES_KEPT];
    unsigned failed_count;
    instant refused_until;

    struct mutex append_turn;      /* fragments of a record follow each other */
    struct condition work;         /* the filling buffer has records */
    struct condition begun;        /* a flush is on its way */
    bool flushing, pushed;         /* into the kernel, not only into the ring */
    struct condition space;        /* the filling buffer was swapped */
    struct condition committed[2]; /* by parity of the flush */
    struct condition freed;        /* a segment became free, or prepared */
    struct condition checkpoint_wanted;
    struct condition checkpoint_done;
    struct condition settled; /* a sealed segment's last record was settled */
    bool wanted;              /* a checkpoint of what is sealed */
    bool wanted_all;          /* of everything appended so far */
    bool doubtful;            /* a sync failed: nothing is freed any more */
    bool flusher_ended;       /* what is not on the disk will not come there */
    instant changed;          /* oldest change that no sync has covered; TIME_NEVER: none */
    uint64_t checkpoints_begun, checkpoints_done;
    error checkpoint_result;

    struct core_hook turn_end;
    struct crew crew;
};

extern _Thread_local struct journal journal_here;

/* segments.c */

/* WAITS (worker). Opens or makes the files of this core. */
error journal_segments_open(struct journal *journal);
void journal_segments_close(struct journal *journal);
/* WAITS until the next segment of the ring is free, and makes it the current one. */
error journal_segment_advance(struct journal *journal, instant deadline);
/* No more records into the current one. */
void journal_segment_seal(struct journal *journal);
/* Blocks (one small write): says on disk that nothing in it counts. */
error journal_segment_write_free(const struct journal *journal, struct segment *segment);

/* checkpoint.c: the fiber. */
void journal_checkpoint_run(void *argument);
/* Asks for one where many segments are used. */
void journal_checkpoint_consider(struct journal *journal);
