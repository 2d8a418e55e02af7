#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The events that wait for one receiver, in the order they came: files "STEM.NNNNNNNN" of records
 * (webhook_record.h) in the webhooks' directory, written in batches, read again when the receiver
 * is ready for more. STEM comes from the receiver's url, not from a core: whichever core has the
 * url today goes on with its files. One core's fibers: one that writes, one that reads.
 *
 * Bounds: `size_max` bytes of files; past it the oldest file goes, with its events counted and told
 * in the log. In memory WEBHOOK_LOG_STAGED_MAX bytes wait for the disk and as many are being
 * written, whatever lies in the files. While the disk refuses, those in memory are read from there,
 * so that a receiver that answers still gets its events.
 *
 * What is promised: an event is in a file once webhook_log_flush returned (kill -9 does not lose it
 * then), and survives a power cut once that was asked to sync. Events come out in the order they
 * went in, each until webhook_log_taken says it is done with; where the record of that is lost,
 * they come again.
 */
#include "base/list.h"
#include "data/frame_file.h"
#include "runtime/wait.h"
#include "transport/webhook_record.h"

enum webhook_log_limits {
    WEBHOOK_LOG_STEM_SIZE_MAX = 31,
    WEBHOOK_LOG_STAGED_MAX = 1 << 20,
    WEBHOOK_LOG_WINDOW_SIZE = 256 << 10, /* read at once */
    WEBHOOK_LOG_FILES = 8,               /* size_max / this is the size of one file, within: */
    WEBHOOK_LOG_FILE_SIZE_MIN = 1 << 20,
    WEBHOOK_LOG_FILE_SIZE_MAX = 64 << 20,
    /* Numbers left out at each start: what a power cut took had numbers too, and requests with them
     * may have arrived. */
    WEBHOOK_LOG_GAP = 1 << 20,
};

struct webhook_log_file {
    struct list node;
    uint32_t number, salt;
    uint64_t size;        /* bytes */
    uint64_t first, last; /* numbers of its events, without a gap; last < first: none */
};

struct webhook_log {
    int directory; /* borrowed */
    char stem[WEBHOOK_LOG_STEM_SIZE_MAX + 1];
    uint64_t size_max, file_size;
    uint32_t salt;

    struct list files;      /* struct webhook_log_file, oldest first; the last is written to */
    struct frame_file file; /* that one, for the job that writes; not open after a start */
    uint64_t size;          /* of all files */
    uint32_t file_number;   /* of the newest file */
    bool begin_file;        /* the next write begins a new one */

    struct buffer staged,
        writing;           /* records that are in no file yet, the second before the first */
    uint64_t next;         /* number of the next event */
    uint64_t last;         /* of the newest there is; 0: none */
    uint64_t staged_first; /* number that the first event in `staged` has or will have */
    uint64_t writing_first, writing_last;
    uint64_t taken; /* all up to here are done with */
    bool taken_changed;
    bool unsynced;
    struct mutex turn; /* one flush at a time */

    /* The reader: where it goes on. */
    uint32_t read_number; /* of the file; 0: at the first there is */
    uint64_t read_offset;
    uint64_t read_last; /* number of the newest event that was read */
    struct buffer window;
    uint64_t waiting; /* events not read yet; about right where the files are damaged */
};

/* Blocks (a worker). Finds what the last run left; ERROR_LIMIT where the stem is too long. On
 * failure there is nothing to close. */
error webhook_log_open(struct webhook_log *log, int directory, const char *stem, uint64_t size_max);
/* Blocks shortly. What was not flushed is lost. */
void webhook_log_close(struct webhook_log *log);

/* Never waits; false where it must wait for the disk. */
bool webhook_log_add(struct webhook_log *log, slice json, int64_t time);
/* All up to `number` are done with. Never waits. */
void webhook_log_taken(struct webhook_log *log, uint64_t number);
static inline bool webhook_log_is_empty(const struct webhook_log *log)
{
    return log->taken >= log->last;
}
static inline bool webhook_log_is_dirty(const struct webhook_log *log)
{
    return log->staged.size > 0 || log->writing.size > 0 || log->taken_changed;
}

/* WAITS. Writes what is staged, and who is done; `sync`: makes it durable. After a failure all is
 * kept for the next call. */
error webhook_log_flush(struct webhook_log *log, bool sync);

/* What goes into one request. */
struct webhook_batch {
    /* Asked for. */
    unsigned count_max;
    size_t size_max; /* of the body; one event is always taken */
    int64_t oldest;  /* ns since 1970: events from before are passed over */
    struct buffer *body;
    /* Found. */
    unsigned count, expired;
    uint64_t first, last; /* numbers; last: also of those passed over */
    int64_t youngest;     /* ns since 1970 */
};
/* WAITS. The next events as a JSON array into batch->body; count 0: there are none. On failure
 * nothing was read. */
error webhook_log_read(struct webhook_log *log, struct webhook_batch *batch);

/* Blocks. Removes files of receivers that nobody names any more (not in `stems`) once they have not
 * been written to for `age_s` seconds, and damaged ones, of any receiver, once they have lain aside
 * for as long. */
error webhook_log_clean(int directory, const char *const *stems, unsigned count, int64_t age_s);
