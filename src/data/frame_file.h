#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small state that outlives the process: files of records (data/frame.h) that are read once at
 * start, appended to in batches, and now and then replaced by a fresh one of what is still true.
 * What a crash may leave is answered here: a torn end is cut off, rot in the middle costs the
 * records that it hit, and a file whose header is broken, or of a version that nobody knows, is put
 * aside ("NAME.damaged-TIME", "NAME.unknown-TIME") with a line in the log, never overwritten.
 *
 * Everything here blocks: on a worker, or before the cores run. One owner at a time.
 */
#include "base/error.h"
#include "data/frame.h"

enum { FRAME_FILE_NAME_SIZE_MAX = 63 };

struct frame_file {
    int directory; /* borrowed */
    int fd;        /* -1: none */
    struct frame_header header;
    uint64_t size; /* of what was written well: the next record goes there */
    bool unsynced;
    bool fresh; /* its name is not durable yet */
};

void frame_file_init(struct frame_file *file, int directory);
void frame_file_close(struct frame_file *file);

/* What a file is read for. `record` may refuse a payload as ERROR_MALFORMED: it is counted as
 * damage and passed over; another error ends the reading. */
struct frame_file_reader {
    const char *magic; /* 8 bytes */
    unsigned kind_last;
    error (*record)(void *argument, unsigned kind, slice payload); /* NULL: only the header */
    void *argument;
};
struct frame_file_found {
    bool exists; /* and its header is good: else nothing below means anything */
    struct frame_header header;
    uint64_t records, damaged; /* damaged: places, told once and counted */
    uint64_t end;              /* behind the last good record */
};
/* OK also where there is no such file, or where it was put aside. */
error frame_file_read(int directory, const char *name, const struct frame_file_reader *reader,
                      struct frame_file_found *out_found);

/* Goes on with a file that was read: what lies behind `found->end` is cut off. */
error frame_file_open(struct frame_file *file, const char *name,
                      const struct frame_file_found *found);
/* An empty one with this header; ERROR_EXISTS where the name is taken. */
error frame_file_create(struct frame_file *file, const char *name,
                        const struct frame_header *header);
/* Whole records. After a failure nothing of them is in the file. */
error frame_file_append(struct frame_file *file, slice records, bool sync);
error frame_file_sync(struct frame_file *file);
/* A fresh file with these records takes the place of the old one, if any: durable, then renamed.
 * After a failure the old one is as it was (or, where only the directory could not be synced, the
 * new one is there). */
error frame_file_replace(struct frame_file *file, const char *name,
                         const struct frame_header *header, slice records);

/* Makes the directory where there is none, and opens it. */
error frame_file_directory(const char *path, int *out_directory);
/* Every name in it that begins so; `name` may remove the file. */
error frame_file_list(int directory, const char *prefix, error (*name)(void *argument, slice name),
                      void *argument);
