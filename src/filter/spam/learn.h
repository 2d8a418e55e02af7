#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Learning: mails of either kind into the classifier's file (model.h). Blocks: for the `ringmail`
 * command, or a worker. One who learns holds a lock beside the file; servers that run see the new
 * file by themselves. The same mail is learned once; as the other kind it is taken back first.
 */
#include "filter/spam/model.h"

enum spam_learn_limits {
    SPAM_LEARN_MESSAGE_SIZE_MAX = 64 << 20, /* bytes of one mail; longer ones are refused */
};

struct spam_learning {
    struct spam_model model;
    int lock;
    char path[1024];
    uint32_t ham, spam; /* mails learned this time */
    uint32_t known;     /* that had been learned as what they are */
};

/* ERROR_BUSY where somebody else learns just now. */
error spam_learning_open(struct spam_learning *learning, slice path);
/* A whole message. ERROR_LIMIT. */
error spam_learning_add(struct spam_learning *learning, slice message, bool is_spam);
/* The whole of an open file of that size; free() it. ERROR_LIMIT where it is empty or too long. */
error spam_learning_load(int fd, uint64_t size, char **out_text);
/* Such a file. */
error spam_learning_add_file(struct spam_learning *learning, int fd, uint64_t size, bool is_spam);
/* Writes what was learned, where `keep`. */
error spam_learning_close(struct spam_learning *learning, bool keep);
