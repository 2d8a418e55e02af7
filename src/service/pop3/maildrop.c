/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/maildrop.h"

#include <stdlib.h>

/* WAITS. The size of a file that another server stored with bare LF is counted once, then known. */
static error size_of(struct mailbox *mailbox, uint32_t uid, uint64_t *out_size)
{
    const struct mail *mail = mailbox_find(mailbox, uid);
    if (!mail)
        return error_make(ERROR_NOT_FOUND, "the message is gone");
    if (mail->virtual_size == 0)
        return mailbox_virtual_size(mailbox, uid, out_size);
    *out_size = mail->virtual_size;
    return OK;
}

static error take_mails(struct pop3_maildrop *drop, uint32_t messages_max)
{
    uint32_t count = mailbox_status(drop->mailbox).messages;
    if (count > messages_max)
        count = messages_max;
    drop->mails = calloc(count ? count : 1, sizeof *drop->mails);
    TRY_MEMORY(drop->mails);
    const struct mail *mail = mailbox_next_from(drop->mailbox, 1);
    while (mail && drop->count < count) {
        struct pop3_mail taken = {.uid = mail->uid};
        error problem = size_of(drop->mailbox, taken.uid, &taken.size);
        if (failed(problem) && problem.kind != ERROR_NOT_FOUND)
            return problem;
        if (!failed(problem)) {
            drop->mails[drop->count++] = taken;
            drop->size += taken.size;
        }
        mail = mailbox_next_from(drop->mailbox, taken.uid + 1);
    }
    return OK;
}

error pop3_maildrop_open(struct pop3_maildrop *drop, const struct store_account_key *key,
                         uint32_t messages_max)
{
    TRY(account_open(key, true, &drop->account));
    TRY(mailbox_open(drop->account, SLICE("INBOX"), &drop->mailbox));
    return take_mails(drop, messages_max);
}

void pop3_maildrop_close(struct pop3_maildrop *drop)
{
    mailbox_uidls_close(&drop->uidls);
    mailbox_close(&drop->mailbox);
    account_close(&drop->account);
    free(drop->mails);
    *drop = (struct pop3_maildrop){0};
}

error pop3_maildrop_find(struct pop3_maildrop *drop, uint32_t number, struct pop3_mail **out_mail)
{
    if (number == 0 || number > drop->count)
        return error_make(ERROR_NOT_FOUND, "no such message");
    if (drop->mails[number - 1].deleted)
        return error_make(ERROR_NOT_FOUND, "the message is marked as deleted");
    *out_mail = &drop->mails[number - 1];
    return OK;
}

void pop3_maildrop_delete(struct pop3_maildrop *drop, struct pop3_mail *mail)
{
    mail->deleted = true;
    drop->deleted++;
    drop->size -= mail->size;
}

void pop3_maildrop_reset(struct pop3_maildrop *drop)
{
    for (uint32_t i = 0; i < drop->count; i++) {
        if (!drop->mails[i].deleted)
            continue;
        drop->mails[i].deleted = false;
        drop->size += drop->mails[i].size;
    }
    drop->deleted = 0;
}

error pop3_maildrop_update(struct pop3_maildrop *drop, size_t *out_removed)
{
    size_t count = 0;
    *out_removed = 0;
    if (drop->deleted == 0)
        return OK;
    uint32_t *uids = calloc(drop->deleted, sizeof *uids);
    TRY_MEMORY(uids);
    for (uint32_t i = 0; i < drop->count; i++)
        if (drop->mails[i].deleted)
            uids[count++] = drop->mails[i].uid;
    error problem = mailbox_expunge(drop->mailbox, uids, count, out_removed);
    free(uids);
    return problem;
}
