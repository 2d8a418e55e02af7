/* SPDX-License-Identifier: GPL-3.0-or-later
 * Staging and flushing of the log; rewriting is log_rewrite.c. */
#include "transport/queue/log.h"

#include "base/metric.h"
#include "crypto/random.h"
#include "runtime/worker.h"
#include "transport/queue/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

METRIC_COUNTER(log_bytes, "ringmail_queue_log_written_bytes_total", "",
               "Bytes appended to the logs of the queue");
METRIC_COUNTER(log_failures, "ringmail_queue_log_failures_total", "",
               "Writes of the queue's logs that the disk refused");
METRIC_COUNTER(log_overflows, "ringmail_queue_log_overflows_total", "",
               "Times that records of a log were dropped because too many waited");

void queue_log_init(struct queue_log *log, int directory, unsigned core)
{
    *log = (struct queue_log){.directory = directory, .fd = -1, .core = core};
    buffer_init(&log->staged, QUEUE_LOG_STAGED_MAX);
    buffer_init(&log->writing, QUEUE_LOG_STAGED_MAX);
    buffer_init(&log->carry, (size_t)QUEUE_LOG_STAGED_MAX * 4);
    mutex_init(&log->turn);
    random_bytes(&log->salt, sizeof log->salt);
}

void queue_log_close(struct queue_log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
    buffer_close(&log->staged);
    buffer_close(&log->writing);
    buffer_close(&log->carry);
    free(log->staged_tickets.items);
    free(log->writing_tickets.items);
    log->staged_tickets = log->writing_tickets = (struct queue_log_tickets){0};
}

void queue_log_name(unsigned core, char out_name[16])
{
    snprintf(out_name, 16, "log-%03u", core);
}

static error begin_file(struct queue_log *log)
{
    char header[sizeof(struct frame_header)];
    frame_header_write((struct frame_header){.magic = LOG_MAGIC,
                                             .salt = log->salt,
                                             .generation = log->generation,
                                             .core = log->core},
                       header);
    if (ftruncate(log->fd, 0) != 0 ||
        pwrite(log->fd, header, sizeof header, 0) != (ssize_t)sizeof header ||
        fdatasync(log->fd) != 0 || fsync(log->directory) != 0)
        return error_system(errno, "cannot begin a log of the queue");
    log->size = sizeof header;
    return OK;
}

error queue_log_open(struct queue_log *log, const struct frame_header *header, uint64_t size)
{
    char name[16];
    queue_log_name(log->core, name);
    log->fd = openat(log->directory, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log->fd < 0)
        return error_system(errno, "cannot open a log of the queue");
    if (!header)
        return begin_file(log);
    log->salt = header->salt;
    log->generation = header->generation;
    if (ftruncate(log->fd, (off_t)size) != 0)
        return error_system(errno, "cannot cut a log of the queue");
    log->size = size;
    return OK;
}

/* ---- Staging ---- */

void queue_log_mail(struct queue_log *log, struct queue_mail *mail)
{
    const struct queue_content *content = mail->content;
    struct log_place place = {.content = content->id,
                              .size = content->size,
                              .offset = content->offset,
                              .segment = content->segment->number,
                              .prefix_size = content->prefix_size,
                              .sharers = content->sharers};
    size_t before = log->staged.size;
    log_mail_write(&log->staged, log->salt, mail, &place);
    if (mail->logged)
        log->live -= mail->log_size;
    mail->log_size = (uint32_t)(log->staged.size - before);
    mail->logged = true;
    log->live += mail->log_size;
}

void queue_log_state(struct queue_log *log, const struct queue_mail *mail,
                     const struct queue_item *item)
{
    log_state_write(&log->staged, log->salt, mail, item);
}

void queue_log_outcomes(struct queue_log *log, const struct queue_mail *mail,
                        const struct queue_item *item, struct journal_ticket *ticket)
{
    log_outcomes_write(&log->staged, log->salt, mail, item);
    log->last_outcome = *ticket;
    queue_log_ticket(log, ticket);
}

void queue_log_move(struct queue_log *log, const struct queue_mail *mail)
{
    log_move_write(&log->staged, log->salt, mail->id, mail->content->segment->number,
                   mail->content->offset);
}

void queue_log_done(struct queue_log *log, const struct queue_mail *mail)
{
    log_done_write(&log->staged, log->salt, mail->id);
    log->live -= mail->log_size;
}

void queue_log_ticket(struct queue_log *log, struct journal_ticket *ticket)
{
    if (ticket->segment == 0)
        return;
    struct queue_log_tickets *tickets = &log->staged_tickets;
    if (tickets->count == tickets->capacity) {
        size_t capacity = tickets->capacity ? tickets->capacity * 2 : 64;
        struct journal_ticket *grown = realloc(tickets->items, capacity * sizeof *grown);
        if (!grown) {
            journal_settle(ticket);
            return;
        }
        tickets->items = grown;
        tickets->capacity = capacity;
    }
    tickets->items[tickets->count++] = *ticket;
    ticket->segment = 0;
}

/* ---- Flushing ---- */

struct flush_job {
    const struct queue_log *log;
    bool sync;
};

static error flush_on_worker(void *argument)
{
    const struct flush_job *job = argument;
    const struct queue_log *log = job->log;
    for (size_t done = 0; done < log->writing.size;) {
        ssize_t some = pwrite(log->fd, log->writing.data + done, log->writing.size - done,
                              (off_t)(log->size + done));
        if (some <= 0)
            return error_system(some < 0 ? errno : ENOSPC, "cannot write a log of the queue");
        done += (size_t)some;
    }
    if (job->sync && fdatasync(log->fd) != 0)
        return error_system(errno, "cannot sync a log of the queue");
    return OK;
}

static void swap_staged(struct queue_log *log)
{
    struct buffer empty = log->writing;
    log->writing = log->staged;
    log->staged = empty;
    buffer_reset(&log->staged);
    struct queue_log_tickets none = log->writing_tickets;
    log->writing_tickets = log->staged_tickets;
    log->staged_tickets = none;
    if (log->rewriting)
        buffer_add(&log->carry, buffer_slice(&log->writing));
}

static void settle_written(struct queue_log *log)
{
    for (size_t i = 0; i < log->writing_tickets.count; i++)
        journal_settle(&log->writing_tickets.items[i]);
    log->writing_tickets.count = 0;
}

/* WAITS. Under `turn`. */
static error write_once(struct queue_log *log, bool sync)
{
    struct flush_job job = {log, sync};
    error problem = worker_run(WORKER_FILE, flush_on_worker, &job);
    if (failed(problem)) {
        metric_add(&log_failures, 1);
        log->must_rewrite |= sync; /* the kernel may have forgotten what it could not write */
        return problem;
    }
    metric_add(&log_bytes, (int64_t)log->writing.size);
    log->size += log->writing.size;
    log->unsynced = !sync;
    buffer_reset(&log->writing);
    settle_written(log);
    return OK;
}

/* WAITS. Under `turn`. */
static error flush(struct queue_log *log, bool sync)
{
    if (log->staged.overflow) {
        metric_add(&log_overflows, 1);
        buffer_reset(&log->staged);
        log->must_rewrite = true;
    }
    if (log->must_rewrite)
        return error_make(ERROR_TEMPORARY, "a log of the queue must be rewritten first");
    if (log->writing.size > 0) /* what failed before */
        TRY(write_once(log, sync));
    if (log->staged.size == 0 && log->staged_tickets.count == 0 && !(sync && log->unsynced))
        return OK;
    swap_staged(log);
    return write_once(log, sync);
}

error queue_log_flush(struct queue_log *log, bool sync)
{
    /* An outcome in the log is one in the journal too: after a crash both agree. */
    struct journal_ticket outcome = log->last_outcome;
    error_ignore(journal_commit_wait(&outcome)); /* else the log alone has it */
    TRY(mutex_lock(&log->turn, TIME_NEVER));
    error problem = flush(log, sync);
    mutex_unlock(&log->turn);
    return problem;
}

bool queue_log_wants_rewriting(const struct queue_log *log)
{
    return log->must_rewrite || (log->size > QUEUE_LOG_REWRITE_MIN && log->live < log->size / 2);
}
