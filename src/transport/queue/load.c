/* SPDX-License-Identifier: GPL-3.0-or-later
 * Start: every core reads its log in one sweep on a worker, and those of cores that are no more
 * (number n goes to core n modulo the count), whose mails it writes into its own at once. Segments
 * that no log names are removed, unless a log was damaged. */
#include "transport/queue/state.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metric.h"
#include "data/store/store.h"
#include "runtime/core.h"
#include "runtime/file.h"
#include "runtime/message.h"
#include "runtime/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

METRIC_COUNTER(log_damaged, "ringmail_queue_log_damaged_total", "",
               "Places in the queue's logs that could not be read");

enum {
    READ_SIZE = 4 << 20,
    RECORD_SIZE_USUAL = 300, /* bytes: how many mails a log has is guessed by it */
};

/* ---- One record after another ---- */

static error segment_of(struct keep_core *keep, uint32_t number, struct spool_segment **out)
{
    *out = keep->last_segment; /* one after another lie in the same */
    if (*out && (*out)->number == number)
        return OK;
    *out = keep->last_segment = id_map_get(&keep->segments, number);
    if (*out)
        return OK;
    TRY(spool_adopt(&keep->spool, number, out));
    for (size_t i = 0; i < keep_shared.file_count; i++)
        if (keep_shared.files[i].number == number)
            atomic_store(&keep_shared.files[i].used, true);
    return id_map_put(&keep->segments, number, *out);
}

static error content_of(struct keep_core *keep, const struct log_place *place,
                        struct queue_content **out_content)
{
    struct queue_content *content =
        place->sharers > 1 ? id_map_get(&keep->contents, place->content) : NULL;
    if (content) {
        *out_content = content;
        return OK;
    }
    content = malloc(sizeof *content);
    TRY_MEMORY(content);
    *content = (struct queue_content){0};
    content->id = place->content;
    content->size = place->size;
    content->prefix_size = place->prefix_size;
    content->sharers = (uint16_t)place->sharers;
    list_init(&content->segment_node);
    atomic_init(&content->pins, -1);
    error problem = place->sharers > 1 ? id_map_put(&keep->contents, content->id, content) : OK;
    if (failed(problem)) {
        free(content);
        return problem;
    }
    *out_content = content;
    return OK;
}

/* The mail goes; a shared content is forgotten with its last. */
static void forget(struct keep_core *keep, struct queue_mail *mail)
{
    const struct queue_content *content = mail->content;
    if (content->references == 1 && content->sharers > 1)
        id_map_remove(&keep->contents, content->id);
    keep->log.live -= mail->log_size;
    atomic_fetch_sub(&keep_shared.mails, 1); /* which the end of the sweep adds */
    keep_mail_forget(keep, &mail);
}

static error take_mail(struct keep_core *keep, slice payload)
{
    struct log_place place;
    struct cursor record;
    queue_id id;
    TRY(log_mail_begin(payload, &place, &id, &record));
    if (keep->done.count > 0 && id_map_get(&keep->done, id))
        return OK; /* another log, older than the one that has it done */
    struct queue_mail *mail = id_map_get(&keep->mails, id);
    if (mail)
        forget(keep, mail);
    struct spool_segment *segment;
    struct queue_content *content;
    TRY(segment_of(keep, place.segment, &segment));
    TRY(content_of(keep, &place, &content));
    error problem = record_mail_load(record, content, &mail);
    if (!failed(problem)) {
        mail->owner = keep->core;
        mail->logged = true;
        mail->log_size = (uint32_t)frame_size(payload.size);
        problem = keep_mail_put(keep, mail);
        if (failed(problem))
            queue_mail_free(&mail);
    }
    if (failed(problem)) {
        if (content->references == 0) {
            if (content->sharers > 1)
                id_map_remove(&keep->contents, content->id);
            keep_content_free(keep, content);
        }
        return problem;
    }
    spool_attach(&keep->spool, content, segment, place.offset);
    keep->log.live += mail->log_size;
    if (mail->id > keep->id_high)
        keep->id_high = mail->id;
    return OK;
}

static error take_state(struct keep_core *keep, slice payload)
{
    struct log_state state;
    TRY(log_state_read(payload, &state));
    struct queue_mail *mail = id_map_get(&keep->mails, state.id);
    if (!mail)
        return OK;
    mail->held = state.held;
    mail->warned = state.warned;
    if (!state.has_item || state.item >= mail->item_count)
        return OK;
    return record_item_read(&state.at_item, &mail->items[state.item]);
}

static error take_outcomes(struct keep_core *keep, slice payload)
{
    struct record_outcomes outcomes;
    struct record_outcome outcome;
    TRY(record_outcomes_read(payload, &outcomes));
    struct queue_mail *mail = id_map_get(&keep->mails, outcomes.id);
    while (mail && record_outcomes_next(&outcomes, &outcome))
        record_outcome_apply(mail, outcome);
    return OK;
}

static error take_move(struct keep_core *keep, slice payload)
{
    queue_id id;
    uint32_t number;
    uint64_t offset;
    TRY(log_move_read(payload, &id, &number, &offset));
    struct queue_mail *mail = id_map_get(&keep->mails, id);
    struct spool_segment *segment;
    if (!mail)
        return OK;
    TRY(segment_of(keep, number, &segment));
    spool_attach(&keep->spool, mail->content, segment, offset);
    return OK;
}

static error take_done(struct keep_core *keep, slice payload)
{
    queue_id id;
    TRY(log_done_read(payload, &id));
    struct queue_mail *mail = id_map_get(&keep->mails, id);
    keep_id_seen(id);
    if (mail)
        forget(keep, mail);
    return id_map_put(&keep->done, id, keep); /* the journal may still bring it */
}

static error take_record(struct keep_core *keep, enum log_kind kind, slice payload)
{
    switch (kind) {
    case LOG_MAIL:
        return take_mail(keep, payload);
    case LOG_STATE:
        return take_state(keep, payload);
    case LOG_OUTCOMES:
        return take_outcomes(keep, payload);
    case LOG_MOVE:
        return take_move(keep, payload);
    case LOG_DONE:
        return take_done(keep, payload);
    }
    return error_make(ERROR_MALFORMED, "no such record");
}

/* ---- One file ---- */

struct sweep {
    struct keep_core *keep;
    unsigned core; /* whose log */
    int fd;
    struct buffer window;
    uint64_t window_at; /* in the file */
    uint64_t file_size;
    struct frame_header header;
    bool has_header;
    uint64_t good_end; /* in the file, behind the last good record */
    uint64_t records, bad;
};

/* More of the file, behind what is left of the window from `at` on. */
static error refill(struct sweep *sweep, size_t at)
{
    buffer_consume(&sweep->window, at);
    sweep->window_at += at;
    char *to = buffer_reserve(&sweep->window, READ_SIZE);
    TRY_MEMORY(to);
    ssize_t got = pread(sweep->fd, to, READ_SIZE, (off_t)(sweep->window_at + sweep->window.size));
    if (got < 0)
        return error_system(errno, "cannot read a log of the queue");
    if (got == 0) /* shorter than it was a moment ago */
        sweep->file_size = sweep->window_at + sweep->window.size;
    buffer_commit(&sweep->window, (size_t)got);
    /* The disk brings the next while this is read. */
    (void)posix_fadvise(sweep->fd, (off_t)(sweep->window_at + sweep->window.size), READ_SIZE,
                        POSIX_FADV_WILLNEED);
    return OK;
}

static error sweep_records(struct sweep *sweep)
{
    struct frame_scan scan = {
        .at = sizeof(struct frame_header), .salt = sweep->header.salt, .kind_last = LOG_KIND_LAST};
    error problem = OK;
    while (!failed(problem)) {
        unsigned kind;
        slice payload;
        scan.window = buffer_slice(&sweep->window);
        scan.last = sweep->window_at + sweep->window.size >= sweep->file_size;
        enum frame_scan_result result = frame_scan_next(&scan, &kind, &payload);
        if (result == FRAME_SCAN_END)
            break;
        if (result == FRAME_SCAN_MORE) {
            problem = refill(sweep, scan.at);
            scan.at = 0;
            continue;
        }
        sweep->good_end = sweep->window_at + scan.at;
        sweep->records++;
        problem = take_record(sweep->keep, (enum log_kind)kind, payload);
        if (problem.kind == ERROR_MALFORMED) { /* its sum is right: our own fault, once */
            sweep->bad++;
            problem = OK;
        }
    }
    sweep->bad += scan.damaged;
    return problem;
}

static error sweep_open(struct sweep *sweep)
{
    char name[16];
    struct stat status;
    queue_log_name(sweep->core, name);
    sweep->fd = openat(keep_shared.directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (sweep->fd < 0)
        return error_system(errno, "cannot open a log of the queue");
    if (fstat(sweep->fd, &status) != 0)
        return error_system(errno, "cannot look at a log of the queue");
    sweep->file_size = (uint64_t)status.st_size;
    TRY(id_map_reserve(&sweep->keep->mails, sweep->file_size / RECORD_SIZE_USUAL));
    TRY(refill(sweep, 0));
    sweep->has_header = frame_header_read(buffer_slice(&sweep->window), LOG_MAGIC,
                                          &sweep->header) == FRAME_HEADER_GOOD;
    sweep->good_end = sizeof sweep->header;
    return OK;
}

/* Nothing in it can be told from noise: out of the way, for a person to look at. */
static error put_aside(const struct sweep *sweep)
{
    char name[16], aside[64];
    queue_log_name(sweep->core, name);
    snprintf(aside, sizeof aside, "%s.damaged-%lld", name, (long long)time_wall_seconds());
    if (renameat(keep_shared.directory, name, keep_shared.directory, aside) != 0)
        return error_system(errno, "cannot put a damaged log aside");
    return OK;
}

static void report(const struct sweep *sweep)
{
    metric_add(&log_damaged, (int64_t)sweep->bad);
    atomic_fetch_add(&keep_shared.damaged, sweep->bad);
    struct log_line line = log_begin(LOG_ERROR, "queue.log.damaged");
    log_string(&line, "path", keep_shared.path);
    log_number(&line, "core", sweep->core);
    log_number(&line, "places", (int64_t)sweep->bad);
    log_number(&line, "records_read", (int64_t)sweep->records);
    log_end(&line);
}

/* Blocks. */
static error sweep_log(struct sweep *sweep)
{
    buffer_init(&sweep->window, READ_SIZE + 2 * (size_t)FRAME_PAYLOAD_SIZE_MAX);
    error problem = sweep_open(sweep);
    if (!failed(problem) && sweep->has_header)
        problem = sweep_records(sweep);
    else if (!failed(problem) && sweep->file_size > 0) {
        sweep->bad++;
        problem = put_aside(sweep);
    }
    if (sweep->fd >= 0)
        close(sweep->fd);
    buffer_close(&sweep->window);
    if (sweep->bad)
        report(sweep);
    return problem.kind == ERROR_NOT_FOUND ? OK : problem;
}

/* ---- One core ---- */

static struct queue_mail *next_mail(void *argument)
{
    struct keep_core *keep = argument;
    struct queue_mail *mail = keep->walk;
    if (mail)
        keep->walk = mail->node.next == &keep->all
                         ? NULL
                         : CONTAINER_OF(mail->node.next, struct queue_mail, node);
    return mail;
}

static error adopt_logs(struct keep_core *keep, unsigned count, uint64_t *out_bad)
{
    for (unsigned core = count; core < keep_shared.log_cores; core++) {
        if (core % count != keep->core)
            continue;
        struct sweep sweep = {.keep = keep, .core = core, .fd = -1};
        TRY(sweep_log(&sweep));
        *out_bad += sweep.bad;
    }
    return OK;
}

static error remove_adopted(struct keep_core *keep, unsigned count)
{
    for (unsigned core = count; core < keep_shared.log_cores; core++) {
        char name[16];
        queue_log_name(core, name);
        if (core % count == keep->core && unlinkat(keep_shared.directory, name, 0) != 0 &&
            errno != ENOENT)
            return error_system(errno, "cannot remove the log of a core that is no more");
    }
    return OK;
}

static error sweep_all(struct keep_core *keep)
{
    unsigned count = keep->core_count;
    struct sweep sweep = {.keep = keep, .core = keep->core, .fd = -1};
    TRY(sweep_log(&sweep));
    TRY(queue_log_open(&keep->log, sweep.has_header ? &sweep.header : NULL, sweep.good_end));
    uint64_t bad = sweep.bad;
    TRY(adopt_logs(keep, count, &bad));
    if (bad || count < keep_shared.log_cores) {
        keep->walk =
            list_is_empty(&keep->all) ? NULL : LIST_FIRST(&keep->all, struct queue_mail, node);
        TRY(queue_log_rewrite_in_place(&keep->log, next_mail, keep));
        TRY(remove_adopted(keep, count));
    }
    return OK;
}

error keep_sweep(void *argument)
{
    struct keep_core *keep = argument;
    keep->sweeping = true;
    error problem = sweep_all(keep);
    keep->sweeping = false;
    keep_count_mails(keep->swept);
    atomic_fetch_add(&keep_shared.mails, keep->swept);
    if (keep->id_high > 0)
        keep_id_seen(keep->id_high);
    return problem;
}

void keep_begin(struct keep_core *keep, unsigned core, unsigned count)
{
    ASSERT(!keep->loaded);
    memset(keep, 0, sizeof *keep);
    keep->core = core;
    keep->core_count = count;
    list_init(&keep->all);
    list_init(&keep->memory);
    list_init(&keep->hurried);
    list_init(&keep->chosen);
    list_init(&keep->lingering);
    list_init(&keep->waiters);
    condition_init(&keep->memory_freed);
    condition_init(&keep->wanted);
    condition_init(&keep->round_done);
    condition_init(&keep->rewrite_wanted);
    spool_init(&keep->spool, keep_shared.directory);
    queue_log_init(&keep->log, keep_shared.directory, keep->core);
    keep->loaded = true;
}

/* ---- All of them ---- */

static bool log_name_parse(slice name, uint64_t *out_core)
{
    struct cursor c = cursor_over(name);
    return cursor_take(&c, SLICE("log-")) && cursor_take_u64(&c, CORE_COUNT_MAX - 1, out_core) &&
           cursor_done(&c);
}

static error note_file(slice name)
{
    uint64_t core;
    uint32_t number;
    if (log_name_parse(name, &core) && core >= keep_shared.log_cores)
        keep_shared.log_cores = (unsigned)core + 1;
    if (!spool_name_parse(name, &number))
        return OK;
    struct keep_file *grown =
        realloc(keep_shared.files, (keep_shared.file_count + 1) * sizeof *grown);
    TRY_MEMORY(grown);
    keep_shared.files = grown;
    grown[keep_shared.file_count].number = number;
    atomic_init(&grown[keep_shared.file_count++].used, false);
    spool_number_seen(number);
    return OK;
}

static error look_around(void *unused)
{
    (void)unused;
    TRY(file_make_directories(keep_shared.path, 0700));
    if (keep_shared.directory >= 0) /* of an earlier life */
        close(keep_shared.directory);
    keep_shared.directory = open(keep_shared.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (keep_shared.directory < 0)
        return error_system(errno, "cannot open the queue's directory");
    int fd = openat(keep_shared.directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (!listing)
        return error_system(errno, "cannot list the queue's directory");
    error problem = OK;
    for (struct dirent *entry; !failed(problem) && (entry = readdir(listing));)
        problem = note_file(slice_from_string(entry->d_name));
    closedir(listing);
    return problem;
}

static error remove_unused(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < keep_shared.file_count; i++) {
        char name[32];
        if (atomic_load(&keep_shared.files[i].used))
            continue;
        snprintf(name, sizeof name, "spool-%08x", keep_shared.files[i].number);
        if (unlinkat(keep_shared.directory, name, 0) != 0 && errno != ENOENT)
            return error_system(errno, "cannot remove a segment of the spool");
    }
    return OK;
}

static error load_here(void *unused)
{
    (void)unused;
    struct keep_core *keep = keep_of_this_core();
    keep_begin(keep, core_self(), core_count());
    return worker_run(WORKER_FILE, keep_sweep, keep);
}

static void tell_loaded(instant begun, error problem)
{
    struct log_line line = log_begin(failed(problem) ? LOG_ERROR : LOG_INFO, "queue.load");
    log_string(&line, "path", keep_shared.path);
    log_number(&line, "mails", atomic_load(&keep_shared.mails));
    log_number(&line, "segments", (int64_t)keep_shared.file_count);
    log_number(&line, "damaged", (int64_t)atomic_load(&keep_shared.damaged));
    log_number(&line, "ms", (time_now() - begun) / TIME_MS);
    log_error(&line, problem);
    log_end(&line);
}

static error load_all(void)
{
    static const struct store_replay_owner owner = {keep_replay, keep_replay_finish};
    TRY(worker_run(WORKER_FILE, look_around, NULL));
    TRY(store_cover(keep_shared.directory));
    TRY(core_broadcast(load_here, NULL));
    if (atomic_load(&keep_shared.damaged) == 0) /* else they may be what is left of mails */
        TRY(worker_run(WORKER_FILE, remove_unused, NULL));
    store_set_replay_owner(&owner);
    return OK;
}

error queue_keep_load(const struct queue_settings *settings, slice path)
{
    slice chosen = settings->path.size ? settings->path : path;
    if (chosen.size == 0 || chosen.size >= sizeof keep_shared.path)
        return error_make(ERROR_PERMANENT, "the queue's path is too long, or nobody knows it");
    memcpy(keep_shared.path, chosen.data, chosen.size);
    keep_shared.path[chosen.size] = '\0';
    queue_keep_set_settings(settings);
    instant begun = time_now();
    atomic_store(&keep_shared.mails, 0);
    atomic_store(&keep_shared.damaged, 0);
    keep_shared.log_cores = 0;
    error problem = load_all();
    tell_loaded(begun, problem);
    free(keep_shared.files);
    keep_shared.files = NULL;
    keep_shared.file_count = 0;
    return problem;
}

void queue_keep_set_settings(const struct queue_settings *settings)
{
    atomic_store_explicit(&keep_shared.settings, settings, memory_order_release);
}
