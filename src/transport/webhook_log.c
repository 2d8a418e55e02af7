/* SPDX-License-Identifier: GPL-3.0-or-later
 * Found at start, written, kept within its bounds; reading is webhook_log_read.c. */
#include "transport/webhook_log.h"

#include "base/cursor.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/time.h"
#include "crypto/random.h"
#include "runtime/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

METRIC_GAUGE(log_bytes, "ringmail_webhook_log_bytes", "", "Size of the files of waiting events");
METRIC_COUNTER(log_failures, "ringmail_webhook_log_failures_total", "",
               "Writes of the files of waiting events that the disk refused");
METRIC_COUNTER(dropped_total, "ringmail_webhook_dropped_total", "",
               "Events dropped because webhook.disk_max was reached");

enum { NAME_SIZE = FRAME_FILE_NAME_SIZE_MAX + 1, NUMBER_DIGITS = 8, TAKEN_ROOM = 64 };

static void name_of(const struct webhook_log *log, uint32_t number, char out_name[NAME_SIZE])
{
    snprintf(out_name, NAME_SIZE, "%s.%08x", log->stem, number);
}

/* "STEM.0000002a" is 42 of STEM. */
static bool name_parse(slice name, slice stem, uint32_t *out_number)
{
    uint32_t number = 0;
    if (name.size != stem.size + 1 + NUMBER_DIGITS || !slice_starts(name, stem) ||
        name.data[stem.size] != '.')
        return false;
    for (size_t i = stem.size + 1; i < name.size; i++) {
        char c = name.data[i];
        if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
        number = number << 4 | (uint32_t)(ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    *out_number = number;
    return number > 0;
}

static struct webhook_log_file *newest(const struct webhook_log *log)
{
    return list_is_empty(&log->files)
               ? NULL
               : CONTAINER_OF(log->files.previous, struct webhook_log_file, node);
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* How many of its events were neither read nor are done with. */
static uint64_t unread(const struct webhook_log *log, const struct webhook_log_file *file)
{
    uint64_t from = greater(file->first - 1, greater(log->taken, log->read_last));
    return file->last > from ? file->last - from : 0;
}

/* ---- Start ---- */

static error note_file(void *argument, slice name)
{
    struct webhook_log *log = argument;
    uint32_t number;
    if (!name_parse(name, slice_from_string(log->stem), &number))
        return OK;
    struct webhook_log_file *file = calloc(1, sizeof *file);
    TRY_MEMORY(file);
    file->number = number;
    struct list *at = log->files.previous; /* files come in any order */
    while (at != &log->files && CONTAINER_OF(at, struct webhook_log_file, node)->number > number)
        at = at->previous;
    list_insert_after(at, &file->node);
    log->file_number = number > log->file_number ? number : log->file_number;
    return OK;
}

struct finding {
    struct webhook_log *log;
    struct webhook_log_file *file;
};

static error note_record(void *argument, unsigned kind, slice payload)
{
    struct finding *finding = argument;
    struct webhook_log *log = finding->log;
    struct webhook_event event;
    uint64_t taken;
    if (kind == WEBHOOK_TAKEN) {
        TRY(webhook_taken_read(payload, &taken));
        log->taken = greater(log->taken, taken);
        return OK;
    }
    TRY(webhook_event_read(payload, &event));
    if (event.number <= log->last)
        return error_make(ERROR_MALFORMED, "an event out of order");
    if (finding->file->last < finding->file->first)
        finding->file->first = event.number;
    finding->file->last = log->last = event.number;
    return OK;
}

static void forget(struct webhook_log *log, struct webhook_log_file *file)
{
    log->size -= file->size;
    metric_add(&log_bytes, -(int64_t)file->size);
    list_remove(&file->node);
    free(file);
}

static void unlink_file(const struct webhook_log *log, uint32_t number)
{
    char name[NAME_SIZE];
    name_of(log, number, name);
    if (unlinkat(log->directory, name, 0) != 0 && errno != ENOENT)
        log_event(LOG_WARNING, "webhook.log.remove", error_system(errno, "cannot remove a file"),
                  slice_from_string(name));
}

static error read_file(struct webhook_log *log, struct webhook_log_file *file)
{
    char name[NAME_SIZE];
    struct finding finding = {log, file};
    const struct frame_file_reader reader = {.magic = WEBHOOK_MAGIC,
                                             .kind_last = WEBHOOK_KIND_LAST,
                                             .record = note_record,
                                             .argument = &finding};
    struct frame_file_found found;
    name_of(log, file->number, name);
    file->first = 1;
    TRY(frame_file_read(log->directory, name, &reader, &found));
    if (!found.exists) {
        forget(log, file);
        return OK;
    }
    file->salt = log->salt = found.header.salt;
    file->size = found.end;
    log->size += file->size;
    metric_add(&log_bytes, (int64_t)file->size);
    log->next = greater(log->next, found.header.generation);
    return OK;
}

static error find_files(struct webhook_log *log)
{
    char prefix[NAME_SIZE];
    struct webhook_log_file *file;
    snprintf(prefix, sizeof prefix, "%s.", log->stem);
    TRY(frame_file_list(log->directory, prefix, note_file, log));
    LIST_EACH (&log->files, file, node)
        TRY(read_file(log, file));
    log->next = greater(log->next, greater(log->last, log->taken)) + WEBHOOK_LOG_GAP;
    LIST_EACH (&log->files, file, node) {
        log->waiting += unread(log, file);
        if (file->last <= log->taken) {
            unlink_file(log, file->number);
            forget(log, file);
        }
    }
    return OK;
}

error webhook_log_open(struct webhook_log *log, int directory, const char *stem, uint64_t size_max)
{
    size_t stem_size = strlen(stem);
    if (stem_size > WEBHOOK_LOG_STEM_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the name of a webhook's files is too long");
    *log = (struct webhook_log){.directory = directory, .size_max = size_max};
    memcpy(log->stem, stem, stem_size);
    uint64_t part = size_max / WEBHOOK_LOG_FILES;
    log->file_size = part < WEBHOOK_LOG_FILE_SIZE_MIN   ? WEBHOOK_LOG_FILE_SIZE_MIN
                     : part > WEBHOOK_LOG_FILE_SIZE_MAX ? WEBHOOK_LOG_FILE_SIZE_MAX
                                                        : part;
    list_init(&log->files);
    frame_file_init(&log->file, directory);
    buffer_init(&log->staged, WEBHOOK_LOG_STAGED_MAX + TAKEN_ROOM);
    buffer_init(&log->writing, WEBHOOK_LOG_STAGED_MAX + TAKEN_ROOM);
    buffer_init(&log->window, WEBHOOK_LOG_WINDOW_SIZE);
    mutex_init(&log->turn);
    random_bytes(&log->salt, sizeof log->salt);
    log->begin_file = true; /* numbers have a gap here, and a torn end stays where it is */
    error problem = find_files(log);
    log->staged_first = log->next;
    if (failed(problem))
        webhook_log_close(log);
    return problem;
}

void webhook_log_close(struct webhook_log *log)
{
    struct webhook_log_file *file;
    LIST_EACH (&log->files, file, node)
        forget(log, file);
    frame_file_close(&log->file);
    buffer_close(&log->staged);
    buffer_close(&log->writing);
    buffer_close(&log->window);
}

/* ---- Staging ---- */

bool webhook_log_add(struct webhook_log *log, slice json, int64_t time)
{
    size_t before = log->staged.size;
    if (before + frame_size(json.size + 16) > WEBHOOK_LOG_STAGED_MAX)
        return false;
    webhook_event_write(&log->staged, log->salt,
                        &(struct webhook_event){.number = log->next, .time = time, .json = json});
    if (failed(buffer_check(&log->staged))) { /* out of memory: as if it were full */
        buffer_truncate(&log->staged, before);
        log->staged.overflow = false;
        return false;
    }
    log->last = log->next++;
    log->waiting++;
    return true;
}

void webhook_log_taken(struct webhook_log *log, uint64_t number)
{
    if (number <= log->taken)
        return;
    log->taken = number;
    log->taken_changed = true;
    if (number >= log->last) { /* what is not in a file need not go there any more */
        buffer_reset(&log->staged);
        log->waiting = 0;
    }
}

/* ---- Flushing ---- */

struct write_job {
    struct webhook_log *log; /* `writing` and `file` are the job's meanwhile */
    bool begin, sync;
    uint32_t number;
    uint64_t first;
    bool begun, appended;
};

static error write_on_worker(void *argument)
{
    struct write_job *job = argument;
    struct webhook_log *log = job->log;
    if (job->begin) {
        char name[NAME_SIZE];
        struct frame_header header = {
            .magic = WEBHOOK_MAGIC, .salt = log->salt, .generation = job->first};
        name_of(log, job->number, name);
        if (log->file.fd >= 0) /* the older one is whole before there is a newer one */
            error_ignore(frame_file_sync(&log->file)); /* its writes were told of already */
        TRY(frame_file_create(&log->file, name, &header));
        job->begun = true;
    }
    TRY(frame_file_append(&log->file, buffer_slice(&log->writing), false));
    job->appended = true;
    return job->sync ? frame_file_sync(&log->file) : OK;
}

static error note_begun(struct webhook_log *log, const struct write_job *job)
{
    struct webhook_log_file *file = calloc(1, sizeof *file);
    TRY_MEMORY(file);
    *file = (struct webhook_log_file){.number = job->number,
                                      .salt = log->salt,
                                      .size = sizeof(struct frame_header),
                                      .first = job->first,
                                      .last = job->first - 1};
    list_append(&log->files, &file->node);
    log->size += file->size;
    metric_add(&log_bytes, (int64_t)file->size);
    log->begin_file = false;
    return OK;
}

static void note_written(struct webhook_log *log)
{
    struct webhook_log_file *file = newest(log);
    file->size += log->writing.size;
    file->last = greater(file->last, log->writing_last);
    log->size += log->writing.size;
    metric_add(&log_bytes, (int64_t)log->writing.size);
    buffer_reset(&log->writing);
}

/* WAITS. Under `turn`. */
static error write_once(struct webhook_log *log, bool sync)
{
    const struct webhook_log_file *file = newest(log);
    struct write_job job = {.log = log, .sync = sync};
    if (log->begin_file || !file || file->size >= log->file_size) {
        job.begin = true;
        job.number = ++log->file_number;
        job.first = log->writing_first;
    }
    error problem = worker_run(WORKER_FILE, write_on_worker, &job);
    if (job.begun) {
        error noted = note_begun(log, &job);
        if (failed(noted)) { /* nobody would read it */
            unlink_file(log, job.number);
            log->begin_file = true;
            return noted;
        }
    }
    if (job.appended) {
        note_written(log);
        log->unsynced = !sync || failed(problem);
        log->begin_file |=
            failed(problem); /* the kernel may have forgotten what it could not sync */
    }
    if (failed(problem))
        metric_add(&log_failures, 1);
    return problem;
}

static void swap_staged(struct webhook_log *log)
{
    if (log->taken_changed)
        webhook_taken_write(&log->staged, log->salt, log->taken);
    log->taken_changed = false;
    struct buffer empty = log->writing;
    log->writing = log->staged;
    log->staged = empty;
    log->writing_first = log->staged_first;
    log->writing_last = log->last;
    log->staged_first = log->next;
}

/* ---- Bounds ---- */

struct removal {
    const struct webhook_log *log;
    uint32_t number;
};

static error remove_on_worker(void *argument)
{
    const struct removal *removal = argument;
    unlink_file(removal->log, removal->number);
    return OK;
}

/* WAITS. Under `turn`. */
static error remove_oldest(struct webhook_log *log)
{
    struct webhook_log_file *file = LIST_FIRST(&log->files, struct webhook_log_file, node);
    struct removal removal = {log, file->number};
    forget(log, file);
    return worker_run(WORKER_FILE, remove_on_worker, &removal);
}

static void tell_drop(const struct webhook_log *log, uint64_t count)
{
    metric_add(&dropped_total, (int64_t)count);
    struct log_line line = log_begin(LOG_WARNING, "webhook.drop");
    log_string(&line, "files", log->stem);
    log_number(&line, "events", (int64_t)count);
    log_number(&line, "bytes", (int64_t)log->size);
    log_number(&line, "bytes_max", (int64_t)log->size_max);
    log_end(&line);
}

/* WAITS. Under `turn`. The file that is written to stays. */
static error keep_bounds(struct webhook_log *log)
{
    for (;;) {
        const struct webhook_log_file *oldest =
            LIST_FIRST(&log->files, struct webhook_log_file, node);
        if (!oldest || oldest == newest(log))
            return OK;
        if (oldest->last > log->taken) {
            if (log->size <= log->size_max)
                return OK;
            uint64_t count = unread(log, oldest);
            log->waiting -= count < log->waiting ? count : log->waiting;
            if (count > 0)
                tell_drop(log, count);
            log->read_last = greater(log->read_last, oldest->last);
            webhook_log_taken(log, oldest->last);
        }
        TRY(remove_oldest(log));
    }
}

/* WAITS. Under `turn`. */
static error flush(struct webhook_log *log, bool sync)
{
    if (log->writing.size > 0 && log->taken >= log->writing_last) { /* the disk refused too long */
        buffer_reset(&log->writing);
        log->taken_changed = true;
    }
    if (log->writing.size > 0)
        TRY(write_once(log, sync));
    if (list_is_empty(&log->files) && log->staged.size == 0)
        log->taken_changed = false; /* there is nothing that would come again */
    if (log->staged.size > 0 || log->taken_changed || (sync && log->unsynced)) {
        swap_staged(log);
        TRY(write_once(log, sync));
    }
    return keep_bounds(log);
}

error webhook_log_flush(struct webhook_log *log, bool sync)
{
    TRY(mutex_lock(&log->turn, TIME_NEVER));
    error problem = flush(log, sync);
    mutex_unlock(&log->turn);
    return problem;
}

/* ---- Files of those who are no more ---- */

struct cleaning {
    int directory;
    const char *const *stems;
    unsigned count;
    int64_t before; /* seconds since 1970 */
};

/* "STEM.0000002a.damaged-1795341605" (data/frame_file.h): seconds since 1970, since when a person
 * could look at it. */
static bool is_put_aside(slice name, int64_t *out_since)
{
    slice rest, word, since;
    uint64_t seconds;
    if (!slice_cut_last(name, '.', &rest, &word) || !slice_cut(word, '-', &word, &since))
        return false;
    struct cursor c = cursor_over(since);
    if ((!slice_equal(word, SLICE("damaged")) && !slice_equal(word, SLICE("unknown"))) ||
        !cursor_take_u64(&c, INT64_MAX, &seconds) || !cursor_done(&c))
        return false;
    *out_since = (int64_t)seconds;
    return true;
}

static bool is_wanted(const struct cleaning *cleaning, slice name)
{
    uint32_t number;
    for (unsigned i = 0; i < cleaning->count; i++)
        if (name_parse(name, slice_from_string(cleaning->stems[i]), &number))
            return true;
    return false;
}

static error clean_file(void *argument, slice name)
{
    const struct cleaning *cleaning = argument;
    struct stat status;
    int64_t since;
    if (name.data[0] == '.' || is_wanted(cleaning, name) ||
        fstatat(cleaning->directory, name.data, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode))
        return OK;
    if (!is_put_aside(name, &since))
        since = status.st_mtime;
    if (since >= cleaning->before)
        return OK;
    error problem = unlinkat(cleaning->directory, name.data, 0) == 0
                        ? OK
                        : error_system(errno, "cannot remove a file");
    log_event(LOG_WARNING, "webhook.forgotten", problem, name);
    return OK;
}

error webhook_log_clean(int directory, const char *const *stems, unsigned count, int64_t age_s)
{
    struct cleaning cleaning = {directory, stems, count, time_wall_seconds() - age_s};
    return frame_file_list(directory, "", clean_file, &cleaning);
}
