/* SPDX-License-Identifier: GPL-3.0-or-later
 * Mailboxes opened, kept, and let go; their index written once per turn; their watchers told. */
#include "data/store/mailbox.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "data/store/mailbox_name.h"
#include "data/store/state.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

METRIC_GAUGE(mailboxes_open, "ringmail_store_mailboxes_open", "", "Mailboxes in memory");
METRIC_COUNTER(mailbox_opens, "ringmail_store_mailbox_opens_total", "", "Mailboxes read from disk");
METRIC_COUNTER(index_rebuilds, "ringmail_store_index_rebuilds_total", "",
               "Indexes made anew from their Maildir because they were damaged");

struct mailbox *mailbox_peek(struct account *account, slice name)
{
    bool inbox = mailbox_name_is_inbox(name);
    struct mailbox *mailbox;
    LIST_EACH (&account->mailboxes, mailbox, in_account) {
        slice have = slice_from_string(mailbox->name);
        if (inbox ? mailbox_name_is_inbox(have) : slice_equal(have, name))
            return mailbox;
    }
    return NULL;
}

static error mailbox_new(struct account *account, slice name, struct mailbox **out_mailbox)
{
    struct mailbox *mailbox = calloc(1, sizeof *mailbox);
    TRY_MEMORY(mailbox);
    if (mailbox_name_is_inbox(name))
        name = SLICE("INBOX");
    mailbox->name = strndup(name.data, name.size);
    if (!mailbox->name) {
        free(mailbox);
        return error_make(ERROR_LIMIT, "out of memory for this task");
    }
    mailbox->account = account_ref(account);
    mailbox->directory = -1;
    mailbox->references = 1;
    mailbox->rename_due = TIME_NEVER;
    index_init(&mailbox->index);
    condition_init(&mailbox->opened);
    mutex_init(&mailbox->turn);
    list_init(&mailbox->in_account);
    list_init(&mailbox->idle);
    list_init(&mailbox->dirty);
    list_init(&mailbox->care);
    list_init(&mailbox->writing);
    list_init(&mailbox->watches);
    list_append(&account->mailboxes, &mailbox->in_account);
    metric_add(&mailboxes_open, 1);
    *out_mailbox = mailbox;
    return OK;
}

/* Opening. */

struct open_job {
    struct mailbox *mailbox;
    bool create, log_damaged, made;
};

/* A damaged index: what is known of its UIDs is kept, so that none is given twice. */
static error rebuild(struct mailbox *mailbox, error why)
{
    struct index *index = &mailbox->index;
    uint32_t validity = index->header.uid_validity, next = index->header.uid_next;
    uint64_t id = index->header.mailbox_id;
    metric_add(&index_rebuilds, 1);
    log_event(LOG_ERROR, "store.index.rebuild", why, slice_from_string(mailbox->name));
    index_close(index);
    index_init(index);
    if (validity == 0) { /* not even the header: past any that was given in this second */
        validity = (uint32_t)time_wall_seconds() + 1;
        next = 1;
    }
    TRY(mailbox_import(index, mailbox->directory, validity, next));
    if (id)
        index->header.mailbox_id = id;
    return index_create(index, mailbox->directory, store_is_durable());
}

/* On a worker: what may read a disk for long. */
static error open_on_worker(void *argument)
{
    struct open_job *job = argument;
    struct mailbox *mailbox = job->mailbox;
    struct index *index = &mailbox->index;
    error problem = mailbox_open_directory(mailbox);
    if (problem.kind == ERROR_NOT_FOUND && job->create) {
        char path[STORE_PATH_SIZE_MAX + MAILBOX_DIRECTORY_SIZE_MAX + 2];
        if (!mailbox_path(mailbox->account, slice_from_string(mailbox->name), path, sizeof path))
            return error_make(ERROR_LIMIT, "mailbox name too long");
        TRY(mailbox_make_directories(path));
        if (mailbox->directory >= 0)
            close(mailbox->directory);
        job->made = true;
        problem = mailbox_open_directory(mailbox);
    }
    TRY(problem);
    problem = index_load(index, mailbox->directory, store_shared.stops, &job->log_damaged);
    if (problem.kind == ERROR_NOT_FOUND) {
        index_close(index);
        index_init(index);
        TRY(mailbox_import(index, mailbox->directory, 0, 0));
        problem = index_create(index, mailbox->directory, store_is_durable());
    } else if (problem.kind == ERROR_MALFORMED) {
        problem = rebuild(mailbox, problem);
    }
    return problem;
}

static void take_index(struct mailbox *mailbox, bool log_damaged)
{
    const struct index_header *header = &mailbox->index.header;
    metric_add(&mailbox_opens, 1);
    if (store_sync_failures() > 0) /* the file may have been read from memory only */
        mailbox->index.uid_durable = header->uid_next;
    if (!log_damaged) {
        mailbox->new_changed = header->new_changed;
        mailbox->cur_changed = header->cur_changed;
        mailbox->synced_logged = true;
    }
    if (header->names_stale > 0) {
        mailbox->stale_overflow = true; /* which ones: searched when it is time */
        mailbox->rename_due = timer_now() + store_shared.settings.rename_delay;
        list_append(&store_here.care, &mailbox->care);
        condition_wake_all(&store_here.care_wanted);
    }
}

/* Warm and small is the rule: done in place where the index is there, which is shorter than a hop
 * to a worker and back. What must be made or imported goes to a worker. */
static error open_now(struct mailbox *mailbox, bool create)
{
    struct open_job job = {.mailbox = mailbox, .create = create};
    error problem = mailbox_open_directory(mailbox);
    bool needs_worker = failed(problem);
    if (!needs_worker) {
        problem =
            index_load(&mailbox->index, mailbox->directory, store_shared.stops, &job.log_damaged);
        needs_worker = failed(problem);
    }
    if (needs_worker) {
        index_close(&mailbox->index);
        index_init(&mailbox->index);
        if (mailbox->directory >= 0)
            close(mailbox->directory);
        mailbox->directory = -1;
        problem = worker_run(WORKER_FILE, open_on_worker, &job);
        mailbox->account->usage_known = false; /* messages may have come in */
    }
    if (!failed(problem))
        take_index(mailbox, job.log_damaged);
    return problem;
}

static void finish_opening(struct mailbox *mailbox, error result)
{
    mailbox->opening = false;
    mailbox->open_result = result;
    condition_wake_all(&mailbox->opened);
}

/* WAITS while another fiber opens it. */
static error join_opening(struct mailbox *mailbox)
{
    while (mailbox->opening)
        TRY(condition_wait(&mailbox->opened, TIME_NEVER));
    return mailbox->open_result;
}

error mailbox_open_or_create(struct account *account, slice name, bool create,
                             struct mailbox **out_mailbox)
{
    TRY(mailbox_name_check(name));
    struct mailbox *mailbox = mailbox_peek(account, name);
    error problem;
    if (mailbox) {
        mailbox_ref(mailbox);
        problem = join_opening(mailbox);
    } else {
        TRY(mailbox_new(account, name, &mailbox));
        mailbox->opening = true;
        problem = open_now(mailbox, create || mailbox_name_is_inbox(name));
        if (failed(problem)) { /* so that the next try starts afresh */
            mailbox->gone = true;
            list_remove(&mailbox->in_account);
        }
        finish_opening(mailbox, problem);
        if (!failed(problem) && mailbox->index.header.stops != store_shared.stops &&
            !store_shared.recovering)
            problem = mailbox_drop_torn(mailbox);
    }
    if (failed(problem)) {
        mailbox_close(&mailbox);
        return problem;
    }
    *out_mailbox = mailbox;
    return OK;
}

error mailbox_open(struct account *account, slice name, struct mailbox **out_mailbox)
{
    struct mailbox *mailbox;
    TRY(mailbox_open_or_create(account, name, false, &mailbox));
    error problem = mailbox_sync(mailbox);
    if (failed(problem)) {
        mailbox_close(&mailbox);
        return problem;
    }
    *out_mailbox = mailbox;
    return OK;
}

/* Keeping. */

struct mailbox *mailbox_ref(struct mailbox *mailbox)
{
    if (mailbox->references++ == 0 && !list_is_empty(&mailbox->idle)) {
        list_remove(&mailbox->idle);
        store_here.idle_mailbox_count--;
    }
    return mailbox;
}

void mailbox_close(struct mailbox **closed)
{
    struct mailbox *mailbox = *closed;
    *closed = NULL;
    if (!mailbox)
        return;
    ASSERT(mailbox->references > 0);
    if (--mailbox->references > 0)
        return;
    if (mailbox->gone) {
        mailbox_drop(mailbox);
        return;
    }
    list_append(&store_here.idle_mailboxes, &mailbox->idle);
    store_here.idle_mailbox_count++;
    if (store_here.idle_mailbox_count > store_shared.settings.mailboxes_open)
        mailbox_drop(LIST_FIRST(&store_here.idle_mailboxes, struct mailbox, idle));
}

static void write_last(struct mailbox *mailbox)
{
    mailbox_rename_stale(mailbox, MAILBOX_RENAMES_PER_TURN);
    if (!mailbox->synced_logged && mailbox->index.fd >= 0 &&
        (mailbox->new_changed || mailbox->cur_changed))
        error_ignore(index_set_synced(&mailbox->index, mailbox->new_changed,
                                      mailbox->cur_changed)); /* else it is looked at again */
    if (mailbox->index.pending.size > 0)
        journal_note_change();
    error problem = index_write(&mailbox->index);
    if (failed(problem))
        log_event(LOG_ERROR, "store.index.write", problem, slice_from_string(mailbox->name));
}

void mailbox_drop(struct mailbox *mailbox)
{
    ASSERT(mailbox->references == 0 && list_is_empty(&mailbox->watches));
    if (!list_is_empty(&mailbox->idle)) {
        list_remove(&mailbox->idle);
        store_here.idle_mailbox_count--;
    }
    if (!mailbox->gone)
        write_last(mailbox);
    list_remove(&mailbox->in_account);
    list_remove(&mailbox->dirty);
    list_remove(&mailbox->care);
    index_close(&mailbox->index);
    if (mailbox->directory >= 0)
        close(mailbox->directory);
    struct account *account = mailbox->account;
    free(mailbox->changes);
    free(mailbox->stale);
    free(mailbox->name);
    free(mailbox);
    metric_add(&mailboxes_open, -1);
    account_close(&account);
}

void mailboxes_drop_idle(struct account *account)
{
    struct mailbox *mailbox;
    LIST_EACH (&account->mailboxes, mailbox, in_account)
        if (mailbox->references == 0)
            mailbox_drop(mailbox);
}

struct account *mailbox_account(const struct mailbox *mailbox)
{
    return mailbox->account;
}

slice mailbox_name(const struct mailbox *mailbox)
{
    return slice_from_string(mailbox->name);
}

bool mailbox_is_gone(const struct mailbox *mailbox)
{
    return mailbox->gone;
}

/* Writing. */

void mailbox_touch(struct mailbox *mailbox)
{
    if (list_is_empty(&mailbox->dirty))
        list_append(&store_here.dirty, &mailbox->dirty);
    core_at_turn_end(&store_here.turn_end);
}

error mailbox_ready(struct mailbox *mailbox)
{
    if (mailbox->gone)
        return error_make(ERROR_NOT_FOUND, "the mailbox is gone");
    return mailbox->index.write_failed ? index_write(&mailbox->index) : OK;
}

/* One write per mailbox and turn. */
void mailboxes_turn_ended(struct core_hook *hook)
{
    (void)hook;
    struct mailbox *mailbox;
    LIST_EACH (&store_here.dirty, mailbox, dirty) {
        list_remove(&mailbox->dirty);
        if (mailbox->compaction)
            index_compact_follow(mailbox->compaction);
        error problem = index_write(&mailbox->index);
        if (failed(problem))
            log_event(LOG_ERROR, "store.index.write", problem, slice_from_string(mailbox->name));
        journal_note_change(); /* flags have no record in it */
        mailbox_tend_if_due(mailbox);
    }
}

error mailbox_add(struct mailbox *mailbox, struct mail *mail, slice base, slice cache)
{
    struct index *index = &mailbox->index;
    ASSERT(index->header.uid_next < index->uid_durable);
    mail->uid = index->header.uid_next;
    mail->modseq = index->header.modseq + 1;
    if (mail->object_id == 0)
        mail->object_id = random_u64() | 1;
    TRY(index_add(index, mail, base, cache));
    index->uids_given++;
    account_usage_add(mailbox->account, (int64_t)mail->size, 1);
    mailbox_touch(mailbox);
    mailbox_note_change(mailbox, MAILBOX_CHANGE_NEW, mail->uid);
    return OK;
}

error mailbox_forget(struct mailbox *mailbox, uint32_t uid)
{
    const struct mail *mail = index_find(&mailbox->index, uid);
    if (!mail)
        return error_make(ERROR_NOT_FOUND, "the message is gone");
    int64_t size = (int64_t)mail->size;
    TRY(index_expunge(&mailbox->index, uid));
    account_usage_add(mailbox->account, -size, -1);
    mailbox_touch(mailbox);
    mailbox_note_change(mailbox, MAILBOX_CHANGE_EXPUNGE, uid);
    return OK;
}

/* Watching. */

void mailbox_note_change(struct mailbox *mailbox, enum mailbox_change_kind kind, uint32_t uid)
{
    if (list_is_empty(&mailbox->watches))
        return;
    if (mailbox->change_count == MAILBOX_CHANGES_KEPT_MAX) { /* those behind will hear of it */
        mailbox->change_first += mailbox->change_count;
        mailbox->change_count = 0;
    }
    if (mailbox->change_count == mailbox->change_capacity) {
        unsigned capacity = mailbox->change_capacity ? mailbox->change_capacity * 2 : 8;
        struct mailbox_change *grown = realloc(mailbox->changes, capacity * sizeof *grown);
        if (!grown) {
            mailbox->change_first += mailbox->change_count + 1;
            mailbox->change_count = 0;
            return;
        }
        mailbox->changes = grown;
        mailbox->change_capacity = capacity;
    }
    mailbox->changes[mailbox->change_count++] =
        (struct mailbox_change){kind, uid, mailbox->index.header.modseq};
    struct mailbox_watch *watch;
    LIST_EACH (&mailbox->watches, watch, node)
        if (watch->notify)
            watch->notify(watch);
}

void mailbox_watch(struct mailbox *mailbox, void (*notify)(struct mailbox_watch *watch),
                   struct mailbox_watch *watch)
{
    watch->mailbox = mailbox_ref(mailbox);
    watch->notify = notify;
    watch->sequence = mailbox->change_first + mailbox->change_count;
    list_append(&mailbox->watches, &watch->node);
    if (list_is_empty(&mailbox->care)) {
        list_append(&store_here.care, &mailbox->care);
        condition_wake_all(&store_here.care_wanted);
    }
}

/* Once everybody has walked all changes their memory goes. */
static void forget_changes(struct mailbox *mailbox)
{
    uint64_t end = mailbox->change_first + mailbox->change_count;
    struct mailbox_watch *watch;
    LIST_EACH (&mailbox->watches, watch, node)
        if (watch->sequence != end)
            return;
    free(mailbox->changes);
    mailbox->changes = NULL;
    mailbox->change_first = end;
    mailbox->change_count = mailbox->change_capacity = 0;
}

void mailbox_unwatch(struct mailbox_watch *watch)
{
    list_remove(&watch->node);
    forget_changes(watch->mailbox);
    mailbox_close(&watch->mailbox);
}

bool mailbox_has_changes(const struct mailbox_watch *watch)
{
    const struct mailbox *mailbox = watch->mailbox;
    return watch->sequence < mailbox->change_first + mailbox->change_count;
}

bool mailbox_changes_next(struct mailbox_watch *watch, struct mailbox_change *out_change,
                          bool *out_lost)
{
    struct mailbox *mailbox = watch->mailbox;
    uint64_t end = mailbox->change_first + mailbox->change_count;
    *out_lost = false;
    if (watch->sequence < mailbox->change_first) {
        watch->sequence = end;
        *out_lost = true;
        forget_changes(mailbox);
        return false;
    }
    if (watch->sequence == end)
        return false;
    *out_change = mailbox->changes[watch->sequence++ - mailbox->change_first];
    if (watch->sequence == end)
        forget_changes(mailbox);
    return true;
}

/* Looking. */

struct mailbox_status mailbox_status(const struct mailbox *mailbox)
{
    const struct index_header *header = &mailbox->index.header;
    struct mailbox_status status = {
        .uid_validity = header->uid_validity,
        .uid_next = header->uid_next,
        .messages = header->messages,
        .unseen = header->unseen,
        .deleted = header->deleted,
        .modseq_highest = header->modseq,
        .bytes = header->bytes,
        .mailbox_id = header->mailbox_id,
    };
    /* From the newest back: recent messages are few and at the end. */
    struct index *index = (struct index *)&mailbox->index;
    for (const struct mail *mail = index_next_from(index, header->recent_from); mail;
         mail = index_next_from(index, mail->uid + 1))
        status.recent++;
    return status;
}

const struct mail *mailbox_find(struct mailbox *mailbox, uint32_t uid)
{
    return index_find(&mailbox->index, uid);
}

const struct mail *mailbox_next_from(struct mailbox *mailbox, uint32_t uid)
{
    return index_next_from(&mailbox->index, uid);
}

size_t mailbox_uids(struct mailbox *mailbox, uint32_t uid, uint32_t *out_uids, size_t max)
{
    size_t count = 0;
    for (const struct mail *mail = index_next_from(&mailbox->index, uid); mail && count < max;
         mail = index_next_from(&mailbox->index, mail->uid + 1))
        out_uids[count++] = mail->uid;
    return count;
}

slice mail_base_name(const struct mailbox *mailbox, const struct mail *mail)
{
    return index_name(&mailbox->index, mail);
}

slice mailbox_cache(const struct mailbox *mailbox, const struct mail *mail)
{
    return index_cache(&mailbox->index, mail);
}

void mailbox_recent(struct mailbox *mailbox, bool claim, uint32_t *out_from, uint32_t *out_to)
{
    *out_from = mailbox->index.header.recent_from ? mailbox->index.header.recent_from : 1;
    *out_to = mailbox->index.header.uid_next;
    if (claim && *out_from < *out_to && !failed(index_set_recent(&mailbox->index, *out_to)))
        mailbox_touch(mailbox);
}
