/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/frame_file.h"

#include "base/log.h"
#include "base/metric.h"
#include "base/time.h"
#include "runtime/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

METRIC_COUNTER(damaged_total, "ringmail_state_damaged_total", "",
               "Places in files of small state (events, counts) that could not be read");

enum { READ_SIZE = 1 << 20 };

void frame_file_init(struct frame_file *file, int directory)
{
    *file = (struct frame_file){.directory = directory, .fd = -1};
}

void frame_file_close(struct frame_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

/* ---- Reading ---- */

struct reading {
    const struct frame_file_reader *reader;
    const char *name;
    int directory, fd;
    struct buffer window;
    uint64_t window_at, file_size;
    struct frame_file_found found;
    enum frame_header_state state;
};

/* More of the file, behind what is left of the window from `at` on. */
static error refill(struct reading *r, size_t at)
{
    buffer_consume(&r->window, at);
    r->window_at += at;
    size_t wanted = r->reader->record ? READ_SIZE : sizeof(struct frame_header);
    char *to = buffer_reserve(&r->window, wanted);
    TRY_MEMORY(to);
    ssize_t got = pread(r->fd, to, wanted, (off_t)(r->window_at + r->window.size));
    if (got < 0)
        return error_system(errno, "cannot read a file of records");
    if (got == 0) /* shorter than it was a moment ago */
        r->file_size = r->window_at + r->window.size;
    buffer_commit(&r->window, (size_t)got);
    return OK;
}

static error read_records(struct reading *r)
{
    struct frame_scan scan = {.at = sizeof(struct frame_header),
                              .salt = r->found.header.salt,
                              .kind_last = r->reader->kind_last};
    for (;;) {
        unsigned kind;
        slice payload;
        scan.window = buffer_slice(&r->window);
        scan.last = r->window_at + r->window.size >= r->file_size;
        enum frame_scan_result result = frame_scan_next(&scan, &kind, &payload);
        if (result == FRAME_SCAN_END)
            break;
        if (result == FRAME_SCAN_MORE) {
            TRY(refill(r, scan.at));
            scan.at = 0;
            continue;
        }
        r->found.end = r->window_at + scan.at;
        r->found.records++;
        error problem = r->reader->record(r->reader->argument, kind, payload);
        if (problem.kind == ERROR_MALFORMED)
            r->found.damaged++; /* its sum is right: our own fault, once */
        else
            TRY(problem);
    }
    r->found.damaged += scan.damaged;
    return OK;
}

static error read_file(struct reading *r)
{
    struct stat status;
    r->fd = openat(r->directory, r->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (r->fd < 0)
        return errno == ENOENT ? OK : error_system(errno, "cannot open a file of records");
    if (fstat(r->fd, &status) != 0)
        return error_system(errno, "cannot look at a file of records");
    r->file_size = (uint64_t)status.st_size;
    TRY(refill(r, 0));
    r->state = frame_header_read(buffer_slice(&r->window), r->reader->magic, &r->found.header);
    r->found.exists = r->state == FRAME_HEADER_GOOD;
    r->found.end = sizeof(struct frame_header);
    return r->found.exists && r->reader->record ? read_records(r) : OK;
}

/* Out of the way, for a person to look at. A file that was only begun holds nothing. */
static error put_aside(const struct reading *r)
{
    char aside[FRAME_FILE_NAME_SIZE_MAX + 48];
    bool foreign = r->state == FRAME_HEADER_FOREIGN;
    if (r->file_size <= sizeof(struct frame_header) && !foreign)
        return unlinkat(r->directory, r->name, 0) == 0 || errno == ENOENT
                   ? OK
                   : error_system(errno, "cannot remove an empty file of records");
    snprintf(aside, sizeof aside, "%s.%s-%lld", r->name, foreign ? "unknown" : "damaged",
             (long long)time_wall_seconds());
    struct log_line line =
        log_begin(LOG_ERROR, foreign ? "state.unknown_version" : "state.damaged");
    log_string(&line, "file", r->name);
    log_string(&line, "put_aside", aside);
    log_number(&line, "bytes", (int64_t)r->file_size);
    log_end(&line);
    metric_add(&damaged_total, 1);
    if (renameat(r->directory, r->name, r->directory, aside) != 0)
        return error_system(errno, "cannot put a damaged file aside");
    return OK;
}

static void report_damage(const struct reading *r)
{
    metric_add(&damaged_total, (int64_t)r->found.damaged);
    struct log_line line = log_begin(LOG_ERROR, "state.damaged");
    log_string(&line, "file", r->name);
    log_number(&line, "places", (int64_t)r->found.damaged);
    log_number(&line, "records_read", (int64_t)r->found.records);
    log_end(&line);
}

error frame_file_read(int directory, const char *name, const struct frame_file_reader *reader,
                      struct frame_file_found *out_found)
{
    struct reading r = {.reader = reader, .name = name, .directory = directory, .fd = -1};
    buffer_init(&r.window, 2 * READ_SIZE + 2 * (size_t)FRAME_PAYLOAD_SIZE_MAX);
    error problem = read_file(&r);
    if (!failed(problem) && r.fd >= 0 && !r.found.exists)
        problem = put_aside(&r);
    if (r.fd >= 0)
        close(r.fd);
    buffer_close(&r.window);
    if (r.found.damaged)
        report_damage(&r);
    if (!failed(problem))
        *out_found = r.found;
    return problem;
}

/* ---- Writing ---- */

static error write_at(int fd, slice bytes, uint64_t offset)
{
    while (bytes.size > 0) {
        ssize_t some = pwrite(fd, bytes.data, bytes.size, (off_t)offset);
        if (some < 0 && errno == EINTR)
            continue;
        if (some <= 0)
            return error_system(some < 0 ? errno : ENOSPC, "cannot write a file of records");
        bytes = slice_from(bytes, (size_t)some);
        offset += (uint64_t)some;
    }
    return OK;
}

static void take(struct frame_file *file, int fd, const struct frame_header *header, uint64_t size)
{
    frame_file_close(file);
    file->fd = fd;
    file->header = *header;
    file->size = size;
    file->unsynced = file->fresh = false;
}

error frame_file_open(struct frame_file *file, const char *name,
                      const struct frame_file_found *found)
{
    int fd = openat(file->directory, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_system(errno, "cannot open a file of records");
    if (ftruncate(fd, (off_t)found->end) != 0) {
        error problem = error_system(errno, "cannot cut a file of records");
        close(fd);
        return problem;
    }
    take(file, fd, &found->header, found->end);
    return OK;
}

/* A new file with its header and records; removed again on failure. */
static error make(int directory, const char *name, int flags, const struct frame_header *header,
                  slice records, int *out_fd)
{
    char bytes[sizeof *header];
    int fd = openat(directory, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (fd < 0)
        return error_system(errno, "cannot make a file of records");
    frame_header_write(*header, bytes);
    error problem = write_at(fd, slice_of(bytes, sizeof bytes), 0);
    if (!failed(problem))
        problem = write_at(fd, records, sizeof bytes);
    if (failed(problem)) {
        close(fd);
        unlinkat(directory, name, 0);
        return problem;
    }
    *out_fd = fd;
    return OK;
}

error frame_file_create(struct frame_file *file, const char *name,
                        const struct frame_header *header)
{
    int fd;
    TRY(make(file->directory, name, O_EXCL, header, SLICE_EMPTY, &fd));
    take(file, fd, header, sizeof *header);
    file->unsynced = file->fresh = true;
    return OK;
}

error frame_file_append(struct frame_file *file, slice records, bool sync)
{
    error problem = write_at(file->fd, records, file->size);
    if (failed(problem)) {
        /* What did go in must not be read one day behind what comes next. */
        if (ftruncate(file->fd, (off_t)file->size) != 0)
            return error_system(errno, "cannot cut a file of records");
        return problem;
    }
    file->size += records.size;
    file->unsynced |= records.size > 0;
    return sync ? frame_file_sync(file) : OK;
}

error frame_file_sync(struct frame_file *file)
{
    if (!file->unsynced)
        return OK;
    if (fdatasync(file->fd) != 0)
        return error_system(errno, "cannot sync a file of records");
    if (file->fresh && fsync(file->directory) != 0)
        return error_system(errno, "cannot sync a directory of state");
    file->unsynced = file->fresh = false;
    return OK;
}

error frame_file_replace(struct frame_file *file, const char *name,
                         const struct frame_header *header, slice records)
{
    char fresh[FRAME_FILE_NAME_SIZE_MAX + 8];
    int fd;
    snprintf(fresh, sizeof fresh, "%s.new", name);
    TRY(make(file->directory, fresh, O_TRUNC, header, records, &fd));
    if (fdatasync(fd) != 0 || renameat(file->directory, fresh, file->directory, name) != 0) {
        error problem = error_system(errno, "cannot put a file of records in place");
        close(fd);
        unlinkat(file->directory, fresh, 0);
        return problem;
    }
    take(file, fd, header, sizeof *header + records.size);
    if (fsync(file->directory) != 0)
        return error_system(errno, "cannot sync a directory of state");
    return OK;
}

/* ---- The directory ---- */

error frame_file_directory(const char *path, int *out_directory)
{
    TRY(file_make_directories(path, 0700));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_system(errno, "cannot open a directory of state");
    *out_directory = fd;
    return OK;
}

error frame_file_list(int directory, const char *prefix, error (*name)(void *argument, slice name),
                      void *argument)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    error problem = listing ? OK : error_system(errno, "cannot list a directory of state");
    if (!listing && fd >= 0)
        close(fd);
    TRY(problem);
    for (struct dirent *entry; !failed(problem) && (entry = readdir(listing));) {
        slice found = slice_from_string(entry->d_name);
        if (slice_starts(found, slice_from_string(prefix)))
            problem = name(argument, found);
    }
    closedir(listing);
    return problem;
}
