/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/schedule.h"

int64_t queue_retry_pause(const struct queue_settings *settings, unsigned attempts, uint64_t random)
{
    int64_t pause = settings->retry_min;
    int64_t longest =
        settings->retry_max > settings->retry_min ? settings->retry_max : settings->retry_min;
    for (unsigned i = 1; i < attempts && pause < longest; i++)
        pause = pause > longest / 2 ? longest : pause * 2;
    int64_t spread = pause / 2; /* a quarter to either side */
    return spread > 0 ? pause - spread / 2 + (int64_t)(random % (uint64_t)spread) : pause;
}
