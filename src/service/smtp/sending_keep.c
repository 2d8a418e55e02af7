/* SPDX-License-Identifier: GPL-3.0-or-later
 * Counts of what accounts have sent, over restarts: "core-NNN", a record for each account whenever
 * its count has changed, rewritten when most of it is old. The header's `generation` is the number
 * of cores; files of another number are read by all cores, each taking its own accounts. */
#include "service/smtp/sending.h"

#include "base/cursor.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/time.h"
#include "crypto/random.h"
#include "data/frame_file.h"
#include "data/store/store.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "runtime/worker.h"
#include "service/smtp/sending_state.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

METRIC_COUNTER(failures_total, "ringmail_sending_save_failures_total", "",
               "Times that what accounts have sent could not be written down");

enum {
    FILES_MAX = CORE_COUNT_MAX,
    SAVE_SIZE_MAX = 128 << 20, /* SMTP_SENDING_ACCOUNTS_MAX records of the longest kind */
    REWRITE_SIZE_MIN = 1 << 20,
    NAME_SIZE = 16,
};

/* Of this core. */
static _Thread_local struct keep {
    struct sending_accounts *accounts;
    struct frame_file file;
    uint64_t whole; /* size of the file when it was last rewritten */
    struct crew crew;
    int64_t interval;
    unsigned core, count;
    bool running, must_rewrite, refused;
} keep;

static void name_of(unsigned core, char out_name[NAME_SIZE])
{
    snprintf(out_name, NAME_SIZE, "core-%03u", core);
}

/* ---- Writing ---- */

/* All that still matter; the others are forgotten. Does not wait. */
static void write_whole(struct keep *k, struct buffer *out)
{
    int64_t now = time_wall_seconds();
    struct sending_entry *entry;
    LIST_EACH (&k->accounts->recent, entry, recent) {
        list_remove(&entry->changed);
        if (allowance_is_current(&entry->count, now))
            allowance_record_write(out, k->file.header.salt, slice_of(entry->account, entry->size),
                                   &entry->count);
        else
            sending_forget(k->accounts, entry);
    }
}

static void write_changed(struct keep *k, struct buffer *out)
{
    struct sending_entry *entry;
    LIST_EACH (&k->accounts->changed, entry, changed) {
        list_remove(&entry->changed);
        allowance_record_write(out, k->file.header.salt, slice_of(entry->account, entry->size),
                               &entry->count);
    }
}

struct save_job {
    struct frame_file *file;
    struct frame_header header;
    slice records;
    unsigned core;
    bool whole;
};

static error save_on_worker(void *argument)
{
    struct save_job *job = argument;
    char name[NAME_SIZE];
    name_of(job->core, name);
    return job->whole ? frame_file_replace(job->file, name, &job->header, job->records)
                      : frame_file_append(job->file, job->records, true);
}

static void tell(struct keep *k, error problem)
{
    metric_add(&failures_total, failed(problem));
    if (failed(problem) != k->refused)
        log_event(failed(problem) ? LOG_ERROR : LOG_INFO,
                  failed(problem) ? "smtp.sending.trouble" : "smtp.sending.recovered", problem,
                  SLICE_EMPTY);
    k->refused = failed(problem);
}

/* WAITS. One fiber at a time. */
static error save(struct keep *k)
{
    struct buffer records;
    bool whole = k->must_rewrite || k->file.fd < 0 ||
                 (k->file.size > REWRITE_SIZE_MIN && k->file.size > 2 * k->whole);
    if (!whole && list_is_empty(&k->accounts->changed))
        return OK;
    buffer_init(&records, SAVE_SIZE_MAX);
    if (whole)
        write_whole(k, &records);
    else
        write_changed(k, &records);
    struct save_job job = {.file = &k->file,
                           .header = k->file.header,
                           .records = buffer_slice(&records),
                           .core = k->core,
                           .whole = whole};
    error problem = buffer_check(&records);
    if (!failed(problem))
        problem = worker_run(WORKER_FILE, save_on_worker, &job);
    buffer_close(&records);
    k->must_rewrite = failed(problem); /* none of these is marked as changed any more */
    if (!failed(problem) && whole)
        k->whole = k->file.size;
    tell(k, problem);
    return problem;
}

static void run(void *argument)
{
    struct keep *k = argument;
    while (!failed(fiber_sleep(k->interval)))
        error_ignore(save(k)); /* told; tried again */
}

/* ---- Reading ---- */

struct start {
    int directory;
    int64_t interval;
    unsigned count; /* cores */
    /* Files of another number of cores, or of cores that are no more. */
    unsigned foreign[FILES_MAX], foreign_count;
};

struct load {
    struct keep *keep;
    const struct start *start;
    int64_t now;
};

static error take_record(void *argument, unsigned kind, slice payload)
{
    const struct load *load = argument;
    struct allowance_count count;
    slice account;
    (void)kind;
    TRY(allowance_record_read(payload, &account, &count));
    if (store_home_core(account) != load->keep->core || !allowance_is_current(&count, load->now))
        return OK;
    struct sending_entry *entry = sending_find(load->keep->accounts, account);
    TRY_MEMORY(entry);
    allowance_merge(&entry->count, &count);
    return OK;
}

static error read_one(struct load *load, unsigned number)
{
    char name[NAME_SIZE];
    struct frame_file_found found;
    const struct frame_file_reader reader = {.magic = ALLOWANCE_MAGIC,
                                             .kind_last = ALLOWANCE_KIND_LAST,
                                             .record = take_record,
                                             .argument = load};
    name_of(number, name);
    return frame_file_read(load->start->directory, name, &reader, &found);
}

/* On a worker, while the core waits. */
static error load_on_worker(void *argument)
{
    struct load *load = argument;
    const struct start *start = load->start;
    TRY(read_one(load, load->keep->core));
    for (unsigned i = 0; i < start->foreign_count; i++)
        if (start->foreign[i] != load->keep->core)
            TRY(read_one(load, start->foreign[i]));
    return OK;
}

static error start_core(void *argument)
{
    const struct start *start = argument;
    struct keep *k = &keep;
    *k = (struct keep){.accounts = sending_accounts(),
                       .interval = start->interval,
                       .core = core_self(),
                       .count = start->count,
                       .running = true,
                       .must_rewrite = true};
    struct load load = {k, start, time_wall_seconds()};
    crew_init(&k->crew, NULL);
    frame_file_init(&k->file, start->directory);
    k->file.header =
        (struct frame_header){.magic = ALLOWANCE_MAGIC, .generation = k->count, .core = k->core};
    random_bytes(&k->file.header.salt, sizeof k->file.header.salt);
    error problem = worker_run(WORKER_FILE, load_on_worker, &load);
    if (failed(problem)) { /* what is in the file is worth more than what is not */
        k->running = false;
        return problem;
    }
    problem = save(k); /* into a file of its own */
    TRY(fiber_start(&k->crew, "sending", run, k));
    return problem;
}

/* ---- All of them ---- */

static error note_file(void *argument, slice name)
{
    struct start *start = argument;
    struct cursor c = cursor_over(name);
    struct frame_file_found found = {0};
    const struct frame_file_reader reader = {.magic = ALLOWANCE_MAGIC};
    uint64_t number;
    if (!cursor_take(&c, SLICE("core-")) || !cursor_take_u64(&c, FILES_MAX - 1, &number) ||
        !cursor_done(&c))
        return OK;
    TRY(frame_file_read(start->directory, name.data, &reader, &found));
    if (found.exists && (found.header.generation != start->count || number >= start->count) &&
        start->foreign_count < FILES_MAX)
        start->foreign[start->foreign_count++] = (unsigned)number;
    return OK;
}

static error look_around(void *argument)
{
    struct start *start = argument;
    return frame_file_list(start->directory, "core-", note_file, start);
}

static error remove_foreign(void *argument)
{
    const struct start *start = argument;
    for (unsigned i = 0; i < start->foreign_count; i++) {
        char name[NAME_SIZE];
        name_of(start->foreign[i], name);
        if (start->foreign[i] >= start->count && unlinkat(start->directory, name, 0) != 0 &&
            errno != ENOENT)
            return error_system(errno, "cannot remove the counts of a core that is no more");
    }
    return OK;
}

struct opening {
    const char *path;
    struct start start;
};

static error open_on_worker(void *argument)
{
    struct opening *opening = argument;
    TRY(frame_file_directory(opening->path, &opening->start.directory));
    return look_around(&opening->start);
}

error smtp_sending_start(const struct smtp_sending_options *options)
{
    struct opening opening = {
        .path = options->path,
        .start = {.directory = -1, .interval = options->save_interval, .count = core_count()},
    };
    TRY(worker_run(WORKER_FILE, open_on_worker, &opening));
    error problem = core_broadcast(start_core, &opening.start);
    /* What was not written anew must not go. A disk that refuses is no reason not to serve. */
    if (!failed(problem))
        problem = worker_run(WORKER_FILE, remove_foreign, &opening.start);
    if (failed(problem))
        log_event(LOG_ERROR, "smtp.sending.start", problem, slice_from_string(options->path));
    return OK;
}

static error stop_core(void *unused)
{
    struct keep *k = &keep;
    (void)unused;
    if (!k->running)
        return OK;
    crew_close(&k->crew);
    error_ignore(save(k)); /* told */
    frame_file_close(&k->file);
    k->running = false;
    return OK;
}

void smtp_sending_stop(void)
{
    int directory = keep.running ? keep.file.directory : -1;
    error_ignore(core_broadcast(stop_core, NULL)); /* it cannot fail */
    if (directory >= 0)
        close(directory);
}
