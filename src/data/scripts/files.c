/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/scripts/files.h"

#include "runtime/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LIST_MEMORY = 1 << 20 };

static const slice suffix = {".sieve", 6};

struct script_path {
    char text[SCRIPT_PATH_SIZE_MAX + NAME_MAX + 2];
};

static struct script_path path_of(const struct script_place *place, slice name)
{
    struct script_path path;
    snprintf(path.text, sizeof path.text, "%s/%.*s.sieve", place->folder, SLICE_ARG(name));
    return path;
}

/* A name beside `path` that nobody uses; listings pass over it. */
static struct script_path temporary_of(const char *path)
{
    static _Atomic unsigned sequence;
    struct script_path temporary;
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) : 0;
    snprintf(temporary.text, sizeof temporary.text, "%.*s/.new.%d.%u", folder, path, getpid(),
             atomic_fetch_add(&sequence, 1));
    unlink(temporary.text); /* what an earlier process of the same number left */
    return temporary;
}

/* The folder that holds `path`. */
static error sync_folder_of(const char *path)
{
    struct script_path folder;
    const char *slash = strrchr(path, '/');
    snprintf(folder.text, sizeof folder.text, "%.*s", slash ? (int)(slash - path) : 0, path);
    int fd = open(folder.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_system(errno, "open the scripts' folder");
    error problem = fsync(fd) == 0 ? OK : error_system(errno, "sync the scripts' folder");
    close(fd);
    return problem;
}

/* ---- Which is active ---- */

/* The script that the link leads to, whatever way its target is written. */
static bool is_active(const struct script_place *place, slice name)
{
    struct stat active, script;
    struct script_path path = path_of(place, name);
    return lstat(place->active, &script) == 0 && S_ISLNK(script.st_mode) &&
           stat(place->active, &active) == 0 && stat(path.text, &script) == 0 &&
           active.st_dev == script.st_dev && active.st_ino == script.st_ino;
}

/* Pigeonhole writes the target relative to the link where it can: a home may be moved. */
static void write_target(const struct script_place *place, slice name, struct script_path *out)
{
    const char *slash = strrchr(place->active, '/');
    size_t folder = slash ? (size_t)(slash - place->active) + 1 : 0;
    *out = path_of(place, name);
    if (folder > 0 && strncmp(out->text, place->active, folder) == 0)
        memmove(out->text, out->text + folder, strlen(out->text + folder) + 1);
}

/* An active script that is a file would be lost when the link takes its place. */
static error save_file(const struct script_place *place)
{
    struct stat facts;
    if (lstat(place->active, &facts) != 0 || !S_ISREG(facts.st_mode))
        return OK;
    for (unsigned i = 0; i < SCRIPT_SAVED_MAX; i++) {
        char name[32] = "dovecot.orig";
        if (i > 0)
            snprintf(name, sizeof name, "dovecot.orig-%u", i + 1);
        struct script_path path = path_of(place, slice_from_string(name));
        if (link(place->active, path.text) == 0)
            return sync_folder_of(path.text);
        if (errno != EEXIST)
            return error_system(errno, "keep the active script");
    }
    return error_make(ERROR_EXISTS, "the active script is a file, and nowhere can it be kept");
}

static error point_at(const struct script_place *place, slice name)
{
    struct script_path target, temporary = temporary_of(place->active);
    write_target(place, name, &target);
    TRY(save_file(place));
    if (symlink(target.text, temporary.text) != 0)
        return error_system(errno, "make the link to the active script");
    if (rename(temporary.text, place->active) != 0) {
        error problem = error_system(errno, "make the link to the active script");
        unlink(temporary.text);
        return problem;
    }
    return sync_folder_of(place->active);
}

error script_files_activate(void *argument)
{
    const struct script_job *job = argument;
    if (job->name.size == 0) {
        TRY(save_file(job->place));
        if (unlink(job->place->active) != 0)
            return errno == ENOENT ? OK : error_system(errno, "remove the link");
        return sync_folder_of(job->place->active);
    }
    struct stat facts;
    struct script_path path = path_of(job->place, job->name);
    if (stat(path.text, &facts) != 0)
        return error_system(errno, "there is no such script");
    return point_at(job->place, job->name);
}

/* ---- Listing ---- */

static int compare(const void *a, const void *b)
{
    return slice_compare(((const struct script_entry *)a)->name,
                         ((const struct script_entry *)b)->name);
}

static error add_entry(DIR *folder, slice name, const struct stat *active, struct script_job *job)
{
    struct stat facts;
    struct script_entry *entry = &job->entries[job->count];
    char file[NAME_MAX + 1];
    snprintf(file, sizeof file, "%.*s.sieve", SLICE_ARG(name));
    if (fstatat(dirfd(folder), file, &facts, 0) != 0 || !S_ISREG(facts.st_mode))
        return OK; /* gone meanwhile, or no script */
    if (job->count == SCRIPT_LIST_COUNT_MAX)
        return error_make(ERROR_LIMIT, "more scripts than can be listed");
    TRY(arena_copy(job->arena, name, &entry->name));
    entry->size = (uint64_t)facts.st_size;
    entry->active = active && active->st_dev == facts.st_dev && active->st_ino == facts.st_ino;
    job->count++;
    return OK;
}

static error read_folder(DIR *folder, struct script_job *job)
{
    struct stat link, target;
    bool has_active = lstat(job->place->active, &link) == 0 && S_ISLNK(link.st_mode) &&
                      stat(job->place->active, &target) == 0;
    struct dirent *file;
    while ((file = readdir(folder))) {
        slice name = slice_from_string(file->d_name);
        if (!slice_ends(name, suffix))
            continue;
        name.size -= suffix.size;
        if (!failed(script_name_check(name)))
            TRY(add_entry(folder, name, has_active ? &target : NULL, job));
    }
    qsort(job->entries, job->count, sizeof *job->entries, compare);
    return OK;
}

error script_files_list(void *argument)
{
    struct script_job *job = argument;
    job->count = 0;
    job->entries = ARENA_ARRAY(job->arena, struct script_entry, SCRIPT_LIST_COUNT_MAX + 1);
    TRY_MEMORY(job->entries);
    DIR *folder = opendir(job->place->folder);
    if (!folder)
        return errno == ENOENT ? OK : error_system(errno, "list scripts");
    error problem = read_folder(folder, job);
    closedir(folder);
    return problem;
}

/* ---- Reading, writing ---- */

error script_files_read(void *argument)
{
    struct script_job *job = argument;
    struct script_path path = path_of(job->place, job->name);
    struct stat facts;
    int fd = open(path.text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_system(errno, "there is no such script");
    error problem = OK;
    char *text = NULL;
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))
        problem = error_make(ERROR_NOT_FOUND, "there is no such script");
    else if (facts.st_size > SCRIPT_SIZE_MAX)
        problem = error_make(ERROR_LIMIT, "the script is too large to be read");
    else
        text = arena_alloc_bytes(job->arena, (size_t)facts.st_size + 1);
    ssize_t size = text ? pread(fd, text, (size_t)facts.st_size, 0) : 0;
    if (size < 0)
        problem = error_system(errno, "read the script");
    close(fd);
    TRY(problem);
    TRY_MEMORY(text);
    job->text = slice_of(text, (size_t)size);
    return OK;
}

static error check_space(struct script_job *job)
{
    const struct script_quota *quota = job->quota;
    uint64_t bytes = job->size, count = 1;
    job->bound = SCRIPT_BOUND_SIZE;
    if (job->size > quota->size_max)
        return error_make(ERROR_LIMIT, "the script is too large");
    TRY(script_files_list(job));
    for (size_t i = 0; i < job->count; i++) {
        if (slice_equal(job->entries[i].name, job->name)) /* its place is taken */
            continue;
        bytes += job->entries[i].size;
        count++;
    }
    job->bound = SCRIPT_BOUND_COUNT;
    if (count > quota->count_max)
        return error_make(ERROR_LIMIT, "there are too many scripts");
    job->bound = SCRIPT_BOUND_BYTES;
    if (quota->bytes_max && bytes > quota->bytes_max)
        return error_make(ERROR_LIMIT, "the scripts are too large together");
    job->bound = SCRIPT_BOUND_NONE;
    return OK;
}

error script_files_check_space(void *argument)
{
    struct script_job *job = argument;
    struct arena arena;
    arena_init(&arena, LIST_MEMORY);
    job->arena = &arena;
    error problem = check_space(job);
    arena_close(&arena);
    return problem;
}

static error write_file(const char *path, slice text)
{
    int fd;
    TRY(file_create_open(AT_FDCWD, path, 0600, &text, 1, &fd));
    error problem = fsync(fd) == 0 ? OK : error_system(errno, "sync the script");
    if (close(fd) != 0 && !failed(problem))
        problem = error_system(errno, "close the script");
    return problem;
}

error script_files_write(void *argument)
{
    struct script_job *job = argument;
    struct script_path path = path_of(job->place, job->name);
    struct stat facts;
    TRY(script_files_check_space(job));
    if (stat(job->place->folder, &facts) != 0) {
        TRY(file_make_directories(job->place->folder, 0700));
        TRY(sync_folder_of(job->place->folder));
    }
    struct script_path temporary = temporary_of(path.text);
    error problem = write_file(temporary.text, job->text);
    if (!failed(problem) && rename(temporary.text, path.text) != 0)
        problem = error_system(errno, "put the script in its place");
    if (failed(problem)) {
        unlink(temporary.text);
        return problem;
    }
    return sync_folder_of(path.text);
}

error script_files_remove(void *argument)
{
    const struct script_job *job = argument;
    struct script_path path = path_of(job->place, job->name);
    if (is_active(job->place, job->name))
        return error_make(ERROR_BUSY, "the script is active");
    if (unlink(path.text) != 0)
        return error_system(errno, "there is no such script");
    return sync_folder_of(path.text);
}

/* Under both names for a moment: at no time does the link lead nowhere, or a name vanish. */
error script_files_rename(void *argument)
{
    const struct script_job *job = argument;
    struct script_path from = path_of(job->place, job->name), to = path_of(job->place, job->to);
    bool active = is_active(job->place, job->name);
    if (link(from.text, to.text) != 0)
        return error_system(errno, errno == EEXIST ? "there is a script of that name"
                                                   : "there is no such script");
    if (active) {
        error problem = point_at(job->place, job->to);
        if (failed(problem)) {
            unlink(to.text);
            return problem;
        }
    }
    if (unlink(from.text) != 0)
        return error_system(errno, "remove the old name");
    return sync_folder_of(to.text);
}
