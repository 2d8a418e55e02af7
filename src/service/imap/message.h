#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One stored message while FETCH or SEARCH looks at it, read no further than it must be: the file
 * is opened at first need, the header alone read where that is enough, the whole loaded and parsed
 * only for its parts. What it gives is the message as a client sees it, with CRLF, also where
 * another server stored bare LF. Lives for one message of one command.
 */
#include "data/store/mail.h"
#include "format/mail/mime.h"
#include "runtime/body.h"

struct imap_message {
    struct mailbox *mailbox;
    uint32_t uid;
    struct arena *scratch;
    struct mail_file file;
    bool opened;
    bool as_sent;      /* the file has only CRLF: its ranges are the message's */
    uint64_t size;     /* bytes with CRLF, once opened */
    struct body raw;   /* the file, where loaded */
    struct body fixed; /* with CRLF, where the file has not */
    slice text;        /* the whole, where loaded */
    slice header;      /* with the empty line, where read */
    struct mime_message mime;
};

void imap_message_init(struct imap_message *message, struct mailbox *mailbox, uint32_t uid,
                       struct arena *scratch);
/* Closes, frees, resets the scratch arena. */
void imap_message_close(struct imap_message *message);

/* All WAIT; each does what the one before does, where that is still to be done. ERROR_NOT_FOUND
 * where the message is gone. */
error imap_message_open(struct imap_message *message);
error imap_message_header(struct imap_message *message, slice *out_header);
error imap_message_text(struct imap_message *message, slice *out_text);
error imap_message_mime(struct imap_message *message, const struct mime_message **out_mime);
