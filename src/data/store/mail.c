/* SPDX-License-Identifier: GPL-3.0-or-later
 * Messages read. */
#include "data/store/mail.h"

#include "data/store/state.h"
#include "runtime/body.h"
#include "runtime/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAIL_READ_CHUNK = 1 << 20, MAIL_COUNT_CHUNK = 64 << 10 };

static error open_once(struct mailbox *mailbox, const struct mail *mail, struct mail_file *out_file)
{
    char path[MAILDIR_PATH_SIZE_MAX];
    mailbox_mail_path(mailbox, mail, path);
    int fd = openat(mailbox->directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return error_system(errno, "cannot open a mail");
    *out_file = (struct mail_file){fd, mail->size};
    return OK;
}

error mail_open(struct mailbox *mailbox, uint32_t uid, struct mail_file *out_file)
{
    if (mailbox->gone)
        return error_make(ERROR_NOT_FOUND, "the mailbox is gone");
    const struct mail *mail = index_find(&mailbox->index, uid);
    if (!mail)
        return error_make(ERROR_NOT_FOUND, "the message is gone");
    error problem = open_once(mailbox, mail, out_file);
    if (problem.kind != ERROR_NOT_FOUND || !mailbox_locate(mailbox, uid))
        return problem;
    mail = index_find(&mailbox->index, uid);
    return mail ? open_once(mailbox, mail, out_file) : problem;
}

error mail_read(const struct mail_file *file, uint64_t offset, char *data, size_t size)
{
    while (size > 0) {
        /* In the page cache: a copy, shorter than a trip through the ring. */
        struct iovec part = {data, size};
        ssize_t got = preadv2(file->fd, &part, 1, (off_t)offset, RWF_NOWAIT);
        size_t some = got > 0 ? (size_t)got : 0;
        if (got < 0 && (errno == EAGAIN || errno == EOPNOTSUPP))
            TRY(ring_read(file->fd, data, size < MAIL_READ_CHUNK ? size : MAIL_READ_CHUNK,
                          (off_t)offset, &some));
        else if (got < 0 && errno != EINTR)
            return error_system(errno, "cannot read a mail");
        else if (got < 0)
            continue;
        if (some == 0)
            return error_make(ERROR_CLOSED, "the file is shorter than the index says");
        data += some;
        size -= some;
        offset += some;
    }
    return OK;
}

void mail_close(struct mail_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

error mail_load(struct mailbox *mailbox, uint32_t uid, struct body *out_body)
{
    struct mail_file file;
    TRY(mail_open(mailbox, uid, &file));
    struct body body;
    body_init(&body, file.size ? file.size : 1);
    error problem = body_reserve(&body, file.size);
    if (!failed(problem))
        problem = mail_read(&file, 0, body.data, file.size);
    mail_close(&file);
    if (failed(problem)) {
        body_close(&body);
        return problem;
    }
    body.size = file.size;
    *out_body = body;
    return OK;
}

/* Bytes with every line end as CRLF. */
static uint64_t count_virtual(slice data, char *last)
{
    uint64_t size = data.size;
    char before = *last;
    for (size_t i = 0; i < data.size; i++) {
        size += data.data[i] == '\n' && before != '\r';
        before = data.data[i];
    }
    *last = before;
    return size;
}

error mailbox_virtual_size(struct mailbox *mailbox, uint32_t uid, uint64_t *out_size)
{
    const struct mail *mail = index_find(&mailbox->index, uid);
    if (mail && mail->virtual_size) {
        *out_size = mail->virtual_size;
        return OK;
    }
    struct mail_file file;
    TRY(mail_open(mailbox, uid, &file));
    struct body chunk;
    body_init(&chunk, MAIL_COUNT_CHUNK);
    error problem = body_reserve(&chunk, MAIL_COUNT_CHUNK);
    uint64_t total = 0;
    char last = 0;
    for (uint64_t at = 0; at < file.size && !failed(problem);) {
        size_t some = file.size - at < MAIL_COUNT_CHUNK ? file.size - at : MAIL_COUNT_CHUNK;
        problem = mail_read(&file, at, chunk.data, some);
        if (!failed(problem))
            total += count_virtual(slice_of(chunk.data, some), &last);
        at += some;
    }
    body_close(&chunk);
    mail_close(&file);
    TRY(problem);
    if (index_find(&mailbox->index, uid) &&
        !failed(index_set_virtual_size(&mailbox->index, uid, total)))
        mailbox_touch(mailbox);
    *out_size = total;
    return OK;
}
