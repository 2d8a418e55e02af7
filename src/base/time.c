/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/time.h"

#include <time.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * TIME_S + now.tv_nsec;
}

instant time_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t time_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t time_wall_seconds(void)
{
    return time_wall() / TIME_S;
}
