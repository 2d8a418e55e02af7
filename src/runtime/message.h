#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Between cores: a message moves ownership of what it points to through a lock-free queue to the
 * target core, which is woken (MSG_RING) only if it sleeps. Messages posted in one turn to the same
 * core travel together. From one core to another they arrive in order.
 */
#include "base/error.h"

struct message;
typedef void message_function(struct message *message);

struct message {
    struct message *next;
    message_function
        *run; /* on the target core, scheduler context: must not wait (start a fiber if you must) */
};

/* From a core thread or any other thread. Never fails, never waits. Posting to oneself is fine
 * (runs next turn). */
void core_post(unsigned core, struct message *message);

/* WAITS. Runs `function(argument)` in a fiber on `core` and returns its error. In place where core
 * is this one. The argument is the callee's alone meanwhile. Not ended by cancellation of the
 * caller. */
error core_call(unsigned core, error (*function)(void *argument), void *argument);
/* WAITS. The same for functions that do not wait: no fiber, less work. */
error core_visit(unsigned core, error (*function)(void *argument), void *argument);

/* Several calls at once: start each, then join. The struct lives in the caller until joined. */
struct core_batch {
    unsigned pending;
    void *fiber;
};
struct core_job {
    struct message message;
    error (*function)(void *argument);
    void *argument;
    error result;
    unsigned origin;
    struct core_batch *batch;
};
void core_batch_init(struct core_batch *batch);
/* Runs job->function(job->argument) in a fiber on `core` (a fiber of its own even on this core). */
void core_batch_start(struct core_batch *batch, unsigned core, struct core_job *job);
/* WAITS until all are done; results are in the jobs. */
void core_batch_join(struct core_batch *batch);

/* WAITS. Runs on every core, this one last; the first failure is returned after all ran. */
error core_broadcast(error (*function)(void *argument), void *argument);
