/* SPDX-License-Identifier: GPL-3.0-or-later
 * Checkpoints: when segments run low or records grow old, sync the store in the background and free
 * the segments that it covers. */
#include "base/log.h"
#include "base/metric.h"
#include "data/journal/state.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

METRIC_COUNTER(journal_checkpoints, "ringmail_journal_checkpoints_total", "", "Checkpoints made");
METRIC_HISTOGRAM(journal_checkpoint_time, "ringmail_journal_checkpoint_seconds", "",
                 "Time of one checkpoint's sync");

enum {
    CHECKPOINT_RETRY_MS = 1000,
    CHECKPOINT_PATIENCE_MS = 1000, /* for records on their way */
};

static unsigned sealed_count(const struct journal *journal)
{
    unsigned count = 0;
    for (unsigned i = 0; i < journal->segment_count; i++)
        count += journal->segments[i].use == SEGMENT_SEALED;
    return count;
}

void journal_checkpoint_consider(struct journal *journal)
{
    if (!journal->doubtful && sealed_count(journal) >= journal->segment_count / 2) {
        journal->wanted = true;
        condition_wake_all(&journal->checkpoint_wanted);
    }
}

/* The first used segment in ring order, or segment_count where none is. */
static uint32_t oldest_used(const struct journal *journal)
{
    for (uint32_t i = 1; i <= journal->segment_count; i++) {
        uint32_t at = (journal->current + i) % journal->segment_count;
        enum segment_use use = journal->segments[at].use;
        if (use == SEGMENT_SEALED || use == SEGMENT_CURRENT)
            return at;
    }
    return journal->segment_count;
}

static instant oldest_append(const struct journal *journal)
{
    uint32_t at = oldest_used(journal);
    return at == journal->segment_count ? TIME_NEVER : journal->segments[at].first_append;
}

/* How many segments from the oldest on hold nothing that is still on its way. */
static unsigned coverable(const struct journal *journal)
{
    uint32_t first = oldest_used(journal);
    unsigned count = 0;
    while (first < journal->segment_count && count < journal->segment_count) {
        const struct segment *segment =
            &journal->segments[(first + count) % journal->segment_count];
        if (segment->use != SEGMENT_SEALED || segment->unsettled > 0 || segment->buffers > 0)
            break;
        count++;
    }
    return count;
}

struct checkpoint_job {
    struct journal *journal;
    uint32_t first;
    unsigned count;
    bool sync_failed;
};

static error checkpoint_on_worker(void *argument)
{
    struct checkpoint_job *job = argument;
    struct journal *journal = job->journal;
    error problem = journal->options.make_durable(journal->options.argument);
    job->sync_failed = failed(problem);
    TRY(problem);
    for (unsigned i = 0; i < job->count; i++)
        TRY(journal_segment_write_free(
            journal, &journal->segments[(job->first + i) % journal->segment_count]));
    return OK;
}

/* WAITS. With `all`, closes the current segment and gives records on their way a moment to settle.
 */
static error checkpoint_once(struct journal *journal, bool all)
{
    if (all && !journal->doubtful && journal->has_current &&
        journal->segments[journal->current].first_append != TIME_NEVER)
        journal_segment_seal(journal);
    instant patience = timer_now() + CHECKPOINT_PATIENCE_MS * TIME_MS;
    for (;;) {
        unsigned sealed = sealed_count(journal), count = coverable(journal);
        if (sealed == 0 || journal->doubtful)
            break; /* sync all the same: the caller may have more than records in mind */
        if (all ? count == sealed || (count > 0 && timer_now() >= patience) : count > 0)
            break;
        error waited = condition_wait(&journal->settled, count > 0 ? patience : TIME_NEVER);
        if (waited.kind == ERROR_CANCELLED)
            return waited;
    }
    struct checkpoint_job job = {.journal = journal, .first = oldest_used(journal)};
    job.count = journal->doubtful ? 0 : coverable(journal);
    instant begun = time_now(), changed = journal->changed;
    journal->changed = TIME_NEVER; /* what changes from now on may miss this sync */
    error problem = worker_run(WORKER_FILE, checkpoint_on_worker, &job);
    if (failed(problem)) {
        if (changed < journal->changed)
            journal->changed = changed;
        journal->doubtful |= job.sync_failed;
        condition_wake_all(&journal->freed); /* who waits for room hears that none will come */
        return problem;
    }
    metric_observe(&journal_checkpoint_time, (uint64_t)(time_now() - begun));
    metric_add(&journal_checkpoints, 1);
    for (unsigned i = 0; i < job.count; i++)
        journal->segments[(job.first + i) % journal->segment_count].use = SEGMENT_FREE;
    journal->free_count += job.count;
    condition_wake_all(&journal->freed);
    if (journal->options.made_durable)
        journal->options.made_durable(journal->options.argument);
    return journal->doubtful
               ? error_make(ERROR_TEMPORARY, "a sync failed before: records stay until replay")
               : OK;
}

static instant due_after(const struct journal *journal, instant oldest)
{
    return oldest == TIME_NEVER ? TIME_NEVER : oldest + journal->options.checkpoint_age;
}

void journal_checkpoint_run(void *argument)
{
    struct journal *journal = argument;
    for (;;) {
        instant due = journal->doubtful ? TIME_NEVER : due_after(journal, oldest_append(journal));
        instant change_due = due_after(journal, journal->changed);
        bool all = journal->wanted_all || timer_now() >= due;
        if (!journal->wanted && !all && timer_now() < change_due) {
            error waited =
                condition_wait(&journal->checkpoint_wanted, due < change_due ? due : change_due);
            if (waited.kind == ERROR_CANCELLED)
                return;
            continue;
        }
        journal->wanted = false;
        journal->wanted_all = false;
        uint64_t number = ++journal->checkpoints_begun;
        error problem = checkpoint_once(journal, all);
        if (problem.kind == ERROR_CANCELLED)
            return;
        journal->checkpoint_result = problem;
        journal->checkpoints_done = number;
        condition_wake_all(&journal->checkpoint_done);
        if (failed(problem)) {
            log_event(LOG_ERROR, "journal.checkpoint", problem,
                      slice_from_string(journal->directory));
            if (failed(fiber_sleep(CHECKPOINT_RETRY_MS * TIME_MS)))
                return;
            journal->wanted = !journal->doubtful;
        }
        journal_checkpoint_consider(journal);
    }
}

error journal_checkpoint(void)
{
    struct journal *journal = &journal_here;
    if (!journal_is_on())
        return OK;
    /* One that is under way may have begun before what the caller wants covered. */
    uint64_t wanted = journal->checkpoints_begun + 1;
    while (journal->checkpoints_done < wanted) {
        journal->wanted_all = true;
        condition_wake_all(&journal->checkpoint_wanted);
        TRY(condition_wait(&journal->checkpoint_done, TIME_NEVER));
    }
    return journal->checkpoint_result;
}
