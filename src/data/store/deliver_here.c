/* SPDX-License-Identifier: GPL-3.0-or-later
 * One message into one mailbox, on its home core. */
#include "data/store/deliver_here.h"

#include "base/metric.h"
#include "data/store/mailbox_name.h"
#include "data/store/state.h"
#include "data/store/writeback.h"
#include "runtime/file.h"
#include "runtime/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

METRIC_COUNTER(store_files, "ringmail_store_files_created_total", "", "Mail files written");
METRIC_COUNTER(store_links, "ringmail_store_files_linked_total", "",
               "Mail files shared by hard link");

static slice target_name(const struct store_recipient *to)
{
    return to->mailbox.size ? to->mailbox : SLICE("INBOX");
}

static uint64_t keyword_bits(struct mailbox *mailbox, const struct store_recipient *to)
{
    uint64_t bits = 0;
    unsigned bit;
    for (unsigned i = 0; i < to->keyword_count; i++)
        if (!failed(mailbox_keyword(mailbox, to->keywords[i], true, &bit)))
            bits |= 1ull << bit;
    return bits;
}

/* The file. */

struct file_job {
    const struct local_delivery *local;
    int directory;
    const char *path;
    bool in_cur;
    bool left_open; /* in: close is the caller's affair, through writeback.h */
    int fd;         /* out; -1: none was left open */
};

static error sync_file(int directory, const char *path, bool in_cur)
{
    int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
    int result = fd < 0 ? -1 : fsync(fd);
    int problem = errno;
    if (fd >= 0)
        close(fd);
    if (result == 0) {
        fd = openat(directory, in_cur ? "cur" : "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        result = fd < 0 ? -1 : fsync(fd);
        problem = errno;
        if (fd >= 0)
            close(fd);
    }
    return result == 0 ? OK : error_system(problem, "cannot sync a mail");
}

static bool must_sync(const struct local_delivery *local)
{
    return local->sync || store_shared.settings.durability == JOURNAL_DURABILITY_FSYNC;
}

static error write_file(void *argument)
{
    struct file_job *job = argument;
    const struct store_delivery *delivery = job->local->delivery;
    const char *link = job->local->link;
    bool linked = link && linkat(AT_FDCWD, link, job->directory, job->path, 0) == 0;
    if (!linked) { /* other file system, too many links, or expunged already */
        const slice *parts = delivery->parts;
        TRY(job->left_open ? file_create_open(job->directory, job->path, 0600, parts,
                                              delivery->part_count, &job->fd)
                           : file_create_in_place(job->directory, job->path, 0600, parts,
                                                  delivery->part_count));
        if (delivery->internal_date != time_wall_seconds()) {
            struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                        {.tv_sec = delivery->internal_date}};
            utimensat(job->directory, job->path, times, 0); /* for a rebuilt index only */
        }
    }
    metric_add(linked ? &store_links : &store_files, 1);
    if (must_sync(job->local))
        TRY(sync_file(job->directory, job->path, job->in_cur));
    return OK;
}

static bool needs_worker(const struct local_delivery *local)
{
    return must_sync(local) || (!local->link && local->size > MAILBOX_WRITE_IN_PLACE_MAX);
}

static error make_file(struct mailbox *mailbox, const struct local_delivery *local,
                       const char *path, bool in_cur)
{
    struct file_job job = {local, mailbox->directory, path, in_cur, false, -1};
    if (!needs_worker(local)) {
        job.left_open = mailbox->writes_back && writeback_has_room();
        struct mailbox_dir_change change = mailbox_dir_begin(mailbox, in_cur);
        error problem = write_file(&job);
        mailbox_dir_end(mailbox, change);
        if (job.fd >= 0)
            writeback_add(job.fd);
        return problem;
    }
    /* Other fibers run meanwhile: a look at the Maildir must not take the half-written file for
     * another program's, nor may its time be taken for known. */
    struct mailbox_writing writing = {.base = local->base};
    list_init(&writing.node);
    list_append(&mailbox->writing, &writing.node);
    error problem = worker_run(WORKER_FILE, write_file, &job);
    list_remove(&writing.node);
    *(in_cur ? &mailbox->cur_changed : &mailbox->new_changed) = 0;
    return problem;
}

/* Room for one UID, quota known, index writable: nothing to wait for but the file. */
static error put(struct mailbox *mailbox, struct local_delivery *local)
{
    const struct store_delivery *delivery = local->delivery;
    struct store_recipient *to = local->to;
    struct mail mail = {
        .flags = to->flags & MAIL_FLAGS,
        .keywords = keyword_bits(mailbox, to),
        .size = local->size,
        .virtual_size = local->virtual_size,
        .internal_date = delivery->internal_date,
        .save_date = time_wall_seconds(),
        .object_id = delivery->object_id,
    };
    bool in_cur = mail.flags || mail.keywords;
    mail.internal = in_cur ? MAIL_IN_CUR : 0;
    mail.name_flags = maildir_flags(mail.flags, mail.keywords, 0);
    char path[MAILDIR_PATH_SIZE_MAX];
    maildir_path_write(local->base, in_cur, mail.name_flags, path);
    error problem = make_file(mailbox, local, path, in_cur);
    if (problem.kind == ERROR_EXISTS) /* the same mailbox was named twice: it has the message */
        return OK;
    TRY(problem);
    problem = mailbox_ready(mailbox);
    if (!failed(problem) && mailbox->index.header.uid_next >= mailbox->index.uid_durable)
        problem = error_make(ERROR_TEMPORARY, "UIDs ran out meanwhile");
    if (!failed(problem))
        problem = mailbox_add(mailbox, &mail, local->base, delivery->cache);
    if (failed(problem)) {
        unlinkat(mailbox->directory, path, 0);
        return problem;
    }
    to->uid = mail.uid;
    to->uid_validity = mailbox->index.header.uid_validity;
    if (local->out_path) {
        char directory[STORE_PATH_SIZE_MAX + MAILBOX_DIRECTORY_SIZE_MAX + 2];
        local->out_path[0] = '\0';
        if (mailbox_path(mailbox->account, slice_from_string(mailbox->name), directory,
                         sizeof directory))
            snprintf(local->out_path, DELIVERED_PATH_SIZE, "%s/%s", directory, path);
    }
    return OK;
}

error deliver_here_at_once(void *argument)
{
    struct local_delivery *local = argument;
    const error busy = error_make(ERROR_BUSY, "it would have to wait");
    struct store_recipient *to = local->to;
    struct account *account = store_here.open ? account_peek(to->account.id) : NULL;
    struct mailbox *mailbox = account ? mailbox_peek(account, target_name(to)) : NULL;
    if (!mailbox || mailbox->opening || needs_worker(local) ||
        mailbox->index.header.uid_next >= mailbox->index.uid_durable ||
        (to->account.quota_bytes | to->account.quota_messages && !account->usage_known))
        return busy;
    account->quota_bytes = to->account.quota_bytes;
    account->quota_messages = to->account.quota_messages;
    TRY(mailbox_ready(mailbox));
    if (!to->quota_ignored)
        TRY(account_check_quota(account, local->size, 1)); /* known: does not wait */
    mailbox_ref(mailbox);                                  /* in use: not the next to be let go */
    error problem = put(mailbox, local);
    mailbox_close(&mailbox);
    return problem;
}

/* WAITS. */
static error put_when_ready(struct account *account, struct local_delivery *local)
{
    struct store_recipient *to = local->to;
    struct mailbox *mailbox;
    TRY(mailbox_open_or_create(account, target_name(to), to->mailbox_create, &mailbox));
    error problem = to->quota_ignored ? OK : account_check_quota(account, local->size, 1);
    if (!failed(problem))
        problem = mailbox_reserve(mailbox, 1);
    if (!failed(problem))
        problem = mailbox_ready(mailbox);
    if (!failed(problem))
        problem = put(mailbox, local);
    mailbox_close(&mailbox);
    return problem;
}

error deliver_here(void *argument)
{
    struct local_delivery *local = argument;
    struct account *account;
    TRY(account_open(&local->to->account, true, &account));
    error problem = put_when_ready(account, local);
    account_close(&account);
    return problem;
}

error deliver_undo(void *argument)
{
    struct local_delivery *local = argument;
    struct account *account;
    struct mailbox *mailbox;
    TRY(account_open(&local->to->account, false, &account));
    error problem = mailbox_open_or_create(account, target_name(local->to), false, &mailbox);
    if (!failed(problem)) {
        struct mail *mail = index_find(&mailbox->index, local->to->uid);
        char path[MAILDIR_PATH_SIZE_MAX];
        if (mail) {
            mailbox_mail_path(mailbox, mail, path);
            unlinkat(mailbox->directory, path, 0);
            problem = mailbox_forget(mailbox, local->to->uid);
        }
        mailbox_close(&mailbox);
    }
    account_close(&account);
    return problem;
}
