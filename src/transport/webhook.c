/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/webhook.h"

#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "net/tls.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"
#include "transport/event_sink.h"
#include "transport/webhook_log.h"
#include "transport/webhook_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

METRIC_COUNTER(sent_total, "ringmail_webhook_requests_total", "result=\"ok\"", "Requests made");
METRIC_COUNTER(failed_total, "ringmail_webhook_requests_total", "result=\"failed\"",
               "Requests made");
METRIC_COUNTER(events_total, "ringmail_webhook_events_total", "", "Events that were taken");
METRIC_COUNTER(given_up_total, "ringmail_webhook_given_up_total", "",
               "Events of requests that were given up");

enum {
    ID_SIZE = sizeof("msg_") - 1 + 24,
    STATUS_GONE = 410, /* RFC 9110 15.5.11 */
    STOP_POLL_MS = 5,
    CLAIM_TRIES = 250,
    CLAIM_PAUSE_US = 20000, /* in all: as long as another server may take to stop */
};

struct webhook {
    const struct webhook_settings *settings;
    slice url;
    unsigned index; /* of the url */
    int directory;
    struct event_sink sink;
    struct webhook_log log;
    struct buffer body;         /* of the request in hand */
    struct webhook_batch batch; /* what is in it */
    char id[ID_SIZE + 1];
    struct condition to_write, to_send;
    instant sync_at; /* TIME_NEVER: nothing is to be synced */
    bool listens;    /* the sink is open */
    bool busy;       /* a request is in hand */
    bool failing;    /* its last attempt failed */
    bool refused;    /* the disk refuses */
};

/* Of this core. */
static _Thread_local struct {
    struct crew crew;
    struct webhook *hooks;
    unsigned count;
    struct tls_client *client; /* the same on all cores; NULL where no url needs it */
    int directory;             /* the same on all cores; locked */
} here;

/* ---- To the receiver: one request ---- */

static void log_trouble(const struct webhook *hook, const char *event, unsigned status,
                        error problem)
{
    struct log_line line = log_begin(LOG_WARNING, event);
    log_text(&line, "url", hook->url);
    log_string(&line, "request", hook->id);
    log_number(&line, "events", hook->batch.count);
    log_number(&line, "status", status);
    log_error(&line, problem);
    log_end(&line);
}

/* WAITS. One attempt; the log hears where trouble begins and ends, not of every try. */
static error attempt(struct webhook *hook, unsigned *out_status)
{
    const struct webhook_request request = {
        .url = hook->url,
        .id = slice_from_string(hook->id),
        .body = buffer_slice(&hook->body),
        .secret = hook->settings->secret,
        .tls = here.client,
        .timeout = hook->settings->timeout,
    };
    error problem = webhook_request_send(&request, out_status);
    if (problem.kind == ERROR_CANCELLED)
        return problem;
    metric_add(failed(problem) ? &failed_total : &sent_total, 1);
    if (failed(problem) != hook->failing)
        log_trouble(hook, failed(problem) ? "webhook.trouble" : "webhook.recovered", *out_status,
                    problem);
    hook->failing = failed(problem);
    return problem;
}

/* A quarter more or less, so that several servers do not come at once. */
static int64_t scattered(int64_t pause)
{
    return pause - pause / 4 + (int64_t)random_below((uint64_t)(pause / 2) + 1);
}

/* WAITS, until the request in hand was taken or is given up. */
static error deliver(struct webhook *hook)
{
    const struct webhook_settings *settings = hook->settings;
    int64_t last = hook->batch.youngest + settings->give_up_after; /* wall clock */
    int64_t pause = settings->retry_min;
    for (;;) {
        unsigned status;
        error problem = attempt(hook, &status);
        if (!failed(problem)) {
            metric_add(&events_total, hook->batch.count);
            return OK;
        }
        if (problem.kind == ERROR_CANCELLED)
            return problem;
        if (status == STATUS_GONE || problem.kind == ERROR_PERMANENT || time_wall() >= last) {
            metric_add(&given_up_total, hook->batch.count);
            log_trouble(hook, "webhook.given_up", status, problem);
            return OK;
        }
        TRY(fiber_sleep(scattered(pause)));
        pause = pause < settings->retry_max / 2 ? 2 * pause : settings->retry_max;
    }
}

/* ---- To disk ---- */

/* From the sink to the log. Does not wait. */
static void stage(struct webhook *hook)
{
    const struct event_record *next;
    bool any = false;
    while ((next = LIST_FIRST(&hook->sink.waiting, struct event_record, node)) &&
           webhook_log_add(&hook->log, slice_of(next->text, next->size), time_wall())) {
        free(event_sink_take(&hook->sink));
        any = true;
    }
    if (any)
        condition_wake_all(&hook->to_send);
}

/* On the hook's core, scheduler context. */
static void arrived(struct event_sink *sink)
{
    condition_wake_all(&CONTAINER_OF(sink, struct webhook, sink)->to_write);
}

static void log_disk(struct webhook *hook, error problem)
{
    if (failed(problem) == hook->refused)
        return;
    hook->refused = failed(problem);
    log_event(failed(problem) ? LOG_ERROR : LOG_INFO,
              failed(problem) ? "webhook.log.trouble" : "webhook.log.recovered", problem,
              hook->url);
}

/* WAITS. */
static error write_down(struct webhook *hook)
{
    bool due = time_now() >= hook->sync_at;
    stage(hook);
    error problem = webhook_log_flush(&hook->log, due);
    if (problem.kind == ERROR_CANCELLED)
        return problem;
    log_disk(hook, problem);
    if (!hook->log.unsynced)
        hook->sync_at = TIME_NEVER;
    else if (due || hook->sync_at == TIME_NEVER)
        hook->sync_at = hook->settings->sync_interval > 0
                            ? time_after(hook->settings->sync_interval)
                            : TIME_NEVER;
    return problem;
}

static void write_all(void *argument)
{
    struct webhook *hook = argument;
    error problem = OK;
    while (problem.kind != ERROR_CANCELLED) {
        while (hook->sink.count == 0 && !webhook_log_is_dirty(&hook->log) &&
               problem.kind != ERROR_CANCELLED && time_now() < hook->sync_at)
            problem = condition_wait(&hook->to_write, hook->sync_at);
        if (problem.kind == ERROR_CANCELLED)
            return;
        problem = write_down(hook);
        if (problem.kind != ERROR_CANCELLED)
            problem = fiber_sleep(
                (failed(problem) ? WEBHOOK_DISK_PAUSE_MS : WEBHOOK_WRITE_PAUSE_MS) * TIME_MS);
    }
}

/* ---- To the receiver: one after another ---- */

/* The same request has the same id, also after a restart; another one never has it. */
static void name_request(struct webhook *hook)
{
    const struct webhook_batch *batch = &hook->batch;
    snprintf(hook->id, sizeof hook->id, "msg_%08x%012llx%04x", hook->log.salt,
             (unsigned long long)batch->first & 0xffffffffffff, batch->count & 0xffff);
}

static void log_expired(const struct webhook *hook)
{
    metric_add(&given_up_total, hook->batch.expired);
    struct log_line line = log_begin(LOG_WARNING, "webhook.expired");
    log_text(&line, "url", hook->url);
    log_number(&line, "events", hook->batch.expired);
    log_end(&line);
}

static void done_with_batch(struct webhook *hook)
{
    webhook_log_taken(&hook->log, hook->batch.last);
    condition_wake_all(&hook->to_write);
}

/* WAITS for events, and a little for more of them. */
static error gather(struct webhook *hook)
{
    const struct webhook_settings *settings = hook->settings;
    hook->busy = false;
    for (stage(hook); webhook_log_is_empty(&hook->log); stage(hook))
        TRY(condition_wait(&hook->to_send, TIME_NEVER));
    hook->busy = true;
    if (hook->log.waiting < settings->events_per_request && settings->linger > 0)
        TRY(fiber_sleep(settings->linger));
    stage(hook);
    hook->batch = (struct webhook_batch){
        .count_max = settings->events_per_request,
        .size_max = WEBHOOK_BODY_SIZE_MAX,
        .oldest = time_wall() - settings->give_up_after,
        .body = &hook->body,
    };
    TRY(webhook_log_read(&hook->log, &hook->batch));
    if (hook->batch.expired > 0)
        log_expired(hook);
    name_request(hook);
    return OK;
}

static void send_all(void *argument)
{
    struct webhook *hook = argument;
    error problem = OK;
    while (problem.kind != ERROR_CANCELLED) {
        problem = gather(hook);
        if (!failed(problem) && hook->batch.count > 0)
            problem = deliver(hook);
        if (!failed(problem))
            done_with_batch(hook);
        else if (problem.kind != ERROR_CANCELLED) /* short of memory */
            problem = fiber_sleep(hook->settings->retry_min);
    }
}

/* ---- Life ---- */

/* Of the url, and which of several that are the same: files belong to a receiver, not to a core. */
static void stem_of(const struct setting_list *urls, unsigned index,
                    char out_stem[WEBHOOK_LOG_STEM_SIZE_MAX + 1])
{
    unsigned before = 0;
    for (unsigned i = 0; i < index; i++)
        before += slice_equal(urls->items[i], urls->items[index]);
    snprintf(out_stem, WEBHOOK_LOG_STEM_SIZE_MAX + 1, "%016llx-%u",
             (unsigned long long)slice_hash_stable(urls->items[index]), before);
}

static error open_log(void *argument)
{
    struct webhook *hook = argument;
    char stem[WEBHOOK_LOG_STEM_SIZE_MAX + 1];
    stem_of(&hook->settings->urls, hook->index, stem);
    return webhook_log_open(&hook->log, hook->directory, stem, hook->settings->disk_max);
}

static void log_found(const struct webhook *hook)
{
    if (webhook_log_is_empty(&hook->log))
        return;
    struct log_line line = log_begin(LOG_INFO, "webhook.found");
    log_text(&line, "url", hook->url);
    log_number(&line, "events", (int64_t)hook->log.waiting);
    log_number(&line, "bytes", (int64_t)hook->log.size);
    log_end(&line);
}

static error open_hook(const struct webhook_settings *settings, unsigned index, unsigned kinds)
{
    struct webhook *hook = &here.hooks[here.count];
    slice url = settings->urls.items[index];
    *hook = (struct webhook){
        .settings = settings,
        .url = url,
        .index = index,
        .directory = here.directory,
        .sink = {.name = "webhook",
                 .label = url,
                 .kinds = kinds,
                 .size_max = settings->memory_max,
                 .notify = arrived},
        .sync_at = TIME_NEVER,
    };
    condition_init(&hook->to_write);
    condition_init(&hook->to_send);
    buffer_init(&hook->body, WEBHOOK_BODY_SIZE_MAX + EVENT_SIZE_MAX);
    TRY(worker_run(WORKER_FILE, open_log, hook));
    log_found(hook);
    here.count++;
    TRY(event_sink_open(&hook->sink));
    hook->listens = true;
    TRY(fiber_start(&here.crew, "webhook log", write_all, hook));
    return fiber_start(&here.crew, "webhook", send_all, hook);
}

struct starting {
    const struct webhook_options *options;
    struct tls_client_options tls;
    struct tls_client *client;
    int directory;
};

static error start_core(void *argument)
{
    const struct starting *starting = argument;
    const struct webhook_settings *settings = starting->options->settings;
    unsigned kinds, count = (unsigned)settings->urls.count;
    if (!webhook_events_parse(&settings->events, &kinds))
        return error_make(ERROR_PERMANENT, "webhook.events names what is no event");
    crew_init(&here.crew, NULL);
    here.client = starting->client;
    here.directory = starting->directory;
    here.hooks = calloc(WEBHOOK_URLS_MAX, sizeof *here.hooks);
    TRY_MEMORY(here.hooks);
    for (unsigned i = core_self(); i < count; i += core_count())
        TRY(open_hook(settings, i, kinds));
    return OK;
}

static bool needs_tls(const struct webhook_settings *settings)
{
    for (size_t i = 0; i < settings->urls.count; i++)
        if (slice_starts_nocase(settings->urls.items[i], SLICE("https:")))
            return true;
    return false;
}

/* A server that is about to end may still have it. */
static error claim(int directory)
{
    for (int tries = 0; tries < CLAIM_TRIES; tries++) {
        if (flock(directory, LOCK_EX | LOCK_NB) == 0)
            return OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return error_system(errno, "cannot lock the webhooks' directory");
        usleep(CLAIM_PAUSE_US);
    }
    return error_make(ERROR_BUSY, "another server uses the webhooks' directory");
}

static error forget_strangers(const struct starting *starting)
{
    const struct webhook_settings *settings = starting->options->settings;
    char stems[WEBHOOK_URLS_MAX][WEBHOOK_LOG_STEM_SIZE_MAX + 1];
    const char *list[WEBHOOK_URLS_MAX];
    for (unsigned i = 0; i < settings->urls.count; i++) {
        stem_of(&settings->urls, i, stems[i]);
        list[i] = stems[i];
    }
    return webhook_log_clean(starting->directory, list, (unsigned)settings->urls.count,
                             settings->give_up_after / TIME_S);
}

/* On a worker. */
static error prepare(void *argument)
{
    struct starting *starting = argument;
    TRY(frame_file_directory(starting->options->path, &starting->directory));
    TRY(claim(starting->directory));
    TRY(forget_strangers(starting));
    return needs_tls(starting->options->settings)
               ? tls_client_create(&starting->tls, &starting->client)
               : OK;
}

error webhook_start(const struct webhook_options *options)
{
    const struct webhook_settings *settings = options->settings;
    struct starting starting = {
        .options = options,
        .tls = {.verify = true, .authority = options->authority, .version_min = TLS_1_2},
        .directory = -1,
    };
    if (settings->urls.count == 0)
        return OK;
    if (settings->urls.count > WEBHOOK_URLS_MAX)
        return error_make(ERROR_PERMANENT, "webhook.urls has too many addresses");
    error problem = worker_run(WORKER_FILE, prepare, &starting);
    if (failed(problem)) {
        if (starting.directory >= 0)
            close(starting.directory);
        return problem;
    }
    return core_broadcast(start_core, &starting);
}

/* Is there something left that the receiver is likely to take? */
static bool is_draining(void)
{
    for (unsigned i = 0; i < here.count; i++) {
        const struct webhook *hook = &here.hooks[i];
        if (!hook->failing &&
            (hook->busy || hook->sink.count > 0 || !webhook_log_is_empty(&hook->log)))
            return true;
    }
    return false;
}

/* WAITS. What nobody took goes to disk; one refusal is enough. */
static void put_down(struct webhook *hook)
{
    error problem = OK;
    if (hook->listens)
        event_sink_detach(&hook->sink);
    do {
        stage(hook);
        problem = webhook_log_flush(&hook->log, hook->settings->sync_interval > 0);
    } while (!failed(problem) && hook->listens && hook->sink.count > 0);
    if (failed(problem) && !webhook_log_is_empty(&hook->log))
        log_event(LOG_ERROR, "webhook.lost", problem, hook->url);
    if (hook->listens)
        event_sink_close(&hook->sink);
    webhook_log_close(&hook->log);
    buffer_close(&hook->body);
}

static error stop_core(void *argument)
{
    const instant *deadline = argument;
    if (!here.hooks)
        return OK;
    while (is_draining() && time_now() < *deadline && !failed(fiber_sleep(STOP_POLL_MS * TIME_MS)))
        ;
    crew_close(&here.crew);
    for (unsigned i = 0; i < here.count; i++)
        put_down(&here.hooks[i]);
    free(here.hooks);
    here.hooks = NULL;
    here.count = 0;
    here.client = NULL;
    return OK;
}

void webhook_stop(instant deadline)
{
    struct tls_client *client = here.client;
    int directory = here.hooks ? here.directory : -1;
    error_ignore(core_broadcast(stop_core, &deadline)); /* at the end there is nobody to tell */
    tls_client_destroy(&client);
    if (directory >= 0)
        close(directory);
}
