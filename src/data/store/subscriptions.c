/* SPDX-License-Identifier: GPL-3.0-or-later
 * Subscriptions read and rewritten. */
#include "data/store/subscriptions.h"

#include "data/store/mailbox_name.h"
#include "format/text/utf7.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = STORE_PATH_SIZE_MAX + 32 };

static error file_path(const char *maildir, const char *name, char out[PATH_SIZE])
{
    int size = snprintf(out, PATH_SIZE, "%s/%s", maildir, name);
    return size > 0 && size < PATH_SIZE ? OK : error_make(ERROR_LIMIT, "path too long");
}

error subscriptions_read(const char *maildir, struct subscriptions *out_subscriptions)
{
    char path[PATH_SIZE];
    TRY(file_path(maildir, "subscriptions", path));
    *out_subscriptions = (struct subscriptions){0};
    dovecot_subscriptions_begin(&out_subscriptions->list, SLICE_EMPTY);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? OK : error_system(errno, "cannot read subscriptions");
    struct stat status;
    error problem = OK;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size > SUBSCRIPTIONS_SIZE_MAX)
        problem = error_make(ERROR_LIMIT, "the subscriptions file is too large");
    char *content = failed(problem) ? NULL : malloc((size_t)status.st_size + 1);
    size_t done = 0;
    while (content && done < (size_t)status.st_size) {
        ssize_t got = read(fd, content + done, (size_t)status.st_size - done);
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    close(fd);
    TRY(problem);
    TRY_MEMORY(content);
    out_subscriptions->content = content;
    dovecot_subscriptions_begin(&out_subscriptions->list, slice_of(content, done));
    return OK;
}

bool subscriptions_next(struct subscriptions *subscriptions, struct arena *arena, slice *out_name)
{
    return dovecot_subscriptions_next(&subscriptions->list, arena, out_name);
}

void subscriptions_close(struct subscriptions *subscriptions)
{
    free(subscriptions->content);
    subscriptions->content = NULL;
}

/* A line of version 2: levels in modified UTF-7, tabs between them. */
static error write_name(struct buffer *out, slice name)
{
    slice level, rest = name;
    bool more;
    do {
        more = slice_cut(rest, STORE_SEPARATOR, &level, &rest);
        TRY(utf7_encode(level, out));
        buffer_add_byte(out, more ? '\t' : '\n');
    } while (more);
    return OK;
}

static error rewrite(struct subscriptions *old, slice name, bool on, struct arena *arena,
                     struct buffer *out)
{
    buffer_add(out, SLICE("V\t2\n\n"));
    slice have;
    while (subscriptions_next(old, arena, &have)) {
        bool same =
            slice_equal(have, name) || (mailbox_name_is_inbox(have) && mailbox_name_is_inbox(name));
        if (!same)
            TRY(write_name(out, have));
    }
    if (on)
        TRY(write_name(out, name));
    return buffer_check(out);
}

static error replace_file(const char *maildir, slice content)
{
    char from[PATH_SIZE], to[PATH_SIZE];
    TRY(file_path(maildir, "subscriptions.new", from));
    TRY(file_path(maildir, "subscriptions", to));
    int fd = open(from, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_system(errno, "cannot write subscriptions");
    ssize_t written = write(fd, content.data, content.size);
    int problem = written < 0 ? errno : ENOSPC;
    close(fd);
    if (written != (ssize_t)content.size || rename(from, to) != 0) {
        unlink(from);
        return error_system(problem, "cannot write subscriptions");
    }
    return OK;
}

error subscriptions_change(const char *maildir, slice name, bool on)
{
    struct arena arena;
    struct buffer out;
    struct subscriptions old;
    TRY(subscriptions_read(maildir, &old));
    arena_init(&arena, 4 * SUBSCRIPTIONS_SIZE_MAX);
    buffer_init(&out, SUBSCRIPTIONS_SIZE_MAX);
    error problem = rewrite(&old, name, on, &arena, &out);
    if (!failed(problem))
        problem = replace_file(maildir, buffer_slice(&out));
    subscriptions_close(&old);
    buffer_close(&out);
    arena_close(&arena);
    return problem;
}
