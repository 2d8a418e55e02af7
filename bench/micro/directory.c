/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a recipient costs: a resolution from the cache, a resolution from SQLite (three queries in
 * place), one query, and beside them the hop to a worker and back that they would cost there.
 */
#include "micro/measure.h"

#include "data/directory/directory.h"
#include "data/directory/edit.h"
#include "runtime/worker.h"

#include <unistd.h>

enum { USERS = 10000, ROUNDS = 20000, HOPS = 2000 };

static struct directory_settings settings;
static struct directory *directory;
static char path[64];

static void fill(void)
{
    struct directory_edit *edit;
    char name[64];
    error problem = directory_edit_open(&settings, &edit);
    if (!failed(problem))
        problem = directory_edit_begin(edit);
    if (!failed(problem))
        problem = directory_edit_domain_add(edit, SLICE("example.org"));
    for (int i = 0; i < USERS && !failed(problem); i++) {
        snprintf(name, sizeof name, "user%05d@example.org", i);
        struct directory_edit_user user = {.address = slice_from_string(name),
                                           .hash = SLICE("{PLAIN}secret")};
        problem = directory_edit_user_add(edit, &user);
    }
    if (!failed(problem))
        problem = directory_edit_commit(edit);
    if (failed(problem))
        give_up(problem);
    directory_edit_close(&edit);
}

static double resolve_once(void *argument)
{
    (void)argument;
    static unsigned number;
    struct arena arena;
    char name[64];
    arena_init(&arena, 1 << 20);
    int64_t began = cpu_now();
    for (int i = 0; i < ROUNDS; i++) {
        struct directory_resolution resolution;
        int size = snprintf(name, sizeof name, "user%05u@example.org", number++ * 7919 % USERS);
        error problem =
            directory_resolve(directory, slice_of(name, (size_t)size), &arena, &resolution);
        if (failed(problem) || resolution.count != 1)
            give_up(problem);
        arena_reset(&arena);
    }
    arena_close(&arena);
    return (double)(cpu_now() - began) / ROUNDS;
}

static double ask_once(void *argument)
{
    (void)argument;
    bool ours;
    int64_t began = cpu_now();
    for (int i = 0; i < ROUNDS; i++)
        error_ignore(directory_domain(directory, SLICE("example.org"), &ours));
    return (double)(cpu_now() - began) / ROUNDS;
}

static error nothing(void *argument)
{
    (void)argument;
    return OK;
}

/* Wall-clock time: two threads and their sleep are measured. */
static double hop_once(void *argument)
{
    (void)argument;
    instant began = time_now();
    for (int i = 0; i < HOPS; i++)
        error_ignore(worker_run(WORKER_FILE, nothing, NULL));
    return (double)(time_now() - began) / HOPS;
}

static void measure(void *argument)
{
    (void)argument;
    error problem = directory_open(&settings, &directory);
    if (failed(problem))
        give_up(problem);
    error_ignore(worker_run(WORKER_FILE, nothing, NULL));
    report_best("directory_resolve_cached", resolve_once, NULL);
    directory_close(&directory);
    settings.cache_positive = settings.cache_negative = 0;
    problem = directory_open(&settings, &directory);
    if (failed(problem))
        give_up(problem);
    report_best("directory_resolve_sqlite", resolve_once, NULL);
    report_best("directory_query_sqlite", ask_once, NULL);
    report_best("worker_hop", hop_once, NULL);
    directory_close(&directory);
}

int main(void)
{
    struct arena arena;
    char folder[] = "/tmp/ringmail-bench-XXXXXX", other[80];
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/directory.sqlite", folder);
    arena_init(&arena, 1 << 16);
    error problem = settings_default(&directory_setting_table, &arena, &settings);
    if (failed(problem))
        give_up(problem);
    settings.path = slice_from_string(path);
    fill();
    run_on_a_core(measure);
    unlink(path);
    static const char *const suffixes[] = {"-wal", "-shm"};
    for (int i = 0; i < 2; i++) {
        snprintf(other, sizeof other, "%s%s", path, suffixes[i]);
        unlink(other);
    }
    rmdir(folder);
    arena_close(&arena);
    return 0;
}
