/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Prometheus text exposition format 0.0.4.
 */
#include "base/memory.h"
#include "base/metric.h"
#include "base/time.h"
#include "service/admin/exchange.h"

#include <stdio.h>

/* Buckets of histograms: each power of two from 2^10 (1 µs) to 2^37 (137 s), or of plain numbers.
 */
enum { BUCKET_POWER_MIN = 10, BUCKET_POWER_MAX = 37 };

static void write_labels(const struct metric *metric, const char *more, struct buffer *out)
{
    bool labelled = metric->labels[0] != '\0';
    if (!labelled && !more)
        return;
    buffer_format(out, "{%s%s%s}", metric->labels, labelled && more ? "," : "", more ? more : "");
}

static void write_histogram(const struct metric *metric, struct histogram *histogram,
                            struct buffer *out)
{
    bool seconds = slice_ends(slice_from_string(metric->name), SLICE("_seconds"));
    double unit = seconds ? 1e-9 : 1;
    uint64_t below = 0;
    unsigned bucket = 0;
    for (int power = BUCKET_POWER_MIN; power <= BUCKET_POWER_MAX; power++) {
        uint64_t edge = 1ULL << power;
        for (; bucket < HISTOGRAM_BUCKETS && histogram_bucket_low(bucket) < edge; bucket++)
            below += histogram->buckets[bucket];
        char label[32];
        snprintf(label, sizeof label, "le=\"%.9g\"", (double)edge * unit);
        buffer_format(out, "%s_bucket", metric->name);
        write_labels(metric, label, out);
        buffer_format(out, " %llu\n", (unsigned long long)below);
    }
    buffer_format(out, "%s_bucket", metric->name);
    write_labels(metric, "le=\"+Inf\"", out);
    buffer_format(out, " %llu\n%s_sum", (unsigned long long)histogram->count, metric->name);
    write_labels(metric, NULL, out);
    buffer_format(out, " %.9g\n%s_count", (double)histogram->sum * unit, metric->name);
    write_labels(metric, NULL, out);
    buffer_format(out, " %llu\n", (unsigned long long)histogram->count);
}

static void write_head(const char *name, const char *type, const char *help, struct buffer *out)
{
    buffer_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_process(const struct admin_exchange *exchange, struct buffer *out)
{
    struct memory_statistics memory = memory_statistics();
    write_head("ringmail_memory_bytes", "gauge", "Memory of the process", out);
    buffer_format(out,
                  "ringmail_memory_bytes{kind=\"allocated\"} %zu\n"
                  "ringmail_memory_bytes{kind=\"active\"} %zu\n"
                  "ringmail_memory_bytes{kind=\"resident\"} %zu\n"
                  "ringmail_memory_bytes{kind=\"process\"} %zu\n",
                  memory.allocated, memory.active, memory.resident, memory.process);
    write_head("ringmail_uptime_seconds", "gauge", "Time since start", out);
    buffer_format(out, "ringmail_uptime_seconds %.3f\n",
                  (double)(time_now() - exchange->options->started_at) / TIME_S);
}

error admin_metrics(struct admin_exchange *exchange)
{
    static const char *const types[] = {[METRIC_KIND_COUNTER] = "counter",
                                        [METRIC_KIND_GAUGE] = "gauge",
                                        [METRIC_KIND_HISTOGRAM] = "histogram"};
    struct buffer *out = exchange->answer;
    struct histogram *histogram = arena_alloc(exchange->arena, sizeof *histogram);
    TRY_MEMORY(histogram);
    exchange->content_type = "text/plain; version=0.0.4; charset=utf-8";
    const char *previous = "";
    const struct metric *metric;
    for (unsigned i = 0; (metric = metric_at(i)); i++) {
        if (strcmp(previous, metric->name) != 0)
            write_head(metric->name, types[metric->kind], metric->help, out);
        previous = metric->name;
        if (metric->kind == METRIC_KIND_HISTOGRAM) {
            metric_histogram(metric, histogram);
            write_histogram(metric, histogram, out);
        } else {
            buffer_add_string(out, metric->name);
            write_labels(metric, NULL, out);
            buffer_format(out, " %lld\n", (long long)metric_value(metric));
        }
    }
    write_process(exchange, out);
    return OK;
}
