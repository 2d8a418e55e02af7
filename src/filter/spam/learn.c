/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/learn.h"

#include "crypto/digest.h"
#include "filter/spam/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What root makes must not lock out the server, which is somebody else: it belongs to whom the
 * folder belongs to. */
static void share_with_server(int lock, const char *path)
{
    struct stat status;
    char folder[1024];
    slice left, name;
    if (geteuid() != 0 || !slice_cut_last(slice_from_string(path), '/', &left, &name))
        return;
    snprintf(folder, sizeof folder, "%.*s/", SLICE_ARG(left));
    if (stat(folder, &status) == 0 && fchown(lock, status.st_uid, status.st_gid) != 0)
        return; /* then the server says that it may not open it */
}

error spam_learning_open(struct spam_learning *learning, slice path)
{
    *learning = (struct spam_learning){.lock = -1};
    char lock[sizeof learning->path + 8];
    if (path.size == 0 || path.size >= sizeof learning->path)
        return error_make(ERROR_LIMIT, "the path of what was learned is too long, or empty");
    memcpy(learning->path, path.data, path.size);
    snprintf(lock, sizeof lock, "%s.lock", learning->path);
    learning->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (learning->lock < 0)
        return error_system(errno, "the lock of what was learned cannot be made");
    share_with_server(learning->lock, learning->path);
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
                   uint64_t digest, struct spam_scan *scan, struct arena *arena)
{
    uint32_t *features;
    unsigned count;
    TRY(spam_scan_open(scan, mail, NULL, arena, arena));
    TRY(spam_scan_words(scan));
    TRY(spam_model_features(arena, scan->words, scan->word_count, &features, &count));
    bool was_spam;
    if (spam_model_recall(&learning->model, digest, &was_spam))
        spam_model_unlearn(&learning->model, features, count, was_spam);
    spam_model_learn(&learning->model, features, count, is_spam);
    spam_model_remember(&learning->model, digest, is_spam);
    return OK;
}

static uint64_t digest_message(slice message)
{
    uint8_t sum[DIGEST_SIZE_MAX];
    uint64_t digest;
    digest_of(DIGEST_SHA256, message, sum);
    memcpy(&digest, sum, sizeof digest);
    return digest;
}

error spam_learning_add(struct spam_learning *learning, slice message, bool is_spam)
{
    if (message.size > SPAM_LEARN_MESSAGE_SIZE_MAX)
        return error_make(ERROR_LIMIT, "a mail too long to learn from");
    bool was_spam;
    uint64_t digest = digest_message(message);
    if (spam_model_recall(&learning->model, digest, &was_spam) && was_spam == is_spam) {
        learning->known++;
        return OK;
    }
    struct arena arena;
    struct spam_scan scan = {.field_count = 0};
    const struct spam_mail mail = {.message = message};
    arena_init(&arena, SPAM_SCAN_MEMORY_MAX);
    error problem = learn(learning, &mail, is_spam, digest, &scan, &arena);
    spam_scan_close(&scan);
    arena_close(&arena);
    if (!failed(problem) && is_spam)
        learning->spam++;
    else if (!failed(problem))
        learning->ham++;
    return problem;
}

/* From the start, wherever the file stands. */
static error read_message(int fd, uint64_t size, char *text)
{
    for (uint64_t at = 0; at < size;) {
        ssize_t got = pread(fd, text + at, size - at, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? error_system(errno, "a mail to learn from cannot be read")
                           : error_make(ERROR_TEMPORARY, "a mail to learn from grew shorter");
        at += (uint64_t)got;
    }
    return OK;
}

error spam_learning_load(int fd, uint64_t size, char **out_text)
{
    if (size == 0 || size > SPAM_LEARN_MESSAGE_SIZE_MAX)
        return error_make(ERROR_LIMIT, "a mail too long to learn from, or empty");
    char *text = malloc(size);
    TRY_MEMORY(text);
    error problem = read_message(fd, size, text);
    if (failed(problem))
        free(text);
    else
        *out_text = text;
    return problem;
}

error spam_learning_add_file(struct spam_learning *learning, int fd, uint64_t size, bool is_spam)
{
    char *text;
    TRY(spam_learning_load(fd, size, &text));
    error problem = spam_learning_add(learning, slice_of(text, size), is_spam);
    free(text);
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
