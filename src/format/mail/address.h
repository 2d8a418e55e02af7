#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Address lists of header fields (RFC 5322 3.4, obsolete forms 4.4, UTF-8 by RFC 6532). Never fails
 * on garbage: it makes the best of what is there, as people expect from an IMAP ENVELOPE. Encoded
 * words (RFC 2047) are left as they are; comments that follow an address without a display name
 * become its name. Results live in the arena or are views of the input. Linear time.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

enum {
    MAIL_ADDRESS_COUNT_MAX = 10000, /* of one list; later ones are dropped */
    MAIL_ADDRESS_COMMENT_DEPTH_MAX = 64,
};

enum mail_address_kind {
    MAIL_ADDRESS_MAILBOX,
    MAIL_ADDRESS_GROUP_START, /* name in `local` */
    MAIL_ADDRESS_GROUP_END,
};

/* data == NULL says "not there" (IMAP's NIL); "" is there and empty. */
struct mail_address {
    struct mail_address *next;
    enum mail_address_kind kind;
    slice name;      /* display name: unquoted, blanks folded into one space */
    slice route;     /* obsolete "@a,@b" */
    slice local;     /* unquoted */
    slice domain;    /* without comments and blanks */
    bool incomplete; /* local is "MISSING_MAILBOX" or domain is "MISSING_DOMAIN" */
};

/* ERROR_LIMIT only where the arena is full. An empty list gives NULL. */
error mail_address_parse(struct arena *arena, slice value, struct mail_address **out_first);

/* local@domain as it would be written, the local part quoted where it must be. */
void mail_address_write(struct buffer *buffer, slice local, slice domain);
/* True where the local part needs no quotes (RFC 5321 Dot-string; UTF-8 counts as atext). */
bool mail_address_local_is_plain(slice local);
