/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load/record.h"

#include "base/assert.h"

#include <stdlib.h>

struct load_tally *load_tally_create(void)
{
    struct load_tally *tally = calloc(1, sizeof *tally);
    ASSERT(tally);
    tally->seconds = calloc(LOAD_SECONDS_MAX, sizeof *tally->seconds);
    ASSERT(tally->seconds);
    return tally;
}

void load_tally_destroy(struct load_tally **tally)
{
    if (!*tally)
        return;
    for (unsigned i = 0; i < (*tally)->phase_count; i++)
        free((*tally)->phases[i]);
    for (unsigned i = 0; i < LOAD_SECONDS_MAX; i++)
        free((*tally)->seconds[i].times);
    free((*tally)->seconds);
    free(*tally);
    *tally = NULL;
}

struct histogram *load_tally_phase(struct load_tally *tally, const char *label)
{
    for (unsigned i = 0; i < tally->phase_count; i++)
        if (tally->phases[i]->label == label || !strcmp(tally->phases[i]->label, label))
            return &tally->phases[i]->times;
    ASSERT(tally->phase_count < LOAD_PHASES_MAX);
    struct load_phase *phase = calloc(1, sizeof *phase);
    ASSERT(phase);
    phase->label = label;
    tally->phases[tally->phase_count++] = phase;
    return &phase->times;
}

static bool is_inside(const struct load_window *window, instant moment)
{
    return moment >= window->begin && moment < window->end;
}

static uint64_t span(instant from, instant to)
{
    return to > from ? (uint64_t)(to - from) : 0;
}

static struct load_second *second_of(struct load_tally *tally, const struct load_window *window,
                                     instant moment)
{
    int64_t second = (moment - window->begin) / TIME_S;
    return &tally->seconds[second < LOAD_SECONDS_MAX ? second : LOAD_SECONDS_MAX - 1];
}

/* One writer: no locked instruction needed. */
static void bump(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

void load_phase_add(struct load_tally *tally, const struct load_window *window, const char *label,
                    instant from, instant to)
{
    if (is_inside(window, to))
        histogram_add(load_tally_phase(tally, label), span(from, to));
}

void load_operation_add(struct load_tally *tally, const struct load_window *window, instant from,
                        instant to, uint64_t bytes)
{
    if (!is_inside(window, to))
        return;
    struct load_second *second = second_of(tally, window, to);
    if (!second->times)
        second->times = calloc(1, sizeof *second->times);
    if (second->times)
        histogram_add(second->times, span(from, to));
    second->done++;
    second->bytes += bytes;
    tally->bytes += bytes;
    bump(&tally->done, 1);
    histogram_add(load_tally_phase(tally, "operation"), span(from, to));
}

static void count_failure(struct load_tally *tally, slice text, uint64_t count)
{
    if (text.size >= LOAD_FAILURE_SIZE)
        text.size = LOAD_FAILURE_SIZE - 1;
    unsigned at = 0;
    while (at < tally->failure_count &&
           !slice_equal(slice_from_string(tally->failures[at].text), text))
        at++;
    if (at == LOAD_FAILURES_MAX) {
        at--; /* the last place gathers the rest */
        text = SLICE("other");
    }
    if (at == tally->failure_count)
        tally->failure_count++;
    memcpy(tally->failures[at].text, text.data, text.size);
    tally->failures[at].text[text.size] = '\0';
    tally->failures[at].count += count;
}

void load_failure_add(struct load_tally *tally, const struct load_window *window, slice text)
{
    instant now = time_now();
    if (!is_inside(window, now))
        return;
    second_of(tally, window, now)->failed++;
    bump(&tally->failed, 1);
    count_failure(tally, text, 1);
}

static void merge_second(struct load_second *target, const struct load_second *source)
{
    target->done += source->done;
    target->failed += source->failed;
    target->bytes += source->bytes;
    if (!source->times)
        return;
    if (!target->times)
        target->times = calloc(1, sizeof *target->times);
    if (target->times)
        histogram_merge(target->times, source->times);
}

void load_tally_merge(struct load_tally *target, const struct load_tally *source)
{
    for (unsigned i = 0; i < source->phase_count; i++)
        histogram_merge(load_tally_phase(target, source->phases[i]->label),
                        &source->phases[i]->times);
    for (unsigned i = 0; i < LOAD_SECONDS_MAX; i++)
        merge_second(&target->seconds[i], &source->seconds[i]);
    for (unsigned i = 0; i < source->failure_count; i++)
        count_failure(target, slice_from_string(source->failures[i].text),
                      source->failures[i].count);
    bump(&target->done, source->done);
    bump(&target->failed, source->failed);
    bump(&target->connections, source->connections);
    target->bytes += source->bytes;
    target->accepted += source->accepted;
    target->good += source->good;
    target->foreign += source->foreign;
    target->damaged += source->damaged;
}
