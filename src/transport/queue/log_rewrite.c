/* SPDX-License-Identifier: GPL-3.0-or-later
 * A log is rewritten: the living mails as they are, then what was written meanwhile. Records say
 * how things are, not how they changed, so that one that comes twice does no harm; a record older
 * than the mail's own is followed by all that came after it. */
#include "transport/queue/log.h"

#include "base/log.h"
#include "base/metric.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"
#include "transport/queue/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

METRIC_COUNTER(log_rewrites, "ringmail_queue_log_rewrites_total", "",
               "Times that a log of the queue was rewritten");

enum { REWRITE_CHUNK_SIZE = 1 << 20 };

struct rewrite {
    struct queue_log *log;
    int fd;
    char name[16], fresh_name[24];
    uint64_t size, live;
    struct buffer chunk;
    bool in_place;
    bool sync;
    bool finish; /* take the old one's place */
};

static error write_chunk(void *argument)
{
    struct rewrite *rewrite = argument;
    const struct queue_log *log = rewrite->log;
    if (rewrite->fd < 0) {
        rewrite->fd = openat(log->directory, rewrite->fresh_name,
                             O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (rewrite->fd < 0)
            return error_system(errno, "cannot make a log of the queue");
    }
    for (size_t done = 0; done < rewrite->chunk.size;) {
        ssize_t some = pwrite(rewrite->fd, rewrite->chunk.data + done, rewrite->chunk.size - done,
                              (off_t)(rewrite->size + done));
        if (some <= 0)
            return error_system(some < 0 ? errno : ENOSPC, "cannot write a log of the queue");
        done += (size_t)some;
    }
    rewrite->size += rewrite->chunk.size;
    buffer_reset(&rewrite->chunk);
    if (rewrite->sync && fdatasync(rewrite->fd) != 0)
        return error_system(errno, "cannot sync a log of the queue");
    if (!rewrite->finish)
        return OK;
    if (renameat(log->directory, rewrite->fresh_name, log->directory, rewrite->name) != 0 ||
        fsync(log->directory) != 0)
        return error_system(errno, "cannot put a log of the queue in place");
    return OK;
}

static error run(struct rewrite *rewrite)
{
    return rewrite->in_place ? write_chunk(rewrite) : worker_run(WORKER_FILE, write_chunk, rewrite);
}

static void add_mail(struct rewrite *rewrite, struct queue_mail *mail)
{
    const struct queue_content *content = mail->content;
    struct log_place place = {.content = content->id,
                              .size = content->size,
                              .offset = content->offset,
                              .segment = content->segment->number,
                              .prefix_size = content->prefix_size,
                              .sharers = content->sharers};
    log_mail_write(&rewrite->chunk, rewrite->log->salt, mail, &place);
}

/* WAITS where not in place. */
static error copy_living(struct rewrite *rewrite, struct queue_mail *(*next)(void *argument),
                         void *argument)
{
    char header[sizeof(struct frame_header)];
    frame_header_write((struct frame_header){.magic = LOG_MAGIC,
                                             .salt = rewrite->log->salt,
                                             .generation = rewrite->log->generation + 1,
                                             .core = rewrite->log->core},
                       header);
    buffer_add(&rewrite->chunk, slice_of(header, sizeof header));
    struct queue_mail *mail;
    while ((mail = next(argument))) {
        add_mail(rewrite, mail);
        TRY(buffer_check(&rewrite->chunk));
        if (rewrite->chunk.size >= REWRITE_CHUNK_SIZE)
            TRY(run(rewrite));
    }
    rewrite->sync = true; /* the most of it before anybody must wait for the end */
    return run(rewrite);
}

/* WAITS where not in place. Under the log's turn: nothing is being flushed. */
static error take_place(struct rewrite *rewrite)
{
    struct queue_log *log = rewrite->log;
    TRY(buffer_check(&log->carry));
    /* What a flush failed to write went into carry as it was swapped, but not if that was before
     * the begin: then the mails themselves say it. */
    rewrite->chunk.size_max = log->carry.size_max;
    buffer_add(&rewrite->chunk, buffer_slice(&log->carry));
    TRY(buffer_check(&rewrite->chunk));
    rewrite->finish = true;
    TRY(run(rewrite));
    if (log->fd >= 0)
        close(log->fd);
    log->fd = rewrite->fd;
    rewrite->fd = -1;
    log->size = rewrite->size;
    log->generation++;
    log->must_rewrite = log->unsynced = false;
    /* All that had been given to the old one is in the new one, and durable. */
    buffer_reset(&log->writing);
    for (size_t i = 0; i < log->writing_tickets.count; i++)
        journal_settle(&log->writing_tickets.items[i]);
    log->writing_tickets.count = 0;
    return OK;
}

static void begin(struct rewrite *rewrite, struct queue_log *log, bool in_place)
{
    *rewrite = (struct rewrite){.log = log, .fd = -1, .in_place = in_place};
    queue_log_name(log->core, rewrite->name);
    snprintf(rewrite->fresh_name, sizeof rewrite->fresh_name, "%s.new", rewrite->name);
    buffer_init(&rewrite->chunk, REWRITE_CHUNK_SIZE + 2 * (size_t)FRAME_PAYLOAD_SIZE_MAX);
    buffer_reset(&log->carry);
    log->rewriting = true;
}

static void end(struct rewrite *rewrite, error problem)
{
    struct queue_log *log = rewrite->log;
    log->rewriting = false;
    buffer_close(&log->carry);
    buffer_close(&rewrite->chunk);
    if (rewrite->fd >= 0) {
        close(rewrite->fd);
        unlinkat(log->directory, rewrite->fresh_name, 0);
    }
    if (!failed(problem))
        metric_add(&log_rewrites, 1);
}

error queue_log_rewrite(struct queue_log *log, struct queue_mail *(*next)(void *argument),
                        void *argument)
{
    struct rewrite rewrite;
    /* Not within a flush: what it writes now would be in neither. */
    TRY(mutex_lock(&log->turn, TIME_NEVER));
    begin(&rewrite, log, false);
    if (log->staged.overflow) {
        buffer_reset(&log->staged); /* dropped, but the mails say it */
        log->must_rewrite = true;   /* should this one fail */
    }
    mutex_unlock(&log->turn);
    error problem = copy_living(&rewrite, next, argument);
    if (!failed(problem))
        problem = mutex_lock(&log->turn, TIME_NEVER);
    if (!failed(problem)) {
        problem = take_place(&rewrite);
        mutex_unlock(&log->turn);
    }
    end(&rewrite, problem);
    return problem;
}

error queue_log_rewrite_in_place(struct queue_log *log, struct queue_mail *(*next)(void *argument),
                                 void *argument)
{
    struct rewrite rewrite;
    begin(&rewrite, log, true);
    error problem = copy_living(&rewrite, next, argument);
    if (!failed(problem))
        problem = take_place(&rewrite);
    end(&rewrite, problem);
    return problem;
}
