#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading a stored message on its home core. The file is found by its UID even where another
 * program renamed it. Once open it can be read to its end even if it is expunged meanwhile.
 */
#include "data/store/mailbox.h"

struct body;

struct mail_file {
    int fd;
    uint64_t size; /* bytes */
};

/* WAITS (rarely: only to look for a renamed file). ERROR_NOT_FOUND where it is gone. */
error mail_open(struct mailbox *mailbox, uint32_t uid, struct mail_file *out_file);
/* WAITS where the page cache does not have it. Exactly size bytes from offset. */
error mail_read(const struct mail_file *file, uint64_t offset, char *data, size_t size);
void mail_close(struct mail_file *file);
/* WAITS. The whole file; body_close it. */
error mail_load(struct mailbox *mailbox, uint32_t uid, struct body *out_body);
