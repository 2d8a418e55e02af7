#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the cores know of each other: the only memory of the runtime that several threads touch.
 * Private to runtime.
 */
#include "runtime/core.h"
#include "runtime/message.h"
#include "runtime/ring_core.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

struct core {
    /* Written by others. A stack of messages: pushing is one compare-and-swap, the owner takes all
     * at once and turns them round. */
    _Alignas(64) _Atomic(struct message *) inbox;
    /* Set by the owner before it sleeps; whoever clears it must wake the core. */
    _Atomic bool asleep;
    _Atomic bool stop_asked;

    _Alignas(64) unsigned number;
    int ring; /* descriptors; fixed once the cores run */
    int event;
    struct ring_request wake_failed; /* completed on the core that tried to wake this one */
    struct ring_request event_seen;
    struct message begin, stop;
    pthread_t thread;
};

/* All cores of the process. */
struct machine {
    struct core *cores;
    unsigned count;
    struct core_options options; /* defaults filled in; spin_ns 0 means never */
    cpu_set_t allowed;           /* CPUs this process may use */
    void (*main)(void *argument);
    void *argument;
    pthread_mutex_t lock; /* for the four below, while starting */
    pthread_cond_t changed;
    unsigned ready; /* cores whose ring stands or failed */
    bool unable;    /* one of these failed: none runs */
    unsigned begun; /* cores whose main was started, or was not because a start hook failed */
    error problem;  /* the first one */
    _Atomic unsigned booted;  /* cores whose start hooks have run */
    _Atomic unsigned drained; /* cores whose root crew is empty after a stop */
    _Atomic unsigned ended;   /* cores whose end hooks have run */
};

extern struct machine machine;
extern _Thread_local struct core *core_here; /* NULL on threads that are no cores */

/* message.c */
void message_push(struct core *target, struct message *message);
/* Runs what lies in this core's inbox; true if there was any. */
bool messages_run(void);
static inline bool messages_waiting(const struct core *core)
{
    return atomic_load_explicit(&core->inbox, memory_order_seq_cst) != NULL;
}
/* Through the event descriptor, whether it sleeps or not. */
void core_nudge(struct core *core);

/* call.c: the crew in which calls from other cores run. */
void calls_begin(void);

/* worker.c */
void workers_begin(unsigned threads_per_lane);
void workers_end(void);

/* core.c: makes the calling thread a core; on failure it is none. Then either run, which returns
 * once the core has ended, or end. */
error core_thread_begin(struct core *core);
void core_thread_run(void);
void core_thread_end(void);

/* cores.c: what was registered by core_on_start; core_booted says how it went here. */
/* For threads of ours: blocks all signals but those that tell of a fault in the thread itself (a
 * sanitizer or a crash handler wants to hear of them). */
void signals_block(sigset_t *out_before);
error hooks_start(void);
void hooks_end(void);
void core_booted(error problem);
