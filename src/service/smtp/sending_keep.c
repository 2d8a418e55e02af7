/* SPDX-License-Identifier: GPL-3.0-or-later
 * Counts of what accounts have sent, over restarts: "core-NNN-of-MMM", a record for each account
 * whenever its count has changed, rewritten when most of it is old. Files of another number of
 * cores are read by all cores, each taking its own accounts, and removed once all have written
 * theirs: until then nothing is lost by a crash. What is told twice is as the newest record says.
 */
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

METRIC_COUNTER(saves_total, "ringmail_sending_saves_total", "",
               "Times that what accounts have sent was written down");
METRIC_COUNTER(failures_total, "ringmail_sending_save_failures_total", "",
               "Times that what accounts have sent could not be written down");

enum {
    FILES_MAX = 2 * CORE_COUNT_MAX,
    SAVE_SIZE_MAX = 128 << 20, /* SMTP_SENDING_ACCOUNTS_MAX records of the longest kind */
    REWRITE_SIZE_MIN = 1 << 20,
    NAME_SIZE = 32,
};

/* Whose file: which core of how many. */
struct place {
    unsigned core, count;
};

/* Of this core. */
static _Thread_local struct keep {
    struct sending_accounts *accounts;
    struct frame_file file;
    uint64_t whole; /* size of the file when it was last rewritten */
    struct crew crew;
    int64_t interval;
    struct place place;
    bool running, must_rewrite, refused;
} keep;

static void name_of(struct place place, char out_name[NAME_SIZE])
{
    snprintf(out_name, NAME_SIZE, "core-%03u-of-%03u", place.core, place.count);
}

static bool name_parse(slice name, struct place *out_place)
{
    struct cursor c = cursor_over(name);
    uint64_t core, count;
    if (!cursor_take(&c, SLICE("core-")) || !cursor_take_u64(&c, CORE_COUNT_MAX - 1, &core) ||
        !cursor_take(&c, SLICE("-of-")) || !cursor_take_u64(&c, CORE_COUNT_MAX, &count) ||
        !cursor_done(&c))
        return false;
    *out_place = (struct place){(unsigned)core, (unsigned)count};
    return true;
}

/* ---- Writing ---- */

static void write_entry(const struct keep *k, const struct sending_entry *entry, int64_t now,
                        struct buffer *out)
{
    const struct allowance_record record = {
        .account = slice_of(entry->account, entry->size), .written = now, .count = entry->count};
    allowance_record_write(out, k->file.header.salt, &record);
}

/* All that still matter; the others are forgotten. Does not wait. */
static void write_whole(struct keep *k, struct buffer *out)
{
    int64_t now = time_wall();
    struct sending_entry *entry;
    LIST_EACH (&k->accounts->recent, entry, recent) {
        list_remove(&entry->changed);
        if (allowance_is_current(&entry->count, now / TIME_S))
            write_entry(k, entry, now, out);
        else
            sending_forget(k->accounts, entry);
    }
}

static void write_changed(struct keep *k, struct buffer *out)
{
    int64_t now = time_wall();
    struct sending_entry *entry;
    LIST_EACH (&k->accounts->changed, entry, changed) {
        list_remove(&entry->changed);
        write_entry(k, entry, now, out);
    }
}

struct save_job {
    struct frame_file *file;
    struct frame_header header;
    slice records;
    struct place place;
    bool whole;
};

static error save_on_worker(void *argument)
{
    struct save_job *job = argument;
    char name[NAME_SIZE];
    name_of(job->place, name);
    return job->whole ? frame_file_replace(job->file, name, &job->header, job->records)
                      : frame_file_append(job->file, job->records, true);
}

static void tell(struct keep *k, error problem)
{
    metric_add(&saves_total, !failed(problem));
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
    if (k->accounts->count == 0 && k->file.fd < 0) /* no limits: no files */
        return OK;
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
                           .place = k->place,
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
    unsigned count;                  /* cores */
    struct place foreign[FILES_MAX]; /* files of another number of cores */
    unsigned foreign_count;
};

struct load {
    struct keep *keep;
    const struct start *start;
    int64_t now;
};

static error take_record(void *argument, unsigned kind, slice payload)
{
    const struct load *load = argument;
    struct allowance_record record;
    (void)kind;
    TRY(allowance_record_read(payload, &record));
    if (store_home_core(record.account) != load->keep->place.core ||
        !allowance_is_current(&record.count, load->now))
        return OK;
    struct sending_entry *entry = sending_find(load->keep->accounts, record.account);
    TRY_MEMORY(entry);
    if (record.written < entry->written) /* of an older file */
        return OK;
    entry->count = record.count;
    entry->written = record.written;
    return OK;
}

static error read_one(struct load *load, struct place place)
{
    char name[NAME_SIZE];
    struct frame_file_found found;
    const struct frame_file_reader reader = {.magic = ALLOWANCE_MAGIC,
                                             .kind_last = ALLOWANCE_KIND_LAST,
                                             .record = take_record,
                                             .argument = load};
    name_of(place, name);
    return frame_file_read(load->start->directory, name, &reader, &found);
}

/* On a worker, while the core waits. */
static error load_on_worker(void *argument)
{
    struct load *load = argument;
    const struct start *start = load->start;
    TRY(read_one(load, load->keep->place));
    for (unsigned i = 0; i < start->foreign_count; i++)
        TRY(read_one(load, start->foreign[i]));
    return OK;
}

static error start_core(void *argument)
{
    const struct start *start = argument;
    struct keep *k = &keep;
    *k = (struct keep){.accounts = sending_accounts(),
                       .interval = start->interval,
                       .place = {core_self(), start->count},
                       .running = true,
                       .must_rewrite = true};
    struct load load = {k, start, time_wall_seconds()};
    crew_init(&k->crew, NULL);
    frame_file_init(&k->file, start->directory);
    k->file.header = (struct frame_header){
        .magic = ALLOWANCE_MAGIC, .generation = start->count, .core = core_self()};
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
    struct place place;
    if (name_parse(name, &place) && place.count != start->count && start->foreign_count < FILES_MAX)
        start->foreign[start->foreign_count++] = place;
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
        if (unlinkat(start->directory, name, 0) != 0 && errno != ENOENT)
            return error_system(errno, "cannot remove the counts of cores that are no more");
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
