#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An IMAP session in a world of memory (service/fake_world.h). Include in one file of a program.
 */
#include "service/fake_world.h"
#include "service/imap/lesson.h"
#include "service/imap/limits.h"
#include "service/imap/serve.h"

/* Nobody learns from what a test moves. */
enum imap_lesson imap_lesson_of(slice from, slice to)
{
    (void)from;
    (void)to;
    return IMAP_LESSON_NONE;
}

void imap_lesson_copied(enum imap_lesson lesson, struct mailbox *target, const uint32_t *copies,
                        uint32_t count, bool move)
{
    (void)lesson;
    (void)target;
    (void)copies;
    (void)count;
    (void)move;
}

void imap_lesson_appended(struct account *account, slice mailbox, uint32_t uid)
{
    (void)account;
    (void)mailbox;
    (void)uid;
}

FAKE_SESSION(imap)
