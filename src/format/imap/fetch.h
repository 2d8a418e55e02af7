#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The arguments of FETCH and UID FETCH (RFC 3501 6.4.5).
 */
#include "format/imap/section.h"
#include "format/imap/set.h"

enum imap_fetch_item { /* those without arguments */
                       IMAP_FETCH_FLAGS = 1 << 0,
                       IMAP_FETCH_UID = 1 << 1,
                       IMAP_FETCH_INTERNALDATE = 1 << 2,
                       IMAP_FETCH_SIZE = 1 << 3, /* RFC822.SIZE */
                       IMAP_FETCH_ENVELOPE = 1 << 4,
                       IMAP_FETCH_BODY = 1 << 5, /* BODY: the structure without extension data */
                       IMAP_FETCH_BODYSTRUCTURE = 1 << 6,
};

enum imap_fetch_label { /* how a piece is named in the answer */
                        IMAP_FETCH_AS_BODY,
                        IMAP_FETCH_AS_RFC822,
                        IMAP_FETCH_AS_RFC822_HEADER,
                        IMAP_FETCH_AS_RFC822_TEXT,
};

struct imap_fetch_body {
    enum imap_fetch_label label;
    bool peek; /* does not set \Seen */
    struct imap_section section;
    struct imap_partial partial;
};

struct imap_fetch {
    struct imap_set set; /* not resolved */
    uint32_t items;      /* enum imap_fetch_item */
    uint32_t body_count;
    struct imap_fetch_body *bodies; /* in the order asked for */
};

/* From the space behind the verb to the end. Lies in the arena and the command. */
error imap_fetch_parse(struct cursor *c, struct arena *arena, struct imap_fetch *out_fetch);
/* "BODY[1.TEXT]<0>", "RFC822.HEADER": the name in the answer */
void imap_fetch_body_write_name(const struct imap_fetch_body *body, struct buffer *out);
