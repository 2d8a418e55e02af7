#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * New mail files go to the disk evenly, a few milliseconds after they were written, so that a
 * checkpoint finds little to do: a burst of write-back makes every commit of the journal wait
 * behind it. Durability does not hang on it; it may drop what it likes. One per core: `add` takes
 * the descriptor, a worker starts the write and closes it. At most WRITEBACK_FILES_MAX wait.
 */
#include "base/error.h"

struct crew;

enum {
    WRITEBACK_FILES_MAX = 512,    /* open files per core that wait; past that: the checkpoint's */
    WRITEBACK_BATCH_MIN = 16,     /* so many begin a round, */
    WRITEBACK_PATIENCE_MS = 1000, /* or one that waited so long */
    WRITEBACK_PAUSE_MS = 4, /* between rounds: a busy core does not wake the worker all the time */
};

error writeback_begin(struct crew *crew);
/* Blocks shortly: closes what waits. Its fiber must have ended. */
void writeback_end(void);

bool writeback_has_room(void);
/* The file is written whole; `fd` is no longer the caller's. Only where there is room. */
void writeback_add(int fd);
