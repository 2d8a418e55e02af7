/* SPDX-License-Identifier: GPL-3.0-or-later
 * Mailboxes made, removed, renamed, subscribed. */
#include "base/log.h"
#include "base/random.h"
#include "data/store/mailbox_name.h"
#include "data/store/state.h"
#include "data/store/subscriptions.h"
#include "runtime/message.h"
#include "runtime/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FULL_PATH_SIZE = STORE_PATH_SIZE_MAX + MAILBOX_DIRECTORY_SIZE_MAX + 2,
    RECENT_DELIVERY_S = 3600, /* a record about a younger message may still be in a journal */
    REMOVE_DEPTH_MAX = 8,
};

bool mailbox_exists(struct account *account, slice name)
{
    char path[FULL_PATH_SIZE];
    if (mailbox_name_is_inbox(name))
        return true;
    if (failed(mailbox_name_check(name)) || !mailbox_path(account, name, path, sizeof path))
        return false;
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

error mailbox_create(struct account *account, slice name)
{
    TRY(mailbox_name_check(name));
    char path[FULL_PATH_SIZE];
    if (!mailbox_path(account, name, path, sizeof path))
        return error_make(ERROR_LIMIT, "mailbox name too long");
    if (mailbox_exists(account, name))
        return error_make(ERROR_EXISTS, "the mailbox is there already");
    struct arena arena;
    arena_init(&arena, 8 << 20);
    const struct mailbox_entry *entries;
    size_t count = 0;
    error problem = account_list(account, &arena, &entries, &count);
    arena_close(&arena);
    TRY(problem);
    if (count >= STORE_MAILBOXES_PER_ACCOUNT_MAX)
        return error_make(ERROR_LIMIT, "too many mailboxes");
    struct mailbox *mailbox;
    TRY(mailbox_open_or_create(account, name, true, &mailbox));
    mailbox_close(&mailbox);
    return OK;
}

error mailbox_subscribe(struct account *account, slice name, bool on)
{
    TRY(mailbox_name_check(name));
    if (mailbox_name_is_inbox(name))
        name = SLICE("INBOX");
    if (access(account->path, F_OK) != 0) { /* a first login, before any mail */
        struct mailbox *inbox;
        TRY(mailbox_open_or_create(account, SLICE("INBOX"), true, &inbox));
        mailbox_close(&inbox);
    }
    return subscriptions_change(account->path, name, on);
}

/* Replay puts mail back by the name of its mailbox: before a name changes its meaning, no journal
 * may hold a record about mail in it. */
static error checkpoint_everywhere(void *unused)
{
    (void)unused;
    return journal_checkpoint();
}

static error settle_journals(struct mailbox *mailbox)
{
    const struct mail *last = NULL;
    struct index *index = &mailbox->index;
    uint32_t count = index->tail_count ? index->tail_count : index->header.mail_count;
    const struct mail *mails = index->tail_count ? index->tail : index->base_mails;
    if (count > 0)
        last = &mails[count - 1]; /* expunged or not: the newest there was */
    if (!last || !journal_is_on() || last->save_date < time_wall_seconds() - RECENT_DELIVERY_S)
        return OK;
    return core_broadcast(checkpoint_everywhere, NULL);
}

/* Deleting. */

static error remove_tree(int parent, const char *name, unsigned depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        error problem = error_system(errno, "cannot list a mailbox");
        if (fd >= 0)
            close(fd);
        return problem;
    }
    error problem = OK;
    for (struct dirent *entry; !failed(problem) && (entry = readdir(directory));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) == 0)
            continue;
        if ((errno == EISDIR || errno == EPERM) && depth < REMOVE_DEPTH_MAX)
            problem = remove_tree(fd, entry->d_name, depth + 1);
        else
            problem = error_system(errno, "cannot remove a mailbox");
    }
    closedir(directory);
    if (!failed(problem) && unlinkat(parent, name, AT_REMOVEDIR) != 0)
        problem = error_system(errno, "cannot remove a mailbox");
    return problem;
}

static error remove_on_worker(void *path)
{
    return remove_tree(AT_FDCWD, path, 0);
}

/* Sessions that have it open see it as gone. */
static void let_go(struct mailbox *mailbox)
{
    account_usage_add(mailbox->account, -(int64_t)mailbox->index.header.bytes,
                      -(int64_t)mailbox->index.header.messages);
    mailbox->gone = true;
    list_remove(&mailbox->in_account);
    list_remove(&mailbox->dirty);
    list_remove(&mailbox->care);
    struct mailbox_watch *watch;
    LIST_EACH (&mailbox->watches, watch, node)
        if (watch->notify)
            watch->notify(watch);
}

error mailbox_delete(struct account *account, slice name)
{
    TRY(mailbox_name_check(name));
    if (mailbox_name_is_inbox(name))
        return error_make(ERROR_DENIED, "INBOX cannot be deleted");
    char path[FULL_PATH_SIZE], doomed[FULL_PATH_SIZE + 64];
    if (!mailbox_path(account, name, path, sizeof path))
        return error_make(ERROR_LIMIT, "mailbox name too long");
    struct mailbox *mailbox;
    TRY(mailbox_open_or_create(account, name, false, &mailbox));
    error problem = settle_journals(mailbox);
    if (!failed(problem) && mailbox->gone)
        problem = error_make(ERROR_NOT_FOUND, "the mailbox is gone");
    /* Two dots: never the name of a mailbox. */
    snprintf(doomed, sizeof doomed, "%s/..ringmail-deleted-%016llx", account->path,
             (unsigned long long)random_u64());
    if (!failed(problem) && rename(path, doomed) != 0)
        problem = error_system(errno, "cannot remove a mailbox");
    if (!failed(problem))
        let_go(mailbox);
    mailbox_close(&mailbox);
    TRY(problem);
    problem = worker_run(WORKER_FILE, remove_on_worker, doomed);
    if (failed(problem)) /* it is gone for everybody all the same */
        log_event(LOG_WARNING, "store.remove", problem, slice_from_string(doomed));
    return OK;
}

/* Renaming. */

static error rename_folder(struct account *account, slice from, slice to)
{
    char old_path[FULL_PATH_SIZE], new_path[FULL_PATH_SIZE];
    TRY(mailbox_name_check(to));
    if (!mailbox_path(account, from, old_path, sizeof old_path) ||
        !mailbox_path(account, to, new_path, sizeof new_path))
        return error_make(ERROR_LIMIT, "mailbox name too long");
    struct mailbox *mailbox;
    TRY(mailbox_open_or_create(account, from, false, &mailbox));
    error problem = settle_journals(mailbox);
    char *name = strndup(to.data, to.size);
    if (!failed(problem) && !name)
        problem = error_make(ERROR_LIMIT, "out of memory for this task");
    if (!failed(problem) && mailbox_exists(account, to))
        problem = error_make(ERROR_EXISTS, "the mailbox is there already");
    if (!failed(problem) && rename(old_path, new_path) != 0)
        problem = error_system(errno, "cannot rename a mailbox");
    if (!failed(problem)) { /* its descriptors follow the directory */
        free(mailbox->name);
        mailbox->name = name;
        name = NULL;
    }
    free(name);
    mailbox_close(&mailbox);
    return problem;
}

static error rename_inbox(struct account *account, slice to)
{
    struct mailbox *inbox, *target;
    TRY(mailbox_create(account, to));
    TRY(mailbox_open(account, SLICE("INBOX"), &inbox));
    error problem = mailbox_open(account, to, &target);
    if (!failed(problem)) {
        size_t count = inbox->index.header.messages;
        uint32_t *uids = calloc(count + 1, 2 * sizeof *uids);
        if (!uids)
            problem = error_make(ERROR_LIMIT, "out of memory for this task");
        else
            count = mailbox_uids(inbox, 1, uids, count);
        if (!failed(problem) && count > 0)
            problem = mailbox_copy(inbox, uids, count, target, true, uids + count);
        free(uids);
        mailbox_close(&target);
    }
    mailbox_close(&inbox);
    return problem;
}

/* The mailbox and those below it. */
static error rename_tree(struct account *account, slice from, slice to, struct arena *arena)
{
    const struct mailbox_entry *entries;
    size_t count;
    bool found = false;
    TRY(account_list(account, arena, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        slice name = entries[i].name, target;
        bool itself = slice_equal(name, from);
        if (!itself && !(name.size > from.size && slice_starts(name, from) &&
                         name.data[from.size] == STORE_SEPARATOR))
            continue;
        if (entries[i].attributes & (MAILBOX_NOSELECT | MAILBOX_NONEXISTENT))
            continue;
        TRY(arena_format(arena, &target, "%.*s%.*s", SLICE_ARG(to),
                         SLICE_ARG(slice_from(name, from.size))));
        TRY(rename_folder(account, name, target));
        found = true;
    }
    return found ? OK : error_make(ERROR_NOT_FOUND, "no such mailbox");
}

error mailbox_rename(struct account *account, slice from, slice to)
{
    TRY(mailbox_name_check(from));
    TRY(mailbox_name_check(to));
    if (mailbox_exists(account, to))
        return error_make(ERROR_EXISTS, "the mailbox is there already");
    if (mailbox_name_is_inbox(from))
        return rename_inbox(account, to);
    if (to.size > from.size && slice_starts(to, from) && to.data[from.size] == STORE_SEPARATOR)
        return error_make(ERROR_DENIED, "a mailbox cannot move into itself");
    struct arena arena;
    arena_init(&arena, 8 << 20);
    error problem = rename_tree(account, from, to, &arena);
    arena_close(&arena);
    return problem;
}
