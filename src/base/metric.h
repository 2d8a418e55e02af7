#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counters, gauges and histograms, declared where they are counted and found by the linker:
 *
 *     METRIC_COUNTER(smtp_accepted, "ringmail_smtp_messages_accepted_total", "", "Messages accepted
 * over SMTP");
 *     ...
 *     metric_add(&smtp_accepted, 1);
 *
 * Every thread counts into its own slots (no shared cache line); readers sum over threads. A gauge
 * is a counter that also goes down; its sum over threads is its value, so +1 on one core and -1 on
 * another is right. Labels are fixed text: "reason=\"relay\"", or "".
 */
#include "base/histogram.h"
#include "base/slice.h"

#include <stdint.h>

enum metric_kind { METRIC_KIND_COUNTER, METRIC_KIND_GAUGE, METRIC_KIND_HISTOGRAM };

struct metric {
    const char *name; /* Prometheus rules; base units: seconds, bytes */
    const char *labels;
    const char *help;
    enum metric_kind kind;
    uint32_t slot; /* given at start */
};

#define METRIC_DEFINE_(variable, kind_, name_, labels_, help_)                                     \
    static struct metric variable = {name_, labels_, help_, kind_, 0};                             \
    __attribute__((constructor)) static void metric_register_##variable(void)                      \
    {                                                                                              \
        metric_register(&variable);                                                                \
    }                                                                                              \
    static struct metric variable
#define METRIC_COUNTER(variable, name, labels, help)                                               \
    METRIC_DEFINE_(variable, METRIC_KIND_COUNTER, name, labels, help)
#define METRIC_GAUGE(variable, name, labels, help)                                                 \
    METRIC_DEFINE_(variable, METRIC_KIND_GAUGE, name, labels, help)
/* Values added are nanoseconds where the name ends in _seconds, else plain numbers. */
#define METRIC_HISTOGRAM(variable, name, labels, help)                                             \
    METRIC_DEFINE_(variable, METRIC_KIND_HISTOGRAM, name, labels, help)

enum { METRIC_COUNT_MAX = 1024, METRIC_HISTOGRAM_COUNT_MAX = 192 };

/* Called before main by the macros above. */
void metric_register(struct metric *metric);

/* Counts for the calling thread; any thread may call at any time. */
void metric_add(struct metric *metric, int64_t by);
void metric_observe(struct metric *metric, uint64_t value);

/* Sum over all threads, living and ended. */
int64_t metric_value(const struct metric *metric);
/* One thread's share, for per-core statistics; threads are numbered by metric_thread_name. */
int64_t metric_value_of(const struct metric *metric, unsigned thread);
/* Merged over all threads into *out (cleared first). */
void metric_histogram(const struct metric *metric, struct histogram *out);

/* All metrics in name order: NULL past the end. */
const struct metric *metric_at(unsigned index);
const struct metric *metric_find(slice name, slice labels);
/* Names the calling thread's slots ("core0"); the name must be static. */
void metric_name_thread(const char *name);
/* NULL past the last thread. */
const char *metric_thread_name(unsigned thread);
