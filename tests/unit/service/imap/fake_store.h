#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An account with mailboxes in memory behind the faces of data/store, for tests of the IMAP session
 * and its fuzz target. One account; names, flags, UIDs, changes as the real one has them; no
 * journal, no files but memfds. Include in one file of a program.
 */
#include "base/assert.h"
#include "data/store/account.h"
#include "data/store/delivery.h"
#include "data/store/mail.h"
#include "data/store/mailbox.h"
#include "data/store/pop3_uidl.h"
#include "runtime/body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FAKE_BOXES_MAX = 16, FAKE_MAILS_MAX = 64, FAKE_CHANGES_MAX = 64, FAKE_NAME_MAX = 220 };

struct fake_mail {
    struct mail mail;
    char *text; /* mail.size bytes */
    char *cache;
};

struct mailbox {
    bool there, gone, subscribed;
    unsigned references;
    char name[FAKE_NAME_MAX];
    uint32_t uid_next, count, recent_from;
    uint64_t modseq;
    struct fake_mail mails[FAKE_MAILS_MAX];
    unsigned keyword_count;
    char keywords[STORE_KEYWORDS_MAX][STORE_KEYWORD_SIZE_MAX + 1];
    struct mailbox_change changes[FAKE_CHANGES_MAX]; /* a ring */
    uint64_t change_count;
    struct list watchers;
};

struct account {
    unsigned references;
    struct mailbox boxes[FAKE_BOXES_MAX];
    uint64_t bytes_max;
};
static struct account *fake_account;
static uint32_t
    fake_crowd; /* INBOX seems to have so many messages more, all alike, after its own */
static uint64_t fake_changes_max = FAKE_CHANGES_MAX; /* how many a watcher may fall behind */

/* ---- for tests ---- */

static slice fake_name(const struct mailbox *box)
{
    return slice_from_string(box->name);
}

static struct mailbox *fake_find(slice name)
{
    for (int i = 0; i < FAKE_BOXES_MAX; i++)
        if (fake_account->boxes[i].there && slice_equal(fake_name(&fake_account->boxes[i]), name))
            return &fake_account->boxes[i];
    return NULL;
}

static struct mailbox *fake_make(slice name)
{
    for (int i = 0; i < FAKE_BOXES_MAX; i++) {
        struct mailbox *box = &fake_account->boxes[i];
        if (box->there || box->references || name.size >= FAKE_NAME_MAX)
            continue;
        *box = (struct mailbox){.there = true, .uid_next = 1, .recent_from = 1, .modseq = 1};
        memcpy(box->name, name.data, name.size);
        list_init(&box->watchers);
        return box;
    }
    return NULL;
}

static void fake_change(struct mailbox *box, enum mailbox_change_kind kind, uint32_t uid)
{
    struct mailbox_watch *watch;
    box->changes[box->change_count++ % FAKE_CHANGES_MAX] =
        (struct mailbox_change){kind, uid, box->modseq};
    LIST_EACH (&box->watchers, watch, node)
        if (watch->notify)
            watch->notify(watch);
}

static struct fake_mail *fake_message(const struct mailbox *box, uint32_t uid)
{
    for (uint32_t i = 0; i < box->count; i++)
        if (box->mails[i].mail.uid == uid)
            return (struct fake_mail *)&box->mails[i];
    return NULL;
}

static uint32_t fake_deliver(struct mailbox *box, slice text, uint8_t flags)
{
    if (box->count == FAKE_MAILS_MAX)
        return 0;
    struct fake_mail *mail = &box->mails[box->count++];
    size_t bare = 0;
    for (size_t i = 0; i < text.size; i++)
        bare += text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r');
    *mail = (struct fake_mail){.mail = {.uid = box->uid_next++,
                                        .flags = flags,
                                        .modseq = ++box->modseq,
                                        .size = text.size,
                                        .virtual_size = text.size + bare,
                                        .internal_date = 1700000000}};
    mail->text = malloc(text.size + 1);
    memcpy(mail->text, text.data, text.size);
    fake_change(box, MAILBOX_CHANGE_NEW, mail->mail.uid);
    return mail->mail.uid;
}

static void fake_remove(struct mailbox *box, uint32_t uid)
{
    struct fake_mail *mail = fake_message(box, uid);
    if (!mail)
        return;
    free(mail->text);
    free(mail->cache);
    size_t after = (size_t)(box->mails + box->count - mail) - 1;
    memmove(mail, mail + 1, after * sizeof *mail);
    box->count--;
    box->modseq++;
    fake_change(box, MAILBOX_CHANGE_EXPUNGE, uid);
}

static void fake_empty(struct mailbox *box)
{
    while (box->count)
        fake_remove(box, box->mails[0].mail.uid);
}

__attribute__((unused)) static void fake_store_open(void)
{
    fake_account = calloc(1, sizeof *fake_account);
    fake_make(SLICE("INBOX"));
}

__attribute__((unused)) static void fake_store_close(void)
{
    for (int i = 0; i < FAKE_BOXES_MAX; i++) {
        ASSERT(fake_account->boxes[i].references == 0);
        fake_empty(&fake_account->boxes[i]);
    }
    ASSERT(fake_account->references == 0);
    free(fake_account);
}

/* ---- account.h ---- */

unsigned store_home_core(slice id)
{
    return slice_starts(id, SLICE("far")) ? 2 : 0;
}

error account_open(const struct store_account_key *key, bool create, struct account **out_account)
{
    if (slice_starts(key->id, SLICE("broken")))
        return error_make(ERROR_TEMPORARY, "the disk is away");
    ASSERT(create);
    fake_account->references++;
    *out_account = fake_account;
    return OK;
}

void account_close(struct account **account)
{
    if (*account)
        (*account)->references--;
    *account = NULL;
}

error account_provision(struct account *account)
{
    (void)account;
    if (!fake_find(SLICE("Trash")))
        fake_make(SLICE("Trash"))->subscribed = true;
    return OK;
}

error account_usage(struct account *account, struct account_usage *out)
{
    *out = (struct account_usage){.bytes_max = account->bytes_max};
    for (int i = 0; i < FAKE_BOXES_MAX; i++)
        for (uint32_t j = 0; j < account->boxes[i].count; j++)
            out->bytes += account->boxes[i].mails[j].mail.size;
    return OK;
}

error account_list(struct account *account, struct arena *arena,
                   const struct mailbox_entry **out_entries, size_t *out_count)
{
    struct mailbox_entry *entries = ARENA_ARRAY(arena, struct mailbox_entry, FAKE_BOXES_MAX);
    size_t count = 0;
    TRY_MEMORY(entries);
    for (int i = 0; i < FAKE_BOXES_MAX; i++) {
        const struct mailbox *box = &account->boxes[i];
        if (box->there)
            entries[count++] = (struct mailbox_entry){
                fake_name(box),
                (box->subscribed ? MAILBOX_SUBSCRIBED : 0u) |
                    (slice_equal(fake_name(box), SLICE("Trash")) ? MAILBOX_TRASH : 0u)};
    }
    *out_entries = entries;
    *out_count = count;
    return OK;
}

unsigned mailbox_name_use(slice name)
{
    return slice_equal(name, SLICE("Trash")) ? MAILBOX_TRASH : 0;
}

error mailbox_create(struct account *account, slice name)
{
    (void)account;
    if (fake_find(name))
        return error_make(ERROR_EXISTS, "it is there");
    if (slice_find(name, SLICE("..")) >= 0 || slice_find_byte(name, '/') >= 0)
        return error_make(ERROR_MALFORMED, "invalid name");
    return fake_make(name) ? OK : error_make(ERROR_LIMIT, "too many mailboxes");
}

error mailbox_delete(struct account *account, slice name)
{
    struct mailbox *box = fake_find(name);
    (void)account;
    if (!box)
        return error_make(ERROR_NOT_FOUND, "no such mailbox");
    if (slice_equal(name, SLICE("INBOX")))
        return error_make(ERROR_DENIED, "INBOX stays");
    fake_empty(box);
    box->there = false;
    box->gone = true;
    return OK;
}

error mailbox_rename(struct account *account, slice from, slice to)
{
    struct mailbox *box = fake_find(from);
    (void)account;
    if (!box)
        return error_make(ERROR_NOT_FOUND, "no such mailbox");
    if (fake_find(to))
        return error_make(ERROR_EXISTS, "it is there");
    if (to.size >= FAKE_NAME_MAX)
        return error_make(ERROR_LIMIT, "too long");
    memset(box->name, 0, sizeof box->name);
    memcpy(box->name, to.data, to.size);
    return OK;
}

error mailbox_subscribe(struct account *account, slice name, bool on)
{
    struct mailbox *box = fake_find(name);
    (void)account;
    if (box)
        box->subscribed = on;
    return OK;
}

bool mailbox_exists(struct account *account, slice name)
{
    (void)account;
    return fake_find(name) != NULL;
}

/* ---- mailbox.h ---- */

error mailbox_open(struct account *account, slice name, struct mailbox **out_mailbox)
{
    struct mailbox *box = fake_find(name);
    (void)account;
    if (!box)
        return error_make(ERROR_NOT_FOUND, "no such mailbox");
    box->references++;
    *out_mailbox = box;
    return OK;
}

void mailbox_close(struct mailbox **mailbox)
{
    if (*mailbox)
        (*mailbox)->references--;
    *mailbox = NULL;
}

slice mailbox_name(const struct mailbox *mailbox)
{
    return fake_name(mailbox);
}

bool mailbox_is_gone(const struct mailbox *mailbox)
{
    return mailbox->gone;
}

error mailbox_sync(struct mailbox *mailbox)
{
    (void)mailbox;
    return OK;
}

struct mailbox_status mailbox_status(const struct mailbox *mailbox)
{
    struct mailbox_status status = {.uid_validity = 7,
                                    .uid_next = mailbox->uid_next,
                                    .messages = mailbox->count + fake_crowd,
                                    .modseq_highest = mailbox->modseq};
    for (uint32_t i = 0; i < mailbox->count; i++) {
        status.unseen += !(mailbox->mails[i].mail.flags & MAIL_SEEN);
        status.recent += mailbox->mails[i].mail.uid >= mailbox->recent_from;
        status.bytes += mailbox->mails[i].mail.size;
    }
    return status;
}

const struct mail *mailbox_find(struct mailbox *mailbox, uint32_t uid)
{
    static struct mail alike;
    struct fake_mail *mail = fake_message(mailbox, uid);
    if (mail)
        return &mail->mail;
    alike = (struct mail){.uid = uid, .flags = MAIL_SEEN, .internal_date = 1700000000};
    return uid >= mailbox->uid_next && uid - mailbox->uid_next < fake_crowd ? &alike : NULL;
}

const struct mail *mailbox_next_from(struct mailbox *mailbox, uint32_t uid)
{
    for (uint32_t i = 0; i < mailbox->count; i++)
        if (mailbox->mails[i].mail.uid >= uid)
            return &mailbox->mails[i].mail;
    return NULL;
}

slice mail_base_name(const struct mailbox *mailbox, const struct mail *message)
{
    static char name[32];
    (void)mailbox;
    snprintf(name, sizeof name, "name%u", message->uid);
    return slice_from_string(name);
}

/* One message may have an id of its own. */
static uint32_t fake_uidl;

error mailbox_uidls_open(const struct mailbox *mailbox, struct mailbox_uidls *out_uidls)
{
    (void)mailbox;
    *out_uidls = (struct mailbox_uidls){0};
    return OK;
}

void mailbox_uidls_close(struct mailbox_uidls *uidls)
{
    (void)uidls;
}

slice mailbox_uidls_find(struct mailbox_uidls *uidls, uint32_t uid)
{
    (void)uidls;
    return uid == fake_uidl ? SLICE("of-old") : SLICE_EMPTY;
}

size_t mailbox_uids(struct mailbox *mailbox, uint32_t uid, uint32_t *out_uids, size_t max)
{
    size_t count = 0;
    for (uint32_t i = 0; i < mailbox->count && count < max; i++)
        if (mailbox->mails[i].mail.uid >= uid)
            out_uids[count++] = mailbox->mails[i].mail.uid;
    uint32_t next = uid > mailbox->uid_next ? uid : mailbox->uid_next;
    while (count < max && next - mailbox->uid_next < fake_crowd)
        out_uids[count++] = next++;
    return count;
}

error mailbox_virtual_size(struct mailbox *mailbox, uint32_t uid, uint64_t *out_size)
{
    const struct mail *mail = mailbox_find(mailbox, uid);
    if (!mail)
        return error_make(ERROR_NOT_FOUND, "gone");
    *out_size = mail->virtual_size;
    return OK;
}

error mailbox_flags(struct mailbox *mailbox, uint32_t uid, const struct flag_change *change)
{
    struct fake_mail *found = fake_message(mailbox, uid);
    if (!found)
        return error_make(ERROR_NOT_FOUND, "gone");
    struct mail before = found->mail, *mail = &found->mail;
    switch (change->mode) {
    case FLAGS_REPLACE:
        mail->flags = change->flags;
        mail->keywords = change->keywords;
        break;
    case FLAGS_ADD:
        mail->flags |= change->flags;
        mail->keywords |= change->keywords;
        break;
    case FLAGS_REMOVE:
        mail->flags = (uint8_t)(mail->flags & ~change->flags);
        mail->keywords &= ~change->keywords;
        break;
    }
    if (mail->flags == before.flags && mail->keywords == before.keywords)
        return OK;
    mail->modseq = ++mailbox->modseq;
    fake_change(mailbox, MAILBOX_CHANGE_FLAGS, uid);
    return OK;
}

error mailbox_keyword(struct mailbox *mailbox, slice name, bool create, unsigned *out_bit)
{
    for (unsigned i = 0; i < mailbox->keyword_count; i++) {
        if (slice_equal_nocase(slice_from_string(mailbox->keywords[i]), name)) {
            *out_bit = i;
            return OK;
        }
    }
    if (!create)
        return error_make(ERROR_NOT_FOUND, "no such keyword");
    if (mailbox->keyword_count == STORE_KEYWORDS_MAX || name.size > STORE_KEYWORD_SIZE_MAX)
        return error_make(ERROR_LIMIT, "too many keywords");
    memcpy(mailbox->keywords[mailbox->keyword_count], name.data, name.size);
    *out_bit = mailbox->keyword_count++;
    return OK;
}

slice mailbox_keyword_name(const struct mailbox *mailbox, unsigned bit)
{
    return slice_from_string(mailbox->keywords[bit]);
}

unsigned mailbox_keyword_count(const struct mailbox *mailbox)
{
    return mailbox->keyword_count;
}

void mailbox_recent(struct mailbox *mailbox, bool claim, uint32_t *out_from, uint32_t *out_to)
{
    *out_from = mailbox->recent_from;
    *out_to = mailbox->uid_next;
    if (claim)
        mailbox->recent_from = mailbox->uid_next;
}

error mailbox_expunge(struct mailbox *mailbox, const uint32_t *uids, size_t count,
                      size_t *out_count)
{
    uint32_t before = mailbox->count;
    for (size_t i = 0; i < count; i++)
        fake_remove(mailbox, uids[i]);
    *out_count = before - mailbox->count;
    return OK;
}

error mailbox_copy(struct mailbox *mailbox, const uint32_t *uids, size_t count,
                   struct mailbox *target, bool move, uint32_t *out_uids)
{
    for (size_t i = 0; i < count; i++) {
        struct fake_mail *mail = fake_message(mailbox, uids[i]);
        out_uids[i] =
            mail ? fake_deliver(target, slice_of(mail->text, mail->mail.size), mail->mail.flags)
                 : 0;
    }
    for (size_t i = 0; move && i < count; i++)
        fake_remove(mailbox, uids[i]);
    return OK;
}

slice mailbox_cache(const struct mailbox *mailbox, const struct mail *message)
{
    struct fake_mail *mail = fake_message(mailbox, message->uid);
    return slice_of(mail->cache, mail->mail.cache_size);
}

void mailbox_cache_set(struct mailbox *mailbox, uint32_t uid, slice blob)
{
    struct fake_mail *mail = fake_message(mailbox, uid);
    if (!mail || blob.size > STORE_CACHE_BLOB_SIZE_MAX)
        return;
    free(mail->cache);
    mail->cache = malloc(blob.size);
    memcpy(mail->cache, blob.data, blob.size);
    mail->mail.cache_size = (uint32_t)blob.size;
}

void mailbox_watch(struct mailbox *mailbox, void (*notify)(struct mailbox_watch *watch),
                   struct mailbox_watch *watch)
{
    *watch = (struct mailbox_watch){
        .mailbox = mailbox, .notify = notify, .sequence = mailbox->change_count};
    list_append(&mailbox->watchers, &watch->node);
}

void mailbox_unwatch(struct mailbox_watch *watch)
{
    list_remove(&watch->node);
}

bool mailbox_has_changes(const struct mailbox_watch *watch)
{
    return watch->sequence < watch->mailbox->change_count;
}

bool mailbox_changes_next(struct mailbox_watch *watch, struct mailbox_change *out_change,
                          bool *out_lost)
{
    const struct mailbox *box = watch->mailbox;
    if (!mailbox_has_changes(watch))
        return false;
    if (box->change_count - watch->sequence > fake_changes_max) {
        *out_lost = true;
        watch->sequence = box->change_count;
        return false;
    }
    *out_change = box->changes[watch->sequence++ % FAKE_CHANGES_MAX];
    return true;
}

/* ---- mail.h, delivery.h ---- */

error mail_open(struct mailbox *mailbox, uint32_t uid, struct mail_file *out_file)
{
    struct fake_mail *mail = fake_message(mailbox, uid);
    if (!mail)
        return error_make(ERROR_NOT_FOUND, "gone");
    if (mail->mail.base_name_size) /* a test broke it */
        return error_system(EIO, "cannot read");
    int fd = memfd_create("mail", MFD_CLOEXEC);
    ASSERT(fd >= 0 && write(fd, mail->text, mail->mail.size) == (ssize_t)mail->mail.size);
    *out_file = (struct mail_file){fd, mail->mail.size};
    return OK;
}

error mail_read(const struct mail_file *file, uint64_t offset, char *data, size_t size)
{
    ASSERT(offset + size <= file->size); /* nobody asks for what is not there */
    ssize_t got = pread(file->fd, data, size, (off_t)offset);
    return got == (ssize_t)size ? OK : error_make(ERROR_CLOSED, "short");
}

void mail_close(struct mail_file *file)
{
    close(file->fd);
}

error store_deliver(struct store_delivery *delivery)
{
    struct store_recipient *recipient = delivery->recipients;
    struct mailbox *box = fake_find(recipient->mailbox);
    recipient->result = OK;
    if (!box) {
        recipient->result = error_make(ERROR_NOT_FOUND, "no such mailbox");
        return OK;
    }
    recipient->uid = fake_deliver(box, delivery->parts[0], recipient->flags);
    recipient->uid_validity = 7;
    if (recipient->uid == 0) {
        recipient->result = error_make(ERROR_LIMIT, "over quota");
        return OK;
    }
    struct fake_mail *mail = fake_message(box, recipient->uid);
    if (delivery->internal_date)
        mail->mail.internal_date = delivery->internal_date;
    for (unsigned i = 0; i < recipient->keyword_count; i++) {
        unsigned bit;
        if (!failed(mailbox_keyword(box, recipient->keywords[i], true, &bit)))
            mail->mail.keywords |= 1ull << bit;
    }
    return OK;
}
