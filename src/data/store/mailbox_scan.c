/* SPDX-License-Identifier: GPL-3.0-or-later
 * Listing a Maildir, on a worker thread. */
#include "base/cursor.h"
#include "data/store/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCAN_NAMES_SIZE_MAX = 1 << 30 };

static error add_file(struct scan *scan, size_t *capacity, DIR *listing, const char *file_name,
                      bool in_cur)
{
    struct maildir_name name;
    if (!maildir_name_parse(slice_from_string(file_name), &name))
        return OK;
    if (scan->count >= INDEX_MAIL_COUNT_MAX)
        return error_make(ERROR_LIMIT, "too many files in a Maildir");
    if (scan->count == *capacity) {
        size_t grown = *capacity ? *capacity * 2 : 64;
        struct scan_file *files = realloc(scan->files, grown * sizeof *files);
        TRY_MEMORY(files);
        scan->files = files;
        *capacity = grown;
    }
    struct scan_file file = {.in_cur = in_cur};
    TRY(arena_copy(&scan->names, slice_from_string(file_name), &file.name));
    if (scan->with_status) {
        struct stat status;
        if (fstatat(dirfd(listing), file_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            return errno == ENOENT ? OK : error_system(errno, "cannot look at a mail");
        if (!S_ISREG(status.st_mode))
            return OK;
        file.changed = status.st_mtime;
        file.size = (uint64_t)status.st_size;
    }
    scan->files[scan->count++] = file;
    return OK;
}

static error scan_directory(struct scan *scan, size_t *capacity, bool in_cur)
{
    int fd = openat(scan->directory, in_cur ? "cur" : "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_system(errno, "cannot open a Maildir");
    struct stat status;
    DIR *listing = fstat(fd, &status) == 0 ? fdopendir(fd) : NULL;
    if (!listing) {
        error problem = error_system(errno, "cannot list a Maildir");
        close(fd);
        return problem;
    }
    /* Taken before the listing: what changes meanwhile is seen as a change next time. */
    int64_t changed = (int64_t)status.st_mtim.tv_sec * TIME_S + status.st_mtim.tv_nsec;
    *(in_cur ? &scan->cur_changed : &scan->new_changed) = changed;
    error problem = OK;
    for (struct dirent *entry; !failed(problem) && (entry = readdir(listing));)
        problem = add_file(scan, capacity, listing, entry->d_name, in_cur);
    closedir(listing);
    return problem;
}

/* Maildir names begin with the time of their making. */
static uint64_t name_time(slice name)
{
    struct cursor c = cursor_over(name);
    uint64_t seconds = 0;
    cursor_take_u64(&c, INT64_MAX, &seconds);
    return seconds;
}

static int file_compare(const void *left, const void *right)
{
    const struct scan_file *a = left, *b = right;
    uint64_t one = name_time(a->name), two = name_time(b->name);
    if (one != two)
        return one < two ? -1 : 1;
    return slice_compare(a->name, b->name);
}

error scan_run(void *argument)
{
    struct scan *scan = argument;
    size_t capacity = 0;
    arena_init(&scan->names, SCAN_NAMES_SIZE_MAX);
    /* new before cur: a mail on its way from one to the other is seen twice rather than never. */
    error problem = scan->scan_new ? scan_directory(scan, &capacity, false) : OK;
    if (!failed(problem) && scan->scan_cur)
        problem = scan_directory(scan, &capacity, true);
    if (failed(problem)) {
        scan_close(scan);
        return problem;
    }
    if (scan->count > 1)
        qsort(scan->files, scan->count, sizeof *scan->files, file_compare);
    return OK;
}

void scan_close(struct scan *scan)
{
    free(scan->files);
    scan->files = NULL;
    scan->count = 0;
    arena_close(&scan->names);
}

bool maildir_put_in_order(int directory, const struct scan_file *file,
                          const struct maildir_name *name)
{
    if (name->canonical && (file->in_cur || name->base.size == file->name.size))
        return file->in_cur;
    char from[MAILDIR_PATH_SIZE_MAX], to[MAILDIR_PATH_SIZE_MAX];
    memcpy(from, file->in_cur ? "cur/" : "new/", 4);
    memcpy(from + 4, file->name.data, file->name.size); /* parsing bounded it */
    from[4 + file->name.size] = '\0';
    maildir_path_write(name->base, true, name->flags, to);
    return renameat(directory, from, directory, to) == 0 || file->in_cur;
}
