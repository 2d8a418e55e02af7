#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Log-linear histogram of non-negative 64-bit values (latencies in nanoseconds, sizes in bytes): 32
 * linear steps per power of two, so a value is known within 3.2 %. Fixed size, no allocation. One
 * writer thread; readers on other threads see relaxed but never torn counts.
 */
#include <stdatomic.h>
#include <stdint.h>

enum {
    HISTOGRAM_STEP_BITS = 5,
    HISTOGRAM_STEPS = 1 << HISTOGRAM_STEP_BITS,
    HISTOGRAM_POWER_MAX = 44, /* values from 2^44 (4.9 hours in ns) on share the last bucket */
    HISTOGRAM_BUCKETS = (HISTOGRAM_POWER_MAX - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS,
};

struct histogram {
    _Atomic uint64_t count;
    _Atomic uint64_t sum;
    _Atomic uint64_t max;
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);
/* target += source */
void histogram_merge(struct histogram *target, const struct histogram *source);
/* The value below which `share` (0..1) of all lie: upper edge of its bucket, never above max; 0
 * when empty. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);
uint64_t histogram_mean(const struct histogram *histogram);
/* Lower edge of a bucket, for drawing and for Prometheus. */
uint64_t histogram_bucket_low(unsigned bucket);
unsigned histogram_bucket_of(uint64_t value);
