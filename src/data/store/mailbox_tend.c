/* SPDX-License-Identifier: GPL-3.0-or-later
 * What an index needs in the background: UIDs reserved, its log compacted. Both must be on the disk
 * before they count; they wait for a sync of the file system that comes anyway (a checkpoint),
 * because a sync of one file makes the whole file system commit, and a hundred mailboxes filled at
 * one pace ask for it in the same second. */
#include "base/log.h"
#include "data/store/state.h"
#include "runtime/fiber.h"

enum {
    TEND_PATIENCE_S = 60, /* without a checkpoint: then the file is synced alone */
    TEND_LOOK_S = 5,      /* the checkpoint of another core will do as well */
    TEND_PAUSE_AFTER_FAILURE_S = 1,
};

/* A sync failed since the index file was known to be sound: any page of it may be missing on the
 * disk, and records behind a missing one do not count. */
static bool in_doubt(const struct mailbox *mailbox)
{
    return store_is_durable() && mailbox->failures_before != store_sync_failures();
}

/* WAITS, under turn. The whole index as a new file, synced by itself, with a range for `count`. */
static error write_anew(struct mailbox *mailbox, uint32_t count)
{
    struct index *index = &mailbox->index;
    struct index_compaction compaction;
    uint32_t reserved;
    if (index->side) {
        mailbox->tend_hurried = true;
        condition_wake_all(&store_here.synced);
        return error_make(ERROR_TEMPORARY, "an index waits for a sync");
    }
    uint64_t failures = store_sync_failures();
    TRY(index_reserve_write(index, store_shared.stops, count, &reserved));
    TRY(index_compact_begin(index, mailbox->directory, &compaction));
    TRY(index_compact_end(index, &compaction, false, true));
    TRY(index_sync(index, mailbox->directory)); /* its name */
    mailbox->failures_before = failures;
    index_reserved(index, reserved);
    return OK;
}

/* WAITS, under turn. */
static error reserve(struct mailbox *mailbox, uint32_t count)
{
    struct index *index = &mailbox->index;
    return in_doubt(mailbox) ? write_anew(mailbox, count)
                             : index_reserve(index, mailbox->directory, store_shared.stops, count,
                                             store_is_durable());
}

error mailbox_reserve(struct mailbox *mailbox, uint32_t count)
{
    struct index *index = &mailbox->index;
    if (index->header.uid_next + (uint64_t)count <= index->uid_durable)
        return OK;
    TRY(mutex_lock(&mailbox->turn, TIME_NEVER));
    error problem = OK;
    if (mailbox->gone)
        problem = error_make(ERROR_NOT_FOUND, "the mailbox is gone");
    else if (index->header.uid_next + (uint64_t)count > index->uid_durable)
        problem = reserve(mailbox, count);
    mutex_unlock(&mailbox->turn);
    return problem;
}

struct work {
    uint32_t reserved; /* 0: none */
    bool compacts;
    struct index_compaction compaction;
    uint64_t begun; /* store_syncs_begun when it was written */
};

/* WAITS. */
static error begin_anew(struct mailbox *mailbox)
{
    TRY(mutex_lock(&mailbox->turn, TIME_NEVER));
    error problem = mailbox->gone ? OK : reserve(mailbox, 0);
    mutex_unlock(&mailbox->turn);
    return problem;
}

static error check_gone(const struct mailbox *mailbox)
{
    return mailbox->gone ? error_make(ERROR_NOT_FOUND, "the mailbox is gone") : OK;
}

/* WAITS. */
static error begin(struct mailbox *mailbox, struct work *work)
{
    struct index *index = &mailbox->index;
    TRY(mutex_lock(&mailbox->turn, TIME_NEVER));
    error problem = check_gone(mailbox);
    /* With a compaction always: no range should be reserved before the new file is in place. */
    if (!failed(problem))
        problem = index_reserve_write(index, store_shared.stops, 0, &work->reserved);
    if (!failed(problem) && index_wants_compaction(index)) {
        problem = index_compact_begin(index, mailbox->directory, &work->compaction);
        work->compacts = !failed(problem);
        mailbox->compaction = work->compacts ? &work->compaction : NULL;
        if (work->compacts) /* what was logged while the image was written */
            index_compact_follow(&work->compaction);
    }
    work->begun = store_syncs_begun();
    mutex_unlock(&mailbox->turn);
    return problem;
}

/* WAITS until what was begun is on the disk. */
static error await_sync(const struct mailbox *mailbox, uint64_t begun)
{
    instant deadline = timer_now() + TEND_PATIENCE_S * TIME_S;
    while (!store_synced_since(begun)) {
        if (mailbox->tend_hurried || timer_now() >= deadline || !journal_is_on())
            return error_make(ERROR_TIMEOUT, "no checkpoint came");
        instant look = timer_now() + TEND_LOOK_S * TIME_S;
        error waited = condition_wait(&store_here.synced, look < deadline ? look : deadline);
        if (waited.kind == ERROR_CANCELLED)
            return waited;
    }
    return OK;
}

/* WAITS. */
static error end(struct mailbox *mailbox, struct work *work)
{
    struct index *index = &mailbox->index;
    error waited = store_is_durable() ? await_sync(mailbox, work->begun) : OK;
    error problem =
        waited.kind == ERROR_CANCELLED ? waited : mutex_lock(&mailbox->turn, TIME_NEVER);
    bool locked = !failed(problem);
    if (locked)
        problem = check_gone(mailbox);
    if (!failed(problem) && in_doubt(mailbox))
        problem = error_make(ERROR_TEMPORARY, "a sync of the store failed");
    if (!failed(problem) && failed(waited))
        problem = index_sync(index, mailbox->directory);
    if (!failed(problem)) {
        index_reserved(index, work->reserved);
        if (work->compacts)
            problem =
                index_compact_end(index, &work->compaction, !failed(waited), store_is_durable());
    } else if (work->compacts) {
        index_compact_abandon(index, &work->compaction);
    }
    mailbox->compaction = NULL;
    if (locked)
        mutex_unlock(&mailbox->turn);
    return problem;
}

static void tend(void *argument)
{
    struct mailbox *mailbox = argument;
    struct work work = {0};
    error problem = in_doubt(mailbox) ? begin_anew(mailbox) : begin(mailbox, &work);
    error ended = OK;
    if (work.reserved)
        ended = end(mailbox, &work);
    if (!failed(problem))
        problem = ended;
    if (failed(problem) && problem.kind != ERROR_CANCELLED && problem.kind != ERROR_NOT_FOUND)
        log_event(LOG_ERROR, "store.index.tend", problem, slice_from_string(mailbox->name));
    if (failed(problem))
        error_ignore(fiber_sleep(TEND_PAUSE_AFTER_FAILURE_S * TIME_S)); /* not each turn again */
    mailbox->tending = mailbox->tend_hurried = false;
    mailbox_close(&mailbox);
}

void mailbox_tend_if_due(struct mailbox *mailbox)
{
    const struct index *index = &mailbox->index;
    if (mailbox->tending) {
        bool hurry =
            index_runs_short(index) || (index->side && index->side->size > TEND_SIDE_SIZE_MAX);
        if (hurry && !mailbox->tend_hurried) {
            mailbox->tend_hurried = true;
            condition_wake_all(&store_here.synced);
        }
        return;
    }
    bool reserve = index->uids_given > 0 && index_wants_reserve(index);
    if (mailbox->gone || !(reserve || index_wants_compaction(index)))
        return;
    mailbox->tending = true;
    mailbox_ref(mailbox);
    if (failed(fiber_start(&store_here.crew, "store.tend", tend, mailbox))) {
        mailbox->tending = false; /* later, then */
        struct mailbox *reference = mailbox;
        mailbox_close(&reference);
    }
}
