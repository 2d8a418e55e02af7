/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Summing what the journal writes: alone, with copying, and by table; nanoseconds for 4 KiB and for
 * 64 KiB, beside memcpy.
 */
#include "micro/measure.h"

#include "crypto/crc32c.h"

enum { SIZE_MAX_ = 65536, BYTES = 64 << 20 };

static unsigned char source[SIZE_MAX_], target[SIZE_MAX_];
static volatile uint32_t sink;

static double sum_once(void *argument)
{
    size_t size = *(size_t *)argument, rounds = BYTES / size;
    int64_t began = cpu_now();
    for (size_t i = 0; i < rounds; i++)
        sink = crc32c(sink, slice_of(source, size));
    return (double)(cpu_now() - began) / (double)rounds;
}

static double copy_and_sum_once(void *argument)
{
    size_t size = *(size_t *)argument, rounds = BYTES / size;
    int64_t began = cpu_now();
    for (size_t i = 0; i < rounds; i++)
        sink = crc32c_copy(target, source, size, sink);
    return (double)(cpu_now() - began) / (double)rounds;
}

static double copy_once(void *argument)
{
    size_t size = *(size_t *)argument, rounds = BYTES / size;
    int64_t began = cpu_now();
    for (size_t i = 0; i < rounds; i++) {
        memcpy(target, source, size);
        sink = target[i % size];
    }
    return (double)(cpu_now() - began) / (double)rounds;
}

static double table_once(void *argument)
{
    size_t size = *(size_t *)argument, rounds = BYTES / 16 / size;
    int64_t began = cpu_now();
    for (size_t i = 0; i < rounds; i++)
        sink = crc32c_portable(NULL, source, size, sink);
    return (double)(cpu_now() - began) / (double)rounds;
}

int main(void)
{
    size_t small = 4096, large = SIZE_MAX_;
    memset(source, 'x', sizeof source);
    report_best("crc32c_4k", sum_once, &small);
    report_best("crc32c_copy_4k", copy_and_sum_once, &small);
    report_best("memcpy_4k", copy_once, &small);
    report_best("crc32c_portable_4k", table_once, &small);
    report_best("crc32c_64k", sum_once, &large);
    report_best("crc32c_copy_64k", copy_and_sum_once, &large);
    report_best("memcpy_64k", copy_once, &large);
    return 0;
}
