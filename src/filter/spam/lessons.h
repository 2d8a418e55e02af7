#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Learning while the server runs, from what users do with their mail. Whoever sees it (the home
 * core of an account) hands over an open file and goes on; a fiber of the core gathers lessons for
 * a moment, then has a worker put all of them into the classifier's file (learn.h), or posts them
 * to rspamd's controller where that is the engine. Bounds: spam_lessons_limits; what finds no room
 * is lost and counted. Lessons that wait are lost with the process. One account teaches no more
 * than spam.learn_per_day: what it says of mail counts for all others.
 */
#include "base/error.h"
#include "base/slice.h"

struct spam_settings;

enum spam_lessons_limits {
    SPAM_LESSONS_WAITING_MAX = 256, /* open files, per core */
    SPAM_LESSONS_PER_DAY = 100,     /* of one account, unless spam.learn_per_day says otherwise */
    SPAM_LESSONS_GATHER_MS = 500,   /* for more to come: the file is written once for all of them */
    SPAM_LESSONS_LOCK_S = 30,       /* for others that learn just now */
    SPAM_LESSONS_LOCK_POLL_MS = 50,
};

enum spam_lesson_way { SPAM_LESSON_MOVE, SPAM_LESSON_COPY, SPAM_LESSON_APPEND, SPAM_LESSON_WAYS };

struct spam_lesson {
    int fd; /* of the whole message */
    uint64_t size;
    bool is_spam;
    enum spam_lesson_way way;
};

/* On each core; again at a reload. The settings are borrowed for good. `learned`: the classifier's
 * file, empty: none. */
error spam_lessons_start(const struct spam_settings *settings, slice learned);
/* WAITS until what waits is learned. */
void spam_lessons_stop(void);

/* Does anybody learn here? */
bool spam_lessons_are_wanted(void);
/* May this account (its canonical address) teach one mail more? To be asked once for each, on the
 * account's home core, before the mail is opened. Counts it; what is refused is counted as well,
 * and said once a day. */
bool spam_lessons_admit(slice account);
/* The file is closed here, whatever becomes of the lesson. Does not wait. */
void spam_lessons_add(const struct spam_lesson *lesson);
/* For one that could not be handed over. */
void spam_lessons_count_lost(void);
