#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the servers under test cost, read from /proc: CPU time and memory of processes and all their
 * descendants.
 */
#include <stdint.h>
#include <sys/types.h>

enum { LOAD_SERVERS_MAX = 64 };

struct load_usage {
    double user_s, system_s; /* CPU, of living processes and of children they waited for */
    uint64_t
        memory; /* bytes resident, shared pages counted once per process (PSS where readable) */
    unsigned processes;
};

/* Sums over the given processes and everything below them. */
struct load_usage load_observe(const pid_t *servers, unsigned count);
/* This process's own. */
struct load_usage load_observe_self(void);
