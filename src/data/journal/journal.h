#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The journal: what makes accepted mail durable. Each core owns one: a ring of preallocated segment
 * files, written append-only with O_DIRECT|O_DSYNC in aligned flushes. What many fibers append
 * while one flush is under way is committed by the next (group commit). A record's bytes are copied
 * once, into the aligned staging buffer, by the same pass that computes their CRC-32C.
 *
 * A segment is used again only after a checkpoint: every record in it was settled by its owner (its
 * effect handed to the file system) and the file system was synced since. A kernel tells of a write
 * that failed once, and takes the page for written ever after: once a sync failed, no later one
 * proves anything about the records so far, and they stay for replay. At start
 * journal_reader_* gives every record of every journal in the directory that a checkpoint has not
 * covered, whatever number of cores wrote them. Formats and promises: README.md beside this file.
 */
#include "base/error.h"
#include "base/slice.h"
#include "base/time.h"

#include <stdint.h>

enum journal_durability {
    JOURNAL_DURABILITY_JOURNAL, /* group commit */
    JOURNAL_DURABILITY_FSYNC,   /* no journal: the store fsyncs each file and directory */
    JOURNAL_DURABILITY_NONE,    /* nothing: a power cut loses mail */
};

/* A record must fit while one segment waits for its checkpoint and another is being zeroed. */
static inline size_t journal_record_size_max(size_t segment_size, unsigned segment_count)
{
    return segment_size / 2 * (segment_count - 1);
}

/* What a record is about is its owner's affair; the number is kept on disk: never reuse one. */
enum journal_kind {
    JOURNAL_KIND_DELIVERY = 1,  /* data/store */
    JOURNAL_KIND_LINK = 2,      /* data/store: copy of a message by hard link */
    JOURNAL_KIND_TOMBSTONE = 3, /* data/store: messages expunged, deliveries given up */
    JOURNAL_KIND_QUEUE = 16,    /* transport/queue and up */
};

enum {
    JOURNAL_BLOCK_SIZE = 4096, /* every flush starts and ends on such a boundary */
    JOURNAL_SEGMENT_SIZE_MIN = 1 << 20,
    JOURNAL_SEGMENT_SIZE_DEFAULT = 64 << 20,
    JOURNAL_SEGMENT_COUNT_MIN = 2,
    JOURNAL_SEGMENT_COUNT_DEFAULT = 4, /* per core */
    JOURNAL_SEGMENT_COUNT_MAX = 256,
    JOURNAL_STAGING_SIZE_DEFAULT = 2 << 20, /* bytes of each of the two staging buffers */
    JOURNAL_PART_COUNT_MAX = 64,            /* slices of one append */
};

struct journal_options {
    const char *directory; /* made where missing */
    enum journal_durability durability;
    size_t segment_size;    /* bytes; 0: default */
    unsigned segment_count; /* per core; 0: default */
    size_t staging_size;    /* bytes; 0: default */
    int64_t checkpoint_age; /* ns after which unsynced records cause a checkpoint; 0: 30 s */
    /* Makes durable what settled records did (syncfs); runs on a worker thread. */
    error (*make_durable)(void *argument);
    /* After each of them that went well, on the core, may not wait; NULL: nothing. */
    void (*made_durable)(void *argument);
    void *argument;
};

/* One appended record: keep it until settled. All zero: a ticket that needs no wait (other
 * durabilities). */
struct journal_ticket {
    uint64_t first_flush, flush; /* of its first and its last byte */
    uint32_t segment;            /* number in the ring plus one; 0: nothing to settle */
};

/* WAITS. Opens this core's journal, preallocating (and zeroing once) missing segments:
 * ERROR_TEMPORARY with ENOSPC where the disk is too small for them. Every segment in the directory
 * must be free: replay, make durable and journal_recycle_all first. */
error journal_open(const struct journal_options *options);
/* Any context on this core, also after its fibers ended: blocks in system calls. Syncs, and marks
 * the segments free where every record was settled. */
void journal_close(void);

/* WAITS. Appends one record; the parts are copied when it returns. Not durable yet. Waits for the
 * disk where the record is larger than the free staging space, and for a checkpoint where all
 * segments are full: ERROR_TIMEOUT at the deadline, ERROR_TEMPORARY when the journal's disk fails,
 * ERROR_LIMIT for a record that could never fit. On failure nothing is to be settled. */
error journal_append(enum journal_kind kind, const slice *parts, unsigned count, instant deadline,
                     struct journal_ticket *out_ticket);
/* WAITS, at most some milliseconds: returns while the disk is busy with this flush or one before
 * it, so that what the caller does next (making files) goes on beside the disk's work, not before
 * it. */
void journal_begin_wait(const struct journal_ticket *ticket);
/* WAITS until the record is durable; ERROR_TEMPORARY when its flush failed (the record may or may
 * not be replayed after a crash). Not ended by cancellation, as long as the journal is open: who
 * gave up here would not know what to tell the sender. */
error journal_commit_wait(const struct journal_ticket *ticket);
/* Exactly once per ticket, on the core that appended: the record's effect is now in the file
 * system's hands (or given up), a checkpoint may cover it. */
void journal_settle(struct journal_ticket *ticket);
/* WAITS. A checkpoint of all that was settled before the call. ERROR_TEMPORARY once any sync has
 * failed: the records stay. */
error journal_checkpoint(void);
/* Something changed in the file system that no record tells of: a checkpoint follows within
 * checkpoint_age. */
void journal_note_change(void);
/* This record's segment is closed, and a checkpoint waits for it or free ones run low: its owner
 * should see that it can be settled. */
bool journal_presses(const struct journal_ticket *ticket);
/* Is this core's journal open and durability `journal`? */
bool journal_is_on(void);

/* Replay. One reader walks every segment in the directory, in the order of their core and their
 * age; ERROR_CLOSED at the end. Blocks in system calls: before serving only. */
struct journal_reader;

struct journal_record {
    enum journal_kind kind;
    unsigned core; /* that wrote it */
    slice payload; /* until the next call */
};

struct journal_summary {
    uint64_t records, bytes;
    uint64_t segments_live, segments_free;
    uint64_t torn;    /* tails that were cut off by the stop: normal after a crash */
    uint64_t corrupt; /* damage before the tail: something was lost */
};

error journal_reader_open(const char *directory, struct journal_reader **out_reader);
error journal_reader_next(struct journal_reader *reader, struct journal_record *out_record);
/* Back to the first record: recovery walks more than once. */
void journal_reader_rewind(struct journal_reader *reader);
struct journal_summary journal_reader_summary(const struct journal_reader *reader);
void journal_reader_close(struct journal_reader **reader);

/* After replay was made durable: marks every segment free and removes those that the new number of
 * cores or the new size does not use. Blocks. */
error journal_recycle_all(const struct journal_options *options, unsigned core_count);
