/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/timer.h"

#include "base/assert.h"
#include "runtime/timer_wheel.h"

/* Level L has 64 slots of 64^L ticks. A timer lies at the level of the highest 6-bit digit in which
 * its tick differs from `elapsed`, in the slot of its own digit there; so every timer of a level
 * comes before all timers of the levels above, its slot is right of the present one, and nothing
 * ever wraps. When `elapsed` enters a slot above level 0, the slot's timers move down. */
enum {
    TICK_NS = 1000000,
    DIGIT_BITS = 6,
    SLOTS = 1 << DIGIT_BITS,
    LEVELS = 8, /* 2^48 ms: beyond the clock's own range of 2^63 ns */
};

static _Thread_local struct {
    uint64_t elapsed; /* ticks: every timer up to and with this one has fired */
    instant now;
    uint64_t occupied[LEVELS]; /* a set bit may stand for a slot emptied by timer_cancel */
    struct list slots[LEVELS][SLOTS];
} wheel;

static uint64_t tick_of(instant when)
{
    if (when <= 0)
        return 0;
    return ((uint64_t)when + TICK_NS - 1) / TICK_NS;
}

void timers_begin(void)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        wheel.occupied[level] = 0;
        for (unsigned slot = 0; slot < SLOTS; slot++)
            list_init(&wheel.slots[level][slot]);
    }
    wheel.now = time_now();
    wheel.elapsed = (uint64_t)wheel.now / TICK_NS;
}

instant timer_now(void)
{
    return wheel.now;
}

void timer_init(struct timer *timer, timer_function *fire)
{
    list_init(&timer->node);
    timer->when = TIME_NEVER;
    timer->fire = fire;
}

static void insert(struct timer *timer)
{
    uint64_t tick = tick_of(timer->when);
    if (tick <= wheel.elapsed)
        tick = wheel.elapsed + 1;
    unsigned top_bit = 63 - (unsigned)__builtin_clzll(tick ^ wheel.elapsed);
    unsigned level = top_bit / DIGIT_BITS;
    unsigned slot = tick >> (level * DIGIT_BITS) & (SLOTS - 1);
    wheel.occupied[level] |= 1ULL << slot;
    list_append(&wheel.slots[level][slot], &timer->node);
}

void timer_set(struct timer *timer, instant when)
{
    list_remove(&timer->node);
    timer->when = when;
    if (when != TIME_NEVER)
        insert(timer);
}

void timer_cancel(struct timer *timer)
{
    list_remove(&timer->node);
    timer->when = TIME_NEVER;
}

bool timer_is_set(const struct timer *timer)
{
    return !list_is_empty(&timer->node);
}

/* The first occupied slot and the tick at which it begins; false where no timer is set. */
static bool first_slot(unsigned *out_level, unsigned *out_slot, uint64_t *out_tick)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        while (wheel.occupied[level]) {
            unsigned slot = (unsigned)__builtin_ctzll(wheel.occupied[level]);
            if (list_is_empty(&wheel.slots[level][slot])) {
                wheel.occupied[level] &= ~(1ULL << slot);
                continue;
            }
            unsigned shift = level * DIGIT_BITS;
            uint64_t above = wheel.elapsed >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS);
            *out_level = level;
            *out_slot = slot;
            *out_tick = above | (uint64_t)slot << shift;
            return true;
        }
    }
    return false;
}

static void fire_or_move_down(unsigned level, unsigned slot)
{
    struct list *source = &wheel.slots[level][slot];
    wheel.occupied[level] &= ~(1ULL << slot);
    /* Onto a head of its own: callbacks may set and cancel any timer, these too. */
    struct list due = *source;
    due.next->previous = due.previous->next = &due;
    list_init(source);
    while (!list_is_empty(&due)) {
        struct timer *timer = CONTAINER_OF(due.next, struct timer, node);
        list_remove(&timer->node);
        if (tick_of(timer->when) > wheel.elapsed) {
            insert(timer);
            continue;
        }
        timer->when = TIME_NEVER;
        timer->fire(timer);
    }
}

void timers_run(instant now)
{
    wheel.now = now;
    uint64_t tick_now = (uint64_t)now / TICK_NS;
    if (tick_now <= wheel.elapsed)
        return;
    unsigned level, slot;
    uint64_t tick;
    while (first_slot(&level, &slot, &tick) && tick <= tick_now) {
        wheel.elapsed = tick;
        fire_or_move_down(level, slot);
    }
    wheel.elapsed = tick_now;
}

instant timers_next(void)
{
    unsigned level, slot;
    uint64_t tick;
    if (!first_slot(&level, &slot, &tick))
        return TIME_NEVER;
    return (instant)(tick * TICK_NS);
}
