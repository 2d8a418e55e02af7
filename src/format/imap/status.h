#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The items of STATUS (RFC 3501 6.3.10, RFC 8438 SIZE, RFC 9051 DELETED), also inside LIST's RETURN
 * (RFC 5819).
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include "format/imap/mailbox.h"

/* In the order they are written. */
#define IMAP_STATUS_ITEMS(X)                                                                       \
    X(MESSAGES)                                                                                    \
    X(RECENT)                                                                                      \
    X(UIDNEXT)                                                                                     \
    X(UIDVALIDITY)                                                                                 \
    X(UNSEEN)                                                                                      \
    X(DELETED)                                                                                     \
    X(SIZE)

enum imap_status_index {
#define X(name) IMAP_STATUS_INDEX_##name,
    IMAP_STATUS_ITEMS(X)
#undef X
        IMAP_STATUS_ITEM_COUNT
};
enum imap_status_item {
#define X(name) IMAP_STATUS_##name = 1 << IMAP_STATUS_INDEX_##name,
    IMAP_STATUS_ITEMS(X)
#undef X
};

struct imap_status {
    slice mailbox;
    uint32_t items;
};

/* From the space behind the verb to the end. */
error imap_status_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                        struct imap_status *out_status);
/* "(" item *(SP item) ")" */
error imap_status_items_parse(struct cursor *c, uint32_t *out_items);
/* "* STATUS name (MESSAGES 1 ...)" CRLF; values by enum imap_status_index. */
void imap_status_write(slice mailbox, enum imap_name_form form, uint32_t items,
                       const uint64_t values[IMAP_STATUS_ITEM_COUNT], struct buffer *out);
