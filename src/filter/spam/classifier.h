#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was learned, asked: Bayes on hashed pairs of words (orthogonal sparse bigrams: each word
 * with each of the next four, and how far apart they stand), one model for the server (model.h),
 * its strongest features combined by Fisher's method. Every core has a copy of the file and looks
 * now and then whether there is a newer one.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "filter/spam/model.h"

enum spam_classifier_limits {
    SPAM_CLASSIFIER_STRONGEST_MAX = 150, /* features that decide */
    SPAM_CLASSIFIER_LOOK_S = 30,         /* between looks for a newer file */
};

/* On each core; again at a reload: reads the file, which takes milliseconds. No file is no error:
 * there may be one later, which a worker reads while what we have answers. */
error spam_classifier_start(slice path);
/* WAITS where a file is being read. */
void spam_classifier_stop(void);

/* There is a newer file: the next question has it read. */
void spam_classifier_look_soon(void);

struct spam_classifier_answer {
    uint32_t ham_learned, spam_learned; /* mails */
    unsigned known;                     /* features that decided */
    double spam;                        /* how likely: 0 to 1; 0.5: no idea */
};

/* Words as spam_scan makes them. ERROR_NOT_FOUND where nothing was learned. */
error spam_classifier_ask(const uint32_t *words, unsigned count, struct arena *arena,
                          struct spam_classifier_answer *out_answer);

/* The same of a model at hand. */
error spam_classifier_judge(const struct spam_model *model, const uint32_t *words, unsigned count,
                            struct arena *arena, struct spam_classifier_answer *out_answer);
