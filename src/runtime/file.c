/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/file.h"

#include "runtime/body.h"
#include "runtime/ring.h"
#include "runtime/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PARTS_MAX = 64 };
/* A file that says size 0 (as those of /proc do) is read in steps of this. */
enum { UNSIZED_STEP = 4096 };

static error size_of(int fd, size_t size_max, size_t *out_size)
{
    struct statx facts;
    TRY(ring_statx(fd, "", AT_EMPTY_PATH, STATX_SIZE | STATX_TYPE, &facts));
    if (S_ISDIR(facts.stx_mode))
        return error_system(EISDIR, "a directory where a file was expected");
    if (facts.stx_size > size_max)
        return error_make(ERROR_LIMIT, "file too large");
    *out_size = (size_t)facts.stx_size;
    return OK;
}

/* Reads until the end of the file or until `size` bytes are there. */
static error read_up_to(int fd, char *data, size_t size, off_t offset, size_t *out_size)
{
    size_t done = 0;
    while (done < size) {
        size_t got;
        TRY(ring_read(fd, data + done, size - done, offset + (off_t)done, &got));
        if (got == 0)
            break;
        done += got;
    }
    *out_size = done;
    return OK;
}

static error read_into_arena(int fd, size_t size_max, struct arena *arena, slice *out_content)
{
    size_t expected;
    TRY(size_of(fd, size_max, &expected));
    struct buffer unsized;
    buffer_init(&unsized, size_max + 1);
    error problem = OK;
    if (expected > 0) {
        char *data = arena_alloc_bytes(arena, expected);
        TRY_MEMORY(data);
        size_t size;
        TRY(read_up_to(fd, data, expected, 0, &size));
        *out_content = (slice){data, size};
        return OK;
    }
    for (size_t got = 1; got > 0 && !failed(problem);) {
        size_t step =
            size_max + 1 - unsized.size < UNSIZED_STEP ? size_max + 1 - unsized.size : UNSIZED_STEP;
        char *data = step ? buffer_reserve(&unsized, step) : NULL;
        if (!data) {
            problem = error_make(ERROR_LIMIT, "file too large");
            break;
        }
        problem = ring_read(fd, data, step, (off_t)unsized.size, &got);
        if (!failed(problem))
            buffer_commit(&unsized, got);
    }
    if (!failed(problem) && unsized.size > size_max)
        problem = error_make(ERROR_LIMIT, "file too large");
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&unsized), out_content);
    buffer_close(&unsized);
    return problem;
}

error file_read(const char *path, size_t size_max, struct arena *arena, slice *out_content)
{
    int fd;
    TRY(ring_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, &fd));
    error problem = read_into_arena(fd, size_max, arena, out_content);
    error_ignore(ring_close(fd)); /* only read from */
    return problem;
}

static error read_into_body(int fd, struct body *body)
{
    size_t expected, size;
    TRY(size_of(fd, body->size_max - body->size, &expected));
    TRY(body_reserve(body, expected));
    TRY(read_up_to(fd, body->data + body->size, expected, 0, &size));
    body->size += size;
    return OK;
}

error file_read_body(int directory, const char *path, struct body *out_body)
{
    int fd;
    TRY(ring_open(directory, path, O_RDONLY | O_CLOEXEC, 0, &fd));
    error problem = read_into_body(fd, out_body);
    error_ignore(ring_close(fd)); /* only read from */
    return problem;
}

error file_read_exact(int fd, void *data, size_t size, off_t offset)
{
    size_t got;
    TRY(read_up_to(fd, data, size, offset, &got));
    return got == size ? OK : error_make(ERROR_CLOSED, "file shorter than expected");
}

error file_write_all(int fd, slice data, off_t offset)
{
    while (data.size) {
        size_t written;
        TRY(ring_write(fd, data, offset, &written));
        if (written == 0)
            return error_make(ERROR_SYSTEM, "nothing written");
        data = slice_from(data, written);
        offset += (off_t)written;
    }
    return OK;
}

/* writev of everything; uses up the vector. */
static error write_parts(int fd, struct iovec *vector, unsigned count)
{
    while (count) {
        ssize_t written = writev(fd, vector, (int)count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_system(errno, "write");
        size_t left = (size_t)written;
        while (count && left >= vector->iov_len) {
            left -= vector->iov_len;
            vector++;
            count--;
        }
        if (count) {
            vector->iov_base = (char *)vector->iov_base + left;
            vector->iov_len -= left;
        }
    }
    return OK;
}

error file_create_open(int directory, const char *path, mode_t mode, const slice *parts,
                       unsigned count, int *out_fd)
{
    if (count > PARTS_MAX)
        return error_make(ERROR_BUG, "too many parts for one file");
    int fd = openat(directory, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return error_system(errno, "create file");
    struct iovec vector[PARTS_MAX];
    for (unsigned i = 0; i < count; i++)
        vector[i] = (struct iovec){(void *)(uintptr_t)parts[i].data, parts[i].size};
    error problem = write_parts(fd, vector, count);
    if (failed(problem)) {
        close(fd);
        unlinkat(directory, path, 0);
        return problem;
    }
    *out_fd = fd;
    return OK;
}

error file_create_in_place(int directory, const char *path, mode_t mode, const slice *parts,
                           unsigned count)
{
    int fd;
    TRY(file_create_open(directory, path, mode, parts, count, &fd));
    /* Some file systems (NFS) tell of a full disk only here. */
    if (close(fd) == 0)
        return OK;
    error problem = error_system(errno, "close new file");
    unlinkat(directory, path, 0);
    return problem;
}

static error sync_job(void *argument)
{
    return fsync(*(int *)argument) == 0 ? OK : error_system(errno, "fsync");
}

error file_sync(int fd)
{
    return worker_run(WORKER_FILE, sync_job, &fd);
}

struct replacement {
    const char *path;
    slice content;
    mode_t mode;
};

static error sync_parent(const char *path)
{
    char parent[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash == path)
        parent[0] = '/';
    else if (slash)
        snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_system(errno, "open directory");
    error problem = fsync(fd) == 0 ? OK : error_system(errno, "fsync directory");
    close(fd);
    return problem;
}

static error write_and_sync(const char *path, slice content, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return error_system(errno, "create temporary file");
    struct iovec whole = {(void *)(uintptr_t)content.data, content.size};
    error problem = write_parts(fd, &whole, content.size ? 1 : 0);
    if (!failed(problem) && fsync(fd) != 0)
        problem = error_system(errno, "fsync");
    if (close(fd) != 0 && !failed(problem))
        problem = error_system(errno, "close");
    return problem;
}

static error replace_job(void *argument)
{
    static _Atomic unsigned sequence;
    const struct replacement *replacement = argument;
    char temporary[PATH_MAX];
    int size = snprintf(temporary, sizeof temporary, "%s.new.%d.%u", replacement->path, getpid(),
                        atomic_fetch_add(&sequence, 1));
    if (size < 0 || (size_t)size >= sizeof temporary)
        return error_make(ERROR_LIMIT, "path too long");
    unlink(temporary); /* what an earlier process of the same number left */
    error problem = write_and_sync(temporary, replacement->content, replacement->mode);
    if (!failed(problem) && rename(temporary, replacement->path) != 0)
        problem = error_system(errno, "rename");
    if (failed(problem)) {
        unlink(temporary);
        return problem;
    }
    return sync_parent(replacement->path);
}

error file_replace(const char *path, slice content, mode_t mode)
{
    struct replacement replacement = {path, content, mode};
    return worker_run(WORKER_FILE, replace_job, &replacement);
}

error file_make_directories(const char *path, mode_t mode)
{
    char partial[PATH_MAX];
    size_t size = strlen(path);
    if (size >= sizeof partial)
        return error_make(ERROR_LIMIT, "path too long");
    memcpy(partial, path, size + 1);
    for (size_t i = 1; i <= size; i++) {
        if (partial[i] != '/' && partial[i] != '\0')
            continue;
        char kept = partial[i];
        partial[i] = '\0';
        if (mkdir(partial, mode) != 0 && errno != EEXIST)
            return error_system(errno, "make directory");
        partial[i] = kept;
    }
    struct stat facts;
    if (stat(path, &facts) != 0)
        return error_system(errno, "make directory");
    return S_ISDIR(facts.st_mode) ? OK : error_system(ENOTDIR, "make directory");
}
