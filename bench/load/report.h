#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A finished run as a table for people, as JSON and CSV for programs, and as one HTML page with
 * plots that needs nothing else. All read the same struct.
 */
#include "load/observe.h"
#include "load/record.h"
#include "load/scenario.h"

#include <stdio.h>

struct load_result {
    const struct load_scenario *scenario;
    struct load_tally *tallies[LOAD_FLOWS_MAX]; /* merged over cores, in the scenario's order */
    double seconds;                             /* measured */
    struct load_usage server, self;             /* in the measured time; memory at its end */
    const char *note;                           /* what was under test, or "" */
    /* Of a ramp: each rate tried. */
    struct load_ramp_point {
        double rate;     /* asked for, operations per second */
        double done;     /* got */
        int64_t latency; /* ns, at the scenario's target quantile */
        bool kept;
    } ramp[64];
    unsigned ramp_count;
};

void load_report_text(const struct load_result *result, FILE *out);
void load_report_json(const struct load_result *result, FILE *out);
void load_report_csv(const struct load_result *result, FILE *out);
void load_report_html(const struct load_result *result, FILE *out);

/* Shared by the writers: "1.25 ms". */
const char *load_report_time(uint64_t ns, char room[32]);
