#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A core is one pinned thread with one io_uring, one fiber scheduler, one timer wheel and its own
 * memory. Cores share nothing mutable; they talk by messages (runtime/message.h). State of a core
 * lives in _Thread_local variables of the module that owns it.
 */
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { CORE_COUNT_MAX = 512 };

struct core_options {
    unsigned count;               /* 0: one per CPU this process may use */
    bool pin;                     /* bind each thread to a CPU */
    size_t stack_size;            /* bytes per fiber, 0: default (64 KiB, more under sanitizers) */
    unsigned fibers_max;          /* per core, 0: default 1,000,000 */
    unsigned ring_entries;        /* 0: default 4096 */
    unsigned receive_buffers;     /* per core, power of two, 0: default 1024 */
    unsigned receive_buffer_size; /* bytes, 0: default 16 KiB */
    unsigned workers;             /* threads per core and lane, 0: default 2 */
    int64_t spin_ns; /* look around this long before sleeping, 0: default 20 µs; -1: never */
};

/* Starts the cores; each runs `main` in its first fiber (in the root crew). Returns once all run.
 * ERROR_PERMANENT with a clear text where io_uring is missing or forbidden. */
error cores_start(const struct core_options *options, void (*main)(void *argument), void *argument);
/* From any thread: cancels every core's root crew. Async-signal-safe: no; call it from a thread or
 * fiber. */
void cores_stop(void);
/* Blocks the calling (non-core) thread until all cores have ended, and frees them. */
void cores_join(void);

/* One core on the calling thread, for tests and tools: runs main to its end, then cancels and joins
 * what is left. */
error core_run_here(const struct core_options *options, void (*main)(void *argument),
                    void *argument);

unsigned core_count(void);
/* This core's number, 0..count-1. Only on core threads. */
unsigned core_self(void);
bool core_is_core(void); /* is the calling thread one? */

/* Runs `function` in scheduler context once the present turn's fibers have run, before the ring is
 * entered: for batching (group commit, notifications). `hook` is the caller's, one pending at a
 * time; setting it twice is once. */
struct core_hook {
    struct core_hook *next;
    void (*function)(struct core_hook *hook);
    bool pending;
};
void core_at_turn_end(struct core_hook *hook);

/* Registers a per-core function run when the core starts (before main) and ends (after the root
 * crew is joined): both on the core's own thread. Call before cores_start. */
void core_on_start(error (*start)(void), void (*end)(void));

struct core_statistics {
    uint64_t turns, switches, submissions, completions, wakeups, sleeps;
    uint64_t busy_ns, idle_ns;
    uint32_t fibers, fibers_high, stacks_pooled;
    uint32_t stack_high_bytes;
};
/* Of the calling core. */
struct core_statistics core_statistics(void);
