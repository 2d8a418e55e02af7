/* SPDX-License-Identifier: GPL-3.0-or-later
 * Messages copied and moved within an account: hard links, told to the journal. */
#include "base/assert.h"
#include "base/log.h"
#include "base/metric.h"
#include "data/store/mail.h"
#include "data/store/record.h"
#include "data/store/state.h"
#include "runtime/fiber.h"

#include <stdlib.h>
#include <unistd.h>

METRIC_COUNTER(store_copied, "ringmail_store_copied_total", "", "Messages copied or moved");

enum {
    COPY_PER_RECORD = 64,
    COPY_RECORD_SIZE_MAX = COPY_PER_RECORD * 2 * (MAILDIR_FILE_NAME_SIZE_MAX + 32) + 8192,
    COPY_JOURNAL_PATIENCE_S = 60,
};

struct copy {
    struct mailbox *from, *to;
    const uint32_t *uids;
    uint32_t *out_uids;
    unsigned keyword_to[STORE_KEYWORDS_MAX]; /* bit in `to`, STORE_KEYWORDS_MAX: none yet */
};

/* A base name of the copy's own: two copies may lie in one mailbox. Sizes stay. */
static slice copy_name(const struct mail *mail, char out[STORE_BASE_NAME_SIZE_MAX])
{
    return slice_of(
        out,
        store_base_name(mail->size, mail->virtual_size ? mail->virtual_size : mail->size, out));
}

static uint64_t map_keywords(struct copy *copy, uint64_t keywords)
{
    uint64_t mapped = 0;
    for (unsigned bit = 0; keywords >> bit && bit < STORE_KEYWORDS_MAX; bit++) {
        if (!(keywords >> bit & 1))
            continue;
        unsigned to = copy->keyword_to[bit];
        if (to == STORE_KEYWORDS_MAX &&
            failed(mailbox_keyword(copy->to, mailbox_keyword_name(copy->from, bit), true, &to)))
            continue; /* no room for it there */
        copy->keyword_to[bit] = to;
        mapped |= 1ull << to;
    }
    return mapped;
}

/* WAITS rarely. */
static error link_file(struct copy *copy, uint32_t uid, const char *target)
{
    for (int tries = 0; tries < 2; tries++) {
        const struct mail *mail = index_find(&copy->from->index, uid);
        if (!mail)
            return error_make(ERROR_NOT_FOUND, "the message is gone");
        char path[MAILDIR_PATH_SIZE_MAX];
        mailbox_mail_path(copy->from, mail, path);
        error problem = mailbox_link(copy->from->directory, path, copy->to->directory, target);
        if (problem.kind != ERROR_NOT_FOUND)
            return problem;
        if (!mailbox_locate(copy->from, uid))
            break;
    }
    return error_make(ERROR_NOT_FOUND, "the message is gone");
}

static error copy_one(struct copy *copy, uint32_t uid, slice base, uint32_t *out_uid)
{
    struct mail *mail = index_find(&copy->from->index, uid);
    *out_uid = 0;
    if (!mail)
        return OK;
    uint64_t keywords = map_keywords(copy, mail->keywords);
    uint32_t name_flags = maildir_flags(mail->flags, keywords, mail->name_flags);
    bool in_cur = true; /* it was seen by a client */
    char path[MAILDIR_PATH_SIZE_MAX];
    maildir_path_write(base, in_cur, name_flags, path);
    error problem = link_file(copy, uid, path);
    if (problem.kind == ERROR_NOT_FOUND)
        return OK;
    TRY(problem);
    TRY(mailbox_ready(copy->to));
    mail = index_find(&copy->from->index, uid);
    if (!mail || copy->to->index.header.uid_next >= copy->to->index.uid_durable) {
        unlinkat(copy->to->directory, path, 0);
        return mail ? error_make(ERROR_BUSY, "UIDs ran out meanwhile") : OK;
    }
    struct mail added = *mail;
    added.keywords = keywords;
    added.name_flags = name_flags;
    added.internal = MAIL_IN_CUR;
    added.save_date = time_wall_seconds();
    TRY(mailbox_add(copy->to, &added, base, index_cache(&copy->from->index, mail)));
    *out_uid = added.uid;
    metric_add(&store_copied, 1);
    return OK;
}

/* Names for the living ones among `count`, and the record that tells of them. */
static uint32_t write_record(struct copy *copy, size_t at, size_t count,
                             char names[][STORE_BASE_NAME_SIZE_MAX], slice *bases,
                             struct buffer *record)
{
    uint32_t living = 0;
    for (size_t i = 0; i < count; i++)
        living += index_find(&copy->from->index, copy->uids[at + i]) != NULL;
    record_links_begin(record,
                       (struct record_place){copy->from->account->key,
                                             slice_from_string(copy->from->account->path),
                                             slice_from_string(copy->from->name)},
                       slice_from_string(copy->to->name), living);
    for (size_t i = 0; i < count; i++) {
        const struct mail *mail = index_find(&copy->from->index, copy->uids[at + i]);
        bases[i] = SLICE_EMPTY;
        if (!mail)
            continue;
        bases[i] = copy_name(mail, names[i]);
        record_link_add(record,
                        &(struct record_link){index_name(&copy->from->index, mail), bases[i],
                                              mail->flags, mail->internal_date, mail->object_id});
    }
    return living;
}

/* The record is in the journal before the first link. */
static error copy_some(struct copy *copy, size_t at, size_t count,
                       struct journal_ticket *out_ticket)
{
    slice bases[COPY_PER_RECORD];
    char(*names)[STORE_BASE_NAME_SIZE_MAX] = malloc(count * sizeof *names);
    TRY_MEMORY(names);
    struct buffer record;
    buffer_init(&record, COPY_RECORD_SIZE_MAX);
    uint32_t living = write_record(copy, at, count, names, bases, &record);
    error problem = buffer_check(&record);
    slice part = buffer_slice(&record);
    if (!failed(problem) && living > 0)
        problem = journal_append(JOURNAL_KIND_LINK, &part, 1,
                                 time_after(COPY_JOURNAL_PATIENCE_S * TIME_S), out_ticket);
    buffer_close(&record);
    struct mailbox_dir_change in_cur = mailbox_dir_begin(copy->to, true);
    for (size_t i = 0; i < count && !failed(problem); i++)
        if (bases[i].size)
            problem = copy_one(copy, copy->uids[at + i], bases[i], &copy->out_uids[at + i]);
    mailbox_dir_end(copy->to, in_cur);
    free(names);
    return problem;
}

static error check_room(struct copy *copy, size_t count, bool move)
{
    TRY(mailbox_ready(copy->from));
    TRY(mailbox_ready(copy->to));
    if (move)
        return OK;
    uint64_t bytes = 0, messages = 0;
    for (size_t i = 0; i < count; i++) {
        const struct mail *mail = index_find(&copy->from->index, copy->uids[i]);
        bytes += mail ? mail->size : 0;
        messages += mail != NULL;
    }
    return account_check_quota(copy->from->account, bytes, messages);
}

error mailbox_copy(struct mailbox *mailbox, const uint32_t *uids, size_t count,
                   struct mailbox *target, bool move, uint32_t *out_uids)
{
    ASSERT(mailbox->account == target->account && (count == 0 || uids != out_uids));
    struct copy copy = {.from = mailbox, .to = target, .uids = uids, .out_uids = out_uids};
    for (unsigned bit = 0; bit < STORE_KEYWORDS_MAX; bit++)
        copy.keyword_to[bit] = STORE_KEYWORDS_MAX;
    memset(out_uids, 0, count * sizeof *out_uids);
    TRY(check_room(&copy, count, move));
    struct journal_ticket last = {0};
    size_t done = 0;
    error problem = OK;
    for (; done < count && !failed(problem); done += COPY_PER_RECORD) {
        size_t some = count - done < COPY_PER_RECORD ? count - done : COPY_PER_RECORD;
        if (done > 0)
            problem = fiber_yield();
        if (!failed(problem))
            problem = mailbox_reserve(target, (uint32_t)some);
        struct journal_ticket ticket = {0};
        if (!failed(problem))
            problem = copy_some(&copy, done, some, &ticket);
        if (ticket.flush)
            last = ticket;
        journal_settle(&ticket);
    }
    if (!failed(problem))
        problem = journal_commit_wait(&last);
    if (failed(problem)) { /* all or nothing */
        size_t have = 0;
        for (size_t i = 0; i < count; i++)
            if (out_uids[i])
                out_uids[have++] = out_uids[i];
        error_ignore(mailbox_expunge(target, out_uids, have, NULL)); /* the first failure counts */
        memset(out_uids, 0, count * sizeof *out_uids);
        return problem;
    }
    return move ? mailbox_expunge(mailbox, uids, count, NULL) : OK;
}
