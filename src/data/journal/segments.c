/* SPDX-License-Identifier: GPL-3.0-or-later
 * The files of a core's ring: preallocated at start, zeroed once before their first use (writing
 * into what was only fallocated costs an extent conversion per flush), used in ring order. */
#include "data/journal/state.h"

#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

METRIC_COUNTER(journal_full_waits, "ringmail_journal_full_waits_total", "",
               "Appends that waited because every segment was full");

enum { ZERO_CHUNK_SIZE = 1 << 20 };

/* tmpfs of older kernels has no O_DIRECT; durability is none there anyway. */
static int open_segment(const char *path, int flags)
{
    int fd = open(path, flags | O_DIRECT | O_DSYNC | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EINVAL)
        fd = open(path, flags | O_DSYNC | O_CLOEXEC, 0600);
    return fd;
}

static error segment_open(struct journal *journal, uint32_t number)
{
    struct segment *segment = &journal->segments[number];
    char path[JOURNAL_PATH_SIZE_MAX];
    int length = snprintf(path, sizeof path, "%s/journal-%03u-%03u", journal->directory,
                          journal->core, number);
    if (length < 0 || (size_t)length >= sizeof path)
        return error_make(ERROR_LIMIT, "the journal's path is too long");
    segment->fd = open_segment(path, O_RDWR | O_CREAT);
    if (segment->fd < 0)
        return error_system(errno, "cannot open a journal segment");
    struct stat status;
    if (fstat(segment->fd, &status) != 0)
        return error_system(errno, "cannot look at a journal segment");
    size_t size = journal->options.segment_size;
    /* posix_fallocate would fall back to writing; where fallocate is missing, zeroing allocates. */
    if (fallocate(segment->fd, 0, 0, (off_t)size) != 0 && errno != EOPNOTSUPP)
        return error_system(errno, "no room for the journal's segments on its disk");
    char *block = aligned_alloc(JOURNAL_BLOCK_SIZE, JOURNAL_BLOCK_SIZE);
    TRY_MEMORY(block);
    struct journal_segment_header header;
    segment->use = SEGMENT_RAW;
    if (pread(segment->fd, block, JOURNAL_BLOCK_SIZE, 0) == JOURNAL_BLOCK_SIZE &&
        journal_segment_header_read(slice_of(block, JOURNAL_BLOCK_SIZE), &header) &&
        header.size == size && (size_t)status.st_size == size) {
        segment->use = SEGMENT_FREE;
        if (header.generation > journal->generation)
            journal->generation = header.generation;
        if (header.state == JOURNAL_SEGMENT_LIVE) {
            free(block);
            return error_make(ERROR_BUG, "the journal was not replayed before it was opened");
        }
    }
    free(block);
    return OK;
}

static error segment_zero(struct segment *segment, size_t size)
{
    char *zeros = aligned_alloc(JOURNAL_BLOCK_SIZE, ZERO_CHUNK_SIZE);
    TRY_MEMORY(zeros);
    memset(zeros, 0, ZERO_CHUNK_SIZE);
    error problem = OK;
    for (size_t at = 0; at < size && !failed(problem);) {
        size_t some = size - at < ZERO_CHUNK_SIZE ? size - at : ZERO_CHUNK_SIZE;
        ssize_t written = pwrite(segment->fd, zeros, some, (off_t)at);
        if (written <= 0)
            problem = error_system(written < 0 ? errno : EIO, "cannot write a journal segment");
        else
            at += (size_t)written;
    }
    free(zeros);
    if (!failed(problem) && fsync(segment->fd) != 0)
        problem = error_system(errno, "cannot sync a journal segment");
    return problem;
}

struct preparation {
    struct journal *journal;
    uint32_t number;
};

static error prepare_on_worker(void *argument)
{
    struct preparation *job = argument;
    struct segment *segment = &job->journal->segments[job->number];
    TRY(segment_zero(segment, job->journal->options.segment_size));
    return journal_segment_write_free(job->journal, segment);
}

/* WAITS. */
static error segment_prepare(struct journal *journal, uint32_t number)
{
    struct segment *segment = &journal->segments[number];
    if (segment->use != SEGMENT_RAW || segment->preparing)
        return OK;
    segment->preparing = true;
    struct preparation job = {journal, number};
    error problem = worker_run(WORKER_FILE, prepare_on_worker, &job);
    segment->preparing = false;
    if (!failed(problem)) {
        segment->use = SEGMENT_FREE;
        journal->free_count++;
        condition_wake_all(&journal->freed);
    }
    return problem;
}

static void prepare_rest(void *argument)
{
    struct journal *journal = argument;
    for (uint32_t i = 0; i < journal->segment_count; i++) {
        error problem = segment_prepare(journal, i);
        if (failed(problem)) {
            if (problem.kind != ERROR_CANCELLED)
                log_event(LOG_ERROR, "journal.prepare", problem,
                          slice_from_string(journal->directory));
            return;
        }
        if (fiber_is_cancelled())
            return;
    }
}

static error open_on_worker(void *argument)
{
    struct journal *journal = argument;
    for (uint32_t i = 0; i < journal->segment_count; i++)
        TRY(segment_open(journal, i));
    int directory = open(journal->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return error_system(errno, "cannot open the journal's directory");
    int result = fsync(directory);
    close(directory);
    return result == 0 ? OK : error_system(errno, "cannot sync the journal's directory");
}

error journal_segments_open(struct journal *journal)
{
    for (unsigned i = 0; i < journal->segment_count; i++)
        journal->segments[i].fd = -1;
    TRY(worker_run(WORKER_FILE, open_on_worker, journal));
    for (unsigned i = 0; i < journal->segment_count; i++)
        journal->free_count += journal->segments[i].use == SEGMENT_FREE;
    journal->current = journal->segment_count - 1; /* so that the first advance takes number 0 */
    TRY(segment_prepare(journal, 0));
    return fiber_start(&journal->crew, "journal.prepare", prepare_rest, journal);
}

void journal_segments_close(struct journal *journal)
{
    for (unsigned i = 0; i < journal->segment_count; i++)
        if (journal->segments[i].fd >= 0)
            close(journal->segments[i].fd);
}

static error draw_salt(uint64_t *out_salt)
{
    do {
        if (getrandom(out_salt, sizeof *out_salt, 0) != (ssize_t)sizeof *out_salt)
            return error_system(errno, "no random numbers");
    } while (*out_salt == 0); /* zero is what padding looks like */
    return OK;
}

error journal_segment_advance(struct journal *journal, instant deadline)
{
    uint32_t next = (journal->current + 1) % journal->segment_count;
    struct segment *segment = &journal->segments[next];
    if (segment->use != SEGMENT_FREE)
        metric_add(&journal_full_waits, 1);
    while (segment->use != SEGMENT_FREE) {
        if (journal->doubtful && !segment->preparing && segment->use != SEGMENT_RAW)
            return error_make(ERROR_TEMPORARY, "a sync of the store failed: the journal is full "
                                               "until a restart replays it");
        journal->wanted = true;
        condition_wake_all(&journal->checkpoint_wanted);
        TRY(condition_wait(&journal->freed, deadline));
        if (journal->stopping)
            return error_make(ERROR_CANCELLED, "the journal is being closed");
    }
    TRY(draw_salt(&segment->salt));
    segment->generation = ++journal->generation;
    segment->use = SEGMENT_CURRENT;
    segment->first_append = TIME_NEVER;
    journal->free_count--;
    journal->current = next;
    journal->has_current = true;
    journal->position = 0;
    journal_checkpoint_consider(journal);
    return OK;
}

void journal_segment_seal(struct journal *journal)
{
    if (!journal->has_current)
        return;
    journal->segments[journal->current].use = SEGMENT_SEALED;
    journal->has_current = false;
}

error journal_segment_write_free(const struct journal *journal, struct segment *segment)
{
    char *block = aligned_alloc(JOURNAL_BLOCK_SIZE, JOURNAL_BLOCK_SIZE);
    TRY_MEMORY(block);
    journal_segment_header_write(
        (struct journal_segment_header){.state = JOURNAL_SEGMENT_FREE,
                                        .generation = segment->generation,
                                        .salt = segment->salt,
                                        .size = journal->options.segment_size,
                                        .core = journal->core,
                                        .number = (uint32_t)(segment - journal->segments)},
        block);
    ssize_t written = pwrite(segment->fd, block, JOURNAL_BLOCK_SIZE, 0);
    int problem = written < 0 ? errno : EIO;
    free(block);
    return written == JOURNAL_BLOCK_SIZE ? OK
                                         : error_system(problem, "cannot write a journal segment");
}
