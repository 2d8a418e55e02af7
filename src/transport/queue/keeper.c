/* SPDX-License-Identifier: GPL-3.0-or-later
 * The keeper: one fiber per core that moves bodies from memory into the spool, writes the log, and
 * takes care of both files. It works in rounds; whoever waits for durability waits for the end of a
 * round that began after it asked. */
#include "transport/queue/state.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metric.h"
#include "data/store/store.h"
#include "runtime/fiber.h"

#include <stdlib.h>

METRIC_HISTOGRAM(round_time, "ringmail_queue_keep_round_seconds", "",
                 "Time of one round of spooling and logging");
METRIC_COUNTER(moved_bodies, "ringmail_queue_spool_moved_bodies_total", "",
               "Bodies moved out of segments of the spool that were mostly dead");

void keep_wake(struct keep_core *keep)
{
    condition_wake_all(&keep->wanted);
}

static bool must_sync(void)
{
    return store_durability() != JOURNAL_DURABILITY_NONE;
}

/* ---- What goes to the spool ---- */

/* `taken`: bytes that leave memory anyway. */
static bool is_due(const struct keep_core *keep, const struct queue_memory *memory, uint64_t taken)
{
    const struct queue_settings *settings = keep_settings();
    return keep->closing || timer_now() - memory->since >= settings->memory_age ||
           keep->memory_bytes - taken > settings->memory_max || journal_presses(&memory->ticket);
}

struct batch {
    struct queue_content *contents[KEEP_BATCH_COUNT];
    struct spool_entry entries[KEEP_BATCH_COUNT];
    unsigned count;
    uint64_t bytes;
};

static void batch_add(struct batch *batch, struct queue_content *content, slice prefixes,
                      slice body)
{
    batch->entries[batch->count] =
        (struct spool_entry){.id = content->id, .prefixes = prefixes, .body = body};
    batch->contents[batch->count++] = content;
    batch->bytes += prefixes.size + body.size;
    content->references++; /* the keeper's own, while it writes */
}

/* What came until `begun`: those who come while a round is under way have the next. */
static struct queue_memory *next_due(const struct keep_core *keep, uint64_t taken, instant begun)
{
    struct queue_memory *memory = LIST_FIRST(&keep->chosen, struct queue_memory, node);
    if (memory)
        return memory;
    memory = LIST_FIRST(&keep->memory, struct queue_memory, node);
    return memory && memory->since <= begun && is_due(keep, memory, taken) ? memory : NULL;
}

static void batch_take(struct keep_core *keep, struct batch *batch, instant begun)
{
    uint64_t taken = 0;
    batch->count = 0;
    batch->bytes = 0;
    struct queue_memory *memory;
    while (batch->count < KEEP_BATCH_COUNT && batch->bytes < KEEP_BATCH_BYTES &&
           (memory = next_due(keep, taken, begun))) {
        struct queue_content *content = memory->content;
        list_remove(&memory->node);
        memory->busy = true;
        taken += memory->body.capacity + content->prefix_size;
        batch_add(batch, content, slice_of(memory->prefixes, content->prefix_size),
                  body_slice(&memory->body));
    }
}

/* Lets go of it; true where somebody still has it. */
static bool release(struct keep_core *keep, struct queue_content *content)
{
    ASSERT(content->references > 0);
    if (--content->references > 0)
        return true;
    keep_content_free(keep, content);
    return false;
}

static void spooled(struct keep_core *keep, struct queue_content *content,
                    const struct spool_entry *entry)
{
    struct queue_memory *memory = content->memory;
    spool_attach(&keep->spool, content, entry->segment, entry->offset);
    for (struct queue_mail *mail = content->mails; mail; mail = mail->next_sharing)
        queue_log_mail(&keep->log, mail);
    queue_log_ticket(&keep->log, &memory->ticket);
    memory->busy = false;
    if (memory->waiter) {
        list_append(&keep->waiters, &memory->waiter->node);
        keep->unpublished++;
    } else {
        keep_memory_drop(keep, content);
    }
}

static void not_spooled(struct keep_core *keep, struct queue_content *content, error problem)
{
    struct queue_memory *memory = content->memory;
    memory->busy = false;
    if (!memory->waiter) { /* memory and journal keep it: tried again */
        list_prepend(memory->urgent ? &keep->hurried : &keep->memory, &memory->node);
        return;
    }
    memory->waiter->result = problem;
    memory->waiter->done = true;
}

/* WAITS. */
static error spool_batch(struct keep_core *keep, struct batch *batch)
{
    error problem = spool_write(&keep->spool, batch->entries, batch->count,
                                keep_settings()->spool_segment_size, false);
    if (failed(problem)) {
        for (unsigned i = batch->count; i-- > 0;)
            if (release(keep, batch->contents[i]))
                not_spooled(keep, batch->contents[i], problem);
        return problem;
    }
    for (unsigned i = 0; i < batch->count; i++)
        if (release(keep, batch->contents[i]))
            spooled(keep, batch->contents[i], &batch->entries[i]);
    return keep->log.staged.size < KEEP_STAGED_BYTES ? OK : queue_log_flush(&keep->log, false);
}

static void move_all(struct list *from, struct list *to)
{
    while (!list_is_empty(from)) {
        struct list *last = from->previous;
        list_remove(last);
        list_prepend(to, last);
    }
}

/* WAITS. */
static error spool_due(struct keep_core *keep)
{
    struct batch *batch = malloc(sizeof *batch);
    TRY_MEMORY(batch);
    instant begun = timer_now();
    error problem = OK;
    move_all(&keep->hurried, &keep->chosen);
    while (!failed(problem)) {
        batch_take(keep, batch, begun);
        if (batch->count == 0)
            break;
        problem = spool_batch(keep, batch);
    }
    move_all(&keep->chosen, &keep->hurried); /* after a failure */
    free(batch);
    return problem;
}

/* ---- A round ---- */

static void answer_waiters(struct keep_core *keep, error result)
{
    while (!list_is_empty(&keep->waiters)) {
        struct keep_waiter *waiter = LIST_FIRST(&keep->waiters, struct keep_waiter, node);
        list_remove(&waiter->node);
        waiter->result = result;
        waiter->done = true;
    }
}

static void drop_lingering(struct keep_core *keep)
{
    struct queue_memory *memory;
    LIST_EACH (&keep->lingering, memory, node)
        keep_memory_drop(keep, memory->content);
}

/* WAITS. What is in the spool and staged for the log reaches the files; with `sync` the disk. */
static error write_down(struct keep_core *keep, bool sync)
{
    spool_condemn(&keep->spool);
    if (sync)
        TRY(spool_sync(&keep->spool));
    TRY(queue_log_flush(&keep->log, sync));
    return OK;
}

static error empty_worst(struct keep_core *keep);

static void complain(struct keep_core *keep, error problem)
{
    if (failed(problem) && !keep->complained)
        log_event(LOG_ERROR, "queue.keep", problem, slice_from_string(keep_shared.path));
    else if (!failed(problem) && keep->complained)
        log_event(LOG_INFO, "queue.keep.again", OK, slice_from_string(keep_shared.path));
    keep->complained = failed(problem);
}

/* WAITS. */
static void work_round(struct keep_core *keep)
{
    instant begun = time_now();
    uint64_t number = ++keep->rounds_begun;
    bool sync = keep->sync_wanted;
    keep->sync_wanted = false; /* whoever asks from here on has the next round */
    drop_lingering(keep);
    error problem = spool_due(keep);
    sync = sync || !list_is_empty(&keep->waiters);
    error written = write_down(keep, sync && must_sync());
    answer_waiters(keep, written);
    if (!failed(problem))
        problem = written;
    if (!failed(problem))
        problem = spool_reclaim(&keep->spool);
    if (!failed(problem))
        problem = empty_worst(keep);
    if (queue_log_wants_rewriting(&keep->log))
        condition_wake_all(&keep->rewrite_wanted);
    complain(keep, problem);
    keep->retry_at = failed(problem) ? timer_now() + KEEP_RETRY_MS * TIME_MS : 0;
    keep->round_result = problem;
    keep->rounds_done = number;
    condition_wake_all(&keep->round_done);
    metric_observe(&round_time, (uint64_t)(time_now() - begun));
}

/* When there is something to do; TIME_NEVER where nothing is. */
static instant next_work(const struct keep_core *keep)
{
    const struct queue_memory *memory = LIST_FIRST(&keep->memory, struct queue_memory, node);
    instant now = timer_now(), tick = now + KEEP_TICK_MS * TIME_MS;
    if (keep->sync_wanted)
        return now;
    if (keep->retry_at > now)
        return keep->retry_at;
    if (!list_is_empty(&keep->hurried) || (memory && is_due(keep, memory, 0)))
        return now;
    if (memory || !list_is_empty(&keep->lingering) || !queue_log_is_clean(&keep->log) ||
        !list_is_empty(&keep->spool.dead) || !list_is_empty(&keep->spool.condemned))
        return tick;
    return TIME_NEVER;
}

void keeper_run(void *argument)
{
    struct keep_core *keep = argument;
    instant round_due = TIME_NEVER;
    for (;;) {
        instant work = next_work(keep);
        if (work < round_due)
            round_due = work;
        if (work == TIME_NEVER)
            round_due = TIME_NEVER;
        if (round_due > timer_now()) {
            error waited = condition_wait(&keep->wanted, round_due);
            if (waited.kind == ERROR_CANCELLED)
                return;
            continue;
        }
        round_due = TIME_NEVER;
        work_round(keep);
        if (fiber_is_cancelled())
            return;
    }
}

/* WAITS for a round that has not begun yet. */
static error sync_round(struct keep_core *keep)
{
    uint64_t number = keep->rounds_begun + 1;
    while (keep->rounds_done < number) {
        if (keep->rounds_begun < number)
            keep->sync_wanted = true;
        keep_wake(keep);
        TRY(condition_wait(&keep->round_done, TIME_NEVER));
    }
    return keep->round_result;
}

error queue_keep_sync(void)
{
    if (!keep_here.open)
        return error_make(ERROR_TEMPORARY, "the queue is not open");
    struct journal_ticket outcome = keep_here.last_outcome;
    error committed = journal_commit_wait(&outcome);
    TRY(sync_round(keep_of_this_core()));
    return committed;
}

error keep_spool_now(struct keep_core *keep, struct queue_content *content)
{
    struct keep_waiter waiter = {0};
    list_init(&waiter.node);
    content->memory->to_sync = true;
    content->memory->waiter = &waiter;
    keep_memory_add(keep, content);
    keep->sync_wanted = true;
    keep_wake(keep);
    while (!waiter.done)
        error_ignore(condition_wait_steadfast(&keep->round_done, TIME_NEVER)); /* rounds end */
    /* The mails are published, or discarded, before anybody else runs. */
    if (content->segment && --keep->unpublished == 0)
        condition_wake_all(&keep->rewrite_wanted);
    if (failed(waiter.result)) {
        keep_memory_discount(keep, content);
        return waiter.result;
    }
    content->memory->waiter = NULL;
    keep_memory_drop(keep, content);
    return OK;
}

/* ---- Emptying segments that are mostly dead ---- */

static void batch_from(struct batch *batch, struct spool_segment *segment)
{
    batch->count = 0;
    batch->bytes = 0;
    struct queue_content *content;
    LIST_EACH (&segment->contents, content, segment_node) {
        if (batch->count == KEEP_BATCH_COUNT || batch->bytes >= KEEP_BATCH_BYTES)
            break;
        if (content->out > 0)
            continue;
        batch_add(batch, content, SLICE_EMPTY, SLICE_EMPTY);
        batch->bytes += content->size + content->prefix_size;
    }
}

/* WAITS. Reads what the batch names; what cannot be read stays where it is. */
static void batch_read(struct batch *batch, struct body *bodies)
{
    for (unsigned i = 0; i < batch->count; i++) {
        struct queue_content *content = batch->contents[i];
        body_init(&bodies[i], content->size + content->prefix_size + 1);
        error problem = spool_read(keep_shared.directory, content, &bodies[i]);
        if (failed(problem)) {
            content->segment->stuck = true;
            continue;
        }
        slice all = body_slice(&bodies[i]);
        batch->entries[i].prefixes = slice_sub(all, 0, content->prefix_size);
        batch->entries[i].body = slice_from(all, content->prefix_size);
    }
}

/* WAITS. */
static error batch_move(struct keep_core *keep, struct batch *batch, struct spool_segment *from)
{
    struct body *bodies = calloc(batch->count, sizeof *bodies);
    TRY_MEMORY(bodies);
    batch_read(batch, bodies);
    error problem = from->stuck ? OK
                                : spool_write(&keep->spool, batch->entries, batch->count,
                                              keep_settings()->spool_segment_size, false);
    bool moved = !from->stuck && !failed(problem);
    for (unsigned i = 0; i < batch->count; i++) {
        body_close(&bodies[i]);
        struct queue_content *content = batch->contents[i];
        /* Meanwhile it may have gone out: its readers know the old place. */
        if (!release(keep, content) || !moved || content->out > 0)
            continue;
        spool_attach(&keep->spool, content, batch->entries[i].segment, batch->entries[i].offset);
        for (struct queue_mail *mail = content->mails; mail; mail = mail->next_sharing)
            queue_log_move(&keep->log, mail);
        metric_add(&moved_bodies, 1);
    }
    free(bodies);
    return problem;
}

/* WAITS. At most one batch a round. */
static error empty_worst(struct keep_core *keep)
{
    struct spool_segment *segment = spool_worst(&keep->spool, keep_settings()->spool_segment_size);
    if (!segment)
        return OK;
    struct batch *batch = malloc(sizeof *batch);
    TRY_MEMORY(batch);
    batch_from(batch, segment);
    error problem = batch->count ? batch_move(keep, batch, segment) : OK;
    free(batch);
    TRY(problem);
    /* The new places must be on disk before the old ones are given up. */
    if (must_sync())
        TRY(spool_sync(&keep->spool));
    return queue_log_flush(&keep->log, must_sync());
}

/* ---- Rewriting the log, beside the rounds ---- */

static struct queue_mail *next_logged(void *argument)
{
    struct keep_core *keep = argument;
    while (keep->walk) {
        struct queue_mail *mail = keep->walk;
        keep->walk = queue_keep_next(mail);
        if (mail->logged)
            return mail;
    }
    return NULL;
}

void keep_rewriter_run(void *argument)
{
    struct keep_core *keep = argument;
    for (;;) {
        if (!queue_log_wants_rewriting(&keep->log) || keep->unpublished > 0) {
            error waited = condition_wait(&keep->rewrite_wanted, TIME_NEVER);
            if (waited.kind == ERROR_CANCELLED)
                return;
            continue;
        }
        keep->walk = queue_keep_next(NULL);
        error problem = queue_log_rewrite(&keep->log, next_logged, keep);
        keep->walk = NULL;
        keep_wake(keep);
        if (fiber_is_cancelled())
            return;
        if (failed(problem)) {
            log_event(LOG_ERROR, "queue.log.rewrite", problem, slice_from_string(keep_shared.path));
            if (failed(fiber_sleep(KEEP_RETRY_MS * TIME_MS)))
                return;
        }
    }
}
