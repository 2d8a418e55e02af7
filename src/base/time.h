#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two clocks: the steady one for waits and measuring, the wall clock for what people and protocols
 * read.
 */
#include <stdint.h>

/* A moment on the steady clock, nanoseconds. Deadlines are such moments. */
typedef int64_t instant;

#define TIME_NEVER INT64_MAX
#define TIME_US 1000LL
#define TIME_MS 1000000LL
#define TIME_S 1000000000LL

/* CLOCK_MONOTONIC, read now. */
instant time_now(void);
/* The wall clock: nanoseconds since 1970 UTC. */
int64_t time_wall(void);
/* Whole seconds since 1970 UTC. */
int64_t time_wall_seconds(void);

/* now + duration, never past TIME_NEVER; a negative or TIME_NEVER duration means never. */
static inline instant time_after(int64_t duration_ns)
{
    return duration_ns < 0 || duration_ns == TIME_NEVER ? TIME_NEVER : time_now() + duration_ns;
}

/* The first of so many equal parts of the time from now to the deadline ends then. */
static inline instant time_share(instant deadline, unsigned parts)
{
    instant now = time_now();
    return parts <= 1 || deadline <= now ? deadline : now + (deadline - now) / parts;
}
