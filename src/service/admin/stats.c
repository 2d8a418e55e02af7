/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * /stats: one JSON object. Counters and latencies are grouped by the second word of the metric's
 * name ("ringmail_smtp_..." under "smtp"); latencies are seconds.
 */
#include "base/memory.h"
#include "base/metric.h"
#include "format/json/write.h"
#include "runtime/body.h"
#include "runtime/core.h"
#include "runtime/message.h"
#include "service/admin/exchange.h"
#include "service/session.h"
#include "transport/queue/life.h"

#include <stdio.h>

struct core_share {
    struct core_statistics statistics;
    unsigned sessions;
    size_t body_bytes;
};

/* On each core: fills its own element. */
static error gather(void *argument)
{
    struct core_share *shares = argument;
    shares[core_self()] = (struct core_share){
        .statistics = core_statistics(),
        .sessions = session_count(),
        .body_bytes = body_bytes_alive(),
    };
    return OK;
}

static void write_cores(const struct core_share *shares, struct json_writer *json)
{
    json_member_array_open(json, "cores");
    for (unsigned i = 0; i < core_count(); i++) {
        const struct core_statistics *core = &shares[i].statistics;
        json_object_open(json);
        json_member_number(json, "core", i);
        json_member_number(json, "sessions", shares[i].sessions);
        json_member_number(json, "body_bytes", (int64_t)shares[i].body_bytes);
        json_member_number(json, "fibers", core->fibers);
        json_member_number(json, "fibers_high", core->fibers_high);
        json_member_number(json, "stacks_pooled", core->stacks_pooled);
        json_member_number(json, "stack_high_bytes", core->stack_high_bytes);
        json_member_number(json, "turns", (int64_t)core->turns);
        json_member_number(json, "switches", (int64_t)core->switches);
        json_member_number(json, "submissions", (int64_t)core->submissions);
        json_member_number(json, "completions", (int64_t)core->completions);
        json_member_number(json, "wakeups", (int64_t)core->wakeups);
        json_member_number(json, "sleeps", (int64_t)core->sleeps);
        json_member_decimal(json, "busy_seconds", (double)core->busy_ns / TIME_S);
        json_member_decimal(json, "idle_seconds", (double)core->idle_ns / TIME_S);
        json_object_close(json);
    }
    json_array_close(json);
}

static void write_memory(struct json_writer *json)
{
    struct memory_statistics memory = memory_statistics();
    json_member_object_open(json, "memory");
    json_member_number(json, "allocated", (int64_t)memory.allocated);
    json_member_number(json, "active", (int64_t)memory.active);
    json_member_number(json, "resident", (int64_t)memory.resident);
    json_member_number(json, "retained", (int64_t)memory.retained);
    json_member_number(json, "process", (int64_t)memory.process);
    json_object_close(json);
}

static void write_histogram(const struct metric *metric, const struct histogram *histogram,
                            struct json_writer *json)
{
    double unit = slice_ends(slice_from_string(metric->name), SLICE("_seconds")) ? 1e-9 : 1;
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    json_object_open(json);
    json_member_number(json, "count", (int64_t)histogram->count);
    json_member_decimal(json, "mean", (double)histogram_mean(histogram) * unit);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        json_member_decimal(json, quantiles[i].name,
                            (double)histogram_quantile(histogram, quantiles[i].share) * unit);
    json_member_decimal(json, "max", (double)histogram->max * unit);
    json_object_close(json);
}

/* "ringmail_smtp_messages_total" is "smtp" and "messages_total". */
static void split_name(const struct metric *metric, slice *out_group, slice *out_name)
{
    slice name = slice_from_string(metric->name);
    if (slice_starts(name, SLICE("ringmail_")))
        name = slice_from(name, 9);
    if (!slice_cut(name, '_', out_group, out_name))
        *out_name = name;
}

/* 'name{label="x"}' */
static void write_key(const struct metric *metric, slice name, struct json_writer *json)
{
    char key[256];
    bool labelled = metric->labels[0] != '\0';
    int size = snprintf(key, sizeof key, "%.*s%s%s%s", SLICE_ARG(name), labelled ? "{" : "",
                        metric->labels, labelled ? "}" : "");
    json_member(json, slice_of(key, (size_t)size < sizeof key ? (size_t)size : sizeof key - 1));
}

/* Metrics come in name order, so those of a group stand together. */
static void write_metrics(struct histogram *histogram, struct json_writer *json)
{
    slice open_group = SLICE_EMPTY;
    const struct metric *metric;
    json_member_object_open(json, "metrics");
    for (unsigned i = 0; (metric = metric_at(i)); i++) {
        slice group, name;
        split_name(metric, &group, &name);
        if (!slice_equal(group, open_group)) {
            if (open_group.size > 0)
                json_object_close(json);
            json_member(json, group);
            json_object_open(json);
            open_group = group;
        }
        write_key(metric, name, json);
        if (metric->kind == METRIC_KIND_HISTOGRAM) {
            metric_histogram(metric, histogram);
            write_histogram(metric, histogram, json);
        } else {
            json_number(json, metric_value(metric));
        }
    }
    if (open_group.size > 0)
        json_object_close(json);
    json_object_close(json);
}

/* What each thread counted, for those who look for a core that does too much. */
static void write_threads(struct json_writer *json)
{
    json_member_object_open(json, "threads");
    const struct metric *metric;
    for (unsigned i = 0; (metric = metric_at(i)); i++) {
        if (metric->kind == METRIC_KIND_HISTOGRAM || metric_value(metric) == 0)
            continue;
        write_key(metric, slice_from_string(metric->name), json);
        json_array_open(json);
        for (unsigned thread = 0; metric_thread_name(thread); thread++)
            json_number(json, metric_value_of(metric, thread));
        json_array_close(json);
    }
    json_member_array_open(json, "names");
    for (unsigned thread = 0; metric_thread_name(thread); thread++)
        json_text(json, slice_from_string(metric_thread_name(thread)));
    json_array_close(json);
    json_object_close(json);
}

/* WAITS. As /queue has it. */
static error write_queue(struct json_writer *json)
{
    enum { QUEUE_SIZE_MAX = 4 << 20 };
    struct buffer queue;
    if (!queue_settings_now())
        return OK; /* not opened: a service for tests */
    buffer_init(&queue, QUEUE_SIZE_MAX);
    error problem = queue_statistics(&queue);
    if (!failed(problem)) {
        json_member(json, SLICE("queue"));
        json_raw(json, slice_trim(buffer_slice(&queue)));
    }
    buffer_close(&queue);
    return problem;
}

error admin_stats(struct admin_exchange *exchange)
{
    struct core_share *shares = ARENA_ARRAY(exchange->arena, struct core_share, core_count());
    struct histogram *histogram = ARENA_NEW(exchange->arena, struct histogram);
    TRY_MEMORY(shares);
    TRY_MEMORY(histogram);
    TRY(core_broadcast(gather, shares));
    struct json_writer json;
    json_begin(&json, exchange->answer);
    json_object_open(&json);
    json_member_string(&json, "version", exchange->options->version);
    json_member_decimal(&json, "uptime_seconds",
                        (double)(time_now() - exchange->options->started_at) / TIME_S);
    write_memory(&json);
    write_cores(shares, &json);
    TRY(write_queue(&json));
    write_metrics(histogram, &json);
    slice detail;
    if (http_query_find(exchange->request.query, SLICE("threads"), &detail))
        write_threads(&json);
    json_object_close(&json);
    buffer_add_byte(exchange->answer, '\n');
    return OK;
}
