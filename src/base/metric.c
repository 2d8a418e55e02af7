/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/metric.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 1024 };

struct slots {
    _Atomic(const char *) name;
    _Atomic int64_t values[METRIC_COUNT_MAX];
    _Atomic(struct histogram *) histograms[METRIC_HISTOGRAM_COUNT_MAX];
};

static struct metric *registered[METRIC_COUNT_MAX];
static unsigned registered_count;
static uint32_t histogram_count;

/* Slots outlive their threads, so that nothing counted is forgotten. */
static _Atomic(struct slots *) threads[THREADS_MAX];
static _Atomic unsigned thread_count;
static _Thread_local struct slots *mine;

static int order(const struct metric *a, const struct metric *b)
{
    int by_name = strcmp(a->name, b->name);
    return by_name ? by_name : strcmp(a->labels, b->labels);
}

void metric_register(struct metric *metric)
{
    ASSERT(registered_count < METRIC_COUNT_MAX);
    if (metric->kind == METRIC_KIND_HISTOGRAM) {
        ASSERT(histogram_count < METRIC_HISTOGRAM_COUNT_MAX);
        metric->slot = histogram_count++;
    } else {
        metric->slot = registered_count;
    }
    unsigned at = registered_count++;
    for (; at > 0 && order(registered[at - 1], metric) > 0; at--)
        registered[at] = registered[at - 1];
    registered[at] = metric;
}

static struct slots *my_slots(void)
{
    if (__builtin_expect(mine != NULL, 1))
        return mine;
    struct slots *slots = calloc(1, sizeof *slots);
    unsigned index = atomic_fetch_add(&thread_count, 1);
    ASSERT(slots && index < THREADS_MAX);
    atomic_store_explicit(&slots->name, "thread", memory_order_relaxed);
    atomic_store_explicit(&threads[index], slots, memory_order_release);
    return mine = slots;
}

void metric_name_thread(const char *name)
{
    atomic_store_explicit(&my_slots()->name, name, memory_order_relaxed);
}

static struct slots *slots_of(unsigned thread)
{
    return thread < THREADS_MAX ? atomic_load_explicit(&threads[thread], memory_order_acquire)
                                : NULL;
}

const char *metric_thread_name(unsigned thread)
{
    struct slots *slots = slots_of(thread);
    return slots ? atomic_load_explicit(&slots->name, memory_order_relaxed) : NULL;
}

void metric_add(struct metric *metric, int64_t by)
{
    _Atomic int64_t *value = &my_slots()->values[metric->slot];
    atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

void metric_observe(struct metric *metric, uint64_t value)
{
    _Atomic(struct histogram *) *place = &my_slots()->histograms[metric->slot];
    struct histogram *histogram = atomic_load_explicit(place, memory_order_relaxed);
    if (!histogram) {
        histogram = calloc(1, sizeof *histogram);
        if (!histogram)
            return;
        atomic_store_explicit(place, histogram, memory_order_release);
    }
    histogram_add(histogram, value);
}

int64_t metric_value_of(const struct metric *metric, unsigned thread)
{
    struct slots *slots = slots_of(thread);
    if (!slots || metric->kind == METRIC_KIND_HISTOGRAM)
        return 0;
    return atomic_load_explicit(&slots->values[metric->slot], memory_order_relaxed);
}

int64_t metric_value(const struct metric *metric)
{
    int64_t sum = 0;
    for (unsigned i = 0; slots_of(i); i++)
        sum += metric_value_of(metric, i);
    return sum;
}

void metric_histogram(const struct metric *metric, struct histogram *out)
{
    memset(out, 0, sizeof *out);
    struct slots *slots;
    for (unsigned i = 0; (slots = slots_of(i)); i++) {
        struct histogram *one =
            atomic_load_explicit(&slots->histograms[metric->slot], memory_order_acquire);
        if (one)
            histogram_merge(out, one);
    }
}

const struct metric *metric_at(unsigned index)
{
    return index < registered_count ? registered[index] : NULL;
}

const struct metric *metric_find(slice name, slice labels)
{
    for (unsigned i = 0; i < registered_count; i++)
        if (slice_equal(name, slice_from_string(registered[i]->name)) &&
            slice_equal(labels, slice_from_string(registered[i]->labels)))
            return registered[i];
    return NULL;
}
