#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timers of one core: a hierarchical wheel of 1 ms ticks. Setting and cancelling are O(1) and
 * allocate nothing. They fire at or after their moment, from scheduler context: the callback must
 * not wait (it wakes or starts a fiber).
 */
#include "base/list.h"
#include "base/time.h"

struct timer;
typedef void timer_function(struct timer *timer);

struct timer {
    struct list node;
    instant when;
    timer_function *fire;
};

void timer_init(struct timer *timer, timer_function *fire);
/* Sets or moves. TIME_NEVER cancels. */
void timer_set(struct timer *timer, instant when);
void timer_cancel(struct timer *timer);
bool timer_is_set(const struct timer *timer);

/* The core's clock, read once per turn of its loop: cheap, at most one turn old. */
instant timer_now(void);
