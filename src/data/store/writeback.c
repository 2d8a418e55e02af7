/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/store/writeback.h"

#include "base/assert.h"
#include "base/metric.h"
#include "runtime/fiber.h"
#include "runtime/timer.h"
#include "runtime/wait.h"
#include "runtime/worker.h"

#include <fcntl.h>
#include <unistd.h>

METRIC_COUNTER(written_back, "ringmail_store_files_written_back_total", "",
               "Mail files whose write to the disk was begun before the checkpoint");

struct batch {
    unsigned count;
    int files[WRITEBACK_FILES_MAX];
};

static _Thread_local struct writeback {
    struct batch batches[2]; /* one fills, the other is at the worker */
    unsigned filling;
    instant due; /* of the first in the filling one */
    struct condition wanted;
} here;

static error write_back(void *argument)
{
    struct batch *batch = argument;
    for (unsigned i = 0; i < batch->count; i++) {
        /* Best effort: whoever makes it durable, and sees its errors, is the checkpoint. */
        sync_file_range(batch->files[i], 0, 0, SYNC_FILE_RANGE_WRITE);
        close(batch->files[i]);
    }
    return OK;
}

static void close_all(struct batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++)
        close(batch->files[i]);
    batch->count = 0;
}

static void writeback_run(void *unused)
{
    (void)unused;
    for (;;) {
        struct batch *batch = &here.batches[here.filling];
        instant due = batch->count > 0 ? here.due : TIME_NEVER;
        if (batch->count < WRITEBACK_BATCH_MIN && timer_now() < due) {
            if (condition_wait(&here.wanted, due).kind == ERROR_CANCELLED)
                return;
            continue;
        }
        here.filling ^= 1;
        error problem = worker_run(WORKER_FILE, write_back, batch);
        if (failed(problem)) {
            close_all(batch);
        } else {
            metric_add(&written_back, batch->count);
            batch->count = 0;
        }
        if (failed(fiber_sleep(WRITEBACK_PAUSE_MS * TIME_MS)))
            return;
    }
}

error writeback_begin(struct crew *crew)
{
    here.batches[0].count = here.batches[1].count = 0;
    condition_init(&here.wanted);
    return fiber_start(crew, "store.writeback", writeback_run, NULL);
}

void writeback_end(void)
{
    close_all(&here.batches[0]);
    close_all(&here.batches[1]);
}

bool writeback_has_room(void)
{
    return here.batches[here.filling].count < WRITEBACK_FILES_MAX;
}

void writeback_add(int fd)
{
    struct batch *batch = &here.batches[here.filling];
    ASSERT(batch->count < WRITEBACK_FILES_MAX);
    if (batch->count == 0)
        here.due = timer_now() + WRITEBACK_PATIENCE_MS * TIME_MS;
    batch->files[batch->count++] = fd;
    if (batch->count == 1 || batch->count == WRITEBACK_BATCH_MIN)
        condition_wake_all(&here.wanted);
}
