#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Blocking jobs: a few threads per core take jobs in batches. Two lanes, so that file jobs never
 * stand behind a storm of password hashes.
 */
#include "base/error.h"

enum worker_lane {
    WORKER_FILE,    /* file-system calls that may block: directory scans, syncfs, fsync */
    WORKER_COMPUTE, /* long computing: password hashes, text extraction; at low priority (nice) */
    WORKER_LANES
};

/* WAITS. Runs `function(argument)` on a worker thread of this core and returns its error. Looks
 * like a call; not ended by cancellation. ERROR_BUSY where the lane's queue (WORKER_QUEUE_MAX jobs)
 * is full. */
error worker_run(enum worker_lane lane, error (*function)(void *argument), void *argument);

enum { WORKER_QUEUE_MAX = 65536 };
