#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bytes that BODY[section]<partial> means (RFC 3501 6.4.5): a range of the file where that is
 * what they are, so that they can be sent without passing through here, else memory.
 */
#include "format/imap/section.h"
#include "service/imap/message.h"

enum imap_piece_kind {
    IMAP_PIECE_NIL,    /* there is no such part */
    IMAP_PIECE_FILE,   /* offset and size in message->file */
    IMAP_PIECE_MEMORY, /* bytes, until the message is closed */
};

struct imap_piece {
    enum imap_piece_kind kind;
    uint64_t offset;
    uint64_t size;
    slice bytes;
};

/* WAITS. */
error imap_piece_find(struct imap_message *message, const struct imap_section *section,
                      const struct imap_partial *partial, struct imap_piece *out_piece);
