#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Fast pseudo-random numbers for jitter, load shaping and hash seeds. Per thread, seeded from the
 * kernel, or from a seed for repeatable tests. NOT for secrets: crypto/random.h is.
 */
#include <stdint.h>

uint64_t random_u64(void);
/* Even over 0..bound-1; bound > 0. */
uint64_t random_below(uint64_t bound);
/* Repeatable from here on, for the calling thread. */
void random_seed(uint64_t seed);
