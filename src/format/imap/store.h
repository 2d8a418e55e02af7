#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The arguments of STORE and UID STORE (RFC 3501 6.4.6).
 */
#include "format/imap/flag.h"
#include "format/imap/set.h"

enum imap_store_mode { IMAP_STORE_REPLACE, IMAP_STORE_ADD, IMAP_STORE_REMOVE };

struct imap_store {
    struct imap_set set; /* not resolved */
    enum imap_store_mode mode;
    bool silent;
    struct imap_flags flags;
};

/* From the space behind the verb to the end. */
error imap_store_parse(struct cursor *c, struct arena *arena, struct imap_store *out_store);
