/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/message.h"

#include "base/assert.h"
#include "base/metric.h"
#include "runtime/core_state.h"

#include <errno.h>
#include <unistd.h>

METRIC_COUNTER(messages_run_total, "ringmail_core_messages_total", "",
               "Messages from other cores and threads");
METRIC_COUNTER(wakes_sent, "ringmail_core_wakes_total", "",
               "Sleeping cores woken by another core's message");

void core_nudge(struct core *core)
{
    uint64_t one = 1;
    while (write(core->event, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* Sequentially consistent: either the core sees the message before it sleeps (core_sleep looks
 * after setting `asleep`), or we see that it is asleep. */
void message_push(struct core *target, struct message *message)
{
    struct message *top = atomic_load_explicit(&target->inbox, memory_order_relaxed);
    do
        message->next = top;
    while (!atomic_compare_exchange_weak_explicit(&target->inbox, &top, message,
                                                  memory_order_seq_cst, memory_order_relaxed));
    if (!atomic_load_explicit(&target->asleep, memory_order_seq_cst) ||
        !atomic_exchange_explicit(&target->asleep, false, memory_order_seq_cst))
        return;
    if (!core_here) {
        core_nudge(target);
        return;
    }
    metric_add(&wakes_sent, 1);
    ring_wake_other(target->ring, &target->wake_failed);
}

void core_post(unsigned core, struct message *message)
{
    ASSERT(core < machine.count);
    message_push(&machine.cores[core], message);
}

bool messages_run(void)
{
    if (!messages_waiting(core_here))
        return false;
    struct message *newest =
        atomic_exchange_explicit(&core_here->inbox, NULL, memory_order_acquire);
    struct message *oldest = NULL;
    while (newest) {
        struct message *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    int64_t count = 0;
    while (oldest) {
        struct message *next = oldest->next; /* run gives the message away */
        oldest->run(oldest);
        oldest = next;
        count++;
    }
    metric_add(&messages_run_total, count);
    return true;
}
