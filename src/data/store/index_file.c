/* SPDX-License-Identifier: GPL-3.0-or-later
 * The file of an index. A new file is made durable before it takes the old one's name. */
#include "data/store/index_file.h"

#include "base/log.h"
#include "base/metric.h"
#include "base/time.h"
#include "data/store/state.h"
#include "runtime/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

METRIC_COUNTER(index_writes, "ringmail_store_index_writes_total", "", "Appends to index files");
METRIC_COUNTER(index_compactions, "ringmail_store_index_compactions_total", "",
               "Index files rewritten");
METRIC_COUNTER(index_syncs, "ringmail_store_index_syncs_total", "",
               "Index files synced one by one, because no checkpoint was near");
METRIC_COUNTER(index_reservations, "ringmail_store_uid_reservations_total", "",
               "Ranges of UIDs reserved");

static error read_all(int fd, char *data, size_t size, off_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, data + done, size - done, offset + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? error_system(errno, "cannot read an index")
                           : error_make(ERROR_MALFORMED, "the index is damaged");
        done += (size_t)got;
    }
    return OK;
}

static error write_all(int fd, slice data, off_t offset)
{
    while (data.size > 0) {
        ssize_t put = pwrite(fd, data.data, data.size, offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return error_system(put < 0 ? errno : ENOSPC, "cannot write an index");
        data = slice_from(data, (size_t)put);
        offset += put;
    }
    return OK;
}

/* Gives the index its snapshot from the file: small ones read, large ones mapped for ourselves. */
static error attach_snapshot(struct index *index, size_t size, bool verify)
{
    bool mapped = size >= INDEX_MAP_SIZE_MIN;
    char *base;
    if (mapped) {
        base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, index->fd, 0);
        if (base == MAP_FAILED)
            return error_system(errno, "cannot map an index");
    } else {
        base = malloc(size);
        TRY_MEMORY(base);
        error problem = read_all(index->fd, base, size, 0);
        if (failed(problem)) {
            free(base);
            return problem;
        }
    }
    error problem = index_take_snapshot(index, base, size, mapped, verify);
    if (failed(problem)) {
        if (mapped)
            munmap(base, size);
        else
            free(base);
    }
    return problem;
}

static error load_log(struct index *index, size_t file_size, bool *out_damaged)
{
    size_t begin = index->header.snapshot_size, size = file_size - begin;
    index->file_size = begin;
    if (size == 0)
        return OK;
    char *log = malloc(size);
    TRY_MEMORY(log);
    error problem = read_all(index->fd, log, size, (off_t)begin);
    if (!failed(problem))
        index->file_size = begin + index_apply_log(index, slice_of(log, size));
    free(log);
    TRY(problem);
    if (index->file_size != file_size) {
        *out_damaged = true;
        struct log_line line = log_begin(LOG_WARNING, "store.index.cut"); /* normal after a crash */
        log_number(&line, "messages", index->header.messages);
        log_number(&line, "bytes", (int64_t)(file_size - index->file_size));
        log_end(&line);
        if (ftruncate(index->fd, (off_t)index->file_size) != 0)
            return error_system(errno, "cannot cut back an index");
    }
    return OK;
}

static void judge_stops(struct index *index, uint64_t stops)
{
    index->uid_durable = index->header.uid_reserved;
    if (index->header.stops == stops)
        return;
    /* What was handed out before the stop may not have reached the disk. */
    index->header.uid_next = index->header.uid_reserved;
    index->header.modseq += INDEX_MODSEQ_JUMP;
}

error index_load(struct index *index, int directory, uint64_t stops, bool *out_log_damaged)
{
    *out_log_damaged = false;
    index->fd = openat(directory, INDEX_FILE_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (index->fd < 0)
        return error_system(errno, "cannot open an index");
    struct stat status;
    if (fstat(index->fd, &status) != 0)
        return error_system(errno, "cannot look at an index");
    struct index_header header;
    if (status.st_size < (off_t)sizeof header || status.st_size > INDEX_FILE_SIZE_MAX)
        return error_make(ERROR_MALFORMED, "the index is damaged");
    TRY(read_all(index->fd, (char *)&header, sizeof header, 0));
    if (header.stops != stops) {
        /* A page that the disk refused stays in memory as if it were written: what counts is what
         * the disk has. */
        posix_fadvise(index->fd, 0, 0, POSIX_FADV_DONTNEED);
        TRY(read_all(index->fd, (char *)&header, sizeof header, 0));
    }
    if (header.snapshot_size > (uint64_t)status.st_size || header.snapshot_size < sizeof header)
        return error_make(ERROR_MALFORMED, "the index is damaged");
    /* The sum over the whole is worth its time when the machine may have lost power. */
    error problem = attach_snapshot(index, header.snapshot_size, header.stops != stops);
    if (failed(problem)) {
        if (index->header.uid_validity) /* the header was good */
            index->header.uid_next = index->header.uid_reserved;
        return problem;
    }
    TRY(load_log(index, (size_t)status.st_size, out_log_damaged));
    judge_stops(index, stops);
    index->directory_unsynced = true; /* it may have taken its name a moment ago */
    return OK;
}

void index_close(struct index *index)
{
    index_free(index);
    if (index->fd >= 0)
        close(index->fd);
    index->fd = -1;
}

/* New files. */

static error sync_directory(int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_system(errno, "cannot open a mailbox directory");
    int result = fsync(fd);
    int problem = errno;
    close(fd);
    return result == 0 ? OK : error_system(problem, "cannot sync a mailbox directory");
}

static error write_new_file(int directory, slice image, bool durable, int *out_fd)
{
    int fd = openat(directory, INDEX_NEW_FILE_NAME,
                    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_system(errno, "cannot make an index");
    error problem = write_all(fd, image, 0);
    if (!failed(problem) && durable && fdatasync(fd) != 0)
        problem = error_system(errno, "cannot sync an index");
    if (failed(problem)) {
        close(fd);
        unlinkat(directory, INDEX_NEW_FILE_NAME, 0);
        return problem;
    }
    *out_fd = fd;
    return OK;
}

static error rename_new_file(int directory)
{
    return renameat(directory, INDEX_NEW_FILE_NAME, directory, INDEX_FILE_NAME) == 0
               ? OK
               : error_system(errno, "cannot put an index in place");
}

/* A second index over the new file, which may fail for want of memory: before the file takes its
 * name, and while the index is whole. */
static error read_new_file(struct index *out_fresh, int fd, size_t snapshot_size, slice log)
{
    index_init(out_fresh);
    out_fresh->fd = fd;
    error problem = attach_snapshot(out_fresh, snapshot_size, false);
    if (!failed(problem)) {
        out_fresh->file_size = snapshot_size + index_apply_log(out_fresh, log);
        if (out_fresh->file_size != snapshot_size + log.size)
            problem = error_make(ERROR_LIMIT, "an index did not take its own log");
    }
    if (failed(problem))
        index_free(out_fresh);
    return problem;
}

/* The index forgets its memory and goes on as `fresh`. */
static void start_over(struct index *index, struct index *fresh)
{
    fresh->uid_durable = index->uid_durable;
    fresh->uids_given = index->uids_given;
    fresh->directory_unsynced = index->directory_unsynced;
    if (index->fd >= 0)
        close(index->fd);
    index_free(index);
    *index = *fresh;
}

error index_create(struct index *index, int directory, bool durable)
{
    struct buffer image;
    buffer_init(&image, INDEX_FILE_SIZE_MAX);
    index->header.uid_reserved = index->header.uid_next + INDEX_UID_RESERVE_MIN;
    struct index fresh;
    error problem = index_image(index, &image);
    int fd = -1;
    if (!failed(problem))
        problem = write_new_file(directory, buffer_slice(&image), durable, &fd);
    if (!failed(problem))
        problem = read_new_file(&fresh, fd, image.size, SLICE_EMPTY);
    bool read = !failed(problem);
    if (!failed(problem))
        problem = rename_new_file(directory);
    if (!failed(problem) && durable)
        problem = sync_directory(directory);
    if (!failed(problem)) {
        start_over(index, &fresh);
        index->uid_durable = index->header.uid_reserved;
    } else if (fd >= 0) {
        if (read)
            index_free(&fresh);
        close(fd);
    }
    buffer_close(&image);
    return problem;
}

error index_write(struct index *index)
{
    if (index->pending.size == 0)
        return OK;
    error problem = write_all(index->fd, buffer_slice(&index->pending), (off_t)index->file_size);
    metric_add(&index_writes, 1);
    if (failed(problem)) {
        /* Nothing may follow a half record. */
        if (ftruncate(index->fd, (off_t)index->file_size) != 0)
            log_event(LOG_WARNING, "store.index.truncate", error_system(errno, "cannot cut back"),
                      SLICE_EMPTY);
        index->write_failed = true;
        return error_make(ERROR_TEMPORARY, "cannot write an index");
    }
    index->write_failed = false;
    index->file_size += index->pending.size;
    buffer_close(&index->pending); /* an idle mailbox holds no memory */
    return OK;
}

/* Reserving. */

struct sync_job {
    int fd, directory;
    bool with_directory;
};

static error sync_on_worker(void *argument)
{
    struct sync_job *job = argument;
    if (fdatasync(job->fd) != 0) {
        int problem = errno;
        store_note_sync_failure();
        return error_system(problem, "cannot sync an index");
    }
    return job->with_directory ? sync_directory(job->directory) : OK;
}

static uint32_t reserve_size(const struct index *index)
{
    return index->uids_given < INDEX_UID_RESERVE_MIN   ? INDEX_UID_RESERVE_MIN
           : index->uids_given > INDEX_UID_RESERVE_MAX ? INDEX_UID_RESERVE_MAX
                                                       : index->uids_given;
}

static uint32_t uids_left(const struct index *index)
{
    return index->uid_durable > index->header.uid_next ? index->uid_durable - index->header.uid_next
                                                       : 0;
}

bool index_wants_reserve(const struct index *index)
{
    return uids_left(index) < reserve_size(index) / 2;
}

bool index_runs_short(const struct index *index)
{
    return uids_left(index) < reserve_size(index) / 8;
}

error index_reserve_write(struct index *index, uint64_t stops, uint32_t count,
                          uint32_t *out_reserved)
{
    uint64_t reserved = (uint64_t)index->header.uid_next + count + reserve_size(index);
    if (reserved < index->header.uid_reserved)
        reserved = index->header.uid_reserved;
    if (reserved >= UINT32_MAX)
        return error_make(ERROR_LIMIT, "no UIDs are left in the mailbox");
    TRY(index_set_reserved(index, (uint32_t)reserved, stops));
    TRY(index_write(index));
    *out_reserved = (uint32_t)reserved;
    metric_add(&index_reservations, 1);
    return OK;
}

void index_reserved(struct index *index, uint32_t reserved)
{
    if (index->uid_durable < reserved)
        index->uid_durable = reserved;
}

error index_sync(struct index *index, int directory)
{
    struct sync_job job = {index->fd, directory, index->directory_unsynced};
    TRY(worker_run(WORKER_FILE, sync_on_worker, &job));
    metric_add(&index_syncs, 1);
    index->directory_unsynced = false;
    return OK;
}

error index_reserve(struct index *index, int directory, uint64_t stops, uint32_t count,
                    bool durable)
{
    uint32_t reserved;
    TRY(index_reserve_write(index, stops, count, &reserved));
    if (durable)
        TRY(index_sync(index, directory));
    index_reserved(index, reserved);
    return OK;
}

/* Compacting. */

bool index_wants_compaction(const struct index *index)
{
    uint64_t log = index->file_size - index->header.snapshot_size;
    return log > INDEX_COMPACT_LOG_SIZE && log > index->header.snapshot_size;
}

struct image_job {
    int directory, fd;
    slice image;
};

static error write_image(void *argument)
{
    struct image_job *job = argument;
    return write_new_file(job->directory, job->image, false, &job->fd);
}

error index_compact_begin(struct index *index, int directory, struct index_compaction *out_begun)
{
    TRY(index_write(index));
    struct buffer image;
    buffer_init(&image, INDEX_FILE_SIZE_MAX);
    error problem = index_image(index, &image);
    if (!failed(problem)) {
        *out_begun = (struct index_compaction){
            .directory = directory, .fd = -1, .uid_reserved = index->header.uid_reserved};
        buffer_init(&out_begun->side, INDEX_PENDING_SIZE_MAX);
        out_begun->image_size = image.size;
        index->side = &out_begun->side;
        struct image_job job = {directory, -1, buffer_slice(&image)};
        problem = worker_run(WORKER_FILE, write_image, &job);
        out_begun->fd = job.fd;
        if (failed(problem))
            index_compact_abandon(index, out_begun);
    }
    buffer_close(&image);
    return problem;
}

void index_compact_abandon(struct index *index, struct index_compaction *begun)
{
    index->side = NULL;
    buffer_close(&begun->side);
    if (begun->fd >= 0) {
        close(begun->fd);
        unlinkat(begun->directory, INDEX_NEW_FILE_NAME, 0);
    }
    begun->fd = -1;
}

static error write_side(struct index_compaction *begun)
{
    TRY(buffer_check(&begun->side));
    TRY(write_all(begun->fd, slice_from(buffer_slice(&begun->side), begun->side_written),
                  (off_t)(begun->image_size + begun->side_written)));
    begun->side_written = begun->side.size;
    return OK;
}

void index_compact_follow(struct index_compaction *begun)
{
    if (begun->fd >= 0 && failed(write_side(begun)))
        begun->side_behind = true; /* the end tries again, and syncs */
}

/* What happened while the image waited follows it in the new file. */
static error switch_files(struct index *index, struct index_compaction *begun, bool durable)
{
    struct index fresh;
    TRY(write_side(begun));
    TRY(read_new_file(&fresh, begun->fd, begun->image_size, buffer_slice(&begun->side)));
    error problem = rename_new_file(begun->directory);
    if (failed(problem)) {
        index_free(&fresh);
        return problem;
    }
    begun->fd = -1;            /* the index's own now */
    start_over(index, &fresh); /* drops pending records: side has them */
    index->directory_unsynced = durable;
    return OK;
}

error index_compact_end(struct index *index, struct index_compaction *begun, bool synced,
                        bool durable)
{
    error problem = OK;
    /* A range that was reserved since, and may be in use, is safe in the old file only. */
    bool reserved = index->header.uid_reserved != begun->uid_reserved;
    if (durable && (!synced || reserved || begun->side_behind)) {
        problem = write_side(begun);
        struct sync_job job = {.fd = begun->fd};
        if (!failed(problem))
            problem = worker_run(WORKER_FILE, sync_on_worker, &job);
        metric_add(&index_syncs, 1);
    }
    if (!failed(problem))
        problem = switch_files(index, begun, durable);
    index_compact_abandon(index, begun);
    TRY(problem);
    metric_add(&index_compactions, 1);
    return OK;
}
