#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs a scenario: connections are fibers, spread over the cores; a closed loop sends as soon as
 * the last reply came (and the think time passed), an open loop keeps an arrival schedule and
 * counts latency from the intended start, so that a server that stalls cannot hide it. Arrivals
 * come in steps of the runtime's timer tick, 1 ms.
 */
#include "load/record.h"
#include "load/scenario.h"

struct tls_client;

struct load_run {
    const struct load_scenario *scenario;
    struct load_window window;
    uint64_t id; /* names this run in every message */
    struct tls_client *tls;
    struct load_tally **tallies; /* [core * flow_count + flow] */
    _Atomic uint64_t sequence;   /* of messages */
    _Atomic uint64_t taken;      /* operations begun, where the run is bounded by count */
    _Atomic unsigned cores_done;
    instant ended; /* when the last operation of a counted run ended */
};

/* Blocks the calling (non-core) thread until the run is over; once a second calls `progress` (may
 * be NULL) with the second of the measured time (negative while warming up). */
error load_run_start(struct load_run *run, void (*progress)(struct load_run *run, int second));
/* All cores' tallies of a flow, merged into a new one. */
struct load_tally *load_run_tally(struct load_run *run, unsigned flow);
void load_run_close(struct load_run *run);
/* WAITS. The next operation may begin: its intended start; false when the run is over. */
bool load_run_next(struct load_run *run, unsigned flow, instant *out_start);
