/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/learn.h"

#include "filter/spam/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

error spam_learning_open(struct spam_learning *learning, slice path)
{
    *learning = (struct spam_learning){.lock = -1};
    char lock[sizeof learning->path + 8];
    if (path.size == 0 || path.size >= sizeof learning->path)
        return error_make(ERROR_LIMIT, "the path of what was learned is too long, or empty");
    memcpy(learning->path, path.data, path.size);
    snprintf(lock, sizeof lock, "%s.lock", learning->path);
    learning->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (learning->lock < 0)
        return error_system(errno, "the lock of what was learned cannot be made");
    error problem = OK;
    if (flock(learning->lock, LOCK_EX | LOCK_NB) != 0)
        problem = error_make(ERROR_BUSY, "somebody else is learning just now");
    if (!failed(problem))
        problem = spam_model_load(learning->path, SPAM_MODEL_SLOTS, &learning->model);
    if (failed(problem))
        close(learning->lock);
    return problem;
}

static error learn(struct spam_learning *learning, const struct spam_mail *mail, bool is_spam,
                   struct spam_scan *scan, struct arena *arena)
{
    uint32_t *features;
    unsigned count;
    TRY(spam_scan_open(scan, mail, NULL, arena, arena));
    TRY(spam_scan_words(scan));
    TRY(spam_model_features(arena, scan->words, scan->word_count, &features, &count));
    spam_model_learn(&learning->model, features, count, is_spam);
    return OK;
}

error spam_learning_add(struct spam_learning *learning, slice message, bool is_spam)
{
    if (message.size > SPAM_LEARN_MESSAGE_SIZE_MAX)
        return error_make(ERROR_LIMIT, "a mail too long to learn from");
    struct arena arena;
    struct spam_scan scan = {.field_count = 0};
    const struct spam_mail mail = {.message = message};
    arena_init(&arena, SPAM_SCAN_MEMORY_MAX);
    error problem = learn(learning, &mail, is_spam, &scan, &arena);
    spam_scan_close(&scan);
    arena_close(&arena);
    if (!failed(problem) && is_spam)
        learning->spam++;
    else if (!failed(problem))
        learning->ham++;
    return problem;
}

error spam_learning_close(struct spam_learning *learning, bool keep)
{
    error problem = keep ? spam_model_save(&learning->model, learning->path) : OK;
    spam_model_close(&learning->model);
    close(learning->lock);
    learning->lock = -1;
    return problem;
}
