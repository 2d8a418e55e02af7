/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/report/reporter.h"

#include "base/list.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "runtime/wait.h"
#include "runtime/worker.h"
#include "transport/report/dispatch.h"

#include <stdlib.h>
#include <unistd.h>

METRIC_COUNTER(metric_sent, "ringmail_tls_reports_total", "result=\"sent\"",
               "Daily reports about TLS to other domains");
METRIC_COUNTER(metric_failed, "ringmail_tls_reports_total", "result=\"failed\"",
               "Daily reports about TLS to other domains");
METRIC_COUNTER(metric_save_failures, "ringmail_tls_report_save_failures_total", "",
               "Times that the counts of TLS reports could not be written down");

enum { SCRATCH_MAX = 8 << 20 };

/* A period that is over, or will be. */
struct pending {
    struct list node;
    struct report_period period;
};

static _Thread_local struct {
    bool running;
    bool refused; /* the disk refuses */
    struct reporter_options options;
    struct arena arena;
    struct tls_client *tls;
    struct crew crew;
    int directory;              /* of the periods; -1: not open */
    struct report_period today; /* the running period */
    struct list pending;        /* struct pending, the earliest end first */
    struct condition changed;
} reporter;

/* ---- What the cores have ---- */

static error take_here(void *argument)
{
    struct tls_report_day **days = argument;
    days[core_self()] = tls_report_take();
    return OK;
}

/* WAITS. NULL: nothing was noted. */
static struct tls_report_day *collect(void)
{
    struct tls_report_day *days[CORE_COUNT_MAX] = {0}, *all = NULL;
    error problem = core_broadcast(take_here, days);
    for (unsigned i = 0; i < core_count(); i++) {
        if (!all) {
            all = days[i];
        } else if (days[i]) {
            problem = tls_report_merge(all, days[i]);
            tls_report_day_destroy(&days[i]);
        }
        if (failed(problem))
            log_event(LOG_WARNING, "tls_report.merge", problem, SLICE_EMPTY);
    }
    return all;
}

/* ---- What they had is kept ---- */

static void tell_disk(error problem)
{
    metric_add(&metric_save_failures, failed(problem));
    if (failed(problem) != reporter.refused)
        log_event(failed(problem) ? LOG_ERROR : LOG_INFO,
                  failed(problem) ? "tls_report.trouble" : "tls_report.recovered", problem,
                  SLICE_EMPTY);
    reporter.refused = failed(problem);
}

static void put_pending(struct pending *pending)
{
    struct list *at = reporter.pending.previous;
    while (at != &reporter.pending &&
           CONTAINER_OF(at, struct pending, node)->period.end > pending->period.end)
        at = at->previous;
    list_insert_after(at, &pending->node);
    condition_wake_all(&reporter.changed);
}

static void drop_pending(struct pending **pending)
{
    list_remove(&(*pending)->node);
    report_period_close(&(*pending)->period);
    free(*pending);
    *pending = NULL;
}

/* ns, whole seconds: files are named by them. */
static int64_t interval(void)
{
    return reporter.options.settings->interval / TIME_S * TIME_S;
}

static void begin_period(struct report_period *period)
{
    int64_t begin = time_wall() / interval() * interval();
    report_period_init(period, reporter.directory, begin / TIME_S, (begin + interval()) / TIME_S);
}

/* WAITS. */
static void collect_and_save(void)
{
    struct tls_report_day *more = collect();
    error problem = report_period_add(&reporter.today, &more);
    tls_report_day_destroy(&more);
    tell_disk(problem);
}

/* The running period is over: it waits to be reported, and the next begins. */
static error turn_over(void)
{
    if (reporter.today.day) {
        struct pending *pending = calloc(1, sizeof *pending);
        TRY_MEMORY(pending);
        pending->period = reporter.today;
        put_pending(pending);
    } else {
        report_period_close(&reporter.today);
    }
    begin_period(&reporter.today);
    return OK;
}

static void keep(void *argument)
{
    (void)argument;
    for (;;) {
        int64_t left = reporter.today.end * TIME_S - time_wall();
        int64_t pause = reporter.options.settings->save_interval;
        left = left > 0 ? left : 0;
        if (failed(fiber_sleep(left < pause ? left : pause)))
            return;
        collect_and_save();
        if (time_wall() >= reporter.today.end * TIME_S && failed(turn_over()))
            log_event(LOG_ERROR, "tls_report.period", error_make(ERROR_LIMIT, "out of memory"),
                      SLICE_EMPTY);
    }
}

/* ---- What is over is reported ---- */

static error send_one(struct report_period *period, slice domain)
{
    struct dispatch_options options = {
        .settings = reporter.options.settings,
        .hostname = reporter.options.hostname,
        .tls = reporter.tls,
        .private_addresses = reporter.options.private_addresses,
    };
    struct arena scratch;
    arena_init(&scratch, SCRATCH_MAX);
    error problem = dispatch_report(&options, period, domain, &scratch);
    arena_close(&scratch);
    if (problem.kind == ERROR_NOT_FOUND || problem.kind == ERROR_MALFORMED) {
        report_period_forget(period, domain);
    } else if (!failed(problem)) {
        metric_add(&metric_sent, 1);
        tell_disk(report_period_done(period, domain));
    }
    return problem;
}

/* WAITS. Each domain once. */
static error send_each(struct report_period *period)
{
    size_t position = 0;
    slice key;
    void *value;
    while (map_next(&period->day->entries, &position, &key, &value)) {
        const struct tls_report_entry *entry = value;
        error problem = send_one(period, entry->domain);
        if (problem.kind == ERROR_CANCELLED)
            return problem;
    }
    return OK;
}

/* Domains, not entries: one of them may be under several kinds of policy. */
static unsigned count_domains(const struct report_period *period)
{
    unsigned count = 0;
    size_t position = 0;
    slice key;
    void *value;
    while (map_next(&period->day->entries, &position, &key, &value)) {
        const struct tls_report_entry *entry = value;
        bool first = true;
        char other[TLS_REPORT_DOMAIN_SIZE_MAX + 1];
        memcpy(other, key.data, key.size);
        for (int i = 0; i < (int)entry->policy; i++) {
            other[0] = (char)('0' + i);
            first = first && !map_get(&period->day->entries, slice_of(other, key.size));
        }
        count += first;
    }
    return count;
}

static void give_up(const struct report_period *period)
{
    unsigned count = count_domains(period);
    metric_add(&metric_failed, count);
    struct log_line line = log_begin(LOG_WARNING, "tls_report.given_up");
    log_number(&line, "begin", period->begin);
    log_number(&line, "domains", count);
    log_end(&line);
}

/* WAITS. Until all are sent, or nobody would want to read them any more; at least once. */
static error send_all(struct report_period *period)
{
    int64_t last = period->end * TIME_S + interval();
    int64_t pause = REPORTER_PAUSE_S * TIME_S;
    pause = pause < interval() / REPORTER_SPREAD ? pause : interval() / REPORTER_SPREAD;
    if (!period->day)
        TRY(report_period_load(period));
    for (;;) {
        TRY(send_each(period));
        if (period->day->entries.count == 0)
            return OK;
        if (time_wall() >= last) {
            give_up(period);
            return OK;
        }
        TRY(fiber_sleep(pause));
        pause *= 2;
    }
}

/* WAITS until a period is over. */
static error next_pending(struct pending **out_pending)
{
    for (;;) {
        struct pending *first = LIST_FIRST(&reporter.pending, struct pending, node);
        int64_t left = first ? first->period.end * TIME_S - time_wall() : -1;
        if (first && left <= 0) {
            *out_pending = first;
            return OK;
        }
        error problem = condition_wait(&reporter.changed, first ? time_after(left) : TIME_NEVER);
        if (problem.kind == ERROR_CANCELLED)
            return problem;
    }
}

/* WAITS. */
static error report_next(void)
{
    struct pending *pending;
    int64_t spread = interval() / REPORTER_SPREAD;
    TRY(next_pending(&pending));
    /* Not everybody at midnight (RFC 8460 4.1). */
    TRY(fiber_sleep((int64_t)random_below((uint64_t)spread)));
    error problem = send_all(&pending->period);
    if (problem.kind == ERROR_CANCELLED)
        return problem;
    if (!failed(problem))
        problem = report_period_remove(&pending->period);
    if (failed(problem)) /* the file stays: the next start tries again */
        log_event(LOG_ERROR, "tls_report.period", problem, SLICE_EMPTY);
    drop_pending(&pending);
    return OK;
}

static void report(void *argument)
{
    (void)argument;
    while (!failed(report_next()))
        ;
}

/* ---- Life ---- */

static error note_here(void *argument)
{
    (void)argument;
    return tls_report_start();
}

static error forget_here(void *argument)
{
    (void)argument;
    tls_report_stop();
    return OK;
}

/* On a worker, while the core waits: `argument` is the list of what is pending. */
struct opening {
    const char *path;
    struct list *pending;
    int64_t begin, end; /* of the running period */
    int directory;
};

static error note_file(void *argument, slice name)
{
    struct opening *opening = argument;
    int64_t begin, end;
    if (!report_period_name_parse(name, &begin, &end) ||
        (begin == opening->begin && end == opening->end))
        return OK;
    struct pending *pending = calloc(1, sizeof *pending);
    TRY_MEMORY(pending);
    report_period_init(&pending->period, opening->directory, begin, end);
    list_append(opening->pending, &pending->node);
    return OK;
}

static error look_around(void *argument)
{
    struct opening *opening = argument;
    return frame_file_list(opening->directory, "period-", note_file, opening);
}

static error open_directory(void *argument)
{
    struct opening *opening = argument;
    return frame_file_directory(opening->path, &opening->directory);
}

/* WAITS. The periods that an earlier run left. */
static error find_periods(void)
{
    struct list found;
    struct opening opening = {.path = reporter.options.path, .pending = &found, .directory = -1};
    list_init(&found);
    TRY(worker_run(WORKER_FILE, open_directory, &opening));
    reporter.directory = opening.directory;
    begin_period(&reporter.today);
    opening.begin = reporter.today.begin;
    opening.end = reporter.today.end;
    error problem = worker_run(WORKER_FILE, look_around, &opening);
    while (!list_is_empty(&found)) {
        struct pending *pending = LIST_FIRST(&found, struct pending, node);
        list_remove(&pending->node);
        put_pending(pending);
    }
    TRY(problem);
    tell_disk(report_period_load(&reporter.today)); /* counts are not worth a server that is down */
    return OK;
}

static error start(void)
{
    struct tls_client_options options = {.verify = true, .version_min = TLS_1_2};
    slice authority = reporter.options.authority;
    if (authority.size)
        TRY(arena_string(&reporter.arena, authority, &options.authority));
    TRY(tls_client_create(&options, &reporter.tls));
    TRY(find_periods());
    TRY(core_broadcast(note_here, NULL));
    TRY(fiber_start(&reporter.crew, "tls report counts", keep, NULL));
    return fiber_start(&reporter.crew, "tls reports", report, NULL);
}

error reporter_start(const struct reporter_options *options)
{
    if (options->settings->contact.size == 0)
        return OK;
    reporter.options = *options;
    reporter.running = true;
    reporter.directory = -1;
    list_init(&reporter.pending);
    condition_init(&reporter.changed);
    report_period_init(&reporter.today, -1, 0, 1);
    arena_init(&reporter.arena, 64 << 10);
    crew_init(&reporter.crew, NULL);
    error problem = start();
    reporter.options.path = NULL; /* borrowed for the start */
    if (failed(problem)) {
        reporter_stop();
        reporter_close();
    }
    return problem;
}

void reporter_stop(void)
{
    if (reporter.running)
        crew_close(&reporter.crew);
}

void reporter_close(void)
{
    if (!reporter.running)
        return;
    reporter.running = false;
    if (reporter.directory >= 0) {
        collect_and_save();
        for (struct list *at = reporter.pending.next; at != &reporter.pending; at = at->next)
            tell_disk(report_period_add(&CONTAINER_OF(at, struct pending, node)->period, NULL));
    }
    error_ignore(core_broadcast(forget_here, NULL)); /* it cannot fail */
    while (!list_is_empty(&reporter.pending)) {
        struct pending *pending = LIST_FIRST(&reporter.pending, struct pending, node);
        drop_pending(&pending);
    }
    report_period_close(&reporter.today);
    if (reporter.directory >= 0)
        close(reporter.directory);
    tls_client_destroy(&reporter.tls);
    arena_close(&reporter.arena);
}
