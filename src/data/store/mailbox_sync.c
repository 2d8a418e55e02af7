/* SPDX-License-Identifier: GPL-3.0-or-later
 * Changes made by other programs in the Maildir: noticed by the times of new/ and cur/, found by
 * listing them, taken into the index. */
#include "base/log.h"
#include "base/metric.h"
#include "data/store/state.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

METRIC_COUNTER(store_scans, "ringmail_store_scans_total", "",
               "Maildirs listed because another program changed them");
METRIC_COUNTER(store_scan_added, "ringmail_store_scan_added_total", "",
               "Messages found that another program delivered");
METRIC_COUNTER(store_torn, "ringmail_store_torn_files_total", "",
               "Files cut off by a power cut or a kill and never confirmed, removed");
METRIC_COUNTER(store_scan_gone, "ringmail_store_scan_gone_total", "",
               "Messages gone that another program removed");

enum { SYNC_MAILS_PER_TURN = 1024 };

struct sync {
    struct mailbox *mailbox;
    struct scan scan;
    struct map by_base; /* what was listed -> scan_file; what the index knows is taken out */
    uint32_t uid_end;   /* messages from here on came while the Maildir was listed */
    bool new_changed, cur_changed;
    bool moved; /* missing in new/, perhaps moved into cur/: list both */
};

static bool is_being_written(const struct mailbox *mailbox, slice base)
{
    const struct mailbox_writing *writing;
    LIST_EACH (&mailbox->writing, writing, node)
        if (slice_equal(writing->base, base))
            return true;
    return false;
}

static error list_files(struct sync *sync)
{
    sync->scan.directory = sync->mailbox->directory;
    map_init(&sync->by_base);
    TRY(worker_run(WORKER_FILE, scan_run, &sync->scan));
    metric_add(&store_scans, 1);
    for (size_t i = 0; i < sync->scan.count; i++) {
        struct maildir_name name;
        if (maildir_name_parse(sync->scan.files[i].name, &name))
            TRY(map_put(&sync->by_base, name.base, &sync->scan.files[i]));
    }
    return OK;
}

/* What another program wrote into the file name wins over what we knew, but not over flags of ours
 * that are not in a name yet. */
error mailbox_take_flags(struct mailbox *mailbox, const struct mail *mail,
                         const struct scan_file *file, const struct maildir_name *name)
{
    uint32_t uid = mail->uid;
    uint32_t changed = name->flags ^ mail->name_flags;
    bool in_cur = maildir_put_in_order(mailbox->directory, file, name);
    if (changed == 0 && in_cur == (bool)(mail->internal & MAIL_IN_CUR))
        return OK;
    uint32_t ours = maildir_flags(mail->flags, mail->keywords, mail->name_flags);
    uint32_t now = (ours & ~changed) | (name->flags & changed);
    uint64_t letters = 0;
    for (unsigned bit = 0; bit < MAILDIR_KEYWORDS_MAX; bit++)
        if (now >> (MAILDIR_KEYWORD_SHIFT + bit) & 1 && mailbox_keyword_name(mailbox, bit).size)
            letters |= 1ull << bit;
    uint64_t keywords = (mail->keywords & ~((1ull << MAILDIR_KEYWORDS_MAX) - 1)) | letters;
    uint8_t flags = now & MAIL_FLAGS;
    bool differs = flags != mail->flags || keywords != mail->keywords;
    TRY(index_set_name(&mailbox->index, uid, in_cur, name->flags));
    if (differs) {
        TRY(index_set_flags(&mailbox->index, uid, flags, keywords));
        mailbox_note_change(mailbox, MAILBOX_CHANGE_FLAGS, uid);
    }
    mail = index_find(&mailbox->index, uid);
    if (mail && mail->internal & MAIL_NAME_STALE)
        mailbox_note_stale(mailbox, uid);
    mailbox_touch(mailbox);
    return OK;
}

static bool file_is_there(const struct mailbox *mailbox, const struct mail *mail)
{
    char path[MAILDIR_PATH_SIZE_MAX];
    mailbox_mail_path(mailbox, mail, path);
    return faccessat(mailbox->directory, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static error compare_one(struct sync *sync, const struct mail *mail)
{
    struct mailbox *mailbox = sync->mailbox;
    const struct scan_file *file = map_remove(&sync->by_base, index_name(&mailbox->index, mail));
    struct maildir_name name;
    if (file && maildir_name_parse(file->name, &name)) {
        /* The listing may be older than a rename of ours. */
        if (mail->uid < sync->uid_end &&
            (name.flags != mail->name_flags ||
             file->in_cur != (bool)(mail->internal & MAIL_IN_CUR) || !name.canonical)) {
            if (!file_is_there(mailbox, mail))
                return mailbox_take_flags(mailbox, mail, file, &name);
        }
        return OK;
    }
    bool in_cur = mail->internal & MAIL_IN_CUR;
    bool listed = in_cur ? sync->scan.scan_cur : sync->scan.scan_new;
    if (mail->uid >= sync->uid_end || !listed || store_shared.recovering ||
        file_is_there(mailbox, mail))
        return OK;
    if (!sync->scan.scan_cur || !sync->scan.scan_new) {
        sync->moved = true;
        return OK;
    }
    metric_add(&store_scan_gone, 1);
    return mailbox_forget(mailbox, mail->uid);
}

static error compare(struct sync *sync)
{
    struct mailbox *mailbox = sync->mailbox;
    unsigned count = 0;
    uint32_t uid = 1;
    for (const struct mail *mail; (mail = index_next_from(&mailbox->index, uid));) {
        uid = mail->uid + 1;
        TRY(compare_one(sync, mail));
        if (++count % SYNC_MAILS_PER_TURN == 0) {
            TRY(fiber_yield());
            if (mailbox->gone)
                return error_make(ERROR_NOT_FOUND, "the mailbox is gone");
        }
    }
    return OK;
}

void mailbox_remove_torn(int directory, const char *path)
{
    metric_add(&store_torn, 1);
    log_event(LOG_WARNING, "store.torn", OK, slice_from_string(path));
    unlinkat(directory, path, 0);
}

/* How far back before the newest message a torn one may lie: several checkpoints. */
enum { TORN_AGE_S = 3600 };

error mailbox_drop_torn(struct mailbox *mailbox)
{
    int64_t newest = 0;
    const struct mail *mail;
    for (uint32_t uid = 1; (mail = index_next_from(&mailbox->index, uid)); uid = mail->uid + 1)
        if (mail->save_date > newest)
            newest = mail->save_date;
    for (uint32_t uid = 1; (mail = index_next_from(&mailbox->index, uid));) {
        struct maildir_name name;
        struct stat status;
        char path[MAILDIR_PATH_SIZE_MAX];
        uid = mail->uid + 1;
        if (mail->save_date < newest - TORN_AGE_S ||
            !maildir_name_parse(index_name(&mailbox->index, mail), &name) || !name.own)
            continue;
        mailbox_mail_path(mailbox, mail, path);
        if (fstatat(mailbox->directory, path, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !maildir_is_torn(&name, (uint64_t)status.st_size))
            continue;
        mailbox_remove_torn(mailbox->directory, path);
        TRY(mailbox_forget(mailbox, mail->uid));
    }
    return OK;
}

static error add_one(struct mailbox *mailbox, const struct scan_file *file,
                     const struct maildir_name *name)
{
    struct stat status;
    char path[MAILDIR_PATH_SIZE_MAX];
    bool in_cur = maildir_put_in_order(mailbox->directory, file, name);
    maildir_path_write(name->base, in_cur, name->flags, path);
    if (fstatat(mailbox->directory, path, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode))
        return OK; /* gone again, or nothing of ours */
    if (maildir_is_torn(name, (uint64_t)status.st_size)) {
        mailbox_remove_torn(mailbox->directory, path);
        return OK;
    }
    uint64_t keywords = 0;
    for (unsigned bit = 0; bit < MAILDIR_KEYWORDS_MAX; bit++)
        if (name->flags >> (MAILDIR_KEYWORD_SHIFT + bit) & 1 &&
            mailbox_keyword_name(mailbox, bit).size)
            keywords |= 1ull << bit;
    struct mail mail = {
        .flags = name->flags & MAIL_FLAGS,
        .internal = in_cur ? MAIL_IN_CUR : 0,
        .keywords = keywords,
        .size = (uint64_t)status.st_size,
        .virtual_size = name->virtual_size,
        .internal_date = status.st_mtime,
        .save_date = time_wall_seconds(),
        .object_id = slice_hash_stable(name->base) | 1,
        .name_flags = name->flags,
    };
    TRY(mailbox_add(mailbox, &mail, name->base, SLICE_EMPTY));
    metric_add(&store_scan_added, 1);
    const struct mail *added = index_find(&mailbox->index, mail.uid);
    if (added && added->internal & MAIL_NAME_STALE)
        mailbox_note_stale(mailbox, mail.uid);
    return OK;
}

/* What is left in the map is new, in the order of the scan. */
static error add_new(struct sync *sync, bool *out_again)
{
    struct mailbox *mailbox = sync->mailbox;
    for (size_t i = 0; i < sync->scan.count; i++) {
        struct maildir_name name;
        const struct scan_file *file = &sync->scan.files[i];
        if (!maildir_name_parse(file->name, &name) || map_get(&sync->by_base, name.base) != file)
            continue;
        if (is_being_written(mailbox, name.base)) {
            *out_again = true;
            continue;
        }
        TRY(mailbox_reserve(mailbox, 1));
        TRY(mailbox_ready(mailbox));
        TRY(add_one(mailbox, file, &name));
    }
    return OK;
}

static error sync_once(struct mailbox *mailbox, bool both, bool *out_moved)
{
    struct sync sync = {.mailbox = mailbox, .uid_end = mailbox->index.header.uid_next};
    int64_t in_new = mailbox_dir_changed(mailbox, false);
    int64_t in_cur = mailbox_dir_changed(mailbox, true);
    if (in_new == 0 || in_cur == 0)
        return error_make(ERROR_TEMPORARY, "cannot look at a Maildir");
    sync.scan.scan_new = both || in_new != mailbox->new_changed;
    sync.scan.scan_cur = both || in_cur != mailbox->cur_changed;
    if (!sync.scan.scan_new && !sync.scan.scan_cur)
        return OK;
    error problem = list_files(&sync);
    bool again = false;
    if (!failed(problem) && mailbox->gone)
        problem = error_make(ERROR_NOT_FOUND, "the mailbox is gone");
    if (!failed(problem))
        problem = compare(&sync);
    if (!failed(problem) && !sync.moved)
        problem = add_new(&sync, &again);
    if (!failed(problem) && !sync.moved && !again && !store_shared.recovering) {
        if (sync.scan.scan_new)
            mailbox->new_changed = sync.scan.new_changed;
        if (sync.scan.scan_cur)
            mailbox->cur_changed = sync.scan.cur_changed;
        mailbox->synced_logged = false;
    }
    *out_moved = sync.moved;
    map_close(&sync.by_base);
    scan_close(&sync.scan);
    return problem;
}

error mailbox_sync(struct mailbox *mailbox)
{
    if (mailbox->gone)
        return error_make(ERROR_NOT_FOUND, "the mailbox is gone");
    if (mailbox->new_changed && mailbox->cur_changed &&
        mailbox->new_changed == mailbox_dir_changed(mailbox, false) &&
        mailbox->cur_changed == mailbox_dir_changed(mailbox, true))
        return OK;
    while (mailbox->scanning)
        TRY(condition_wait(&mailbox->opened, TIME_NEVER));
    if (mailbox->gone)
        return error_make(ERROR_NOT_FOUND, "the mailbox is gone");
    struct mailbox *reference = mailbox_ref(mailbox);
    mailbox->scanning = true;
    bool moved = false;
    error problem = sync_once(mailbox, false, &moved);
    if (!failed(problem) && moved)
        problem = sync_once(mailbox, true, &moved);
    mailbox->scanning = false;
    condition_wake_all(&mailbox->opened);
    mailbox_close(&reference);
    return problem;
}
