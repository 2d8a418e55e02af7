/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/histogram.h"

unsigned histogram_bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_STEPS)
        return (unsigned)value;
    unsigned power = 63 - (unsigned)__builtin_clzll(value);
    if (power >= HISTOGRAM_POWER_MAX)
        return HISTOGRAM_BUCKETS - 1;
    unsigned step = (unsigned)(value >> (power - HISTOGRAM_STEP_BITS)) & (HISTOGRAM_STEPS - 1);
    return (power - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS + step;
}

uint64_t histogram_bucket_low(unsigned bucket)
{
    if (bucket < HISTOGRAM_STEPS)
        return bucket;
    unsigned shift = bucket / HISTOGRAM_STEPS - 1;
    return (uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << shift;
}

static uint64_t get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* One writer: a plain add, stored so that readers never see half of it. */
static void bump(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_store_explicit(counter, get(counter) + by, memory_order_relaxed);
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    bump(&histogram->buckets[histogram_bucket_of(value)], 1);
    bump(&histogram->count, 1);
    bump(&histogram->sum, value);
    if (value > get(&histogram->max))
        atomic_store_explicit(&histogram->max, value, memory_order_relaxed);
}

void histogram_merge(struct histogram *target, const struct histogram *source)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        bump(&target->buckets[i], get(&source->buckets[i]));
    bump(&target->count, get(&source->count));
    bump(&target->sum, get(&source->sum));
    if (get(&source->max) > get(&target->max))
        atomic_store_explicit(&target->max, get(&source->max), memory_order_relaxed);
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    uint64_t total = 0, seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        total += get(&histogram->buckets[i]);
    if (total == 0)
        return 0;
    uint64_t wanted = (uint64_t)(share * (double)total + 0.5);
    if (wanted == 0)
        wanted = 1;
    if (wanted > total)
        wanted = total;
    uint64_t max = get(&histogram->max);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += get(&histogram->buckets[i]);
        if (seen >= wanted) {
            uint64_t high = i + 1 < HISTOGRAM_BUCKETS ? histogram_bucket_low(i + 1) - 1 : max;
            return high < max ? high : max;
        }
    }
    return max;
}

uint64_t histogram_mean(const struct histogram *histogram)
{
    uint64_t count = get(&histogram->count);
    return count ? get(&histogram->sum) / count : 0;
}
