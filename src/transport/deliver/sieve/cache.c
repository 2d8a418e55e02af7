/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/sieve/cache.h"

#include "base/map.h"
#include "base/metric.h"
#include "runtime/core.h"
#include "runtime/file.h"

#include <stdlib.h>

METRIC_COUNTER(compiled, "ringmail_sieve_compiled_total", "", "Sieve scripts compiled");
METRIC_GAUGE(kept, "ringmail_sieve_scripts_kept", "", "Compiled Sieve scripts in memory");

static _Thread_local struct map by_path;
static _Thread_local struct list by_use;
static _Thread_local unsigned kept_count;

static error begin_core(void)
{
    map_init(&by_path);
    list_init(&by_use);
    kept_count = 0;
    return OK;
}

static void destroy(struct sieve_cached *cached)
{
    sieve_script_destroy(&cached->script);
    free(cached->path);
    free(cached);
}

static void take_out(struct sieve_cached *cached)
{
    map_remove(&by_path, slice_from_string(cached->path));
    list_remove(&cached->node);
    kept_count--;
    metric_add(&kept, -1);
    cached->stale = true;
    if (cached->users == 0)
        destroy(cached);
}

static void end_core(void)
{
    while (!list_is_empty(&by_use))
        take_out(LIST_FIRST(&by_use, struct sieve_cached, node));
    map_close(&by_path);
}

__attribute__((constructor)) static void begin_cores(void)
{
    core_on_start(begin_core, end_core);
}

static void make_room(void)
{
    struct list *node = by_use.previous;
    while (kept_count > SIEVE_CACHED_MAX && node != &by_use) {
        struct sieve_cached *oldest = CONTAINER_OF(node, struct sieve_cached, node);
        node = node->previous;
        if (oldest->users == 0)
            take_out(oldest);
    }
}

static error put(struct sieve_cached *cached)
{
    struct sieve_cached *before = map_get(&by_path, slice_from_string(cached->path));
    if (before)
        take_out(before);
    TRY(map_put(&by_path, slice_from_string(cached->path), cached));
    list_prepend(&by_use, &cached->node);
    kept_count++;
    metric_add(&kept, 1);
    make_room();
    return OK;
}

/* WAITS. */
static error compile(const char *path, const struct script_version *version, struct arena *arena,
                     struct sieve_cached **out_cached)
{
    slice text;
    TRY(file_read(path, SCRIPT_SIZE_MAX, arena, &text));
    struct sieve_cached *cached = calloc(1, sizeof *cached);
    TRY_MEMORY(cached);
    cached->path = strdup(path);
    cached->version = *version;
    cached->users = 1;
    error problem = cached->path ? sieve_compile(text, &cached->script, &cached->problem)
                                 : error_make(ERROR_TEMPORARY, "out of memory");
    metric_add(&compiled, 1);
    if (problem.kind == ERROR_MALFORMED || problem.kind == ERROR_LIMIT)
        problem = OK; /* what is wrong with it is in `problem` */
    if (!failed(problem))
        problem = put(cached);
    if (failed(problem)) {
        destroy(cached);
        return problem;
    }
    *out_cached = cached;
    return OK;
}

error sieve_cache_get(const char *path, const struct script_version *version,
                      struct sieve_cached **out_cached)
{
    struct sieve_cached *cached = map_get(&by_path, slice_from_string(path));
    if (cached && script_version_equal(&cached->version, version)) {
        cached->users++;
        list_remove(&cached->node);
        list_prepend(&by_use, &cached->node);
        *out_cached = cached;
        return OK;
    }
    struct arena arena;
    arena_init(&arena, SCRIPT_SIZE_MAX + 4096);
    error problem = compile(path, version, &arena, out_cached);
    arena_close(&arena);
    return problem;
}

void sieve_cache_release(struct sieve_cached **cached)
{
    struct sieve_cached *released = *cached;
    *cached = NULL;
    if (released && --released->users == 0 && released->stale)
        destroy(released);
}
