/* SPDX-License-Identifier: GPL-3.0-or-later
 * The Maildir under a mailbox: its directories, their times, and file names that follow the flags.
 */
#include "base/log.h"
#include "base/metric.h"
#include "data/store/mailbox_name.h"
#include "data/store/state.h"
#include "runtime/body.h"
#include "runtime/file.h"
#include "runtime/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

METRIC_COUNTER(store_renames, "ringmail_store_renames_total", "",
               "Files renamed to follow their flags");
METRIC_COUNTER(store_locates, "ringmail_store_locates_total", "",
               "Files looked for because another program renamed them");

size_t mailbox_path(const struct account *account, slice name, char *out, size_t size)
{
    char directory[MAILBOX_DIRECTORY_SIZE_MAX + 1];
    if (failed(mailbox_name_to_directory(name, directory)))
        return 0;
    int length = snprintf(out, size, "%s/%s", account->path, directory);
    return length < 0 || (size_t)length >= size ? 0 : (size_t)length;
}

error mailbox_make_directories(const char *path)
{
    static const char *const parts[] = {"cur", "new", "tmp"};
    TRY(file_make_directories(path, 0700));
    int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return error_system(errno, "cannot open a mailbox directory");
    error problem = OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !failed(problem); i++)
        if (mkdirat(directory, parts[i], 0700) != 0 && errno != EEXIST)
            problem = error_system(errno, "cannot make a Maildir");
    /* Marks a Maildir++ folder; INBOX ends in "/." and has none. */
    slice name = slice_from_string(path);
    if (!failed(problem) && !slice_ends(name, SLICE("/."))) {
        int marker = openat(directory, "maildirfolder", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        if (marker >= 0)
            close(marker);
    }
    close(directory);
    return problem;
}

error mailbox_open_directory(struct mailbox *mailbox)
{
    char path[STORE_PATH_SIZE_MAX + MAILBOX_DIRECTORY_SIZE_MAX + 2];
    if (!mailbox_path(mailbox->account, slice_from_string(mailbox->name), path, sizeof path))
        return error_make(ERROR_LIMIT, "mailbox name too long");
    mailbox->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (mailbox->directory < 0)
        return error_system(errno, "cannot open a mailbox");
    if (faccessat(mailbox->directory, "cur", F_OK, 0) != 0)
        return error_system(errno, "not a Maildir");
    return store_cover_mail(mailbox->directory, &mailbox->writes_back);
}

/* WAITS. */
static error copy_bytes(int from, const char *path, int to, const char *target)
{
    struct stat status;
    if (fstatat(from, path, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return error_make(ERROR_NOT_FOUND, "the message is gone");
    struct body body;
    body_init(&body, status.st_size ? (size_t)status.st_size : 1);
    error problem = file_read_body(from, path, &body);
    slice part = body_slice(&body);
    if (!failed(problem))
        problem = file_create_in_place(to, target, 0600, &part, 1);
    body_close(&body);
    return problem;
}

error mailbox_link(int from, const char *path, int to, const char *target)
{
    if (linkat(from, path, to, target, 0) == 0)
        return OK;
    if (errno == EMLINK || errno == EXDEV || errno == EPERM)
        return copy_bytes(from, path, to, target);
    return errno == ENOENT ? error_make(ERROR_NOT_FOUND, "the message is gone")
                           : error_system(errno, "cannot link a mail");
}

/* Times. */

int64_t mailbox_dir_changed(const struct mailbox *mailbox, bool in_cur)
{
    struct stat status;
    if (fstatat(mailbox->directory, in_cur ? "cur" : "new", &status, 0) != 0)
        return 0;
    return (int64_t)status.st_mtim.tv_sec * TIME_S + status.st_mtim.tv_nsec;
}

struct mailbox_dir_change mailbox_dir_begin(struct mailbox *mailbox, bool in_cur)
{
    int64_t known = in_cur ? mailbox->cur_changed : mailbox->new_changed;
    /* While it is unknown there is nothing to keep up. */
    return (struct mailbox_dir_change){in_cur,
                                       known == 0 || known != mailbox_dir_changed(mailbox, in_cur)};
}

void mailbox_dir_end(struct mailbox *mailbox, struct mailbox_dir_change change)
{
    int64_t *known = change.in_cur ? &mailbox->cur_changed : &mailbox->new_changed;
    if (change.foreign || *known == 0)
        return;
    *known = mailbox_dir_changed(mailbox, change.in_cur);
    mailbox->synced_logged = false;
}

/* Names. */

void mailbox_mail_path(const struct mailbox *mailbox, const struct mail *mail,
                       char out[MAILDIR_PATH_SIZE_MAX])
{
    maildir_path_write(index_name(&mailbox->index, mail), mail->internal & MAIL_IN_CUR,
                       mail->name_flags, out);
}

void mailbox_note_stale(struct mailbox *mailbox, uint32_t uid)
{
    if (list_is_empty(&mailbox->care)) {
        mailbox->rename_due = timer_now() + store_shared.settings.rename_delay;
        list_append(&store_here.care, &mailbox->care);
        condition_wake_all(&store_here.care_wanted);
    } else if (mailbox->rename_due == TIME_NEVER) {
        mailbox->rename_due = timer_now() + store_shared.settings.rename_delay;
    }
    if (mailbox->stale_count > 0 && mailbox->stale[mailbox->stale_count - 1] == uid)
        return;
    if (mailbox->stale_count == MAILBOX_STALE_KEPT_MAX) {
        mailbox->stale_overflow = true;
        return;
    }
    if ((mailbox->stale_count & (mailbox->stale_count - 1)) == 0) { /* full at powers of two */
        unsigned capacity = mailbox->stale_count ? mailbox->stale_count * 2 : 1;
        uint32_t *grown = realloc(mailbox->stale, capacity * sizeof *grown);
        if (!grown) {
            mailbox->stale_overflow = true;
            return;
        }
        mailbox->stale = grown;
    }
    mailbox->stale[mailbox->stale_count++] = uid;
}

static void rename_one(struct mailbox *mailbox, struct mail *mail)
{
    char from[MAILDIR_PATH_SIZE_MAX], to[MAILDIR_PATH_SIZE_MAX];
    uint32_t uid = mail->uid;
    uint32_t flags = maildir_flags(mail->flags, mail->keywords, mail->name_flags);
    mailbox_mail_path(mailbox, mail, from);
    maildir_path_write(index_name(&mailbox->index, mail), true, flags, to);
    if (renameat(mailbox->directory, from, mailbox->directory, to) != 0) {
        /* Renamed by another program: the next look at the Maildir settles it. */
        if (errno == ENOENT)
            mailbox->cur_changed = mailbox->new_changed = 0;
        return;
    }
    metric_add(&store_renames, 1);
    if (!failed(index_set_name(&mailbox->index, uid, true, flags)))
        mailbox_touch(mailbox);
}

static struct mail *next_stale(struct mailbox *mailbox, uint32_t *search_from)
{
    while (mailbox->stale_count > 0) {
        struct mail *mail = index_find(&mailbox->index, mailbox->stale[--mailbox->stale_count]);
        if (mail && mail->internal & MAIL_NAME_STALE)
            return mail;
    }
    if (!mailbox->stale_overflow)
        return NULL;
    for (struct mail *mail = index_next_from(&mailbox->index, *search_from); mail;
         mail = index_next_from(&mailbox->index, mail->uid + 1))
        if (mail->internal & MAIL_NAME_STALE) {
            *search_from = mail->uid + 1;
            return mail;
        }
    mailbox->stale_overflow = false;
    return NULL;
}

void mailbox_rename_stale(struct mailbox *mailbox, unsigned max)
{
    if (mailbox->index.header.names_stale == 0 || mailbox->gone) {
        mailbox->stale_count = 0;
        mailbox->stale_overflow = false;
        return;
    }
    struct mailbox_dir_change in_new = mailbox_dir_begin(mailbox, false);
    struct mailbox_dir_change in_cur = mailbox_dir_begin(mailbox, true);
    uint32_t search_from = 1;
    struct mail *mail;
    while (max-- > 0 && (mail = next_stale(mailbox, &search_from)))
        rename_one(mailbox, mail);
    mailbox_dir_end(mailbox, in_new);
    mailbox_dir_end(mailbox, in_cur);
}

/* Looking a file up under any name. */

struct locate {
    struct scan scan;
    const struct scan_file *found;
    char base[MAILDIR_FILE_NAME_SIZE_MAX + 1];
    size_t base_size;
};

static error locate_on_worker(void *argument)
{
    struct locate *locate = argument;
    TRY(scan_run(&locate->scan));
    slice base = slice_of(locate->base, locate->base_size);
    for (size_t i = 0; i < locate->scan.count; i++) {
        struct maildir_name name;
        if (maildir_name_parse(locate->scan.files[i].name, &name) && slice_equal(name.base, base))
            locate->found = &locate->scan.files[i];
    }
    return OK;
}

bool mailbox_locate(struct mailbox *mailbox, uint32_t uid)
{
    struct mail *mail = index_find(&mailbox->index, uid);
    struct locate locate = {
        .scan = {.scan_new = true, .scan_cur = true, .directory = mailbox->directory}};
    if (!mail || mailbox->gone)
        return false;
    slice base = index_name(&mailbox->index, mail);
    locate.base_size = base.size;
    memcpy(locate.base, base.data, base.size);
    metric_add(&store_locates, 1);
    mailbox->new_changed = mailbox->cur_changed = 0; /* somebody else is at work */
    error problem = worker_run(WORKER_FILE, locate_on_worker, &locate);
    bool corrected = false;
    struct maildir_name name;
    if (!failed(problem) && locate.found && index_find(&mailbox->index, uid) && !mailbox->gone &&
        maildir_name_parse(locate.found->name, &name)) {
        corrected = !failed(
            mailbox_take_flags(mailbox, index_find(&mailbox->index, uid), locate.found, &name));
    }
    if (!failed(problem))
        scan_close(&locate.scan);
    return corrected;
}
