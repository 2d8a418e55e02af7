/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reading what waits: first what the files have, a window after the other, then what is in memory
 * only. Between finding the end of the files and looking at the memory nothing waits, so that no
 * event can move from the one to the other unseen. */
#include "transport/webhook_log.h"

#include "base/log.h"
#include "runtime/worker.h"
#include "transport/event_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* No event is longer in a file: what says so is damage. */
enum { RECORD_SIZE_MAX = EVENT_SIZE_MAX + 64 };
_Static_assert(WEBHOOK_LOG_WINDOW_SIZE > 2 * RECORD_SIZE_MAX, "a window holds whole events");

static void begin_array(struct webhook_batch *batch)
{
    buffer_reset(batch->body);
    buffer_add_byte(batch->body, '[');
    batch->count = batch->expired = 0;
    batch->first = batch->last = 0;
    batch->youngest = INT64_MIN;
}

/* False where there is no room for it. */
static bool take(struct webhook_log *log, struct webhook_batch *batch,
                 const struct webhook_event *event)
{
    if (event->number <= log->read_last || event->number <= log->taken)
        return true;
    bool expired = event->time < batch->oldest;
    if (!expired) {
        if (batch->count == batch->count_max ||
            (batch->count > 0 && batch->body->size + event->json.size + 2 > batch->size_max))
            return false;
        if (batch->count++ > 0)
            buffer_add_byte(batch->body, ',');
        else
            batch->first = event->number;
        buffer_add(batch->body, event->json);
        batch->youngest = event->time > batch->youngest ? event->time : batch->youngest;
    }
    batch->expired += expired;
    batch->last = log->read_last = event->number;
    log->waiting -= log->waiting > 0;
    return true;
}

/* Records of `bytes` until its end or until the batch is full (false). *out_used: what was passed,
 * whole records; where `cut`, a record at the end may go on behind it. */
static bool take_all(struct webhook_log *log, struct webhook_batch *batch, slice bytes,
                     uint32_t salt, bool cut, size_t *out_used)
{
    struct frame_scan scan = {
        .window = bytes, .salt = salt, .kind_last = WEBHOOK_KIND_LAST, .last = !cut};
    for (;;) {
        unsigned kind;
        slice payload;
        struct webhook_event event;
        *out_used = scan.at;
        enum frame_scan_result result = frame_scan_next(&scan, &kind, &payload);
        if (result == FRAME_SCAN_MORE && scan.window.size - scan.at > RECORD_SIZE_MAX) {
            scan.at += FRAME_ALIGN;
            continue;
        }
        if (result != FRAME_SCAN_RECORD) {
            *out_used = scan.at;
            return true;
        }
        if (kind == WEBHOOK_EVENT && !failed(webhook_event_read(payload, &event)) &&
            !take(log, batch, &event))
            return false;
    }
}

/* ---- Files ---- */

struct read_job {
    const struct webhook_log *log;
    struct buffer *window; /* the reader's own */
    uint32_t number;
    uint64_t offset, size;
};

static error read_on_worker(void *argument)
{
    struct read_job *job = argument;
    char name[FRAME_FILE_NAME_SIZE_MAX + 1];
    snprintf(name, sizeof name, "%s.%08x", job->log->stem, job->number);
    int fd = openat(job->log->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_system(errno, "cannot open waiting events");
    error problem = OK;
    size_t done = 0;
    while (done < job->size && !failed(problem)) {
        ssize_t some =
            pread(fd, job->window->data + done, job->size - done, (off_t)(job->offset + done));
        if (some > 0)
            done += (size_t)some;
        else
            problem = error_system(some < 0 ? errno : EIO, "cannot read waiting events");
    }
    close(fd);
    job->window->size = done;
    return problem;
}

/* The file that is to be read from; NULL where there is none. */
static struct webhook_log_file *reading(struct webhook_log *log)
{
    struct webhook_log_file *file;
    LIST_EACH (&log->files, file, node) {
        if (file->number < log->read_number)
            continue;
        if (file->number > log->read_number) { /* the first, or after one that is gone */
            log->read_number = file->number;
            log->read_offset = sizeof(struct frame_header);
        }
        if (log->read_offset < file->size || file->node.next == &log->files)
            return file;
    }
    return NULL;
}

/* What cannot be read holds up nobody: what follows is sent. */
static void pass_over(struct webhook_log *log, const struct read_job *job, error problem)
{
    struct log_line line = log_begin(LOG_ERROR, "webhook.log.read");
    log_string(&line, "files", log->stem);
    log_number(&line, "number", job->number);
    log_error(&line, problem);
    log_end(&line);
    log->read_offset = job->offset + job->size;
}

/* WAITS. Some more of the files; *out_end where they end here, *out_full where the batch does. */
static error read_some(struct webhook_log *log, struct webhook_batch *batch, bool *out_end,
                       bool *out_full)
{
    const struct webhook_log_file *file = reading(log);
    if (!file || log->read_offset >= file->size) {
        *out_end = true;
        return OK;
    }
    struct read_job job = {.log = log,
                           .window = &log->window,
                           .number = log->read_number,
                           .offset = log->read_offset,
                           .size = file->size - log->read_offset};
    uint32_t salt = file->salt;
    bool cut = job.size > WEBHOOK_LOG_WINDOW_SIZE;
    if (cut)
        job.size = WEBHOOK_LOG_WINDOW_SIZE;
    buffer_reset(&log->window);
    if (!buffer_reserve(&log->window, job.size))
        return error_make(ERROR_LIMIT, "out of memory for waiting events");
    error problem = worker_run(WORKER_FILE, read_on_worker, &job);
    if (problem.kind == ERROR_BUSY)
        return problem;
    reading(log);
    if (log->read_number != job.number) /* dropped meanwhile */
        return OK;
    if (failed(problem)) {
        pass_over(log, &job, problem);
        return OK;
    }
    size_t used;
    *out_full = !take_all(log, batch, buffer_slice(&log->window), salt, cut, &used);
    log->read_offset = job.offset + used;
    return OK;
}

/* Does not wait. */
static bool read_memory(struct webhook_log *log, struct webhook_batch *batch)
{
    size_t used;
    if (!take_all(log, batch, buffer_slice(&log->writing), log->salt, false, &used) ||
        !take_all(log, batch, buffer_slice(&log->staged), log->salt, false, &used))
        return false;
    /* There is nothing more, whatever was thought. */
    batch->last = log->read_last = log->last;
    log->waiting = 0;
    return true;
}

error webhook_log_read(struct webhook_log *log, struct webhook_batch *batch)
{
    uint64_t read_last = log->read_last;
    bool end = false, full = false;
    error problem = OK;
    begin_array(batch);
    while (!end && !full && !failed(problem))
        problem = read_some(log, batch, &end, &full);
    if (!failed(problem) && !full)
        read_memory(log, batch);
    buffer_add_byte(batch->body, ']');
    if (!failed(problem))
        problem = buffer_check(batch->body);
    if (failed(problem)) {
        log->waiting += batch->count + batch->expired;
        log->read_last = read_last > log->taken ? read_last : log->taken;
        log->read_number = 0; /* from the first there is; what is done with is passed over */
    }
    return problem;
}
