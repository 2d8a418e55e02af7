/* SPDX-License-Identifier: GPL-3.0-or-later
 * Appending, flushing and committing. See journal.h for the contract, README.md for the format. */
#include "data/journal/journal.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metric.h"
#include "crypto/crc32c.h"
#include "data/journal/state.h"
#include "runtime/fiber.h"
#include "runtime/file.h"
#include "runtime/ring.h"

#include <stdlib.h>
#include <string.h>

METRIC_COUNTER(journal_records, "ringmail_journal_records_total", "", "Records appended");
METRIC_COUNTER(journal_bytes, "ringmail_journal_bytes_total", "", "Payload bytes appended");
METRIC_COUNTER(journal_flushes, "ringmail_journal_flushes_total", "", "Group commits written");
METRIC_COUNTER(journal_flush_bytes, "ringmail_journal_flush_bytes_total", "",
               "Bytes written by group commits, padding included");
METRIC_COUNTER(journal_failures, "ringmail_journal_flush_failures_total", "",
               "Group commits that the disk refused");
METRIC_HISTOGRAM(journal_flush_time, "ringmail_journal_flush_seconds", "",
                 "Time of one group commit on the disk");

_Thread_local struct journal journal_here;

static void turn_ended(struct core_hook *hook)
{
    struct journal *journal = CONTAINER_OF(hook, struct journal, turn_end);
    condition_wake_all(&journal->work);
}

static void flusher_run(void *argument);

static error set_up(struct journal *journal, const struct journal_options *options)
{
    journal->options = *options;
    if (!journal->options.segment_size)
        journal->options.segment_size = JOURNAL_SEGMENT_SIZE_DEFAULT;
    if (!journal->options.segment_count)
        journal->options.segment_count = JOURNAL_SEGMENT_COUNT_DEFAULT;
    if (!journal->options.staging_size)
        journal->options.staging_size = JOURNAL_STAGING_SIZE_DEFAULT;
    if (!journal->options.checkpoint_age)
        journal->options.checkpoint_age = 30 * TIME_S;
    if (journal->options.segment_size < JOURNAL_SEGMENT_SIZE_MIN ||
        journal->options.segment_size % JOURNAL_BLOCK_SIZE != 0 ||
        journal->options.segment_count < JOURNAL_SEGMENT_COUNT_MIN ||
        journal->options.segment_count > JOURNAL_SEGMENT_COUNT_MAX ||
        journal->options.staging_size < 4 * JOURNAL_BLOCK_SIZE ||
        journal->options.staging_size % JOURNAL_BLOCK_SIZE != 0)
        return error_make(ERROR_PERMANENT, "sizes of the journal are out of range");
    journal->core = core_self();
    journal->segment_count = journal->options.segment_count;
    journal->directory = strdup(options->directory);
    TRY_MEMORY(journal->directory);
    journal->segments = calloc(journal->segment_count, sizeof *journal->segments);
    TRY_MEMORY(journal->segments);
    for (int i = 0; i < 2; i++) {
        journal->staging[i].data = aligned_alloc(JOURNAL_BLOCK_SIZE, journal->options.staging_size);
        TRY_MEMORY(journal->staging[i].data);
    }
    return OK;
}

error journal_open(const struct journal_options *options)
{
    struct journal *journal = &journal_here;
    ASSERT(!journal->open);
    memset(journal, 0, sizeof *journal);
    journal->options = *options;
    if (options->durability != JOURNAL_DURABILITY_JOURNAL) {
        journal->open = true;
        return OK;
    }
    journal->flush_next = 1;
    journal->changed = TIME_NEVER;
    mutex_init(&journal->append_turn);
    condition_init(&journal->work);
    condition_init(&journal->begun);
    condition_init(&journal->space);
    condition_init(&journal->committed[0]);
    condition_init(&journal->committed[1]);
    condition_init(&journal->freed);
    condition_init(&journal->checkpoint_wanted);
    condition_init(&journal->checkpoint_done);
    condition_init(&journal->settled);
    journal->turn_end.function = turn_ended;
    TRY(set_up(journal, options));
    TRY(file_make_directories(journal->directory, 0700));
    crew_init(&journal->crew, NULL);
    TRY(journal_segments_open(journal));
    TRY(fiber_start(&journal->crew, "journal.flush", flusher_run, journal));
    TRY(fiber_start(&journal->crew, "journal.checkpoint", journal_checkpoint_run, journal));
    journal->open = true;
    return OK;
}

bool journal_is_on(void)
{
    return journal_here.open && journal_here.options.durability == JOURNAL_DURABILITY_JOURNAL;
}

void journal_close(void)
{
    struct journal *journal = &journal_here;
    if (journal_is_on()) {
        journal->stopping = true;
        if (fiber_self()) /* else the fibers ended with their core */
            crew_close(&journal->crew);
        error problem = journal->options.make_durable(journal->options.argument);
        if (!failed(problem) && journal->doubtful)
            problem = error_make(ERROR_TEMPORARY, "a sync failed before: records stay for replay");
        for (unsigned i = 0; i < journal->segment_count; i++) {
            struct segment *segment = &journal->segments[i];
            bool used = segment->use == SEGMENT_CURRENT || segment->use == SEGMENT_SEALED;
            if (used && segment->unsettled == 0 && !failed(problem))
                problem = journal_segment_write_free(journal, segment);
        }
        if (failed(problem))
            log_event(LOG_ERROR, "journal.close", problem, slice_from_string(journal->directory));
        journal_segments_close(journal);
    }
    free(journal->staging[0].data);
    free(journal->staging[1].data);
    free(journal->segments);
    free(journal->directory);
    memset(journal, 0, sizeof *journal);
}

/* Appending. */

/* WAITS until the filling buffer is bound to a place and has room for a fragment with at least one
 * byte of payload. */
static error make_room(struct journal *journal, instant deadline)
{
    for (;;) {
        struct staging *staging = &journal->staging[journal->filling];
        if (staging->bound) {
            if (staging->capacity - staging->filled > sizeof(struct journal_fragment))
                return OK;
            core_at_turn_end(&journal->turn_end);
            TRY(condition_wait(&journal->space, deadline));
            continue;
        }
        off_t size = (off_t)journal->options.segment_size;
        if (journal->has_current && journal->position + JOURNAL_BLOCK_SIZE > size)
            journal_segment_seal(journal);
        if (!journal->has_current) {
            TRY(journal_segment_advance(journal, deadline));
            continue; /* that may have waited: look again */
        }
        struct segment *segment = &journal->segments[journal->current];
        size_t left = (size_t)(size - journal->position);
        staging->segment = journal->current;
        staging->offset = journal->position;
        staging->capacity =
            left < journal->options.staging_size ? left : journal->options.staging_size;
        staging->filled = 0;
        staging->flush = journal->flush_next;
        staging->has_fragment = false;
        staging->bound = true;
        segment->buffers++;
        if (staging->offset == 0) {
            journal_segment_header_write(
                (struct journal_segment_header){.state = JOURNAL_SEGMENT_LIVE,
                                                .generation = segment->generation,
                                                .salt = segment->salt,
                                                .size = journal->options.segment_size,
                                                .core = journal->core,
                                                .number = journal->current,
                                                .first_flush = staging->flush},
                staging->data);
            staging->filled = JOURNAL_BLOCK_SIZE;
        }
    }
}

/* A walk over the parts of a record. */
struct parts {
    const slice *parts;
    unsigned count, at;
    size_t offset; /* in parts[at] */
};

/* One fragment with as much of the record as has room. The one copy of a message's bytes. */
static size_t add_fragment(struct journal *journal, enum journal_kind kind, struct parts *from,
                           size_t remaining, bool first)
{
    struct staging *staging = &journal->staging[journal->filling];
    char *at = staging->data + staging->filled;
    size_t room = staging->capacity - staging->filled - sizeof(struct journal_fragment);
    size_t size = remaining < room ? remaining : room;
    uint8_t flags = 0;
    if (first)
        flags |= JOURNAL_FRAGMENT_FIRST;
    if (size == remaining)
        flags |= JOURNAL_FRAGMENT_LAST;
    if (!staging->has_fragment)
        flags |= JOURNAL_FRAGMENT_FLUSH;
    staging->has_fragment = true;
    uint32_t crc = journal_fragment_start(
        at, (struct journal_fragment){.size = (uint32_t)size,
                                      .salt = journal->segments[staging->segment].salt,
                                      .flush = staging->flush,
                                      .kind = (uint8_t)kind,
                                      .flags = flags});
    char *to = at + sizeof(struct journal_fragment);
    for (size_t left = size; left > 0;) {
        slice part = slice_from(from->parts[from->at], from->offset);
        size_t some = part.size < left ? part.size : left;
        if (some > 0)
            crc = crc32c_copy(to, part.data, some, crc);
        to += some;
        left -= some;
        from->offset += some;
        if (some == part.size && left > 0) {
            from->at++;
            from->offset = 0;
        }
    }
    journal_fragment_finish(at, crc);
    size_t end = staging->filled + sizeof(struct journal_fragment) + size;
    size_t aligned = (end + JOURNAL_FRAGMENT_ALIGN - 1) & ~(size_t)(JOURNAL_FRAGMENT_ALIGN - 1);
    if (aligned > staging->capacity)
        aligned = staging->capacity;
    memset(staging->data + end, 0, aligned - end);
    staging->filled = aligned;
    core_at_turn_end(&journal->turn_end);
    return size;
}

/* Under append_turn. */
static error append_record(struct journal *journal, enum journal_kind kind, struct parts *from,
                           size_t size, instant deadline, struct journal_ticket *out_ticket)
{
    struct journal_ticket ticket = {0};
    size_t remaining = size;
    error problem = OK;
    do {
        problem = make_room(journal, deadline);
        if (failed(problem))
            break;
        struct staging *staging = &journal->staging[journal->filling];
        struct segment *segment = &journal->segments[staging->segment];
        if (segment->first_append == TIME_NEVER) {
            segment->first_append = timer_now();
            condition_wake_all(&journal->checkpoint_wanted);
        }
        /* Held from its first fragment on: segments are freed in ring order, so that the record's
         * other segments stay too. */
        if (!ticket.segment) {
            ticket.segment = staging->segment + 1;
            segment->unsettled++;
            ticket.first_flush = staging->flush;
        }
        remaining -= add_fragment(journal, kind, from, remaining, remaining == size);
        ticket.flush = staging->flush;
    } while (remaining > 0);
    if (failed(problem)) { /* a record without end is not replayed */
        if (ticket.segment)
            journal_settle(&ticket);
        return problem;
    }
    *out_ticket = ticket;
    metric_add(&journal_records, 1);
    metric_add(&journal_bytes, (int64_t)size);
    return OK;
}

error journal_append(enum journal_kind kind, const slice *parts, unsigned count, instant deadline,
                     struct journal_ticket *out_ticket)
{
    struct journal *journal = &journal_here;
    if (!journal_is_on()) {
        *out_ticket = (struct journal_ticket){0};
        return journal->open ? OK : error_make(ERROR_TEMPORARY, "the journal is not open");
    }
    ASSERT(count <= JOURNAL_PART_COUNT_MAX);
    size_t size = 0;
    for (unsigned i = 0; i < count; i++)
        size += parts[i].size;
    if (size >= journal_record_size_max(journal->options.segment_size, journal->segment_count))
        return error_make(ERROR_LIMIT, "larger than the journal can take");
    if (journal->refused_until && timer_now() < journal->refused_until)
        return error_make(ERROR_TEMPORARY, "the journal's disk failed a moment ago");
    if (journal->stopping)
        return error_make(ERROR_TEMPORARY, "the journal is being closed");
    TRY(mutex_lock(&journal->append_turn, deadline));
    struct parts from = {parts, count, 0, 0};
    error problem = append_record(journal, kind, &from, size, deadline, out_ticket);
    mutex_unlock(&journal->append_turn);
    return problem;
}

/* Committing. */

static bool flush_failed(const struct journal *journal, const struct journal_ticket *ticket)
{
    unsigned kept = journal->failed_count < JOURNAL_FAILED_FLUSHES_KEPT
                        ? journal->failed_count
                        : JOURNAL_FAILED_FLUSHES_KEPT;
    for (unsigned i = 0; i < kept; i++)
        if (journal->failed[i] >= ticket->first_flush && journal->failed[i] <= ticket->flush)
            return true;
    return false;
}

void journal_begin_wait(const struct journal_ticket *ticket)
{
    struct journal *journal = &journal_here;
    instant deadline = timer_now() + JOURNAL_BEGIN_PATIENCE_MS * TIME_MS;
    while (journal->flush_done < ticket->flush && !journal->flushing)
        if (failed(condition_wait(&journal->begun, deadline)))
            return;
    if (journal->flushing && !journal->pushed) {
        journal->pushed = true;
        ring_push(); /* the write was prepared only */
    }
}

error journal_commit_wait(const struct journal_ticket *ticket)
{
    struct journal *journal = &journal_here;
    if (ticket->flush == 0)
        return OK;
    while (journal->flush_done < ticket->flush) {
        if (journal->flusher_ended)
            return error_make(ERROR_CANCELLED, "the journal is being closed");
        error_ignore(condition_wait_steadfast(&journal->committed[ticket->flush & 1], TIME_NEVER));
    }
    if (journal->failed_count > 0 && flush_failed(journal, ticket))
        return error_make(ERROR_TEMPORARY, "the journal's disk refused the write");
    return OK;
}

void journal_settle(struct journal_ticket *ticket)
{
    struct journal *journal = &journal_here;
    if (ticket->segment == 0)
        return;
    struct segment *segment = &journal->segments[ticket->segment - 1];
    ASSERT(segment->unsettled > 0);
    if (--segment->unsettled == 0 && segment->use == SEGMENT_SEALED)
        condition_wake_all(&journal->settled);
    ticket->segment = 0;
}

void journal_note_change(void)
{
    struct journal *journal = &journal_here;
    if (!journal_is_on() || journal->changed != TIME_NEVER)
        return;
    journal->changed = timer_now();
    condition_wake_all(&journal->checkpoint_wanted);
}

bool journal_presses(const struct journal_ticket *ticket)
{
    const struct journal *journal = &journal_here;
    return ticket->segment != 0 && journal_is_on() &&
           journal->segments[ticket->segment - 1].use == SEGMENT_SEALED &&
           (journal->free_count <= journal->segment_count / 2 ||
            journal->checkpoints_begun > journal->checkpoints_done);
}

/* Flushing: one at a time, so that a later flush on disk proves the earlier ones. */

static error write_flush(const struct journal *journal, const struct staging *staging)
{
    int fd = journal->segments[staging->segment].fd;
    for (size_t done = 0; done < staging->filled;) {
        size_t some = 0;
        TRY(ring_write(fd, slice_of(staging->data + done, staging->filled - done),
                       staging->offset + (off_t)done, &some));
        some -= some % JOURNAL_BLOCK_SIZE; /* direct writes go on at a block */
        if (some == 0)
            return error_make(ERROR_TEMPORARY, "the journal's disk takes nothing");
        done += some;
    }
    return OK;
}

/* After a failed write the place is in doubt: go on in another segment. */
static void note_failure(struct journal *journal, const struct staging *staging, error problem)
{
    journal->failed[journal->failed_count++ % JOURNAL_FAILED_FLUSHES_KEPT] = staging->flush;
    if (problem.kind == ERROR_CANCELLED)
        return;
    metric_add(&journal_failures, 1);
    log_event(LOG_ERROR, "journal.flush", problem, slice_from_string(journal->directory));
    journal->refused_until = timer_now() + JOURNAL_PAUSE_AFTER_FAILURE_MS * TIME_MS;
    struct staging *other = &journal->staging[journal->filling];
    if (journal->has_current && journal->current == staging->segment &&
        (!other->bound || other->segment != staging->segment))
        journal_segment_seal(journal);
}

static void flush_one(struct journal *journal)
{
    struct staging *staging = &journal->staging[journal->filling];
    size_t padded =
        (staging->filled + JOURNAL_BLOCK_SIZE - 1) / JOURNAL_BLOCK_SIZE * JOURNAL_BLOCK_SIZE;
    memset(staging->data + staging->filled, 0, padded - staging->filled);
    staging->filled = padded;
    if (journal->has_current && journal->current == staging->segment)
        journal->position = staging->offset + (off_t)padded;
    journal->filling ^= 1;
    journal->flush_next++;
    condition_wake_all(&journal->space);

    instant begun = time_now();
    journal->flushing = true;
    journal->pushed = false;
    condition_wake_all(&journal->begun);
    error problem = write_flush(journal, staging);
    journal->flushing = false;
    metric_observe(&journal_flush_time, (uint64_t)(time_now() - begun));
    metric_add(&journal_flushes, 1);
    metric_add(&journal_flush_bytes, (int64_t)padded);
    if (failed(problem))
        note_failure(journal, staging, problem);
    staging->bound = false;
    struct segment *segment = &journal->segments[staging->segment];
    if (--segment->buffers == 0 && segment->use == SEGMENT_SEALED)
        condition_wake_all(&journal->settled);
    journal->flush_done = staging->flush;
    condition_wake_all(&journal->committed[staging->flush & 1]);
}

static void flusher_run(void *argument)
{
    struct journal *journal = argument;
    for (;;) {
        struct staging *staging = &journal->staging[journal->filling];
        if (staging->bound && staging->has_fragment)
            flush_one(journal);
        else if (failed(condition_wait(&journal->work, TIME_NEVER)))
            break;
        if (fiber_is_cancelled())
            break;
    }
    journal->flusher_ended = true;
    condition_wake_all(&journal->committed[0]);
    condition_wake_all(&journal->committed[1]);
}
