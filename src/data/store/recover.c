/* SPDX-License-Identifier: GPL-3.0-or-later
 * Replay. Deliveries of all journals first, then links and tombstones in the order of their core:
 * so that what is linked or removed is there. A message is known by its base name: in the index
 * (then its file is compared and repaired), among the index's tombstones (then it was expunged), or
 * under any name in the Maildir, because each mailbox touched is first brought in line with its
 * Maildir. What was expunged may have been moved, and where it went its bytes may be lost: then its
 * record alone has them, and they lie in tmp/ until the links are replayed. */
#include "data/store/recover.h"

#include "base/log.h"
#include "base/metric.h"
#include "data/store/record.h"
#include "data/store/state.h"
#include "runtime/file.h"
#include "runtime/message.h"
#include "runtime/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

METRIC_COUNTER(recover_files, "ringmail_store_recovered_files_total", "",
               "Files put back or repaired by replay");
METRIC_COUNTER(recover_entries, "ringmail_store_recovered_entries_total", "",
               "Index entries put back by replay");
METRIC_COUNTER(recover_removed, "ringmail_store_recovered_removals_total", "",
               "Messages removed again by replay");
METRIC_COUNTER(recover_failed, "ringmail_store_recover_failures_total", "",
               "Records that replay could not apply");

enum { RECOVER_NAMES_SIZE_MAX = 1 << 30 };

/* A mailbox touched by replay, with its messages by name. */
struct touched {
    struct account *account;
    struct mailbox *mailbox;
    struct arena names;
    struct map by_base; /* base -> UID as a pointer */
    struct map aside;   /* bases of what was expunged and lies in tmp/ */
    char *key;
};
static _Thread_local struct map touched_mailboxes;

static error note_name(struct touched *touched, slice base, uint32_t uid)
{
    slice copy;
    TRY(arena_copy(&touched->names, base, &copy));
    return map_put(&touched->by_base, copy, (void *)(uintptr_t)uid);
}

static void aside_path(const struct mailbox *mailbox, slice base, char out[MAILDIR_PATH_SIZE_MAX])
{
    mkdirat(mailbox->directory, "tmp", 0700); /* mostly there */
    snprintf(out, MAILDIR_PATH_SIZE_MAX, "tmp/%.*s", (int)base.size, base.data);
}

static error note_aside(struct touched *touched, slice base)
{
    slice copy;
    TRY(arena_copy(&touched->names, base, &copy));
    return map_put(&touched->aside, copy, touched);
}

static void remove_aside(struct touched *touched)
{
    size_t position = 0;
    slice base;
    void *value;
    char path[MAILDIR_PATH_SIZE_MAX];
    while (map_next(&touched->aside, &position, &base, &value)) {
        aside_path(touched->mailbox, base, path);
        unlinkat(touched->mailbox->directory, path, 0);
    }
}

static void touched_free(struct touched *touched)
{
    map_close(&touched->aside);
    map_close(&touched->by_base);
    arena_close(&touched->names);
    mailbox_close(&touched->mailbox);
    account_close(&touched->account);
    free(touched->key);
    free(touched);
}

/* WAITS. */
static error touch(struct record_place place, struct touched **out_touched)
{
    struct buffer key;
    buffer_init(&key, 4096);
    buffer_add(&key, place.account);
    buffer_add_byte(&key, '\n');
    buffer_add(&key, place.mailbox);
    TRY(buffer_check(&key));
    struct touched *touched = map_get(&touched_mailboxes, buffer_slice(&key));
    if (touched) {
        buffer_close(&key);
        *out_touched = touched;
        return OK;
    }
    touched = calloc(1, sizeof *touched);
    TRY_MEMORY(touched);
    touched->key = key.data; /* its own now */
    slice own_key = buffer_slice(&key);
    arena_init(&touched->names, RECOVER_NAMES_SIZE_MAX);
    map_init(&touched->by_base);
    map_init(&touched->aside);
    struct store_account_key account = {.id = place.account, .path = place.path};
    error problem = account_open(&account, true, &touched->account);
    if (!failed(problem))
        problem = mailbox_open_or_create(touched->account, place.mailbox, true, &touched->mailbox);
    if (!failed(problem))
        problem = mailbox_sync(touched->mailbox);
    struct index *index = touched->mailbox ? &touched->mailbox->index : NULL;
    for (struct mail *mail = failed(problem) ? NULL : index_next_from(index, 1);
         mail && !failed(problem); mail = index_next_from(index, mail->uid + 1))
        problem = note_name(touched, index_name(index, mail), mail->uid);
    if (!failed(problem))
        problem = map_put(&touched_mailboxes, own_key, touched);
    if (failed(problem)) {
        touched_free(touched);
        return problem;
    }
    *out_touched = touched;
    return OK;
}

static struct mail *find_base(struct touched *touched, slice base)
{
    uint32_t uid = (uint32_t)(uintptr_t)map_get(&touched->by_base, base);
    return uid ? index_find(&touched->mailbox->index, uid) : NULL;
}

/* Is the file there with exactly this content? A power cut may leave any part of it, and so may a
 * disk that refused a write: the kernel keeps such a page as if it were written, therefore what is
 * not on its way to the disk is read from there. (What is on its way, the sync at the end sees.) */
static bool file_is_whole(const struct mailbox *mailbox, const struct mail *mail, slice content)
{
    char path[MAILDIR_PATH_SIZE_MAX];
    mailbox_mail_path(mailbox, mail, path);
    int fd = openat(mailbox->directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    bool same = fd >= 0 && fstat(fd, &status) == 0 && (size_t)status.st_size == content.size;
    if (same)
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    char chunk[4096];
    for (size_t at = 0; same && at < content.size;) {
        ssize_t got = pread(fd, chunk, sizeof chunk, (off_t)at);
        same = got > 0 && (size_t)got <= content.size - at &&
               memcmp(chunk, content.data + at, (size_t)got) == 0;
        at += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0)
        close(fd);
    return same;
}

static error write_file(const struct mailbox *mailbox, const char *path, slice content,
                        int64_t date)
{
    unlinkat(mailbox->directory, path, 0); /* its torn bytes may be shared by link */
    TRY(file_create_in_place(mailbox->directory, path, 0600, &content, 1));
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = date}};
    utimensat(mailbox->directory, path, times, 0); /* for a rebuilt index only */
    return OK;
}

/* WAITS. */
static error add_entry(struct touched *touched, slice base, struct mail *mail, slice cache)
{
    TRY(mailbox_reserve(touched->mailbox, 1));
    TRY(mailbox_ready(touched->mailbox));
    TRY(mailbox_add(touched->mailbox, mail, base, cache));
    metric_add(&recover_entries, 1);
    return note_name(touched, base, mail->uid);
}

/* Deliveries. */

struct delivery_job {
    const struct record_delivery *delivery;
    bool linked; /* some record tells of a copy */
    struct record_recipient recipient;
};

static error repair(struct touched *touched, struct mail *mail, const struct delivery_job *job)
{
    slice content = job->delivery->content;
    struct mailbox *mailbox = touched->mailbox;
    if (file_is_whole(mailbox, mail, content))
        return OK;
    char path[MAILDIR_PATH_SIZE_MAX];
    mailbox_mail_path(mailbox, mail, path);
    TRY(write_file(mailbox, path, content, job->delivery->internal_date));
    metric_add(&recover_files, 1);
    if (mail->size == content.size)
        return OK;
    /* The entry was made from the torn file. */
    struct mail whole = *mail;
    struct maildir_name name;
    whole.size = content.size;
    if (maildir_name_parse(job->delivery->base, &name))
        whole.virtual_size = name.virtual_size;
    TRY(mailbox_forget(mailbox, mail->uid));
    return add_entry(touched, job->delivery->base, &whole, job->delivery->cache);
}

static error set_aside(struct touched *touched, const struct record_delivery *delivery)
{
    char path[MAILDIR_PATH_SIZE_MAX];
    aside_path(touched->mailbox, delivery->base, path);
    TRY(write_file(touched->mailbox, path, delivery->content, delivery->internal_date));
    return note_aside(touched, delivery->base);
}

static error replay_delivery(void *argument)
{
    struct delivery_job *job = argument;
    const struct record_delivery *delivery = job->delivery;
    struct touched *touched;
    TRY(touch(job->recipient.place, &touched));
    struct mailbox *mailbox = touched->mailbox;
    struct mail *there = find_base(touched, delivery->base);
    if (there)
        return repair(touched, there, job);
    struct maildir_name name;
    if (!maildir_name_parse(delivery->base, &name) || name.base.size != delivery->base.size)
        return error_make(ERROR_MALFORMED, "not a base name");
    if (index_has_tombstone(&mailbox->index, delivery->base))
        return job->linked ? set_aside(touched, delivery) : OK;
    struct mail mail = {
        .flags = job->recipient.flags & MAIL_FLAGS,
        .size = delivery->content.size,
        .virtual_size = name.virtual_size,
        .internal_date = delivery->internal_date,
        .save_date = time_wall_seconds(),
        .object_id = delivery->object_id,
    };
    slice keyword;
    unsigned bit;
    while (record_keyword_next(&job->recipient, &keyword))
        if (!failed(mailbox_keyword(mailbox, keyword, true, &bit)))
            mail.keywords |= 1ull << bit;
    bool in_cur = mail.flags || mail.keywords;
    mail.internal = in_cur ? MAIL_IN_CUR : 0;
    mail.name_flags = maildir_flags(mail.flags, mail.keywords, 0);
    char path[MAILDIR_PATH_SIZE_MAX];
    maildir_path_write(delivery->base, in_cur, mail.name_flags, path);
    TRY(write_file(mailbox, path, delivery->content, delivery->internal_date));
    metric_add(&recover_files, 1);
    return add_entry(touched, delivery->base, &mail, delivery->cache);
}

static error replay_deliveries(slice payload, const struct map *linked)
{
    struct record_delivery delivery;
    TRY(record_delivery_read(payload, &delivery));
    struct delivery_job job = {.delivery = &delivery,
                               .linked = map_get(linked, delivery.base) != NULL};
    struct record_delivery walk = delivery;
    error first = OK;
    while (record_recipient_next(&walk, &job.recipient)) {
        error problem =
            core_call(store_home_core(job.recipient.place.account), replay_delivery, &job);
        if (failed(problem) && !failed(first))
            first = problem;
    }
    return first;
}

/* Links and tombstones. */

/* The names of what was copied or moved. */
static error note_linked(slice payload, struct arena *names, struct map *linked)
{
    struct record_links links;
    TRY(record_links_read(payload, &links));
    struct record_link link;
    while (record_link_next(&links, &link)) {
        slice base;
        TRY(arena_copy(names, link.base, &base));
        TRY(map_put(linked, base, linked));
    }
    return OK;
}

/* The content of a message that may be copied: its path; false where nothing more is known of it.
 */
static bool find_content(struct touched *from, slice base, char out_path[MAILDIR_PATH_SIZE_MAX])
{
    const struct mail *mail = find_base(from, base);
    if (mail)
        mailbox_mail_path(from->mailbox, mail, out_path);
    else if (map_get(&from->aside, base))
        aside_path(from->mailbox, base, out_path);
    else
        return false;
    return true;
}

/* WAITS rarely. What there is under the target's name may be torn; the source is whole by now. */
static error put_link(const struct mailbox *from, const char *source, const struct mailbox *to,
                      const char *target, uint64_t *out_size)
{
    struct stat wanted, there;
    if (fstatat(from->directory, source, &wanted, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? error_make(ERROR_NOT_FOUND, "the message is gone")
                               : error_system(errno, "cannot look at a mail");
    *out_size = (uint64_t)wanted.st_size;
    if (fstatat(to->directory, target, &there, AT_SYMLINK_NOFOLLOW) == 0) {
        if (there.st_dev == wanted.st_dev && there.st_ino == wanted.st_ino)
            return OK;
        unlinkat(to->directory, target, 0);
    }
    TRY(mailbox_link(from->directory, source, to->directory, target));
    metric_add(&recover_files, 1);
    return OK;
}

static error replay_link(struct touched *from, struct touched *to, const struct record_link *link)
{
    char source[MAILDIR_PATH_SIZE_MAX], target[MAILDIR_PATH_SIZE_MAX];
    if (!find_content(from, link->base, source))
        return OK; /* no record has it any more, therefore it was on the disk, and so is the copy */
    const struct mail *mail = find_base(from, link->base);
    const struct mail *there = find_base(to, link->target_base);
    bool expunged = !there && index_has_tombstone(&to->mailbox->index, link->target_base);
    struct mail added = {
        .flags = link->flags & MAIL_FLAGS,
        .internal = MAIL_IN_CUR,
        .internal_date = link->internal_date,
        .save_date = time_wall_seconds(),
        .object_id = link->object_id,
        .thread_id = mail ? mail->thread_id : 0,
        .name_flags = maildir_flags(link->flags & MAIL_FLAGS, 0, 0),
    };
    if (there)
        mailbox_mail_path(to->mailbox, there, target);
    else if (expunged)
        aside_path(to->mailbox, link->target_base, target);
    else
        maildir_path_write(link->target_base, true, added.name_flags, target);
    error problem = put_link(from->mailbox, source, to->mailbox, target, &added.size);
    if (problem.kind == ERROR_NOT_FOUND)
        return OK; /* another program removed it */
    TRY(problem);
    if (there)
        return OK;
    if (expunged)
        return note_aside(to, link->target_base);
    struct maildir_name name;
    if (maildir_name_parse(link->target_base, &name))
        added.virtual_size = name.virtual_size;
    return add_entry(to, link->target_base, &added, SLICE_EMPTY);
}

static error replay_links(void *argument)
{
    struct record_links *links = argument;
    struct touched *from, *to;
    struct record_place place = links->from;
    TRY(touch(place, &from));
    place.mailbox = links->target_mailbox;
    TRY(touch(place, &to));
    struct record_link link;
    error first = OK;
    while (record_link_next(links, &link)) {
        error problem = link.base.size > STORE_BASE_NAME_SIZE_MAX ||
                                link.target_base.size > STORE_BASE_NAME_SIZE_MAX
                            ? error_make(ERROR_MALFORMED, "not a base name")
                            : replay_link(from, to, &link);
        if (failed(problem) && !failed(first))
            first = problem;
    }
    return first;
}

static error replay_tombstones(void *argument)
{
    struct record_tombstones *tombstones = argument;
    struct touched *touched;
    TRY(touch(tombstones->place, &touched));
    slice base;
    while (record_tombstone_next(tombstones, &base)) {
        struct mail *mail = find_base(touched, base);
        if (!mail)
            continue;
        char path[MAILDIR_PATH_SIZE_MAX];
        mailbox_mail_path(touched->mailbox, mail, path);
        if (unlinkat(touched->mailbox->directory, path, 0) != 0 && errno != ENOENT)
            return error_system(errno, "cannot remove a mail");
        TRY(mailbox_forget(touched->mailbox, mail->uid));
        metric_add(&recover_removed, 1);
    }
    return OK;
}

/* All of it. */

static struct store_replay_owner above; /* of records that are not the store's */

void store_set_replay_owner(const struct store_replay_owner *owner)
{
    above = owner ? *owner : (struct store_replay_owner){0};
}

static error replay_above(const struct journal_record *record, bool deliveries)
{
    if (!above.record)
        return error_make(ERROR_SYSTEM, "the journals hold queued mail, but no queue takes it");
    return above.record(record, deliveries ? 0 : 1);
}

enum replay_pass { REPLAY_NAMES, REPLAY_DELIVERIES, REPLAY_CHANGES };

struct replay {
    struct journal_reader *reader;
    struct arena names;
    struct map linked; /* bases that link records name as their source */
    uint64_t bad;
};

static error replay_record(struct replay *replay, const struct journal_record *record,
                           enum replay_pass pass)
{
    if (pass == REPLAY_NAMES)
        return record->kind == JOURNAL_KIND_LINK
                   ? note_linked(record->payload, &replay->names, &replay->linked)
                   : OK;
    if (record->kind >= JOURNAL_KIND_QUEUE)
        return replay_above(record, pass == REPLAY_DELIVERIES);
    if ((record->kind == JOURNAL_KIND_DELIVERY) != (pass == REPLAY_DELIVERIES))
        return OK;
    if (record->kind == JOURNAL_KIND_DELIVERY)
        return replay_deliveries(record->payload, &replay->linked);
    if (record->kind == JOURNAL_KIND_LINK) {
        struct record_links links;
        TRY(record_links_read(record->payload, &links));
        return core_call(store_home_core(links.from.account), replay_links, &links);
    }
    if (record->kind == JOURNAL_KIND_TOMBSTONE) {
        struct record_tombstones tombstones;
        TRY(record_tombstones_read(record->payload, &tombstones));
        return core_call(store_home_core(tombstones.place.account), replay_tombstones, &tombstones);
    }
    return OK;
}

static error replay_pass(struct replay *replay, enum replay_pass pass)
{
    struct journal_record record;
    error problem;
    journal_reader_rewind(replay->reader);
    while (!failed(problem = journal_reader_next(replay->reader, &record))) {
        error one = replay_record(replay, &record, pass);
        /* Without room or rights nothing more can be put back: start fails, the journal stays. A
         * record that makes no sense is told of and passed over. */
        if (one.kind == ERROR_TEMPORARY || one.kind == ERROR_SYSTEM || one.kind == ERROR_DENIED ||
            one.kind == ERROR_CANCELLED)
            return one;
        if (failed(one) && pass != REPLAY_NAMES) {
            replay->bad++;
            metric_add(&recover_failed, 1);
            log_event(LOG_ERROR, "store.replay", one, SLICE_EMPTY);
        }
    }
    return problem.kind == ERROR_CLOSED ? OK : problem;
}

static error replay_all(struct replay *replay)
{
    arena_init(&replay->names, RECOVER_NAMES_SIZE_MAX);
    map_init(&replay->linked);
    error problem = OK;
    for (enum replay_pass pass = REPLAY_NAMES; pass <= REPLAY_CHANGES && !failed(problem); pass++)
        problem = replay_pass(replay, pass);
    map_close(&replay->linked);
    arena_close(&replay->names);
    return problem;
}

static error forget_touched(void *unused)
{
    (void)unused;
    size_t position = 0;
    slice key;
    void *value;
    while (map_next(&touched_mailboxes, &position, &key, &value)) {
        struct touched *touched = value;
        remove_aside(touched);
        error_ignore(mailbox_drop_torn(touched->mailbox));   /* else at its next opening */
        error_ignore(index_write(&touched->mailbox->index)); /* tried again when it is closed */
        map_remove(&touched_mailboxes, key);
        touched_free(touched);
    }
    map_close(&touched_mailboxes);
    return OK;
}

error store_recover(void)
{
    struct replay replay = {0};
    error problem = journal_reader_open(store_shared.journal_path, &replay.reader);
    if (problem.kind == ERROR_NOT_FOUND)
        return above.finish ? above.finish() : OK;
    TRY(problem);
    instant begun = time_now();
    store_shared.recovering = true;
    problem = replay_all(&replay);
    if (!failed(problem) && above.finish)
        problem = above.finish();
    error_ignore(core_broadcast(forget_touched, NULL)); /* cannot fail */
    store_shared.recovering = false;
    struct journal_summary summary = journal_reader_summary(replay.reader);
    journal_reader_close(&replay.reader);
    if (!failed(problem) && summary.segments_live > 0)
        problem = worker_run(WORKER_FILE, store_make_durable, (void *)(uintptr_t)core_self());
    struct journal_options options = store_journal_options();
    if (!failed(problem))
        problem = journal_recycle_all(&options, core_count());
    if (summary.segments_live > 0 || failed(problem)) {
        struct log_line line = log_begin(failed(problem) ? LOG_ERROR : LOG_INFO, "journal.replay");
        log_number(&line, "records", (int64_t)summary.records);
        log_number(&line, "bytes", (int64_t)summary.bytes);
        log_number(&line, "segments", (int64_t)summary.segments_live);
        log_number(&line, "files", metric_value(&recover_files));
        log_number(&line, "entries", metric_value(&recover_entries));
        log_number(&line, "removed", metric_value(&recover_removed));
        log_number(&line, "torn", (int64_t)summary.torn);
        log_number(&line, "corrupt", (int64_t)summary.corrupt);
        log_number(&line, "failed", (int64_t)replay.bad);
        log_number(&line, "ms", (time_now() - begun) / TIME_MS);
        log_error(&line, problem);
        log_end(&line);
    }
    return problem;
}
