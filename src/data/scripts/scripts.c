/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/scripts/scripts.h"

#include "base/metric.h"
#include "base/utf8.h"
#include "data/scripts/files.h"
#include "data/scripts/settings.h"
#include "runtime/core.h"
#include "runtime/wait.h"
#include "runtime/worker.h"

#include <errno.h>

METRIC_COUNTER(changes, "ringmail_sieve_script_changes_total", "",
               "Sieve scripts written, removed, renamed or activated");

/* One change at a time on a core: they are rare, and quotas are looked up before they hold. */
static _Thread_local struct mutex changing;

static error begin_core(void)
{
    mutex_init(&changing);
    return OK;
}

__attribute__((constructor)) static void begin_cores(void)
{
    core_on_start(begin_core, NULL);
}

static error expand(slice path, const char *home, struct arena *arena, const char **out_path)
{
    slice whole = path;
    if (slice_starts(path, SLICE("~")))
        TRY(arena_format(arena, &whole, "%s%.*s", home, SLICE_ARG(slice_from(path, 1))));
    if (whole.size >= SCRIPT_PATH_SIZE_MAX)
        return error_make(ERROR_LIMIT, "a path of scripts is too long");
    return arena_string(arena, whole, out_path);
}

error script_place_make(const struct sieve_settings *settings, const char *home,
                        struct arena *arena, struct script_place *out_place)
{
    struct script_place place;
    TRY(expand(settings->path, home, arena, &place.folder));
    TRY(expand(settings->active, home, arena, &place.active));
    *out_place = place;
    return OK;
}

bool script_active_path(const struct sieve_settings *settings, const char *home,
                        char out_path[SCRIPT_PATH_SIZE_MAX])
{
    bool in_home = slice_starts(settings->active, SLICE("~"));
    slice rest = in_home ? slice_from(settings->active, 1) : settings->active;
    size_t size = in_home ? strlen(home) : 0;
    if (size + rest.size >= SCRIPT_PATH_SIZE_MAX)
        return false;
    memcpy(out_path, home, size);
    memcpy(out_path + size, rest.data, rest.size);
    out_path[size + rest.size] = '\0';
    return true;
}

error script_path(slice folder, slice name, struct arena *arena, const char **out_path)
{
    slice whole;
    TRY(script_name_check(name));
    TRY(arena_format(arena, &whole, "%.*s/%.*s.sieve", SLICE_ARG(folder), SLICE_ARG(name)));
    return arena_string(arena, whole, out_path);
}

struct script_quota script_quota_of(const struct sieve_settings *settings)
{
    return (struct script_quota){.size_max = settings->script_size_max,
                                 .count_max = settings->scripts_max,
                                 .bytes_max = settings->storage_max};
}

/* RFC 5804 1.6: no control characters, no line or paragraph separators. */
static bool is_forbidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == '/';
}

error script_name_check(slice name)
{
    if (name.size == 0 || name.data[0] == '.')
        return error_make(ERROR_MALFORMED, "a script cannot have this name");
    if (name.size > SCRIPT_NAME_SIZE_MAX)
        return error_make(ERROR_MALFORMED, "the script's name is too long");
    while (name.size > 0) {
        uint32_t point;
        size_t size = utf8_decode(name, &point);
        if (size == 0)
            return error_make(ERROR_MALFORMED, "the script's name is not UTF-8");
        if (is_forbidden(point))
            return error_make(ERROR_MALFORMED, "a script cannot have this name");
        name = slice_from(name, size);
    }
    return OK;
}

error script_look(const char *path, struct script_version *out_version)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        return errno == ENOTDIR ? error_make(ERROR_NOT_FOUND, "no such script")
                                : error_system(errno, "look at a script");
    if (!S_ISREG(facts.st_mode))
        return error_make(ERROR_NOT_FOUND, "no script, but something else");
    *out_version = (struct script_version){
        .device = facts.st_dev,
        .inode = facts.st_ino,
        .size = (uint64_t)facts.st_size,
        .changed_ns = facts.st_ctim.tv_sec * TIME_S + facts.st_ctim.tv_nsec,
        .modified_ns = facts.st_mtim.tv_sec * TIME_S + facts.st_mtim.tv_nsec,
    };
    return OK;
}

/* ---- On a worker ---- */

static error change(error (*function)(void *), struct script_job *job)
{
    TRY(mutex_lock(&changing, TIME_NEVER));
    error problem = worker_run(WORKER_FILE, function, job);
    mutex_unlock(&changing);
    metric_add(&changes, !failed(problem));
    return problem;
}

error script_list(const struct script_place *place, struct arena *arena,
                  const struct script_entry **out_entries, size_t *out_count)
{
    struct script_job job = {.place = place, .arena = arena};
    TRY(worker_run(WORKER_FILE, script_files_list, &job));
    *out_entries = job.entries;
    *out_count = job.count;
    return OK;
}

error script_read(const struct script_place *place, slice name, struct arena *arena,
                  slice *out_text)
{
    struct script_job job = {.place = place, .name = name, .arena = arena};
    TRY(script_name_check(name));
    TRY(worker_run(WORKER_FILE, script_files_read, &job));
    *out_text = job.text;
    return OK;
}

error script_check_space(const struct script_place *place, slice name, uint64_t size,
                         const struct script_quota *quota, enum script_bound *out_bound)
{
    struct script_job job = {.place = place, .name = name, .size = size, .quota = quota};
    TRY(script_name_check(name));
    error problem = worker_run(WORKER_FILE, script_files_check_space, &job);
    *out_bound = job.bound;
    return problem;
}

error script_write(const struct script_place *place, slice name, slice text,
                   const struct script_quota *quota, enum script_bound *out_bound)
{
    struct script_job job = {
        .place = place, .name = name, .text = text, .size = text.size, .quota = quota};
    TRY(script_name_check(name));
    error problem = change(script_files_write, &job);
    *out_bound = job.bound;
    return problem;
}

error script_remove(const struct script_place *place, slice name)
{
    struct script_job job = {.place = place, .name = name};
    TRY(script_name_check(name));
    return change(script_files_remove, &job);
}

error script_rename(const struct script_place *place, slice from, slice to)
{
    struct script_job job = {.place = place, .name = from, .to = to};
    TRY(script_name_check(from));
    TRY(script_name_check(to));
    return change(script_files_rename, &job);
}

error script_activate(const struct script_place *place, slice name)
{
    struct script_job job = {.place = place, .name = name};
    if (name.size)
        TRY(script_name_check(name));
    return change(script_files_activate, &job);
}
