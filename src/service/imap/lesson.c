/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/lesson.h"

#include "data/store/mail.h"
#include "filter/spam/lessons.h"
#include "filter/spam/settings.h"
#include "filter/spam/spam.h"

static bool is_junk(slice mailbox)
{
    const struct spam_settings *settings = spam_settings_here();
    return mailbox_name_use(mailbox) == MAILBOX_JUNK ||
           (settings && slice_equal(mailbox, settings->junk_mailbox));
}

static void teach(struct mailbox *mailbox, uint32_t uid, bool is_spam, enum spam_lesson_way way)
{
    struct mail_file file;
    if (!spam_lessons_have_room() || failed(mail_open(mailbox, uid, &file)))
        spam_lessons_count_lost();
    else
        spam_lessons_add(&(struct spam_lesson){file.fd, file.size, is_spam, way});
}

void imap_lesson_copied(slice from, struct mailbox *target, const uint32_t *copies, uint32_t count,
                        bool move)
{
    slice to = mailbox_name(target);
    bool was_junk = is_junk(from), now_junk = is_junk(to);
    if (!spam_lessons_are_wanted() || was_junk == now_junk ||
        (was_junk && mailbox_name_use(to) == MAILBOX_TRASH))
        return;
    for (uint32_t i = 0; i < count; i++)
        if (copies[i] != 0)
            teach(target, copies[i], now_junk, move ? SPAM_LESSON_MOVE : SPAM_LESSON_COPY);
}

void imap_lesson_appended(struct account *account, slice mailbox, uint32_t uid)
{
    struct mailbox *target;
    if (!spam_lessons_are_wanted() || !is_junk(mailbox) ||
        failed(mailbox_open(account, mailbox, &target)))
        return;
    teach(target, uid, true, SPAM_LESSON_APPEND);
    mailbox_close(&target);
}
