#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * APPEND up to the message (RFC 3501 6.3.11). The message itself is a literal that is received
 * straight into a body, so this is read while the command's text still ends in the announcement
 * "{n}".
 */
#include "format/imap/flag.h"
#include "format/imap/frame.h"
#include "format/imap/mailbox.h"

struct imap_append {
    slice mailbox;
    struct imap_flags flags;
    bool dated;
    int64_t date; /* seconds since 1970, where dated */
    struct imap_literal literal;
};

/* From the space behind the verb to the end. ERROR_MALFORMED also where the announced literal is
 * not the message but the mailbox name: read on as for any command. */
error imap_append_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                        struct imap_append *out_append);
