#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The spool of one core: bodies that left memory, appended to segment files "spool-NNNNNNNN" of the
 * queue's directory. A segment without living bodies is truncated and used again; no file is made
 * or removed for a mail. Every body stands behind a header with its content's id and a CRC-32C of
 * all: a place that a power cut gave to somebody else's body is noticed, never delivered.
 *
 * Each segment has one owner, the core whose log names it; other cores only read. Blocking calls
 * run on a worker. Bounds: a segment is closed at queue.spool_segment_size; a larger body has one
 * of its own; at most SPOOL_EMPTY_MAX empty files are kept.
 */
#include "transport/queue/mail.h"

enum { SPOOL_EMPTY_MAX = 16, SPOOL_READ_IN_PLACE_MAX = 256 << 10 };

struct spool_segment {
    struct list node; /* in the spool's segments, dead or empty */
    struct list contents;
    uint64_t size; /* written */
    uint64_t live; /* bytes of bodies that somebody needs */
    uint32_t number;
    bool dirty; /* written since the last sync */
    bool stuck; /* it cannot be emptied: something in it is damaged */
};

struct spool {
    int directory; /* not owned */
    int fd;        /* of the current segment; -1: none */
    struct spool_segment *current;
    struct list segments, dead, condemned, empty;
    unsigned segment_count, empty_count;
    uint64_t live, size; /* bytes in all segments */
};

/* What spool_write is given, and where it put it. */
struct spool_entry {
    uint64_t id; /* of the content */
    slice prefixes, body;
    struct spool_segment *segment; /* result */
    uint64_t offset;
};

void spool_init(struct spool *spool, int directory);
/* Closes and forgets everything; touches no file. */
void spool_close(struct spool *spool);

/* WAITS where not in_place (blocks then). Appends all entries, in order. On failure nothing counts:
 * what was written is overwritten by the next. The bytes are the kernel's, not yet the disk's. The
 * places are not alive until spool_attach: attach before the next spool_condemn. */
error spool_write(struct spool *spool, struct spool_entry *entries, unsigned count,
                  uint64_t segment_size, bool in_place);
/* The content lives there from now on (and no longer where it did). */
void spool_attach(struct spool *spool, struct queue_content *content, struct spool_segment *segment,
                  uint64_t offset);
/* Nobody needs its bytes any more. */
void spool_drop(struct spool *spool, struct queue_content *content);
/* WAITS. What was written is on disk. */
error spool_sync(struct spool *spool);
/* Those dead by now will be emptied by spool_reclaim; between the two, what made them dead is made
 * to survive. */
void spool_condemn(struct spool *spool);
/* WAITS. Empties condemned segments for reuse. */
error spool_reclaim(struct spool *spool);
/* A sealed segment that is worth emptying: mostly dead, and the spool as a whole more than half;
 * NULL: none. */
struct spool_segment *spool_worst(const struct spool *spool, uint64_t segment_size);

/* At start, on any one thread: a segment that the log names; nothing is appended to it any more. */
error spool_adopt(struct spool *spool, uint32_t number, struct spool_segment **out_segment);

/* Any core; WAITS where the bytes are not in the page cache. Prefixes and body, appended to an
 * empty `scratch`. ERROR_PERMANENT where they are not what the content is. */
error spool_read(int directory, const struct queue_content *content, struct body *scratch);
/* Blocks. Is the content whole where it should lie? */
bool spool_is_whole(int directory, const struct queue_content *content);

/* Numbers of segments are given once for all cores; at start above those that exist. */
void spool_number_seen(uint32_t number);
bool spool_name_parse(slice name, uint32_t *out_number);
