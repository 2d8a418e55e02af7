#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was measured. Each core has a tally per flow and writes it alone; the main thread may read
 * the counters while the test runs (progress line) and merges all when the cores have ended.
 */
#include "base/histogram.h"
#include "base/slice.h"
#include "base/time.h"

#include <stdatomic.h>

enum {
    LOAD_PHASES_MAX = 40,
    LOAD_SECONDS_MAX = 3600, /* of a run's timeline; later seconds share the last */
    LOAD_FAILURES_MAX = 24,  /* distinct replies kept; the rest is counted as "other" */
    LOAD_FAILURE_SIZE = 80,
};

struct load_phase {
    const char *label;
    struct histogram times; /* ns */
};

struct load_second {
    uint32_t done, failed;
    uint64_t bytes;
    struct histogram *times; /* of the operation; NULL where none ended */
};

struct load_failure {
    char text[LOAD_FAILURE_SIZE]; /* "451 4.3.0 try again", "timeout" */
    uint64_t count;
};

struct load_tally {
    struct load_phase *phases[LOAD_PHASES_MAX];
    unsigned phase_count;
    struct load_second *seconds;
    _Atomic uint64_t done, failed; /* operations that ended inside the measured time */
    _Atomic uint64_t connections;
    uint64_t bytes;                  /* of messages sent or fetched */
    uint64_t accepted;               /* messages the server took, warm-up included */
    uint64_t good, foreign, damaged; /* messages checked by @verify */
    struct load_failure failures[LOAD_FAILURES_MAX];
    unsigned failure_count;
};

/* The measured time; set once before the cores start. */
struct load_window {
    instant begin, end;
};

struct load_tally *load_tally_create(void);
void load_tally_destroy(struct load_tally **tally);

/* label must outlive the tally. Counted only inside the window. */
void load_phase_add(struct load_tally *tally, const struct load_window *window, const char *label,
                    instant from, instant to);
/* One operation ended: its time (from the intended start in an open loop) and message bytes. */
void load_operation_add(struct load_tally *tally, const struct load_window *window, instant from,
                        instant to, uint64_t bytes);
void load_failure_add(struct load_tally *tally, const struct load_window *window, slice text);

void load_tally_merge(struct load_tally *target, const struct load_tally *source);
struct histogram *load_tally_phase(struct load_tally *tally, const char *label);
