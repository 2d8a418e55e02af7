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

enum imap_lesson imap_lesson_of(slice from, slice to)
{
    if (!spam_lessons_are_wanted())
        return IMAP_LESSON_NONE;
    bool was_junk = is_junk(from), now_junk = is_junk(to);
    if (was_junk == now_junk || (was_junk && mailbox_name_use(to) == MAILBOX_TRASH))
        return IMAP_LESSON_NONE;
    return now_junk ? IMAP_LESSON_SPAM : IMAP_LESSON_HAM;
}

static void teach(enum imap_lesson lesson, struct mailbox *mailbox, uint32_t uid,
                  enum spam_lesson_way way)
{
    struct mail_file file;
    if (!spam_lessons_admit(account_id(mailbox_account(mailbox))))
        return;
    if (failed(mail_open(mailbox, uid, &file)))
        spam_lessons_count_lost();
    else
        spam_lessons_add(
            &(struct spam_lesson){file.fd, file.size, lesson == IMAP_LESSON_SPAM, way});
}

void imap_lesson_copied(enum imap_lesson lesson, struct mailbox *target, const uint32_t *copies,
                        uint32_t count, bool move)
{
    if (lesson == IMAP_LESSON_NONE)
        return;
    for (uint32_t i = 0; i < count; i++)
        if (copies[i] != 0)
            teach(lesson, target, copies[i], move ? SPAM_LESSON_MOVE : SPAM_LESSON_COPY);
}

void imap_lesson_appended(struct account *account, slice mailbox, uint32_t uid)
{
    struct mailbox *target;
    enum imap_lesson lesson = imap_lesson_of(SLICE_EMPTY, mailbox);
    if (lesson == IMAP_LESSON_NONE || failed(mailbox_open(account, mailbox, &target)))
        return;
    teach(lesson, target, uid, SPAM_LESSON_APPEND);
    mailbox_close(&target);
}
