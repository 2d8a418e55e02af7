/* SPDX-License-Identifier: GPL-3.0-or-later
 * Messages removed: told to the journal first, so that a power cut brings none of them back. */
#include "base/log.h"
#include "base/metric.h"
#include "base/time.h"
#include "data/store/record.h"
#include "data/store/state.h"
#include "runtime/fiber.h"

#include <errno.h>
#include <unistd.h>

METRIC_COUNTER(store_expunged, "ringmail_store_expunged_total", "", "Messages removed");

enum {
    REMOVE_PER_RECORD = 256,
    REMOVE_PER_TURN = 32,
    REMOVE_RECORD_SIZE_MAX = REMOVE_PER_RECORD * (MAILDIR_FILE_NAME_SIZE_MAX + 2) + 4096,
    REMOVE_JOURNAL_PATIENCE_S = 60,
};

static error journal_tombstones(struct mailbox *mailbox, const uint32_t *uids, size_t count,
                                struct journal_ticket *out_ticket)
{
    struct buffer record;
    buffer_init(&record, REMOVE_RECORD_SIZE_MAX);
    uint32_t living = 0;
    for (size_t i = 0; i < count; i++)
        living += index_find(&mailbox->index, uids[i]) != NULL;
    record_tombstones_begin(&record,
                            (struct record_place){mailbox->account->key,
                                                  slice_from_string(mailbox->account->path),
                                                  slice_from_string(mailbox->name)},
                            living);
    for (size_t i = 0; i < count; i++) {
        const struct mail *mail = index_find(&mailbox->index, uids[i]);
        if (mail)
            record_tombstone_add(&record, index_name(&mailbox->index, mail));
    }
    error problem = buffer_check(&record);
    slice part = buffer_slice(&record);
    *out_ticket = (struct journal_ticket){0};
    if (!failed(problem) && living > 0)
        problem = journal_append(JOURNAL_KIND_TOMBSTONE, &part, 1,
                                 time_after(REMOVE_JOURNAL_PATIENCE_S * TIME_S), out_ticket);
    buffer_close(&record);
    return problem;
}

/* WAITS where another program renamed the file. */
static error remove_one(struct mailbox *mailbox, uint32_t uid, size_t *removed)
{
    for (int tries = 0; tries < 2; tries++) {
        const struct mail *mail = index_find(&mailbox->index, uid);
        if (!mail)
            return OK;
        char path[MAILDIR_PATH_SIZE_MAX];
        mailbox_mail_path(mailbox, mail, path);
        if (unlinkat(mailbox->directory, path, 0) == 0)
            break;
        if (errno != ENOENT)
            return error_system(errno, "cannot remove a mail");
        if (!mailbox_locate(mailbox, uid))
            break; /* gone already */
    }
    error problem = mailbox_forget(mailbox, uid);
    if (problem.kind == ERROR_NOT_FOUND)
        return OK;
    *removed += !failed(problem);
    return problem;
}

static error remove_some(struct mailbox *mailbox, const uint32_t *uids, size_t count,
                         size_t *removed)
{
    struct mailbox_dir_change in_new = mailbox_dir_begin(mailbox, false);
    struct mailbox_dir_change in_cur = mailbox_dir_begin(mailbox, true);
    error problem = OK;
    for (size_t i = 0; i < count && !failed(problem); i++)
        problem = remove_one(mailbox, uids[i], removed);
    mailbox_dir_end(mailbox, in_new);
    mailbox_dir_end(mailbox, in_cur);
    return problem;
}

error mailbox_expunge(struct mailbox *mailbox, const uint32_t *uids, size_t count,
                      size_t *out_count)
{
    TRY(mailbox_ready(mailbox));
    size_t removed = 0;
    error problem = OK;
    struct journal_ticket last = {0};
    for (size_t at = 0; at < count && !failed(problem); at += REMOVE_PER_RECORD) {
        size_t end = count - at < REMOVE_PER_RECORD ? count : at + REMOVE_PER_RECORD;
        struct journal_ticket ticket;
        problem = journal_tombstones(mailbox, uids + at, end - at, &ticket);
        for (size_t i = at; i < end && !failed(problem); i += REMOVE_PER_TURN) {
            if (i > 0)
                problem = fiber_yield();
            if (!failed(problem))
                problem = mailbox_ready(mailbox);
            if (!failed(problem))
                problem =
                    remove_some(mailbox, uids + i,
                                end - i < REMOVE_PER_TURN ? end - i : REMOVE_PER_TURN, &removed);
        }
        if (ticket.flush)
            last = ticket;
        journal_settle(&ticket);
    }
    metric_add(&store_expunged, (int64_t)removed);
    if (out_count)
        *out_count = removed;
    TRY(problem);
    return journal_commit_wait(&last);
}
