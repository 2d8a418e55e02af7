#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a user teaches by where they put mail: into the mailbox for junk (by its special use, or as
 * spam.junk_mailbox names it) it is unwanted; out of it, to anywhere but the trash, it is wanted.
 * As rspamd with Dovecot's imapsieve does. The messages are opened, no more: the command does not
 * wait for the learning (filter/spam/lessons.h). Home core. What fails here fails silently, but
 * counted.
 */
#include "data/store/mailbox.h"

enum imap_lesson { IMAP_LESSON_NONE, IMAP_LESSON_HAM, IMAP_LESSON_SPAM };

/* What mail says that goes from one mailbox into another; `from` empty: it comes from the client.
 * Nothing where nobody learns. */
enum imap_lesson imap_lesson_of(slice from, slice to);

/* WAITS rarely (as mail_open). The copies are in `target`, which is open; 0: there is none. */
void imap_lesson_copied(enum imap_lesson lesson, struct mailbox *target, const uint32_t *copies,
                        uint32_t count, bool move);
/* WAITS rarely. */
void imap_lesson_appended(struct account *account, slice mailbox, uint32_t uid);
