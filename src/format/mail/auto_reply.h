#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mail that a machine answers (RFC 3834, RFC 5230 4.5 to 5): whether it may, and the answer's text.
 * Pure.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

enum {
    MAIL_AUTO_REPLY_SIZE_MAX = 1 << 20,
    MAIL_AUTO_REPLY_SUBJECT_SIZE_MAX = 512,     /* bytes taken over from the mail */
    MAIL_AUTO_REPLY_REFERENCES_SIZE_MAX = 4096, /* " */
};

/* Why there is no answer; NULL: there may be one. `sender`: the reverse path. What comes from a
 * list, from a machine, or from nobody is never answered (RFC 5230 4.6, RFC 3834 2). */
const char *mail_auto_reply_refusal(slice sender, slice header);
/* Is the mail to one of these (To, Cc, Bcc and their Resent- forms)? RFC 5230 4.5. */
error mail_auto_reply_is_addressed(slice header, const slice *addresses, unsigned count,
                                   struct arena *arena, bool *out_addressed);

struct mail_auto_reply {
    slice header;  /* of the mail that is answered */
    slice from;    /* "address", or as From: would say it */
    slice to;      /* the reverse path */
    slice subject; /* UTF-8; empty: "Auto: " and the mail's */
    slice text;    /* UTF-8; or, with `mime`, a MIME entity: fields, an empty line, its body */
    bool mime;
    const char *submitted; /* what Auto-Submitted says: "auto-replied (vacation)" */
    slice message_id;      /* with its angle brackets */
    int64_t now;           /* seconds since 1970 */
};
/* ERROR_LIMIT where it becomes too large. */
error mail_auto_reply_write(const struct mail_auto_reply *reply, struct arena *arena,
                            struct buffer *out);
