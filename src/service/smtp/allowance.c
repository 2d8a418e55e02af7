/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/allowance.h"

#include <string.h>

enum { HOUR_SLOT_S = 300, DAY_SLOT_S = 3600 };

/* Slots that have gone by are empty again. A clock that was set back counts into the newest. */
static void roll(struct allowance_window *window, unsigned slots, int64_t slot)
{
    int64_t passed = slot - window->newest;
    for (int64_t i = 1; i <= passed && i <= slots; i++) {
        window->messages[(window->newest + i) % slots] = 0;
        window->recipients[(window->newest + i) % slots] = 0;
    }
    if (passed > slots) {
        memset(window->messages, 0, sizeof window->messages);
        memset(window->recipients, 0, sizeof window->recipients);
    }
    if (passed > 0)
        window->newest = slot;
}

static uint32_t left_of(const uint32_t *sent, unsigned slots, unsigned limit)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < slots; i++)
        sum += sent[i];
    if (limit == 0)
        return UINT32_MAX;
    return sum >= limit ? 0 : limit - (uint32_t)sum;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

struct allowance_left allowance_left(struct allowance_count *count,
                                     const struct smtp_settings *limits, int64_t now)
{
    const struct allowance_window *hour = &count->hour, *day = &count->day;
    roll(&count->hour, ALLOWANCE_HOUR_SLOTS, now / HOUR_SLOT_S);
    roll(&count->day, ALLOWANCE_DAY_SLOTS, now / DAY_SLOT_S);
    return (struct allowance_left){
        .messages = lesser(left_of(hour->messages, ALLOWANCE_HOUR_SLOTS, limits->messages_per_hour),
                           left_of(day->messages, ALLOWANCE_DAY_SLOTS, limits->messages_per_day)),
        .recipients =
            lesser(left_of(hour->recipients, ALLOWANCE_HOUR_SLOTS, limits->recipients_per_hour),
                   left_of(day->recipients, ALLOWANCE_DAY_SLOTS, limits->recipients_per_day)),
    };
}

/* What is given back may have gone by meanwhile. */
static void add(uint32_t *sent, int number)
{
    int64_t sum = (int64_t)*sent + number;
    *sent = sum < 0 ? 0 : sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

void allowance_add(struct allowance_count *count, int messages, int recipients, int64_t now)
{
    struct allowance_window *hour = &count->hour, *day = &count->day;
    roll(hour, ALLOWANCE_HOUR_SLOTS, now / HOUR_SLOT_S);
    roll(day, ALLOWANCE_DAY_SLOTS, now / DAY_SLOT_S);
    add(&hour->messages[hour->newest % ALLOWANCE_HOUR_SLOTS], messages);
    add(&hour->recipients[hour->newest % ALLOWANCE_HOUR_SLOTS], recipients);
    add(&day->messages[day->newest % ALLOWANCE_DAY_SLOTS], messages);
    add(&day->recipients[day->newest % ALLOWANCE_DAY_SLOTS], recipients);
}

bool allowance_is_current(const struct allowance_count *count, int64_t now)
{
    int64_t slot = now / DAY_SLOT_S, newest = count->day.newest;
    return newest > slot - ALLOWANCE_DAY_SLOTS && newest < slot + ALLOWANCE_DAY_SLOTS;
}
