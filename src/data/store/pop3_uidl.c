/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/store/pop3_uidl.h"

#include "data/store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME "ringmail.uidl"

error mailbox_uidls_open(const struct mailbox *mailbox, struct mailbox_uidls *out_uidls)
{
    struct mailbox_uidls uidls = {0};
    uidls.memory =
        mailbox_read_file(mailbox->directory, NAME, STORE_UIDL_FILE_SIZE_MAX, &uidls.content);
    if (!uidls.memory && faccessat(mailbox->directory, NAME, F_OK, 0) == 0)
        return error_make(ERROR_TEMPORARY, "cannot read the unique ids"); /* others would be lies */
    uidls.rest = cursor_over(uidls.content);
    *out_uidls = uidls;
    return OK;
}

void mailbox_uidls_close(struct mailbox_uidls *uidls)
{
    free(uidls->memory);
    *uidls = (struct mailbox_uidls){0};
}

/* The next line, whatever it holds; false at the end. */
static bool next(struct mailbox_uidls *uidls)
{
    slice line, behind;
    uint64_t uid;
    if (cursor_done(&uidls->rest))
        return false;
    slice_cut(cursor_rest(&uidls->rest), '\n', &line, &behind);
    uidls->rest = cursor_over(behind);
    struct cursor c = cursor_over(line);
    if (cursor_take_u64(&c, UINT32_MAX, &uid) && cursor_take_byte(&c, ' ')) {
        uidls->uid = (uint32_t)uid;
        uidls->uidl = cursor_rest(&c);
    }
    return true;
}

slice mailbox_uidls_find(struct mailbox_uidls *uidls, uint32_t uid)
{
    if (uid < uidls->uid) { /* from the beginning */
        uidls->rest = cursor_over(uidls->content);
        uidls->uid = 0;
    }
    while (uidls->uid < uid && next(uidls))
        continue;
    return uidls->uid == uid ? uidls->uidl : SLICE_EMPTY;
}

void mailbox_uidls_add(uint32_t uid, slice uidl, struct buffer *lines)
{
    if (uidl.size == 0 || uidl.size > STORE_UIDL_SIZE_MAX)
        return;
    for (size_t i = 0; i < uidl.size; i++)
        if (uidl.data[i] < 0x21 || uidl.data[i] > 0x7e)
            return;
    buffer_format(lines, "%u ", uid);
    buffer_add(lines, uidl);
    buffer_add_byte(lines, '\n');
}

static error write_all(int fd, slice data)
{
    while (data.size) {
        ssize_t wrote = write(fd, data.data, data.size);
        if (wrote < 0)
            return error_system(errno, "cannot write unique ids");
        data = slice_from(data, (size_t)wrote);
    }
    return fsync(fd) == 0 ? OK : error_system(errno, "cannot sync unique ids");
}

error mailbox_uidls_write(int directory, const struct buffer *lines)
{
    TRY(buffer_check(lines));
    if (lines->size == 0)
        return OK;
    int fd =
        openat(directory, NAME ".new", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_system(errno, "cannot write unique ids");
    error problem = write_all(fd, buffer_slice(lines));
    close(fd);
    TRY(problem);
    return renameat(directory, NAME ".new", directory, NAME) == 0
               ? OK
               : error_system(errno, "cannot write unique ids");
}
