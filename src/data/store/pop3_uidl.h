#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Unique ids that POP3 clients know messages by where they do not follow from UID and UIDVALIDITY:
 * those that a dovecot-uidlist has of its own (P: from a migration before, or pop3_save_uidl). They
 * are kept in "ringmail.uidl" beside the index, written once, when a mailbox is first opened: a
 * line "UID ID" for each, in the order of UIDs. No UID is used twice, so it stays right for ever.
 */
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"

#include <stdint.h>

struct mailbox;

enum {
    STORE_UIDL_SIZE_MAX = 255, /* bytes of an id; longer ones are passed over */
    STORE_UIDL_FILE_SIZE_MAX = 256 << 20,
};

/* The file in memory. A zeroed one has no ids. */
struct mailbox_uidls {
    char *memory;
    slice content;
    struct cursor rest; /* behind `uid` */
    uint32_t uid;       /* of the line last read; 0: none */
    slice uidl;
};

/* Reads it, in place; most mailboxes have none. ERROR_LIMIT, ERROR_SYSTEM. */
error mailbox_uidls_open(const struct mailbox *mailbox, struct mailbox_uidls *out_uidls);
void mailbox_uidls_close(struct mailbox_uidls *uidls);
/* Empty where the message has none of its own; valid until closed. Quick when asked in the order of
 * UIDs. */
slice mailbox_uidls_find(struct mailbox_uidls *uidls, uint32_t uid);

/* For the first opening, on a worker: a line, where the id is one that a client can have seen (RFC
 * 1939 7: visible ASCII); then the file, durably. */
void mailbox_uidls_add(uint32_t uid, slice uidl, struct buffer *lines);
error mailbox_uidls_write(int directory, const struct buffer *lines);
