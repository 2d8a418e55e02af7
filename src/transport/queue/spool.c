/* SPDX-License-Identifier: GPL-3.0-or-later
 * Segments of the spool: written, given up, used again. Reading is spool_read.c. */
#include "transport/queue/spool.h"

#include "base/assert.h"
#include "base/metric.h"
#include "runtime/worker.h"
#include "transport/queue/spool_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

METRIC_COUNTER(spool_bodies, "ringmail_queue_spool_bodies_total", "", "Bodies put into the spool");
METRIC_COUNTER(spool_bytes_written, "ringmail_queue_spool_written_bytes_total", "",
               "Bytes put into the spool");
METRIC_GAUGE(spool_live_bytes, "ringmail_queue_spool_live_bytes", "",
             "Bytes in the spool that somebody needs");
METRIC_GAUGE(spool_segments, "ringmail_queue_spool_segments", "", "Segments of the spool in use");
METRIC_COUNTER(spool_failures, "ringmail_queue_spool_failures_total", "",
               "Writes that the spool's disk refused");

static _Atomic uint32_t last_number;

void spool_number_seen(uint32_t number)
{
    uint32_t last = atomic_load(&last_number);
    while (last < number && !atomic_compare_exchange_weak(&last_number, &last, number))
        ;
}

void spool_init(struct spool *spool, int directory)
{
    *spool = (struct spool){.directory = directory, .fd = -1};
    list_init(&spool->segments);
    list_init(&spool->dead);
    list_init(&spool->condemned);
    list_init(&spool->empty);
}

static void free_all(struct list *segments)
{
    while (!list_is_empty(segments)) {
        struct spool_segment *segment = LIST_FIRST(segments, struct spool_segment, node);
        ASSERT(list_is_empty(&segment->contents));
        list_remove(&segment->node);
        free(segment);
    }
}

void spool_close(struct spool *spool)
{
    if (spool->fd >= 0)
        close(spool->fd);
    metric_add(&spool_segments, -(int64_t)spool->segment_count);
    free_all(&spool->segments);
    free_all(&spool->dead);
    free_all(&spool->condemned);
    free_all(&spool->empty);
    spool_init(spool, -1);
}

static struct spool_segment *segment_make(uint32_t number)
{
    struct spool_segment *segment = calloc(1, sizeof *segment);
    if (!segment)
        return NULL;
    segment->number = number;
    list_init(&segment->node);
    list_init(&segment->contents);
    return segment;
}

error spool_adopt(struct spool *spool, uint32_t number, struct spool_segment **out_segment)
{
    struct spool_segment *segment = segment_make(number);
    TRY_MEMORY(segment);
    char name[SPOOL_NAME_SIZE_MAX];
    struct stat status;
    spool_name(number, name);
    /* Where it is missing, reading its bodies tells. */
    if (fstatat(spool->directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        segment->size = (uint64_t)status.st_size;
    spool->size += segment->size;
    list_append(&spool->segments, &segment->node);
    spool->segment_count++;
    metric_add(&spool_segments, 1);
    *out_segment = segment;
    return OK;
}

/* ---- Writing ---- */

struct write_job {
    struct spool *spool;
    struct spool_segment *segment;
    bool fresh; /* to be opened, made where missing */
    int fd;
    struct spool_entry *entries;
    unsigned count;
};

static error write_all(int fd, struct iovec *parts, unsigned count, off_t offset)
{
    while (count > 0) {
        ssize_t written = pwritev(fd, parts, (int)count, offset);
        if (written <= 0)
            return error_system(written < 0 ? errno : ENOSPC, "cannot write into the spool");
        offset += written;
        size_t left = (size_t)written;
        while (count > 0 && left >= parts->iov_len) {
            left -= parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + left;
            parts->iov_len -= left;
        }
    }
    return OK;
}

static error write_entry(int fd, const struct spool_entry *entry)
{
    static const char zeros[SPOOL_ALIGN];
    struct spool_header header = spool_header_of(entry->id, entry->prefixes, entry->body);
    size_t size = sizeof header + entry->prefixes.size + entry->body.size;
    struct iovec parts[] = {
        {&header, sizeof header},
        {(void *)entry->prefixes.data, entry->prefixes.size},
        {(void *)entry->body.data, entry->body.size},
        {(void *)zeros, (SPOOL_ALIGN - size % SPOOL_ALIGN) % SPOOL_ALIGN},
    };
    return write_all(fd, parts, sizeof parts / sizeof *parts, (off_t)entry->offset);
}

static error write_on_worker(void *argument)
{
    struct write_job *job = argument;
    if (job->fresh) {
        char name[SPOOL_NAME_SIZE_MAX];
        spool_name(job->segment->number, name);
        job->fd =
            openat(job->spool->directory, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (job->fd < 0)
            return error_system(errno, "cannot make a segment of the spool");
    }
    for (unsigned i = 0; i < job->count; i++)
        TRY(write_entry(job->fd, &job->entries[i]));
    return OK;
}

/* One that is empty or new, in no list yet. */
static struct spool_segment *segment_take(struct spool *spool)
{
    struct spool_segment *segment = LIST_FIRST(&spool->empty, struct spool_segment, node);
    if (segment) {
        list_remove(&segment->node);
        spool->empty_count--;
        return segment;
    }
    return segment_make(atomic_fetch_add(&last_number, 1) + 1);
}

static void segment_give_back(struct spool *spool, struct spool_segment *segment)
{
    list_prepend(&spool->empty, &segment->node);
    spool->empty_count++;
}

static void segment_seal(struct spool *spool)
{
    struct spool_segment *segment = spool->current;
    spool->current = NULL;
    if (spool->fd >= 0)
        close(spool->fd);
    spool->fd = -1;
    if (segment && list_is_empty(&segment->contents)) {
        list_remove(&segment->node);
        list_append(&spool->dead, &segment->node);
    }
}

/* As many as the segment takes get their place; at least one. */
static unsigned place(struct spool_segment *segment, struct spool_entry *entries, unsigned count,
                      uint64_t segment_size)
{
    uint64_t at = segment->size;
    unsigned placed = 0;
    while (placed < count) {
        struct spool_entry *entry = &entries[placed];
        uint64_t size = spool_place_size(entry->prefixes.size, entry->body.size);
        if (at + size > segment_size && at > 0)
            break;
        entry->segment = segment;
        entry->offset = at;
        at += size;
        placed++;
    }
    return placed;
}

static error write_some(struct spool *spool, struct spool_entry *entries, unsigned count,
                        uint64_t segment_size, bool in_place, unsigned *out_done)
{
    struct spool_segment *segment = spool->current;
    unsigned placed = segment ? place(segment, entries, count, segment_size) : 0;
    bool fresh = placed == 0;
    if (fresh) {
        segment = segment_take(spool);
        TRY_MEMORY(segment);
        placed = place(segment, entries, count, segment_size);
    }
    struct write_job job = {spool, segment, fresh, fresh ? -1 : spool->fd, entries, placed};
    error problem =
        in_place ? write_on_worker(&job) : worker_run(WORKER_FILE, write_on_worker, &job);
    if (failed(problem)) {
        metric_add(&spool_failures, 1);
        if (fresh && job.fd >= 0)
            close(job.fd);
        if (fresh)
            segment_give_back(spool, segment);
        return problem;
    }
    if (fresh) {
        segment_seal(spool);
        spool->current = segment;
        spool->fd = job.fd;
        spool->segment_count++;
        metric_add(&spool_segments, 1);
        list_append(&spool->segments, &segment->node);
    }
    const struct spool_entry *last = &entries[placed - 1];
    uint64_t end = last->offset + spool_place_size(last->prefixes.size, last->body.size);
    metric_add(&spool_bodies, placed);
    metric_add(&spool_bytes_written, (int64_t)(end - segment->size));
    spool->size += end - segment->size;
    segment->size = end;
    segment->dirty = true;
    *out_done = placed;
    return OK;
}

error spool_write(struct spool *spool, struct spool_entry *entries, unsigned count,
                  uint64_t segment_size, bool in_place)
{
    for (unsigned done = 0, some = 0; done < count; done += some)
        TRY(write_some(spool, entries + done, count - done, segment_size, in_place, &some));
    return OK;
}

static uint64_t size_of(const struct queue_content *content)
{
    return spool_place_size(content->prefix_size, content->size);
}

void spool_attach(struct spool *spool, struct queue_content *content, struct spool_segment *segment,
                  uint64_t offset)
{
    spool_drop(spool, content);
    content->segment = segment;
    content->offset = offset;
    uint64_t size = size_of(content);
    segment->live += size;
    spool->live += size;
    metric_add(&spool_live_bytes, (int64_t)size);
    list_append(&segment->contents, &content->segment_node);
    if (segment != spool->current) { /* sealed and taken for dead before it was attached */
        list_remove(&segment->node);
        list_append(&spool->segments, &segment->node);
    }
}

void spool_drop(struct spool *spool, struct queue_content *content)
{
    struct spool_segment *segment = content->segment;
    if (!segment)
        return;
    uint64_t size = size_of(content);
    segment->live -= size;
    spool->live -= size;
    metric_add(&spool_live_bytes, -(int64_t)size);
    list_remove(&content->segment_node);
    content->segment = NULL;
    if (list_is_empty(&segment->contents) && segment != spool->current) {
        list_remove(&segment->node);
        list_append(&spool->dead, &segment->node);
    }
}

/* ---- Syncing, emptying ---- */

struct segments_job {
    int directory;
    uint32_t *numbers;
    unsigned count;
    unsigned done;
    unsigned keep; /* empty files that are not removed */
};

static error each_number(struct list *lists[2], bool dirty_only, uint32_t **out_numbers,
                         unsigned *out_count)
{
    unsigned count = 0, capacity = 0;
    uint32_t *numbers = NULL;
    for (unsigned i = 0; i < 2 && lists[i]; i++) {
        struct spool_segment *segment;
        LIST_EACH (lists[i], segment, node) {
            if (dirty_only && !segment->dirty)
                continue;
            if (count == capacity) {
                capacity = capacity ? capacity * 2 : 16;
                uint32_t *grown = realloc(numbers, capacity * sizeof *numbers);
                if (!grown) {
                    free(numbers);
                    return error_make(ERROR_LIMIT, "out of memory for this task");
                }
                numbers = grown;
            }
            numbers[count++] = segment->number;
            segment->dirty = false;
        }
    }
    *out_numbers = numbers;
    *out_count = count;
    return OK;
}

static error sync_on_worker(void *argument)
{
    const struct segments_job *job = argument;
    for (unsigned i = 0; i < job->count; i++) {
        char name[SPOOL_NAME_SIZE_MAX];
        spool_name(job->numbers[i], name);
        int fd = openat(job->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            return error_system(errno, "cannot open a segment of the spool");
        int result = fdatasync(fd);
        int why = errno;
        close(fd);
        if (result != 0)
            return error_system(why, "cannot sync the spool");
    }
    return fsync(job->directory) == 0 ? OK : error_system(errno, "cannot sync the spool");
}

error spool_sync(struct spool *spool)
{
    struct segments_job job = {.directory = spool->directory};
    struct list *lists[2] = {&spool->segments, &spool->dead};
    TRY(each_number(lists, true, &job.numbers, &job.count));
    error problem = job.count ? worker_run(WORKER_FILE, sync_on_worker, &job) : OK;
    free(job.numbers);
    if (failed(problem)) {
        /* What the kernel could not write it may have forgotten: nothing more goes there, and its
         * dirty segments count as such again. */
        struct spool_segment *segment;
        LIST_EACH (&spool->segments, segment, node)
            segment->dirty = true;
        segment_seal(spool);
    }
    return problem;
}

static error empty_on_worker(void *argument)
{
    struct segments_job *job = argument;
    for (; job->done < job->count; job->done++) {
        char name[SPOOL_NAME_SIZE_MAX];
        spool_name(job->numbers[job->done], name);
        if (job->done >= job->keep) {
            if (unlinkat(job->directory, name, 0) != 0 && errno != ENOENT)
                return error_system(errno, "cannot remove a segment of the spool");
            continue;
        }
        int fd = openat(job->directory, name, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0)
            close(fd);
        else if (errno != ENOENT)
            return error_system(errno, "cannot empty a segment of the spool");
    }
    return OK;
}

void spool_condemn(struct spool *spool)
{
    struct spool_segment *segment;
    LIST_EACH (&spool->dead, segment, node) {
        list_remove(&segment->node);
        list_append(&spool->condemned, &segment->node);
    }
}

error spool_reclaim(struct spool *spool)
{
    if (list_is_empty(&spool->condemned))
        return OK;
    struct list *lists[2] = {&spool->condemned, NULL};
    struct segments_job job = {.directory = spool->directory,
                               .keep = SPOOL_EMPTY_MAX - spool->empty_count};
    TRY(each_number(lists, false, &job.numbers, &job.count));
    error problem = worker_run(WORKER_FILE, empty_on_worker, &job);
    for (unsigned i = 0; i < job.done; i++) {
        struct spool_segment *segment = LIST_FIRST(&spool->condemned, struct spool_segment, node);
        ASSERT(segment->number == job.numbers[i]);
        list_remove(&segment->node);
        spool->size -= segment->size;
        spool->segment_count--;
        metric_add(&spool_segments, -1);
        segment->size = 0;
        if (i < job.keep)
            segment_give_back(spool, segment);
        else
            free(segment);
    }
    free(job.numbers);
    return problem;
}

static bool can_move(const struct spool_segment *segment)
{
    const struct queue_content *content;
    LIST_EACH (&segment->contents, content, segment_node)
        if (content->out == 0)
            return true;
    return false;
}

struct spool_segment *spool_worst(const struct spool *spool, uint64_t segment_size)
{
    if (spool->size - spool->live < spool->live + 2 * segment_size)
        return NULL;
    struct spool_segment *segment, *worst = NULL;
    LIST_EACH (&spool->segments, segment, node)
        if (segment != spool->current && !segment->stuck && segment->live <= segment->size / 4 &&
            (!worst || segment->live < worst->live) && can_move(segment))
            worst = segment;
    return worst;
}
